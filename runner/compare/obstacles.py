"""Why two arms cannot be held against each other, and what a reader must know where they can.

Pure, by what is known of the arms; what is not known is a note and never taken for the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from runner.results.comparisons import Arm
from runner.statistics import describe

SAME_CONSTANT = 1e-4
"""Constants that differ by less, relatively, are of one tokenizer: published losses have few digits."""
SAME_TEXT = 1e-3
"""Byte counts that differ by less may be of one text by two tokenizers, which may treat spaces differently."""
FEW_DIGITS = 5
"""Scores with no more decimals than this may agree by chance."""
NO_SPREAD = 1e-12
"""Scores that differ by less, relatively, are the same."""


def deviation(arm: Arm) -> float | None:
    """Sample deviation of an arm's scores, bits per byte; None where they have no spread to tell it by."""
    return None if _without_spread(arm) or len(arm.val_bpb) < 2 else describe(arm.val_bpb).std


def obstacles_of(baseline: Arm, candidate: Arm, *, number: bool) -> Iterator[str]:
    """Why no test of the two can decide. number: the baseline stands for a number to beat."""
    yield from arm_obstacles(baseline, number=number)
    yield from arm_obstacles(candidate, number=False)
    yield from _shared(baseline, candidate)
    yield from _other_text(baseline, candidate)


def arm_obstacles(arm: Arm, *, number: bool) -> Iterator[str]:
    """Why no test with this arm can decide. number: it stands for a number to beat and needs no deviation."""
    yield from _not_sound(arm)
    if arm.unscored:
        yield f"{arm.name}: {arm.unscored} of {arm.unscored + len(arm.val_bpb)} seeds have no score"
    yield from _too_few(arm, number=number)


def paired_obstacles(baseline: Arm, candidate: Arm) -> Iterator[str]:
    """Why no test of pairs can decide; how many there are, and how they scatter, is asked of the pairs themselves."""
    for arm in (baseline, candidate):
        yield from _not_sound(arm)
    yield from _shared(baseline, candidate)
    yield from _other_text(baseline, candidate)


def _not_sound(arm: Arm) -> Iterator[str]:
    if arm.verdict not in (None, "passed"):
        yield f"{arm.name} is {arm.verdict}, so its scores do not count"
    if arm.problem:
        yield f"{arm.name}: {arm.problem}"


def _too_few(arm: Arm, *, number: bool) -> Iterator[str]:
    count = len(arm.val_bpb)
    if not count:
        yield f"{arm.name} has no score"
    if number:
        return
    if count == 1:
        yield f"{arm.name} has one seed: without a second there is no deviation to test by"
    elif count and _without_spread(arm):
        yield f"{arm.name}: all {count} scores are the same, so how seeds scatter is not known"
    else:
        for value in sorted(value for value in set(arm.val_bpb) if arm.val_bpb.count(value) > 1 and _long(value)):
            yield f"{arm.name}: {value!r} stands twice, to the last digit: one seed counted more than once"


def _without_spread(arm: Arm) -> bool:
    return bool(arm.val_bpb) and max(arm.val_bpb) - min(arm.val_bpb) <= NO_SPREAD * abs(arm.val_bpb[0])


def _shared(baseline: Arm, candidate: Arm) -> Iterator[str]:
    """Runs that stand in both arms, which are then not independent."""
    if set(baseline.artifacts) & set(candidate.artifacts):
        yield "both hold the same artifact: a run counted in both is no evidence"
    elif baseline.run and baseline.run == candidate.run:
        yield f"both are of one run, {baseline.run}: seeds of one job and script differ by chance alone"
    else:
        for value in sorted(value for value in set(baseline.val_bpb) & set(candidate.val_bpb) if _long(value)):
            yield f"{value!r} stands in both arms, to the last digit: one run counted in both"


def _other_text(baseline: Arm, candidate: Arm) -> Iterator[str]:
    known = baseline.validation and candidate.validation and baseline.tokenizer and candidate.tokenizer
    if known and baseline.tokenizer == candidate.tokenizer and baseline.validation != candidate.validation:
        yield "they were scored on different validation text"
    elif not _may_be_one_text(baseline, candidate):
        yield (
            f"they were scored on different validation text: {baseline.val_bytes:,} and {candidate.val_bytes:,} bytes"
        )


def _may_be_one_text(baseline: Arm, candidate: Arm) -> bool:
    one, two = baseline.val_bytes, candidate.val_bytes
    return one is None or two is None or abs(one - two) <= SAME_TEXT * max(one, two)


def _long(value: float) -> bool:
    return round(value, FEW_DIGITS) != value


def notes_of(baseline: Arm, candidate: Arm, constant: float | None, *, number: bool) -> Iterator[str]:
    """What a reader must know beside the outcome. constant: what converts bits per byte; None where none is known."""
    yield from _constant_notes(baseline, candidate, constant)
    if not all(arm.validation and arm.tokenizer for arm in (baseline, candidate)):
        yield "whether both were scored on the same validation text is not known here"
    elif baseline.tokenizer != candidate.tokenizer:
        yield "with different tokenizers only the length of the validation text could be compared, not the text"
    if baseline.track and candidate.track and baseline.track != candidate.track:
        yield f"they are of different tracks: {baseline.track} and {candidate.track}"
    if number and len(baseline.val_bpb) > 1:
        yield f"the number to beat is the mean of {baseline.name}; that it is uncertain itself does not count here"
    for arm in (baseline, candidate):
        if arm.looked:
            yield (
                f"{arm.name}: its seeds were added until a look decided ({arm.looked}), so a test of a fixed number "
                "errs more often than its p says; the record has the p of its own design"
            )
        twice = [value for value in arm.val_bpb if arm.val_bpb.count(value) > 1]
        if any(not _long(value) for value in twice) and not _without_spread(arm):
            yield f"{arm.name}: a score stands twice; with so few digits that may be chance"


def _constant_notes(baseline: Arm, candidate: Arm, constant: float | None) -> Iterator[str]:
    one, two = baseline.nats_per_bpb, candidate.nats_per_bpb
    if constant is None:
        yield "no nats_per_bpb is known, so nothing is said in nats/token"
    elif one is not None and two is not None and abs(one - two) > SAME_CONSTANT * two:
        if baseline.tokenizer and baseline.tokenizer == candidate.tokenizer:
            yield (
                f"they were scored on different tokens of the text ({one:.6g} and {two:.6g} nats/token per bpb): bpb "
                f"are compared, and converted by the candidate's {two:.6g}"
            )
            return
        yield (
            f"the tokenizers differ ({one:.6g} and {two:.6g} nats/token per bpb), so nats/token of both cannot be "
            f"set against each other: bpb are compared, and converted by the candidate's {two:.6g}"
        )
    elif two is None:
        yield f"the candidate's nats_per_bpb is not known: converted by the baseline's {constant:.6g}"
    elif one is None:
        yield f"the baseline's nats_per_bpb is not known: bpb are converted by the candidate's {two:.6g}"
