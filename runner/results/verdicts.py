"""What the referee counted itself, and what it concludes: checks and a verdict."""

from __future__ import annotations

from runner.results.frozen import Frozen, Status, VerdictStatus


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


class SizeForecast(Frozen):
    """Artifact plus script, in bytes, expected before anything ran."""

    low: int
    high: int
    basis: str
    expected: int | None = None
    """The likeliest figure between them; None in records that were made before there was one."""
