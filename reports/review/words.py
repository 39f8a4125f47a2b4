"""The words of a review: one sentence for a script, one for each answer. Never that a script is clean or legal."""

from __future__ import annotations

from runner.listing import counted
from runner.review.answers import Answer, Verdict
from runner.review.facts import ScriptReview

SHOWN: tuple[Verdict, ...] = ("violates", "violates-if", "suspicious", "unknown", "dormant")
"""Answers that get a line of their own, the gravest first."""
MOST_PLACES = 6


def headline(review: ScriptReview) -> str:
    """What the review comes to."""
    name, answer = review.worst
    if answer.answer == "nothing-found":
        return f"nothing found by these rules, in any of {len(review.classes)} classes"
    same = [one for one, other in review.classes.items() if other.answer == answer.answer]
    if answer.answer == "unknown" and len(same) == len(review.classes):
        return f"unknown: {answer.why}"
    if answer.answer == "dormant":
        return f"nothing found that ran; dormant: {', '.join(same)}"
    return f"{verdict_words(answer)}: {', '.join(same) if answer.answer != 'violates-if' else name}"


def verdict_words(answer: Answer) -> str:
    """An answer as it is said: `violates if SLOT_ENABLED=1`."""
    if answer.answer == "violates-if":
        return f"violates if {answer.condition or 'it runs'}"
    return "nothing found" if answer.answer == "nothing-found" else answer.answer


def grouped(review: ScriptReview) -> list[tuple[str, Answer]]:
    """(classes, answer) of all that is shown, the gravest first; unknowns of one reason share a line."""
    found: list[tuple[str, Answer]] = []
    for verdict in SHOWN:
        same: dict[str, list[str]] = {}
        for name, answer in review.of(verdict):
            if verdict == "unknown":
                same.setdefault(answer.why, []).append(name)
            else:
                found.append((name, answer))
        found += [(", ".join(names), Answer("unknown", why=why)) for why, names in same.items()]
    return found


def places(answer: Answer) -> str:
    """The chain of an answer: `train_gpt.py:120 -> 410 -> 455`."""
    shown = []
    before = ""
    for place in answer.where[:MOST_PLACES]:
        shown.append(str(place.line) if place.file == before else f"{place.file}:{place.line}")
        before = place.file
    more = f" and {len(answer.where) - MOST_PLACES} more" if len(answer.where) > MOST_PLACES else ""
    return " -> ".join(shown) + more


def layers_line(review: ScriptReview) -> str:
    """What the script consists of."""
    first, *rest = review.texts
    said = [f"{first.name} {first.size:,} B, {counted(first.lines, 'line')}"]
    said += [f"{one.name} {one.size:,} B{f' ({one.how})' if one.how else ''}" for one in rest[:6]]
    if len(rest) > 6:
        said.append(f"and {counted(len(rest) - 6, 'text')} more")
    return "; ".join(said)


def run_line(review: ScriptReview) -> str:
    """Whether it is known how the script ran."""
    if review.run_known:
        return "what ran: by the folder's logs, README and submission.json, or as you said"
    return "how it ran is not known: give its folder, or --env NAME=VALUE, --log, --readme"


def runs_title(review: ScriptReview) -> str:
    """What stands over the lines of its runs."""
    if review.checks:
        passed = sum(check.result == "pass" for check in review.checks)
        return (
            f"runs of the job's script in a small size, on made-up text: {passed} of {len(review.checks)} checks pass"
        )
    return "runs on made-up text, which call nothing clean"


def proof_lines(review: ScriptReview) -> list[str]:
    """What runs of it showed, a sentence each: checks of golf's own script, what is proven, not seen, not tried."""
    proofs, told = review.proofs or {}, []
    for check in review.checks:
        why = f"{check.done}; {check.seen}" if check.done else check.seen
        again = f" Again: {check.repeat}." if check.repeat and check.result == "fail" else ""
        told.append(f"{check.result}, {check.name}: {why}.{again}")
    if review.checks:  # classes that checks passed or failed are told with these
        said = {check.seen for check in review.checks}
        proofs = {name: one for name, one in proofs.items() if one.result == "unknown" and one.seen not in said}
    for name, one in proofs.items():
        if one.result == "proven":
            again = f" Again: {one.repeat}." if one.repeat else ""
            told.append(f"proven, {name}: {one.done}; {one.seen}.{again}")
    for result, words in (("not-seen", "not seen"), ("unknown", "unknown")):
        same: dict[str, list[str]] = {}
        for name, one in proofs.items():
            if one.result == result:
                same.setdefault(f"{one.done}; {one.seen}" if one.done else one.seen, []).append(name)
        told += [f"{words}, {', '.join(names)}: {why}." for why, names in same.items()]
    return told
