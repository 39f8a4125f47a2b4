"""What `golf plan` shows: a job's seeds, place, data, size, steps, time and price, each figure with its unit.

What cannot be known here is said to be unknown, and how it would be known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.budget.gate import Gate
from runner.job.hardware import claimants
from runner.job.spec import JobSpec
from runner.job.variables import counted_variables
from runner.listing import counted, listed
from runner.node.environment import GOLFS, GOLFS_KINDS, handed_on
from runner.plan.data_tables import first_score_notes, text_notes
from runner.plan.plan import Outline
from runner.plan.run_time import SETUP_GUESS_S, TryTime, gate_of, job_time, price
from runner.plan.size_forecast import against_cap, told_bytes
from runner.plan.step_time import StepTime, cut_off, duration, is_slow, rehearsal, warm_up_steps
from runner.printable import cut
from runner.results.datasets import DataFacts
from runner.results.verdicts import SizeForecast
from runner.script.eval_switch import score_alone
from runner.sinks.sink import told_orders

Row = tuple[str, str]
UNVERIFIED = "nothing will show that its artifact alone has its score; the run ends unverified at best. To mend it:"


def plan_table(rows: Sequence[Row]) -> Table:
    """Rows of (title, text) as people read them; the text of a row without a title belongs to the one above."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in rows:
        table.add_row(title, Text(text))
    return table


def rows_of_plan(
    plan: Outline,
    where: str,
    data: DataFacts | str,
    step: StepTime | None,
    one: TryTime,
    past: SizeForecast | None = None,
    past_seconds: Sequence[float] = (),
    source: str = "",
    surroundings: Mapping[str, str] | None = None,
    saved: Sequence[Row] = (),
) -> list[Row]:
    """The rows but for the job's claim.

    data: its facts, or how to bring it where it is not here; step, one: an optimizer step and a try; past,
    past_seconds: what earlier runs say of the size, and how long they took; source: somebody else's script;
    surroundings: the environment of the node that would run it, None where that is another machine's; saved: what is
    known of shaped steps (past_sizes.py).
    """
    job = plan.job
    alone = "a node alone with " if plan.need.alone else ""
    return [
        ("job", f"{job.name}, track {job.track}"),
        ("seeds", f"{listed(job.seeds)} ({min(plan.together, len(job.seeds))} at a time)"),
        ("where", f"{where}; hardware {plan.hardware.name}"),
        *(("", note) for note in hardware_notes(plan)),
        ("each seed", f"{plan.nproc} process{'' if plan.nproc == 1 else 'es'}, {alone}{plan.need}"),
        *data_rows(plan, data),
        *size_rows(plan, past),
        *saved,
        *score_rows(plan.job, source),
        *step_rows(plan, step),
        ("training", f"stops {stop(plan)}; limit {plan.limits.train_seconds:,g} s"),
        ("evaluation", f"limit {plan.limits.eval_seconds:,g} s"),
        *variable_rows(plan.job, surroundings),
        *apart_rows(plan),
        *time_rows(plan, step, one, past_seconds),
        *budget_rows(plan, one, past_seconds),
        *sink_rows(plan.job),
    ]


def plan_facts(
    plan: Outline,
    where: str,
    script_sha256: str,
    step: StepTime | None,
    one: TryTime,
    past_seconds: Sequence[float],
    rows: Sequence[Row],
) -> dict[str, Any]:
    """The same as plain data, figures unrounded, in seconds and bytes; None: not known.

    where, step, one, past_seconds, rows: as `rows_of_plan` takes and gives them.
    """
    took = job_time(plan, one, past_seconds)
    return {
        "job": plan.job.name,
        "track": plan.job.track,
        "seeds": list(plan.job.seeds),
        "at_a_time": min(plan.together, len(plan.job.seeds)),
        "where": where,
        "hardware": plan.hardware.name,
        "processes": plan.nproc,
        "node_alone": plan.need.alone,
        "script_sha256": script_sha256,
        "parameters": plan.parameters,
        "cap_bytes": plan.limits.cap_bytes,
        "size_bytes": None if plan.forecast is None else plan.forecast.model_dump(mode="json"),
        "train_limit_seconds": plan.limits.train_seconds,
        "eval_limit_seconds": plan.limits.eval_seconds,
        "step_operations": None if step is None else step.operations,
        "step_seconds": None if step is None else step.seconds,
        "try_seconds": one.total,
        "seconds_once": took.once,
        "seconds_every_try": took.every_try,
        "dollars_per_node_hour": plan.hardware.dollars_per_hour,
        "budget_share": None if (gate := expected_gate(plan, one, past_seconds)) is None else share(plan, gate),
        "rows": [[title, text] for title, text in rows],
    }


