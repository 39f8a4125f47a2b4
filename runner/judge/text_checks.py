"""Questions about the text that is scored: is it the challenge's, are its bytes counted right, was it kept back?

All three rest on what the referee counted in the shards when they were opened (`DataFacts`); nothing that a script
prints says which text it read. What is known of the text stands in runner.data.known_texts, how overlap is found in
runner.data.overlap. Pure, no I/O.

One page may stand in a web corpus twice, crawled years apart, and the challenge's own split was never cleared of such
pairs. So of its text one token in a hundred may stand in training shards, too (how many do could not be measured: the
real shards were not at hand). Of any other text, which its owner can clear, no document may.
"""

from __future__ import annotations

import math
from dataclasses import replace

from runner.data.known_texts import DOCUMENTS, TEXT_BYTES, KnownText, known_text, text_by_hash
from runner.data.shards import is_validation_shard
from runner.judge.evidence import NOT_MEASURED, Answer, Case, Evidence, beside, status_of
from runner.results.datasets import DataFacts, Overlap
from runner.results.frozen import Status

NEAR = 1e-3
"""Bytes per token of a score and of the text it covers, relatively: the tail that fills no sequence is less, and any
mistake in counting (a space counted twice is 17 %) is more."""
CUT_CHARACTERS = 6
"""Bytes by which decoding may differ, for a character that is cut off at either end of the shards."""
COMMON_SHARE = 0.01
"""Share of the challenge's own text that may stand in training shards."""
MOST_SHARE = 0.1
"""Share of any text in documents of any length, or of its passages, that may."""


def challenge_text(facts: DataFacts) -> KnownText | None:
    """Which of the challenge's validation sets the shards hold, by hash or by what was counted; None where none."""
    by_hash = text_by_hash(_validation_hashes(facts))
    if by_hash is not None:
        return by_hash
    known = known_text(facts.files.get(facts.tokenizer, ""))
    return known if known is not None and not _differences(facts, known) else None


def validation_text(case: Case) -> Answer:
    """The validation shards hold the challenge's text, all of it and nothing else."""
    return _of_a_run(case, text_answer(case.data))


def _of_a_run(case: Case, answer: Answer) -> Answer:
    """What is known of the data says nothing of a job of which nothing ran."""
    return answer if case.results else replace(answer, status="unknown", detail="no seed ran")


def text_answer(facts: DataFacts | None) -> Answer:
    """The answer on what was counted of a data set; None where nobody counted."""
    limit = f"{TEXT_BYTES:,} B"
    if facts is None:
        return Answer("unknown", NOT_MEASURED, limit)
    measured = f"{facts.name}: {facts.val_tokens:,} tokens, {facts.val_bytes:,} B"
    by_hash = text_by_hash(_validation_hashes(facts))
    if by_hash is not None:
        return Answer("pass", measured, limit, f"{by_hash.variant}, by the hash of its shards")
    known = known_text(facts.files.get(facts.tokenizer, ""))
    if known is None:
        return Answer("unknown", measured, limit, "of the text under this tokenizer nothing is known")
    wrong = _differences(facts, known)
    if not wrong:
        return Answer("pass", measured, limit, f"{known.variant}, by tokenizer, tokens, documents and bytes")
    if list(wrong) == ["tokens"] and known.bytes is not None:
        return Answer("unknown", measured, limit, f"its bytes, and yet {wrong['tokens']}")
    return Answer("fail", measured, limit, f"a cut or another text: {'; '.join(wrong.values())}")


def _validation_hashes(facts: DataFacts) -> list[str]:
    return [digest for name, digest in facts.files.items() if is_validation_shard(name)]


def _differences(facts: DataFacts, known: KnownText) -> dict[str, str]:
    """In what a data set differs from a known text under its tokenizer, each said in a few words."""
    wrong = {}
    if not any(facts.val_tokens in tokens for tokens in known.tokens):
        spans = [f"{span[0]:,}" if len(span) == 1 else f"{span[0]:,} to {span[-1]:,}" for span in known.tokens]
        wrong["tokens"] = f"{facts.val_tokens:,} tokens, {known.variant} has {' or '.join(spans)}"
    if facts.val_documents != DOCUMENTS:
        counted = "not counted" if facts.val_documents is None else f"{facts.val_documents:,}"
        wrong["documents"] = f"{counted} documents, the text has {DOCUMENTS:,}"
    if known.bytes is not None and facts.val_bytes != known.bytes:
        wrong["bytes"] = f"{facts.val_bytes:,} bytes, the text has {known.bytes:,}"
    return wrong


