"""Two fake jobs turn by turn: the order on disk, what is kept when killed, and what the records say."""

from __future__ import annotations

import io
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from reports.record.readme import render_readme
from reports.record.write import RecordFiles, write_record
from reports.terminal.duel import terminal_duel
from runner.backends.backend import Backend, LocalBackend, Lost
from runner.drive.assess import JudgedRun
from runner.drive.run import run_plan
from runner.duel.drive import Entrant, run_duel
from runner.duel.execute import require_one_kind
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.folder.ledger import check_chain
from runner.folder.ledger_check import is_known
from runner.job.open_data import DataRequest
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Message
from runner.record.folder import open_record
from runner.record.verify import verify_record
from runner.results.duels import Duel, Side
from runner.script.bundle import Script, pack_twin
from tests.fixtures.kept_record import honest_script
from tests.runner.drive.test_run import plan_for

TEXT = (3_024, 3_946)
"""Targets and bytes of the tiny data."""
SEEDS = (40, 10, 30)


def entrants(data: DataRequest, gain: float = 0.02) -> dict[Side, Entrant]:
    """A fake job that scores 2.5 nats and ten thousandths of the seed, and one that scores less by about `gain`."""
    flat = honest_script(*TEXT).flat
    told = "2.5 + seed / 1e6"
    assert told in flat, "the fake script's score has another form now"
    scores = {"baseline": "2.5 + seed / 1e3", "candidate": f"2.5 - {gain} + seed / 1e3 + (seed % 7) / 1e4"}
    found: dict[Side, Entrant] = {}
    for side, score in scores.items():
        text = flat.replace(told, score).replace("weights of seed", f"{side}'s weights of seed")
        source = pack_twin(text)
        script = Script(source, text, sha256_bytes(source))
        found[side] = Entrant(plan_for(data, SEEDS, name=side), script)  # type: ignore[index]
    return found


def drive(
    both: dict[Side, Entrant], root: Path, wanted: int = 3, backend: Callable[..., Backend] = LocalBackend
) -> dict[Side, JudgedRun]:
    return run_duel(both, wanted, "readme", root, Console(file=io.StringIO()), lambda side, host: backend)


def times(done: dict[Side, JudgedRun]) -> list[tuple[str, int]]:
    """Side and seed of every attempt, in the order of their starts."""
    rows = []
    for side, run in done.items():
        for seed in SEEDS:
            for attempt in run.folder.attempts(seed):
                rows.append((attempt.path.stat().st_ctime_ns, side, seed))
    return [(side, seed) for _, side, seed in sorted(rows)]


class Dies(LocalBackend):
    """Its driver dies when the third turn has begun to speak."""

    turns = 0

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        type(self).turns += 1
        for number, one in enumerate(super().messages()):
            if type(self).turns == 3 and number == 2:
                raise KeyboardInterrupt
            yield one


@pytest.fixture(scope="module")
def done(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Side, JudgedRun]:
    """A duel of three pairs that was killed in the first turn of the second, and went on."""
    both, root = entrants(tiny_data), tmp_path_factory.mktemp("duel")
    with pytest.raises(KeyboardInterrupt):
        drive(both, root, backend=Dies)
    return drive(both, root)


def outcome(done: dict[Side, JudgedRun]) -> Duel:
    found = done["candidate"].data.duel
    assert found is not None
    return found


def test_turns_are_taken_abba_and_the_order_stands_before_the_first(done: dict[Side, JudgedRun]) -> None:
    found = outcome(done)
    assert [(pair.seed, pair.first) for pair in found.pairs] == [
        (40, "baseline"),
        (10, "candidate"),
        (30, "baseline"),
    ]
    chains = {side: check_chain(run.folder.ledger) for side, run in done.items()}
    for entries in chains.values():
        assert all(is_known(entry) for entry in entries)
        assert [entry["kind"] for entry in entries][:4] == ["duel", "turn", "registered", "queued"]
    hashes = {side: [entry["hash"] for entry in entries] for side, entries in chains.items()}
    turns = {side: [e for e in entries if e["kind"] == "turn"] for side, entries in chains.items()}
    # Of the second pair the candidate's turn came first: what its entry names is the baseline's first seed's end.
    seen = hashes["baseline"].index(turns["candidate"][1]["other_hash"])
    assert chains["baseline"][seen]["kind"] == "finished"
    seen = hashes["candidate"].index(turns["baseline"][1]["other_hash"])
    assert (chains["candidate"][seen]["kind"], chains["candidate"][seen]["seed"]) == ("finished", 10)


def test_the_pairs_decide(done: dict[Side, JudgedRun]) -> None:
    found = outcome(done)
    assert (found.outcome, found.obstacles, found.asked) == ("holds", [], 3)
    assert found.test is not None
    assert found.test.df == 2
    assert found.unpaired is not None
    assert found.unpaired.p > 0.05 > 0.01 > found.test.p
    assert found.saved is not None
    assert found.saved.correlation > 0.99
    assert found.same_data_order is True
    assert [pair.left_out for pair in found.pairs] == ["", "", ""]
    assert len(found.nodes) == 1


