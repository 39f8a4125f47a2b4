"""The values that flow from a run to its record: all frozen, all plain JSON on disk.

`RunResult` (one attempt of one seed) -> `Verification` (what the referee counted itself) ->
`Verdict` (checks) -> `RecordData` (everything a record folder is written from). `Comparison` holds seeds against a
baseline. No behaviour here beyond reading and writing JSON; numbers carry their unit in the name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from runner.statistics import GainTest, Sample
from runner.strict import Strict

SCHEMA_VERSION = 1

Status = Literal["pass", "fail", "unknown"]
RunStatus = Literal["completed", "failed", "timeout", "lost", "interrupted"]
VerdictStatus = Literal["passed", "rejected", "unverified", "repacked"]
PolicyName = Literal["readme", "progression", "target"]


def _fail_fast(schema: Any) -> None:
    """Have every list in a schema stop at its first wrong item."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list | tuple) else ()
    if isinstance(schema, dict) and schema.get("type") in ("list", "tuple"):
        schema["fail_fast"] = True
    for part in parts:
        _fail_fast(part)


class Frozen(BaseModel):
    """Base of every stored value: immutable, and an unknown key is an error."""

    # ser_json_inf_nan: a NaN score is a fact and must survive the disk.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """A list is wrong by its first wrong item: of a stranger's file of `{}` each would take 5 kB of errors."""
        schema = handler(source)
        _fail_fast(schema)
        return schema


class Interval(Frozen):
    """A duration known to lie between two bounds, in seconds; equal bounds when it was stamped exactly."""

    low: float
    high: float


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


class Host(Frozen):
    """Where an attempt ran."""

    node: str
    hardware: str
    """Profile name, e.g. `cpu`."""
    device: str
    """Device name as the script logged it, else that of the GPU by its driver, else the CPU's name."""
    gpus: list[str] | None = None
    """GPUs that the seed could use, by their driver; None where nobody looked."""
    gpus_vouched: bool | None = None
    """Whether the system's own nvidia-smi told them and the kernel shows a driver; None where nobody asked."""
    cpus: int
    nproc: int
    """Processes torchrun started."""
    versions: dict[str, str] = Field(default_factory=dict)
    """python, torch, numpy, ... as found on the node."""


class GpuFacts(Frozen):
    """One GPU by its driver."""

    name: str
    memory_mib: int | None
    """None where the driver does not tell (unified memory, parts of a GPU, missing rights)."""
    free_mib: int | None
    driver: str


class Probe(Frozen):
    """How fast a node was just before it ran a seed (golf_model.process.probe)."""

    device: str
    torch: str
    cuda: str | None
    gemm_tflops: float
    memory_gb_per_s: float
    loader_tokens_per_s: float
    all_reduce_gb_per_s: float | None


class NodeReport(Frozen):
    """What preflight found on the node that ran a seed."""

    node: str
    host: str
    hardware: str
    """Profile that was asked for."""
    gpus: list[GpuFacts]
    memory_mib: int
    disk_free_gib: float
    torch: str | None
    problems: list[str]
    """Why it was refused; empty for a node that ran."""
    probe: Probe | None = None
    isolation: Isolation | None = None
    """What the node lets a phase be kept apart with; None where nobody tried."""


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


class Fit(Frozen):
    """A part of the validation text whose nats per bpb are, to the printed digits, those of a score."""

    what: str
    """In words, e.g. `the whole text`."""
    tokens: int
    """Targets; one that is scored twice counts twice."""
    bytes: int
    """Their UTF-8 bytes, counted the same way."""
    left_out: int
    """Targets of the text that are not in it."""
    tail: bool = False
    """Whether all that is left out is the text's end, which fills no sequence."""


