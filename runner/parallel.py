"""One piece of work on each of many items, by as many processes as there are processors, answers in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from runner.machine import usable_cpus

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def in_parallel(
    work: Callable[[Item], Answer],
    items: Sequence[Item],
    processes: int | None = None,
    *,
    few: int = 1,
    most: int = 1,
) -> Iterator[Answer]:
    """`work(item)` of each item, in the items' order, each as soon as it and those before it are there.

    processes: at most so many, else one a processor; few: so many items are not worth other processes; most: items
    that travel to a process at a time. What `work` takes, gives and raises must be able to travel, too.
    """
    workers = min(processes or usable_cpus(), len(items))
    if workers <= 1 or len(items) <= few:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(work, items, chunksize=max(1, min(most, len(items) // (4 * workers))))
