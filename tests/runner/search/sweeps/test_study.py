"""Optuna by ask and tell: what is stored, what outlives a kill at any line, what never is the best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.errors import UserError
from runner.search.sweeps.facts import TrialFacts
from runner.search.sweeps.spec import BudgetSpec, Dimension, PrunerSpec, SamplerSpec, SweepSpec
from runner.search.sweeps.study import OVER_CAP, Study, cut_torn_line, read_study, read_trials

RATE = Dimension("rate", "log", 0.001, 1.0)
KIND = Dimension("kind", "choice", choices=("a", "b"))
DECAY = Dimension("decay", "float", 0.0, 0.1, when=(("kind", ("a",)),))
SPACE = {one.path: one for one in (KIND, RATE, DECAY)}
CAP = 1000


def spec(sampler: str = "random", **more: Any) -> SweepSpec:
    return SweepSpec(
        name="s",
        base=Path("job.yaml"),
        space={},
        sampler=SamplerSpec.model_validate({"name": sampler, **more.pop("of_sampler", {})}),
        budget=BudgetSpec(trials=9),
        **more,
    )


def scored(number: int, params: dict[str, Any], bpb: float, size: int = 900) -> TrialFacts:
    state = "scored" if size <= CAP else "infeasible"
    return TrialFacts.model_validate(
        {"number": number, "state": state, "params": params, "bpb": bpb, "total_bytes": size, "cap_bytes": CAP}
    )


def test_parameters_follow_the_space_and_its_conditions(tmp_path: Path) -> None:
    study = Study(tmp_path / "journal.log", spec(), SPACE)
    asked = [study.ask() for _ in range(12)]
    assert [number for number, _ in asked] == list(range(12))
    for _, params in asked:
        assert 0.001 <= float(str(params["rate"])) <= 1.0
        assert ("decay" in params) == (params["kind"] == "a")
    assert {params["kind"] for _, params in asked} == {"a", "b"}


@pytest.mark.parametrize("sampler", ["random", "tpe", "cmaes", "grid"])
def test_over_the_cap_is_infeasible_and_never_the_best(tmp_path: Path, sampler: str) -> None:
    space = {"rate": Dimension("rate", "float", 0.0, 0.4, step=0.1)}
    study = Study(tmp_path / "journal.log", spec(sampler, of_sampler={"startup_trials": 2}), space)
    for index in range(5):
        number, params = study.ask()
        study.tell(scored(number, params, 1.2 - index / 10, size=900 if index < 2 else 1100))
    trials = {trial.number: trial for trial in read_trials(tmp_path / "journal.log")}
    assert [trials[number].state for number in range(5)] == ["scored"] * 2 + ["infeasible"] * 3
    assert trials[4].bpb == pytest.approx(0.8)
    stored = read_study(tmp_path / "journal.log")
    assert stored.best_trial.number == 1
    assert stored.trials[4].constraints == {OVER_CAP: 100.0}


def test_a_failed_trial_has_its_reason_and_no_score(tmp_path: Path) -> None:
    study = Study(tmp_path / "journal.log", spec(), SPACE)
    number, params = study.ask()
    study.tell(TrialFacts(number=number, state="failed", params=params, reason="seed 1: ValueError"))
    (trial,) = read_trials(tmp_path / "journal.log")
    assert (trial.state, trial.reason, trial.bpb) == ("failed", "seed 1: ValueError", None)
    assert read_study(tmp_path / "journal.log").trials[0].state.name == "FAIL"


@pytest.mark.parametrize("sampler", ["tpe", "grid"])
def test_a_journal_cut_off_anywhere_is_gone_on_with_and_no_trial_is_lost_or_doubled(
    tmp_path: Path, sampler: str
) -> None:
    journal = tmp_path / "journal.log"
    space = {"rate": Dimension("rate", "float", 0.0, 0.9, step=0.1), "n": Dimension("n", "int", 1, 3)}
    study = Study(journal, spec(sampler, of_sampler={"startup_trials": 1}), space)
    for index in range(3):
        number, params = study.ask()
        study.report(number, 5, 2.0)
        study.tell(scored(number, params, 1.2 - index / 10))
    whole = journal.read_bytes()
    ends = [index for index, byte in enumerate(whole) if byte == ord("\n")]
    for cut in [*ends[:-1:2], ends[-2] + 9, ends[4] + 30]:
        journal.write_bytes(whole[:cut])
        again = Study(journal, spec(sampler, of_sampler={"startup_trials": 1}), space)
        begun, before = again.unfinished(), again.count
        assert before <= 3
        assert len(begun) + sum(trial.state != "running" for trial in again.trials()) == before
        for number, params in begun.items():
            assert set(params) == {"rate", "n"}
            again.report(number, 5, 2.0)
            again.tell(scored(number, params, 1.0))
        while again.count < 3:
            number, params = again.ask()
            again.tell(scored(number, params, 1.0))
        assert [(trial.number, trial.state) for trial in read_trials(journal)] == [(n, "scored") for n in range(3)]


def test_a_sampler_that_begins_again_does_not_draw_the_same(tmp_path: Path) -> None:
    journal = tmp_path / "journal.log"
    first = [Study(journal, spec(), SPACE).ask()[1] for _ in range(3)]
    assert len({str(params["rate"]) for params in first}) == 3


def test_a_grid_is_taken_once_each_also_over_several_drivers(tmp_path: Path) -> None:
    space = {"kind": KIND, "n": Dimension("n", "int", 1, 2)}
    taken = []
    for _ in range(4):
        study = Study(tmp_path / "journal.log", spec("grid"), space)
        number, params = study.ask()
        study.tell(scored(number, params, 1.0))
        taken.append(tuple(params.values()))
    assert sorted(taken, key=str) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


@pytest.mark.parametrize(
    "pruner",
    [PrunerSpec(name="median", startup_trials=2), PrunerSpec(name="halving", min_resource=5, reduction_factor=2)],
)
def test_a_pruner_ends_what_is_worse_at_the_same_step(tmp_path: Path, pruner: PrunerSpec) -> None:
    study = Study(tmp_path / "journal.log", spec(pruner=pruner), SPACE)
    for index in range(3):
        number, params = study.ask()
        assert not study.report(number, 5, 2.0)
        study.tell(scored(number, params, 1.2 - index / 10))
    number, params = study.ask()
    assert study.report(number, 5, 3.0)
    again = Study(tmp_path / "journal.log", spec(pruner=pruner), SPACE)
    assert list(again.unfinished()) == [number]
    assert again.is_pruned(number)
    again.tell(TrialFacts(number=number, state="pruned", params=params, reason="worse"))
    assert [trial.state for trial in again.trials()] == ["scored"] * 3 + ["pruned"]
    assert again.trials()[-1].validations == {5: 3.0}


def test_half_a_line_is_cut_off_and_whole_ones_stay(tmp_path: Path) -> None:
    journal = tmp_path / "journal.log"
    assert cut_torn_line(journal) == 0
    journal.write_bytes(b'{"op":1}\n{"op"')
    assert cut_torn_line(journal) == 5
    assert journal.read_bytes() == b'{"op":1}\n'


@pytest.mark.parametrize("content", [b"nonsense\nmore\n", b'{"a": 1}\n', b"[1]\n[2]\n"])
def test_a_file_that_is_no_journal_is_refused_in_one_message(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal.log").write_bytes(content)
    with pytest.raises(UserError, match=r"journal\.log: is no journal that Optuna can read"):
        read_trials(tmp_path / "journal.log")
