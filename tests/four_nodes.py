"""A cluster of four raylets on this machine, for tests: a head, a node of eight H100, two Sparks, all make-believe.

Run as a process of its own: prints one line of JSON with the addresses, and shuts the cluster down when its stdin
closes. Each node finds an nvidia-smi of its own on its PATH, so that preflight there sees the GPUs that it should.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def with_gpus(folder: Path, line: str, count: int) -> str:
    """A PATH whose nvidia-smi shows so many GPUs, whichever way it is asked."""
    folder.mkdir()
    script = folder / "nvidia-smi"
    listed = "".join(f"echo 'GPU {n}: {line.split(',')[0]} (UUID: x)'; " for n in range(count))
    queried = "".join(f"echo '{line}'; " for _ in range(count))
    busy = "echo '20480, 97'; " * count
    cases = f"-L) {listed};; *utilization*) {busy};; *) {queried};;".replace("; ;;", ";;")
    script.write_text(f'#!/bin/sh\ncase "$1" in {cases} esac\n')
    script.chmod(0o755)
    return f"{folder}:{PATH}"


PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
H100 = {"num_cpus": 8, "num_gpus": 8, "labels": {"ray.io/accelerator-type": "H100"}}
SPARK = {"num_cpus": 2, "num_gpus": 1, "resources": {"accelerator_type:GB10": 1}}


def main() -> None:
    """Start, tell, wait, stop."""
    folder = Path(tempfile.mkdtemp(prefix="g"))
    os.environ |= {"RAY_TMPDIR": str(folder), "RAY_USAGE_STATS_ENABLED": "0", "PATH": PATH}
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)} if len(sys.argv) < 2 else {}
    from ray.cluster_utils import Cluster

    port, store = free_port(), 80 << 20
    # The agent takes the jobs that are submitted; its usual port may be another Ray's.
    head = {"num_cpus": 2, "include_dashboard": True, "dashboard_port": port, "object_store_memory": store}
    head["dashboard_agent_listen_port"] = free_port()
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    os.environ["PATH"] = with_gpus(folder / "pod", "NVIDIA H100 80GB HBM3, 81559, 0, 580.1", 8)
    cluster.add_node(**H100, object_store_memory=store)
    for name in ("spark-1", "spark-2"):
        os.environ["PATH"] = with_gpus(folder / name, "NVIDIA GB10, [N/A], [N/A], 580.1", 1)
        cluster.add_node(**SPARK, object_store_memory=store)
    token = os.environ.get("RAY_AUTH_TOKEN", "")
    print(json.dumps({"address": cluster.address, "dashboard": f"127.0.0.1:{port}", "token": token}), flush=True)
    sys.stdin.read()
    cluster.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