def counted_bytes(case: Case, of: Evidence) -> Answer:
    """The bytes that a score divides by are those of the text, by a second count: a known total, or decoding.

    Asked of any script: of one that does not print its counts, loss and bpb tell how many bytes it took a token for.
    """
    facts = case.data
    limit = "as counted a second way"
    if facts is None:
        return Answer("unknown", NOT_MEASURED, limit)
    known = challenge_text(facts)
    if known is None and of.verification is not None and of.verification.by_sidecar:
        return _restored(facts)
    total, how, apart_at_most = _second_count(facts, known)
    table = f"{facts.val_bytes:,} B"
    if total is None:
        return Answer("unknown", table, limit, "not decoded; golf data info --recount does it")
    # Of a text that was rewritten, the table counts the rewritten one.
    if (known is None or known.bytes is not None) and abs(facts.val_bytes - total) > apart_at_most:
        return Answer("fail", table, f"{total:,} B {how}", "the tokenizer's table counts otherwise")
    final = of.result.final_score if of.result else None
    if final is None or not (0 < final.val_loss < math.inf and 0 < final.val_bpb < math.inf):
        return Answer("unknown", NOT_MEASURED, f"{total:,} B {how}", "no final score")
    if known is None and of.verification is not None and of.verification.val_bytes is not None:
        return Answer("pass", table, f"{total:,} B {how}")
    ratio, wanted = final.val_loss / math.log(2) / final.val_bpb, total / (facts.val_tokens - 1)
    apart = abs(ratio / wanted - 1)
    near = f"{wanted:.4f} B/token ± {100 * NEAR:g} %"
    detail = f"by loss and bpb, {beside(100 * apart, 100 * NEAR)} % apart; the text has {total:,} B {how}"
    # Of a short text, a tail that fills no sequence may be more than that.
    status: Status = "unknown" if apart > NEAR and known is None else status_of(apart <= NEAR)
    return Answer(status, f"{ratio:.4f} B/token", near, detail)


def _restored(facts: DataFacts) -> Answer:
    """The answer on what sidecars tell of a rewritten text that nobody published."""
    told = NOT_MEASURED if facts.sidecar_bytes is None else f"{facts.sidecar_bytes:,} B"
    limit = "what the tokens make of each"
    if facts.sidecar_bytes is None or facts.restored_bytes is None:
        return Answer(
            "unknown", told, limit, "sidecars not held against the tokens; golf data info --recount does it"
        )
    if facts.restored_bytes != facts.sidecar_bytes:
        return Answer("fail", told, limit, "a sidecar tells other bytes of some token")
    return Answer("pass", told, limit, "bytes of the original, by the sidecars and by the tokens")


def _second_count(facts: DataFacts, known: KnownText | None) -> tuple[int | None, str, int]:
    """(bytes of the whole text by another count than the table's, which count, how far apart the two may be)."""
    if known is None:
        return facts.recounted_bytes, "by decoding", CUT_CHARACTERS
    return TEXT_BYTES, "as published", 0


def text_kept_back(case: Case) -> Answer:
    """Training shards hold no document of the validation text."""
    return _of_a_run(case, kept_back_answer(case.data))


def kept_back_answer(facts: DataFacts | None) -> Answer:
    """The answer on what was found in a data set; None where nobody looked."""
    overlap = facts.overlap if facts is not None else None
    if facts is None or overlap is None:
        return Answer("unknown", NOT_MEASURED, "none of its documents")
    share = overlap.shared_tokens / facts.val_tokens
    passages = overlap.shared_passages / overlap.passages if overlap.passages else 0.0
    own = challenge_text(facts) is not None
    limit = f"{100 * COMMON_SHARE:g} % of it" if own else f"none of {overlap.least_tokens}+ tokens"
    bad = share > COMMON_SHARE if own else overlap.shared > 0
    bad = bad or share > MOST_SHARE or passages > MOST_SHARE
    return Answer(status_of(not bad), overlap_words(overlap, share, passages), limit, _where(overlap))


def overlap_words(overlap: Overlap, share: float, passages: float) -> str:
    """How much of the text the training shards hold, in a few words."""
    documents = overlap.shared
    told = f"{documents or 'none'} of {overlap.documents:,} documents"
    if passages > MOST_SHARE >= share:
        return f"{told}, {100 * passages:.0f} % of its passages"
    return f"{told}, {100 * share:.2f} % of it" if documents or share > MOST_SHARE else told


def _where(overlap: Overlap) -> str:
    short = f"also {overlap.shared_short:,} under {overlap.least_tokens} tokens" if overlap.shared_short else ""
    found = f"in {', '.join(overlap.where)}" if overlap.where else ""
    return "; ".join(part for part in (short, found) if part)
