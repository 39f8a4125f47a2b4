"""The dialects of training logs as tables: one line for each kind of line, with an example that a test reads.

`FIELDS` holds lines that state facts of a run. A group of an expression is named after the fact it fills and its unit
(`train_ms` fills `train_seconds`); `UNITS` says how. Every row whose literal stands in a line is tried, so a line may
state several facts. `SCORES` holds lines that state a score, tried in order, the first that fits counts. Expressions
are anchored, or start at a literal, and their repetitions are bounded: no line can make them slow.

What a line means among the others (which score is final, which run it belongs to) is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

WHOLE = r"\d{1,3}(?:,\d{3}){1,5}|\d{1,15}"
NUMBER = r"[-+]?\d{1,12}(?:\.\d{1,20})?(?:e[-+]?\d{1,3})?"


@dataclass(frozen=True)
class Row:
    """One kind of line."""

    literal: str
    """Stands in every such line, lower case: a cheap first look."""
    regex: re.Pattern[str]
    example: str


def _row(literal: str, regex: str, example: str) -> Row:
    return Row(literal, re.compile(regex.replace("INT", WHOLE).replace("NUM", NUMBER), re.IGNORECASE), example)


def whole(text: str) -> int:
    """A count, with or without commas."""
    return int(text.replace(",", ""))


def _thousandth(text: str) -> float:
    return float(text) / 1000


def _minutes(text: str) -> float:
    return float(text) * 60


UNITS: dict[str, tuple[str, Callable[[str], float]]] = {
    "seed": ("seed", whole),
    "params": ("n_params", whole),
    "world": ("world_size", whole),
    "steps": ("steps", whole),
    "train_ms": ("train_seconds", _thousandth),
    "train_s": ("train_seconds", float),
    "avg_ms": ("step_avg_ms", float),
    "planned": ("planned_steps", whole),
    "stop": ("stop", whole),
    "code": ("code_bytes", whole),
    "packed": ("model_bytes", whole),
    "plain": ("plain_model_bytes", whole),
    "total": ("total_bytes", whole),
    "bare_total": ("bare_total_bytes", whole),
    "eval_s": ("eval_seconds", float),
    "total_eval_ms": ("total_eval_seconds", _thousandth),
    "total_eval_s": ("total_eval_seconds", float),
    "said_steps": ("said_steps", whole),
    "said_s": ("said_seconds", float),
    "val_tokens": ("val_tokens", whole),
}
"""Group of an expression -> the fact it fills and how to read it. `stop` are the steps of the line that ends
training, `plain` an uncompressed model, `bare_total` a total that does not say whether it is compressed. `said_steps` and `said_s`
are those of a line that may be a plan or a result: they count where nothing else tells."""

FIELDS = (
    # -- the head of a run
    _row(
        "param",
        r"^(?:model_|total_|num_|n_)?(?:params|parameters)\s?[:=]\s?(?P<params>INT)\b(?![.\d])",
        "model_params:17059912",
    ),
    _row(
        "param",
        r"^(?:total|model|trainable) (?:model )?(?:params|parameters)\s?[:=]\s?(?P<params>INT)\b(?![.\d])",
        "Total parameters: 26,829,913",
    ),
    _row("param", r"\bmodel_params\s?[:=]\s?(?P<params>INT)\b(?![.\d])", "model: layers=11 model_params=26829913"),
    _row("world_size", r"\bworld_size\s?[:=]\s?(?P<world>\d{1,4})\b", "world_size:8 grad_accum_steps:1"),
    _row("ws:", r"\bws:(?P<world>\d{1,4})\b", "params:31457280 L:16 d:512 h:8 kv:4 ws:8 ga:1 s:314"),
    _row(
        "nproc_per_node",
        r"\bnproc_per_node[= ](?P<world>\d{1,3})\b",
        "torchrun --standalone --nproc_per_node=8 train_gpt.py",
    ),
    _row(
        "seed",
        r"(?:^|[\s,({|])[\"']?(?:random_)?seed[\"']?\s?[:=]\s{0,20}(?P<seed>\d{1,12})\b(?![.])",
        "train_batch_tokens:524288 train_seq_len:1024 seed:1337",
    ),
    _row("seed ", r"^[\s=*#-]{0,60}(?:random )?seed (?P<seed>\d{1,12})\b[\s=*#:-]{0,60}$", "=== Seed 42 ==="),
    _row(
        "ws:",
        r"^params:\d.{0,80}\bws:\d{1,4} .{0,40}\bs:(?P<seed>\d{1,12})\b",
        "params:31457280 L:16 d:512 h:8 kv:4 ws:8 ga:1 s:314",
    ),
    _row("p:", r"^p:(?P<params>\d{5,12})$", "p:26993766"),
    _row("s:", r"^s:(?P<seed>\d{1,9})$", "s:1337"),
    _row(
        "tokens",
        r"^(?:val_loader:|val:|validation)[^\n]{0,300}?\btokens\s?[:=]\s?(?P<val_tokens>INT)\b",
        "val_loader:shards pattern=./data/fineweb10B_sp1024/fineweb_val_*.bin tokens:62021632",
    ),
    _row("val_tokens", r"^\s{0,8}(?:val|validation)_tokens\s?[:=]\s?(?P<val_tokens>INT)\b", "val_tokens: 40540160"),
    _row(
        "validation tokens",
        r"\bvalidation tokens\s?[:=]\s?(?P<val_tokens>INT)\b",
        "Validation tokens: 62,021,632",
    ),
    _row(
        " n:",
        r"^val:\S{1,300}\s{1,4}n:(?P<val_tokens>\d{5,12})$",
        "val:./data/fineweb10B_sp1024/fineweb_val_*.bin n:62021632",
    ),
    # -- training
    _row(
        " tt:",
        r"^s:(?P<steps>\d{1,9})/(?P<planned>\d{1,9}) .{0,80}?\btt:(?P<train_ms>NUM)ms(?:\s{1,4}sa:(?P<avg_ms>NUM)ms)?",
        "s:6976/20000 vl:1.9228 bpb:1.1388 tt:600048ms sa:86.02ms",
    ),
    _row("stop tt:", r"^stop tt:(?P<train_ms>NUM)ms s:(?P<stop>\d{1,9})/", "stop tt:600048ms s:6976/20000"),
    _row(
        " steps",
        r"^training: {1,4}(?P<said_steps>INT) steps, (?P<said_s>NUM) ?s\b",
        "Training: 7000 steps, 599.8s",
    ),
    _row("num_steps:", r"^num_steps:\s{0,20}(?P<said_steps>INT)$", "num_steps:        5000"),
    _row("training_seconds:", r"^training_seconds:\s{0,20}(?P<said_s>NUM)$", "training_seconds: 599.8"),
    _row("training time:", r"^(?:total )?training time:\s{0,20}(?P<said_s>NUM) ?s(?:ec\w{0,5})?\b", "Training time: 599.8 s"),
    _row(
        "train_time",
        r"^step:(?P<steps>\d{1,9})(?:/(?P<planned>\d{1,9}))?\s.{0,300}?\btrain_time:\s?(?:(?P<train_ms>NUM)ms|(?P<train_s>NUM)s\b)"
        r"(?:\s{1,8}step_avg:\s?(?P<avg_ms>NUM)ms)?",
        "step:200/20000 train_loss:2.75 train_time:8674ms step_avg:43.37ms",
    ),
    _row(
        " loss:",
        r"^step:(?P<steps>\d{1,9})/\d{1,9} loss:NUM t:(?P<train_ms>NUM)ms avg:(?P<avg_ms>NUM)ms",
        "step:500/10000 loss:3.4121 t:118250ms avg:236.5ms",
    ),
    _row(
        "loss: ",
        r"^(?P<steps>\d{1,9})/\d{1,9} (?:train|val)_loss:\s?NUM",
        "4870/20000 val_loss: 2.4012 val_bpb: 1.1034",
    ),
    _row(
        "train_time: ",
        r"^(?P<steps>\d{1,9})/\d{1,9} .{0,200}?\btrain_time:\s?(?P<train_ms>NUM)ms",
        "500/20000 train_loss: 3.1 train_time: 59034ms tok/s: 7000000",
    ),
    _row(
        "step ",
        r"^step[: =]{1,2}\s{0,8}(?P<steps>\d{1,9})(?:/\d{1,9})?[ |,]{1,8}.{0,60}?\b(?:train_)?loss[: =]",
        "step 500/20000 | loss 3.4121 | lr 0.02",
    ),
    _row("step=", r"^step=(?P<steps>\d{1,9})\b.{0,200}?loss[=:]", "step=200 mean_microbatch_loss=2.28 bpb=1.3"),
    _row(
        "stop",
        r"^(?:stopping_early|early_stop|wallclock_stop|stopped_early)\b.{0,80}?"
        r"\btrain_time:\s?(?P<train_ms>NUM)ms\s{1,8}step:\s?(?P<stop>\d{1,9})",
        "stopping_early: wallclock_cap train_time:600039ms step:13780/20000",
    ),
    _row(
        "at step",
        r"\b(?:cap|limit|wallclock|budget) (?:hit|reached|exceeded)\b.{0,20}?\bat step (?P<stop>\d{1,9})\b",
        "[time] 10-min cap hit at step 2300 (9m40s), stopping.",
    ),
    _row(
        "training_complete",
        r"^training_complete\b.{0,40}?\bsteps?[:=]\s?(?P<stop>\d{1,9})",
        "training_complete steps:7777 tokens_seen:4.1B",
    ),
    _row(
        " steps",
        r"^train(?:ing)? (?:complete|completed|finished|done)\b.{0,80}?\b(?P<stop>\d{1,9}) steps\b"
        r".{0,40}?\b(?P<train_s>NUM) ?s\b",
        "Training complete: 7000 steps in 599.8s",
    ),
    # -- sizes
    _row(
        "serialized",
        r"^serialized model[ _](?!size)[^:]{1,60}:\s?(?P<packed>INT) bytes",
        "Serialized model int8+zlib: 15762519 bytes (payload:17178912)",
    ),
    _row("serialized", r"^serialized model(?: size)?:\s?(?P<plain>INT) bytes", "Serialized model: 67110001 bytes"),
    _row("raw model", r"^raw model:\s?(?P<plain>INT) bytes", "Raw model: 98765432 bytes, Code: 64123 bytes"),
    _row(
        "compressed",
        r"^(?:quantized\+compressed|compressed (?:model|artifact|size)|quantized model|model compressed)\b[^:]{0,60}:"
        r"\s?(?P<packed>INT)\b ?(?:bytes|b\b)",
        "Quantized+compressed (zstd): 15812345 bytes",
    ),
    _row(
        "model",
        r"^(?:model artifact|model size|artifact_model)\b[^:=]{0,40}[:=]"
        r"\s?(?P<packed>\d[\d,]{5,15})\b ?(?:bytes|b\b)",
        "Model size: 15,924,324 bytes",
    ),
    _row(
        "code",
        r"^code(?: size)?(?: \([\w .]{1,30}\)|\s?[-+\w]{0,20})?:\s?(?P<code>INT) ?(?:bytes|b\b)",
        "Code size: 47642 bytes",
    ),
    _row(
        "code:",
        r"\bcode:\s?(?P<code>\d{4,9}|\d{1,3}(?:,\d{3}){1,2})\b(?: bytes)?(?![.\d])",
        "artifact:9.87MB ternary:36700160(8612345B) fp:1000448(2000896B) code:71234",
    ),
    _row(
        "code_bytes",
        r"\bcode_bytes\w{0,20}\s?[:=]\s?(?P<code>INT)\b",
        "model_bytes=15812345 code_bytes=64123 total_bytes=15880011",
    ),
    _row(
        "model_bytes",
        r"\bmodel_bytes\s?[:=]\s?(?P<packed>INT)\b",
        "model_bytes=15812345 code_bytes=64123 total_bytes=15880011",
    ),
    _row(
        "total_bytes",
        r"\b(?:total_bytes|bytes_total|total_submission_bytes|submission_bytes)\s?[:=]\s?(?P<total>INT)\b",
        "model_bytes=15812345 code_bytes=64123 total_bytes=15880011",
    ),
    _row(
        "total submission",
        r"^total submission(?: size)? (?!size)[^:]{1,60}:\s?(?P<total>INT)(?: bytes)?\b(?!\.)",
        "Total submission size int8+zlib: 15712345 bytes",
    ),
    _row(
        "total submission",
        r"^total submission(?: size)?:\s?(?P<bare_total>INT)(?: bytes)?\b(?!\.)",
        "Total submission: 15880011 bytes (15.88 MB)",
    ),
    _row(
        "total",
        r"^total(?: artifact)?(?: size| bytes)?(?: \([\w+ .]{1,40}\))?"
        r"\s?[:=]\s?(?P<bare_total>\d[\d,]{5,15})\b ?(?:bytes|b\b|/)",
        "Total artifact size: 15,990,398 bytes",
    ),
    _row(
        "size",
        r"^(?:submission|artifact) size(?: \([\w+ .]{1,40}\))?"
        r"\s?[:=]\s?(?P<bare_total>\d[\d,]{5,15})\b ?(?:bytes|b\b|/)",
        "Submission size: 15,990,398 bytes",
    ),
    _row(
        "size check",
        r"^size check\b.{0,20}?:\s?(?P<total>INT) / 16,?000,?000",
        "Size check PASSED: 15312345 / 16,000,000 (95.7%)",
    ),
    _row("budget:", r"^budget:(?P<total>INT)/16,?000,?000", "budget:10123456/16000000 (10.03/16.00MB) FITS"),
    _row(
        "serialized_artifact",
        r"^serialized_artifact\w{0,20}\s?[:=]\s?(?P<packed>INT)\b",
        "serialized_artifact_lzma:60603974 bytes",
    ),
    _row("model", r"^model:\s?(?P<packed>\d[\d,]{4,15}) bytes", "Model: 14825760 bytes (14478KB)"),
    _row(
        "artifact",
        r"\btotal artifact:\s?(?P<bare_total>\d[\d,]{4,15}) bytes",
        "Code size: 1,900 bytes | Total artifact: 14,827,660 bytes",
    ),
    _row("seed", r"--seed[= ](?P<seed>\d{1,12})\b", "python train_gpt.py --seed 42"),
    _row("eval_time", r"^eval_time:\s?(?P<eval_s>NUM) ?s$", "eval_time: 844s"),
    # -- the whole evaluation
    _row("total", r"^total[_ ]eval(?:uation)?[_ ]time\s?[:=]\s?(?P<total_eval_s>NUM) ?s\b", "total_eval_time:414.0s"),
    _row(
        "total",
        r"^total[_ ]eval(?:uation)?[_ ]time\s?[:=]\s?(?P<total_eval_ms>NUM) ?ms\b",
        "total_eval_time:414018ms",
    ),
)

BY_LITERAL = {row.literal: tuple(other for other in FIELDS if other.literal == row.literal) for row in FIELDS}
"""The rows of each literal: one look at a line decides about all of them."""

SCORES = (
    # a score that its author took back stands beside the one that counts
    _row(
        "sliding_bpb",
        r"\bsliding_bpb[:=]\s?(?P<bpb>NUM)",
        "final_sliding_window_exact sliding_bpb:1.15512345 val_bpb:0.39551234",
    ),
    _row(
        "bpb",
        r"\bval[_ ]bpb(?: {1,4}\([^)]{1,60}\))?\s{0,4}[:=]\s{0,20}(?P<bpb>NUM)",
        "final_int8_zlib_roundtrip val_loss:2.0497 val_bpb:1.2140 eval_time:1422ms",
    ),
    _row(
        "bpb",
        r"\b(?:best_agree|blend(?:ed)?|(?:\w{1,20}_)?mix(?:ed|er)?|ensemble|combined|final|total|with_\w{1,20})_bpb\s?[:=]\s{0,20}(?P<bpb>NUM)",
        "online:done llm_bpb=1.11133698 best_agree_bpb=1.10826554 gain_bpb=0.00307144",
    ),
    _row(
        "bpb",
        r"(?:^|[\s_(\[])bpb(?:_exact)?(?: {1,4}\([^)]{1,60}\))?\s?[:=]\s{0,20}(?P<bpb>NUM)",
        "Final score after TTT: loss=1.9021 bpb=1.1264 (time 85.2s)",
    ),
    _row("bpb", r"(?:^|\s)(?:val_)?bpb {1,20}(?P<bpb>\d\.\d{3,12})(?![.\d])", "final_int8_zlib_roundtrip_exact val_bpb 1.0500312"),
    _row(
        "per byte",
        r"\bbits[ -]per[ -]byte\s?[:=]\s{0,20}(?P<bpb>NUM)",
        "final bits per byte: 1.203456",
    ),
    _row("bits_per_byte", r"(?:\b|_)bits_per_byte\s?[:=]\s{0,20}(?P<bpb>NUM)", "eval_bits_per_byte=2.48898442865273"),
)
SCORE_LITERALS = frozenset(row.literal for row in SCORES)
LOSS = re.compile(rf"\bval[_ ]loss\s?[:=]\s{{0,20}}({NUMBER})|(?:^|[\s_(\[])(?:loss|vl)\s?[:=]\s{{0,20}}({NUMBER})", re.IGNORECASE)
NAN_SCORE = re.compile(r"\b(?:val_)?bpb\s?[:=]\s{0,20}[-+]?(?:nan|inf)\b", re.IGNORECASE)
VALIDATION = re.compile(
    rf"(?:step[: ])?\s{{0,8}}\d{{1,9}}(?:/\d{{1,9}})? .{{0,200}}?\bval_bpb\s?[:=]\s?({NUMBER})", re.IGNORECASE
)
TIME = re.compile(
    rf"\b(?:(?:\w{{0,20}}_)?(?:eval|ttt)_time|time|elapsed|eval|t(?=[:=]))\s?[:=]?\s?({NUMBER}) ?(ms|s|m|min)\b",
    re.IGNORECASE,
)
TIME_UNITS: dict[str, Callable[[str], float]] = {"ms": _thousandth, "s": float, "m": _minutes, "min": _minutes}

PROGRESS = re.compile(
    r"\d\s?/\s?\d|\d%\||^\s*(?:step|iter|epoch|s:\d)\b|^\s*tc\[|\[\d{1,9}/\d"
    r"|\b(?:running|so far|eta)[ :=_#\[]{1,3}\d|_progress\b|:progress\b"
    r"|\bbest(?:_val)?_?bpb|\brunning|\brun_bpb|\bpartial|\bcumul|^warmup|\[val\]",
    re.IGNORECASE,
)
"""Lines with a running score, or one of the middle of training."""
COUNTER = re.compile(r"\b(?:chunk|batch|window|epoch|doc)[ :=_#\[]{1,3}\d", re.IGNORECASE)
"""Before a score it counts how far the scoring has come; behind it, it is a setting of the whole scoring."""
BEFORE_EXPORT = re.compile(
    r"pre[-_ ]?quant|pre[-_ ]?export|unquanti[sz]ed|post[-_ ]?ema|^ema\b|^swa\b|^raw\b|\bfp32\b|\bbf16\b|\bfp16\b"
    r"|pre[-_ ]?roundtrip|pre[-_ ]?ttt\b",
    re.IGNORECASE,
)
"""Labels of scores of weights that were not compressed yet."""
OF_A_PART = re.compile(r"(?:^|[\s_])(?:llm|nn|neural|ngram|ppm|base)[-_]?only[\s_]*$", re.IGNORECASE)
"""What stands right before a score of one part of what is scored together."""
DIFFERENCE = re.compile(
    r"\b(?:gain|gap|delta|diff|improvement|tax|degradation|baseline|target|sota|prev)\b|_gain|_gap|_delta",
    re.IGNORECASE,
)
"""Labels of numbers that are no score of this run."""
CODE = re.compile(r"\s*(?:#|\"|'|//|log\w*\(|print\w*\(|def |class |import |from \w+ import|return\b|f\"|f')")
FORMATTED = re.compile(r"\{\w[\w.\[\]']{0,60}:[.\d]{0,6}f\}")
"""How lines of a program begin that was dumped into the log, and what only they hold."""
DUMP_OPENS = re.compile(
    r"^(?:\"\"\"|'''|#!|import \w|from [\w.]+ import |from __future__|source code:$)", re.IGNORECASE
)
DUMP_CLOSES = re.compile(r"^={60,}$")
HEAD_COMMENT = re.compile(r"^#.{0,120}\bseed[ _=:#]{1,3}(\d{1,9})\b", re.IGNORECASE)
"""A comment at the head of a log that was written or cut by hand: `# Second try - Seed 42 (on two machines)`."""

SIGNS = (
    "bpb",
    "per byte",
    "bits_per_byte",
    "byte",
    "p:",
    "s:",
    "mib",
    "mb",
    " n:",
    "tt:",
    "tokens",
    "step:",
    "step ",
    "step=",
    "/",
    "param",
    "seed",
    "bytes",
    "world_size",
    "ws:",
    "nproc",
    "total",
    "stop",
    "train",
    "code",
    "size",
    "model",
    "budget",
    "eval_time",
    "artifact",
)
"""A line without any of these states nothing; most of a dumped program goes by here."""
