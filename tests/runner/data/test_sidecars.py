"""Bytes of the original text of tokens whose capitals were written as marks, held against the text itself."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from runner.data.dataset import data_info, open_dataset
from runner.data.shards import write_shard
from runner.data.sidecars import ESCAPE, MARKS, original_sizes
from runner.data.tokenizer import load_tokenizer, train_tokenizer

TITLE, CAPITALS, NEXT = MARKS[0], MARKS[1], MARKS[2]
LINES = [
    "The House by the River is OLD, says NASA; a McDonald sings at 5 PM.",
    "naïve Café:▁marks and \U0001f642 stay, and Ümlauts are no ASCII",
    f"a mark {TITLE} of its own, and {ESCAPE} too, even {ESCAPE}{CAPITALS}A",
    "iPhone eBay HTMLDocument X",
    *(f"Page {i} of the quiet web SAYS Little about itself" for i in range(40)),
]


def with_marks(text: str) -> str:
    """The text as PR #1729 rewrites it."""
    escaped = "".join(ESCAPE + character if character in MARKS else character for character in text)

    def word(found: re.Match[str]) -> str:
        letters = found[0]
        if letters.islower():
            return letters
        if letters.isupper() and len(letters) > 1:
            return CAPITALS + letters.lower()
        first = TITLE if letters[0].isupper() else ""
        return first + letters[0].lower() + "".join(NEXT + c.lower() if c.isupper() else c for c in letters[1:])

    return re.sub("[A-Za-z]+", word, escaped)


@pytest.fixture(scope="module", params=[320, 360])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of rewritten text: one that spells what is rare byte by byte, and one with longer pieces."""
    path = tmp_path_factory.mktemp("model") / "t.model"
    path.write_bytes(train_tokenizer([with_marks(line) for line in LINES[4:]], request.param))
    return path


def test_each_document_counts_the_bytes_of_its_original(model: Path) -> None:
    tokenizer = load_tokenizer(model)
    rows = [[tokenizer.bos_id(), *tokenizer.encode(with_marks(line))] for line in LINES]
    sizes = original_sizes(tokenizer, np.array([token for row in rows for token in row]))
    parts = np.split(sizes, np.cumsum([len(row) for row in rows])[:-1])
    kept = [line.replace("▁", " ") for line in LINES]  # the tokenizer knows no such character
    assert [int(part.sum()) for part in parts] == [len(line.encode()) for line in kept]
    assert all(part[0] == 0 for part in parts)


def test_a_mark_counts_nothing_a_letter_one_and_an_escaped_mark_its_own_bytes(model: Path) -> None:
    tokenizer = load_tokenizer(model)
    tokens = [tokenizer.piece_to_id(f"<0x{byte:02X}>") for byte in f"{TITLE}a{ESCAPE}{TITLE}é".encode()]
    # The mark, a letter, the escape, the three bytes of what it escapes, and two bytes of a letter with an accent.
    assert original_sizes(tokenizer, np.array(tokens)).tolist() == [0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1]
    broken = [tokenizer.piece_to_id("<0xEE>"), tokenizer.piece_to_id("<0x41>"), 1, tokens[3]]
    assert original_sizes(tokenizer, np.array(broken)).tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize(("spoilt", "restored"), [(False, True), (True, False)])
def test_a_data_set_says_whether_its_sidecars_tell_what_the_tokens_make(
    model: Path, tmp_path: Path, spoilt: bool, restored: bool
) -> None:
    tokenizer, folder = load_tokenizer(model), tmp_path / "shards"
    folder.mkdir()
    stream = np.array([token for line in LINES for token in [1, *tokenizer.encode(with_marks(line))]])
    sizes = original_sizes(tokenizer, stream)
    if spoilt:  # one byte goes from one token to the next, so that the sum stays
        place = int(np.argmax(sizes > 1))
        sizes[place : place + 2] += [-1, 1]
    for name, content in (("train", stream), ("val", stream), ("val_bytes", sizes)):
        write_shard(folder / f"fineweb_{name}_000000.bin", content)
    data = open_dataset(folder, model, tokenizer.vocab_size(), cache=tmp_path / "cache")
    total = int(sizes.sum())
    assert (data.facts.sidecar_bytes, data.facts.restored_bytes) == (total, total if restored else -1)
    assert (len(data.believed_sidecars), data.own_sidecar_bytes > 0) == (int(restored), not restored)
    assert data_info(data, recount=True).val.recounted_bytes != total  # the shards' own text has marks, too
