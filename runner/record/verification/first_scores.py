"""`golf verify`, the sp8192 fingerprint: is the first score in a log that of the challenge's text?"""

from __future__ import annotations

from collections.abc import Iterator

from runner.judge.first_score import NAME, TITLE, first_answer, is_asked
from runner.judge.text_checks import challenge_text
from runner.record.answers import answer
from runner.results.frozen import Status
from runner.results.record import RecordData
from runner.results.verdicts import Check


def first_score_checks(data: RecordData) -> Iterator[Check]:
    """One answer for each seed of a record on sp8192 data, none of any other.

    A record whose own facts say that its text is another one is not wrong for it: then the finding is an unknown.
    """
    if not is_asked(data.data):
        return
    curves = {curve.seed: curve for curve in data.curves}
    honest = challenge_text(data.data) is None
    for result in data.results:
        found = first_answer(curves.get(result.seed), data.data)
        status: Status = "unknown" if honest and found.status == "fail" else found.status
        measured = f"{found.measured} ({found.detail})" if found.detail else found.measured
        yield answer(NAME, TITLE, status, measured, found.limit, result.seed)