class RatioCoverage(Frozen):
    """What the ratio val_loss / val_bpb of a printed score says of the text that it covers.

    The ratio is ln 2 times bytes per token of the scored text and nothing else, so the referee can hold it against
    its own counts without knowing what the script did.
    """

    tokens: int
    """Targets of the whole validation text."""
    bytes: int
    """Their UTF-8 bytes."""
    most_left_out: int
    """Targets that a score may leave out."""
    tried: int
    """Coverages that leave out no more and were tried."""
    fits: list[Fit]
    """Those of them that the printed digits allow."""
    cuts: int
    """Cuts that leave out more, at the end or at the beginning, and were tried."""
    fitting_cuts: int
    """Those of them that the printed digits allow, too."""
    least: float
    """Least bytes per token of the text where no more than `most_left_out` is missing at its ends."""
    most: float
    """Greatest bytes per token of it."""
    cut: Fit | None = None
    """The part that the script's own log names, where it leaves out more and the digits allow it."""
    doubt: str = ""
    """Why the referee's own count of the bytes may not be what the script was to count; empty where nothing is."""


class PackedKind(Frozen):
    """Tensors of one name in different blocks, stored alike, and their part of an artifact."""

    name: str
    """`blocks.*.attn.c_q.weight`; printable, cut."""
    scheme: str
    """How they are stored, e.g. `int6`."""
    tensors: int
    values: int
    """Weights in all of them."""
    bytes: int
    """Their share of the artifact's bytes, scales left out."""
    scale_bytes: int = 0
    """The share of their scales."""


class Packed(Frozen):
    """What an artifact's bytes hold. Tensors are coded together: shares go by the entropy of each one's integers."""

    format: str
    kinds: list[PackedKind]
    """In the file's order; of very many the largest."""
    rest_bytes: int
    """Header, checksum and whatever else belongs to no tensor in `kinds`."""


class Verification(Frozen):
    """What the referee counted from the files it holds, for one seed."""

    seed: int
    code_bytes: int
    data_bytes: int = 0
    """Of files beside the script that do not count as code; not in `code_bytes`."""
    variable_bytes: int = 0
    """Of the job's variables, in `code_bytes`: where they are more than settings, else 0."""
    tokenizer_bytes: int = 0
    """Of a tokenizer that is not the challenge's, in `code_bytes`: on the challenge's tracks, elsewhere 0."""
    carried_bytes: int = 0
    """Of what else an evaluation reads and nobody knows, not in `code_bytes`: a text's own tokenizer where any text
    will do, and files beside the shards that are not the challenge's."""
    script_sha256: str
    artifact_bytes: int | None
    artifact_sha256: str | None
    weights_sha256: str | None = None
    """Of what is in the artifact, without padding and compression (runner.folder.same_weights)."""
    val_tokens: int | None = None
    """Targets in the validation shards by the referee's own count."""
    val_bytes: int | None = None
    """Their UTF-8 bytes by the referee's own count."""
    by_sidecar: bool = False
    """Whether bytes are those that sidecars tell of the original of a rewritten text, as the script counts them."""
    final_rule: str | None = None
    """Rule that the job asks of the published score."""
    final_tokens: int | None = None
    """Targets that rule scores by the referee's own count; one that it scores twice counts twice."""
    final_bytes: int | None = None
    """Their UTF-8 bytes, counted the same way."""
    text_tokens: int | None = None
    """Targets of the whole validation text, a tail that fills no sequence included; None where nobody noted it."""
    left_out: int | None = None
    """Those of them that the published score's rule never counts."""
    ratio: RatioCoverage | None = None
    """What the printed digits of somebody else's script say of the text that it scored; None for a script of ours."""
    packed: Packed | None = None
    """What its artifact consists of; None where nobody looked: one seed's is looked at."""


class Check(Frozen):
    """One question with its answer, what was measured and what the limit is."""

    name: str
    """Stable identifier, e.g. `bytes_total`."""
    title: str
    """The question for people."""
    status: Status
    required: bool
    seed: int | None = None
    """None for a check over all seeds."""
    measured: str
    """What was seen, with unit."""
    limit: str
    """What was allowed, with unit."""
    detail: str = ""
    note: str = ""
    """What must be said beside the answer, even where it is pass: what it does not show."""


class Verdict(Frozen):
    """passed: every required check passes; rejected: one fails; unverified: none fails, one is unknown. repacked: the
    artifact was packed off the clock, so that it is no record whatever the checks say; what they say, `reasons` tell.
    """

    status: VerdictStatus
    checks: list[Check]
    reasons: list[str]
    """One line for each required check that is not pass."""


