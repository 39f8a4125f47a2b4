"""What a cluster says of itself before this process joins it: found and asked in a process of its own, in seconds.

Ray's own client waits for minutes for a head that has gone, and fills the screen while it does. Here its lines stay
in the child, and what is wrong becomes one message. Ray is imported by the child alone.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from runner.backends.endpoint_probe import answering_kind, split_address
from runner.errors import UserError

ASKED_S = 20.0
FINDS = """
import json, os
from ray._private import services
found = sorted(services.find_gcs_addresses())
told, noted = os.environ.get("RAY_ADDRESS") or "", services.find_bootstrap_address(None) or ""
print(json.dumps({"told": told, "noted": noted, "running": found}))
"""
ASKS = """
import json, sys
from ray._raylet import GcsClient
try:
    client = GcsClient(address=sys.argv[1])
    facts = json.loads(client.internal_kv_get(b"CLUSTER_METADATA", b"cluster", timeout=5) or b"{}")
    facts["dashboard"] = (client.internal_kv_get(b"dashboard", b"dashboard", timeout=5) or b"").decode()
    print(json.dumps(facts))
except Exception as error:
    print(json.dumps({"error": type(error).__name__, "said": str(error)[:500]}))
"""


def find_cluster() -> str:
    """host:port of the one cluster that this machine knows of, as Ray's `auto` means it; UserError where none is.

    RAY_ADDRESS comes first, as Ray's Jobs API sets it; then a head that runs here; then the address of the last
    `ray start`, which may be stale: whether somebody answers there is asked by `require_joinable`.
    """
    known = _child(FINDS, "auto")
    return chosen(known["told"], known["noted"], known["running"])


def chosen(told: str, noted: str, running: Sequence[str]) -> str:
    """Which cluster `auto` means: of what RAY_ADDRESS says, the last `ray start`, and heads that run here."""
    if told and told != "auto":
        return told
    if noted in running or (noted and not running):
        return noted
    if len(running) > 1:
        raise UserError(f"--address auto: several clusters run on this machine: {', '.join(running)}; name one")
    if not running:
        raise UserError(
            "--address auto: this machine knows of no Ray cluster. Start one (ray start --head), give host:port of "
            "a cluster's head node, or leave it out to run on this machine"
        )
    return running[0]


def require_joinable(address: str, given: str | None = None) -> dict[str, Any]:
    """What the head node at host:port says of itself; UserError where this process could not join its cluster.

    given: the address as the user gave it. Returns `ray_version`, `python_version` and `dashboard`, host:port or ''.
    """
    there = address if given in (None, address) else f"{given} ({address})"
    kind = answering_kind(address, there)
    if kind != "head":
        raise UserError(
            f"--address {there}: what answers there is no head node of Ray, but {kind}. Give its host and port, "
            "usually 6379"
        )
    facts = _child(ASKS, there, address)
    if facts.get("error") == "AuthenticationError":
        raise UserError(
            f"--address {there}: the cluster does not take this machine's token. Put the one that is in "
            "~/.ray/auth_token of its nodes into the same file here, mode 0600, or into RAY_AUTH_TOKEN"
        )
    if "error" in facts:
        raise UserError(f"--address {there}: the head node did not say what it is: {facts['said']}")
    require_same_versions(facts, there)
    return facts


def require_same_versions(facts: Mapping[str, Any], there: str) -> None:
    """UserError, with both versions and what to do, where Ray would refuse to join."""
    theirs = facts.get("ray_version"), facts.get("python_version")
    ours = version("ray"), platform.python_version()
    if None in theirs or theirs == ours:
        return
    wrong = "Ray" if theirs[0] != ours[0] else "Python"
    raise UserError(
        f"--address {there}: the cluster runs Ray {theirs[0]} on Python {theirs[1]}, this machine Ray {ours[0]} on "
        f"Python {ours[1]}; Ray joins only what is equal. Install {wrong} {theirs[0 if wrong == 'Ray' else 1]} "
        "here, or golf's environment on its nodes, or use golf submit, which needs only the cluster's dashboard"
    )


def head_of_dashboard(summary: Mapping[str, Any], address: str) -> str:
    """host:port of the head node's control service, from the dashboard's list of nodes; UserError where it is not.

    The dashboard may have been reached through a tunnel: the address is the one by which the nodes know the head.
    """
    for node in summary.get("data", {}).get("summary", []):
        for word in node.get("cmdline", []) if node.get("raylet", {}).get("isHeadNode") else []:
            if str(word).startswith("--gcs-address="):
                return str(word).partition("=")[2]
    raise UserError(f"--address {address}: the dashboard does not say where its head node is; give host:6379")


def dashboard_of_head(facts: Mapping[str, Any], address: str) -> str:
    """host:port of the dashboard of the head node at `address`; UserError where it has none."""
    listening = str(facts.get("dashboard", ""))
    if not listening:
        raise UserError(f"--address {address}: this head node has no dashboard (ray start --include-dashboard=true)")
    host, port = split_address(listening)
    return f"{split_address(address)[0]}:{port}" if host in ("0.0.0.0", "::") else listening


def _child(code: str, there: str, *words: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *words],
            capture_output=True,
            text=True,
            timeout=ASKED_S,
            check=False,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        )
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        raise UserError(f"--address {there}: the head node gave no answer within {ASKED_S:g} s") from None
    except (ValueError, IndexError):
        last = done.stderr.strip().splitlines()[-1:]
        raise UserError(f"--address {there}: Ray could not be asked: {''.join(last) or 'it said nothing'}") from None
    return told
