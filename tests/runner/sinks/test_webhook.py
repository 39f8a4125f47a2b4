"""Webhooks against a real HTTP server that is well, broken, slow, sends on, or is not there."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from runner.sinks import webhook
from runner.sinks.sink import Order, SinkError
from runner.sinks.webhook import WebhookSink, discord, slack
from tests.fixtures.webhook_server import webhook_server

OPENED = {"kind": "opened", "run": "quick-1", "track": "local", "seeds": [1, 2], "config": {}, "patterns": []}
DONE = {
    "kind": "done",
    "seed": 1,
    "attempt": 1,
    "status": "completed",
    "reason": "",
    "figures": {"val_bpb": 1.23456, "total_bytes": 15_863_489},
}
ALL = ["started", "seed", "verdict", "budget"]


def sink_at(url: str, monkeypatch: pytest.MonkeyPatch, kind: str = "json", **spec: Any) -> WebhookSink:
    monkeypatch.setenv("HOOK", url)
    return WebhookSink(Order("webhook", {"kind": kind, "url_env": "HOOK", "token_env": None, "on": ALL, **spec}))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("slack", b'"text": "golf quick-1: seed 1 completed: bpb 1.2346, bytes 15,863,489"'),
        ("discord", rb'"content": "golf quick-1: seed 1 completed: bpb 1.2346, bytes 15,863,489"'),
        ("ntfy", b"golf quick-1: seed 1 completed: bpb 1.2346, bytes 15,863,489"),
        ("json", b'"val_bpb": 1.23456'),
    ],
)
def test_each_service_gets_its_own_form(kind: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_server() as heard:
        sink = sink_at(heard.url, monkeypatch, kind)
        sink.opened(OPENED)
        sink.done(DONE)
    assert len(heard.bodies) == 2
    assert body in heard.bodies[1]
    assert heard.paths[0].startswith("/services/T0SECRETPART")


def test_only_what_the_job_asks_for_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_server() as heard:
        sink = sink_at(heard.url, monkeypatch, on=["verdict"])
        sink.opened(OPENED)
        sink.done(DONE)
        sink.verdict({"kind": "verdict", "status": "passed", "reasons": [], "completed": 2, "figures": {}})
    (body,) = heard.bodies
    assert json.loads(body)["text"] == "golf quick-1: passed, 2 seeds completed"
    assert json.loads(body)["run"] == "quick-1"


def test_a_token_is_a_bearers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "tk_secret")
    with webhook_server() as heard:
        sink_at(heard.url, monkeypatch, token_env="TOKEN").opened(OPENED)
    assert heard.headers[0]["Authorization"] == "Bearer tk_secret"


def test_an_error_names_host_and_status_and_not_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_server(500) as heard, pytest.raises(SinkError) as told:
        sink_at(heard.url, monkeypatch).opened(OPENED)
    assert str(told.value) == "127.0.0.1 answered 500"


def test_an_address_that_sends_on_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook_server(302) as heard, pytest.raises(SinkError, match="answered 302"):
        sink_at(heard.url, monkeypatch).opened(OPENED)
    assert "/elsewhere" not in heard.paths


def test_nobody_there_is_said_without_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SinkError) as told:
        sink_at(f"http://127.0.0.1:{port}/services/T0SECRETPART", monkeypatch).opened(OPENED)
    assert str(told.value) == "127.0.0.1 does not answer: Connection refused"


def test_a_slow_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "ANSWERED_S", 0.1)
    with webhook_server(seconds=60) as heard, pytest.raises(SinkError, match="does not answer: too slow"):
        sink_at(heard.url, monkeypatch).opened(OPENED)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "127.0.0.1", ""])
def test_only_http_is_spoken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SinkError, match=r"^HOOK holds no http or https address$"):
        sink_at(url, monkeypatch)


def test_what_a_script_says_calls_nobody_and_links_nowhere() -> None:
    hostile = "seed 1 failed: <!everyone> @everyone [x](http://a.example) <@U1>"
    said = json.loads(slack(hostile, {}))
    assert "<" not in said["text"]
    assert said["mrkdwn"] is False
    told = json.loads(discord(hostile, {}))
    assert told["allowed_mentions"] == {"parse": []}
    assert r"\[x\]\(http" in told["content"]
