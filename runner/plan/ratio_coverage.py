"""Which part of the validation text a printed score can be of, by its ratio alone.

Whatever a script does, val_loss / val_bpb is ln 2 times the bytes per token of what it scored. The referee holds
that ratio, to the digits that were printed, against its own counts of the whole text and of what scripts cover in its
place: all whole sequences of some length, or windows of it. How much such a fit is worth depends on how many other
parts of this very text have the same ratio by chance, so those are counted, too: every cut at the end and at the
beginning that leaves out more than is allowed.

Counts only; what follows from it is the judge's affair (runner.judge.ratio_checks). A part that was chosen to have
the ratio of the whole cannot be told from it here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from runner.data.prefixes import Prefixes
from runner.job.tracks import MOST_LEFT_OUT
from runner.logs.named_sizes import LENGTH, STRIDE, add_new
from runner.logs.printed import ratio_bounds
from runner.plan.coverage import Span, distinct, spans
from runner.results.phases import LogFacts, Score
from runner.results.verdicts import Fit, RatioCoverage

POWERS = tuple(1 << power for power in range(4, 17))
"""Lengths of a sequence that are tried where the script names none that fits."""
MOST_NAMED = 6
"""Lengths, and strides, of windows that are tried of one script."""
MOST_WINDOWS = 512
"""Windows that may hold one target."""
WINDOWS = {
    "last_stride": "windows of {length:,} every {stride:,}, of each the last {stride:,} tokens",
    "last_stride_short": "windows of {length:,} every {stride:,}, of each but the last the last {stride:,} tokens",
    "repeated_tail": "windows of {length:,} every {stride:,}, the last tokens again in ever shorter ones",
}
"""How published scripts let windows slide (EvalConfig.rule)."""


@dataclass(frozen=True)
class Named:
    """What a script, its log or its job say of how it scores."""

    lengths: tuple[int, ...] = ()
    """Tokens of a sequence or window."""
    strides: tuple[int, ...] = ()
    """Tokens between two windows."""
    tokens: tuple[int, ...] = ()
    """Tokens that are scored."""


def named_by(env: Mapping[str, str], source: str, log: LogFacts) -> Named:
    """What is named by the job's variables, by the log and by the source, which is only read, in this order."""
    settings = "\n".join(f"{name}={value}" for name, value in env.items())
    lengths: list[int] = []
    strides: list[int] = []
    add_new(lengths, settings, LENGTH)
    add_new(strides, settings, STRIDE)
    lengths += [one for one in log.lengths if one not in lengths]
    strides += [one for one in log.strides if one not in strides]
    add_new(lengths, source, LENGTH)
    add_new(strides, source, STRIDE)
    return Named(tuple(lengths), tuple(strides), () if log.val_tokens is None else (log.val_tokens,))


def byte_doubt(folder: Path) -> str:
    """Why a script may count other bytes than the tokenizer's table does; empty where nothing says so."""
    beside = next(iter(sorted(folder.glob("fineweb_val_bytes_*.bin"))), None)
    return "" if beside is None else f"bytes may be those of {beside.name}, which golf does not check"


def ratio_coverage(
    text: Prefixes, score: Score, named: Named, spare_tail: float = 0.0, doubt: str = ""
) -> RatioCoverage | None:
    """What a score's ratio says of the text that it covers; None where it has no decimals, or there is no text.

    spare_tail: share of the text that a tail which fills no sequence may be (runner.job.tracks).
    """
    bounds = ratio_bounds(score.printed_loss, score.printed_bpb)
    if bounds is None or text.targets == 0 or text.before(text.targets) == 0:
        return None
    allowed = math.floor(MOST_LEFT_OUT * text.targets)
    tail = max(allowed, math.floor(spare_tail * text.targets))
    named = replace(named, tokens=tuple(dict.fromkeys([*named.tokens, *([score.tokens] if score.tokens else [])])))
    tried: list[Fit] = []
    fits: list[Fit] = []
    for stage in stages(text, named):
        new = [one for one in stage if one.left_out <= (tail if one.tail else allowed) and one.bytes > 0]
        if score.tokens is not None:
            new = [one for one in new if counts_as(one, score)]
        tried += new
        fits += [one for one in new if bounds[0] <= one.bytes / one.tokens <= bounds[1]]
        if fits:
            break
    cuts, fitting = other_cuts(text, max(allowed, *(one.left_out for one in fits)), bounds) if fits else (0, 0)
    least, most = ratios_near(text, tail)
    return RatioCoverage(
        tokens=text.targets,
        bytes=text.before(text.targets),
        most_left_out=allowed,
        tried=len(tried),
        fits=fits,
        cuts=cuts,
        fitting_cuts=fitting,
        least=least,
        most=most,
        cut=None if fits else named_cut(text, score, named, bounds),
        doubt=doubt,
    )


