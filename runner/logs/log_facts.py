"""Reading a training log: the official script's lines as a table of patterns.

What stands in a log is a claim of the script; whoever uses these values says so. Lines come in any chunking;
a line longer than a bound is cut, never kept growing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.logs.exceptions import Ending
from runner.logs.lines import LineSplitter
from runner.logs.named_sizes import LENGTH, STRIDE, add_new, counted_on, loaded_tokens
from runner.printable import cut, printable
from runner.results.phases import LogFacts, Score

MAX_TOLD = 4096
"""Bytes of a line of somebody else's script in which sizes are looked for."""
MOST_DEVICES = 8
MOST_RULES = 64
"""Names under which one script may print scores."""
WHOLE_GROUPS = {
    "code_bytes": "code_bytes",
    "artifact_bytes": "model_bytes",
    "total_bytes": "total_bytes",
    "seed": "seed",
    "step": "steps",
}
LOSS_GROUPS = {"train_loss": "train_loss", "val_loss": "live_val_loss", "val_bpb": "live_val_bpb"}
"""Named groups of a job's own patterns, and the facts that they fill."""
BPB = "bpb @step"
"""Head of a column of scores: of a seed that runs, its last validation and the step that it was after."""
MOST_NAME = 200
"""Characters of a name, of a device or a rule, that are kept."""
MOST_DIGITS = 64
"""Of a printed figure that is kept."""
NUMBER = r"([-+]?(?:\d{1,18}(?:\.\d{0,40})?(?:e[-+]?\d{1,4})?|nan|inf))"


@dataclass(frozen=True)
class Pattern:
    """One kind of line: a regular expression, the facts its groups fill, and a line it matches."""

    regex: re.Pattern[str]
    facts: tuple[tuple[str, Callable[[str], Any]], ...]
    example: str


def _pattern(regex: str, example: str, **facts: Callable[[str], Any]) -> Pattern:
    return Pattern(re.compile(regex.replace("NUM", NUMBER), re.IGNORECASE), tuple(facts.items()), example)


def _name(text: str) -> str:
    return cut(text, MOST_NAME)


def _ms(text: str) -> float:
    return float(text) / 1000


DEVICE = _pattern(
    r"^device:(cpu|cuda)\S* name:(.*?) precision:",
    "device:cuda:0 name:A GPU precision:bfloat16",
    device_type=str,
    device=_name,
)
PATTERNS = (
    _pattern(r"^model_params:\s*(\d{1,18})", "model_params:17059912", model_params=int),
    _pattern(r"^world_size:(\d{1,18})", "world_size:8 grad_accum_steps:1", world_size=int),
    _pattern(r"^seed:(\d{1,18})$", "seed:1337", seed=int),
    _pattern(
        r"^train_batch_tokens:\d{1,18} train_seq_len:\d{1,18} iterations:\d{1,18} warmup_steps:(\d{1,18})",
        "train_batch_tokens:524288 train_seq_len:1024 iterations:20000 warmup_steps:20 max_wallclock_seconds:600.000",
        warmup_steps=int,
    ),
    _pattern(r"^warmup_step:(\d{1,18})/(\d{1,18})$", "warmup_step:3/20", warmup_step=int, warmup_steps=int),
    _pattern(
        r"^step:(\d{1,18})/\d+ train_loss:NUM train_time:NUMms step_avg:NUMms",
        "step:10/20000 train_loss:5.9 train_time:430ms step_avg:43.00ms",
        steps=int,
        train_loss=float,
        train_seconds=_ms,
        step_avg_ms=float,
    ),
    _pattern(
        r"^step:(\d{1,18})/\d+ val_loss:NUM val_bpb:NUM train_time:NUMms step_avg:NUMms",
        "step:1000/20000 val_loss:2.2 val_bpb:1.3 train_time:43000ms step_avg:43.00ms",
        steps=int,
        live_val_loss=float,
        live_val_bpb=float,
        train_seconds=_ms,
        step_avg_ms=float,
    ),
    _pattern(
        r"^stopping_early: wallclock_cap train_time:NUMms step:(\d{1,18})/",
        "stopping_early: wallclock_cap train_time:600039ms step:13780/20000",
        train_seconds=_ms,
        steps=int,
    ),
    _pattern(
        r"^resumed step:(\d{1,18}) train_time:NUMms",
        "resumed step:210 train_time:4522ms",
        resumed_step=int,
        resumed_seconds=_ms,
    ),
    _pattern(
        r"^peak memory allocated: (\d{1,18}) MiB",
        "peak memory allocated: 10184 MiB reserved: 10588 MiB",
        peak_memory_mib=int,
    ),
    _pattern(r"^Code size: (\d{1,18}) bytes", "Code size: 47642 bytes", code_bytes=int),
    _pattern(
        r"^Serialized model \w+\+\w+: (\d{1,18}) bytes",
        "Serialized model int8+zlib: 15762519 bytes (payload:1 raw_torch:2 payload_ratio:3.91x)",
        model_bytes=int,
    ),
    _pattern(
        r"^Total submission size \w+\+\w+: (\d{1,18}) bytes",
        "Total submission size int8+zlib: 15810161 bytes",
        total_bytes=int,
    ),
    _pattern(
        r"^forecast at:(\d{1,3})% artifact:\d{1,18} total:(\d{1,18})",
        "forecast at:50% artifact:15762519 total:15810161",
        forecast_percent=int,
        forecast_total=int,
    ),
    _pattern(
        r"^final_\w+ val_loss:NUM val_bpb:NUM eval_time:NUMms",
        "final_int8_zlib_roundtrip val_loss:2.0386 val_bpb:1.2074 eval_time:1356ms",
        final_loss=float,
        final_bpb=float,
        eval_seconds=_ms,
    ),
    DEVICE,
    _pattern(r"^python:\S{1,40} torch:(\S{1,40})", "python:3.12.3 torch:2.13.0+cpu numpy:2.4.6", torch=printable),
    _pattern(r"^driver:\S+ cuda:(\d\S{0,20})", "driver:580.95.05 cuda:13.0 system:Linux 6.8", cuda=str),
    _pattern(r"^nan_loss step:(\d{1,18})", "nan_loss step:7", nan_step=int),
)