class Yardstick(Frozen):
    """What a method without a neural network reaches on the same validation text."""

    name: str
    bpb: float
    nats_per_token: float | None = None
    detail: str


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


class Change(Frozen):
    """One field of a job that differs from another job's."""

    field: str
    """Dotted, e.g. `config.model.num_layers`."""
    there: Any
    """In the other job; None where it has no such field."""
    here: Any
    about: str = ""
    """What the field is, in the configuration's own words."""


class Changes(Frozen):
    """What a job changed against the one that it sets out from."""

    base: str
    """Name of that job; empty where the job names none, and golf's defaults stand in."""
    fields: list[Change]


class Attribution(Frozen):
    """A technique that the configuration uses, and its source as the configuration's fields name it."""

    title: str
    field: str
    value: Any
    source: str


class Variant(Frozen):
    """Another judged run of a job of the same name, stored beside this one."""

    run: str
    date: str
    status: VerdictStatus
    reason: str
    """The first of its verdict's reasons; empty where it passed."""
    seeds: int
    """Seeds that were scored."""
    val_bpb: float | None
    """Their mean."""
    fields: list[Change]
    """What it had other than this run (`there` is its value)."""


class VariantRow(Frozen):
    """One line of the table of a job's variants; None where nothing is known."""

    name: str
    run: str = ""
    """Its run folder's name; empty where it did not run."""
    state: Literal["trained", "repacked", "infeasible", "not run"]
    verdict: VerdictStatus | None = None
    reason: str = ""
    """The first of its verdict's reasons, or why it did not run."""
    seeds: list[int] = []
    """Those that were scored."""
    val_bpb: list[float] = []
    """Their published scores, in the same order."""
    mean: float | None = None
    std: float | None = None
    """Sample standard deviation."""
    pairs: int = 0
    """Seeds that the base has a score of, too."""
    delta: float | None = None
    """Mean over pairs of this variant's score minus the base's: below 0 it is better."""
    low: float | None = None
    """Lower end of the difference's 95 % t interval."""
    high: float | None = None
    p: float | None = None
    """Paired, two-sided."""
    p_holm: float | None = None
    """The same where as many variants were tried as the table has (Holm)."""
    bytes_total: int | None = None
    """Script and artifact, of the largest seed; of one that did not run, what was expected."""
    headroom_bytes: int | None = None
    step_ms: float | None = None
    """Milliseconds a step, the mean over seeds."""
    hours: float | None = None
    """Node-hours of all its launches whose end was noted."""
    dollars: float | None = None
    reference_bpb: float | None = None
    """What the published run that it reproduces had."""
    reference_bytes: int | None = None


class VariantTable(Frozen):
    """All variants of a job beside each other."""

    job: str
    """The job's name in its file."""
    base: str
    """Name of the variant that the others are held against."""
    confidence_percent: int = 95
    """Of every interval."""
    cap_bytes: int
    rows: list[VariantRow]
    """The base first."""


class Repacked(Frozen):
    """That an artifact was not packed by its training, but later from the weights that were kept of it."""

    run: str
    """The training's run folder."""
    script_sha256: str
    """Of the script that trained."""
    weights: dict[int, str]
    """Seed -> SHA-256 of its kept weights, which the training's ledger vouches for."""
    artifacts: dict[int, str]
    """Seed -> SHA-256 of the artifact that its training packed itself."""
    seconds: dict[int, float]
    """Seed -> how long packing took, off every clock."""
    changed: list[Change] = []
    """Fields in which the export differs from the training's (`there`)."""


class Overlap(Frozen):
    """How much of the validation text stands in the training shards, too (runner.data.overlap)."""

    documents: int
    """Documents of the validation text."""
    shared: int
    """Of those of `least_tokens` or more: whole, or nearly so, in the training shards."""
    shared_short: int
    """Of shorter ones: whole in them."""
    shared_tokens: int
    """Tokens of both kinds."""
    passages: int
    """Runs of 32 tokens that were looked for, chosen by what stands in them."""
    shared_passages: int
    """Of these: found."""
    least_tokens: int
    where: list[str]
    """Training shards that hold documents of it, the first few."""


