"""What a judgement rests on: the job's demands, the evidence on each seed, and the shape of an answer.

Also how a measured number is written: in as many digits as it takes to stand on its own side of its limit.
Not here: the questions (runner.judge.checks, clock_checks, score_checks) and the verdict (runner.judge.judge).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from runner.results.datasets import DataFacts
from runner.results.frozen import Status
from runner.results.runs import LeftOut, RunResult
from runner.results.verdicts import Verification, Yardstick

NOT_MEASURED = "not measured"
SAME_BPB_CPU = 1e-9
SAME_BPB_GPU = 1e-5
"""RULES: how far two scores of one artifact may lie apart, bpb. On a CPU both processes run the same kernels. On a
GPU they need not: compilers and libraries choose kernels by measuring, and sums in another order round otherwise.
That moves single losses in bfloat16 a hundred times further than this, without a direction, so the mean over many
targets should stay within it. No GPU has been there to show it: should two processes choose different attention
kernels and differ by more, the check fails, and the way out is to name the kernel (runtime.attention)."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Evidence:
    """All that is known of one seed; None where there is nothing, or more than one thing, to look at."""

    seed: int
    result: RunResult | None
    verification: Verification | None


@dataclass(frozen=True)
class Case:
    """What is judged: the job's demands and the evidence."""

    cap_bytes: int
    train_seconds: float
    eval_seconds: float
    seeds: tuple[int, ...]
    script_sha256: str
    nproc: int
    """Processes ordered for each seed."""
    allowed_hardware: tuple[str, ...]
    results: tuple[RunResult, ...]
    verifications: tuple[Verification, ...]
    to_beat: Yardstick | None = None
    """What every seed's published score must beat, where the job asks for it."""
    spare_tail: float = 0.0
    """Share of the text that may be left out as a tail which fills no sequence (runner.job.tracks)."""
    data: DataFacts | None = None
    """What was counted in the shards; None where that was not handed down."""
    left_out: LeftOut | None = None
    """What was run and does not count; None where nobody looked, as in records of before."""

    def evidence(self) -> list[Evidence]:
        """One entry per seed: those asked for in their order, then uninvited ones by number."""
        return self._evidence

    @cached_property
    def _evidence(self) -> list[Evidence]:
        results: dict[int, list[RunResult]] = {}
        counted: dict[int, list[Verification]] = {}
        for result in self.results:
            results.setdefault(result.seed, []).append(result)
        for item in self.verifications:
            counted.setdefault(item.seed, []).append(item)
        asked = list(dict.fromkeys(self.seeds))
        uninvited = sorted({*results, *counted} - set(asked))
        return [
            Evidence(seed, _only(results.get(seed, [])), _only(counted.get(seed, [])))
            for seed in [*asked, *uninvited]
        ]


@dataclass(frozen=True)
class Answer:
    """One answer with what was measured and what was allowed, both with unit."""

    status: Status
    measured: str
    limit: str
    detail: str = ""
    note: str = ""
    """What it does not show; stands beside the answer even where it is pass."""


def status_of(good: bool) -> Status:
    """pass or fail, for what was seen."""
    return "pass" if good else "fail"


def beside(value: float, bound: float, style: str = "f", least: int = 2) -> str:
    """`value` in as few digits, `least` at least, as still stand on the same side of `bound`."""
    for digits in range(least, 13):
        text = f"{value:,.{digits}{style}}"
        if (float(text.replace(",", "")) <= bound) == (value <= bound):
            return text
    return repr(value)


def percent(share: float) -> str:
    """A share as people write it, with two digits that count: 0.26 %, 0.1 %; what is less than all is under 100 %."""
    if share <= 0:
        return "0 %"
    digits = max(0, 1 - math.floor(math.log10(100 * share)))
    while digits < 9 and share < 1 and float(f"{100 * share:.{digits}f}") >= 100:
        digits += 1
    text = f"{100 * share:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} %"


def plain(number: float) -> str:
    """A limit as people write it: 600, not 600.0; at most six decimals."""
    return f"{number:,.6f}".rstrip("0").rstrip(".")


def _only(items: Sequence[Item]) -> Item | None:
    return items[0] if len(items) == 1 else None
