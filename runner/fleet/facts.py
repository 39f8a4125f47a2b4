"""What is known of a fleet of nodes: frozen values, plain JSON, that `golf fleet` and its warnings are made from."""

from __future__ import annotations

from typing import Literal

from runner.results.frozen import Frozen

Said = Literal["unknown", "as the others", "higher", "lower"]


class Effect(Frozen):
    """How far a node's values are from those of the same jobs (or kinds of nodes) elsewhere; None: cannot be told."""

    values: int
    """Its own, in groups that have another node, too."""
    groups: int
    """Jobs, or kinds, that both it and another node have values of."""
    estimate: float | None
    low: float | None
    """Lower end of the 95 % interval."""
    high: float | None
    p: float | None
    """Two-sided, that there is no difference, corrected for as many nodes as were looked at (Holm)."""

    @property
    def said(self) -> Said:
        """In a word, where p is below 0.05."""
        if self.estimate is None or self.p is None:
            return "unknown"
        if self.p >= 0.05:
            return "as the others"
        return "higher" if self.estimate > 0 else "lower"


class NodeFacts(Frozen):
    """One node."""

    host: str
    seeds: int
    """Completed ones."""
    runs: int
    probes: int
    refused: int
    """Times that preflight refused it."""
    tflops: float | None
    """Median of its speed probes (gemm); None where it was never probed."""
    probe: Effect
    """Share by which its probes are faster than those of other nodes of its kind: log of the ratio."""
    step: Effect
    """Share by which its steps take longer: log of the ratio."""
    bpb: Effect
    """Residual score, bits per byte, against each job's mean over nodes: above 0 is worse."""
    at_equal_steps: Effect
    """The same as it would be, had every seed of a job made equally many steps."""


class StepSlope(Frozen):
    """What a score gains by steps, within jobs: bits per byte for a natural log of steps."""

    slope: float
    low: float
    high: float
    seeds: int


class KindFacts(Frozen):
    """All nodes of one hardware profile; what differs between profiles is never held against a node."""

    hardware: str
    nodes: list[NodeFacts]
    slope: StepSlope | None
    """None where the seeds of no job differ in their steps, or too few do."""
    scatter_bpb: float | None
    """Deviation between seeds of a job on one node, pooled; None where no node ran two of one job."""
    scatter_df: int


class FleetFacts(Frozen):
    """Everything that was found."""

    kinds: list[KindFacts]
    results: int
    """Completed seeds that were read, each once."""
    unreadable: int
    """Files that could not be read, or hold what golf does not write."""

    def node(self, hardware: str, host: str) -> NodeFacts | None:
        """One node of a kind; None where nothing is known of it."""
        return next(
            (node for kind in self.kinds if kind.hardware == hardware for node in kind.nodes if node.host == host),
            None,
        )
