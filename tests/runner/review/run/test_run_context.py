"""Which switches were on: logs before README before submission.json, and a log of another file decides nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.review.run.run_context import RunContext, run_context
from runner.review.source.unwrap import read_source

SCRIPT = """import os


class Hyperparameters:
    seed = int(os.environ.get("SEED", 1337))
    adapt_enabled = bool(int(os.environ.get("ADAPT_ENABLED", "0")))
    adapt_rate = float(os.environ.get("ADAPT_RATE", 0.5))
    passes = int(os.getenv("PASSES", "1"))


def env(name, other):
    return os.environ.get(name, other)


MODE = env("SCORE_MODE", "plain")
"""


def context(tmp_path: Path, *, alone: bool = False, env: dict[str, str] | None = None, **files: str) -> RunContext:
    (tmp_path / "train_gpt.py").write_text(SCRIPT)
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text)
    return run_context(read_source(tmp_path / "train_gpt.py"), folder=None if alone else tmp_path, given=env)


def log(size: int = len(SCRIPT), *, adapt: str = "True", bpb: str = "1.23456789") -> str:
    return (
        f"Hyperparameters:\n  adapt_enabled: {adapt}\n  artifact_dir: \n  adapt_rate: 0.25\n  seed: 7\n"
        f"step:1/2 train_loss:4.0\nCode size: {size} bytes\nfinal val_loss:3.1 val_bpb:{bpb}\n"
    )


README = "# Run\n\n```bash\nADAPT_ENABLED=0 ADAPT_RATE=0.125 \\\n  torchrun --nproc_per_node=8 train_gpt.py\n```\n"


def test_a_script_alone_says_nothing_of_the_run(tmp_path: Path) -> None:
    found = context(tmp_path, alone=True)
    assert not found.known
    assert found.value_of("ADAPT_ENABLED") is None
    assert found.default_of("ADAPT_ENABLED") == ("0", "train_gpt.py:6")


def test_settings_are_found_by_every_way_of_reading_them(tmp_path: Path) -> None:
    found = context(tmp_path, alone=True)
    assert {name: (one.kept, one.default) for name, one in found.settings.items()} == {
        "SEED": ("seed", "1337"),
        "ADAPT_ENABLED": ("adapt_enabled", "0"),
        "ADAPT_RATE": ("adapt_rate", "0.5"),
        "PASSES": ("passes", "1"),
        "SCORE_MODE": ("MODE", "plain"),
    }


def test_logs_win_over_the_readme_and_the_contradiction_is_a_finding(tmp_path: Path) -> None:
    found = context(tmp_path, train_seed7__log=log(), README__md=README)
    assert found.value_of("ADAPT_ENABLED") == ("True", "train_seed7.log:2")
    assert found.value_of("adapt_rate") == ("0.25", "train_seed7.log:4")
    assert found.value_of("WORLD_SIZE") == ("8", "README.md:4")
    assert [one.sentence for one in found.conflicts] == [
        "train_seed7.log says ADAPT_ENABLED True, README.md 0",
        "train_seed7.log says ADAPT_RATE 0.25, README.md 0.125",
    ]


def test_a_log_of_another_file_decides_nothing(tmp_path: Path) -> None:
    found = context(tmp_path, train_seed7__log=log(99_999), README__md=README)
    assert found.value_of("ADAPT_ENABLED") == ("0", "README.md:4")
    assert [one.sentence for one in found.conflicts] == [
        "train_seed7.log: its code size, 99,999 B, is not this file's, so it decides nothing"
    ]
    assert found.printed("final val_loss") is None


def test_where_nobody_else_speaks_the_log_with_the_claimed_score_is_heard(tmp_path: Path) -> None:
    found = context(tmp_path, train_seed7__log=log(99_999), submission__json=json.dumps({"val_bpb": 1.23456789}))
    assert found.value_of("ADAPT_ENABLED") == ("True", "train_seed7.log (of another version of this file):2")


def test_of_several_logs_those_that_show_the_claimed_score_count(tmp_path: Path) -> None:
    ablation = log(adapt="False", bpb="1.30001111")
    claim = json.dumps({"val_bpb": 1.2345679})
    found = context(tmp_path, ablation__log=ablation, final__log=log(), submission__json=claim)
    assert found.value_of("ADAPT_ENABLED") == ("True", "final.log:2")
    assert found.printed("final val_loss") is True
    assert found.printed("adapting") is False


def test_what_logs_that_count_disagree_about_is_unknown_and_a_finding(tmp_path: Path) -> None:
    found = context(tmp_path, a__log=log(), b__log=log(adapt="False"))
    assert found.value_of("ADAPT_ENABLED") is None
    assert found.value_of("ADAPT_RATE") == ("0.25", "a.log:4")
    assert [one.sentence for one in found.conflicts] == [
        "logs disagree about ADAPT_ENABLED: 1.0 in a.log, 0.0 in b.log"
    ]


def test_the_users_word_wins_over_all(tmp_path: Path) -> None:
    found = context(tmp_path, env={"ADAPT_ENABLED": "0"}, train__log=log())
    assert found.value_of("ADAPT_ENABLED") == ("0", "--env")
    assert found.known


def test_shell_scripts_tables_and_submission_json_are_read_too(tmp_path: Path) -> None:
    found = context(
        tmp_path,
        run__sh="#!/bin/sh\nexport ADAPT_ENABLED=${ADAPT_ENABLED:-1}  # on\npython train_gpt.py\n",
        README__md="| Name | Value |\n|---|---|\n| PASSES | 3 |\n",
        submission__json=json.dumps({"config": {"adapt_rate": 0.75, "score_mode": "a long sentence"}}),
    )
    assert found.value_of("ADAPT_ENABLED") == ("1", "run.sh:2")
    assert found.value_of("PASSES") == ("3", "README.md:3")
    assert found.value_of("ADAPT_RATE") == ("0.75", "submission.json")
    assert found.value_of("SCORE_MODE") is None


def test_a_script_that_a_log_prints_is_no_statement_of_the_log(tmp_path: Path) -> None:
    found = context(tmp_path, train__log=SCRIPT + "passes:2 adapt_rate:0.1 adapt_enabled:start\n")
    assert found.value_of("PASSES") == ("2", f"train.log:{SCRIPT.count(chr(10)) + 1}")
    assert found.value_of("ADAPT_ENABLED") is None


def test_a_log_that_the_user_names_is_read_and_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text(SCRIPT)
    (tmp_path / "mine.txt").write_text(log(5))
    reviewed = read_source(tmp_path / "train_gpt.py")
    assert run_context(reviewed, log=tmp_path / "mine.txt").value_of("ADAPT_ENABLED") == ("True", "mine.txt:2")
    with pytest.raises(UserError, match="no such file"):
        run_context(reviewed, log=tmp_path / "missing.txt")


def test_what_a_log_shows_to_have_run_goes_before_a_command_of_the_readme(tmp_path: Path) -> None:
    text = SCRIPT + "if Hyperparameters.adapt_enabled:\n    print(f'adapt:begins at {MODE}')\n"
    (tmp_path / "train_gpt.py").write_text(text)
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "train.log").write_text("step:1/2\nadapt:begins at plain\nfinal val_loss:3.1 val_bpb:1.2\n")
    found = run_context(read_source(tmp_path / "train_gpt.py"), folder=tmp_path)
    assert found.value_of("ADAPT_ENABLED") == ("1", "train.log (by what it printed):2")
    assert any("README.md 0" in one.sentence for one in found.conflicts)


@pytest.mark.parametrize(("track", "untimed"), [("non-record-16mb", True), ("10min_16mb", False)])
def test_the_track_says_whether_time_is_limited(tmp_path: Path, track: str, untimed: bool) -> None:
    assert context(tmp_path, submission__json=json.dumps({"track": track})).untimed is untimed
    (tmp_path / "submission.json").unlink()
    folder = tmp_path / "track_non_record_16mb" / "entry"
    folder.mkdir(parents=True)
    assert context(folder).untimed
