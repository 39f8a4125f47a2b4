"""`golf verify`, logs: do the results say what the seeds' logs say, line for line?

Each log is read again by the reader that read it while it grew, and what comes out is held against the results.
"""

from __future__ import annotations

from collections.abc import Iterator

from runner.job.spec import JobSpec
from runner.logs.log_facts import MOST_NAME
from runner.logs.loss_curves import curve
from runner.logs.telling import MOST_LINES
from runner.logs.two_logs import counterpart, facts_of_both, last_score
from runner.printable import printable
from runner.record.answers import Findings, answer, is_pass
from runner.record.folder import Record
from runner.record.verification.data_checks import logged_data
from runner.record.verification.seed_logs import Head, SeedLog, log_place, noted_logs, read_seed_log
from runner.results.frozen import Status
from runner.results.nodes import Host
from runner.results.phases import Score
from runner.results.runs import Curve, RunResult
from runner.results.verdicts import Check

LOG = "its log"
TIMES = ("val_bpb", "seconds", "val_seconds")
"""Of a curve, that older records do not hold."""


def log_checks(record: Record, job: JobSpec | None) -> Iterator[Check]:
    """Every answer about logs. job: the record's; None where it cannot be read, and then no line of theirs can be."""
    evidence = Findings("log_files", "Logs as their results vouch?", "sizes and hashes in the results")
    evidence.nothing = "an older golf noted no hash of a log"
    facts = Findings("log_facts", "Facts as the logs say?", "what the log of each seed says")
    head = Findings("log_head", "Run by this script, with these data?", "first lines of each log")
    head.nothing = "no log has such lines"
    curves = Findings("curves", "Curves as the logs draw them?", "losses in the log of each seed")
    outputs = job.outputs if job is not None and job.script is not None else None
    theirs = bool(record.data.job.get("script"))
    stored = {one.seed: one for one in record.data.curves}
    curves.require(len(stored) == len(record.data.curves), "curves: a seed has two")
    for number, result in enumerate(record.data.results):
        place, where = log_place(record.folder, result.seed), f"results.{number}"
        if theirs and outputs is None:
            if result.final_score is not None:
                yield score_answer(result, "unknown", "the job cannot be read")
            continue
        log = read_seed_log(place, result, outputs)
        if log is None:
            if result.final_score is not None:
                yield score_answer(result, "unknown", "no log")
            evidence.require(not noted_logs(result), f"{place.name} is not there, and the result vouches for it")
            curves.require(result.seed not in stored, f"curves: one of seed {result.seed}, which has no log")
            continue
        own = None if outputs is None else outputs.pattern("step")
        if log.parts:
            evidence.same(f"{place.name}", log.parts, noted_logs(result), "the result")
            evidence.require(
                log.rest == 0, f"{place.name} goes on for {log.rest:,} bytes after what the result notes"
            )
        if not log.whole:
            told = f"{place.name} tells something on more than {MOST_LINES:,} lines; no more are looked at"
            if result.final_score is not None:
                yield score_answer(result, "unknown", told)
            for one in (facts, curves, *(() if theirs else (head,))):
                one.unread.append(told)
            continue
        in_training = outputs is not None and not outputs.eval_env
        scored = last_score((log.train if in_training else log.fresh).final_scores)
        if result.final_score is not None or scored is not None:
            yield published_answer(result, scored)
        log_facts(facts, where, log, result, theirs=theirs, alone=not in_training)
        if not theirs:
            rounded_scores(facts, where, log.head, result)
            head_lines(head, record, where, log.head, result)
        ours, drawn = stored.get(result.seed), curve(result.seed, [place], own)
        curves.same(f"curves of seed {result.seed}", ours, as_far_as_told(ours, drawn), LOG)
    strangers = sorted(set(stored) - {result.seed for result in record.data.results})
    curves.require(not strangers, f"curves: of seeds {strangers} there is no result")
    yield from (one.check() for one in (evidence, facts, *(() if theirs else (head,)), curves))


def as_far_as_told(stored: Curve | None, drawn: Curve | None) -> Curve | None:
    """A curve without what an older golf did not note."""
    if stored is None or drawn is None:
        return drawn
    return drawn.model_copy(update={name: [] for name in TIMES if name not in stored.model_fields_set})


def score_answer(result: RunResult, status: Status, told: str) -> Check:
    """Whether a seed's log says its published score."""
    published = "no score" if result.final_score is None else f"{result.final_score.val_bpb!r} bpb"
    return answer("log", "The log says the published score?", status, told, published, result.seed)


def published_answer(result: RunResult, found: Score | None) -> Check:
    """The same of a log that was read. found: the last score in it."""
    published = result.final_score
    if found is None or published is None:
        told = "no line with a score" if found is None else f"{found.val_bpb!r} bpb, and the result has none"
        return score_answer(result, "fail", told)
    found = as_kept(found, published)
    same = found == published or repr(found) == repr(published)  # a NaN is no other NaN's equal
    return score_answer(result, is_pass(same), f"{found.val_bpb!r} bpb")


