"""A cluster that cannot be joined is told in seconds and in one message: stale, another version, several, none."""

from __future__ import annotations

import platform
import socket
import time
from importlib.metadata import version

import pytest

from runner.backends.cluster import connect
from runner.backends.head_facts import (
    chosen,
    dashboard_of_head,
    head_of_dashboard,
    require_joinable,
    require_same_versions,
)
from runner.errors import UserError
from tests.runner.backends.test_endpoint_probe import answering

RAY, PYTHON = version("ray"), platform.python_version()


@pytest.mark.parametrize(
    ("told", "noted", "running", "address"),
    [
        ("10.0.0.1:1", "10.0.0.2:2", ["10.0.0.3:3"], "10.0.0.1:1"),
        ("auto", "10.0.0.2:2", [], "10.0.0.2:2"),
        ("", "10.0.0.2:2", [], "10.0.0.2:2"),
        ("", "10.0.0.2:2", ["10.0.0.3:3"], "10.0.0.3:3"),
        ("", "10.0.0.2:2", ["10.0.0.2:2", "10.0.0.3:3"], "10.0.0.2:2"),
        ("", "", ["10.0.0.3:3"], "10.0.0.3:3"),
    ],
    ids=["named", "named auto", "noted", "a stale note beside a head", "noted among several", "a head alone"],
)
def test_auto_means_what_ray_means_by_it(told: str, noted: str, running: list[str], address: str) -> None:
    assert chosen(told, noted, running) == address


@pytest.mark.parametrize(
    ("noted", "running", "said"),
    [
        ("", [], "this machine knows of no Ray cluster"),
        ("", ["10.0.0.3:3", "10.0.0.4:4"], "several clusters run on this machine: 10.0.0.3:3, 10.0.0.4:4; name one"),
        ("10.0.0.2:2", ["10.0.0.3:3", "10.0.0.4:4"], "several clusters run on this machine"),
    ],
)
def test_auto_guesses_nothing(noted: str, running: list[str], said: str) -> None:
    with pytest.raises(UserError, match=f"^--address auto: {said}"):
        chosen("", noted, running)


def test_a_stale_address_behind_auto_is_told_within_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = f"127.0.0.1:{server.getsockname()[1]}"
    monkeypatch.setenv("RAY_ADDRESS", gone)
    before = time.monotonic()
    with pytest.raises(UserError, match=r"^--address auto: nobody answers there"):
        connect("auto")
    assert time.monotonic() - before < 10


@pytest.mark.parametrize(
    ("ray", "python", "wanted"),
    [("2.9.3", PYTHON, "Install Ray 2.9.3 here"), (RAY, "3.13.99", "Install Python 3.13.99 here")],
)
def test_another_version_is_told_with_both_and_what_to_do(ray: str, python: str, wanted: str) -> None:
    with pytest.raises(UserError) as caught:
        require_same_versions({"ray_version": ray, "python_version": python}, "h:1")
    assert str(caught.value).startswith(
        f"--address h:1: the cluster runs Ray {ray} on Python {python}, this machine Ray {RAY} on Python {PYTHON}; "
    )
    assert wanted in str(caught.value)


def test_the_same_versions_and_untold_ones_are_let_pass() -> None:
    require_same_versions({"ray_version": RAY, "python_version": PYTHON}, "h:1")
    require_same_versions({}, "h:1")


def test_what_is_no_head_node_is_named_with_the_address_as_it_was_given() -> None:
    with (
        answering(b"SSH-2.0\r\n") as (address, _),
        pytest.raises(UserError, match=rf"^--address auto \({address}\): what answers there is no head node of Ray"),
    ):
        require_joinable(address, "auto")


def test_head_and_dashboard_are_found_from_each_other() -> None:
    def node(head: bool, port: int) -> dict[str, object]:
        return {"raylet": {"isHeadNode": head}, "cmdline": ["raylet", f"--gcs-address=10.0.0.1:{port}", "--x"]}

    assert head_of_dashboard({"data": {"summary": [node(False, 1), node(True, 6379)]}}, "a") == "10.0.0.1:6379"
    for empty in ({}, {"data": {"summary": [node(False, 1)]}}, {"data": {"summary": [{"cmdline": ["x"]}]}}):
        with pytest.raises(UserError, match="does not say where its head node is"):
            head_of_dashboard(empty, "a")
    assert dashboard_of_head({"dashboard": "127.0.0.1:8265"}, "10.0.0.1:6379") == "127.0.0.1:8265"
    assert dashboard_of_head({"dashboard": "0.0.0.0:8265"}, "10.0.0.1:6379") == "10.0.0.1:8265"
    with pytest.raises(UserError, match="has no dashboard"):
        dashboard_of_head({}, "10.0.0.1:6379")
