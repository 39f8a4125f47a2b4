"""What methods without a neural network reach on the same validation text: did the model learn anything?

Four yardsticks: a unigram and an interpolated bigram model, scored on exactly the targets the model is scored
on; xz -9 on the validation text alone; and xz -9 on it after the training text. The n-gram models use
Witten-Bell interpolation (IEEE Trans. Inf. Theory 37(4), 1991): a context that was followed by many different
tokens trusts its own counts less, and nothing is fitted. The compressors see the tokens decoded, documents
joined by newlines; those newlines are compressed but not counted as text, as the model's beginning-of-text
ids are predicted but count no bytes.

Does not cover: the data's own checks (runner/data) and the model's score. On huge data the work is bounded;
`detail` says so.
"""

from __future__ import annotations

import json
import lzma
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.data.cache import cache_root, note_path, remembered
from runner.data.dataset import DataSet, read_stream, scored_targets, scored_tokens
from runner.data.shards import Tokens, read_shard
from runner.data.text import first_text
from runner.data.tokenizer import load_tokenizer
from runner.errors import UserError
from runner.files import sha256_file, write_atomic
from runner.results.verdicts import Yardstick

XZ_PRESET = 9
CHUNK_TOKENS = 1 << 22


@dataclass(frozen=True)
class Bounds:
    """How much of huge data is looked at."""

    train_tokens: int = 20_000_000
    """Training tokens the n-gram models count."""
    train_text_bytes: int = 48 << 20
    """Training text that primes xz; with the validation text it fits the 64 MiB dictionary of preset 9."""
    val_text_bytes: int = 8 << 20
    """Validation text that xz compresses."""


DEFAULT_BOUNDS = Bounds()


