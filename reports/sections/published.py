"""The published run that a job reproduces, figure by figure beside ours.

Their figures are plain data in the resolved job, each under `logged` or `claimed`, and carry that word wherever they
are shown. What one side does not have is said to be missing, never left out and never made up. Whether the two runs
may be compared at all is comparable.py's question.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reports.numbers import NOT_DEFINED, fixed, known, mean_and_std, signed
from reports.tables import seed_table
from runner.results.record import RecordData


@dataclass(frozen=True)
class Figure:
    """One figure that both sides may have."""

    key: str
    """As the job's `reference` block names it."""
    title: str
    digits: int
    """Decimals of ours and of the difference."""
    column: str
    """Of our seed table; empty where it has none."""
    largest: bool = False
    """Over all seeds the largest counts, not the mean."""


FIGURES = (
    Figure("bpb", "bpb", 4, "val_bpb"),
    Figure("pre_quant_bpb", "bpb before compression", 4, "live_val_bpb"),
    Figure("plain_bpb", "bpb without a sliding window", 4, ""),
    Figure("bytes_total", "total B", 0, "total_bytes", largest=True),
    Figure("artifact_bytes", "artifact B", 0, "artifact_bytes", largest=True),
    Figure("steps", "steps", 0, "steps"),
    Figure("step_avg_ms", "ms/step", 2, "step_avg_ms"),
    Figure("train_seconds", "train s", 2, "train_seconds"),
    Figure("eval_seconds", "eval s", 2, "eval_seconds"),
    Figure("peak_memory_mib", "peak MiB", 0, "peak_memory_mib"),
)
BPB = FIGURES[0]
LOG, CLAIMED = "log", "claimed"
"""What a figure of theirs rests on."""


@dataclass(frozen=True)
class Side:
    """One run's part of a line."""

    shown: str
    value: float | None = None
    """What is compared with the other side; None where there is nothing."""


@dataclass(frozen=True)
class Beside:
    """One figure of both runs."""

    title: str
    digits: int
    ours: Side
    theirs: Side

    @property
    def difference(self) -> str | None:
        """Ours minus theirs, signed; None where either is missing."""
        if self.ours.value is None or self.theirs.value is None:
            return None
        return signed(self.ours.value - self.theirs.value, self.digits)


NOTHING_OF_OURS = Side("not measured")
NOTHING_OF_THEIRS = Side("not published")


def reference_of(data: RecordData) -> Mapping[str, Any] | None:
    """The job's `reference` block, every field written out; None where the job reproduces nothing."""
    return data.job.get("reference")


def overall_lines(data: RecordData, reference: Mapping[str, Any]) -> list[Beside]:
    """One line per figure over all seeds, and the parameters."""
    parameters = NOTHING_OF_OURS if data.model_params is None else _single(data.model_params, 0)
    ours = our_values(data)
    return [
        *(_overall(figure, ours[figure.key], len(data.results), reference) for figure in FIGURES),
        Beside("parameters", 0, parameters, published(reference, "parameters")),
    ]


def overall_bpb(data: RecordData, reference: Mapping[str, Any]) -> Beside:
    """The line of the score that was submitted."""
    return _overall(BPB, our_values(data)[BPB.key], len(data.results), reference)


def seed_lines(data: RecordData, reference: Mapping[str, Any]) -> list[tuple[int, Beside]]:
    """Of each seed of either run its bpb, and every other figure that they published of it."""
    ours = our_values(data)
    theirs = {int(entry["seed"]): entry for entry in reference["seeds"]}
    lines = []
    for seed in dict.fromkeys([*(result.seed for result in data.results), *theirs]):
        for figure in FIGURES:
            side = published(theirs[seed], figure.key) if seed in theirs else NOTHING_OF_THEIRS
            if side.value is not None or figure is BPB:
                value = ours[figure.key].get(seed)
                mine = NOTHING_OF_OURS if value is None else _single(value, figure.digits)
                lines.append((seed, Beside(figure.title, figure.digits, mine, side)))
    return lines


