"""Questions about the score of somebody else's script, of which only the printed digits are known.

Do two processes print one score? Can the ratio val_loss / val_bpb be that of the whole validation text? The digits
decide, exactly: a printed decimal stands for every number within half a unit of its last place. Where they cannot
tell the whole text from a part of it, the answer is unknown and says what would help.
"""

from __future__ import annotations

import math

from runner.job.tracks import MOST_LEFT_OUT
from runner.judge.evidence import NOT_MEASURED, SAME_BPB_GPU, Answer, Case, Evidence, percent
from runner.logs.printed import places, ratio_bounds, same_printed
from runner.results.phases import Score
from runner.results.runs import RunResult
from runner.results.verdicts import Fit, RatioCoverage

FEW = 2000
"""A cut of the text, whichever, may be taken for a coverage that was tried once in so many times."""
ENOUGH = 8
"""Decimals that are enough for that on a text of 62 million tokens: once in 7,000 to 100,000, as measured."""
COUNTS = "print tokens:N bytes:N on the line of the score"
OWN_ARITHMETIC = (
    "That its probabilities sum to one is the script's own arithmetic, which no ratio shows; nor does a ratio tell "
    "the text from a part that was chosen to have the same."
)


def printed_agreement(result: RunResult, gpu: bool) -> Answer:
    """The training process's last score by the published rule is, digit for digit, the one of the fresh process."""
    ours, fresh = result.train_score, result.eval_score
    if fresh is None:
        why = "scored in the training process only: the job names no outputs.eval_env" if ours else "no score"
        return Answer("unknown", NOT_MEASURED, "as printed", why)
    limit = f"{places(fresh.printed_bpb)} decimals, as printed"
    if ours is None:
        return Answer(
            "unknown", NOT_MEASURED, limit, f"the training process printed no score, the other {_both(fresh)}"
        )
    if ours.rule != fresh.rule:
        why = f"the training process printed no {fresh.rule}; its last score is {ours.rule}, {_both(ours)}"
        return Answer("unknown", NOT_MEASURED, limit, why)
    named = f"{fresh.rule}: {_both(ours)} in training, {_both(fresh)} in the fresh process"
    if None not in (ours.tokens, fresh.tokens) and (ours.tokens, ours.bytes) != (fresh.tokens, fresh.bytes):
        return Answer("fail", "different tokens or bytes", limit, named)
    if same_printed(ours.printed_loss, fresh.printed_loss) and same_printed(ours.printed_bpb, fresh.printed_bpb):
        return Answer("pass", "the same digits", limit, named)
    apart = abs(ours.val_bpb - fresh.val_bpb)
    if gpu and apart <= SAME_BPB_GPU:
        return Answer("pass", f"{apart:.1e} bpb apart", "1e-5 bpb on a GPU", named)
    return Answer("fail", f"{ours.printed_bpb} and {fresh.printed_bpb} bpb", limit, named)


def _both(score: Score) -> str:
    return f"loss {score.printed_loss}, bpb {score.printed_bpb}"


def ratio_coverage(case: Case, of: Evidence) -> Answer:
    """The ratio of loss and bpb, and the counts where any are printed, are those of the whole text but for a rest."""
    score = of.result.final_score if of.result else None
    found = of.verification.ratio if of.verification else None
    bounds = ratio_bounds(score.printed_loss, score.printed_bpb) if score else None
    if score is None or found is None or bounds is None:
        why = "no final score" if score is None else "its figures give no ratio" if bounds is None else ""
        return Answer("unknown", NOT_MEASURED, "the whole text", why or "the text was not counted")
    spare = " or an end that fills no sequence" if case.spare_tail else ""
    limit = f"all {found.tokens:,} tokens but {percent(MOST_LEFT_OUT)}{spare}"
    shown = printed_ratio(bounds)
    fits = [one for one in found.fits if _allowed(one, found, case.spare_tail) and _inside(one, bounds)]
    if not fits:
        return _no_fit(found, score, bounds, limit, shown)
    best = fits[0]
    told = f"{shown} nats per bpb printed, {_nats(best.bytes / best.tokens):.9f} by our count"
    rest = f"; {_left_out(best, found)}" if best.left_out else ""
    if score.tokens is not None and score.bytes is not None:
        counted = f"by ratio and counts, {best.tokens:,} tokens"
        return Answer("pass", counted, limit, f"{best.what}{rest}; {told}", OWN_ARITHMETIC)
    others = f"{found.fitting_cuts:,} of {found.cuts:,}" if found.fitting_cuts else f"none of {found.cuts:,}"
    if found.fitting_cuts * found.tried * FEW <= found.cuts:
        chance = f"it also fits {others} cuts that leave out more"
        return Answer("pass", f"by ratio, {best.what}{rest}", limit, f"{told}; {chance}", OWN_ARITHMETIC)
    why = f"it fits {best.what}, and {others} cuts that leave out more, too: too few digits to tell; {_help(score)}"
    return Answer("unknown", f"{shown} nats per bpb", limit, why)


def _no_fit(found: RatioCoverage, score: Score, bounds: tuple[float, float], limit: str, shown: str) -> Answer:
    """The answer where no coverage that is allowed has the printed ratio, or the printed counts."""
    measured = f"{shown} nats per bpb"
    if found.doubt:
        return Answer("unknown", measured, limit, found.doubt)
    if found.cut is not None:
        said = f"a number of tokens that it names itself; {_left_out(found.cut, found)}"
        return Answer("fail", f"by ratio, {found.cut.what}", limit, said)
    if bounds[1] < found.least or bounds[0] > found.most:
        here = f"{_nats(found.least):.6f} to {_nats(found.most):.6f}"
        why = "other text, a part of it, or bytes counted otherwise"
        return Answer("fail", measured, f"{here} for this text", why)
    if score.tokens is not None:
        counts = f"{score.tokens:,} tokens" + (f", {score.bytes:,} bytes" if score.bytes is not None else "")
        why = f"the whole text has {found.tokens:,} tokens, {found.bytes:,} bytes, and no end of it has those printed"
        return Answer("fail", counts, limit, why)
    why = f"near the whole text's, but that of none of the {found.tried} coverages tried"
    return Answer("unknown", measured, limit, f"{why}; {_help(score)}, or name the length of a sequence in env:")


def _help(score: Score) -> str:
    """What the script can print to be understood."""
    if min(places(score.printed_loss), places(score.printed_bpb)) >= ENOUGH:
        return COUNTS
    return f"print both with {ENOUGH} decimals, or {COUNTS.removeprefix('print ')}"


def _allowed(one: Fit, found: RatioCoverage, spare_tail: float) -> bool:
    most = max(MOST_LEFT_OUT, spare_tail if one.tail else 0.0)
    return one.left_out <= most * found.tokens and one.tokens > 0


def _inside(one: Fit, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= one.bytes / one.tokens <= bounds[1]


def _left_out(one: Fit, found: RatioCoverage) -> str:
    return f"{one.left_out:,} of {found.tokens:,} left out ({percent(one.left_out / found.tokens)})"


def _nats(bytes_per_token: float) -> float:
    return bytes_per_token * math.log(2)


def printed_ratio(bounds: tuple[float, float]) -> str:
    """Nats per bpb in as many decimals as the printed digits bear."""
    low, high = (_nats(bound) for bound in bounds)
    if math.isinf(high):
        return f"over {low:.4f}"
    digits = min(12, max(1, math.floor(-math.log10(high - low)))) if high > low else 12
    return f"{(low + high) / 2:.{digits}f}"
