"""What Ray is told through the environment, and what follows of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.backends import ray_environment
from runner.errors import UserError
from tests.fixtures.places import ROOT

LISTENING = """
import ipaddress, json, psutil
from runner.backends.ray_environment import prepare_environment
prepare_environment(None)
from runner.backends.cluster import connect
connect(None, cpus=1)
import ray
@ray.remote
def one():
    return 1
assert ray.get(one.remote()) == 1
session = ray._private.worker._global_node.session_name
def of_ours(process):
    try:
        return session in " ".join(process.cmdline()) + str(process.environ())
    except psutil.Error:
        return False
ours = {p.pid: p.name() for p in psutil.process_iter() if of_ours(p)} | {psutil.Process().pid: "driver"}
found = [(c.laddr.ip, ours[c.pid]) for c in psutil.net_connections("inet") if c.status == "LISTEN" and c.pid in ours]
def is_loopback(ip):
    address = ipaddress.ip_address(ip)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
print(json.dumps([[name, ip] for ip, name in found if not is_loopback(ip)]))
print(json.dumps(sorted({name for _, name in found})))
ray.shutdown()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere listening sockets of others are not shown")
def test_a_ray_of_our_own_listens_on_loopback_alone(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", LISTENING], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    elsewhere, names = map(json.loads, done.stdout.splitlines()[-2:])
    assert elsewhere == []
    assert {"driver", "gcs_server", "raylet"} <= set(names)


def test_a_cluster_that_is_joined_is_not_kept_to_loopback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(ray_environment, "TOKEN", tmp_path / "token")
    ray_environment.prepare_environment("there:6379")
    assert "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" not in os.environ
    assert "RAY_AUTH_MODE" not in os.environ
    (tmp_path / "token").write_text("secret")
    (tmp_path / "token").chmod(0o644)
    ray_environment.prepare_environment("there:6379")
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    ray_environment.prepare_environment(None)
    assert os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"


def test_a_token_is_made_ours_alone_and_whole_before_ray_makes_one_for_everybody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "home" / ".ray" / "auth_token"
    monkeypatch.setattr(os, "environ", {})
    monkeypatch.setattr(ray_environment, "TOKEN", token)
    before = os.umask(0)
    try:
        ray_environment.prepare_environment(None)
    finally:
        os.umask(before)
    assert token.stat().st_mode & 0o777 == 0o600
    made = token.read_text()
    assert len(bytes.fromhex(made)) == 32
    ray_environment.prepare_environment(None)
    assert token.read_text() == made
    assert [path.name for path in token.parent.iterdir()] == ["auth_token"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "environ", [{"RAY_AUTH_MODE": "disabled"}, {"RAY_AUTH_TOKEN": "x"}, {"RAY_AUTH_TOKEN_PATH": "/none/such"}]
)
def test_no_token_is_made_where_ray_would_make_none(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "environ", environ)
    monkeypatch.setattr(ray_environment, "TOKEN", tmp_path / "token")
    ray_environment.prepare_environment(None)
    assert not (tmp_path / "token").exists()


def test_tokens_that_others_can_read_are_told_and_closed_whoever_made_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, named = tmp_path / "token", tmp_path / "named"
    monkeypatch.setattr(os, "environ", {"RAY_AUTH_TOKEN_PATH": str(named)})
    monkeypatch.setattr(ray_environment, "TOKEN", own)
    for path in (own, named):
        path.write_text("secret")
        path.chmod(0o640)
    ray_environment.prepare_environment("there:6379")
    assert [path.stat().st_mode & 0o777 for path in (own, named)] == [0o600, 0o600]
    said = capsys.readouterr().err.splitlines()
    assert said[0] == (
        f"golf: warning: {own}: others could read this cluster token (mode 0640); it is yours alone now (0600)"
    )
    assert len(said) == 2

    def refuses(path: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    own.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuses)
    with pytest.raises(UserError, match="others can read this cluster token"):
        ray_environment.prepare_environment("there:6379")
