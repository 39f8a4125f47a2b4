"""Where arms come from: what is typed, files of scores, our records, anybody's folders; and `golf compare`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reports.record.write import RecordFiles, write_record
from runner.cli.app import app
from runner.errors import UserError
from runner.record.comparison_sources import arm_of
from runner.record.files import read_results
from runner.results.comparisons import Comparison
from tests.fixtures.results import SCRIPT, record
from tests.runner.compare.test_compare import another

RUNNER = CliRunner()


def golf(*words: str) -> tuple[int, str]:
    """Exit code and output of `golf compare`."""
    done = RUNNER.invoke(app, ["compare", *words])
    if isinstance(done.exception, UserError):
        return 2, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def put(data: Any, root: Path) -> Path:
    return write_record(data, RecordFiles(script=SCRIPT), root)


def test_typed_scores_are_an_arm() -> None:
    arm = arm_of("1.0810, 1.0808 1.0812", "A", 2.5831)
    assert (arm.name, arm.val_bpb, arm.nats_per_bpb) == ("A", (1.081, 1.0808, 1.0812), 2.5831)


FILES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain.txt": ("# seeds 1, 2\n1.08\n1.09  # the second\n", {"val_bpb": (1.08, 1.09)}),
    "list.json": ("[1.08, 1.09]", {"val_bpb": (1.08, 1.09)}),
    "object.json": (
        '{"val_bpb": [1.08, 1.09], "nats_per_bpb": 2.5, "seeds": [7, 8], "name": "PR 1"}',
        {"val_bpb": (1.08, 1.09), "nats_per_bpb": 2.5, "seeds": (7, 8), "name": "PR 1"},
    ),
    "submission.json": (
        json.dumps(
            {"seed_results": {"7": {"val_bpb": 1.0, "val_loss": 2.5}, "8": {"val_bpb": 2.0, "val_loss": 5.0}}}
        ),
        {"val_bpb": (1.0, 2.0), "nats_per_bpb": 2.5, "seeds": (7, 8)},
    ),
}


@pytest.mark.parametrize(
    "words", ["1,0810;1,0812", "1,0810 1,0812", "1,0810", "1,5 1,6", "1,5", "1.08,1.09;1.10", "1.081 01.082"]
)
def test_commas_that_may_be_decimal_points_are_refused(words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="its commas may be decimal commas"):
        arm_of(words, "A")
    (tmp_path / "scores.txt").write_text(words)
    with pytest.raises(UserError, match="its commas may be decimal commas"):
        arm_of(str(tmp_path / "scores.txt"), "A")


@pytest.mark.parametrize("words", ["1.081,1.082", "1.081;1.082", "1.081, 1.082", "1.081\n1.082", "1.081,\n1.082"])
def test_one_sign_between_scores_is_understood(words: str) -> None:
    assert arm_of(words, "A").val_bpb == (1.081, 1.082)


@pytest.mark.parametrize("name", FILES)
def test_files_of_scores_are_read(name: str, tmp_path: Path) -> None:
    content, expected = FILES[name]
    (tmp_path / name).write_text(content)
    arm = arm_of(str(tmp_path / name), "A").model_dump()
    assert {key: arm[key] for key in expected} == expected


BROKEN = {
    "words.txt": ("one two", "neither JSON nor numbers"),
    "empty.txt": ("# nothing\n", "neither JSON nor numbers"),
    "negative.txt": ("1.08 -1", "-1.0 is not a score"),
    "nan.txt": ("1.08 nan", "nan is not a score"),
    "cut.json": ('{"val_bpb": [1', "is not JSON"),
    "deep.json": ("[" * 100_000, "is not JSON"),
    "words.json": ('{"val_bpb": ["1.08"]}', "'1.08' is not a score"),
    "truth.json": ("[true, 1.1]", "True is not a score"),
    "other.json": ('{"bpb": 1}', "neither a list val_bpb nor seed_results"),
    "holes.json": ('{"seed_results": {"7": {"val_loss": 1}}}', "None is not a score"),
    "twice.json": ('{"val_bpb": [1.1, 1.2], "seeds": [7, 7]}', "seed 7 stands twice"),
    "zero.json": ('{"val_bpb": [1.1, 1.2], "nats_per_bpb": 0}', "0 is not a score"),
    "large.txt": ("1.1 " * 300_000, "at most 1,000,000 are read"),
    "results.json": ('{"schema_version": 1}', "is not a record's: "),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_file_of_scores_is_one_line_that_names_it(name: str, tmp_path: Path) -> None:
    content, said = BROKEN[name]
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=said) as caught:
        arm_of(str(tmp_path / name), "A")
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_neither_numbers_nor_there_is_refused() -> None:
    code, said = golf("no/such/thing", "1.0,1.1")
    assert (code, said) == (2, "no/such/thing: neither numbers with commas between them nor a file or record folder")
    assert golf("1.0,1.1", "1.0,1.1", "--policy", "progresion")[1].endswith("(did you mean 'progression'?)")
    assert golf("1.0,1.1", "1.0,1.1", "--nats-per-bpb", "-1")[0] == 2
    assert golf("1.0,1.1", "1.0,1.1", "--gain", "nan") == (2, "--gain: nan is not a gain; gains are positive numbers")


def test_a_record_folder_is_read_whole(tmp_path: Path) -> None:
    folder = put(record(), tmp_path)
    assert read_results(folder) == record()
    arm = arm_of(str(folder), "A")
    assert (arm.name, arm.verdict, arm.run, arm.seeds) == (
        folder.name,
        "passed",
        "quickstart-0123abcd",
        (1337, 42, 2024),
    )
    assert len(arm.val_bpb) == len(arm.artifacts) == 3
    assert arm.tokenizer == "ef" * 32
    assert arm.nats_per_bpb == pytest.approx(record().results[0].final_score.val_loss / arm.val_bpb[0])  # type: ignore[union-attr]


def test_two_records_are_compared_and_the_exit_code_is_the_outcome(tmp_path: Path) -> None:
    worse, better = put(record(), tmp_path), put(another(), tmp_path)
    code, said = golf(str(worse), str(better))
    assert code == 0, said
    assert "The claim holds by the policy readme (a gain of at least 0.005 nats/token at p < 0.01): p = 0.0" in said
    assert golf(str(better), str(worse))[0] == 1
    code, said = golf(str(worse), str(worse))
    assert code == 3
    assert "Cannot be decided" in said
    assert "same artifact" in said


@pytest.mark.parametrize("touched", ["results.json", "SHA256SUMS"])
def test_a_record_that_was_changed_by_hand_decides_nothing(touched: str, tmp_path: Path) -> None:
    folder, baseline = put(another(), tmp_path), "9.1,9.2,9.3"
    assert golf(baseline, str(folder), "--policy", "progression")[0] == 0
    path = folder / touched
    if touched == "SHA256SUMS":
        path.unlink()
    else:
        path.write_text(path.read_text().replace('"name": "other"', '"name": "better"'))
    code, said = golf(baseline, str(folder), "--policy", "progression")
    assert code == 3
    assert "results.json is not the one that SHA256SUMS lists" in " ".join(said.split())
    assert "(as its results.json says, passed)" in said


def test_json_holds_everything_that_was_found() -> None:
    code, said = golf("1.10,1.11,1.12", "1.00,1.01,1.03", "--nats-per-bpb", "2.5", "--gain", "0.3", "--json")
    found = Comparison.model_validate_json(said)
    assert (code, found.outcome) == (0, "holds")
    assert found.power_at is not None
    assert found.power_at.gain_nats == pytest.approx(0.3)


def test_lists_without_a_constant_are_decided_in_bpb_where_no_margin_asks_for_nats() -> None:
    assert golf("1.10,1.11,1.12", "1.00,1.01,1.03", "--policy", "progression")[0] == 0
    code, said = golf("1.10,1.11,1.12", "1.00,1.01,1.03")
    assert code == 3
    assert "no nats_per_bpb is known" in said
    assert golf("1.10", "1.00,1.01,1.03", "--policy", "target")[0] == 0


def test_somebody_elses_folder_is_compared_by_what_its_logs_show(tmp_path: Path) -> None:
    folder = tmp_path / "entry"
    folder.mkdir()
    for seed, bpb in ((1, 1.2), (2, 1.21), (3, 1.23)):
        (folder / f"train_seed{seed}.log").write_text(
            f"seed:{seed}\nstep:9/9 train_loss:2.0 train_time:1000ms step_avg:111.1ms\n"
            f"final_int8_zlib_roundtrip_exact val_loss:{bpb * 1.7:.8f} val_bpb:{bpb:.8f}\n"
        )
    (folder / "results.json").write_text('{"anything": "of theirs"}')
    arm = arm_of(str(folder), "A")
    assert arm.val_bpb == (1.2, 1.21, 1.23)
    assert arm.nats_per_bpb == pytest.approx(1.7)
    assert (arm.seeds, arm.origin) == ((1, 2, 3), "as its logs say, not measured here")


def test_scores_that_no_check_confirms_are_called_a_claim_and_not_measured(tmp_path: Path) -> None:
    data = record()
    assert arm_of(str(put(data, tmp_path / "sure")), "A").origin == "measured"
    checks = [
        check.model_copy(update={"status": "unknown"}) if check.name == "process_agreement" else check
        for check in data.verdict.checks
    ]
    unsure = data.model_copy(update={"verdict": data.verdict.model_copy(update={"checks": checks})})
    folder = put(unsure, tmp_path / "unsure")
    assert arm_of(str(folder), "A").origin == "as its script claims, and no check confirms"
    _, said = golf(str(folder), "1.2,1.21,1.22")
    assert "(as its script claims, and no check confirms, " in said


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"val_bpb": [1.1, 1.2], "name": "[red]x[/red]\x1b[2J\n| a |"}))
    code, said = golf(str(tmp_path / "a.json"), "1.0,1.05", "--policy", "progression")
    assert code == 0
    assert "[red]x[/red] [2J | a |" in said
    assert "\x1b" not in said
