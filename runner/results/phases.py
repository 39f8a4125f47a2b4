"""What one process of a run left: its clock, its log's facts, what it was cut off from, its score or artifact."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.results.frozen import Frozen, Interval


class Score(Frozen):
    """One evaluation of one artifact."""

    rule: str
    """How tokens were scored, e.g. `plain`."""
    val_loss: float
    """Mean negative log-likelihood, nats per token."""
    val_bpb: float
    """Bits per byte."""
    tokens: int | None = None
    """Scored targets."""
    bytes: int | None = None
    """UTF-8 bytes those targets stand for."""
    printed_loss: str = ""
    """`val_loss` in the digits in which somebody else's script printed it; empty for a script of ours."""
    printed_bpb: str = ""
    """The same of `val_bpb`."""


class Artifact(Frozen):
    """The compressed weights as they lay on disk when they were hashed."""

    file: str
    bytes: int
    sha256: str


class LogFacts(Frozen):
    """What a script's own log says; claims, not measurements. None where the log is silent."""

    model_params: int | None = None
    world_size: int | None = None
    seed: int | None = None
    steps: int | None = None
    train_seconds: float | None = None
    step_avg_ms: float | None = None
    peak_memory_mib: int | None = None
    code_bytes: int | None = None
    model_bytes: int | None = None
    total_bytes: int | None = None
    eval_seconds: float | None = None
    live_val_loss: float | None = None
    """Last validation of the unquantised weights, nats per token."""
    live_val_bpb: float | None = None
    saw_nan: bool = False
    device_type: str | None = None
    devices: list[str] = []
    """Each device that a line of the log names, `cuda NVIDIA H100`, once; a few at most."""
    torch: str | None = None
    """Version of torch."""
    """`cpu` or `cuda`, as the script's `device:` line says."""
    lengths: list[int] = []
    """Tokens of a sequence or window that somebody else's log names, each once."""
    strides: list[int] = []
    """Tokens between two windows that it names."""
    val_tokens: int | None = None
    """Tokens of validation text that it says it loaded."""
    resumed_step: int | None = None
    """Step after which it says that it went on from a checkpoint."""
    resumed_seconds: float | None = None
    """Training time that it says lay before that."""


class Compared(Frozen):
    """The part of training in which a script's own clock can be held against ours: between lines of training steps
    with no validation between them, seconds."""

    arrived: float
    """As its lines arrived."""
    claimed: float
    """As its lines say."""


class Segment(Frozen):
    """How long an earlier life of a resumed seed trained, by the referee's clock."""

    attempt: int
    clock: Interval
    """Official clock, mid-run validation left out, seconds."""
    strict_clock: Interval
    """From the first read of training data on, nothing left out."""


class Isolation(Frozen):
    """What keeps a phase apart from its node: the best layer that the node allowed, and why no better one."""

    layer: Literal["namespaces", "landlock", "none"]
    """namespaces: own processes, files, shared memory and network; landlock: files, other processes, and no more."""
    second_uid: bool = False
    """Whether it ran as a user of its own, because golf is root and had no namespaces to give."""
    landlock_abi: int = 0
    """Version of the kernel's Landlock where that held; 0 elsewhere."""
    refused: dict[str, str] = Field(default_factory=dict)
    """Layer that was tried and refused -> why."""
    network: bool = False
    """Whether the job opened the network to it."""

    @property
    def words(self) -> str:
        """For people: what held, and why no better."""
        held = {"namespaces": "own namespaces", "landlock": "Landlock", "none": "nothing"}[self.layer]
        user = "a second user" if self.second_uid else ""
        held = " and ".join(filter(None, (user, "" if user and self.layer == "none" else held)))
        titles = {"namespaces": "namespaces", "uid": "a second user", "landlock": "Landlock"}
        why = [f"{title}: {self.refused[name]}" for name, title in titles.items() if name in self.refused]
        return f"{held} (refused: {'; '.join(why)})" if why else held


class PhaseResult(Frozen):
    """One supervised process: `train` or `eval`, as the referee saw it."""

    phase: Literal["train", "eval"]
    command: list[str]
    returncode: int | None
    wall_seconds: float
    """Process start to process end on the supervisor's monotonic clock."""
    events: dict[str, float] = Field(default_factory=dict)
    """Announced events: seconds after process start when each arrived."""
    clock: Interval | None = None
    """The interval that the contest limits (RULES: train or eval), seconds; None when it was never seen."""
    strict_clock: Interval | None = None
    """The same by the strict rule (warm-up, mid-run validation and start-up counted as the rule says)."""
    arrival_clock: Interval | None = None
    """Of somebody else's script: `clock` as arrivals alone prove it, where what the script says made it narrower."""
    narrowed_by: str = ""
    """What the script said that made `clock` narrower than `arrival_clock`; '' where nothing did."""
    clock_doubt: str = ""
    """Why what a script says of its time was not used for `clock`."""
    own_seconds: float | None = None
    """Training time as the last line of somebody else's script that tells one says."""
    compared: Compared | None = None
    """Of a script whose lines tell a training time."""
    paused_seconds: float | None = None
    """Mid-run validation, which `clock` leaves out, by announced events; None where nobody noted it."""
    late_seconds: float = 0.0
    """How late its stamps may be, all together: its clocks are so much wider on either side."""
    irregular: str = ""
    """What was wrong with the order of events (one came twice, an end before its start); then no clock is known."""
    isolated: bool | None = None
    """Whether it ran cut off from what its phase must not see (evaluation: training shards and the network); None
    where the system did not let us."""
    isolation: Isolation | None = None
    """What kept it apart from its node and from other phases; None in records made before that was noted."""
    over_seconds: float | None = None
    """When somebody else's script said that training was over, seconds after process start; the latest that it can
    have been where it said nothing."""
    busy_after_seconds: float | None = None
    """For how long from then until its artifact was last written it computed: a GPU was busy, or where it had none,
    its processes took a fifth of a core at least; None where nobody could see."""
    frozen_seconds: float | None = None
    """When the artifact was last written, seconds after process start."""
    first_train_read: float | None = None
    """When a training shard was first opened or read, seconds after process start."""
    last_train_read: float | None = None
    """When a training shard was last opened or read, seconds after process start; None where it never was, or where
    nobody looked."""
    reads_watched: bool = False
    """Whether somebody looked, and nobody else's reading can be meant."""
    peak_rss_mib: float | None = None
    """Largest resident memory of the process tree that was sampled."""
    earlier: list[Segment] = Field(default_factory=list)
    """Lives of the seed before this one, which this one went on from; both clocks include them."""
    started_afresh: str = ""
    """Why a checkpoint that lay there was not gone on from; '' where there was none."""
