"""The challenge's validation text as data: what its tokens, bytes and hashes are, tokenizer by tokenizer.

One text, 50,000 pages, and several tokenizers that made shards of it. What is stated here was published, and each
figure says where; what nobody published is None or empty. The shards themselves were at hand for none of it.

- [scored] logs of merged records print the targets that they score, which is all but the last sequence that is not
  full, so the shards hold that many tokens and up to one sequence more. How many bytes those stand for follows from
  the printed loss and bpb: the ranges that 8 digits leave, intersected over many logs, hold one whole number each:
  151,080,363 for 62,021,632 targets of sp1024 (which others print, too), 151,078,222 for 40,540,160 of sp8192,
  151,074,053 for 45,508,608 of sp4096. Each lacks less than one sequence of the same 151,080,891 bytes.
- [bytes] 151,080,891 bytes of 50,000 documents: by the audit of PR #1734 (sp8192, all of 40,540,803 tokens), by the
  check that came with the Scylla tokenizer (source text and decoded text), and by a record's check of its own sp16384
  shards, table and decoder alike. Of the first 1, 10 and 100 documents the last says 1,339, 22,919 and 291,960 bytes,
  and so does golf of the piece of sp1024 that it was tried on.
- [manifest] sp1024: `tokens_val` 62,021,846 in the hub's own manifest, and a shard of 124,044,716 bytes; PR #160
  scores 62,021,845 targets.
- [hash] of shards, as those pin them who evaluate on them; for CaseOps as its hub lists them.

Judges nothing (runner.judge.text_checks); which tokenizers count as the challenge's own is tokenizer.py's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

TEXT_BYTES = 151_080_891
"""UTF-8 bytes of the whole text, [bytes]; the same for every tokenizer that normalises as the challenge's do."""
DOCUMENTS = 50_000
"""Documents, each after a beginning-of-text id, [bytes]."""


@dataclass(frozen=True)
class KnownText:
    """The text as one tokenizer's shards hold it."""

    variant: str
    """As the data sets are called, e.g. `sp1024`."""
    tokenizer: str
    """SHA-256 of the SentencePiece model."""
    tokens: tuple[range, ...]
    """How many tokens all validation shards together may hold; a range of one where that was published."""
    bytes: int | None
    """UTF-8 bytes that the tokens stand for by the official table; None where the tokens are of a text that was
    rewritten, and a sidecar tells the bytes."""
    shards: tuple[str, ...] = ()
    """SHA-256 of each validation shard, in order; empty where nobody published them."""
    sidecars: tuple[str, ...] = ()
    """SHA-256 of what lies beside them and tells the original's bytes, one number for each token."""


def exactly(tokens: int) -> range:
    """A number of tokens that was published."""
    return range(tokens, tokens + 1)


def scored(targets: int, length: int) -> range:
    """Tokens of shards of which whole sequences of `length` cover so many targets."""
    return range(targets + 1, targets + length + 1)


KNOWN_TEXTS = (
    KnownText(
        variant="sp1024",
        tokenizer="4f5e8adb109c66b4886963bc75a7befd73bda36d27fd7102df8e9e66503b0e2a",
        tokens=(exactly(62_021_846),),  # [manifest]
        bytes=TEXT_BYTES,
        shards=("4860ad80c0516a150b6917ee9ed17be5d27a0726a0b44ba9fe28c323b527c86f",),  # [hash]
    ),
    KnownText(
        variant="sp4096",
        tokenizer="6b0337698df13acdb58e5b05446ef26d9d7e4ca5545dc5e13ad5815a7ec904e0",
        # Two sets go by this name: merged records score 45,508,608 targets in sequences of 2,048 [scored]; an audit
        # that pins this very model counts 45,516,437 tokens, of which logs of others score 45,514,752 targets.
        tokens=(scored(45_508_608, 2048), exactly(45_516_437)),
        bytes=TEXT_BYTES,
    ),
    KnownText(
        variant="sp8192",
        tokenizer="5697ec9cf5a1f193b509a6f8739be415c618d7e4e0c531fd2d884f12c1c482fc",
        tokens=(exactly(40_540_803),),  # [bytes]; 40,540,160 targets of it are scored in sequences of 2,048
        bytes=TEXT_BYTES,
    ),
    KnownText(
        variant="sp16384",
        tokenizer="abaec140336563026d65c1b7192d47a2b8c81a3bbad0f4d1cd1d852364ac432a",
        tokens=(exactly(37_147_047),),  # [bytes]
        bytes=TEXT_BYTES,
    ),
    KnownText(
        variant="sp8192 CaseOps",
        tokenizer="97754754561f20def5edd99765ca0668f880bd94e67316d54aa10ab25f45cc4d",  # ships with merged records
        # A record's log of its tokenisation, and its sidecar; 47,851,520 or all 47,853,343 targets are scored.
        tokens=(exactly(47_853_344),),
        bytes=None,
        sidecars=("9b7e97ce6d7b119ba9ef8f5df6d3c733924eda9a973fa9f1452d9411e14c22d5",),  # [hash]
        shards=("a9be3eceb56f49358a199a97bd42ccaf69a10f0e103a117514ca5debad7083ab",),  # [hash]
    ),
)


def known_text(tokenizer: str) -> KnownText | None:
    """What is known of the text under the tokenizer with this SHA-256; None of one that nobody published."""
    return next((text for text in KNOWN_TEXTS if text.tokenizer == tokenizer), None)


def text_by_hash(shards: Collection[str]) -> KnownText | None:
    """The text whose shards have just these hashes; None where no known one has."""
    return next((text for text in KNOWN_TEXTS if text.shards and sorted(text.shards) == sorted(shards)), None)


def is_known_sidecar(sha256: str) -> bool:
    """Whether what tells the bytes of validation tokens is the challenge's own."""
    return any(sha256 in text.sidecars for text in KNOWN_TEXTS)
