"""Optuna, by ask and tell: proposes parameters, is told what became of them, decides which trial ends early.

One of the two files that import Optuna, and only when a sweep is opened; plots.py is the other. The study lies in a
journal, a file that only grows. A driver that was killed may leave half a line, which is cut off when the next one
opens it, and a lock, which is why this file brings a lock that the system frees.
"""

from __future__ import annotations

import fcntl
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from runner.errors import UserError
from runner.search.sweeps.facts import TrialFacts, TrialState
from runner.search.sweeps.spec import Dimension, PrunerSpec, SamplerSpec, SweepSpec, Value

if TYPE_CHECKING:
    import optuna

OVER_CAP = "bytes_over_cap"
"""Name of the constraint in Optuna: feasible at 0 and below."""
FACTS = "golf"
"""The trial's user attribute that holds what is known of it beside parameters and score."""
PRUNED = "golf_pruned"
"""The user attribute of a trial that is to end early."""
INSTALL = "Optuna searches and is not installed; pip install 'golf[search]'"


def require_optuna(where: str) -> None:
    """UserError where Optuna is not installed. where: `file:line: field` that asks for it."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise UserError(f"{where}: {INSTALL}") from None


class FileLock:
    """A lock for the journal that the system frees when its holder dies; Optuna's own would outlive a kill."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handle: BinaryIO | None = None

    def acquire(self) -> bool:
        self.handle = self.path.open("ab")
        fcntl.flock(self.handle, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        if self.handle is not None:
            self.handle.close()
            self.handle = None


def cut_torn_line(journal: Path) -> int:
    """Take half a line off the journal's end that a killed driver left; how many bytes it had."""
    if not journal.exists():
        return 0
    data = journal.read_bytes()
    torn = len(data) - (data.rfind(b"\n") + 1)
    if torn:
        with journal.open("r+b") as handle:
            handle.truncate(len(data) - torn)
            handle.flush()
            os.fsync(handle.fileno())
    return torn


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's warnings for whoever writes an objective."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class Study:
    """The study of one sweep. All calls come from one thread."""

    def __init__(self, journal: Path, spec: SweepSpec, space: Mapping[str, Dimension]) -> None:
        """Open the journal to go on with it, or begin it. The caller holds the sweep's lock."""
        self.space = dict(space)
        self.sampler_name = spec.sampler.name
        cut_torn_line(journal)
        storage = _storage(journal, FileLock(journal.with_name(f"{journal.name}.golf-lock")))
        import optuna

        with quiet():
            self.study = optuna.create_study(
                study_name=spec.name,
                storage=storage,
                direction="minimize",
                pruner=_pruner(spec.pruner),
                load_if_exists=True,
            )
            # A sampler that begins again would draw again what it drew before it was killed.
            begun = len(self.study.get_trials(deepcopy=False))
            self.study.sampler = _sampler(spec.sampler, self.space, spec.sampler.seed + begun)
        self.open: dict[int, optuna.trial.Trial] = {}
        """Number -> trial that is not over."""

    @property
    def count(self) -> int:
        """Trials so far, those that run included."""
        return len(self.study.get_trials(deepcopy=False))

    def unfinished(self) -> dict[int, dict[str, Value]]:
        """Number -> parameters of the trials that an earlier driver began and did not end; those of one that it was
        still being asked for are drawn now."""
        import optuna

        running = self.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
        return {one.number: self._drawn(optuna.trial.Trial(self.study, one._trial_id)) for one in running}

    def ask(self) -> tuple[int, dict[str, Value]]:
        """A new trial: its number and its parameters."""
        with quiet():
            trial = self.study.ask()
        return trial.number, self._drawn(trial)

    def _drawn(self, trial: optuna.trial.Trial) -> dict[str, Value]:
        self.open[trial.number] = trial
        params: dict[str, Value] = {}
        with quiet():
            for path, dimension in self.space.items():
                if dimension.counts(params, self.space):
                    params[path] = _suggested(trial, dimension)
        return params

    def report(self, number: int, step: int, bpb: float) -> bool:
        """Take a validation in mid-run; whether the trial is to end early."""
        trial = self.open[number]
        with quiet():
            trial.report(bpb, step)
            pruned = bool(trial.should_prune())
        if pruned:
            trial.set_user_attr(
                PRUNED, True
            )  # the pruner is asked once, and the driver may be killed before it tells
        return pruned

    def is_pruned(self, number: int) -> bool:
        """Whether a trial that was begun earlier was to end early by what it reported then."""
        return PRUNED in self.open[number].user_attrs

    def tell(self, facts: TrialFacts) -> None:
        """Say how a trial ended; a kill in between leaves it as it was, and it is told again."""
        import optuna

        trial, states = self.open[facts.number], optuna.trial.TrialState
        stored = facts.model_dump(mode="json", exclude={"number", "params", "validations"})
        with quiet():
            trial.set_user_attr(FACTS, stored)
            for name in ("run", "total_bytes", "reason"):  # for whoever looks with Optuna's own dashboard
                trial.set_user_attr(name, stored[name])
            if facts.total_bytes is not None and facts.cap_bytes is not None and OVER_CAP not in trial.constraints:
                trial.set_constraint(OVER_CAP, facts.total_bytes - facts.cap_bytes)
            # CMA-ES knows no constraints: it learns nothing from a score over the cap.
            counts = facts.state == "scored" or (facts.state == "infeasible" and self.sampler_name != "cmaes")
            value = facts.bpb if counts else None
            state = (
                states.COMPLETE if value is not None else states.FAIL if facts.state == "failed" else states.PRUNED
            )
            try:
                self.study.tell(trial, value, state)
            except RuntimeError:  # the grid sampler stops a loop that is not Optuna's, after the state is stored
                if not self.study.get_trials(deepcopy=False)[facts.number].state.is_finished():
                    raise
        del self.open[facts.number]

    def trials(self) -> list[TrialFacts]:
        """Every trial as it stands."""
        return _trials(self.study)


def read_trials(journal: Path) -> list[TrialFacts]:
    """Every trial of a journal that somebody else may be writing; nothing is changed."""
    study = read_study(journal)
    return [] if study is None else _trials(study)


def read_study(journal: Path) -> Any:
    """Optuna's study of a journal, for reading; None where it holds none yet."""
    if not journal.exists():
        return None
    storage = _storage(journal, FileLock(journal.with_name(f"{journal.name}.golf-lock")))
    import optuna

    names = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=names[0], storage=storage) if names else None


