"""Questions about scores: are they finite, do both processes agree, do they cover the text and add up?

Compares what was logged with what the referee counted; computes no score itself.
"""

from __future__ import annotations

import math

from runner.job.tracks import MOST_LEFT_OUT
from runner.judge.evidence import (
    NOT_MEASURED,
    SAME_BPB_CPU,
    SAME_BPB_GPU,
    Answer,
    Case,
    Evidence,
    beside,
    percent,
    status_of,
)
from runner.judge.machine_checks import expected_device
from runner.judge.ratio_checks import printed_agreement, ratio_coverage
from runner.results.phases import Score
from runner.results.runs import RunResult
from runner.results.verdicts import Verification

ARITHMETIC = 1e-9
"""Relative error allowed between val_bpb and val_loss / ln 2 * tokens / bytes."""


def short(tolerance: float) -> str:
    """A power of ten as people write it: 1e-9."""
    return f"{tolerance:.0e}".replace("e-0", "e-")


def process_agreement(case: Case, of: Evidence) -> Answer:
    """The training process and the fresh one give one artifact one score, and the published one is that score."""
    devices = _devices(of.result) if of.result else set()
    if of.result is not None and is_printed(of.result):
        return printed_agreement(of.result, gpu=devices == {"cuda"})
    tolerance = SAME_BPB_GPU if devices == {"cuda"} else SAME_BPB_CPU
    limit = f"{short(tolerance)} bpb"
    if of.result is None or of.result.train_score is None or of.result.eval_score is None:
        return Answer("unknown", NOT_MEASURED, limit)
    ours, fresh, final = of.result.train_score, of.result.eval_score, of.result.final_score
    others = [ours] if final is None or final.rule != fresh.rule else [ours, final]
    counts = [(score.tokens, score.bytes) for score in [fresh, *others]]
    if any(None in pair for pair in counts):
        return Answer("unknown", NOT_MEASURED, limit, "a score does not say how many tokens and bytes it covers")
    if len(set(counts)) > 1 or ours.rule != fresh.rule:
        detail = "; ".join(f"{s.rule}: {s.tokens:,} tokens, {s.bytes:,} bytes" for s in [ours, fresh, *others[1:]])
        return Answer("fail", "different tokens, bytes or rules", limit, detail)
    apart = max(_distance(fresh.val_bpb, score.val_bpb) for score in others)
    measured = "identical" if apart == 0 else f"{beside(apart, tolerance, 'e')} bpb apart"
    if not devices and tolerance < apart <= SAME_BPB_GPU:
        return Answer("unknown", measured, limit, "device unknown")
    return Answer(status_of(apart <= tolerance), measured, limit)


def is_printed(result: RunResult) -> bool:
    """Whether its scores are somebody else's, known by their printed digits."""
    scores = (result.train_score, result.eval_score, result.final_score)
    return any(score is not None and score.printed_bpb for score in scores)


def _devices(result: RunResult) -> set[str]:
    """Device types that the seed may have run on, by its log and its host."""
    told = {result.log.device_type, expected_device(result.host) if result.host else None}
    return {device for device in told if device is not None}


def _distance(a: float, b: float) -> float:
    return abs(a - b) if math.isfinite(a) and math.isfinite(b) else math.inf


def bpb_arithmetic(case: Case, of: Evidence) -> Answer:
    """Every score covers what its rule covers by the referee's count, and its bpb follows from its loss and that."""
    if of.result is not None and is_printed(of.result):
        return ratio_coverage(case, of)
    limit = f"{short(ARITHMETIC)} relative"
    scores = _expected(of)
    if scores is None or any(score.tokens is None or score.bytes is None for score, _ in scores):
        return Answer("unknown", NOT_MEASURED, limit, "tokens and bytes of the validation text are not known")
    wrong = [pair for pair in scores if (pair[0].rule, pair[0].tokens, pair[0].bytes) != pair[1]]
    if wrong:
        seen = ", ".join(sorted({_covered(s.rule, s.tokens or 0, s.bytes or 0) for s, _ in wrong}))
        wanted = ", ".join(sorted({_covered(*expected) for _, expected in wrong}))
        return Answer("fail", seen, wanted, "not what the rule covers")
    if of.result is None or of.result.final_score is None or of.verification is None:
        return Answer("unknown", NOT_MEASURED, limit, "no final score")
    worst = max(_arithmetic_error(score, tokens, size) for score, (_, tokens, size) in scores)
    measured = "exact" if worst == 0 else f"{beside(worst, ARITHMETIC, 'e')} relative"
    detail, left = _coverage_detail(of.verification), _left_out(case, of.verification)
    if left is not None and left.status == "fail" and worst <= ARITHMETIC:
        return left
    return Answer(status_of(worst <= ARITHMETIC), measured, limit, detail, left.note if left else "")


