"""Which text a job's data are, for people: the passport of a data set, and what it means for a verdict beforehand."""

from __future__ import annotations

from runner.data.shards import SIDECAR
from runner.job.tracks import TRACKS
from runner.judge.checks import QUESTIONS
from runner.judge.evidence import Answer
from runner.judge.first_score import TITLE, expected_answer, is_asked
from runner.judge.judge import ANSWER_WORDS
from runner.judge.text_checks import kept_back_answer, text_answer
from runner.results.datasets import DataFacts


def text_answers(facts: DataFacts) -> dict[str, tuple[str, Answer]]:
    """Check -> its question and what is known before anything ran."""
    titles = {question.name: question.title for question in QUESTIONS}
    answers = {"validation_text": text_answer(facts), "text_kept_back": kept_back_answer(facts)}
    return {name: (titles[name], answer) for name, answer in answers.items()}


def text_notes(facts: DataFacts, track: str) -> list[str]:
    """What the text means for a verdict by the rules of `track`; nothing where all is well."""
    return [
        f"{_said(title, answer)}; a run here ends {'rejected' if answer.status == 'fail' else 'unverified'}"
        for name, (title, answer) in text_answers(facts).items()
        if name in TRACKS[track].required and answer.status != "pass"
    ]


def first_score_notes(facts: DataFacts) -> list[str]:
    """What a model that has learned nothing will score on data that are to be sp8192's; nothing of any other."""
    return [_said(TITLE, expected_answer(facts))] if is_asked(facts) else []


def passport(facts: DataFacts) -> list[str]:
    """Whose text it is, how much of it the training shards hold as far as anybody looked, and what lies beside it."""
    lines = [_said(title, answer) for title, answer in text_answers(facts).values()]
    if facts.overlap is None:
        lines[-1] += " (golf data info --overlap looks)"
    lines += first_score_notes(facts)
    sidecars = [name for name in facts.files if name.startswith(SIDECAR)]
    if sidecars:
        fits = (
            "one number for each validation token" if facts.sidecar_bytes is not None else "does not fit the shards"
        )
        total = "" if facts.sidecar_bytes is None else f", {facts.sidecar_bytes:,} bytes in all"
        lines.append(f"Beside the shards, for scripts that ask for it: {', '.join(sidecars)} ({fits}{total})")
    return lines


def _said(title: str, answer: Answer) -> str:
    detail = f" ({answer.detail})" if answer.detail else ""
    return f"{title} {ANSWER_WORDS[answer.status].capitalize()}: {answer.measured}{detail}"
