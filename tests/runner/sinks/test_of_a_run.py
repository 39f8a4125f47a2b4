"""A run with sinks beside the same run without: nothing of the run is other, and no secret is kept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runner.backends.backend import LocalBackend
from runner.drive.assess import JudgedRun
from runner.drive.run import run_plan
from runner.folder.ledger import check_chain
from runner.job.open_data import DataRequest
from runner.sinks.sink import orders
from runner.sinks.sinks import Sinks
from tests.fixtures.fake_script import fake_script
from tests.fixtures.webhook_server import webhook_server
from tests.runner.drive.test_run import Screen, plan_for, script_of

SECRET = re.compile(rb"T0SECRETPART|B0SECRETPART|SECRETQUERY|0123456789SECRETKEY")
HOOKS = {"webhooks": [{"url_env": "HOOK"}, {"url_env": "DEAD", "on": ["started", "verdict"]}]}


def run_with(data: DataRequest, root: Path, sinks: Any, screen: Screen) -> JudgedRun:
    plan = plan_for(data, (1,), **({"sinks": sinks} if sinks else {}))

    def say(line: str) -> None:
        screen.console.print(line, markup=False, highlight=False, soft_wrap=True)

    with Sinks(list(orders(plan.job.sinks, root)), say) as told:
        return run_plan(plan, script_of(fake_script()), root, screen.console, LocalBackend, sinks=told)


def told_apart(done: JudgedRun) -> dict[str, Any]:
    """All of a record but times and hosts."""
    text = re.sub(
        r'"[a-z_]*(seconds|time|_at|sha256|clock|ms|low|high|hash)": [^,{}\[\]]+',
        '"t": 0',
        done.data.model_dump_json(),
    )
    text = re.sub(r"[0-9.]+ ?s\b|\d{4}-\d\d-\d\dT[^\"]+", "t", text)
    found: dict[str, Any] = json.loads(text)
    return {key: found[key] for key in ("name", "run", "job", "limits", "ledger", "versions", "changes")}


def test_sinks_are_told_and_nothing_else_is_other(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen()
    monkeypatch.setenv("WANDB_API_KEY", "0123456789SECRETKEY")
    with webhook_server() as heard:
        monkeypatch.setenv("HOOK", heard.url)
        monkeypatch.setenv("DEAD", "http://127.0.0.1:9/services/T0SECRETPART")
        told = run_with(tiny_data, tmp_path / "with", HOOKS, screen)
    plain = run_with(tiny_data, tmp_path / "without", None, Screen())

    kinds = [json.loads(body) for body in heard.bodies]
    assert [one["kind"] for one in kinds] == ["opened", "done", "verdict"]
    assert kinds[1]["figures"]["steps"] == 5
    assert kinds[1]["figures"]["artifact_bytes"] == len(b"weights of seed 1")
    assert kinds[2]["status"] == told.data.verdict.status
    assert "sink webhook HOOK: 1 seed: 3 messages to 127.0.0.1" in screen.text
    assert screen.text.count("sink webhook DEAD: 127.0.0.1 does not answer: Connection refused") == 1

    assert told_apart(told) == told_apart(plain)
    first, other = (check_chain(one.folder.ledger) for one in (told, plain))
    assert [entry["kind"] for entry in first] == [entry["kind"] for entry in other]
    assert first[0]["job_sha256"] == other[0]["job_sha256"]
    assert SECRET.search(screen.text.encode()) is None
    written = [path for path in (tmp_path / "with").rglob("*") if path.is_file()]
    assert len(written) > 10
    assert [path for path in written if SECRET.search(path.read_bytes())] == []
