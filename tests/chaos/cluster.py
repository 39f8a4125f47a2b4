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

from tests.chaos.jobs import TRUTH

TOKEN = secrets.token_hex(32)
"""Of all clusters of this process: Ray reads it once."""
NODE = {"num_cpus": 2, "object_store_memory": 80 << 20}
WORKERS = 3


class Raylets:
    """A head that takes no seeds, and nodes that take one each. Everything of it lies in one folder but for `truth`,
    which the evaluation must reach, too: the places for temporary files are hidden from it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="c", dir="/tmp"))
        self.truth = Path(tempfile.mkdtemp(prefix=".golf-chaos-", dir=Path.home()))
        self.scratch = self.folder / f"golf-{os.getuid():08x}"
        os.environ |= {
            "RAY_TMPDIR": str(self.folder),
            "TMPDIR": str(self.folder),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "OMP_NUM_THREADS": "1",
            TRUTH: str(self.truth),
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
        while len(self.cluster.worker_nodes) < WORKERS:
            self.cluster.add_node(**NODE)

    def lose_all(self) -> None:
        """SIGKILL of every process of the cluster, the head's first, as when the machines are gone."""
        for node in [self.cluster.head_node, *self.cluster.worker_nodes]:
            for processes in node.all_processes.values():
                for one in processes:
                    one.process.kill()  # nobody else's, should it have ended long ago

    def close(self) -> None:
        """End the cluster and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.truth, ignore_errors=True)

    def stop(self) -> None:
        """End the cluster at once; asked politely, it would drain its nodes for half a minute."""
        self.lose_all()
        for one in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if one.environ().get(TRUTH) == str(self.truth) and one.pid != os.getpid():
                    one.kill()

    def left_behind(self) -> list[str]:
        """Processes of attempts, their supervisors and Ray workers that run one: after a run there may be none."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(TRUTH) != str(self.truth) or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                words = " ".join(process.cmdline())
            except psutil.Error:
                continue
            if "supervise.py" in words or "train_gpt.py" in words or words.startswith("ray::chaos"):
                found.append(f"{process.pid} {words[:120]}")
        return found
