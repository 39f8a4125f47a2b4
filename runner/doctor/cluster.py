"""A Ray cluster, before a job goes there: who answers, whether this machine may join, what its nodes offer.

Joining is done in a process of its own (`joined`), so that Ray's lines stay there and this one can give up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

from runner.backends.endpoint_probe import WEB, answering_kind
from runner.backends.head_facts import find_cluster, require_joinable
from runner.backends.nodes import Node, inventory
from runner.doctor.findings import Finding
from runner.doctor.job import hardware_found
from runner.errors import UserError
from runner.job.spec import JobSpec

JOINED_S = 8.0


def cluster_found(address: str) -> Finding:
    """Who answers at the address, and whether a driver here may join."""
    try:
        place = find_cluster() if address == "auto" else address
        kind = answering_kind(place, address)
        if kind == WEB:
            return Finding("cluster", "good", f"{address}: a dashboard, for golf submit", needed=True)
        facts = require_joinable(place, address)
    except UserError as error:
        found, _, advice = str(error).removeprefix("--address ").partition(". ")
        return Finding("cluster", "bad", found, advice, needed=True)
    return Finding("cluster", "good", f"{place}: Ray {facts['ray_version']}, and takes this machine", needed=True)


def nodes_of(address: str, python: str = sys.executable) -> list[Node]:
    """What its nodes offer. UserError where it cannot be joined from here; TimeoutExpired after JOINED_S seconds."""
    command = [python, "-P", "-m", "runner.doctor.joined", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=JOINED_S, check=False)
    try:
        told = json.loads(done.stdout.splitlines()[-1])
        return [Node(**one) for one in told]
    except (ValueError, IndexError, TypeError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UserError(last.removeprefix("golf: ")) from None


def nodes_found(address: str, job: JobSpec, ask: Callable[[str], list[Node]] = nodes_of) -> list[Finding]:
    """Whether one of its nodes can take a seed of the job; what only the nodes know is not known here."""
    unknown = Finding(
        "data there", "unknown", "each node is looked at before its first seed", "golf run says what one lacks", True
    )
    if answers_web(address):
        told = "a dashboard does not say; give the head node, HOST:6379"
        return [Finding("hardware", "unknown", told, "", needed=True), unknown]
    try:
        nodes = ask(address)
    except subprocess.TimeoutExpired:
        told = f"not joined within {JOINED_S:g} s"
        return [Finding("hardware", "unknown", told, f"golf plan JOB --address {address}", needed=True), unknown]
    except UserError as error:
        return [Finding("hardware", "unknown", f"not joined: {error}", "", needed=True), unknown]
    return [hardware_found(job, nodes, f"of {inventory(nodes)}, one"), unknown]


def answers_web(address: str) -> bool:
    """Whether a web server answers there; what else does, or that none does, others tell."""
    try:
        return address != "auto" and answering_kind(address) == WEB
    except UserError:
        return False
