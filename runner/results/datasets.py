"""What a run was trained and scored on."""

from __future__ import annotations

from runner.results.frozen import Frozen


class Overlap(Frozen):
    """How much of the validation text stands in the training shards, too (runner.data.overlap)."""

    documents: int
    """Documents of the validation text."""
    shared: int
    """Of those of `least_tokens` or more: whole, or nearly so, in the training shards."""
    shared_short: int
    """Of shorter ones: whole in them."""
    shared_tokens: int
    """Tokens of both kinds."""
    passages: int
    """Runs of 32 tokens that were looked for, chosen by what stands in them."""
    shared_passages: int
    """Of these: found."""
    least_tokens: int
    where: list[str]
    """Training shards that hold documents of it, the first few."""


class DataFacts(Frozen):
    """The data a job ran on."""

    name: str
    train_tokens: int
    val_tokens: int
    val_bytes: int
    vocab_size: int
    files: dict[str, str]
    """File name -> sha256, tokenizer included."""
    tokenizer: str = ""
    """Which of `files` is the tokenizer."""
    official_tokenizer: str | None = None
    """Variant of the challenge whose tokenizer that is, e.g. `sp1024`; None for any other."""
    val_documents: int | None = None
    """Beginning-of-text ids in the validation shards."""
    recounted_bytes: int | None = None
    """UTF-8 bytes of the validation text by decoding it; None where that was not done."""
    sidecar_bytes: int | None = None
    """What sidecars beside the shards say of the same; None where there are none that fit."""
    restored_bytes: int | None = None
    """The same as the tokens of a rewritten text make it, where the sidecars say so of every token; -1 where they say
    something else of one, None where nobody looked."""
    overlap: Overlap | None = None
    """None where nobody looked."""
