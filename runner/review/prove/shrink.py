"""A contest script at toy size: the settings that make it small, and a tokenizer of our own for it.

Only variables that the script reads are set, and only sizes, lengths and counts: what it does stays as it is. What a
user says comes after these.
"""

from __future__ import annotations

import io
import re

import numpy as np

VOCAB = 64
SIZES = {
    "VOCAB_SIZE": str(VOCAB),
    "MODEL_DIM": "64",
    "EMBEDDING_DIM": "64",
    "NUM_HEADS": "4",
    "NUM_KV_HEADS": "2",
    "TRAIN_SEQ_LEN": "64",
    "EVAL_SEQ_LEN": "64",
    "TTT_EVAL_SEQ_LEN": "64",
    "EVAL_STRIDE": "16",
    "TRAIN_BATCH_TOKENS": "512",
    "VAL_BATCH_SIZE": "4096",
    "VAL_BATCH_TOKENS": "4096",
    "ITERATIONS": "2",
    "WARMUP_STEPS": "0",
    "WARMDOWN_ITERS": "1",
    "VAL_LOSS_EVERY": "0",
    "TRAIN_LOG_EVERY": "1",
    "TTT_CHUNK_TOKENS": "64",
    "TTT_CHUNK_SIZE": "32",
    "TTT_BATCH_SIZE": "4",
    "TTT_BATCH_SEQS": "2",
    "BIGRAM_VOCAB_SIZE": "256",
    "GPTQ_CALIB_BATCHES": "2",
    "GPTQ_CALIBRATION_BATCHES": "2",
    "EVAL_BATCH_SEQS": "4",
    "SLIDING_BATCH_SEQS": "4",
}
"""Variable -> its value at toy size."""
TOKENIZER = re.compile(r"TOKENIZER|SENTENCEPIECE|SP_MODEL", re.I)
MODEL = "data/tokenizers/fineweb_toy.model"
LETTERS = "abcdefghijklmnopqrstuvw"


def small_settings(variables: dict[str, str | None]) -> dict[str, str]:
    """Settings of toy size for the variables that a script reads; {HERE} stands for its folder."""
    found = {name: value for name, value in SIZES.items() if name in variables}
    for name in variables:
        if TOKENIZER.search(name) and ("PATH" in name or "FILE" in name or "MODEL" in name):
            found[name] = "{HERE}/" + MODEL
    return found


def tokenizer(pieces: int | None = None) -> bytes:
    """A sentencepiece model of so many pieces (VOCAB where None), its words made up; 1 begins a document."""
    import sentencepiece as spm

    draws = np.random.default_rng(3)
    vocab = pieces or VOCAB
    words = ["".join(draws.choice(list(LETTERS), int(draws.integers(2, 6)))) for _ in range(400 + 2 * vocab)]
    lines = [" ".join(draws.choice(words, 12)) for _ in range(300 + 2 * vocab)]
    made = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=made,
        vocab_size=vocab,
        model_type="bpe",
        character_coverage=1.0,
        bos_id=1,
        unk_id=0,
        eos_id=2,
        pad_id=-1,
        minloglevel=2,
        num_threads=1,
    )
    return made.getvalue()
