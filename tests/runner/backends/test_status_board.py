"""`golf status` from afar: a board counts only while it must be true, and says the same as the verb would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from runner.backends.dashboard_http import Unanswered
from runner.backends.status_board import board_name, chosen, counts, read_board
from runner.drive.watch.board import board_kept, board_of
from runner.job.open_data import DataRequest
from tests.fixtures.commands import golf
from tests.runner.drive.test_orders import fails, scored, without_processes

RUNNING = {"status": "RUNNING", "end_time": None}
OVER = {"status": "SUCCEEDED", "end_time": 1_000_000}


@pytest.mark.parametrize(
    ("jobs", "now", "written", "final", "true"),
    [
        ([RUNNING], 115.0, 100.0, False, True),
        ([RUNNING], 115.001, 100.0, False, False),
        ([OVER, RUNNING], 1015.0, 1000.0, False, True),
        ([RUNNING], 115.001, 100.0, True, False),
        ([OVER], 5000.0, 990.0, True, True),
        ([OVER], 5000.0, 989.999, True, False),
        ([OVER], 1001.0, 1000.5, False, False),
        ([], 5000.0, 1.0, True, True),
        ([], 1.0, 1.0, False, False),
        ([{"status": "PENDING"}], 16.0, 1.0, False, True),
    ],
    ids=[
        *("fresh", "old beside a driver", "one of two works", "final and old beside a driver", "its driver ended"),
        *("ended long after it", "its driver was killed", "nobody", "left by nobody", "one begins"),
    ],
)
def test_a_board_counts_only_while_it_must_be_true(
    jobs: list[dict[str, Any]], now: float, written: float, final: bool, true: bool
) -> None:
    assert counts(jobs, now, written, final) is true


def test_a_run_is_meant_as_the_verb_means_it(tiny_data: DataRequest, tmp_path: Path) -> None:
    first = without_processes(tiny_data, tmp_path, scored, (1,), tries=1).folder.path.name
    second = without_processes(tiny_data, tmp_path, fails, (1,), tries=2, nproc=2).folder.path.name
    board = board_of(tmp_path, final=False)
    assert list(board["each"]) == [first, second]
    for word in (second, "latest", second[:-1]):
        shown, facts = chosen(board, word)
        assert [run["run"] for run in facts["runs"]] == [second]
        assert second in shown
        assert first not in shown
    shown, facts = chosen(board, None)
    assert (len(facts["runs"]), first in shown, second in shown) == (2, True, True)
    for word in ("fake", "other"):
        with pytest.raises(Unanswered):
            chosen(board, word)


@contextmanager
def dashboard(logs: Path, jobs: list[Mapping[str, Any]]) -> Iterator[str]:
    """A server that answers the three questions as Ray's dashboard does; its address."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said: Any = jobs
            if self.path.startswith("/nodes"):
                said = {"data": {"summary": [{"raylet": {"nodeId": "head", "isHeadNode": True}}]}}
            elif "/logs/file" in self.path:
                assert "node_id=head" in self.path
                found = logs / self.path.partition("filename=")[2].partition("&")[0]
                said = json.loads(found.read_text()) if found.is_file() else None
            self.send_response(200 if said is not None else 500)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_status_from_afar_is_read_off_the_board_and_starts_nothing(tiny_data: DataRequest, tmp_path: Path) -> None:
    run = without_processes(tiny_data, tmp_path, fails, (1,), tries=1).folder
    logs = tmp_path / "logs"
    logs.mkdir()
    with board_kept(tmp_path, logs):
        pass
    assert [path.name for path in logs.iterdir()] == [board_name(tmp_path)]
    job = {**RUNNING, "metadata": {"verb": "run"}}
    with dashboard(logs, [job, {"status": "RUNNING", "metadata": {"verb": "status"}}]) as address:
        there = ["--address", f"http://{address}", "--output", str(tmp_path)]
        done = golf(tmp_path, "status", *there)
        assert run.path.name in done.stdout, done.stderr
        assert (done.returncode, done.stderr) == (0, "")
        facts = json.loads(golf(tmp_path, "status", "fake", "--json", *there).stdout)
        assert facts["runs"][0]["seeds"][0]["state"] == "failed"
        with pytest.raises(Unanswered):
            read_board(f"http://{address}", tmp_path / "elsewhere")
