"""The one table of a job's variants: scores, differences to the base seed by seed, bytes, time, cost.

Pure: what each variant's run left comes in, rows go out. Formulas stand in runner.statistics.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from runner.job.spec import JobSpec
from runner.results.record import RecordData
from runner.results.variants import VariantRow, VariantTable
from runner.search.variants import Family, Variant
from runner.statistics import CONFIDENCE, describe, holm, paired


def variant_table(
    family: Family, done: Mapping[str, RecordData], not_run: Mapping[str, VariantRow], cap_bytes: int
) -> VariantTable:
    """The table; done: variant -> its judged run; not_run: rows of those that have none."""
    base = done.get(family.base.name)
    rows = [
        row_of(variant, done[variant.name], base if variant is not family.base else None)
        if variant.name in done
        else not_run.get(variant.name, VariantRow(name=variant.name, state="not run"))
        for variant in family.variants
    ]
    tested = [index for index, row in enumerate(rows) if row.p is not None]
    for index, p in zip(tested, holm([rows[index].p or 0.0 for index in tested]), strict=True):
        rows[index] = rows[index].model_copy(update={"p_holm": p})
    return VariantTable(
        job=family.name,
        base=family.base.name,
        confidence_percent=round(100 * CONFIDENCE),
        cap_bytes=cap_bytes,
        rows=rows,
    )


def scores_of(data: RecordData) -> dict[int, float]:
    """Seed -> published score, of those that have one."""
    return {result.seed: result.final_score.val_bpb for result in data.results if result.final_score is not None}


def largest_bytes(data: RecordData) -> int | None:
    """Script and artifact as the referee counted them, of the largest seed."""
    counted = [
        item.code_bytes + item.artifact_bytes for item in data.verifications if item.artifact_bytes is not None
    ]
    return max(counted, default=None)


def row_of(variant: Variant, data: RecordData, base: RecordData | None) -> VariantRow:
    """A variant that ran, held against the base; base: None for the base itself, or where that has no run."""
    scores, total = scores_of(data), largest_bytes(data)
    found = describe(list(scores.values())) if scores else None
    steps = [result.log.step_avg_ms for result in data.results if result.log.step_avg_ms is not None]
    seconds = [launch.seconds for launch in data.launches if launch.seconds is not None]
    packing = sum(data.repacked.seconds.values()) if data.repacked is not None else 0.0
    hours = (sum(seconds) + packing) / 3600 if seconds else None
    price = data.dollars_per_hour
    row = VariantRow(
        name=variant.name,
        run=data.run,
        state="repacked" if data.repacked is not None else "trained",
        verdict=data.verdict.status,
        reason=data.verdict.reasons[0] if data.verdict.reasons else "",
        seeds=list(scores),
        val_bpb=list(scores.values()),
        mean=None if found is None else found.mean,
        std=None if found is None else found.std,
        bytes_total=total,
        headroom_bytes=None if total is None else int(data.limits["cap_bytes"]) - total,
        step_ms=statistics.fmean(steps) if steps and data.repacked is None else None,
        hours=hours,
        dollars=None if hours is None or price is None else hours * price,
        **reference_of(variant.job),
    )
    return row if base is None else row.model_copy(update=against(scores, scores_of(base)))


def against(scores: Mapping[int, float], base: Mapping[int, float]) -> dict[str, float | int | None]:
    """Differences to the base over the seeds that both have: of one pair the difference alone, of none nothing."""
    shared = [seed for seed in base if seed in scores]
    one, two = [base[seed] for seed in shared], [scores[seed] for seed in shared]
    if not shared:
        return {"pairs": 0}
    told: dict[str, float | int | None] = {
        "pairs": len(shared),
        "delta": describe([b - a for a, b in zip(one, two, strict=True)]).mean,
    }
    try:
        test = paired(one, two)
    except ValueError:
        return told
    return told | {"delta": test.delta, "low": test.low, "high": test.high, "p": test.p}


def reference_of(job: JobSpec) -> dict[str, float | int | None]:
    """The published figures that the job reproduces: a log's before a claim."""
    if job.reference is None:
        return {}
    seeds, whole = job.reference.seeds, [job.reference.logged, job.reference.claimed]
    scores = [one.bpb for one in whole if one.bpb is not None]
    sizes = [one.bytes_total for one in whole if one.bytes_total is not None]
    for figures in ([seed.logged for seed in seeds], [seed.claimed for seed in seeds]):
        told = [one.bpb for one in figures if one.bpb is not None]
        scores += [statistics.fmean(told)] if told else []
        sizes += (
            [max(total)] if (total := [one.bytes_total for one in figures if one.bytes_total is not None]) else []
        )
    return {"reference_bpb": next(iter(scores), None), "reference_bytes": next(iter(sizes), None)}