def _left_out(case: Case, counted: Verification) -> Answer | None:
    """The answer where the published score leaves out more than a thousandth of the text: a fail, but for a tail that
    fills no sequence where the track spares one, which is told. None where it leaves out less."""
    missing, text, whole = counted.left_out, counted.text_tokens, counted.val_tokens
    if missing is None or text is None or whole is None or missing <= MOST_LEFT_OUT * text:
        return None
    tail = text - whole
    spared = tail if tail <= case.spare_tail * text else 0
    told = f"{missing:,} of {text:,} tokens left out ({percent(missing / text)})"
    detail = f"{counted.final_rule} scores {text - missing:,} of {text:,} tokens"
    if missing <= MOST_LEFT_OUT * text + spared:
        note = f"{told[0].upper()}{told[1:]}, {spared:,} of them because the end of the text fills no sequence."
        return Answer("pass", told, "", detail, note)
    return Answer("fail", told, f"at most {percent(MOST_LEFT_OUT)}", detail)


def _expected(of: Evidence) -> list[tuple[Score, tuple[str, int, int]]] | None:
    """Each known score with the rule, tokens and bytes that it must have; None where the referee has not counted."""
    result, counted = of.result, of.verification
    if counted is None or counted.val_tokens is None or counted.val_bytes is None:
        return None
    if counted.final_rule is None or counted.final_tokens is None or counted.final_bytes is None:
        return None
    plain = ("plain", counted.val_tokens, counted.val_bytes)
    final = (counted.final_rule, counted.final_tokens, counted.final_bytes)
    known = [] if result is None else [(result.train_score, plain), (result.eval_score, plain)]
    known += [] if result is None else [(result.final_score, final)]
    return [(score, expected) for score, expected in known if score is not None]


def _covered(rule: str, tokens: int, size: int) -> str:
    return f"{rule}: {tokens:,} tokens in {size:,} bytes"


def _coverage_detail(counted: Verification) -> str:
    """How much of the text the published score rests on."""
    scored, whole, size = counted.final_tokens or 0, counted.val_tokens or 0, counted.final_bytes or 0
    if counted.final_rule == "plain" or scored == whole:
        return f"{scored:,} tokens in {size:,} bytes"
    share = "some of them more than once" if scored > whole else "the others are left out"
    return f"{counted.final_rule} scores {scored:,} of {whole:,} tokens, {share}; {size:,} bytes"


def _arithmetic_error(score: Score, tokens: int, size: int) -> float:
    """Relative distance of val_bpb from val_loss / ln 2 * tokens / bytes; infinite where that says nothing."""
    if not (size > 0 and tokens > 0 and math.isfinite(score.val_loss) and math.isfinite(score.val_bpb)):
        return math.inf
    expected = score.val_loss / math.log(2) * tokens / size
    return abs(score.val_bpb - expected) / abs(expected) if expected else _distance(score.val_bpb, 0.0)


def no_nan(case: Case, of: Evidence) -> Answer:
    """No loss that is not a number, in the log or in a score."""
    limit = "finite"
    if of.result is None:
        return Answer("unknown", NOT_MEASURED, limit)
    scores = [of.result.train_score, of.result.eval_score, of.result.final_score]
    values = [value for score in scores if score for value in (score.val_loss, score.val_bpb)]
    if of.result.log.saw_nan:
        return Answer("fail", "the log has a loss that is not finite", limit)
    if not all(math.isfinite(value) for value in values):
        return Answer("fail", "a score is not finite", limit)
    if of.result.final_score is None:
        return Answer("unknown", "no final score", limit)
    return Answer("pass", "finite", limit)


def beats_yardstick(case: Case, of: Evidence) -> Answer:
    """The published score is better than the yardstick that the job names."""
    if case.to_beat is None:
        return Answer("unknown", NOT_MEASURED, "no yardstick")
    bound = case.to_beat.bpb
    limit = f"under {bound:.6f} bpb"
    final = of.result.final_score if of.result else None
    if final is None:
        return Answer("unknown", NOT_MEASURED, limit, "no final score")
    # Equal is not better, so the last number that is better bounds how it is written.
    measured = f"{beside(final.val_bpb, math.nextafter(bound, -math.inf), least=6)} bpb"
    return Answer(status_of(final.val_bpb < bound), measured, limit)
