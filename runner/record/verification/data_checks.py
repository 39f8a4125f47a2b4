"""`golf verify`, data and sizes: do counts of tokens, bytes and files fit one another, known texts, and logs?"""

from __future__ import annotations

from golf_model.config.export import ARTIFACT_NAME
from runner.data.known_texts import DOCUMENTS, known_text, text_by_hash
from runner.data.shards import is_validation_shard
from runner.data.tokenizer import OFFICIAL_TOKENIZERS
from runner.job.external_script import counted_bytes, uncounted_bytes
from runner.job.spec import JobSpec
from runner.plan.coverage import distinct, spans
from runner.record.answers import Findings
from runner.record.folder import Record
from runner.record.verification.seed_logs import Head
from runner.results.datasets import DataFacts
from runner.results.runs import RunResult
from runner.results.verdicts import Check, Verification

SHARD_HEAD = 1024
"""Bytes of a shard before its tokens, two bytes each."""
MOST_TOKEN_BYTES = 256
"""No token stands for more bytes of text."""
CUT_CHARACTERS = 6
"""Bytes by which decoding may differ, for a character that is cut off at either end of the shards."""


def data_check(record: Record, job: JobSpec | None) -> Check:
    """Do the facts about the data fit one another, the job, and what is known of their hashes?"""
    found, data = (
        Findings("data", "Facts of the data as all else says?", "known texts, job, counts"),
        record.data.data,
    )
    known_facts(found, data)
    if job is not None:
        named = job.data.path or job.data.corpus
        wanted = data.name if job.data.corpus is not None else getattr(named, "name", named)
        found.same("data.name", data.name, wanted, "the job")
        if job.data.tokenizer is not None:
            found.same("data.tokenizer", data.tokenizer, job.data.tokenizer.name, "the job")
        if job.script is None:
            found.same("data.vocab_size", data.vocab_size, job.config.model.vocab_size, "the job")
    inner_facts(found, data)
    for number, item in enumerate(record.data.verifications):
        counted(found, f"verifications.{number}", item, data, job)
    return found.check()


def known_facts(found: Findings, data: DataFacts) -> None:
    """What follows from the hashes of tokenizer and shards."""
    if data.tokenizer:
        digest = data.files.get(data.tokenizer, "")
        official = OFFICIAL_TOKENIZERS.get(digest)
        found.same("data.official_tokenizer", data.official_tokenizer, official, "the tokenizer's hash")
    shards = [digest for name, digest in data.files.items() if is_validation_shard(name)]
    text = text_by_hash(shards)
    if text is None:
        return
    by = f"what is known of {text.variant}"
    found.require(
        any(data.val_tokens in span for span in text.tokens), f"data.val_tokens is {data.val_tokens}, not {by}"
    )
    found.same("data.val_documents", data.val_documents, DOCUMENTS, by)
    if text.bytes is not None and known_text(data.files.get(data.tokenizer, "")) == text:
        found.same("data.val_bytes", data.val_bytes, text.bytes, by)


def inner_facts(found: Findings, data: DataFacts) -> None:
    """Counts of one data set that bound one another."""
    most = MOST_TOKEN_BYTES * data.val_tokens
    found.require(data.val_tokens > 0 and 0 < data.val_bytes <= most, "data.val_bytes does not fit data.val_tokens")
    found.require(data.train_tokens > 0, f"data.train_tokens is {data.train_tokens}")
    if data.recounted_bytes is not None:
        apart = abs(data.recounted_bytes - data.val_bytes)
        told = f"data.val_bytes is {data.val_bytes}, data.recounted_bytes {data.recounted_bytes}"
        found.require(apart <= CUT_CHARACTERS or text_of(data), told)
    if data.val_documents is not None:
        found.require(data.val_documents <= data.val_tokens, "data.val_documents: more than tokens")
    told = "data.restored_bytes: there is no sidecar that they could be held against"
    found.require(data.restored_bytes is None or data.sidecar_bytes is not None, told)
    overlap = data.overlap
    if overlap is None:
        return
    if data.val_documents is not None:
        near = abs(overlap.documents - data.val_documents) <= 1  # what comes before the first mark is one, too
        found.require(near, f"data.overlap.documents is {overlap.documents}, data.val_documents {data.val_documents}")
    fine = overlap.shared + overlap.shared_short <= overlap.documents and overlap.shared_tokens <= data.val_tokens
    fine = (
        fine
        and overlap.shared_passages <= overlap.passages
        and min(overlap.model_dump(exclude={"where"}).values()) >= 0
    )
    found.require(fine, "data.overlap: more is shared than there is")
    found.require(set(overlap.where) <= set(data.files), "data.overlap.where: none of the data's files")


def text_of(data: DataFacts) -> bool:
    """Whether decoding counts another text than the table: one that was rewritten."""
    text = known_text(data.files.get(data.tokenizer, ""))
    return text is not None and text.bytes is None


