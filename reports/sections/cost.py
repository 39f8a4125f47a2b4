"""The README's section "What it took": node-hours, GPU-hours and dollars of the seeds that count and of all launches.

Hours are those of the ledger, from an attempt's start on its node to its end. What nobody noted is unknown, and a sum
with an unknown part says that it is only what is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

from reports.markdown import Markdown, code, escaped, table
from reports.numbers import MISSING, fixed
from reports.sections.ledger import counted_attempts
from runner.listing import few
from runner.results.record import RecordData
from runner.results.runs import Launch

UNKNOWN = "unknown"
UNPRICED = "What such a node costs is not known here, so no cost is given."


@dataclass(frozen=True)
class Rates:
    """What an hour of one launch comes to."""

    gpus: int | None
    dollars: float | None


def cost_section(data: RecordData) -> dict[str, Any] | None:
    """Table and words; None where the ledger told of no launch."""
    if not data.launches:
        return None
    rates = Rates(data.gpus_per_seed, data.dollars_per_hour)
    taken = set.union(*counted_attempts(data))
    of_seed: dict[int, list[Launch]] = defaultdict(list)
    for launch in data.launches:
        of_seed[launch.seed].append(launch)
    heads = ["seed", "launches", "node-hours", "GPU-hours", "cost"]
    heads += [f"{head}, all launches" for head in heads[2:]]
    rows: list[list[object]] = [
        [seed, len(launches), *_figures(_counted(launches, taken), rates), *_figures(launches, rates)]
        for seed, launches in few(list(of_seed.items()))
    ]
    if len(of_seed) > len(rows):
        rows.append([f"and {len(of_seed) - len(rows):,} more", *[""] * (len(heads) - 1)])
    ours = _counted(data.launches, taken)
    rows.append([Markdown("**all**"), len(data.launches), *_figures(ours, rates), *_figures(data.launches, rates)])
    return {"table": table("r" * len(heads), heads, rows), "price": price_sentence(data)}


def _counted(launches: Sequence[Launch], taken: Set[tuple[int, int]]) -> list[Launch]:
    """Those that the record's results come from, be it their training alone."""
    return [launch for launch in launches if (launch.seed, launch.attempt) in taken]


def _figures(launches: Sequence[Launch], rates: Rates) -> list[str]:
    """Node-hours, GPU-hours and dollars of some launches."""
    if not launches:
        return [MISSING] * 3
    known = [launch.seconds for launch in launches if launch.seconds is not None]
    if not known:
        return [UNKNOWN] * 3
    least = "at least " if len(known) < len(launches) else ""
    hours = sum(known) / 3600
    gpu_hours = UNKNOWN if rates.gpus is None else f"{least}{fixed(hours * rates.gpus, 3)}" if rates.gpus else "0"
    dollars = UNKNOWN if rates.dollars is None else f"{least}${fixed(hours * rates.dollars, 2)}"
    return [f"{least}{fixed(hours, 3)}", gpu_hours, dollars]


def price_sentence(data: RecordData) -> Markdown:
    """Where the dollars come from."""
    profile = code(data.job.get("hardware") or UNKNOWN)
    unended = sum(launch.seconds is None for launch in data.launches)
    told = f" Of {unended} {'launch' if unended == 1 else 'launches'} no end was noted." if unended else ""
    if data.dollars_per_hour is None:
        return Markdown(f"The hardware profile is {profile}. {UNPRICED}{told}")
    price = escaped(f"${data.dollars_per_hour:,g}")
    return Markdown(
        f"A node of the hardware profile {profile} is taken to cost {price} an hour, a guess that stands in the "
        f"profile, as if every launch had its node alone.{told}"
    )