def test_both_records_name_both_jobs_and_differ_in_the_side_alone(done: dict[Side, JudgedRun]) -> None:
    one, two = done["baseline"].data, done["candidate"].data
    assert one.duel is not None
    assert one.duel.model_copy(update={"side": "candidate"}) == two.duel
    assert {one.duel.baseline.script_sha256, one.duel.candidate.script_sha256} == {
        one.results[0].script_sha256,
        two.results[0].script_sha256,
    }
    assert (one.duel.baseline.run, one.duel.candidate.run) == (one.run, two.run)
    page = render_readme(two)
    assert "\n## Duel\n" in page
    for side in (one.duel.baseline, one.duel.candidate):
        assert side.script_sha256 in page
        assert side.job_sha256 in page


def test_the_screen_shows_every_pair_and_no_interval_by_one_end(done: dict[Side, JudgedRun]) -> None:
    screen = Console(file=io.StringIO(), width=100)
    screen.print(terminal_duel(outcome(done)))
    said = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "The claim holds by the policy readme" in said
    assert "Correlation of A and B over pairs 1.000 [interval unknown: it takes four pairs]" in said
    assert said.count("[") == said.count("]") == 7


def test_the_same_command_starts_nothing_again(done: dict[Side, JudgedRun], tiny_data: DataRequest) -> None:
    root = done["candidate"].folder.path.parent.parent
    before = {side: run.folder.ledger.read_bytes() for side, run in done.items()}
    again = drive(entrants(tiny_data), root)
    assert {side: run.folder.ledger.read_bytes() for side, run in again.items()} == before
    assert {side: run.data for side, run in again.items()} == {side: run.data for side, run in done.items()}


def test_killed_in_a_turn_it_goes_on_there_and_counts_no_seed_twice(done: dict[Side, JudgedRun]) -> None:
    assert sorted(times(done)) == sorted(
        [*((side, seed) for side in ("baseline", "candidate") for seed in SEEDS), ("candidate", 10)]
    )
    for run in done.values():
        assert [result.seed for result in run.data.results] == list(SEEDS)


def test_a_later_run_of_one_side_alone_keeps_the_duel_in_its_record(
    done: dict[Side, JudgedRun], tiny_data: DataRequest
) -> None:
    one = entrants(tiny_data)["baseline"]
    root = done["baseline"].folder.path.parent.parent
    again = run_plan(one.plan, one.script, root, Console(file=io.StringIO()))
    assert again.data.duel == done["baseline"].data.duel


def test_more_pairs_after_scores_were_seen_are_refused(done: dict[Side, JudgedRun], tiny_data: DataRequest) -> None:
    root = done["candidate"].folder.path.parent.parent
    with pytest.raises(UserError, match="registered with other seeds, first: 3 pairs"):
        drive(entrants(tiny_data), root, wanted=4)


def test_a_job_is_no_rival_of_its_own(tiny_data: DataRequest) -> None:
    one = entrants(tiny_data)["baseline"]
    with pytest.raises(UserError, match="both are the same job"):
        require_one_kind({"baseline": one, "candidate": one})
    other = replace(one, plan=plan_for(tiny_data, SEEDS, name="other"))
    require_one_kind({"baseline": one, "candidate": other})


def test_each_side_keeps_to_its_own_budget(tiny_data: DataRequest, tmp_path: Path) -> None:
    both = entrants(tiny_data)
    poor = plan_for(tiny_data, SEEDS, name="baseline", budget={"hours": 0.001})
    with pytest.raises(
        UserError, match=r"nothing has run: the next seed would exceed the budget of 0\.001 node-hours"
    ):
        drive({**both, "baseline": replace(both["baseline"], plan=poor)}, tmp_path)


def recorded(run: JudgedRun, root: Path) -> Path:
    files = RecordFiles(
        script=run.script.source,
        flat_script=run.script.flat,
        logs=run.logs,
        ledger=run.folder.ledger,
        tokenizer=run.tokenizer,
    )
    return write_record(run.data, files, root)


def said_of_duel(folder: Path) -> dict[str, str]:
    return {check.name: check.measured for check in verify_record(open_record(folder)) if check.status == "fail"}


def test_a_record_of_either_side_is_verified(done: dict[Side, JudgedRun], tmp_path: Path) -> None:
    for side, run in done.items():
        folder = recorded(run, tmp_path / side)
        statuses = {check.name: check.status for check in verify_record(open_record(folder))}
        assert (statuses["duel"], statuses["run"], statuses["ledger"]) == ("pass", "pass", "pass")


def test_a_changed_duel_is_told(done: dict[Side, JudgedRun], tmp_path: Path) -> None:
    run = done["candidate"]
    change = {"asked": 9, "outcome": "not shown", "policy": "progression", "alpha": 0.25}
    folder = recorded(
        replace(run, data=run.data.model_copy(update={"duel": outcome(done).model_copy(update=change)})), tmp_path
    )
    told = said_of_duel(folder)["duel"]
    assert all(f"duel{what}" in told for what in (".asked", ", policy", ".margin_nats"))


def test_a_pair_whose_score_was_bettered_is_told(done: dict[Side, JudgedRun], tmp_path: Path) -> None:
    run, found = done["candidate"], outcome(done)
    pairs = [found.pairs[0].model_copy(update={"candidate_bpb": 1.0}), *found.pairs[1:]]
    other = run.data.model_copy(update={"duel": found.model_copy(update={"pairs": pairs})})
    folder = recorded(replace(run, data=other), tmp_path)
    assert "duel, seed 40" in said_of_duel(folder)["duel"]
