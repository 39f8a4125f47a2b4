"""`golf verify`, isolation: can what kept a phase apart have been so, on this node and by this job?

What held a phase only its node saw. But a layer has a form, a node cannot give more than its own trial found, and
only a job opens the network.
"""

from __future__ import annotations

from runner.job.spec import JobSpec
from runner.record.answers import Findings
from runner.record.folder import Record, of_this_golf
from runner.results.nodes import NodeReport
from runner.results.phases import Isolation, PhaseResult
from runner.results.verdicts import Check

LAYERS = ("none", "landlock", "namespaces")
"""The better one later."""


def isolation_check(record: Record, job: JobSpec | None) -> Check:
    """Do layers fit themselves, the trials of their nodes and the job? job: the record's, None for unreadable."""
    found = Findings("isolation", "Kept apart as node and job allow?", "the node's trial, and the job")
    for number, result in enumerate(record.data.results):
        trained = result.preflight if result.training is None else result.training.preflight
        for phase, name, report in ((result.train, "train", trained), (result.eval, "eval", result.preflight)):
            where = f"results.{number}.{name}"
            if phase is None:
                continue
            if phase.isolation is None:
                told = f"{where}.isolated is true, and nothing tells by what"
                found.require(not (phase.isolated and of_this_golf(record.data)), told)
                continue
            layer_fits(found, where, phase, phase.isolation, report)
            opened = job is not None and job.network and name == "train"
            if job is not None:
                found.same(f"{where}.isolation.network", phase.isolation.network, opened, "the job")
    return found.check()


def layer_fits(found: Findings, where: str, phase: PhaseResult, layer: Isolation, report: NodeReport | None) -> None:
    """A layer of one phase against itself, and against what preflight found on its node."""
    apart = True if layer.layer == "namespaces" else None
    found.same(f"{where}.isolated", phase.isolated, apart, f"{where}.isolation")
    better = layer.layer == "namespaces"
    fine = not better or (not layer.second_uid and not layer.landlock_abi and not layer.refused)
    found.require(fine, f"{where}.isolation: where namespaces held, nothing else is tried")
    found.require(better or bool(layer.refused), f"{where}.isolation: nothing tells why no better layer held")
    fine = (layer.landlock_abi > 0) == (layer.layer == "landlock")
    found.require(fine, f"{where}.isolation.landlock_abi is {layer.landlock_abi}, its layer {layer.layer}")
    if report is not None and report.isolation is not None:
        most = report.isolation.layer
        fine = LAYERS.index(layer.layer) <= LAYERS.index(most)
        found.require(fine, f"{where}.isolation.layer is {layer.layer}, its node's trial gave {most}")
