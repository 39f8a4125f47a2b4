"""What a sweep is: a job, the space of its fields that is searched, by which sampler, and what it may cost.

Types and ranges of single fields stand here; the reading of a file, with its messages, is file.py's. Nothing
here touches the disk, and nothing knows Optuna.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from runner.strict import Seed, Strict

Kind = Literal["float", "log", "int", "choice"]
Value = bool | int | float | str | None
"""What Optuna stores of a parameter; a choice among lists or mappings is stored as JSON text."""


class SamplerSpec(Strict):
    """Who proposes the next trial: Optuna's samplers by name."""

    name: Literal["tpe", "cmaes", "grid", "random"] = "tpe"
    """tpe learns from few trials, cmaes wants numbers and many trials, grid takes every combination once."""
    startup_trials: Annotated[int, Field(ge=1)] = 10
    """Trials drawn at random before tpe or cmaes begins to learn."""
    seed: Seed = 0
    """Of the sampler's own draws; decides nothing in a trial's training."""


class PrunerSpec(Strict):
    """Who ends a trial early, by its validations in mid-run: Optuna's pruners by name."""

    name: Literal["none", "median", "halving"] = "none"
    """median: worse than the median of the trials before it at the same step; halving: successive halving."""
    startup_trials: Annotated[int, Field(ge=1)] = 5
    """median: trials that end before any is ended early."""
    warmup_steps: Annotated[int, Field(ge=0)] = 0
    """median: steps of training before which none is."""
    min_resource: Annotated[int, Field(ge=1)] | None = None
    """halving: step of the first look; left out, Optuna takes it from the first trial."""
    reduction_factor: Annotated[int, Field(ge=2)] = 4
    """halving: one of so many goes on."""


class BudgetSpec(Strict):
    """What may be spent. The first limit that is reached ends the sweep; what runs then runs to its end."""

    trials: Annotated[int, Field(ge=1)] | None = None
    """Trials, whatever became of them."""
    hours: Annotated[float, Field(gt=0)] | None = None
    """Hours that a driver of the sweep has been at work."""
    gpu_hours: Annotated[float, Field(gt=0)] | None = None
    """Hours of one GPU, over all attempts of all trials."""
    dollars: Annotated[float, Field(gt=0)] | None = None
    """By the price of the hardware profile."""


class SweepSpec(Strict):
    """One sweep, as its file says."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
    """Names its folder and its trials: letters, digits, `.`, `_`, `-`, at most 40, the first a letter or digit."""
    base: Path
    """The job that every trial sets out from: the path of its file, relative to this one's folder."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Fields, by path, that every trial has otherwise than the base."""
    space: dict[str, dict[str, Any]]
    """Fields that are searched, by path: `{float: [low, high]}`, `{log: ...}`, `{int: ...}`, `{choice: [...]}`, each
    with `when: {path: value}` where it counts only for some values of another one, and `step` for a grid."""
    sampler: SamplerSpec = SamplerSpec()
    pruner: PrunerSpec = PrunerSpec()
    budget: BudgetSpec
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (1,)
    """Seeds of every trial; a trial's score is their mean."""
    parallel: Annotated[int, Field(ge=1)] | None = None
    """Trials at once, at most; left out, as many as there is room for."""


@dataclass(frozen=True)
class Dimension:
    """One field that is searched."""

    path: str
    """Dotted, as the file has it: the parameter's name in Optuna, too."""
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    choices: tuple[Any, ...] = ()
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """Paths of other dimensions, and the values of each for which this one counts."""

    @property
    def labels(self) -> tuple[Value, ...]:
        """The choices as Optuna stores them."""
        plain = all(isinstance(choice, bool | int | float | str | None) for choice in self.choices)
        return self.choices if plain else tuple(json.dumps(choice, sort_keys=True) for choice in self.choices)

    def value_of(self, stored: Value) -> Any:
        """The field's value for a parameter as Optuna stores it."""
        if self.kind != "choice":
            return stored
        return next(
            choice
            for label, choice in zip(self.labels, self.choices, strict=True)
            if label == stored and isinstance(label, bool) == isinstance(stored, bool)
        )

    def extremes(self) -> tuple[Value, ...]:
        """Its ends, or all of its choices, as Optuna stores them."""
        if self.kind == "choice":
            return self.labels
        return (int(self.low), int(self.high)) if self.kind == "int" else (self.low, self.high)

    def grid(self) -> tuple[Value, ...] | None:
        """Every value it can take, as Optuna stores them; None where there are infinitely many."""
        if self.kind == "choice":
            return self.labels
        if self.kind == "int":
            return tuple(range(int(self.low), int(self.high) + 1, int(self.step or 1)))
        if self.step is None:
            return None
        count = math.floor((self.high - self.low) / self.step + 1e-9)
        return tuple(round(self.low + index * self.step, 12) for index in range(count + 1))

    def counts(self, params: Mapping[str, Value], space: Mapping[str, Dimension]) -> bool:
        """Whether it has a say, given the parameters that stand before it."""
        for path, values in self.when:
            if path not in params or space[path].value_of(params[path]) not in values:
                return False
        return True


def settings_of(space: Mapping[str, Dimension], params: Mapping[str, Value]) -> dict[str, Any]:
    """Path -> value of the fields that a trial with these parameters sets."""
    return {path: space[path].value_of(stored) for path, stored in params.items()}


MOST_CORNERS = 128


def corners(space: Mapping[str, Dimension]) -> Iterator[dict[str, Value]]:
    """Combinations of all ends and choices; of too many only the first and the last of each."""
    ends = {path: dimension.extremes() for path, dimension in space.items()}
    if math.prod(map(len, ends.values())) > MOST_CORNERS:
        combined: Iterator[tuple[Value, ...]] = iter(
            [tuple(values[0] for values in ends.values()), tuple(values[-1] for values in ends.values())]
        )
    else:
        combined = product(*ends.values())
    seen: list[dict[str, Value]] = []
    for values in combined:
        params: dict[str, Value] = {}
        for (path, dimension), value in zip(space.items(), values, strict=True):
            if dimension.counts(params, space):
                params[path] = value
        if params not in seen:
            seen.append(params)
            yield params


def grid_size(space: Mapping[str, Dimension]) -> int | None:
    """How many combinations a grid has; None where one of the fields has infinitely many values."""
    grids = [dimension.grid() for dimension in space.values()]
    return None if None in grids else math.prod(len(grid) for grid in grids if grid is not None)


def as_json(space: Mapping[str, Dimension]) -> list[dict[str, Any]]:
    """The space as plain JSON, in its order."""
    return [asdict(dimension) for dimension in space.values()]
