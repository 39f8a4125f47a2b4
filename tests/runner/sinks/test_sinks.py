"""The driver's side: whatever a sink does, the run is told a line and goes on."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from runner.sinks.sink import Order, lacking, orders
from runner.sinks.sinks import Sinks
from runner.sinks.spec import SinksSpec
from tests.fixtures.webhook_server import webhook_server

OPENED = {"kind": "opened", "run": "quick-1", "track": "local", "seeds": [1, 2], "config": {}, "patterns": []}
DONE = {"kind": "done", "seed": 1, "attempt": 1, "status": "completed", "reason": "", "figures": {}}
ALL = ["started", "seed", "verdict", "budget"]
KILLED = "did not end within 1 s and was killed; what it had not sent is lost"
HOOK = Order("webhook", {"kind": "json", "url_env": "HOOK", "token_env": None, "on": ALL})


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


class Said(list[str]):
    def __call__(self, line: str) -> None:
        self.append(line)


def test_a_webhook_hears_of_a_run_from_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Said()
    with webhook_server() as heard:
        monkeypatch.setenv("HOOK", heard.url)
        with Sinks([HOOK], said) as sinks:
            sinks.tell(OPENED)
            sinks.tell(DONE)
    assert [json.loads(body)["kind"] for body in heard.bodies] == ["opened", "done"]
    assert said == ["sink webhook HOOK: 1 seed: 2 messages to 127.0.0.1"]


def test_a_server_that_fails_costs_one_line_which_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Said()
    with webhook_server(500) as heard:
        monkeypatch.setenv("HOOK", heard.url)
        with Sinks([HOOK], said) as sinks:
            sinks.tell(OPENED)
            sinks.tell(DONE)
    assert said[0] == "sink webhook HOOK: 127.0.0.1 answered 500; the run goes on without it"
    assert said[1] == "sink webhook HOOK: 1 seed: 0 messages to 127.0.0.1; 2 messages failed"
    assert "SECRET" not in "".join(said)


def test_a_hanging_server_holds_up_neither_the_run_nor_its_end_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    said = Said()
    with webhook_server(seconds=60) as heard:
        monkeypatch.setenv("HOOK", heard.url)
        begin = time.monotonic()
        with Sinks([HOOK], said, patience=1.0) as sinks:
            for _ in range(200):
                sinks.tell(
                    DONE | {"kind": "opened", "run": "quick-1", "track": "local", "seeds": [1], "patterns": []}
                )
            told = time.monotonic() - begin
        closed = time.monotonic() - begin
    assert told < 1.0
    assert closed < 3.0
    assert said == [
        f"sink webhook HOOK: {KILLED}; the run goes on without it",
    ]


@pytest.mark.parametrize(
    ("does", "line"),
    [
        ("raise SystemExit(7)", "its process ended, exit code 7"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "its process ended, exit code -11"),
        ("import time; time.sleep(60)", "did not end within 0.5 s and was killed; what it had not sent is lost"),
        ("print('no json'); print('{}')", "its process ended, exit code 0"),
    ],
)
def test_a_library_that_crashes_or_hangs_costs_one_line(
    does: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/")
    said = Said()
    with Sinks([HOOK], said, patience=0.5, start=lambda order: program(does)) as sinks:
        sinks.tell(OPENED)
    (told,) = said
    assert told.startswith(f"sink webhook HOOK: {line}")


def test_a_full_pipe_drops_messages_and_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/")
    said = Said()
    begin = time.monotonic()
    with Sinks([HOOK], said, patience=0.1, start=lambda order: program("import time; time.sleep(60)")) as sinks:
        for _ in range(3000):
            sinks.tell({**OPENED, "text": "x" * 1000})
        assert sinks.running is not None
        dropped = sinks.running[0].dropped
    assert 1500 < dropped < 3000
    assert time.monotonic() - begin < 3.0


def test_what_cannot_be_started_is_said_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/")
    said = Said()
    nowhere: Sequence[str] = ["/nowhere/python"]
    with Sinks([HOOK], said, start=lambda order: nowhere) as sinks:
        sinks.tell(OPENED)
    assert said == ["sink webhook HOOK: cannot be started: No such file or directory; the run goes on without it"]


def test_a_variable_that_is_not_set_is_said_before_anything_starts() -> None:
    said = Said()
    with Sinks([Order("webhook", {**HOOK.spec, "url_env": "GOLF_NOT_SET"})], said) as sinks:
        sinks.tell(OPENED)
        assert sinks.running == []
    assert said == ["sink webhook GOLF_NOT_SET: GOLF_NOT_SET is not set; the run goes on without it"]


def test_an_order_names_variables_and_holds_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLACK", "https://hooks.example/SECRET")
    spec = SinksSpec.model_validate_json('{"wandb": {}, "mlflow": {}, "webhooks": [{"url_env": "SLACK"}]}')
    found = list(orders(spec, tmp_path))
    assert [order.name for order in found] == ["wandb", "mlflow", "webhook SLACK"]
    assert found[0].folder == str(tmp_path / "sinks" / "wandb")
    assert "SECRET" not in repr(found)
    assert lacking(found[2]) == ""
