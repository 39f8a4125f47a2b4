"""A cluster of several raylets on this machine whose nodes may be killed and are replaced."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psutil

from runner.node.orphans import MARKER, SUPERVISES
from tests.chaos.witness import Witness

CLUSTER = "CHAOS_CLUSTER"
"""Environment variable of the whole cluster, but for scripts and supervisors, which find nothing of their node's."""
TOKEN = secrets.token_hex(32)
"""Of all clusters of this process: Ray reads it once."""
NODE = {"num_cpus": 2, "object_store_memory": 80 << 20}
WORKERS = 3
STARTS = 4
"""How often a node may fail to start, as on a busy machine; no trial is about that."""


class Raylets:
    """A head that takes no seeds, and nodes that take one each. Everything of it lies in one folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="c", dir="/tmp"))
        self.scratch = self.folder / f"golf-{os.getuid():08x}"
        self.witness = Witness(self.scratch, self.folder / "truth")
        os.environ |= {
            "RAY_TMPDIR": str(self.folder),
            "TMPDIR": str(self.folder),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_raylet_start_wait_time_s": "60",  # a busy machine may not start a node in the usual 30
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "OMP_NUM_THREADS": "1",
            CLUSTER: str(self.folder),
        }
        tempfile.tempdir = None  # asked for anew
        self.cluster = self._start()

    def _start(self) -> Any:
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 << 20}
        cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        for _ in range(WORKERS):
            cluster.add_node(**NODE)
        return cluster

    @property
    def truth(self) -> Path:
        """Folder of what the scripts really wrote."""
        return self.witness.truth

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def nodes(self) -> dict[str, Any]:
        """Node id -> a node that takes seeds."""
        return {node.node_id: node for node in self.cluster.worker_nodes}

    def raylet(self, node: str) -> psutil.Process:
        """The raylet of a node."""
        return psutil.Process(self.nodes()[node].all_processes["raylet"][0].process.pid)

    def mend(self) -> None:
        """Clear away nodes whose raylet is dead, and put new ones in their place."""
        for node in list(self.cluster.worker_nodes):
            if node.all_processes["raylet"][0].process.poll() is not None:
                self.cluster.remove_node(node, allow_graceful=False)
        tries = STARTS
        while len(self.cluster.worker_nodes) < WORKERS:
            try:
                self.cluster.add_node(**NODE)
            except Exception:
                tries -= 1
                if not tries:
                    raise

    def lose_all(self) -> None:
        """SIGKILL of every process of the cluster, the head's first, as when the machines are gone."""
        for node in [self.cluster.head_node, *self.cluster.worker_nodes]:
            for processes in node.all_processes.values():
                for one in processes:
                    one.process.kill()  # nobody else's, should it have ended long ago

    def close(self) -> None:
        """End the cluster and remove its folder."""
        self.stop()
        self.witness.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> None:
        """End the cluster at once; asked politely, it would drain its nodes for half a minute."""
        self.lose_all()
        self._kill_all()

    def _kill_all(self) -> None:
        for one in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if self._is_ours(one.environ()) and one.pid != os.getpid():
                    one.kill()

    def _is_ours(self, environment: dict[str, str]) -> bool:
        """Whether a process is of this cluster, or of an attempt in its folder of work folders."""
        attempt = environment.get(MARKER) or environment.get(SUPERVISES)
        return environment.get(CLUSTER) == str(self.folder) or attempt in self.witness.attempts

    def left_behind(self) -> list[str]:
        """Processes of attempts, their supervisors and Ray workers that run one: after a run there may be none."""
        found = []
        for process in psutil.process_iter():
            try:
                environment = process.environ()
                if not self._is_ours(environment) or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                words = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if {MARKER, SUPERVISES} & environment.keys() or words.startswith("ray::chaos"):
                found.append(f"{process.pid} {words[:120]}")
        return found