SCORE = re.compile(
    r"^(final_score|score) rule:(\S+) tokens:(\d{1,18}) bytes:(\d{1,18}) " + f"val_loss:{NUMBER} val_bpb:{NUMBER}$",
    re.IGNORECASE,
)


@dataclass
class LogReader:
    """Facts of one log so far; feed it bytes as they come."""

    facts: dict[str, Any] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    """The last one that was logged, or none: a log may have any number of them."""
    final_scores: list[Score] = field(default_factory=list)
    """The same of those that claim to be final."""
    by_rule: dict[str, Score] = field(default_factory=dict)
    """Of somebody else's script: the last score under each name."""
    devices: list[str] = field(default_factory=list)
    """Each device that a line names, once."""
    saw_nan: bool = False
    pattern: re.Pattern[str] | None = None
    """How somebody else's script writes a score; None for ours."""
    own: tuple[re.Pattern[str], ...] = ()
    """How it writes seed, steps and sizes, beside the official lines: groups of WHOLE_GROUPS and LOSS_GROUPS."""
    ending: Ending = field(default_factory=Ending)
    """What its last lines say of how the script ended."""
    _lines: LineSplitter = field(default_factory=LineSplitter)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the log."""
        for line, over in self._lines.feed(data):
            if over:
                self.ending.write_over()
            self.line(line.decode("utf-8", "replace"))

    def line(self, text: str) -> None:
        """Take one whole line."""
        self.ending.line(text)
        self.claim(text)

    def claim(self, text: str) -> None:
        """Take what a whole line claims, and not what it says of how the script ended."""
        score = SCORE.match(text)
        if score:
            kind, rule, tokens, size, loss, bpb = score.groups()
            value = Score(
                rule=printable(rule[:MOST_NAME]),
                tokens=int(tokens),
                bytes=int(size),
                val_loss=float(loss),
                val_bpb=float(bpb),
                # Only what is not ours is judged by its digits: ours prints all that its floats have.
                printed_loss=loss if self.pattern is not None else "",
                printed_bpb=bpb if self.pattern is not None else "",
            )
            (self.final_scores if kind.lower() == "final_score" else self.scores)[:] = [value]
            self._remember(value)
            self._watch_nan(value.val_loss, value.val_bpb)
            return
        if self.pattern is not None:
            self._sizes(text[:MAX_TOLD])
            if told := self.pattern.search(text):
                self._foreign_score(told)
        for own in self.own:
            if told := own.search(text):
                self._own_facts(told)
        for pattern in PATTERNS:
            match = pattern.regex.match(text)
            if match:
                values = [read(part) for (_, read), part in zip(pattern.facts, match.groups(), strict=True)]
                self.facts.update(zip((name for name, _ in pattern.facts), values, strict=True))
                self._note_validation(name for name, _ in pattern.facts)
                if pattern.regex is DEVICE.regex:
                    self._note_device(*map(str, values))
                self._watch_nan(*(value for value in values if isinstance(value, float)))
                self.saw_nan = self.saw_nan or "nan_step" in self.facts
                return

    def _note_device(self, kind: str, name: str) -> None:
        """Keep each device that is named, so that what contradicts itself is seen."""
        device = cut(f"{kind.lower()} {name}", 100)
        if device not in self.devices and len(self.devices) < MOST_DEVICES:
            self.devices.append(device)

    def _sizes(self, text: str) -> None:
        """What a line of somebody else's script says of the sequences that it scores."""
        add_new(self.facts.setdefault("lengths", []), text, LENGTH)
        add_new(self.facts.setdefault("strides", []), text, STRIDE)
        loaded = loaded_tokens(text)
        if loaded is not None:
            self.facts["val_tokens"] = loaded

    @property
    def tail(self) -> list[str]:
        """Its last lines that say something; printable, cut."""
        return self.ending.words

    def _foreign_score(self, told: re.Match[str]) -> None:
        """A score in the digits in which it was printed; of what it covers it says something or nothing."""
        found = told.groupdict()
        try:
            loss, bpb = float(found["val_loss"]), float(found["val_bpb"])
        except (TypeError, ValueError):
            return
        tokens, size = whole(found.get("tokens")), whole(found.get("bytes"))
        if tokens is None and size is None:
            tokens, size = counted_on(told.string[:MAX_TOLD])
        value = Score(
            rule=printable((found.get("rule") or "script")[:MOST_NAME]),
            val_loss=loss,
            val_bpb=bpb,
            tokens=tokens,
            bytes=size,
            printed_loss=found["val_loss"].strip()[:MOST_DIGITS],
            printed_bpb=found["val_bpb"].strip()[:MOST_DIGITS],
        )
        self.scores[:] = self.final_scores[:] = [value]
        self._remember(value)
        self._watch_nan(loss, bpb)

    def _remember(self, score: Score) -> None:
        if self.pattern is not None and (score.rule in self.by_rule or len(self.by_rule) < MOST_RULES):
            self.by_rule[score.rule] = score

    def _own_facts(self, told: re.Match[str]) -> None:
        """Whole numbers, thousands apart or not, and losses; what is neither says nothing."""
        for group, said in told.groupdict().items():
            digits = re.sub(r"[,_ ]", "", said or "")
            if group in WHOLE_GROUPS and digits.isascii() and digits.isdigit() and len(digits) <= 18:
                self.facts[WHOLE_GROUPS[group]] = int(digits)
            if group in LOSS_GROUPS and said is not None and re.fullmatch(NUMBER, said, re.IGNORECASE):
                self.facts[LOSS_GROUPS[group]] = float(said)
                self._watch_nan(float(said))
        self._note_validation(LOSS_GROUPS.get(group, "") for group, said in told.groupdict().items() if said)

    def _note_validation(self, names: Iterable[str]) -> None:
        """Of a validation while it trains, after which step it was."""
        if "live_val_bpb" in names:
            self.facts["live_val_step"] = self.facts.get("steps")

    def _watch_nan(self, *values: float) -> None:
        self.saw_nan = self.saw_nan or not all(math.isfinite(value) for value in values)

    def log_facts(self) -> LogFacts:
        """The claims as the result stores them."""
        known = {name: value for name, value in self.facts.items() if name in LogFacts.model_fields}
        return LogFacts(**known, devices=list(self.devices), saw_nan=self.saw_nan)


def whole(text: str | None) -> int | None:
    """A count as scripts print it, `62,021,632` or `62_021_632` included; None where it is none."""
    digits = (text or "").strip().replace(",", "").replace("_", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def warm_up_told(facts: Mapping[str, Any]) -> str:
    """`warm-up 3/20` of a log whose warm-up steps are not all made; '' of any other."""
    done, steps = facts.get("warmup_step", 0), facts.get("warmup_steps", 0)
    return f"warm-up {done:,}/{steps:,}" if done < steps and "steps" not in facts else ""


def live_bpb_told(facts: Mapping[str, Any]) -> str:
    """`1.3000 @1,000`: the last validation while it trains, which is older than the loss beside it."""
    bpb, step = facts.get("live_val_bpb"), facts.get("live_val_step")
    if not isinstance(bpb, float):
        return ""
    return f"{bpb:.4f} @{step:,}" if isinstance(step, int) else f"{bpb:.4f} @?"


def read_log(chunks: Iterable[bytes]) -> LogReader:
    """A reader fed with a whole log."""
    reader = LogReader()
    for chunk in chunks:
        reader.feed(chunk)
    reader.feed(b"\n")
    return reader