def counts_as(fit: Fit, score: Score) -> bool:
    """Whether a score states the tokens, and the bytes if any, of a part of the text."""
    return fit.tokens == score.tokens and score.bytes in (None, fit.bytes)


def stages(text: Prefixes, named: Named) -> Iterator[list[Fit]]:
    """Coverages to try, the likelier first, each counted once: a later stage is for scripts that say nothing."""
    seen: set[tuple[int, int]] = set()
    for stage in (_sequences(text, named), _windows(text, named), _powers(text)):
        new = []
        for one in stage:
            if one.tokens > 0 and (one.tokens, one.bytes) not in seen:
                seen.add((one.tokens, one.bytes))
                new.append(one)
        yield new


def _sequences(text: Prefixes, named: Named) -> Iterator[Fit]:
    yield _fit(text, "the whole text", [(0, text.targets)])
    for length in named.lengths:
        yield _whole_sequences(text, length)
    sequences = {text.targets // length * length for length in (*named.lengths, *POWERS) if length > 0}
    for tokens in named.tokens:
        if 0 < tokens < text.targets:
            yield _fit(text, f"the first {tokens:,} tokens", [(0, tokens)], tail=tokens in sequences)
            yield _fit(text, f"the last {tokens:,} tokens", [(text.targets - tokens, text.targets)])


def _windows(text: Prefixes, named: Named) -> Iterator[Fit]:
    lengths = [length for length in named.lengths if length > 0][:MOST_NAMED]
    whole = {text.targets, *(text.targets // length * length for length in lengths)}
    for targets in sorted(whole, reverse=True):
        for length in lengths:
            for stride in named.strides[:MOST_NAMED]:
                if 0 < stride <= length <= targets and length <= MOST_WINDOWS * stride:
                    for rule, words in WINDOWS.items():
                        what = words.format(length=length, stride=stride)
                        yield _fit(text, what, spans(rule, targets, length, stride))


def _powers(text: Prefixes) -> Iterator[Fit]:
    for length in POWERS:
        yield _whole_sequences(text, length)


def _whole_sequences(text: Prefixes, length: int) -> Fit:
    scored = text.targets // length * length if length > 0 else 0
    return _fit(text, f"all whole sequences of {length:,}", [(0, scored)], tail=True)


def _fit(text: Prefixes, what: str, parts: Sequence[Span], *, tail: bool = False) -> Fit:
    return Fit(
        what=what,
        tokens=sum(stop - first for first, stop in parts),
        bytes=sum(text.between(first, stop) for first, stop in parts),
        left_out=text.targets - distinct(parts),
        tail=tail,
    )


def named_cut(text: Prefixes, score: Score, named: Named, bounds: tuple[float, float]) -> Fit | None:
    """A part that the script itself names, whose ratio fits: called for where no coverage that is allowed does."""
    for tokens in named.tokens:
        if 0 < tokens < text.targets:
            for what, first in (("first", 0), ("last", text.targets - tokens)):
                one = _fit(text, f"the {what} {tokens:,} tokens", [(first, first + tokens)])
                if bounds[0] <= one.bytes / one.tokens <= bounds[1]:
                    return one
    return None


def other_cuts(text: Prefixes, allowed: int, bounds: tuple[float, float]) -> tuple[int, int]:
    """(cuts at the end or the beginning that leave out more than `allowed`, those of them that have the ratio).

    bounds: least and greatest bytes per token that the printed digits allow, so that whatever cut was scored is among
    those counted. Of a text with more targets than `Prefixes` has sums, every so many-th cut is tried.
    """
    places = np.arange(len(text.sums), dtype=np.int64) * text.step
    whole = text.before(text.targets)
    ends = (places > 0) & (places < text.targets - allowed)
    begins = (places > allowed) & (places < text.targets)
    ratios = np.concatenate(
        [text.sums[ends] / places[ends], (whole - text.sums[begins]) / (text.targets - places[begins])]
    )
    return len(ratios), int(np.count_nonzero((ratios >= bounds[0]) & (ratios <= bounds[1])))


def ratios_near(text: Prefixes, most: int) -> tuple[float, float]:
    """Least and greatest bytes per token of the text where up to `most` targets at either end are missing.

    Wide enough, too, for as many that are counted twice.
    """
    most = min(most, text.targets // 4)
    mean = text.before(text.targets) / text.targets
    strays = 0.0
    for end in (text.sizes[:most], text.sizes[text.targets - most :][::-1]):
        if most:
            strays += float(np.max(np.abs(np.cumsum(end, dtype=np.float64) - mean * np.arange(1, most + 1))))
    apart = strays / (text.targets - 2 * most)
    return mean - apart, mean + apart
