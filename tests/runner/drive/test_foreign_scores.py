"""Scripts of other people from start to verdict: what their scores prove, and what they are told to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.record.readme import render_readme
from reports.record.write import RecordFiles, write_record
from reports.terminal.summary import terminal_summary
from runner.drive.assess import JudgedRun
from runner.job.open_data import DataRequest
from runner.record.folder import open_record
from runner.record.verify import verify_record
from runner.results.verdicts import Check
from tests.fixtures.scoring_scripts import ALONE, OFFICIAL, WINDOWED, WINDOWED_OUTPUTS
from tests.runner.drive.test_run import Screen
from tests.runner.job.test_external_script import foreign_job, run_foreign

CLOCKS = {"train_clock", "eval_clock", "log_clock"}
SWITCH = {"eval_env": {"EVAL_ONLY": "1"}}


def run_script(data: DataRequest, folder: Path, source: str, **changes: Any) -> JudgedRun:
    job = foreign_job(data, folder, **changes)
    (folder / "their_train.py").write_text(source)
    return run_foreign(job, data, folder)


def check(done: JudgedRun, name: str) -> Check:
    (found,) = [one for one in done.data.verdict.checks if one.name == name]
    return found


def shown(done: JudgedRun) -> str:
    screen = Screen()
    screen.console.print(terminal_summary(done.data, Path("records/x")))
    return screen.text


def test_a_script_with_a_switch_and_eight_decimals_passes_all_but_its_clocks(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done = run_script(tiny_data, tmp_path, OFFICIAL, outputs=SWITCH)
    (result,) = done.data.results
    assert result.status == "completed", result.reason
    open_ones = {one.name for one in done.data.verdict.checks if one.required and one.status != "pass"}
    assert open_ones <= CLOCKS
    assert result.train_score == result.eval_score == result.final_score
    assert result.final_score is not None
    assert (result.final_score.printed_loss, result.final_score.tokens) == ("2.50001700", None)
    assert result.log.lengths == [16]
    text = done.data.data.val_tokens - 1
    covered = check(done, "bpb_arithmetic")
    assert covered.measured == f"by ratio, all whole sequences of 16; {text % 16} of {text:,} left out (0.26 %)"
    assert check(done, "process_agreement").measured == "the same digits"
    assert done.data.score_alone == []
    beside = "That its probabilities sum to one is the script's own arithmetic"
    assert beside in shown(done)
    assert beside in render_readme(done.data)


def test_a_script_that_scores_otherwise_alone_is_rejected_with_both_numbers(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done = run_script(tiny_data, tmp_path, OFFICIAL, outputs=SWITCH, env={"DRIFT": "1e-8"})
    agreement = check(done, "process_agreement")
    assert agreement.status == "fail"
    assert "loss 2.50001700" in agreement.detail
    assert "loss 2.50001701" in agreement.detail
    assert done.data.verdict.status == "rejected"


def test_a_fresh_process_that_prints_another_score_is_compared_with_none(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done = run_script(tiny_data, tmp_path, OFFICIAL, outputs=SWITCH, env={"ALONE_NAME": "final_sliding"})
    agreement = check(done, "process_agreement")
    assert agreement.status == "unknown"
    assert "printed no final_sliding; its last score is final_int8_zlib_roundtrip" in agreement.detail


@pytest.mark.parametrize(
    ("env", "status", "said"),
    [
        ({"DIGITS": "4"}, "unknown", "print both with 8 decimals"),
        ({"DIGITS": "4", "COUNTS": "1"}, "pass", "all whole sequences of 16"),
        ({"SHARE": "0.7"}, "fail", "other text, a part of it"),
        ({"SHARE": "0.7", "COUNTS": "1"}, "fail", "a number of tokens that it names itself"),
    ],
)
def test_what_a_script_prints_decides_what_is_known_of_its_coverage(
    env: dict[str, str], status: str, said: str, tiny_data: DataRequest, tmp_path: Path
) -> None:
    covered = check(run_script(tiny_data, tmp_path, OFFICIAL, outputs=SWITCH, env=env), "bpb_arithmetic")
    assert (covered.status, said in covered.detail) == (status, True)


def test_another_dialect_says_what_it_covers_by_groups_of_its_pattern(tiny_data: DataRequest, tmp_path: Path) -> None:
    outputs = {**WINDOWED_OUTPUTS, "eval_env": {"MODE": "eval"}}
    done = run_script(tiny_data, tmp_path, WINDOWED, outputs=outputs, env={"COUNTS": "1", "FRESH_ALIKE": "1"})
    (result,) = done.data.results
    assert result.status == "completed", result.reason
    assert check(done, "process_agreement").status == "pass"
    final = result.final_score
    assert final is not None
    assert (final.rule, final.printed_loss, final.tokens) == ("script", "3.062500000", 3008)
    covered = check(done, "bpb_arithmetic")  # 24 of 3,032: the windows never score the first tokens
    assert (covered.status, covered.measured) == ("fail", "by ratio, the last 3,008 tokens")


def test_a_script_that_cannot_score_alone_is_told_in_its_own_words(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run_script(tiny_data, tmp_path, ALONE)
    assert done.data.verdict.status == "unverified"
    assert check(done, "bpb_arithmetic").status == "pass"
    lines = [
        "their_train.py reads no variable that makes it score only. Give it one, and put into the job:",
        "  outputs:",
        '    eval_env: {EVAL_ONLY: "1"}',
        "With EVAL_ONLY=1 it must",
        "  1. not train: only script, artifact, tokenizer and validation shards are there;",
        "  2. load final_model.int8.ptz from its working folder and score it with its evaluate_model();",
        "  3. print final_int8_zlib_roundtrip val_loss:… val_bpb:… again, and end with exit code 0.",
    ]
    assert done.data.score_alone == lines
    for page in (shown(done), render_readme(done.data)):
        assert "\n".join(lines) in "\n".join(line.rstrip() for line in page.splitlines())


def test_a_script_that_has_a_switch_which_its_job_does_not_name_is_told_its_name(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    done = run_script(tiny_data, tmp_path, OFFICIAL)
    assert done.data.score_alone[0].startswith("their_train.py reads EVAL_ONLY (line ")
    assert done.data.score_alone[2] == '    eval_env: {EVAL_ONLY: "1"}'


def test_a_written_record_is_verified_by_the_lines_of_its_own_dialect(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run_script(tiny_data, tmp_path, OFFICIAL, outputs=SWITCH)
    files = RecordFiles(
        script=done.script.source,
        flat_script=done.script.flat or None,
        logs=done.logs,
        ledger=done.folder.ledger,
        tokenizer=done.tokenizer,
    )
    folder = write_record(done.data, files, tmp_path / "out")
    answers = {one.name: one for one in verify_record(open_record(folder))}
    assert {name: one.status for name, one in answers.items() if one.status != "pass"} == {}
    assert answers["log"].limit == "2.76402653 bpb"
    log = folder / "train_seed1.log"
    log.write_text(log.read_text().replace("val_loss:2.50001700", "val_loss:2.50001701"))
    assert {one.name: one.status for one in verify_record(open_record(folder))}["log"] == "fail"
    log.write_text("nothing\n")
    assert {one.name: one.measured for one in verify_record(open_record(folder))}["log"] == "no line with a score"
