"""Shards written anew with another tokenizer: the same documents and bytes, whatever the shards' borders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runner.data.retokenize import NOTE, Made, retokenize, tokenizer_of, totals
from runner.data.shards import read_shard, write_shard
from runner.data.text import decode_documents
from runner.data.tokenizer import load_tokenizer, train_tokenizer
from runner.errors import DataError

PAGES = [f"Page {i} of the web says little, in {i % 7} words; naïve café ✓{i}." for i in range(40)]
NAMES = ("fineweb_train_000000.bin", "fineweb_train_000001.bin", "fineweb_val_000000.bin")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A smaller and a larger tokenizer."""
    folder = tmp_path_factory.mktemp("models")
    made = []
    for size in (310, 360):
        made.append(folder / f"fineweb_{size}_bpe.model")
        made[-1].write_bytes(train_tokenizer(PAGES, size))
    return made[0], made[1]


def write_pages(folder: Path, model: Path, cut: int = 0) -> Path:
    """All pages as three shards; the second begins `cut` tokens before its first whole page."""
    rows = load_tokenizer(model).encode(PAGES, add_bos=True)
    first, second, third = (np.concatenate(rows[a:b]) for a, b in ((0, 20), (20, 30), (30, 40)))
    folder.mkdir(parents=True)
    border = len(first) - cut
    train = np.concatenate([first, second])
    for name, tokens in zip(NAMES, (train[:border], train[border:], third), strict=True):
        write_shard(folder / name, tokens)
    return folder


def pages_of(folder: Path, model: Path) -> list[str]:
    return list(decode_documents(load_tokenizer(model), [read_shard(folder / name) for name in NAMES]))


@pytest.mark.parametrize("cut", [0, 9])
def test_the_same_documents_stand_in_the_new_shards_and_come_back_to_the_byte(
    models: tuple[Path, Path], tmp_path: Path, cut: int
) -> None:
    small, large = models
    source = write_pages(tmp_path / "source", small, cut)
    made = retokenize(source, small, large, tmp_path / "new", workers=1)
    assert pages_of(tmp_path / "new", large) == PAGES
    assert [(one.name, one.documents) for one in made] == list(zip(NAMES, (20, 10, 10), strict=True))
    whole = totals(made)
    assert whole["bytes"] == sum(len(page.encode()) for page in PAGES)
    assert whole["tokens_before"] == sum(len(read_shard(source / name)) for name in NAMES)
    assert whole["tokens"] == sum(len(read_shard(tmp_path / "new" / name)) for name in NAMES) < whole["tokens_before"]
    back = retokenize(tmp_path / "new", large, small, tmp_path / "back", workers=1)
    assert totals(back)["tokens"] == whole["tokens_before"]
    if not cut:
        assert all((tmp_path / "back" / name).read_bytes() == (source / name).read_bytes() for name in NAMES)


def test_a_second_call_makes_only_what_is_missing_or_was_changed(models: tuple[Path, Path], tmp_path: Path) -> None:
    small, large = models
    source, output = write_pages(tmp_path / "source", small), tmp_path / "new"
    first = retokenize(source, small, large, output, workers=1)
    (output / NAMES[1]).write_bytes((output / NAMES[1]).read_bytes()[:-2])
    said: list[str] = []
    assert retokenize(source, small, large, output, 1, said.append) == first
    assert [line.endswith("already whole") for line in said] == [True, True, False]
    said.clear()
    retokenize(source, small, small, output, 1, said.append)
    assert not any(line.endswith("already whole") for line in said)  # another tokenizer makes other shards
    (output / NOTE).write_text('[{"name": 1}]')
    assert [one.name for one in retokenize(source, small, large, output, workers=1)] == list(NAMES)


def test_processes_side_by_side_make_the_same_shards(models: tuple[Path, Path], tmp_path: Path) -> None:
    small, large = models
    source = write_pages(tmp_path / "source", small, 5)
    alone = retokenize(source, small, large, tmp_path / "alone", workers=1)
    assert retokenize(source, small, large, tmp_path / "two", workers=2) == alone
    assert {Made(**entry) for entry in json.loads((tmp_path / "two" / NOTE).read_bytes())} == set(alone)


def test_text_that_would_change_is_refused_with_its_place(models: tuple[Path, Path], tmp_path: Path) -> None:
    small, large = models
    source = write_pages(tmp_path / "source", small)
    tokenizer = load_tokenizer(small)
    spelled = [tokenizer.piece_to_id(f"<0x{byte:02X}>") for byte in "ﬁ".encode()]  # NFKC makes two letters of it
    write_shard(source / NAMES[2], np.array([1, *tokenizer.encode("a"), 1, *spelled]))
    with pytest.raises(
        DataError, match=r"val_000000\.bin: document 2 .*\(3 bytes before, 2 after\).*'ﬁ' becomes 'fi'"
    ):
        retokenize(source, small, large, tmp_path / "new", workers=1)
    assert not (tmp_path / "new" / NAMES[2]).exists()
    assert (tmp_path / "new" / NAMES[0]).exists()


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([5, 6, 1, 7], "its first token is no beginning of a document"),
        ([1, 5, 2, 6], "document 1 holds the id 2, which stands for no text"),
        ([1, 5, 999], "token id 999 does not exist in a vocabulary of 310"),
    ],
)
def test_shards_that_are_no_row_of_documents_are_refused(
    models: tuple[Path, Path], tmp_path: Path, tokens: list[int], message: str
) -> None:
    source = write_pages(tmp_path / "source", models[0])
    write_shard(source / NAMES[2], np.array(tokens))
    with pytest.raises(DataError, match=message):
        retokenize(source, *models, tmp_path / "new", workers=1)


def test_rewritten_text_and_the_folder_itself_are_refused(models: tuple[Path, Path], tmp_path: Path) -> None:
    source = write_pages(tmp_path / "source", models[0])
    with pytest.raises(DataError, match="these are the shards that would be read"):
        retokenize(source, *models, source)
    write_shard(source / "fineweb_val_bytes_000000.bin", np.array([1]))
    with pytest.raises(DataError, match="this text was rewritten before it became tokens"):
        retokenize(source, *models, tmp_path / "new")


def test_the_official_tokenizer_is_found_by_the_folders_name(tmp_path: Path) -> None:
    source = tmp_path / "datasets" / "fineweb10B_sp310"
    source.mkdir(parents=True)
    with pytest.raises(DataError, match="name it with --from FILE"):
        tokenizer_of(source)
    model = tmp_path / "tokenizers" / "fineweb_310_bpe.model"
    model.parent.mkdir()
    model.touch()
    assert tokenizer_of(source) == model


def test_the_fineweb_sample_keeps_every_byte_and_comes_back_whole(shared: Path, tmp_path: Path) -> None:
    tokenizers = shared / "data" / "tokenizers"
    small, large = (tokenizers / f"fineweb_{size}_bpe.model" for size in (1024, 8192))
    sample = (shared / "data" / "fineweb_sample_sp1024" / NAMES[2]).read_bytes()
    source = tmp_path / "source"
    source.mkdir()
    for name in (NAMES[0], NAMES[2]):
        (source / name).write_bytes(sample)
    made = retokenize(source, small, large, tmp_path / "new", workers=1)[1]
    assert (made.documents, made.tokens_before, made.tokens, made.bytes) == (119, 130_225, 85_394, 313_773)
    retokenize(tmp_path / "new", large, small, tmp_path / "back", workers=1)
    assert (tmp_path / "back" / NAMES[2]).read_bytes() == sample