def _storage(journal: Path, lock: Any) -> Any:
    import optuna
    from optuna.storages.journal import JournalFileBackend, JournalStorage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        return JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))
    except (ValueError, KeyError, TypeError) as error:  # what Optuna says of a file that is none of its journals
        raise UserError(
            f"{journal}: is no journal that Optuna can read ({error}); restore it, or move its folder"
        ) from None


def _trials(study: optuna.Study) -> list[TrialFacts]:
    return [_facts(trial) for trial in study.get_trials(deepcopy=False)]


def _facts(trial: optuna.trial.FrozenTrial) -> TrialFacts:
    stored = dict(trial.user_attrs.get(FACTS, {})) if trial.state.is_finished() else {}
    state: TrialState = "running" if not trial.state.is_finished() else stored.pop("state", "failed")
    stored.pop("state", None)
    if state == "failed" and not stored:
        stored["reason"] = "ended outside of golf"
    return TrialFacts(
        number=trial.number,
        state=state,
        params=dict(trial.params),
        validations=dict(trial.intermediate_values),
        **stored,
    )


def _suggested(trial: optuna.trial.Trial, dimension: Dimension) -> Value:
    path = dimension.path
    if dimension.kind == "choice":
        value: Value = trial.suggest_categorical(path, dimension.labels)
        return value
    if dimension.kind == "int":
        return trial.suggest_int(path, int(dimension.low), int(dimension.high), step=int(dimension.step or 1))
    log = dimension.kind == "log"
    return trial.suggest_float(path, dimension.low, dimension.high, step=dimension.step, log=log)


def _sampler(spec: SamplerSpec, space: Mapping[str, Dimension], seed: int) -> Any:
    from optuna import samplers

    if spec.name == "random":
        return samplers.RandomSampler(seed=seed)
    if spec.name == "grid":
        return samplers.GridSampler({path: list(one.grid() or ()) for path, one in space.items()}, seed=spec.seed)
    if spec.name == "cmaes":
        return samplers.CmaEsSampler(n_startup_trials=spec.startup_trials, seed=seed, warn_independent_sampling=False)
    return samplers.TPESampler(n_startup_trials=spec.startup_trials, seed=seed, constant_liar=True)


def _pruner(spec: PrunerSpec) -> Any:
    from optuna import pruners

    if spec.name == "median":
        return pruners.MedianPruner(n_startup_trials=spec.startup_trials, n_warmup_steps=spec.warmup_steps)
    if spec.name == "halving":
        least: Any = "auto" if spec.min_resource is None else spec.min_resource
        return pruners.SuccessiveHalvingPruner(min_resource=least, reduction_factor=spec.reduction_factor)
    return pruners.NopPruner()
