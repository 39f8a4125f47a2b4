"""The referee's questions: one function each, evidence in, pass, fail or unknown out.

Here are seeds, script, bytes and hashes, and the list of all questions; clocks stand in runner.judge.clock_checks,
scores in runner.judge.score_checks, machines in runner.judge.machine_checks, the text that is scored in
runner.judge.text_checks. Pure, no I/O. What was not seen is unknown, never pass.
Not here: which questions a track requires and what the answers amount to (runner.judge.judge).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.judge.clock_checks import data_after_freeze, eval_clock, eval_isolated, log_clock, train_clock
from runner.judge.evidence import NOT_MEASURED, Answer, Case, Evidence, status_of
from runner.judge.machine_checks import hardware, one_environment
from runner.judge.score_checks import beats_yardstick, bpb_arithmetic, no_nan, process_agreement
from runner.judge.text_checks import counted_bytes, text_kept_back, validation_text
from runner.listing import listed, some
from runner.results.runs import RunResult

TELLING_DIGITS = 7
"""Of a printed loss, after its point: with fewer, two runs may well have the same."""


def seeds_complete(case: Case) -> Answer:
    """Exactly the seeds asked for, each completed, none twice."""
    ran = Counter(result.seed for result in case.results)
    asked = Counter(case.seeds)
    ordered = [of.seed for of in case.evidence()]
    done = {result.seed for result in case.results if result.status == "completed"}
    measured = "completed " + (listed(seed for seed in ordered if seed in done) or "none")
    limit = "exactly " + (listed(case.seeds) or "none")
    if not case.seeds:
        return Answer("fail" if ran else "unknown", measured, limit, "no seed was asked for")
    found = [
        (result.seed, result.status + (f": {first_line(result.reason)}" if result.reason.strip() else ""))
        for result in sorted(case.results, key=lambda result: (result.seed, result.status, result.reason))
        if result.status != "completed"
    ]
    found += [(seed, "never ran") for seed in asked if seed not in ran]
    found += [(seed, "ran unasked") for seed in sorted(ran.keys() - asked.keys())]
    found += [(seed, f"ran {times} times") for seed, times in sorted(ran.items()) if times > 1]
    found += [(seed, "asked for twice") for seed, times in sorted(asked.items()) if times > 1]
    together: dict[str, list[int]] = {}
    for seed, words in found:
        together.setdefault(words, []).append(seed)
    problems = [f"seed{'s' if len(same) > 1 else ''} {listed(same)} {words}" for words, same in together.items()]
    return Answer(status_of(not problems), measured, limit, some(problems))


def first_line(reason: str) -> str:
    """The start of a run's reason: its first line that says something, cut to a line's length."""
    return reason.strip().splitlines()[0].strip()[:160]


def one_script(case: Case) -> Answer:
    """Every seed ran, and every count was made on, the bytes with the job's hash."""
    ran = [(item.seed, item.script_sha256) for item in case.results]
    counted = [(item.seed, item.script_sha256) for item in case.verifications]
    hashes = sorted({sha256 for _, sha256 in [*ran, *counted]})
    measured = ", ".join(sha256[:12] for sha256 in hashes) or NOT_MEASURED
    limit = case.script_sha256[:12]
    other = sorted({seed for seed, sha256 in [*ran, *counted] if sha256 != case.script_sha256})
    if other:
        return Answer("fail", measured, limit, "another script in seed " + listed(other))
    seen = {seed for seed, _ in ran} & {seed for seed, _ in counted}
    unseen = [seed for seed in dict.fromkeys(case.seeds) if seed not in seen]
    if unseen or not case.seeds:
        return Answer("unknown", measured, limit, f"not seen for seed {listed(unseen)}" if unseen else "no seed")
    return Answer("pass", measured, limit)


