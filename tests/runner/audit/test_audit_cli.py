"""`golf audit` as people run it: reports, exit codes, many folders at once."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from reports.audit.terminal import terminal_audit
from runner.cli.app import app
from runner.cli.entry import main
from tests.runner.audit.entries import SCORES, audited, log_text, submission, write_entry

FIELDS = {
    "folder", "track", "claimed", "runs", "mean_val_bpb", "std_val_bpb", "n_primary_runs", "findings", "notes",
}  # fmt: skip
RUN_FIELDS = {
    "log", "run_index", "role", "seed", "steps", "train_seconds", "final_metric_line", "final_metric_lineno",
    "final_val_loss", "final_val_bpb", "total_bytes", "code_bytes", "model_bytes", "eval_seconds",
    "total_eval_seconds", "n_params", "world_size", "step_avg_ms",
}  # fmt: skip


def run(*words: object, code: int) -> str:
    """What `golf audit` prints; it must end with `code`."""
    result = CliRunner().invoke(app, ["audit", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_entry(tmp_path / "records" / "sound")


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    return write_entry(tmp_path / "records" / "wrong", claims=submission(val_bpb=1.1))


def test_a_sound_record_ends_with_0_and_an_error_with_1(sound: Path, wrong: Path) -> None:
    assert "no findings" in run(sound, code=0)
    assert "claim_mismatch_bpb" in run(wrong, code=1)
    run(sound, wrong, code=1)


def test_a_warning_alone_ends_with_0(tmp_path: Path) -> None:
    folder = write_entry(tmp_path / "entry", without=["README.md"])
    assert "missing_readme" in run(folder, code=0)


def test_unreadable_input_ends_with_2_and_the_others_are_read(sound: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    output = run(empty, tmp_path / "none", sound / "README.md", sound, code=2)
    assert "holds no log" in output
    assert "there is no such record folder" in output
    assert "is a file" in output
    assert "no findings" in output


@pytest.mark.parametrize("width", [80, 120])
def test_no_number_of_the_table_is_broken_over_two_lines(width: int, tmp_path: Path) -> None:
    long = {f"a_folder_of_logs/with_a_long_name_seed{seed}.log": log_text(seed, bpb) for seed, bpb in SCORES.items()}
    console = Console(width=width, file=io.StringIO())
    with console.capture() as capture:
        console.print(terminal_audit(audited(tmp_path / "entry", logs=long)))
    output = capture.get()
    assert output.count("15,500,038 ") >= len(SCORES)
    assert all(f"{bpb:.6f}" in output for bpb in SCORES.values())
    assert max(map(len, output.splitlines()[2:])) <= width


def test_where_nothing_is_claimed_nothing_is_called_shown(tmp_path: Path) -> None:
    claims = submission(val_bpb=None, val_bpb_std=None, seed_results=None)
    output = run(write_entry(tmp_path / "entry", claims=claims, text="# An entry\n"), code=0)
    assert "no findings, but no score is claimed" in output
    assert "the logs show what is claimed" not in output


def test_no_clock_is_rounded_across_its_limit(tmp_path: Path) -> None:
    late = {"train_seed1337.log": log_text(eval_ms=600_040, train_ms=600_004)}
    folder = write_entry(tmp_path / "entry", logs=late, claims=submission({1337: SCORES[1337]}))
    output = run(folder, code=1)
    assert " 600.004 " in output
    assert " 600.04 " in output
    assert "600.04 s; the limit is 600 s" in output


def test_seeds_that_no_log_prints_are_not_counted_as_none(tmp_path: Path) -> None:
    logs = {"train.log": log_text(None)}
    lines = run(write_entry(tmp_path / "entry", logs=logs, claims=submission({1: SCORES[1337]})), code=0).splitlines()
    (shown,) = (line.split() for line in lines if line.startswith(" seeds "))
    assert shown == ["seeds", "1", "–"]


def test_json_is_one_object_a_line(sound: Path, wrong: Path) -> None:
    first, second = (json.loads(line) for line in run("--json", sound, wrong, code=1).splitlines())
    assert first.keys() == FIELDS
    assert set(first["runs"][0]) >= RUN_FIELDS
    assert first["claimed"] == {"val_bpb": 1.151018, "bytes_total": 15_500_038, "n_seeds": 3}
    assert second["folder"] == str(wrong)
    assert second["findings"][0].keys() == {"kind", "severity", "detail", "evidence"}


def test_markdown_is_a_comment(wrong: Path) -> None:
    output = run("--markdown", wrong, code=1)
    assert output.startswith("### Audit of `wrong`")
    assert "**Errors**" in output
    assert "| train_seed42.log | primary |" in output


def test_all_walks_a_tree_and_writes_a_table(sound: Path, wrong: Path, tmp_path: Path) -> None:
    write_entry(tmp_path / "records" / "deep" / "er" / "third")
    table = tmp_path / "audit.csv"
    output = run("--all", tmp_path / "records", "--table", table, code=1)
    assert "3 folders: 1 with errors, 1 without findings, 0 unreadable" in output
    frame = pd.read_csv(table)
    assert [Path(name).name for name in frame["folder"]] == ["third", "sound", "wrong"]
    assert list(frame["errors"]) == [0, 0, 1]
    assert frame["mean_val_bpb"][0] == pytest.approx(1.15101810)


def test_the_table_as_parquet_holds_the_same(sound: Path, wrong: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for name in ("audit.csv", "audit.parquet"):
        run("--all", tmp_path / "records", "--table", tmp_path / name, code=1)
    parquet, csv = pd.read_parquet(tmp_path / "audit.parquet"), pd.read_csv(tmp_path / "audit.csv")
    assert list(parquet.columns) == list(csv.columns)
    assert list(parquet["kinds"].fillna("")) == list(csv["kinds"].fillna(""))


def test_many_folders_at_once_give_what_each_gives_alone(wrong: Path, tmp_path: Path) -> None:
    for number in range(6):
        write_entry(tmp_path / "records" / f"entry{number}", {"train.log": log_text(number, 1.1 + number / 1000)})
    folders = sorted((tmp_path / "records").iterdir())
    alone = "".join(run("--json", folder, code=1) for folder in folders)
    assert run("--all", "--json", tmp_path / "records", "--table", tmp_path / "a.csv", code=1) == alone
    assert run("--json", *folders, code=1) == alone
    shown = "".join(run(folder, code=1) for folder in folders)
    assert shown.count("its code") == len(folders)
    assert run(*folders, code=1) == shown
    reviewed = "".join(run("--json", "--review", folder, code=1) for folder in folders)
    assert run("--json", "--review", *folders, code=1) == reviewed
    assert run("--all", "--json", "--review", tmp_path / "records", code=1) == reviewed


def test_a_run_that_an_earlier_folder_holds_is_told_of(sound: Path, tmp_path: Path) -> None:
    copied = {"train_seed42.log": log_text(42, SCORES[42])}
    write_entry(tmp_path / "records" / "zz", copied, claims=submission({42: SCORES[42]}), text="# An entry\n")
    lines = run("--all", "--json", tmp_path / "records", "--table", tmp_path / "a.csv", code=0).splitlines()
    first, second = (json.loads(line)["findings"] for line in lines)
    assert first == []
    told = next(one for one in second if one["kind"] == "duplicate_log")
    assert told["severity"] == "info"
    assert told["evidence"] == ["train_seed42.log", str(sound / "train_seed42.log")]


def test_a_table_of_another_kind_is_refused_before_reading(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["golf", "audit", "--all", str(sound.parent), "--table", str(tmp_path / "a.xlsx")]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert ".csv or .parquet" in capsys.readouterr().err


def test_a_tree_without_records_is_the_users_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["golf", "audit", "--all", str(tmp_path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "no record folder" in capsys.readouterr().err


def test_evidence_leads_to_submission_json(wrong: Path) -> None:
    assert "submission.json:val_bpb" in run(wrong, code=1)
    assert len(SCORES) == 3
