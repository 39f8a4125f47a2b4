"""From evidence to verdict, by RULES. Pure: plain values in, a `Verdict` out, no I/O.

Rejected if a required check fails; else unverified if a required check is unknown or was never answered;
else passed. Not here: the questions themselves (runner.judge.checks) and what a track requires (runner.job.tracks).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from runner.judge.checks import Question, questions
from runner.judge.evidence import NOT_MEASURED, Answer, Case
from runner.listing import listed, some
from runner.results.datasets import DataFacts
from runner.results.frozen import Status
from runner.results.runs import LeftOut, RunResult
from runner.results.verdicts import Check, Verdict, Verification, Yardstick

OF_A_TRAINING = frozenset({"process_agreement", "log_clock"})
"""Questions to the process that trained: what it scored, and what its log says of its time."""
ANSWER_WORDS: dict[Status, str] = {"pass": "yes", "fail": "no", "unknown": "unknown"}


def judge(
    *,
    required: frozenset[str],
    cap_bytes: int,
    train_seconds: float,
    eval_seconds: float,
    seeds: Sequence[int],
    script_sha256: str,
    nproc: int,
    allowed_hardware: Sequence[str],
    results: Sequence[RunResult],
    verifications: Sequence[Verification],
    to_beat: Yardstick | None = None,
    spare_tail: float = 0.0,
    data: DataFacts | None = None,
    left_out: LeftOut | None = None,
    repacked: bool = False,
) -> Verdict:
    """Answer every question on the evidence and say what the answers amount to.

    nproc: processes ordered for each seed. to_beat: what the job says every seed must beat; that is then required.
    spare_tail: share of the text that may be left out as a tail which fills no sequence.
    data: what was counted in the shards. left_out: what was run and does not count; None asks nothing of it.
    repacked: the artifacts were packed later, from kept weights: no training process has packed, scored or told of
    them, and the verdict is one of its own kind.
    The order of `results` and `verifications` does not matter. A required name that no question bears, or a
    question that found no seed to ask about, is unknown; a track that requires nothing verifies nothing.
    """
    case = Case(
        cap_bytes=cap_bytes,
        train_seconds=train_seconds,
        eval_seconds=eval_seconds,
        seeds=tuple(seeds),
        script_sha256=script_sha256,
        nproc=nproc,
        allowed_hardware=tuple(allowed_hardware),
        results=tuple(results),
        verifications=tuple(verifications),
        to_beat=to_beat,
        spare_tail=spare_tail,
        data=data,
        left_out=left_out,
    )
    asked = questions(case)
    required |= {question.name for question in asked if question.demanded}
    required -= OF_A_TRAINING if repacked else frozenset()
    checks = [check for question in asked for check in _ask(question, case, question.name in required)]
    answered = {check.name for check in checks}
    titles = {question.name: question.title for question in asked}
    checks += [_unanswered(name, titles) for name in sorted(required - answered)]
    open_checks = [check for check in checks if check.required and check.status != "pass"]
    open_checks.sort(key=lambda check: check.status != "fail")
    reasons = [reason(*group) for group in alike(open_checks)]
    if not required or not case.seeds:
        reasons.append("The track requires no check." if not required else "The job asks for no seed.")
    if repacked:
        return Verdict(status="repacked", checks=checks, reasons=reasons)
    if any(check.status == "fail" for check in open_checks):
        return Verdict(status="rejected", checks=checks, reasons=reasons)
    return Verdict(status="unverified" if reasons else "passed", checks=checks, reasons=reasons)


def alike(checks: Iterable[Check]) -> list[list[Check]]:
    """The same answer to the same question, of as many seeds as gave it; in the order of the first of each."""
    groups: dict[tuple[str, Status], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.name, check.status), []).append(check)
    return list(groups.values())


def reason(*group: Check) -> str:
    """One line for people: the question, the answer, both numbers; of several seeds what differs, in their order."""
    first = group[0]
    seeds = [check.seed for check in group if check.seed is not None]
    whose = f" for seed{'s' if len(seeds) > 1 else ''} {listed(seeds)}" if seeds else ""
    measured, limits, details = (
        list(dict.fromkeys(values))
        for values in (
            [check.measured for check in group],
            [check.limit for check in group],
            [check.detail for check in group if check.detail],
        )
    )
    detail = f" ({some(details)})" if details else ""
    answer = f"{ANSWER_WORDS[first.status].capitalize()}{whose}"
    return f"{first.title} {answer}: {some(measured, ', ')}; limit {some(limits, ', ')}{detail}"


def _ask(question: Question, case: Case, required: bool) -> Iterable[Check]:
    if question.overall is not None:
        yield _check(question, question.overall(case), required, None)
    if question.per_seed is not None:
        for evidence in case.evidence():
            yield _check(question, question.per_seed(case, evidence), required, evidence.seed)


def _check(question: Question, answer: Answer, required: bool, seed: int | None) -> Check:
    return Check(
        name=question.name,
        title=question.title,
        status=answer.status,
        required=required,
        seed=seed,
        measured=answer.measured,
        limit=answer.limit,
        detail=answer.detail,
        note=answer.note,
    )


def _unanswered(name: str, titles: Mapping[str, str]) -> Check:
    return Check(
        name=name,
        title=titles.get(name, f"Is {name} fulfilled?"),
        status="unknown",
        required=True,
        measured=NOT_MEASURED,
        limit="an answer",
        detail="there was no seed to ask about" if name in titles else "no such check exists",
    )
