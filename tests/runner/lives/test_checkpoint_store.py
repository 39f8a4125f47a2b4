"""What outlives a killed attempt: checkpoints, and a clock that counts every life."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from golf_model.config.export import ARTIFACT_NAME
from runner.data.dataset import DataSet, open_dataset
from runner.drive.collect import Collector
from runner.files import remove_tree, sha256_file
from runner.folder.paths import AttemptFolder
from runner.job.open_data import DataRequest
from runner.lives.checkpoint_store import FOLDER, FORGOTTEN_AFTER_S, CheckpointStore, open_checkpoint_store
from runner.lives.counted_lives import KnownLife
from runner.logs.clocks import JOURNAL_EVERY_S, JOURNAL_LATE_S, journal_clocks
from runner.node.attempt import run_attempt
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import Finished, LogChunk
from runner.results.runs import RunResult
from runner.script.bundle import make_script
from tests.golf_model.test_main import CONFIG

LATE = JOURNAL_EVERY_S + JOURNAL_LATE_S


def note(now: float, over: bool = False, paused: float = 0.0, **events: float) -> dict[str, Any]:
    return {"now": now, "paused": paused, "events": events, "over": over}


@pytest.mark.parametrize(
    ("last", "official", "strict"),
    [
        (note(9.0), (0.0, LATE), (0.0, LATE)),
        (note(9.0, warmup_start=4.0), (0.0, LATE), (5.0, 5.0 + LATE)),
        (note(9.0, train_start=6.0), (3.0, 3.0 + LATE), (3.0, 3.0 + LATE)),
        (note(9.0, warmup_start=4.0, train_start=6.0, paused=1.0), (2.0, 2.0 + LATE), (5.0, 5.0 + LATE)),
        (note(9.0, True, warmup_start=4.0, train_start=6.0), (3.0, 3.0), (5.0, 5.0)),
        (note(30.0, warmup_start=4.0, train_start=6.0, train_end=26.0), (20.0, 20.0), (22.0, 22.0)),
    ],
    ids=["before anything", "in warm-up", "in training", "with a validation", "killed by its supervisor", "trained"],
)
def test_a_life_counts_what_was_noted_and_at_most_until_the_next_note(
    last: dict[str, Any], official: tuple[float, float], strict: tuple[float, float]
) -> None:
    found = journal_clocks(last)
    assert [(clock.low, clock.high) for clock in found] == [official, strict]


def launch_of(attempt: int) -> str:
    return f"launch {attempt}"


def known(*attempts: int, told: float | None = None) -> tuple[KnownLife, ...]:
    """What a ledger that launched these attempts tells."""
    return tuple(KnownLife(attempt, launch_of(attempt), told) for attempt in attempts)


def lived(store: CheckpointStore, attempt: int, trained: float, *before: int) -> None:
    """A life that went on from others, and was killed by its supervisor once it had a checkpoint."""
    store.begin(attempt, launch_of(attempt), known(*before))
    store.journal(attempt).write_text(json.dumps(note(trained, True, train_start=0.0)))
    (store.checkpoints / f"step-{attempt}").mkdir(parents=True)
    (store.checkpoints / f"step-{attempt}" / "rank0.pt").touch()


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    """Of a seed whose attempts 1, 2 and 10 were killed."""
    found = CheckpointStore(tmp_path / "store")
    found.path.mkdir()
    lived(found, 1, 0.25)
    lived(found, 2, 0.5, 1)
    lived(found, 10, 0.75, 1, 2)
    return found


def afresh(store: CheckpointStore, attempt: int, lives: Sequence[KnownLife] = (), **how: bool) -> str:
    """Begin a life that finds nothing to go on from, and see that nothing of the earlier ones is left; says why."""
    earlier, why = store.begin(attempt, launch_of(attempt), lives, **how)
    assert earlier == []
    left = [f"attempt-{attempt}.begun", f"attempt-{attempt}.json"]
    assert sorted(path.name for path in store.path.iterdir()) == left
    return why


def test_lives_before_this_attempt_count_while_there_is_a_checkpoint(store: CheckpointStore) -> None:
    earlier, why = store.begin(11, launch_of(11), known(1, 2, 10))
    assert [(life.attempt, life.clock.low) for life in earlier] == [(1, 0.25), (2, 0.5), (10, 0.75)]
    assert why == ""
    remove_tree(store.checkpoints)
    assert afresh(store, 12, known(1, 2, 10, 11)) == ""


@pytest.mark.parametrize(
    "torn",
    ["", "{", "[]", "{}", '{"now": 1, "paused": 0, "events": [], "over": false}', "[" * 100_000],
    ids=["empty", "cut off", "a list", "no facts", "events that are none", "nested"],
)
def test_after_a_life_whose_note_is_torn_the_seed_starts_afresh(store: CheckpointStore, torn: str) -> None:
    store.journal(2).write_text(torn)
    assert afresh(store, 11, known(1, 2, 10)).endswith("how long attempt 2 trained cannot be read")


@pytest.mark.parametrize(
    ("lives", "why"),
    [
        ((), "the ledger does not know the life that wrote it (attempt 1)"),
        (known(1, 2), "the ledger does not know the life that wrote it (attempt 10)"),
        (known(2, 10), "the ledger does not know the life that wrote it (attempt 1)"),
        (
            (*known(1, 2), KnownLife(10, "another launch")),
            "the ledger does not know the life that wrote it (attempt 10)",
        ),
        ((*known(1, 2), *known(10, told=7.0)), "the log of attempt 10 tells of 7.0 s of training, the notes of 1.5"),
    ],
    ids=["no ledger", "an older ledger", "a life left out", "another run's", "a log of a longer life"],
)
def test_a_checkpoint_of_lives_that_the_ledger_does_not_count_is_removed(
    store: CheckpointStore, lives: tuple[KnownLife, ...], why: str
) -> None:
    assert afresh(store, 11, lives) == f"a checkpoint was removed and the seed starts afresh: {why}"


def test_a_checkpoint_beside_which_nothing_is_noted_is_removed(store: CheckpointStore) -> None:
    for path in store.path.glob("attempt-*"):
        path.unlink()
    assert afresh(store, 11, known(1, 2, 10)).endswith("nothing tells of the life that wrote it")


def test_a_life_whose_note_is_gone_is_missed_by_those_that_went_on_from_it(store: CheckpointStore) -> None:
    for path in (store.begun(2), store.journal(2)):
        path.unlink()
    assert afresh(store, 11, known(1, 2, 10)).endswith("how long attempt 2 trained cannot be read")


def test_a_note_that_no_longer_names_an_earlier_life_is_told_by_the_others(store: CheckpointStore) -> None:
    store.begun(10).write_text(json.dumps({"launch": launch_of(10), "after": [2]}))
    assert afresh(store, 11, known(1, 2, 10)).endswith("the note of a life before attempt 2 is missing")


@pytest.mark.parametrize("how", ["written", "copied with its times", "moved from another run", "a link"])
def test_what_was_put_among_the_checkpoints_while_no_life_lived_is_found_out(
    store: CheckpointStore, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.lives.counted_lives.SLACK_S", 0.0)
    monkeypatch.setattr("runner.lives.counted_lives.MORE_S", 0.0)
    time.sleep(0.02)
    other, planted = tmp_path / "other", store.checkpoints / "step-99"
    shutil.copytree(store.checkpoints / "step-10", other)
    if how == "written":
        planted.mkdir()
    elif how == "copied with its times":
        shutil.copytree(other, planted, copy_function=shutil.copy2)
        os.utime(planted / "rank0.pt", (0, store.journal(1).stat().st_mtime))
    elif how == "a link":
        planted.symlink_to(other)
    else:
        other.rename(planted)
    assert "checkpoint was removed" in afresh(store, 11, known(1, 2, 10))


def test_a_note_that_was_set_back_after_its_life_was_not_written_by_its_supervisor(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.lives.counted_lives.STARTED_WITHIN_S", 0.05)
    time.sleep(0.1)
    store.journal(10).write_text(json.dumps(note(0.0, True)))
    assert "was not written by its supervisor" in afresh(store, 11, known(1, 2, 10))


def test_one_vault_serves_one_attempt_at_a_time_and_none_without_a_name(tmp_path: Path) -> None:
    with open_checkpoint_store("seed1", tmp_path) as store, open_checkpoint_store("seed1", tmp_path) as other:
        assert store is not None
        assert other is None
        with open_checkpoint_store("", tmp_path) as none:
            assert none is None
        store.forget()
    with open_checkpoint_store("seed1", tmp_path) as again:
        assert again is not None


def test_vaults_that_nobody_came_back_for_are_swept(tmp_path: Path) -> None:
    with open_checkpoint_store("old", tmp_path), open_checkpoint_store("young", tmp_path):
        pass
    long_ago = time.time() - FORGOTTEN_AFTER_S - 10
    for path in [tmp_path / FOLDER / "old" / "lock", tmp_path / FOLDER / "old"]:
        os.utime(path, (long_ago, long_ago))
    with open_checkpoint_store("new", tmp_path):
        assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["new", "young"]


def test_a_living_attempts_vault_stays_whatever_the_clock_says(tmp_path: Path) -> None:
    with open_checkpoint_store("living", tmp_path) as store:
        assert store is not None
        for path in [store.path / "lock", store.path]:
            os.utime(path, (0, 0))
        with open_checkpoint_store("new", tmp_path):
            assert store.path.is_dir()


def test_a_seed_that_starts_afresh_forgets_its_checkpoints_and_earlier_lives(store: CheckpointStore) -> None:
    assert afresh(store, 11, known(1, 2, 10), afresh=True) == ""


STEPS = 400
RESUMABLE = replace(
    CONFIG,
    schedule=replace(CONFIG.schedule, iterations=STEPS, warmdown_iters=50, checkpoint_every_s=0.05),
    log=replace(CONFIG.log, train_log_every=1, val_loss_every=100),
)


def spec(attempt: int, store: str) -> AttemptSpec:
    return AttemptSpec(
        job="resumable",
        seed=7,
        attempt=attempt,
        script=make_script(RESUMABLE).source,
        artifact_name=ARTIFACT_NAME,
        hardware="cpu",
        nproc=1,
        gpus=0,
        threads=1,
        train_seconds=120.0,
        eval_seconds=60.0,
        stall_seconds=60.0,
        store=store,
        launch=launch_of(attempt),
        lives=known(*range(1, attempt)),
        launcher=(),
    )


@pytest.fixture(scope="module")
def data(tiny_data: DataRequest) -> DataSet:
    return open_dataset(Path(str(tiny_data.folder)), Path(str(tiny_data.tokenizer)), tiny_data.vocab_size)


def live(order: AttemptSpec, data: DataSet, folder: Path, dies_at_step: int | None = None) -> RunResult | None:
    """One attempt to its end, or until its generator is closed when the log has reached a step."""
    path = folder / f"attempt-{order.attempt}{order.store}"
    path.mkdir(parents=True)
    collector = Collector(order, AttemptFolder(path))
    messages = run_attempt(order, lambda: data, scratch=folder / "scratch")
    for message in messages:
        collector.take(message)
        if (
            dies_at_step
            and isinstance(message, LogChunk)
            and collector.readers["train"].facts.get("steps", 0) >= dies_at_step
        ):
            messages.close()
            collector.close()
            return None
        if isinstance(message, Finished):
            assert message.status == "completed", message.reason
    return collector.result


@pytest.mark.slow
def test_an_attempt_that_was_killed_twice_goes_on_and_freezes_the_same_artifact(
    data: DataSet, tmp_path: Path
) -> None:
    undisturbed = live(spec(1, ""), data, tmp_path)
    for attempt, step in ((1, 60), (2, 200)):
        assert live(spec(attempt, "kept"), data, tmp_path, dies_at_step=step) is None
    result = live(spec(3, "kept"), data, tmp_path)
    assert undisturbed is not None
    assert result is not None
    assert undisturbed.artifact is not None
    assert result.artifact is not None
    assert result.artifact.sha256 == undisturbed.artifact.sha256
    assert result.train is not None
    assert result.train.clock is not None
    assert [life.attempt for life in result.train.earlier] == [1, 2]
    assert result.train.strict_clock is not None
    own = result.train.events["train_end"] - result.train.events["warmup_start"]
    earlier = sum(life.strict_clock.low for life in result.train.earlier if life.strict_clock is not None)
    assert result.train.strict_clock.low == pytest.approx(own + earlier, abs=0.01)
    assert result.train.clock.low > sum(life.clock.low for life in result.train.earlier)
    assert all(0 < life.clock.low <= life.clock.high for life in result.train.earlier)
    claimed = result.log.train_seconds
    assert claimed is not None
    assert result.train.clock.low - 0.5 < claimed < result.train.clock.high + 0.5
    log = (tmp_path / "attempt-3kept" / "train.log").read_text()
    assert "resumed step:" in log
    assert not (tmp_path / "scratch" / FOLDER / "kept").exists()


@pytest.mark.slow
def test_twenty_kills_at_random_moments_change_no_bit(data: DataSet, tmp_path: Path) -> None:
    """SIGKILL of the script itself at any moment, while it writes a checkpoint too; the seed is printed by pytest."""
    seed = int(time.time())
    print(f"seed {seed}")
    moments = random.Random(seed)
    config = replace(RESUMABLE, schedule=replace(RESUMABLE.schedule, iterations=3000, checkpoint_every_s=0.02))
    hashes = []
    for name, kills in (("undisturbed", 0), ("killed", 20)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "train_gpt.py").write_bytes(make_script(config).source)
        env = os.environ | {"SEED": "7", "DATA_PATH": str(data.folder), "TOKENIZER_PATH": str(data.tokenizer)}
        env |= {"GOLF_PHASE": "train", "OMP_NUM_THREADS": "1"}
        killed = 0
        while True:
            with subprocess.Popen(
                [sys.executable, "train_gpt.py"], cwd=folder, env=env, stdout=subprocess.DEVNULL
            ) as running:
                if killed < kills:
                    wait_for_training(folder, running)
                    time.sleep(moments.uniform(0.0, 1.0))
                    if running.poll() is None:
                        running.kill()
                        killed += 1
            if running.returncode == 0:
                break
            assert running.returncode == -signal.SIGKILL
        assert killed == kills
        hashes.append(sha256_file(folder / ARTIFACT_NAME))
        assert not (folder / "checkpoints").exists()
    assert hashes[0] == hashes[1]


def wait_for_training(folder: Path, running: subprocess.Popen[bytes]) -> None:
    """Until this life, which writes a log of its own, has begun to train."""
    known = {path for path in folder.glob("logs/*.txt") if "event:train_start" in path.read_text()}
    begun = time.monotonic()
    while running.poll() is None and time.monotonic() - begun < 60:
        if any("event:train_start" in path.read_text() for path in set(folder.glob("logs/*.txt")) - known):
            return
        time.sleep(0.02)
