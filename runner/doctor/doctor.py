"""All that is looked at, side by side, each for so many seconds at most: what has not answered by then is unknown."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from runner.doctor import cluster, job, machine
from runner.doctor.findings import Finding
from runner.job.spec import JobSpec
from runner.node.gpus import gpu_facts

WITHIN_S, LEAST_S = 8.5, 3.0
"""Seconds for all of it, golf's own start included, and for the looks at the least."""
Look = Callable[[], Finding | list[Finding]]


def looks(wanted: JobSpec, output: Path, address: str | None) -> dict[str, tuple[Look, bool]]:
    """Name -> how it is looked at, and whether the job cannot run without it.

    On a cluster, what this machine has says nothing of where seeds run; golf itself still runs here.
    """
    here = address is None
    found: dict[str, tuple[Look, bool]] = {
        "python": (machine.python_found, True),
        "torch": (lambda: machine.torch_found(gpu_facts()), here),
        "GPU": (machine.gpus_found, False),
        "memory": (machine.memory_found, False),
        "disk": (machine.disk_found, here),
        "output": (lambda: machine.output_found(output), True),
        "/dev/shm": (machine.shm_found, False),
        "isolation": (machine.isolation_found, False),
        "inotify": (machine.inotify_found, False),
        "Ray": (machine.ray_found, not here),
        "Ray token": (machine.token_found, False),
    }
    if address is None:
        found["hardware"] = (lambda: job.hardware_found(wanted), True)
        found["packages"] = (lambda: job.script_found(wanted), True)
        found["data"] = (lambda: job.data_found(wanted), True)
    else:
        found["cluster"] = (lambda: cluster.cluster_found(address), True)
        found["hardware"] = (lambda: cluster.nodes_found(address, wanted), True)
    if wanted.data.corpus is None:
        found["Hugging Face"] = (job.hub_found, False)
    return found


def patience_left() -> float:
    """Seconds that the looks may take, by when this process began."""
    return max(LEAST_S, WITHIN_S - (time.time() - psutil.Process().create_time()))


def examine(looks: dict[str, tuple[Look, bool]], patience: float) -> list[Finding]:
    """Look at everything at once, for `patience` seconds; the findings in the order of the looks."""
    answers: queue.Queue[tuple[str, list[Finding]]] = queue.Queue()

    def look(name: str, how: Look, needed: bool) -> None:
        try:
            found = how()
        except Exception as error:  # what looks at an ill machine may meet anything, and must not hide the rest
            found = Finding(name, "unknown", f"could not be looked at: {type(error).__name__}: {error}")
        listed = found if isinstance(found, list) else [found]
        answers.put((name, [_as_needed(one, needed) for one in listed]))

    for name, (how, needed) in looks.items():
        threading.Thread(target=look, args=(name, how, needed), daemon=True).start()
    told: dict[str, list[Finding]] = {}
    until = time.monotonic() + patience
    while len(told) < len(looks):
        try:
            name, found = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        told[name] = found
    late = f"no answer within {patience:.1f} s"
    return [
        one
        for name, (_, needed) in looks.items()
        for one in told.get(
            name, [Finding(name, "unknown", late, "try again when this machine has less to do", needed)]
        )
    ]


def _as_needed(finding: Finding, needed: bool) -> Finding:
    return Finding(finding.name, finding.state, finding.found, finding.advice, needed)


def for_no_job(quickstart: JobSpec) -> JobSpec:
    """The quickstart on a CPU: what is meant where no job is named."""
    return quickstart.model_copy(update={"hardware": "cpu"})