class DataFacts(Frozen):
    """The data a job ran on."""

    name: str
    train_tokens: int
    val_tokens: int
    val_bytes: int
    vocab_size: int
    files: dict[str, str]
    """File name -> sha256, tokenizer included."""
    tokenizer: str = ""
    """Which of `files` is the tokenizer."""
    official_tokenizer: str | None = None
    """Variant of the challenge whose tokenizer that is, e.g. `sp1024`; None for any other."""
    val_documents: int | None = None
    """Beginning-of-text ids in the validation shards."""
    recounted_bytes: int | None = None
    """UTF-8 bytes of the validation text by decoding it; None where that was not done."""
    sidecar_bytes: int | None = None
    """What sidecars beside the shards say of the same; None where there are none that fit."""
    restored_bytes: int | None = None
    """The same as the tokens of a rewritten text make it, where the sidecars say so of every token; -1 where they say
    something else of one, None where nobody looked."""
    overlap: Overlap | None = None
    """None where nobody looked."""


class SizeForecast(Frozen):
    """Artifact plus script, in bytes, expected before anything ran."""

    low: int
    high: int
    basis: str
    expected: int | None = None
    """The likeliest figure between them; None in records that were made before there was one."""


class Arm(Strict):
    """One side of a comparison: the scores of its seeds, and what is known of them. Empty or None: not known."""

    name: str
    """What it is called: a record's job, a pull request, or what was typed."""
    val_bpb: tuple[float, ...]
    """Published score of each seed, bits per byte."""
    nats_per_bpb: float | None = None
    """val_loss / val_bpb of its tokenizer on the validation text."""
    seeds: tuple[int, ...] = ()
    """In the order of the scores."""
    unscored: Annotated[int, Field(ge=0)] = 0
    """Seeds that belong to it and have no score."""
    verdict: VerdictStatus | None = None
    """Of the record that the scores stand in."""
    problem: str = ""
    """Why its scores cannot be relied on, beside the verdict."""
    origin: str = ""
    """Who measured, e.g. that these are the figures of somebody's logs."""
    run: str = ""
    """The record's run."""
    track: str = ""
    """Whose rules it was judged by."""
    tokenizer: str = ""
    """SHA-256 of the tokenizer."""
    validation: str = ""
    """SHA-256 over the hashes of the validation shards."""
    val_bytes: int | None = None
    """Bytes of the validation text."""
    artifacts: tuple[str, ...] = ()
    """SHA-256 of each seed's artifact."""
    looked: str = ""
    """How its number of seeds came to be, where it was chosen by looking at them."""


class Power(Strict):
    """What it takes to show a gain, if it and the deviations are as assumed."""

    gain_bpb: float
    """Assumed true gain, bits per byte."""
    gain_nats: float | None
    """The same in nats/token."""
    std_baseline: float | None
    """Assumed deviation between seeds, bits per byte; None against a number."""
    std_candidate: float
    std_from: str
    """Where the deviations come from."""
    now: float | None
    """Probability that seeds as many as these show it; None where they cannot be tested."""
    wanted: float
    """Probability that is asked for below."""
    most_seeds: int
    """As far as seeds were counted."""
    seeds_per_arm: int | None
    """Fewest seeds in each arm that show it so often; None where there are none, and against a number."""
    candidate_seeds: int | None
    """The candidate's, with the baseline as it is."""
    more_seeds: int | None
    """How many of them are still missing."""


class Look(Frozen):
    """What was found when a claim's seeds were looked at, and what came of it."""

    seeds: int
    """Candidate's, all those that had run."""
    p: float
    """One-sided, of the policy's test."""
    level: float
    """What p had to be below, here."""
    conditional_power: float | None = None
    """Probability that a later look would find the claim to hold, were the gain the claimed one; None where it holds
    and at the last look."""
    decision: Literal["go on", "holds", "futile", "not shown"]


class StageWise(Frozen):
    """p and interval of a gain whose seeds were added until it was decided; bits per byte."""

    p: float
    low: float
    """Lower end of the 95 % interval, two-sided."""
    high: float
    """Its upper end."""
    middle: float
    """The gain that is as likely to be exceeded as not: the measured one is too large after an early end."""


