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

from runner.audit.reading.rows import NUMBER, any_of, row_of
from runner.audit.reading.size_rows import SIZE_ROWS


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
training, `plain` an uncompressed model, `bare_total` a total that does not say whether it is compressed.
`said_steps` and `said_s`
are those of a line that may be a plan or a result: they count where nothing else tells."""

FIELDS = (
    # -- the head of a run
    row_of(
        "param",
        r"^(?:model_|total_|num_|n_)?(?:params|parameters)\s?[:=]\s?(?P<params>INT)\b(?![.\d])",
        "model_params:17059912",
        "total_params:17059912",
        "num_params:17059912",
        "n_parameters=17059912",
    ),
    row_of(
        "param",
        r"^(?:total|model|trainable) (?:model )?(?:params|parameters)\s?[:=]\s?(?P<params>INT)\b(?![.\d])",
        "Total parameters: 26,829,913",
        "model params: 26829913",
        "Trainable model parameters: 26829913",
    ),
    row_of("param", r"\bmodel_params\s?[:=]\s?(?P<params>INT)\b(?![.\d])", "model: layers=11 model_params=26829913"),
    row_of("world_size", r"\bworld_size\s?[:=]\s?(?P<world>\d{1,4})\b", "world_size:8 grad_accum_steps:1"),
    row_of("ws:", r"\bws:(?P<world>\d{1,4})\b", "params:31457280 L:16 d:512 h:8 kv:4 ws:8 ga:1 s:314"),
    row_of(
        "nproc_per_node",
        r"\bnproc_per_node[= ](?P<world>\d{1,3})\b",
        "torchrun --standalone --nproc_per_node=8 train_gpt.py",
    ),
    row_of(
        "seed",
        r"(?:^|[\s,({|])[\"']?(?:random_)?seed[\"']?\s?[:=]\s{0,20}(?P<seed>\d{1,12})\b(?![.])",
        "train_batch_tokens:524288 train_seq_len:1024 seed:1337",
        "seed:1337",
    ),
    row_of("seed ", r"^[\s=*#-]{0,60}(?:random )?seed (?P<seed>\d{1,12})\b[\s=*#:-]{0,60}$", "=== Seed 42 ==="),
    row_of(
        "ws:",
        r"^params:\d.{0,80}\bws:\d{1,4} .{0,40}\bs:(?P<seed>\d{1,12})\b",
        "params:31457280 L:16 d:512 h:8 kv:4 ws:8 ga:1 s:314",
    ),
    row_of("p:", r"^p:(?P<params>\d{5,12})$", "p:26993766"),
    row_of("s:", r"^s:(?P<seed>\d{1,9})$", "s:1337"),
    row_of(
        "tokens",
        r"^(?:val_loader:|val:|validation)[^\n]{0,300}?\btokens\s?[:=]\s?(?P<val_tokens>INT)\b",
        "val_loader:shards pattern=./data/fineweb10B_sp1024/fineweb_val_*.bin tokens:62021632",
        "val:./data/fineweb_val_*.bin tokens:62021632",
        "validation loader tokens=62021632",
    ),
    row_of(
        "_tokens",
        r"^\s{0,8}(?:val|validation)_tokens\s?[:=]\s?(?P<val_tokens>INT)\b",
        "val_tokens: 40540160",
        "  validation_tokens=40540160",
    ),
    row_of(
        "validation tokens",
        r"\bvalidation tokens\s?[:=]\s?(?P<val_tokens>INT)\b",
        "Validation tokens: 62,021,632",
    ),
    row_of(
        " n:",
        r"^val:\S{1,300}\s{1,4}n:(?P<val_tokens>\d{5,12})$",
        "val:./data/fineweb10B_sp1024/fineweb_val_*.bin n:62021632",
    ),
    # -- training
    row_of(
        " tt:",
        r"^s:(?P<steps>\d{1,9})/(?P<planned>\d{1,9}) "
        r".{0,80}?\btt:(?P<train_ms>NUM)ms(?:\s{1,4}sa:(?P<avg_ms>NUM)ms)?",
        "s:6976/20000 vl:1.9228 bpb:1.1388 tt:600048ms sa:86.02ms",
    ),
    row_of("stop tt:", r"^stop tt:(?P<train_ms>NUM)ms s:(?P<stop>\d{1,9})/", "stop tt:600048ms s:6976/20000"),
    row_of(
        " steps",
        r"^training: {1,4}(?P<said_steps>INT) steps, (?P<said_s>NUM) ?s\b",
        "Training: 7000 steps, 599.8s",
    ),
    row_of("num_steps:", r"^num_steps:\s{0,20}(?P<said_steps>INT)$", "num_steps:        5000"),
    row_of("training_seconds:", r"^training_seconds:\s{0,20}(?P<said_s>NUM)$", "training_seconds: 599.8"),
    row_of(
        "training time:",
        r"^(?:total )?training time:\s{0,20}(?P<said_s>NUM) ?s(?:ec\w{0,5})?\b",
        "Training time: 599.8 s",
    ),
    row_of(
        "train_time",
        r"^step:(?P<steps>\d{1,9})(?:/(?P<planned>\d{1,9}))?\s.{0,300}?\btrain_time:\s?(?:(?P<train_ms>NUM)ms|(?P<train_s>NUM)s\b)"
        r"(?:\s{1,8}step_avg:\s?(?P<avg_ms>NUM)ms)?",
        "step:200/20000 train_loss:2.75 train_time:8674ms step_avg:43.37ms",
        "step:200/20000 train_loss:2.75 train_time:8.7s",
    ),
    row_of(
        " loss:",
        r"^step:(?P<steps>\d{1,9})/\d{1,9} loss:NUM t:(?P<train_ms>NUM)ms avg:(?P<avg_ms>NUM)ms",
        "step:500/10000 loss:3.4121 t:118250ms avg:236.5ms",
    ),
    row_of(
        "loss: ",
        r"^(?P<steps>\d{1,9})/\d{1,9} (?:train|val)_loss:\s?NUM",
        "4870/20000 val_loss: 2.4012 val_bpb: 1.1034",
        "500/20000 train_loss: 3.1 train_time: 59034ms",
    ),
    row_of(
        "train_time: ",
        r"^(?P<steps>\d{1,9})/\d{1,9} .{0,200}?\btrain_time:\s?(?P<train_ms>NUM)ms",
        "500/20000 train_loss: 3.1 train_time: 59034ms tok/s: 7000000",
    ),
    row_of(
        "step ",
        r"^step[: =]{1,2}\s{0,8}(?P<steps>\d{1,9})(?:/\d{1,9})?[ |,]{1,8}.{0,60}?\b(?:train_)?loss[: =]",
        "step 500/20000 | loss 3.4121 | lr 0.02",
    ),
    row_of("step=", r"^step=(?P<steps>\d{1,9})\b.{0,200}?loss[=:]", "step=200 mean_microbatch_loss=2.28 bpb=1.3"),
    row_of(
        "stop",
        r"^(?:stopping_early|early_stop|wallclock_stop|stopped_early)\b.{0,80}?"
        r"\btrain_time:\s?(?P<train_ms>NUM)ms\s{1,8}step:\s?(?P<stop>\d{1,9})",
        "stopping_early: wallclock_cap train_time:600039ms step:13780/20000",
        "early_stop train_time:600039ms step:13780",
        "wallclock_stop train_time:600039ms step:13780",
        "stopped_early: cap train_time:600039ms step:13780",
    ),
    row_of(
        "at step",
        r"\b(?:cap|limit|wallclock|budget) (?:hit|reached|exceeded)\b.{0,20}?\bat step (?P<stop>\d{1,9})\b",
        "[time] 10-min cap hit at step 2300 (9m40s), stopping.",
        "time limit reached at step 2300",
        "wallclock exceeded: at step 2300",
        "budget hit at step 2300",
    ),
    row_of(
        "training_complete",
        r"^training_complete\b.{0,40}?\bsteps?[:=]\s?(?P<stop>\d{1,9})",
        "training_complete steps:7777 tokens_seen:4.1B",
    ),
    row_of(
        " steps",
        r"^train(?:ing)? (?:complete|completed|finished|done)\b.{0,80}?\b(?P<stop>\d{1,9}) steps\b"
        r".{0,40}?\b(?P<train_s>NUM) ?s\b",
        "Training complete: 7000 steps in 599.8s",
        "Training completed after 7000 steps, 599.8 s",
        "Train finished: 7000 steps in 599.8s",
        "Training done: 7000 steps in 599.8s",
    ),
    row_of(
        " steps",
        r"^train(?:ing)? (?:complete|completed|finished|done)\b.{0,20}?\b(?P<train_s>NUM) ?s(?:ec\w{0,5})?\b"
        r".{0,20}?\b(?P<stop>\d{1,9}) steps\b",
        "Training complete in 595s (2222 steps)",
        "Training completed in 595 s (2222 steps)",
        "Train finished: 595s, 2222 steps",
        "Training done after 595 seconds, 2222 steps",
    ),
    row_of(
        " at step ",
        r"^(?:stopping|stopped)(?: early)? at step (?P<stop>\d{1,9})\b",
        "Stopping early at step 2222 (time is up)",
        "Stopped at step 2222",
    ),
    row_of("seed", r"--seed[= ](?P<seed>\d{1,12})\b", "python train_gpt.py --seed 42"),
    row_of("eval_time", r"^eval_time:\s?(?P<eval_s>NUM) ?s$", "eval_time: 844s"),
    *SIZE_ROWS,
    # -- the whole evaluation
    row_of(
        "total", r"^total[_ ]eval(?:uation)?[_ ]time\s?[:=]\s?(?P<total_eval_s>NUM) ?s\b", "total_eval_time:414.0s"
    ),
    row_of(
        "total",
        r"^total[_ ]eval(?:uation)?[_ ]time\s?[:=]\s?(?P<total_eval_ms>NUM) ?ms\b",
        "total_eval_time:414018ms",
    ),
)

BY_LITERAL = {row.literal: tuple(other for other in FIELDS if other.literal == row.literal) for row in FIELDS}
"""The rows of each literal: one look at a line decides about all of them."""

SCORES = (
    # a score that its author took back stands beside the one that counts
    row_of(
        "sliding_bpb",
        r"\bsliding_bpb[:=]\s?(?P<bpb>NUM)",
        "final_sliding_window_exact sliding_bpb:1.15512345 val_bpb:0.39551234",
    ),
    row_of(
        "bpb",
        r"\bval[_ ]bpb(?: {1,4}\([^)]{1,60}\))?\s{0,4}[:=]\s{0,20}(?P<bpb>NUM)",
        "final_int8_zlib_roundtrip val_loss:2.0497 val_bpb:1.2140 eval_time:1422ms",
    ),
    row_of(
        "bpb",
        r"\b(?:best_agree|blend(?:ed)?|(?:\w{1,20}_)?mix(?:ed|er)?|ensemble|combined|final|total|with_\w{1,20})_bpb\s?[:=]\s{0,20}(?P<bpb>NUM)",
        "online:done llm_bpb=1.11133698 best_agree_bpb=1.10826554 gain_bpb=0.00307144",
        "final blended_bpb: 1.1264",
        "ppm_full_native mix_bpb=1.00425333 ppm_only=2.2",
        "ensemble_bpb: 1.1264",
        "combined_bpb: 1.1264",
        "final_bpb: 1.1264",
        "total_bpb: 1.1264",
        "with_cache_bpb: 1.1264",
    ),
    row_of(
        "bpb",
        r"(?:^|[\s_(\[])bpb(?:_exact)?(?: {1,4}\([^)]{1,60}\))?\s?[:=]\s{0,20}(?P<bpb>NUM)",
        "Final score after TTT: loss=1.9021 bpb=1.1264 (time 85.2s)",
        "bpb: 1.1264",
    ),
    row_of(
        "bpb",
        r"(?:^|\s)(?:val_)?bpb {1,20}(?P<bpb>\d\.\d{3,12})(?![.\d])",
        "final_int8_zlib_roundtrip_exact val_bpb 1.0500312",
        "bpb 1.0500312",
    ),
    row_of(
        "per byte",
        r"\bbits[ -]per[ -]byte\s?[:=]\s{0,20}(?P<bpb>NUM)",
        "final bits per byte: 1.203456",
    ),
    row_of(
        "bits_per_byte",
        r"(?:\b|_)bits_per_byte\s?[:=]\s{0,20}(?P<bpb>NUM)",
        "eval_bits_per_byte=2.48898442865273",
        "bits_per_byte: 1.2035",
    ),
)
A_SCORE = any_of(*dict.fromkeys(row.literal for row in SCORES))
LOSS = re.compile(
    rf"\bval[_ ]loss\s?[:=]\s{{0,20}}({NUMBER})|(?:^|[\s_(\[])(?:loss|vl)\s?[:=]\s{{0,20}}({NUMBER})", re.IGNORECASE
)
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

A_SIGN = any_of(
    *("bpb", "per byte", "byte", "p:", "s:", "mib", "mb", " n:", "tt:", "tokens", "step ", "step=", "/"),
    *("param", "seed", "nproc", "total", "stop", "train", "code", "size", "model", "budget", "eval_time", "artifact"),
)
"""A line, in lower case, without any of these states nothing; most of a dumped program goes by here."""