def published(entry: Mapping[str, Any], key: str) -> Side:
    """What was published under `key` in the whole block or of one seed; what the log shows is compared with."""
    return _joined([_said(value, label) for value, label in _given(entry, key)])


def our_values(data: RecordData) -> dict[str, dict[int, float]]:
    """Key of each figure -> seed -> what was measured; seeds that measured nothing are left out."""
    rows = seed_table(data).to_dict("records")
    found = {
        figure.key: _measured((row["seed"], row[figure.column]) for row in rows)
        for figure in FIGURES
        if figure.column
    }
    scores = ((result.seed, result.eval_score) for result in data.results)
    plain = _measured((seed, score.val_bpb) for seed, score in scores if score is not None)
    return {**found, "plain_bpb": plain}


def _measured(values: Iterable[tuple[int, object]]) -> dict[int, float]:
    return {seed: number for seed, value in values if (number := known(value)) is not None}


def _overall(figure: Figure, ours: Mapping[int, float], seeds: int, reference: Mapping[str, Any]) -> Beside:
    """One figure over all seeds."""
    mine = _over_seeds(figure, list(ours.values())) if ours else NOTHING_OF_OURS
    if 0 < len(ours) < seeds:
        mine = replace(mine, shown=f"{mine.shown} ({len(ours)} of {seeds} seeds)")
    title = f"{figure.title}, {'largest' if figure.largest else 'mean ± std'}"
    return Beside(title, figure.digits, mine, _their_overall(figure, reference))


def _their_overall(figure: Figure, reference: Mapping[str, Any]) -> Side:
    """Theirs as published, else worked out from their seeds; a mere claim steps behind the seeds that have a log."""
    whole = _given(reference, figure.key)
    single = [found[0] for entry in reference["seeds"] if (found := _given(entry, figure.key))]
    sides = [_said(value, label) for value, label in whole]
    if all(label == CLAIMED for _, label in whole):
        counted = [said for said in single if said[1] == LOG] if whole else single
        sides = [*_from_seeds(figure, counted), *sides]
    return _joined(sides)


def _from_seeds(figure: Figure, said: Sequence[tuple[float, str]]) -> list[Side]:
    """What the seeds' figures come to, with how many and what they rest on; nothing of no seed."""
    labels = " and ".join(dict.fromkeys(label for _, label in said))
    if len(said) < 2:
        return [_said(value, f"1 seed, {label}") for value, label in said]
    side = _over_seeds(figure, [value for value, _ in said])
    return [replace(side, shown=f"{side.shown} ({len(said)} seeds, {labels})")]


def _over_seeds(figure: Figure, values: Sequence[float]) -> Side:
    """The mean with the sample standard deviation, or the largest."""
    if figure.largest:
        return _single(max(values), figure.digits)
    mean = statistics.fmean(values)
    std = statistics.stdev(values) if len(values) > 1 else None
    if figure.digits == BPB.digits:
        return Side(mean_and_std(mean, std), mean)
    return Side(f"{fixed(mean, figure.digits)} ± {NOT_DEFINED if std is None else fixed(std, figure.digits)}", mean)


def _single(value: float, digits: int) -> Side:
    return Side(fixed(value, digits), value)


def _said(value: float, label: str) -> Side:
    """One of their figures with every digit they gave, thousands separated."""
    return Side(f"{value:,.15g} ({label})", value)


def _joined(sides: Sequence[Side]) -> Side:
    """All that is said of one figure; the first is compared with."""
    return Side("; ".join(side.shown for side in sides), sides[0].value) if sides else NOTHING_OF_THEIRS


def _given(entry: Mapping[str, Any], key: str) -> list[tuple[float, str]]:
    """Figures of this key with the word for what each rests on, the log's first."""
    said = ((entry["logged"].get(key), LOG), (entry["claimed"].get(key), CLAIMED))
    return [(float(value), label) for value, label in said if value is not None]