@dataclass(frozen=True)
class NgramCounts:
    """Counts of one training stream over a vocabulary of `vocab_size` ids."""

    vocab_size: int
    unigrams: NDArray[np.int64]
    """(vocab,) how often each id occurs."""
    contexts: NDArray[np.int64]
    """(vocab,) how often each id is followed by something."""
    followers: NDArray[np.int64]
    """(vocab,) how many different ids follow each id."""
    pairs: NDArray[np.int64]
    """Sorted codes, first * vocab + second, of the pairs that occur."""
    pair_counts: NDArray[np.int64]
    """How often each pair occurs."""

    def unigram(self) -> NDArray[np.float64]:
        """Probability of each id, (vocab,): its share, interpolated with the uniform distribution."""
        seen = int(np.count_nonzero(self.unigrams))
        return (self.unigrams + seen / self.vocab_size) / (int(self.unigrams.sum()) + seen)

    def bigram(self, targets: NDArray[np.int64], previous: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probability of each target after its predecessor, (n,): its share, interpolated with the unigram."""
        codes = previous * self.vocab_size + targets
        places = np.minimum(np.searchsorted(self.pairs, codes), len(self.pairs) - 1)
        counts = np.where(self.pairs[places] == codes, self.pair_counts[places], 0)
        seen = self.followers[previous]
        backoff = self.unigram()[targets]
        # A context never seen before has no counts and no followers: the unigram alone speaks.
        total = self.contexts[previous] + seen
        return np.where(total > 0, (counts + seen * backoff) / np.maximum(total, 1), backoff)


def count_ngrams(tokens: Tokens, vocab_size: int) -> NgramCounts:
    """Count a training stream of shape (tokens,), at least two of them."""
    stream = tokens.astype(np.int64)
    pairs, pair_counts = np.unique(stream[:-1] * vocab_size + stream[1:], return_counts=True)
    return NgramCounts(
        vocab_size=vocab_size,
        unigrams=np.bincount(stream, minlength=vocab_size),
        contexts=np.bincount(stream[:-1], minlength=vocab_size),
        followers=np.bincount(pairs // vocab_size, minlength=vocab_size),
        pairs=pairs,
        pair_counts=pair_counts.astype(np.int64),
    )


def mean_nats(counts: NgramCounts, scored: Tokens) -> tuple[float, float]:
    """(unigram, bigram) mean negative log-likelihood in nats of scored[1:], each given the token before."""
    unigram = np.log(counts.unigram())
    sums = np.zeros(2)
    for start in range(0, len(scored) - 1, CHUNK_TOKENS):
        window = scored[start : start + CHUNK_TOKENS + 1].astype(np.int64)
        sums[0] -= float(unigram[window[1:]].sum())
        sums[1] -= float(np.log(counts.bigram(window[1:], window[:-1])).sum())
    return float(sums[0]) / (len(scored) - 1), float(sums[1]) / (len(scored) - 1)


def xz_bits(text: bytes) -> int:
    """Bits of the .xz file that `xz -9` makes of `text`."""
    return 8 * len(lzma.compress(text, preset=XZ_PRESET))


def measure(
    dataset: DataSet,
    seq_len: int,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
    bounds: Bounds = DEFAULT_BOUNDS,
) -> list[Yardstick]:
    """The yardsticks `unigram`, `bigram`, `xz` and `xz_primed` of a data set, from the cache where it has them.

    seq_len: the model's evaluation length; the validation stream is truncated to k * seq_len + 1 tokens.
    """
    basis = {
        "files": dataset.facts.files,
        "order": [path.name for path in (*dataset.train_files, *dataset.val_files)],
        "vocab_size": dataset.vocab_size,
        "seq_len": seq_len,
        "bounds": vars(bounds),
        "code": sha256_file(Path(__file__)),
    }
    note = note_path(cache_root(cache), "yardsticks", basis)
    try:
        return [Yardstick.model_validate(item) for item in remembered(note)]
    except (UserError, ValueError, TypeError):
        pass
    progress("measuring yardsticks: unigram, bigram")
    found = _ngrams(dataset, seq_len, bounds)
    progress("measuring yardsticks: xz -9 alone and primed")
    found += _compressors(dataset, bounds)
    write_atomic(note, json.dumps([item.model_dump(mode="json") for item in found], indent=1) + "\n")
    return found


def _ngrams(dataset: DataSet, seq_len: int, bounds: Bounds) -> list[Yardstick]:
    scored = scored_tokens(dataset, seq_len)
    _, scored_bytes = scored_targets(dataset, seq_len)
    train = read_stream(dataset.train_files, bounds.train_tokens)
    unigram, bigram = mean_nats(count_ngrams(train, dataset.vocab_size), scored)
    part = "all" if len(train) == dataset.facts.train_tokens else "the first"
    counted = f"counts of {part} {len(train):,} training tokens, {len(scored) - 1:,} targets scored"
    to_bpb = (len(scored) - 1) / (math.log(2) * scored_bytes)
    return [
        Yardstick(
            name="unigram",
            bpb=unigram * to_bpb,
            nats_per_token=unigram,
            detail=f"unigram model, Witten-Bell interpolated with uniform; {counted}",
        ),
        Yardstick(
            name="bigram",
            bpb=bigram * to_bpb,
            nats_per_token=bigram,
            detail=f"bigram model, Witten-Bell interpolated with unigram and uniform; {counted}",
        ),
    ]


def _compressors(dataset: DataSet, bounds: Bounds) -> list[Yardstick]:
    tokenizer = load_tokenizer(dataset.tokenizer)
    text = first_text(tokenizer, map(read_shard, dataset.val_files), bounds.val_text_bytes)
    primer = first_text(tokenizer, map(read_shard, dataset.train_files), bounds.train_text_bytes) + b"\n"
    newlines = text.count(b"\n")
    scored = len(text) - newlines
    alone = xz_bits(text)
    primed = xz_bits(primer + text) - xz_bits(primer)
    part = "the whole" if len(text) + 1 < bounds.val_text_bytes else f"the first {len(text):,} bytes of the"
    first = "the" if len(primer) < bounds.train_text_bytes else f"the first {len(primer):,} bytes of the"
    what = f"{part} validation text, documents joined by newlines"
    return [
        Yardstick(name="xz", bpb=alone / scored, detail=f"xz -9 of {what}"),
        Yardstick(name="xz_primed", bpb=primed / scored, detail=f"xz -9 of {what}, after {first} training text"),
    ]
