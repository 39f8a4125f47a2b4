"""A cluster that answers, one that does not, and what its nodes offer."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from runner.backends.nodes import Node
from runner.doctor.cluster import cluster_found, nodes_found, nodes_of
from runner.errors import UserError
from runner.job.load import load_job
from tests.fixtures.places import JOBS

QUICK, FULL = load_job(JOBS / "quickstart.yaml"), load_job(JOBS / "pr372.yaml")


@pytest.fixture
def nobody() -> str:
    """An address at which nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def test_nobody_there_is_bad_with_what_to_give(nobody: str) -> None:
    found = cluster_found(nobody)
    assert (found.state, found.needed) == ("bad", True)
    assert found.found.startswith(f"{nobody}: nobody answers there")
    assert "HOST:PORT" in found.advice.upper()


def test_its_nodes_are_held_against_the_job_and_their_data_stay_unknown(nobody: str) -> None:
    eight = [Node(64, 8, "H100", {}), Node(64, 8, "H100", {})]
    fits, data = nodes_found(nobody, FULL, lambda address: eight)
    assert (fits.state, data.state, data.needed) == ("good", "unknown", True)
    assert fits.found.startswith("of 2 nodes of 8x H100 and 64 CPUs, one can take a seed")
    assert nodes_found(nobody, FULL, lambda address: [Node(4, 0)])[0].state == "bad"


def test_a_cluster_that_cannot_be_joined_in_time_is_unknown(nobody: str) -> None:
    def late(address: str) -> list[Node]:
        raise subprocess.TimeoutExpired("joined", 8)

    def refused(address: str) -> list[Node]:
        raise UserError("no token")

    assert nodes_found(nobody, QUICK, late)[0].found == "not joined within 8 s"
    assert nodes_found(nobody, QUICK, refused)[0].found == "not joined: no token"


def test_nodes_are_read_from_a_process_of_its_own(tmp_path: Path) -> None:
    python = tmp_path / "python"
    told = '[{"cpus": 4, "gpus": 1, "accelerator": "GB10", "labels": {}, "id": "n", "host": "h"}]'
    python.write_text(f"#!/bin/sh\necho Ray talks\necho '{told}'\n")
    python.chmod(0o755)
    assert nodes_of("127.0.0.1:1", str(python)) == [Node(4, 1, "GB10", {}, "n", "h")]
    python.write_text("#!/bin/sh\necho 'golf: --address: nobody answers' >&2\nexit 2\n")
    with pytest.raises(UserError, match=r"^--address: nobody answers$"):
        nodes_of("127.0.0.1:1", str(python))