def as_kept(found: Score, stored: Score) -> Score:
    """A score as a record of before digits and counts were kept would hold it."""
    if not found.printed_bpb or stored.printed_bpb:
        return found
    kept = ("tokens", "bytes", "printed_loss", "printed_bpb")
    return found.model_copy(update={name: getattr(stored, name) for name in kept})


def log_facts(facts: Findings, where: str, log: SeedLog, result: RunResult, *, theirs: bool, alone: bool) -> None:
    """What the result says of its log, its scores and its device, held against the log. alone: scored by a process
    that only does that."""
    parts = bool(log.parts)
    sure = parts or not theirs  # without the parts, whose line it is cannot be told in somebody else's log
    elsewhere = result.training is not None
    found = facts_of_both(log.train.log_facts(), log.fresh.log_facts(), elsewhere=elsewhere)
    fields = ("lengths", "strides") if not parts else ()
    facts.same(
        f"{where}.log",
        result.log.model_dump(exclude=set(fields), mode="json"),
        found.model_dump(exclude=set(fields), mode="json"),
        LOG,
        sure=sure,
    )
    if parts:
        last, published = last_score(log.train.scores), last_score(log.fresh.final_scores)
        wanted = counterpart(log.train.by_rule, last, published)
        facts.same(f"{where}.train_score", result.train_score, wanted, LOG)
    if alone or parts:
        fresh = last_score(log.fresh.scores)
        stored = result.eval_score
        if stored is not None and fresh is not None:
            fresh = as_kept(fresh, stored)
        facts.same(f"{where}.eval_score", stored, fresh, LOG, sure=sure)
    if result.host is not None:
        by = log.fresh.facts if result.training is not None else {**log.fresh.facts, **log.train.facts}
        host_lines(facts, f"{where}.host", result.host, by)
    if result.training is not None:
        host_lines(facts, f"{where}.training.host", result.training.host, log.train.facts)


def host_lines(facts: Findings, where: str, host: Host, told: dict[str, object]) -> None:
    """Device and CUDA of a host, where the script's lines name them."""
    if told.get("device"):
        facts.same(f"{where}.device", host.device[:MOST_NAME], printable(str(told["device"])), LOG)
    if told.get("cuda"):
        facts.same(f"{where}.versions.cuda", host.versions.get("cuda"), printable(str(told["cuda"])), LOG)


def rounded_scores(facts: Findings, where: str, head: Head, result: RunResult) -> None:
    """The scores that our script prints in fewer digits as well: the plain one must be that of one of the two
    processes, the one by the job's rule the published one."""
    plain = [score for score in (result.train_score, result.eval_score) if score is not None]
    by_rule = [] if result.final_score is None else [result.final_score]
    for label, loss, bpb in head.rounded:
        roundtrip = label.removesuffix("_exact").endswith("_roundtrip")
        scores, name = (plain, "eval_score") if roundtrip else (by_rule, "final_score")
        if scores:
            fine = any(rounds_to(score.val_loss, loss) and rounds_to(score.val_bpb, bpb) for score in scores)
            facts.require(fine, f"{where}.{name} is {scores[-1].val_bpb:.6f} bpb, its log also prints {bpb}")


def rounds_to(value: float, printed: str) -> bool:
    """Whether a number is what was printed, in its digits."""
    digits = len(printed.partition(".")[2])
    try:
        apart = abs(value - float(printed))
    except (ValueError, OverflowError):
        return False
    return apart <= 0.51 * 10.0**-digits or (value != value and float(printed) != float(printed))


def head_lines(found: Findings, record: Record, where: str, head: Head, result: RunResult) -> None:
    """The lines with which our script proves what ran on what."""
    data = record.data
    for digest, size in sorted(head.scripts):
        found.same(f"{where}.script_sha256", result.script_sha256, digest, LOG)
        found.same(f"{where}.code_bytes", result.code_bytes, size, LOG)
    hosts = [host for host in (result.host, result.training.host if result.training else None) if host is not None]
    versions = [dict(zip(("python", "torch", "numpy"), told, strict=True)) for told in sorted(head.versions)]
    for host in hosts:
        for name in ("python", "torch", "numpy"):
            if versions and name in host.versions:
                told = sorted({one[name] for one in versions})
                fine = host.versions[name] in told
                found.require(fine, f"{where}.host.versions.{name} is {host.versions[name]}, by its log {told[0]}")
    for config in head.configs:
        found.same("job.config", data.job.get("config"), config, f"the log of seed {result.seed}")
    logged_data(found, where, head, data.data, result)