class Sequential(Frozen):
    """A claim whose seeds were added look by look."""

    order: list[int]
    """Seeds in their order, as registered before the first ran."""
    alpha: float
    tightened: float
    """What the levels were made for, so that `alpha` is kept with so few seeds."""
    spending: str
    looks: list[Look]
    stage_wise: StageWise | None
    """Of the last look; None before the first."""


class Comparison(Frozen):
    """A candidate's seeds held against a baseline by one policy; every score in bits per byte unless it says nats."""

    policy: PolicyName
    margin_nats: float
    """Gain that must be exceeded, nats/token."""
    alpha: float
    """p must be below it."""
    outcome: Literal["holds", "not shown", "undecided"]
    obstacles: list[str]
    """Why the test cannot decide."""
    notes: list[str]
    """What a reader must know beside the outcome."""
    baseline: Arm
    candidate: Arm
    target: float | None
    """The number to beat, where the test is against one."""
    nats_per_bpb: float | None
    """What turns bits per byte into nats/token here: the candidate's constant."""
    confidence_percent: int
    """Of every interval."""
    gain_bpb: float | None
    """Baseline's mean minus the candidate's."""
    gain_nats: float | None
    baseline_bpb: Sample | None
    candidate_bpb: Sample | None
    baseline_nats: Sample | None
    """The baseline in nats per token of the candidate's tokenizer."""
    candidate_nats: Sample | None
    test: GainTest | None
    """The policy's test, bits per byte; None where it cannot be done."""
    any_gain: GainTest | None
    """The same without a margin."""
    test_nats: GainTest | None
    """The policy's test in nats/token: the same p."""
    power: Power | None
    """At the measured gain."""
    power_at: Power | None
    """At the gain that is claimed or asked about."""
    sequential: Sequential | None = None
    """Where seeds were added until the claim was decided: its levels decide then, not `alpha` at one number."""


Side = Literal["baseline", "candidate"]


class DuelSide(Frozen):
    """One of the two jobs of a duel, by its hashes."""

    job: str
    """Its name."""
    run: str
    """Its run folder's name, which ends in the hash of job, script and data."""
    script_sha256: str
    job_sha256: str
    """Of the resolved job without its seeds."""


class DuelPair(Frozen):
    """One seed, run by both jobs one right after the other."""

    number: int
    """From 1, in the order in which pairs run."""
    seed: int
    first: Side
    """Which job ran first."""
    baseline_bpb: float | None
    """None where it has no score."""
    candidate_bpb: float | None
    node: str
    """Host of both; of the first, where they differ; '' where neither ran."""
    apart_seconds: float | None
    """From the end of the one to the start of the other by the wall clock."""
    left_out: str = ""
    """Why it does not count; '' where it does."""


class OrderModel(Frozen):
    """Least squares of the pairs' differences on a constant and on the order, which is +1/2 where the baseline ran
    first and -1/2 where the candidate did; n - 2 degrees of freedom, bits per byte."""

    gain: float
    """The constant: the gain where either order is as frequent."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    p: float
    """One-sided: that the gain is not beyond the margin."""
    later: float
    """What running second adds to a score: minus half of the order's coefficient."""
    later_low: float
    later_high: float
    df: int


class DuelNode(Frozen):
    """What the pairs that count say of one node."""

    node: str
    pairs: int
    level_bpb: float
    """Mean of all scores there."""
    gain_bpb: float
    """Mean of its pairs' differences."""


class Saved(Frozen):
    """What pairing saved: seeds in each arm with which Welch's test has the power of these pairs."""

    correlation: float
    """Of the two jobs' scores over pairs."""
    low: float | None
    """Lower end of its 95 % interval (Fisher's z); None below four pairs."""
    high: float | None
    unpaired: int | None
    """None for more than 200."""
    unpaired_low: int | None
    """At the interval's lower end; None below four pairs."""
    unpaired_high: int | None
    """At its upper end; None for more than 200, and below four pairs."""


