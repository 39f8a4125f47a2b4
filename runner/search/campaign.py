"""All variants of a job, one run after the other, to one table.

Each is a run like any other, with its folder, ledger and record; what has ended is kept, so that the same command
goes on where it was killed. What cannot fit under the cap is said before anything runs, and is not run. How a run is
driven and a record written are the caller's (only the command line may know the reporter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from runner.drive.assess import JudgedRun, publish
from runner.drive.opened_run import sole_driver
from runner.errors import UserError
from runner.folder.ledger import Ledger
from runner.job.spec import JobSpec
from runner.job.tracks import limits_for
from runner.plan.plan import checked_data, require_size
from runner.plan.size_forecast import against_cap, forecast_bytes
from runner.results.variants import VariantRow, VariantTable
from runner.script.bundle import script_of
from runner.search.table import row_of, variant_table
from runner.search.variants import Family, Variant

Say = Callable[[str], None]


@dataclass(frozen=True)
class Campaign:
    """What every variant left, and the table of all."""

    runs: dict[str, JudgedRun]
    table: VariantTable


def infeasible_row(variant: Variant, code_bytes: int) -> VariantRow | None:
    """What is said of a variant whose artifact is not expected to fit; None where it may, or is to run all the same.

    A job alone is refused only where it cannot fit at all; of several, those that most likely end rejected are not
    worth their hours. `allow_over_cap: true` in a variant's `set` runs it.
    """
    job = variant.job
    if job.script is not None or job.allow_over_cap or variant.repack:
        return None
    cap, forecast = limits_for(job).cap_bytes, forecast_bytes(job.config, code_bytes)
    expected = forecast.expected or forecast.low
    if forecast.low <= cap and against_cap(forecast, cap) != "likely over it":
        return None
    told = f"about {expected / 1e6:.1f} MB are expected, over the cap of {cap:,} bytes ({forecast.basis})"
    return VariantRow(
        name=variant.name,
        state="infeasible",
        reason=told,
        bytes_total=expected,
        headroom_bytes=cap - expected,
    )


@dataclass(frozen=True)
class Outlook:
    """What is expected of a variant before anything runs."""

    name: str
    job: str
    """The job's name, which its run and its record have."""
    settings: dict[str, object]
    """Path -> value of what it has other than the base."""
    state: Literal["run", "repack", "infeasible"]
    """repack: packed from the base's weights; infeasible: not run."""
    expected_bytes: int | None
    """Script and artifact; None where nothing is known."""
    reason: str = ""
    """Why it is infeasible."""


def outlooks(family: Family) -> list[Outlook]:
    """One for each variant, the base first; those that a profile leaves out are not among them."""
    code = script_of(family.base.job).code_bytes  # the others' differ by a few bytes
    found = []
    for variant in family.variants:
        job = variant.job
        row = None if variant is family.base else infeasible_row(variant, code)
        found.append(
            Outlook(
                name=variant.name,
                job=job.name,
                settings={setting.path: setting.value for setting in variant.settings},
                state="infeasible" if row is not None else "repack" if variant.repack else "run",
                expected_bytes=None if job.script is not None else forecast_bytes(job.config, code).expected,
                reason="" if row is None else row.reason,
            )
        )
    return found


HOW = {"run": "", "repack": "packed from the base's weights", "infeasible": "infeasible, not run"}


def outlook_lines(family: Family, found: Sequence[Outlook]) -> Iterator[str]:
    """The same in words, and what is left out."""
    yield f"{family.name}: {len(family.variants)} variants, the plan below is of {family.base.job.name}, the base"
    wide = max(len(one.name) for one in found)
    for one in found:
        size = "of unknown size" if one.expected_bytes is None else f"about {one.expected_bytes:,} bytes"
        yield f"  {one.name:<{wide}}  {size}{f', {HOW[one.state]}' if HOW[one.state] else ''}"
    yield from (f"  {name}: the same as another one under this profile, left out" for name in family.same)


def prepare(family: Family, say: Say) -> dict[str, VariantRow]:
    """Rows of those that will not run; UserError, before anything runs, where the base or any variant's data cannot
    work."""
    code = script_of(family.base.job).code_bytes
    require_size(family.base.job, code)
    rows: dict[str, VariantRow] = {}
    looked: list[tuple[object, ...]] = []
    for variant in family.variants:
        row = None if variant is family.base else infeasible_row(variant, code)
        if row is not None:
            rows[variant.name] = row
            say(f"variant {variant.name} is infeasible and not run: {row.reason}")
            continue
        job = variant.job
        needs = (job.data, job.config.model.vocab_size, job.config.batch.train_seq_len, job.config.eval)
        if needs not in looked:
            looked.append(needs)
            try:
                checked_data(job, say)
            except UserError as error:
                raise UserError(f"variant {variant.name}: {error}") from None
    for name in family.same:
        say(f"variant {name} is left out: this profile makes it the same as another one")
    return rows


def run_family(
    family: Family,
    drive: Callable[[JobSpec], JudgedRun],
    repack: Callable[[JudgedRun, Variant], JudgedRun],
    say: Say,
) -> Campaign:
    """Run every variant to its verdict.

    drive: runs a job; repack: packs the base's kept weights by a variant's export. What a variant's record says of
    the others is put in when all have ended: see `with_table`.
    """
    rows = prepare(family, say)
    cap = limits_for(family.base.job).cap_bytes
    runs: dict[str, JudgedRun] = {}
    for number, variant in enumerate(family.variants, start=1):
        if variant.name in rows:
            continue
        say(f"variant {variant.name} ({number} of {len(family.variants)})")
        base = runs.get(family.base.name)
        if not variant.repack:
            runs[variant.name] = drive(variant.job)
        elif base is not None:
            try:
                runs[variant.name] = repack(base, variant)
            except UserError as error:  # of one export, or of a base that came to nothing: the others stand
                rows[variant.name] = VariantRow(name=variant.name, state="not run", reason=str(error))
                say(f"variant {variant.name} is not run: {error}")
                continue
        say(ended(variant, runs[variant.name]))
    table = variant_table(family, {name: run.data for name, run in runs.items()}, rows, cap)
    return Campaign({name: with_table(run, table) for name, run in runs.items()}, table)


def ended(variant: Variant, run: JudgedRun) -> str:
    """One line on a variant that has ended."""
    row = row_of(variant, run.data, None)
    score = "no score" if row.mean is None else f"{row.mean:.4f} bpb over {len(row.seeds)} of its seeds"
    return f"variant {variant.name} {run.data.verdict.status}: {score}{f'; {row.reason}' if row.reason else ''}"


def with_table(run: JudgedRun, table: VariantTable) -> JudgedRun:
    """The run with the table of all variants in its record, which its ledger vouches for."""
    data = run.data.model_copy(update={"variant_table": table})
    with sole_driver(run.folder):
        publish(Ledger(run.folder.ledger), data)
    return replace(run, data=data)
