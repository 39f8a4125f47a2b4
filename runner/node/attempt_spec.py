"""The order for one attempt of one seed: everything that the node needs to know, as plain values that can travel."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from runner.errors import UserError
from runner.job.external_script import OutputsSpec
from runner.lives.counted_lives import KnownLife
from runner.results.nodes import NodeReport
from runner.results.runs import Trained
from runner.untrusted import read_bytes

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node={nproc}")
"""`torchrun`, started through the interpreter so that it is this environment's."""


@dataclass(frozen=True)
class AttemptSpec:
    """Everything an attempt needs to know; plain values, so that it can travel."""

    job: str
    seed: int
    attempt: int
    script: bytes
    artifact_name: str
    hardware: str
    nproc: int
    gpus: int
    """GPUs of the node that the attempt may see; 0 hides them all."""
    threads: int
    train_seconds: float
    eval_seconds: float
    stall_seconds: float
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """What lies beside the script, by name."""
    outputs: OutputsSpec | None = None
    """How to read what somebody else's script leaves; None for ours, which announces its phases."""
    preflight: NodeReport | None = None
    """What was found on the node; None where nobody looked."""
    alone: bool = False
    """Nobody else works on the node."""
    shared: bool = False
    """Other seeds of the same run may work on the node."""
    isolate: bool = False
    """Keep validation shards out of training's reach."""
    network: bool = False
    """Let training reach the network."""
    apart: tuple[str, ...] = ()
    """Folders on the driver's disk that are no business of a script: where they are here, too, it finds them
    empty."""
    store: str = ""
    """Name of the folder on the node that outlives the attempt, so that another can go on from it; '' for none."""
    launch: str = ""
    """Hash of the ledger's entry that queued the attempt."""
    lives: tuple[KnownLife, ...] = ()
    """Earlier attempts of the seed that a checkpoint may come from; another's is not used, being counted nowhere."""
    afresh: bool = False
    """Go on from nothing that an earlier attempt left: it came to an end of its own."""
    launcher: tuple[str, ...] = TORCHRUN
    """What stands between the interpreter and the script; `{nproc}` is filled in."""
    keep: bool = False
    """Bring back the float weights that training packed, too."""
    trained: Trained | None = None
    """Another attempt's training, whose artifact is only to be scored; None trains."""
    artifact_at: str = ""
    """Where that artifact lies on the driver's disk."""
    artifact: bytes = b""
    """Its content, once the attempt is about to start."""

    def loaded(self) -> AttemptSpec:
        """The same with the artifact that it scores: read when it starts, for of those that wait there may be many.

        What cannot be read is left out, and the attempt ends as lost.
        """
        if self.trained is None:
            return self
        try:
            return replace(self, artifact=read_bytes(Path(self.artifact_at)))
        except UserError:
            return self