def counted(found: Findings, where: str, item: Verification, data: DataFacts, job: JobSpec | None) -> None:
    """What the referee counted for a seed, against the same facts and the job's rule."""
    targets = data.val_tokens - 1
    if item.text_tokens is not None:
        found.same(f"{where}.text_tokens", item.text_tokens, targets, "data.val_tokens")
    if job is None or job.script is not None:
        if item.ratio is not None:
            found.same(f"{where}.ratio.tokens", item.ratio.tokens, targets, "data.val_tokens")
        return
    length, rule = job.config.batch.train_seq_len, job.config.eval
    whole = targets // length * length
    found.same(f"{where}.val_tokens", item.val_tokens, whole, "data.val_tokens and the job")
    found.same(f"{where}.final_rule", item.final_rule, rule.rule, "the job")
    scored = targets if rule.rule in ("sliding", "streaming") or rule.keep_tail else whole
    if scored >= rule.window_length(length):
        parts = spans(rule.rule, scored, rule.window_length(length), rule.stride)
        found.same(f"{where}.final_tokens", item.final_tokens, sum(b - a for a, b in parts), "the job's rule")
        if item.left_out is not None:
            found.same(f"{where}.left_out", item.left_out, targets - distinct(parts), "the job's rule")
    if item.final_tokens is not None:
        found.same(f"{where}.by_sidecar", item.by_sidecar, rule.byte_sidecar, "the job")
    there, name = (data.sidecar_bytes, "sidecar_bytes") if rule.byte_sidecar else (data.val_bytes, "val_bytes")
    if item.val_bytes is not None and there is not None:
        tail = there - item.val_bytes
        more = f"data.{name} {there}, of {targets - whole} tokens more"
        told = f"{where}.val_bytes is {item.val_bytes}, {more}"
        found.require(0 <= tail <= MOST_TOKEN_BYTES * (targets - whole + 1), told)
    if (item.final_tokens, item.final_rule) == (item.val_tokens, "plain"):
        found.same(f"{where}.final_bytes", item.final_bytes, item.val_bytes, "the plain score's")


def logged_data(found: Findings, where: str, head: Head, data: DataFacts, result: RunResult) -> None:
    """What the first lines of a log say of shards, tokenizer and targets."""
    log = f"the log of seed {result.seed}"
    for files in head.files.values():
        for name, (_, digest) in files.items():
            found.same(f"data.files.{name}", data.files.get(name), digest, log)
    shards = head.files.get("val", {})
    if shards:
        tokens = sum((size - SHARD_HEAD) // 2 for size, _ in shards.values())
        found.same("data.val_tokens", data.val_tokens, tokens, f"sizes of shards in {log}")
        names = sorted(name for name in data.files if is_validation_shard(name))
        found.same("data.files", names, sorted(shards), log)
    for count in head.train_shards:
        ours = [name for name in data.files if name.startswith("fineweb_train")]
        found.same("data.files, training shards", len(ours), count, log)
    for score in (result.train_score, result.eval_score):
        if score is not None and score.tokens is not None and head.scored:
            fine = score.tokens in head.scored
            found.require(
                fine, f"{where}: a score covers {score.tokens} tokens, {log} loads {sorted(head.scored)[0]}"
            )


def sizes_check(record: Record) -> Check:
    """Are sizes and hashes of script and artifact the same wherever they stand?"""
    found, data = Findings("sizes", "Sizes and hashes the same everywhere?", "script, counts, logs"), record.data
    counts = {item.seed: (number, item) for number, item in enumerate(data.verifications)}
    code, beside = counted_bytes(record.script, record.files), uncounted_bytes(record.files)
    seeds = [item.seed for item in data.verifications]
    found.same("verifications, their seeds", seeds, [result.seed for result in data.results], "results")
    ours = not data.job.get("script")
    for number, result in enumerate(data.results):
        where = f"results.{number}"
        found.same(f"{where}.code_bytes", result.code_bytes, code, "the script")
        found.same(f"{where}.job", result.job, data.name, "the record's name")
        found.require(
            (result.status == "completed") == (not result.reason), f"{where}.reason does not fit its status"
        )
        if result.status == "completed":
            told = f"{where}: it completed, and a process of it failed"
            codes = [phase.returncode for phase in (result.train, result.eval) if phase is not None]
            found.require(not any(codes) and result.failure is None, told)
            if ours and data.repacked is None:
                whole = (
                    len(codes) == 2 and None not in codes and result.artifact is not None and result.host is not None
                )
                told = f"{where}: it completed, and of training, evaluation, artifact and host something is not told"
                found.require(whole, told)
        place, item = counts.get(result.seed, (0, None))
        if item is not None:
            found.same(f"verifications.{place}.data_bytes", item.data_bytes, beside, "the files beside the script")
            counted_code = code + item.variable_bytes + item.tokenizer_bytes
            found.same(f"verifications.{place}.code_bytes", item.code_bytes, counted_code, "its parts")
        artifact = result.artifact
        if artifact is not None and ours:
            found.same(f"{where}.artifact.file", artifact.file, ARTIFACT_NAME, "golf's own script")
        if artifact is None or item is None:
            continue
        if item.artifact_bytes is not None:
            found.same(f"{where}.artifact.bytes", artifact.bytes, item.artifact_bytes, "the referee's count")
            found.same(f"{where}.artifact.sha256", artifact.sha256, item.artifact_sha256, "the referee's count")
        if ours and result.log.model_bytes is not None:
            found.same(f"{where}.artifact.bytes", artifact.bytes, result.log.model_bytes, "its log")
        if ours and result.log.total_bytes is not None and result.log.code_bytes is not None:
            found.same(
                f"{where}.log.total_bytes", result.log.total_bytes, artifact.bytes + code, "script and artifact"
            )
    return found.check()
