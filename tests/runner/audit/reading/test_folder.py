"""A folder's files by name, its program's imports, its track and tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.audit.checks.imports import outside_code, wanted_by
from runner.audit.reading.folder import find_records, is_log, open_folder
from runner.audit.reading.tokenizers import marks_in, tokenizer_of
from runner.audit.track import timed, track_of
from runner.errors import UserError
from tests.runner.audit.entries import write_entry


@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("train.log", True),
        ("logs/train_seed42.txt", True),
        ("nohup.out", True),
        ("train_log", True),
        ("requirements.txt", False),
        ("README.txt", False),
        ("LICENSE", False),
        ("train_gpt.py", False),
        ("ledger.jsonl", False),
        ("final_model.ptz", False),
    ],
)
def test_what_could_be_a_log(name: str, log: bool) -> None:
    assert is_log(name) is log


def test_the_program_is_train_gpt_or_what_looks_most_like_it(tmp_path: Path) -> None:
    folder = write_entry(tmp_path / "a", extra={"other.py": "x = 1\n" * 99, "train_x.py": "x = 1\n"})
    assert open_folder(folder).script == "train_gpt.py"
    (folder / "train_gpt.py").unlink()
    assert open_folder(folder).script == "train_x.py"


def test_a_tree_is_walked_to_its_records_and_not_into_them(tmp_path: Path) -> None:
    for place in ("x/one", "x/two/logs", "three"):
        write_entry(tmp_path / place, logs={"train.log": ""}, without=["train_gpt.py"])
    (tmp_path / "x/two/submission.json").write_text("{}")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/train_gpt.py").write_text("")
    assert find_records(tmp_path) == [tmp_path / "three", tmp_path / "x/one", tmp_path / "x/two"]


def test_a_folder_of_logs_alone_is_a_record_where_it_lies_beside_records(tmp_path: Path) -> None:
    write_entry(tmp_path / "track/whole", logs={"train.log": ""})
    for place in ("track/bare", "track/notes/old", "runs/seed-1", "track/empty"):
        (tmp_path / place).mkdir(parents=True)
    for place in ("track/bare", "track/notes/old", "runs/seed-1"):
        (tmp_path / place / "train.log").write_text("")
    assert find_records(tmp_path) == [tmp_path / "track/bare", tmp_path / "track/whole"]


def test_an_unreadable_place_is_the_users_error(tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match=tmp_path.name):
            open_folder(place)


def test_imports_are_followed_through_the_folder_only(tmp_path: Path) -> None:
    extra = {
        "train_gpt.py": "import torch, helper_a\nfrom pkg import part\n",
        "helper_a.py": "import helper_b\nimport train_gpt\n",
        "helper_b.py": "",
        "unused.py": "",
        "pkg/__init__.py": "",
        "pkg/part.py": "",
    }
    found, nowhere = outside_code(open_folder(write_entry(tmp_path / "a", extra=extra)))
    assert nowhere == []
    assert found == ["helper_a.py", "helper_b.py", "pkg/__init__.py", "pkg/part.py"]


@pytest.mark.parametrize(
    "text", ["import a.b\n", "from a.b import c\n", "  from a.b import c\nthis is no python (\n"]
)
def test_imports_of_sound_and_of_broken_programs(text: str) -> None:
    wanted = wanted_by(text)
    assert "a.b" in (*wanted.modules, *wanted.perhaps)


@pytest.mark.parametrize("text", ["\0", "(" * 5000, "x = '\\ud800'", "def f(:\n", "import \n"])
def test_any_text_is_a_program_or_none(text: str) -> None:
    wanted = wanted_by(text)
    assert all(isinstance(name, str) for name in (*wanted.modules, *wanted.perhaps, *wanted.files))


@pytest.mark.parametrize(
    ("said", "folder", "track"),
    [
        ("10min_16mb", "x", "10min_16mb"),
        (None, "records/track_non_record_16mb/2026-01-01_x", "non_record_16mb"),
        (None, "records/track_10min_16mb", "10min_16mb"),
        (None, "folders/pr1", None),
    ],
)
def test_the_track(said: str | None, folder: str, track: str | None) -> None:
    assert track_of(said, folder) == track


@pytest.mark.parametrize(
    ("track", "words", "seconds", "gpus", "bound"),
    [
        ("10min_16mb", "non-record", 9999.0, 1, True),
        ("non-record-10min-16mb", "", 601.0, 8, False),
        (None, "", 9999.0, 8, True),
        (None, "a non-record run", 605.0, 8, True),
        (None, "a non-record run", 605.0, 1, False),
        (None, "on one RTX 4090", 3600.0, None, False),
    ],
)
def test_whom_the_clock_binds(track: str | None, words: str, seconds: float, gpus: int | None, bound: bool) -> None:
    assert timed(track, words, seconds, gpus) is bound


@pytest.mark.parametrize(
    ("line", "marks"),
    [
        ("train_loader:dataset:fineweb10B_sp1024 train_shards:80", {"sp1024"}),
        ("tokenizer_path=./data/tokenizers/fineweb_8192_bpe.model", {"sp8192"}),
        ("datasets/fineweb10B_sp8192_lossless_caps_caseops_v1_reserved/fineweb_val_*.bin", {"CaseOps"}),
        ("vocab_size:1024", set()),
    ],
)
def test_tokenizers_by_the_names_of_data(line: str, marks: set[str]) -> None:
    assert marks_in(line) == marks


def test_of_two_tokenizers_nothing_is_said() -> None:
    assert tokenizer_of({"sp1024", "sp8192"}, "") is None
    assert tokenizer_of({"sp2048"}, "") is None
    assert tokenizer_of((), "trained on fineweb10B_sp1024") == "sp1024"


def test_the_constant_of_caseops_is_for_its_own_vocabulary_alone() -> None:
    assert marks_in("datasets/fineweb10B_sp4096_caseops/fineweb_val_*.bin") == {"CaseOps4096"}
    assert tokenizer_of({"CaseOps", "sp8192"}, "") == "CaseOps"
    assert tokenizer_of({"CaseOps4096"}, "") is None
    assert tokenizer_of({"CaseOps", "sp1024"}, "") is None