def distinct_seeds(case: Case) -> Answer:
    """Each seed ran as its own seed on as many processes as ordered, and no two froze the same weights.

    Weights are the same where all but padding and compression is; equal scores to many digits make it unknown.
    """
    limit = "one each"
    weights = {(item.seed, sha256) for item in case.verifications if (sha256 := item.artifact_sha256) is not None} | {
        (result.seed, result.artifact.sha256) for result in case.results if result.artifact is not None
    }
    frozen: dict[str, set[int]] = {}
    for seed, sha256 in weights:
        frozen.setdefault(sha256, set()).add(seed)
    different = len(frozen)
    measured = f"{different} different artifacts" if different > 1 else "1 artifact" if weights else NOT_MEASURED
    problems = []
    for _, same in sorted(frozen.items()):
        if len(same) > 1:
            problems.append(f"seeds {listed(sorted(same))} froze the same artifact")
    alike: dict[str, set[int]] = {}
    for item in case.verifications:
        if item.weights_sha256 is not None:
            alike.setdefault(item.weights_sha256, set()).add(item.seed)
    for _, same in sorted(alike.items()):
        if len(same) > 1 and not any(same <= seeds for seeds in frozen.values()):
            problems.append(f"seeds {listed(sorted(same))} froze the same weights: only padding or packing differs")
    for result in sorted(case.results, key=lambda result: result.seed):
        log = result.log
        if log.seed is not None and log.seed != result.seed:
            problems.append(f"seed {result.seed} says that it ran as seed {log.seed}")
        if log.world_size is not None and log.world_size != case.nproc:
            problems.append(f"seed {result.seed} says that its processes number {log.world_size}, not {case.nproc}")
    if problems:
        return Answer("fail", measured, limit, some(list(dict.fromkeys(problems))))
    missing = set(case.seeds) - ({result.seed for result in case.results} & {seed for seed, _ in weights})
    if missing or not case.seeds:
        unseen = listed(sorted(missing))
        return Answer("unknown", measured, limit, f"not seen for seed {unseen}" if unseen else "no seed")
    equal = equal_scores(case.results)
    if equal:
        told = f"seeds {listed(equal)} have one score to all its digits: whether their weights differ is not known"
        return Answer("unknown", measured, limit, told)
    silent = sorted(result.seed for result in case.results if result.log.seed is None)
    if silent:
        one = silent[0]
        help_ = f"print seed:{one} on a line of its own, or name the line that tells it in outputs.seed"
        return Answer("unknown", measured, limit, f"the log of seed {listed(silent)} does not tell its seed: {help_}")
    return Answer("pass", measured, limit)


def equal_scores(results: Sequence[RunResult]) -> list[int]:
    """Seeds whose published scores are the same in so many digits that two runs would hardly have them."""
    found: dict[tuple[str, float, float], set[int]] = {}
    for result in results:
        score = result.final_score
        if score is None or not math.isfinite(score.val_loss):
            continue
        printed = score.printed_loss or repr(score.val_loss)
        digits = len(printed.lower().partition("e")[0].partition(".")[2])
        if digits >= TELLING_DIGITS:
            found.setdefault((score.rule, score.val_loss, score.val_bpb), set()).add(result.seed)
    return sorted(seed for seeds in found.values() if len(seeds) > 1 for seed in seeds)


def bytes_total(case: Case, of: Evidence) -> Answer:
    """Script and artifact together, as the referee counted them on disk."""
    limit = f"{case.cap_bytes:,} B"
    if of.verification is None:
        return Answer("unknown", NOT_MEASURED, limit)
    code, artifact = of.verification.code_bytes, of.verification.artifact_bytes
    if artifact is None:
        too_much = code > case.cap_bytes
        return Answer("fail" if too_much else "unknown", f"script alone {code:,} B", limit, "no artifact")
    counted, total = of.verification, code + artifact
    within = {"the job's variables": counted.variable_bytes, "a tokenizer of its own": counted.tokenizer_bytes}
    parts = [f"{size:,} B of {what}" for what, size in within.items() if size]
    detail = f"script {code:,} B{f' ({some(parts)} among them)' if parts else ''} + artifact {artifact:,} B"
    if counted.data_bytes:
        detail += f"; {counted.data_bytes:,} B of data files beside the script are not counted"
    if total <= case.cap_bytes < total + counted.data_bytes:
        return Answer("unknown", f"{total:,} B", limit, f"{detail}, and whether weights are in them is not known")
    if total <= case.cap_bytes < total + counted.data_bytes + counted.carried_bytes:
        detail += f"; {counted.carried_bytes:,} B of a tokenizer or sidecars that nobody knows are not counted"
        return Answer("unknown", f"{total:,} B", limit, f"{detail}, and whether weights are in them is not known")
    return Answer(status_of(total <= case.cap_bytes), f"{total:,} B", limit, detail)