class Duel(Frozen):
    """Two jobs run alternately on one node, seed by seed; scores and gains in bits per byte."""

    baseline: DuelSide
    candidate: DuelSide
    side: Side
    """Which of the two this record is of."""
    policy: PolicyName
    margin_nats: float
    alpha: float
    outcome: Literal["holds", "not shown", "undecided"]
    obstacles: list[str]
    """Why the test cannot decide."""
    nats_per_bpb: float | None
    confidence_percent: int
    asked: int
    """Pairs that were registered before the first ran."""
    pairs: list[DuelPair]
    same_data_order: bool | None
    """Whether both jobs read the same batches in the same order; None where that is not known."""
    test: GainTest | None
    """Student's test on the differences, baseline minus candidate, beyond the margin."""
    any_gain: GainTest | None
    test_nats: GainTest | None
    unpaired: GainTest | None
    """Welch's test of the same scores as if they were no pairs."""
    std_difference: float | None
    std_baseline: float | None
    std_candidate: float | None
    order: OrderModel | None
    """None where only one order ran, or fewer than three pairs count."""
    nodes: list[DuelNode]
    saved: Saved | None
    """None where how scores scatter is not known."""


CONFIRM = ("process_agreement", "bpb_arithmetic")
"""Checks that make a printed score more than a claim: said twice, of the whole text."""


class RecordData(Frozen):
    """Everything a record folder is written from; stored in it as results.json."""

    schema_version: int = SCHEMA_VERSION
    name: str
    run: str
    """The run folder's name, `<name>-<hash8>`: two records with it are of the same job, script and data."""
    track: str
    date: str
    """YYYY-MM-DD, UTC, of the last finished seed."""
    job: dict[str, Any]
    """The resolved job as JSON, every field written out."""
    limits: dict[str, float]
    """cap_bytes, train_seconds, eval_seconds."""
    verdict: Verdict
    results: list[RunResult]
    """The counted attempt of each seed, in the job's order of seeds."""
    verifications: list[Verification]
    data: DataFacts
    forecast: SizeForecast | None
    model_params: int | None
    yardsticks: list[Yardstick]
    ledger: dict[str, int]
    """Counts: launches, completed, failed, ..."""
    versions: dict[str, str]
    """Of the referee's own environment."""
    comparison: Comparison | None = None
    """The seeds against the baseline of the job's claim; decides no verdict."""
    changes: Changes | None = None
    """Against the job that this one sets out from; None for somebody else's script without a base."""
    attributions: list[Attribution] = []
    """Techniques in use and their sources."""
    variants: list[Variant] = []
    """Other judged runs of this job's name that were found where this record was written, newest first."""
    launches: list[Launch] = []
    """Every attempt that was started on a node, whether it counts or not."""
    gpus_per_seed: int | None = None
    """GPUs that one attempt held; 0 on a CPU, None where nobody noted it."""
    dollars_per_hour: float | None = None
    """Price of one node of the hardware profile; None where it is not known."""
    requirements: dict[str, str | None] = {}
    """Package that the script imports -> version on the nodes that ran it, None where nobody noted it."""
    curves: list[Curve] = []
    """Losses over steps, of the seeds whose logs show some."""
    score_alone: list[str] = []
    """What would let a script that cannot score its artifact alone do so, line by line; empty where it can."""
    left_out: LeftOut | None = None
    """What was run and is not in this record, as far as the folder of all runs shows; None where nobody looked."""
    referee_sha256: str = ""
    """Of the referee's own sources; '' where nobody noted it. What another referee works out may differ."""
    variant_table: VariantTable | None = None
    """All variants of the job that this run is one of; None for a job that has none."""
    repacked: Repacked | None = None
    """Where its artifacts come from, if its own training did not pack them."""
    review: list[str] = []
    """What is open about the code of somebody else's script, as `golf review` reads it; decides no verdict."""
    duel: Duel | None = None
    """Of a run that was one side of a duel: both jobs, pair by pair."""
    stopped: str = ""
    """Why the run was stopped, so that nothing more was started or tried again; empty where it was not."""

    @property
    def only_claimed(self) -> bool:
        """Whether nothing but a script's own word stands behind a score: its seed did not complete, or a check that
        would confirm the score is no pass."""
        ended = {result.seed: result.status for result in self.results if result.final_score is not None}
        unsure = {one.seed for one in self.verdict.checks if one.name in CONFIRM and one.status != "pass"}
        return any(status != "completed" or seed in unsure for seed, status in ended.items())