def variable_rows(job: JobSpec, surroundings: Mapping[str, str] | None) -> list[Row]:
    """What the script finds in its environment: of the node by name, of the job with its value."""
    node = "what is on golf's list of each node's own"
    if surroundings is not None:
        node = ", ".join(name for name in handed_on(surroundings) if name not in GOLFS)
    golfs = [*GOLFS, *(f"{kind}*" for kind in GOLFS_KINDS)]
    rows = [("variables", f"from the node: {node}"), ("", f"from golf: {', '.join(golfs)}")]
    for title, settings in (("from the job", job.env), ("for evaluation", job.outputs.eval_env)):
        if settings:
            rows.append(
                ("", f"{title}: {', '.join(cut(f'{name}={value}', 100) for name, value in settings.items())}")
            )
    size = counted_variables(job.env, job.outputs.eval_env)
    if size:
        rows.append(("", f"the job's are {size:,} bytes, more than settings take, and count as code"))
    return rows


def apart_rows(plan: Outline) -> list[Row]:
    """What training may reach; each node says by itself how well it can hold it to that."""
    network = "the network, since the job says network: true" if plan.job.network else "no network"
    shards = "no validation shards" if plan.job.isolate else "all shards, none to change"
    return [("training reaches", f"{network}; {shards}; evaluation neither network nor training shards")]


def hardware_notes(plan: Outline) -> list[str]:
    """What the hardware means for the record."""
    allowed = claimants(plan.job.track)
    if not allowed or plan.hardware.name in allowed:
        return []
    return [f"track {plan.job.track} wants {' or '.join(allowed)}: a run here is labelled so and ends rejected"]


def data_rows(plan: Outline, data: DataFacts | str) -> list[Row]:
    """The job's text, or how to get it and what is unknown until then."""
    if isinstance(data, DataFacts):
        text = f"{data.name}: {data.train_tokens:,} training and {data.val_tokens:,} validation tokens"
        notes = [*text_notes(data, plan.job.track), *first_score_notes(data)]
        return [("data", text), *(("", note) for note in notes)]
    unknown = "whether the tokenizer fits, how much text there is"
    if plan.job.script is None:
        unknown += f", how many tokens rule {plan.job.config.eval.rule} scores"
    return [("data", data), ("", f"not known without it: {unknown}")]


def size_rows(plan: Outline, past: SizeForecast | None) -> list[Row]:
    """Parameters and bytes, as far as they are known beforehand."""
    cap = f"cap {plan.limits.cap_bytes:,} bytes"
    if plan.forecast is None:
        return [("script", f"{plan.job.script}"), ("size", f"not known beforehand; {cap}")]
    over = against_cap(plan.forecast, plan.limits.cap_bytes)
    rows = [
        ("parameters", f"{plan.parameters:,}"),
        ("size", f"{told_bytes(plan.forecast)}, {cap}{over and '; '}{over}"),
        ("", plan.forecast.basis),
    ]
    if past is not None:
        rows += [("size, from the past", told_bytes(past)), ("", past.basis)]
    return rows


def score_rows(job: JobSpec, source: str) -> list[Row]:
    """What somebody else's script lacks for a verdict: known before it costs anything."""
    if job.script is None or job.outputs.eval_env:
        return []
    lines = score_alone(source, job.script.name, job.outputs.artifact, "", "")
    return [("warning", UNVERIFIED), *(("", line) for line in lines)]


