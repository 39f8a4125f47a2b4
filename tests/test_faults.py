"""Scripts, disks and people that misbehave, through the whole command: handled, said, and nothing is left behind."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.drive.collect import read_result
from runner.folder.ledger_check import audit_run
from runner.folder.runs import all_runs
from runner.job.open_data import DataRequest
from runner.node.orphans import marked
from runner.results.runs import RunResult
from tests.fixtures.commands import golf
from tests.fixtures.misbehaving_script import write_misbehaving_job

pytestmark = pytest.mark.slow

MEASURED = """
import sys, threading, time
most = [0]
def look():
    while True:
        with open("/proc/self/status") as file:
            most[0] = max(most[0], *(int(line.split()[1]) for line in file if line.startswith("RssAnon")))
        time.sleep(0.02)
threading.Thread(target=look, daemon=True).start()
sys.argv = ["golf", *sys.argv[1:]]
from runner.cli.entry import main
try:
    main()
finally:
    print("PEAK_KIB", most[0])
"""
"""Memory of its own: what it sees of Ray's object store is shared, and as large as the store at most."""


def measured(folder: Path, *words: str) -> tuple[int, float]:
    """Run the command; (exit code, MiB that its own process held at most)."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    (peak,) = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("PEAK_KIB")]
    return done.returncode, peak / 1024


def result_of(folder: Path, attempt: int = 1) -> RunResult:
    (run,) = all_runs(folder)
    assert audit_run(run).problems == []
    result = read_result(run.attempt(1, attempt).result)
    assert result is not None
    return result


@pytest.mark.parametrize("way", ["--local", "ray"])
@pytest.mark.parametrize(
    ("how", "least"),
    [
        ("floods", 200_000_000),
        ("chatters", 300_000 * 16),
        ("never ends a line", 100_000_000),
        ("makes noise", 1 << 20),
    ],
)
def test_a_log_of_any_kind_is_kept_whole_and_costs_the_driver_no_memory(
    tiny_data: DataRequest, tmp_path: Path, how: str, least: int, way: str
) -> None:
    words = ["--local"] if way == "--local" else []
    peaks = {}
    for name in ("", how):
        folder = tmp_path / (name or "usual")
        folder.mkdir()
        write_misbehaving_job(folder, tiny_data, name)
        code, peaks[name] = measured(folder, "run", "odd.yaml", *words)
        assert code == 3  # unverified: no fresh process scores it
        assert result_of(folder).status == "completed"
    (run,) = all_runs(tmp_path / how)
    log = run.attempt(1, 1).log("train")
    assert log.stat().st_size > least
    assert result_of(tmp_path / how).log.steps == 20
    assert peaks[how] < peaks[""] + 48, peaks
    if how == "chatters":
        lines = [line for line in log.read_bytes().splitlines() if line.startswith(b"line ")]
        assert lines == [b"line %d of many" % number for number in range(300_000)]


def test_daemons_of_a_script_do_not_outlive_it(tiny_data: DataRequest, tmp_path: Path) -> None:
    write_misbehaving_job(tmp_path, tiny_data, "leaves daemons")
    assert golf(tmp_path, "run", "odd.yaml", "--local").returncode == 3
    assert marked("odd-") == []
    assert result_of(tmp_path).status == "completed"


def test_a_script_that_hangs_and_hears_nothing_is_killed_as_a_timeout_and_not_tried_again(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    write_misbehaving_job(tmp_path, tiny_data, "hangs", "stall_seconds: 2\n")
    done = golf(tmp_path, "run", "odd.yaml", "--local")
    assert done.returncode == 1
    result = result_of(tmp_path)
    assert (result.status, result.reason) == ("timeout", "no output for 2 s\n| about to hang")
    assert len(all_runs(tmp_path)[0].attempts(1)) == 1
    assert marked("odd-") == []


def test_escapes_in_a_scripts_last_words_reach_no_terminal_and_no_report(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    write_misbehaving_job(tmp_path, tiny_data, "makes noise and fails")
    done = golf(tmp_path, "run", "odd.yaml", "--local")
    assert done.returncode == 1
    assert len(all_runs(tmp_path)[0].attempts(1)) == 2  # the same failure twice
    assert "last words" in result_of(tmp_path, 2).reason
    reports = [path.read_text() for path in tmp_path.glob("rejected/*/*/*.md")]
    assert reports
    for text in (done.stdout, done.stderr, *reports):
        assert not any(control in text for control in "\x1b\x07\x9b")


def test_of_two_drivers_started_at_once_one_works_and_the_other_is_told(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    write_misbehaving_job(tmp_path, tiny_data, "", "stall_seconds: 60\n")
    command = [sys.executable, "-m", "runner.cli", "run", "odd.yaml", "--local"]
    drivers = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [driver.communicate(timeout=120)[1] for driver in drivers]
    codes = [driver.returncode for driver in drivers]
    # The slower one may come when the other has done all; then it finds a finished seed and runs none.
    assert sorted(codes) in ([2, 3], [3, 3])
    for code, text in zip(codes, told, strict=True):
        assert (code == 2) == ("another golf is running this very job" in text)
    (run,) = all_runs(tmp_path)
    assert len(run.attempts(1)) == 1
    assert audit_run(run).problems == []


def inside(folder: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Run shell lines where `small` in the folder is a disk of 3 MB; skips where nobody may mount."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    (folder / "small").mkdir(exist_ok=True)
    mount = ["unshare", "-rm", "sh", "-c"]
    first = "mount -t tmpfs -o size=3m none small || exit 77"
    done = subprocess.run(
        [*mount, "\n".join([first, *lines])], cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode == 77:
        pytest.skip("nobody may mount a disk here")
    return done


GOLF = f"{sys.executable} -m runner.cli run odd.yaml --local --output small"


def test_a_full_disk_stops_the_run_with_one_message_and_it_goes_on_when_there_is_room(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    write_misbehaving_job(tmp_path, tiny_data, "floods")
    done = inside(
        tmp_path,
        f"{GOLF}; echo first $?",
        "mount -o remount,size=700m small",
        f"{GOLF}; echo second $?",
        "find small -name '.*' -type f",
        f"{sys.executable} -m runner.cli ledger verify small/runs/*; echo ledger $?",
    )
    assert "first 2" in done.stdout, done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert "Finished seeds, if any, are kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert "second 3" in done.stdout
    assert "ledger 0" in done.stdout
    assert ".tmp" not in done.stdout
    assert marked("odd-") == []


def test_a_run_folder_that_cannot_be_written_is_said_before_anything_runs(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    write_misbehaving_job(tmp_path, tiny_data, "")
    for lines in (["mount -o remount,ro small"], ["mkdir small/runs", "mount -t tmpfs -o ro none small/runs"]):
        done = inside(tmp_path, *lines, f"{GOLF}; echo first $?")
        assert "first 2" in done.stdout
        assert done.stderr.count("golf: ") == 1
        assert "small" in done.stderr
        assert "Traceback" not in done.stderr
