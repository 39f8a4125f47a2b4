"""What Ray is told through the environment, and what follows of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.backends import ray_environment
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
    ray_environment.tighten_token()
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    ray_environment.prepare_environment(None)
    assert os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
