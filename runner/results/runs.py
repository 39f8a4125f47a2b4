"""One attempt of one seed: how it ended, and what speaks for it."""

from __future__ import annotations

from typing import Literal

from runner.results.frozen import Frozen, RunStatus
from runner.results.nodes import Host, NodeReport
from runner.results.phases import Artifact, LogFacts, PhaseResult, Score


class Failure(Frozen):
    """How a script's process ended that failed, by its exit code and the end of its log."""

    phase: Literal["train", "eval"]
    exit_code: int
    """Of the script, where torchrun tells it that of the rank that failed first; a signal is negative."""
    seconds: float
    """When it ended, after its process began."""
    error: str = ""
    """Type of the exception that it ended by; empty where its log shows none."""
    message: str = ""
    """First line, cut."""
    place: str = ""
    """Its last frame in the script's own files, e.g. `train_gpt.py:120 in evaluate`; empty where there is none."""


class Training(Frozen):
    """Where and when another attempt trained the artifact that this one only scored."""

    attempt: int
    host: Host
    preflight: NodeReport | None
    idle_seconds: float | None
    started_at: str


class Trained(Frozen):
    """What is kept of a training that ended well, so that its artifact can be scored by another attempt."""

    seed: int
    script_sha256: str
    artifact: Artifact
    train: PhaseResult
    log: LogFacts
    score: Score | None
    """Last score of the loaded-back artifact in the training process."""
    by_rule: dict[str, Score]
    """Of somebody else's script: its last score there under each name."""
    by: Training
    kept: Artifact | None = None
    """The float weights that were packed, where the job keeps them: a file beside the artifact."""


class LeftFile(Frozen):
    """A file that training left."""

    name: str
    """Below the working folder; printable, cut."""
    bytes: int


class Leftovers(Frozen):
    """What training left where no file was its artifact."""

    wanted: str
    """Pattern of the artifact."""
    files: list[LeftFile]
    """The largest first; of many the first ones."""
    more: int = 0
    """How many are not in `files`."""
    uncounted: bool = False
    """There were so many files, or folders so deep, that not all were looked at."""
    kept: str = ""
    """Which of them was kept; empty for none."""
    kept_as: str = ""
    """Its file below the attempt's folder."""
    not_kept: str = ""
    """Why none was."""


class EvidenceFile(Frozen):
    """A log, or the events, of an attempt as they lay on disk when its result was written."""

    name: str
    """Below the seed's folder, e.g. `attempt-1/train.log`."""
    bytes: int
    sha256: str


class RunResult(Frozen):
    """One attempt of one seed. A crash is a value: status and reason, never an exception."""

    job: str
    seed: int
    attempt: int
    status: RunStatus
    reason: str = ""
    """Why it is not `completed`: the exception that the script ended by, where there is one, what the referee saw,
    then the last log lines."""
    failure: Failure | None = None
    """Where its script's process failed; None where it was not the script that ended it."""
    leftovers: Leftovers | None = None
    """What training left, where nothing of it was the artifact."""
    script_sha256: str
    code_bytes: int
    artifact: Artifact | None = None
    train: PhaseResult | None = None
    eval: PhaseResult | None = None
    log: LogFacts = LogFacts()
    train_score: Score | None = None
    """Plain score of the loaded-back artifact in the training process; of somebody else's script its last score by
    the published rule, else its last of any."""
    eval_score: Score | None = None
    """The same in the fresh process."""
    final_score: Score | None = None
    """The published score, from the fresh process where there is one."""
    host: Host | None = None
    preflight: NodeReport | None = None
    """What was found on the node before the seed was started."""
    idle_seconds: float | None = None
    """How long its node had stood idle since this run's seed before it had ended; None for a node's first."""
    training: Training | None = None
    """Where another attempt trained, whose artifact this one scored; `train`, `train_score`, `log` are that one's."""
    evidence: list[EvidenceFile] = []
    """Its logs, in the order in which a record joins them, and its events; empty where nobody noted them."""
    started_at: str
    finished_at: str
    """UTC, ISO 8601."""


class Launch(Frozen):
    """One attempt that was started on a node, by the ledger."""

    seed: int
    attempt: int
    status: str | None
    """How it ended; None where no end was noted, because its driver was killed."""
    seconds: float | None
    """From its start to its end as its driver timed it; None where no driver lived to see the end."""
    trained_by: int | None = None
    """Attempt whose artifact it scored; None where it trained itself."""
    node: str = ""
    """Where, as the ledger names nodes; empty where it does not say."""
    host: str = ""
    """That node's own name, where it was looked at."""
    started_at: str = ""
    """UTC, ISO 8601, to the second; empty in records made before that was noted."""


class LeftOut(Frozen):
    """Attempts that a record does not count and that its ledger does not account for, and runs of the same script."""

    unledgered: list[str]
    """Attempts in the run folder that the ledger does not know."""
    replaced: list[str]
    """Attempts that completed by the ledger, in whose place another one counts."""
    elsewhere: list[str]
    """Runs of the same script, job and data under another name, with seeds that this one has, too."""
    same_script: list[str]
    """Other runs of the same script under another name."""


class Curve(Frozen):
    """Losses of one seed by its own log, nats per token; long curves are thinned."""

    seed: int
    steps: list[int]
    """Steps of `losses`."""
    losses: list[float]
    """Training loss of the batch at that step."""
    val_steps: list[int]
    val_losses: list[float]
    """Mid-run validation, before compression."""
    val_bpb: list[float | None] = []
    """The same in bits per byte; empty where no line says it, as in records made before that was noted."""
    seconds: list[float | None] = []
    """Training time at each of `steps` by the log's own clock; empty where no line says it."""
    val_seconds: list[float | None] = []
    """The same at `val_steps`."""
