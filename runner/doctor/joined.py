"""The nodes of a cluster as JSON on standard output: `python -m runner.doctor.joined HOST:PORT`.

A process of its own, since joining fills the screen and may take minutes where a cluster is ill.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from runner.errors import UserError


def main(address: str) -> int:
    """Join, look, leave."""
    from runner.backends.ray_environment import prepare_environment

    prepare_environment(address)
    from runner.backends.cluster import cluster_nodes, connect

    connect(address)
    print(json.dumps([{**asdict(node), "labels": dict(node.labels)} for node in cluster_nodes()]), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except UserError as error:
        print(f"golf: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