def step_rows(plan: Outline, step: StepTime | None) -> list[Row]:
    """An optimizer step and the warm-up, which only our script tells of."""
    if step is None:
        return []
    work = f"{step.operations:.3g} FLOPs for {plan.job.config.batch.train_batch_tokens:,} tokens"
    takes = step.basis if step.seconds is None else f"about {duration(step.seconds)} ({step.basis})"
    rows = [("a step", f"{work}; {takes if step.measured or step.seconds is None else step.basis}")]
    before = warm_up_steps(plan.job.config)
    if before:
        takes = "how long is not known" if step.seconds is None else f"about {duration(before * step.seconds)}"
        guess = "" if step.measured or step.seconds is None else " (a guess)"
        rows.append(("warm-up", f"{counted(before, 'step')} before the clock, {takes}{guess}"))
    slow = rehearsal(plan.job, step) if is_slow(step) and not plan.hardware.on_gpu else ""
    return [*rows, *(("warning", text) for text in (slow, cut_off(plan.job, step)) if text)]


def stop(plan: Outline) -> str:
    """When training stops."""
    if plan.job.script is not None:
        return "when its script does"
    schedule = plan.job.config.schedule
    if schedule.kind == "wallclock":
        return f"after {schedule.max_wallclock_seconds:,g} s"
    return f"after {counted(schedule.iterations, 'step')}"


def time_rows(plan: Outline, step: StepTime | None, one: TryTime, past_seconds: Sequence[float]) -> list[Row]:
    """Time and price of all seeds: each in its first try, and in its last."""
    took, tries = job_time(plan, one, past_seconds), plan.job.tries
    times = [took.once] + ([took.every_try] if tries > 1 else [])
    seeds = "for the seed" if len(plan.job.seeds) == 1 else "for all seeds"
    told = f"about {duration(took.once)} {seeds}"
    if tries > 1:
        told += f"; up to {duration(took.every_try)} if every try is used ({tries} a seed)"
    if step is not None and cut_off(plan.job, step):
        told += "; less where golf ends it as the warning says"
    cost = price(plan, times, len(plan.job.seeds))
    return [("time", told), ("", took.basis), *([("price", cost)] if cost else [])]


def expected_gate(plan: Outline, one: TryTime, past_seconds: Sequence[float]) -> Gate | None:
    """What the job may spend, before anything is; None without a budget. UserError for dollars without a price."""
    gate = gate_of(plan, [], one)
    if gate is not None and past_seconds:
        gate.longest = max(past_seconds) + SETUP_GUESS_S
    return gate


def share(plan: Outline, gate: Gate) -> float:
    """Of its budget that all seeds are expected to take in one try each."""
    return len(plan.job.seeds) * gate.expected() / gate.allowance.seconds


def budget_rows(plan: Outline, one: TryTime, past_seconds: Sequence[float]) -> list[Row]:
    """The expected share of the budget, and where that does not reach."""
    gate = expected_gate(plan, one, past_seconds)
    if gate is None:
        return []
    seeds, allowed, expected = len(plan.job.seeds), gate.allowance, gate.expected()
    told = f"{allowed.limit()}: {counted(seeds, 'seed')} once about {allowed.told(seeds * expected)}, "
    told += f"{share(plan, gate):.0%} of it"
    if plan.job.tries > 1:
        most = seeds * plan.job.tries * max(expected, gate.full) / allowed.seconds
        told += f"; up to {most:.0%} if every try is used"
    rows = [("budget", told)]
    if (fit := gate.fitting(seeds)) < seeds:
        reaches = f"the run would stop after {counted(fit, 'seed')} of {seeds}" if fit else "not one seed would start"
        rows.append(("warning", f"the budget does not reach: {reaches}; raise budget: in the job"))
    return rows


def sink_rows(job: JobSpec) -> list[Row]:
    """Who else would be shown the run, and what they lack here."""
    told = list(told_orders(job.sinks, Path()))
    return [("sinks" if index == 0 else "", line) for index, line in enumerate(told)]
