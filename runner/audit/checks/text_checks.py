"""Findings about what was scored: the ratio of loss to bits per byte, the validation text, scores that no text
allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.audit.claims.statement import Statement
from runner.audit.facts import Finding
from runner.audit.reading.runs import Reading
from runner.audit.reading.scores import finished
from runner.audit.reading.tokenizers import RATIOS, TOKENS, tokenizer_of
from runner.audit.severity import finding
from runner.audit.track import floors

OFF = 1e-3
"""Share by which a ratio may be off: validation sets are cut a little differently."""
FAR = 0.10
"""Share by which a ratio is larger than any cut of a known text explains: bytes were counted twice."""
SAME_TEXT = 5e-3
"""Share by which a number of validation tokens may be off: the last, incomplete sequence is left out."""

A_CUT = 0.05
"""Share by which a validation text is longer or shorter that was only cut otherwise."""


def text_findings(counted: Sequence[Reading], track: str | None, words: str, claim: Statement) -> Iterator[Finding]:
    """What is wrong with the text that the runs of the headline were scored on, or with their scores."""
    yield from _ratio(counted, words)
    yield from (one for one, apart in _validation(counted, words) if apart)
    yield from _implausible(counted, track, claim)
    yield from _not_a_number(counted, claim)


def _ratio(readings: Sequence[Reading], words: str) -> Iterator[Finding]:
    for one in readings:
        line = one.final.line if one.final else None
        kind = _text_of(one, words)
        if line is None or line.val_loss is None or kind is None:
            continue
        slack = OFF + 10.0**-line.digits / line.val_bpb
        constant, found = RATIOS[kind], line.val_loss / line.val_bpb
        off = found / constant - 1
        if abs(off) <= slack:
            continue
        others = [score for score in finished(one.scores) if score.val_loss is not None]
        right = [score for score in others if abs((score.val_loss or 0) / score.val_bpb / constant - 1) <= slack]
        said = (
            f"{one.name}: val_loss / val_bpb = {line.val_loss:.8g} / {line.val_bpb:.8g} = {found:.4f}; on "
            f"FineWeb with {kind} it is {constant:.4f}"
        )
        other = next((name for name, ratio in RATIOS.items() if abs(found / ratio - 1) <= slack), None)
        if right:
            yield finding("metric_ratio", "line", f"{said}, as in line {right[-1].lineno}", one.at_score)
        elif other is not None:
            yield finding("metric_ratio", "tokenizer", f"{said}; it is that of {other}", one.at_score)
        elif off > FAR and _scores_whole_text(one, kind):
            corrected = line.val_loss / constant
            yield finding(
                "metric_ratio",
                "far",
                f"{said}, {off:.1%} more: some bytes are counted twice, spaces say; with "
                f"{constant:.4f} the score is {corrected:.4f}",
                one.at_score,
            )
        else:
            cause = _cause(one, kind)
            yield finding("metric_ratio", "tokenizer", f"{said}{cause}", one.at_score)


def _text_of(one: Reading, words: str) -> str | None:
    """The known text that a run was scored on: its number of tokens says more than the names of data sets."""
    tokens = one.draft.whole("val_tokens")
    counted = [kind for kind, known in TOKENS.items() if tokens and abs(tokens / known - 1) <= SAME_TEXT]
    return counted[0] if len(counted) == 1 else tokenizer_of(one.marks, words)


def _scores_whole_text(one: Reading, kind: str) -> bool:
    tokens = one.draft.whole("val_tokens")
    return tokens is None or kind not in TOKENS or abs(tokens / TOKENS[kind] - 1) <= SAME_TEXT


def _cause(one: Reading, kind: str) -> str:
    tokens, known = one.draft.whole("val_tokens"), TOKENS.get(kind)
    if tokens is None or known is None or abs(tokens / known - 1) <= SAME_TEXT:
        return ""
    return f"; it scores {tokens:,} tokens of the {known:,}"


def text_notes(counted: Sequence[Reading], words: str) -> Iterator[Finding]:
    """Notes: a validation text that was cut a little otherwise, which moves a score less than its seed does."""
    yield from (one for one, apart in _validation(counted, words) if not apart)


def _validation(readings: Sequence[Reading], words: str) -> Iterator[tuple[Finding, bool]]:
    """(finding, whether by more than a cut) of runs scored on another text than the known, or on different ones."""
    told = [(one, tokens) for one in readings if (tokens := one.draft.whole("val_tokens"))]
    other = [
        (one, tokens, kind)
        for one, tokens in told
        if (kind := _text_of(one, words)) in TOKENS and abs(tokens / TOKENS[kind or ""] - 1) > SAME_TEXT
    ]
    if other:
        said = "; ".join(
            f"{one.name}: {tokens:,} validation tokens; with {kind} it is {TOKENS[kind or '']:,}"
            for one, tokens, kind in other
        )
        apart = any(abs(tokens / TOKENS[kind or ""] - 1) > A_CUT for _, tokens, kind in other)
        yield (
            finding(
                "other_validation_text",
                "count" if apart else "cut",
                said,
                *(one.at("val_tokens") for one, _, _ in other),
            ),
            apart,
        )
        return
    counts = sorted({tokens for _, tokens in told})
    if len(counts) > 1 and counts[-1] / counts[0] - 1 > SAME_TEXT:
        said = "the runs of the headline were scored on " + " / ".join(f"{count:,}" for count in counts) + " tokens"
        yield finding("other_validation_text", "seeds", said, *(one.at("val_tokens") for one, _ in told)), True


def _implausible(readings: Sequence[Reading], track: str | None, claim: Statement) -> Iterator[Finding]:
    """Scores below what any model of the size is known to reach."""
    error, warn = floors(track)
    shown = [(one.name, one.bpb, one.at_score) for one in readings if one.bpb is not None]
    if not shown and claim.headline is not None:
        shown = [("the claim", float(claim.headline), claim.headline.where)]
    low = [row for row in shown if row[1] < warn]
    if low:
        said = "; ".join(f"{name}: {bpb:.6g}" for name, bpb, _ in low[:5])
        under = min(row[1] for row in low) < error
        yield finding(
            "implausible_score",
            "under" if under else "near",
            f"{said} bits per byte; {'under' if under else 'near'} the floor of {error:.2f} ({FLOOR_BASIS})",
            *(where for _, _, where in low),
        )


FLOOR_BASIS = "15 % below the best accepted record, 1.061: no known model of 16 MB compresses FineWeb so well"


def _not_a_number(readings: Sequence[Reading], claim: Statement) -> Iterator[Finding]:
    """NaN as the headline, or as a run's last score."""
    if claim.submission.not_a_number and claim.headline is None:
        yield finding("not_a_number", "claim", "the claimed score is not a number", claim.submission.not_a_number)
    for one in readings:
        line = one.draft.nan_line
        if line is not None and (one.final is None or line > one.final.line.lineno) and one.scored_by is None:
            yield finding("not_a_number", "run", f"{one.name}: the last score is not a number", f"{one.log}:{line}")
