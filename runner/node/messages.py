"""What an attempt tells the driver while it runs: small frozen values, sent over Ray or handed over in-process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runner.node.activity import GpuUse
from runner.results.frozen import RunStatus
from runner.results.nodes import Host, NodeReport
from runner.results.phases import PhaseResult
from runner.results.runs import Leftovers

Phase = Literal["train", "eval"]


@dataclass(frozen=True)
class Started:
    """The attempt has its folder and begins."""

    node: str
    """Ray's node id, or `local`."""
    folder: str
    preflight: NodeReport | None = None
    pid: int = 0
    """Of the process that runs the attempt; 0 where nobody needs to know."""


@dataclass(frozen=True)
class LogChunk:
    """Bytes that a phase wrote since the last chunk, in order."""

    phase: Phase
    data: bytes


@dataclass(frozen=True)
class Event:
    """An announced event, stamped by the supervisor."""

    phase: Phase
    name: str
    seconds: float
    """After the phase's process start."""


@dataclass(frozen=True)
class Heartbeat:
    """Nothing new, still alive."""

    phase: Phase
    seconds: float


@dataclass(frozen=True)
class Remark:
    """Something that whoever waits should know; the attempt goes on."""

    words: str


@dataclass(frozen=True)
class GpuSample:
    """How busy the node's GPUs are."""

    phase: Phase
    use: GpuUse


@dataclass(frozen=True)
class ArtifactBytes:
    """The frozen artifact, as the fresh process is given it; sent before that begins, lest it die with its node."""

    name: str
    data: bytes
    sha256: str


@dataclass(frozen=True)
class KeptBytes:
    """The next piece of the weights that training kept."""

    data: bytes


@dataclass(frozen=True)
class KeptEnded:
    """All pieces were sent."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class TrainingEnded:
    """Training ended well and its artifact was sent: from here on another attempt may score that."""

    train: PhaseResult
    host: Host


@dataclass(frozen=True)
class LeftBehind:
    """What training left, where nothing of it was the artifact."""

    leftovers: Leftovers
    data: bytes
    """Content of the one that is to be kept; empty for none."""


@dataclass(frozen=True)
class Finished:
    """The last message of every attempt that was not cut off."""

    status: RunStatus
    reason: str
    train: PhaseResult | None
    eval: PhaseResult | None
    host: Host


Message = (
    Started
    | LogChunk
    | Event
    | Heartbeat
    | Remark
    | GpuSample
    | ArtifactBytes
    | KeptBytes
    | KeptEnded
    | TrainingEnded
    | LeftBehind
    | Finished
)
