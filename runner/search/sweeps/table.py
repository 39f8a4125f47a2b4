"""A sweep for people, in the terminal: its trials, the best, what is spent, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table
from rich.text import Text

from runner.listing import counted
from runner.printable import cut
from runner.search.sweeps.facts import SweepFacts, TrialFacts

MOST_ROWS = 60
MOST_REASON = 60


def trials_table(facts: SweepFacts) -> Table:
    """One row a trial, in their order; of many the last ones."""
    paths = [dimension["path"] for dimension in facts.space]
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("trial", "state", "bpb", "bytes", "headroom", *(short(path) for path in paths), "seconds", ""):
        table.add_column(title, justify="left" if title in ("state", "") else "right", overflow="fold")
    best = facts.best
    for trial in facts.trials[-MOST_ROWS:]:
        is_best = best is not None and trial.number == best.number
        table.add_row(*(Text(cell) for cell in _cells(trial, paths, is_best)), style="bold" if is_best else "")
    return table


def ranked_table(facts: SweepFacts, most: int = 10) -> Table:
    """The best trials under the cap, the best first."""
    ranked = facts.ranked[:most]
    return trials_table(facts.model_copy(update={"trials": ranked}))


def _cells(trial: TrialFacts, paths: list[str], is_best: bool) -> Iterator[str]:
    yield f"{trial.number}"
    yield "best" if is_best else trial.state
    score = "" if trial.bpb is None else f"{trial.bpb:.4f}"
    yield score if trial.state in ("scored", "running") or not score else f"({score})"
    yield "" if trial.total_bytes is None else f"{trial.total_bytes:,}"
    room = None if trial.total_bytes is None or trial.cap_bytes is None else trial.cap_bytes - trial.total_bytes
    yield "" if room is None else f"{room:,}"
    for path in paths:
        yield value_words(trial.params[path]) if path in trial.params else "-"
    yield f"{trial.seconds:.0f}" if trial.seconds else ""
    yield cut(trial.reason, MOST_REASON)


def short(path: str) -> str:
    """A field's name as a heading: the last of its path."""
    return path.rpartition(".")[2]


def value_words(value: object) -> str:
    """A parameter's value in few digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value}" if value != "" else '""'


def summary_lines(facts: SweepFacts) -> Iterator[str]:
    """Best, budget, end."""
    hidden = len(facts.trials) - MOST_ROWS
    if hidden > 0:
        yield f"and {hidden:,} earlier trials, which --json shows"
    yield best_line(facts)
    if any(trial.state in ("infeasible", "pruned") for trial in facts.trials):
        yield "a bpb in brackets does not count: over the cap, or ended early"
    yield f"spent: {', '.join(_spent(facts))}"
    yield _end(facts)
    yield from curse_lines(facts)


def best_line(facts: SweepFacts) -> str:
    """The best trial, or what there is instead."""
    best, counts = facts.best, _counts(facts)
    if best is None:
        return f"no trial has a score under the cap ({counts})"
    where = "  ".join(f"{short(path)} {value_words(value)}" for path, value in best.params.items())
    return f"best: trial {best.number}, {best.bpb:.4f} bpb on seed {_seeds(facts)}  {where}  ({counts})"


def _counts(facts: SweepFacts) -> str:
    states = ("scored", "infeasible", "pruned", "failed", "running")
    told = [(state, sum(trial.state == state for trial in facts.trials)) for state in states]
    listed = ", ".join(f"{count} {state}" for state, count in told if count)
    return f"{counted(len(facts.trials), 'trial')}{': ' + listed if listed else ''}"


def _seeds(facts: SweepFacts) -> str:
    return ", ".join(map(str, facts.seeds))


def _spent(facts: SweepFacts) -> Iterator[str]:
    for name, unit in (("trials", "trials"), ("hours", "hours"), ("gpu_hours", "GPU hours"), ("dollars", "dollars")):
        limit, used = getattr(facts.budget, name), getattr(facts.spent, name)
        if limit is None and (used is None or used == 0):
            continue
        shown = "unknown" if used is None else f"{used:,}" if isinstance(used, int) else f"{used:.2f}"
        yield f"{shown}{'' if limit is None else f' of {limit:g}'} {unit}"


def _end(facts: SweepFacts) -> str:
    if facts.lives is False:
        if facts.ended:
            return f"ended: {facts.ended}"
        return "no driver is at work; the same golf sweep command goes on"
    seconds = eta_seconds(facts)
    where = "" if facts.lives else " (its driver is on another machine)"
    left = "its end is not known yet" if seconds is None else f"about {seconds / 60:.0f} min to go"
    return f"at work, {facts.parallel} at a time; {left}{where}"


def eta_seconds(facts: SweepFacts) -> float | None:
    """Seconds until the first limit of the budget, at the pace so far; None before a trial has ended."""
    ended = [trial for trial in facts.trials if trial.state != "running" and trial.seconds]
    spent, limits = facts.spent, facts.budget
    hours = spent.hours or 0.0
    if not ended or not hours:
        return None
    over = len([trial for trial in facts.trials if trial.state != "running"])
    found = []
    if limits.trials is not None:
        mean = sum(trial.seconds for trial in ended) / len(ended)
        found.append(max(0, limits.trials - over) * mean / facts.parallel)
    if limits.hours is not None:
        found.append(max(0.0, limits.hours - hours) * 3600)
    for limit, used in ((limits.gpu_hours, spent.gpu_hours), (limits.dollars, spent.dollars)):
        if limit is not None and used:
            found.append(max(0.0, limit - used) / used * hours * 3600)
    return min(found, default=None)


def curse_lines(facts: SweepFacts) -> Iterator[str]:
    """What the promoted trials reached on fresh seeds, and what the best one's own score had promised."""
    for one in facts.promoted:
        if one.mean is None:
            yield f"promoted: trial {one.trial}, not run to its end ({one.job})"
            continue
        seeds = ", ".join(map(str, one.seeds))
        more = one.mean - one.sweep_bpb
        yield (
            f"promoted: trial {one.trial}, {one.mean:.4f} bpb on seeds {seeds}, {more:+.4f} against its "
            f"{one.sweep_bpb:.4f} in the sweep; {one.verdict}: {one.record}"
        )
    if facts.curse is not None:
        yield f"winner's curse: {facts.curse:+.4f} bpb (mean of the best on fresh seeds minus its score in the sweep)"


def advice(facts: SweepFacts, output: Path) -> Iterator[str]:
    """What to do next."""
    place = "" if output == Path() else f" --output {output}"
    name = Path(facts.folder).name
    if facts.best is not None:
        yield f"  golf sweep best {name} --promote 1 --seeds 1337,42,314{place}    runs the best on fresh seeds"
    yield f"  golf sweep report {name}{place}    golf sweep status {name}{place}"
