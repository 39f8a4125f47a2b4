"""A cluster of many raylets on this machine with make-believe GPUs, in a process of its own; ends with its stdin.

    python -m benchmarks.scheduler_nodes RAYLETS

Prints one line of JSON: the address, and Ray's token. Every raylet is a Spark by its accelerator and offers CPUs
enough for many attempts that only talk.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fixtures.four_nodes import with_gpus

CPUS = 160


def main() -> None:
    """Start, tell, wait, stop."""
    folder = Path(tempfile.mkdtemp(prefix="g", dir=os.environ.get("RAY_TMPDIR")))
    token = secrets.token_hex(32)
    os.environ |= {"RAY_TMPDIR": str(folder), "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    from ray.cluster_utils import Cluster

    store = 80 << 20
    os.environ["PATH"] = with_gpus(folder / "spark", "NVIDIA GB10, [N/A], [N/A], 580.1", 1)
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": store}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(int(sys.argv[1])):
        resources = {"accelerator_type:GB10": 1}
        cluster.add_node(num_cpus=CPUS, num_gpus=1, resources=resources, object_store_memory=store)
    print(json.dumps({"address": cluster.address, "token": token}), flush=True)
    sys.stdin.read()
    cluster.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