def artifact_hash(case: Case, of: Evidence) -> Answer:
    """The file that was counted is the file that was frozen, and so the one that the fresh process scored."""
    frozen, counted = of.result.artifact if of.result else None, of.verification
    limit = "as frozen"
    if counted is None or counted.artifact_sha256 is None or counted.artifact_bytes is None:
        return Answer("unknown", NOT_MEASURED, limit)
    measured = counted.artifact_sha256[:10]
    if frozen is None:
        return Answer("unknown", measured, limit, "no artifact was frozen")
    if (counted.artifact_sha256, counted.artifact_bytes) == (frozen.sha256, frozen.bytes):
        return Answer("pass", measured, limit)
    return Answer(
        "fail",
        measured,
        limit,
        f"frozen was {frozen.sha256[:10]}, {frozen.bytes:,} B; on disk are {counted.artifact_bytes:,} B",
    )


def none_left_out(case: Case) -> Answer:
    """Every attempt that was started is in the ledger, and none that completed gave way to another."""
    limit = "none"
    found = case.left_out
    if found is None:
        return Answer("unknown", NOT_MEASURED, limit)
    note = f"The same script also ran as {some(found.same_script, ', ')}; other figures of it stand there."
    note = note if found.same_script else ""
    if found.unledgered:
        told = f"{some(found.unledgered, ', ')} on disk and not in the ledger"
        return Answer("fail", told, limit, "the ledger was emptied or is another's", note)
    why = "whether it was lost or thrown away nobody can tell"
    if found.replaced:
        told = f"{some(found.replaced, ', ')} completed, and does not count"
        return Answer("unknown", told, limit, f"its result is gone or was changed, and {why}", note)
    if found.elsewhere:
        return Answer(
            "unknown", f"the same run as {some(found.elsewhere, ', ')}", limit, "which of them counts?", note
        )
    return Answer("pass", "none", limit, "", note)


@dataclass(frozen=True)
class Question:
    """A stable name, the question for people (yes means pass), and who answers it: per seed or over all."""

    name: str
    title: str
    per_seed: Callable[[Case, Evidence], Answer] | None = None
    overall: Callable[[Case], Answer] | None = None
    demanded: bool = False
    """Asked because the job demands it; then it is required whatever the track says."""


QUESTIONS: tuple[Question, ...] = (
    Question("seeds_complete", "All seeds asked for, each once?", overall=seeds_complete),
    Question("one_script", "The same script in every seed?", overall=one_script),
    Question("distinct_seeds", "A different run for every seed?", overall=distinct_seeds),
    Question("hardware", "On the track's hardware?", overall=hardware),
    Question("one_environment", "The same environment?", overall=one_environment),
    Question("validation_text", "The challenge's validation text?", overall=validation_text),
    Question("text_kept_back", "Text kept out of training?", overall=text_kept_back),
    Question("bytes_total", "Script and artifact under the cap?", per_seed=bytes_total),
    Question("train_clock", "Training in time?", per_seed=train_clock),
    Question("eval_clock", "Evaluation in time?", per_seed=eval_clock),
    Question("artifact_hash", "Artifact unchanged since frozen?", per_seed=artifact_hash),
    Question("process_agreement", "The same score in a fresh process?", per_seed=process_agreement),
    Question("bpb_arithmetic", "Score covers the text, adds up?", per_seed=bpb_arithmetic),
    Question("counted_bytes", "Its bytes counted right?", per_seed=counted_bytes),
    Question("no_nan", "All losses finite?", per_seed=no_nan),
    Question("data_after_freeze", "Data last read before the freeze?", per_seed=data_after_freeze),
    Question("eval_isolated", "Evaluation cut off?", per_seed=eval_isolated),
    Question("log_clock", "Log and referee agree on the time?", per_seed=log_clock),
)
"""What is always asked."""
CHECK_NAMES = frozenset(question.name for question in QUESTIONS)


def questions(case: Case) -> tuple[Question, ...]:
    """All that is asked of a case: QUESTIONS, whether a yardstick is beaten where the job names one, and whether
    anything was left out where somebody looked."""
    asked = QUESTIONS
    if case.left_out is not None:
        asked = (*asked, Question("none_left_out", "No attempt left out?", overall=none_left_out, demanded=True))
    if case.to_beat is not None:
        title = f"Better than the {case.to_beat.name} model?"
        asked = (*asked, Question("beats_yardstick", title, per_seed=beats_yardstick, demanded=True))
    return asked
