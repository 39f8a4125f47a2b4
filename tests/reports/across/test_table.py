"""Tables of many records: the same numbers at every level, verdicts beside them, and hostile names harmless."""

from __future__ import annotations

import io
import json
import math
import statistics
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from scipy import stats
from typer.testing import CliRunner

from reports.across.pages import FORMATS, NAMES, chosen_format, headline, sections, to_csv, to_markdown, to_parquet
from reports.across.table import COLUMNS, STATISTICS, Found, across_frame
from reports.record.write import RecordFiles, write_record
from runner.cli.app import app
from runner.compare.compare import compare
from runner.errors import UserError
from runner.record.comparison_sources import arm_of_record
from runner.record.files import impossible
from runner.results.record import RecordData
from tests.fixtures.odd_values import ODD, spoilt
from tests.fixtures.results import (
    LOSSES,
    SCRIPT,
    failed_result,
    failed_verification,
    record,
    run_result,
    score,
    verification,
)
from tests.reports.record.test_readme import HOSTILE, hostile, rejected_by_size
from tests.runner.compare.test_compare import BETTER, another

RUNNER = CliRunner()


def unverified() -> RecordData:
    data = record([run_result(1337), run_result(42, eval=None), run_result(2024)])
    return data.model_copy(update={"name": "third", "run": "third-33333333"})


def put(data: RecordData, root: Path) -> Path:
    return write_record(data, RecordFiles(script=SCRIPT), root)


def frame_of(*records: RecordData | str) -> pd.DataFrame:
    return across_frame([Found(Path(f"folder-{number}"), data) for number, data in enumerate(records)])


def row(frame: pd.DataFrame, level: str, number: int = 0) -> pd.Series:
    return frame[frame["level"] == level].iloc[number]


def golf(*words: str) -> tuple[int, str, str]:
    """Exit code, output and messages of `golf report`."""
    done = RUNNER.invoke(app, ["report", *words])
    if isinstance(done.exception, UserError):
        return 2, "", str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_a_job_has_the_statistics_of_its_seeds_in_both_units() -> None:
    frame = frame_of(record())
    for unit, values in (
        ("val_loss", list(LOSSES.values())),
        ("val_bpb", [score(loss).val_bpb for loss in LOSSES.values()]),
    ):
        job = row(frame, "job")
        mean, std = statistics.fmean(values), statistics.stdev(values)
        half = float(stats.t.ppf(0.975, 2)) * std / math.sqrt(3)
        expected = (3, mean, std, std / math.sqrt(3), mean - half, mean + half, min(values), max(values))
        assert [job[f"{unit}_{name}"] for name in STATISTICS] == pytest.approx(expected)


def test_a_seed_is_its_own_mean_and_has_no_deviation() -> None:
    seed = row(frame_of(record()), "seed", 1)
    assert (seed["seed"], seed["status"], seed["verdict"]) == (42, "completed", "passed")
    assert seed["val_loss_mean"] == seed["val_loss_min"] == seed["val_loss_max"] == LOSSES[42]
    assert (seed["val_loss_n"], seed["total_bytes"], seed["steps"]) == (1, 1_551_407, 410)
    assert seed[["val_loss_std", "val_bpb_standard_error", "val_bpb_low"]].isna().all()


def test_across_jobs_each_job_counts_once_whatever_its_number_of_seeds() -> None:
    single = another({7: 3.5}, name="single", run="single-1")
    across = row(frame_of(record(), another(), single), "jobs")
    means = [statistics.fmean(LOSSES.values()), statistics.fmean(BETTER.values()), 3.5]
    assert across["val_loss_n"] == 3
    assert across["val_loss_mean"] == pytest.approx(statistics.fmean(means))
    assert across["val_loss_std"] == pytest.approx(statistics.stdev(means))


def test_jobs_stand_together_only_with_the_same_verdict_track_and_data() -> None:
    facts = record().data
    elsewhere = facts.model_copy(update={"files": {**facts.files, "fineweb_val_000000.bin": "00" * 32}})
    frame = frame_of(
        record(),
        rejected_by_size(),
        another(track="non_record_16mb"),
        another(run="o-2", data=elsewhere),
        unverified(),
    )
    groups = frame[frame["level"] == "jobs"]
    assert len(groups) == 5
    assert set(groups["val_bpb_n"]) == {1}
    training = facts.model_copy(update={"files": {**facts.files, "fineweb_train_000000.bin": "00" * 32}})
    assert len(frame_of(record(), another(data=training)).query("level == 'jobs'")) == 1


def changed_job(**config: int) -> RecordData:
    """A record of the same name and another configuration."""
    run = f"quickstart-{sum(config.values()):08}"
    return another(job={**record().job, "config": {"model": config}}, name="quickstart", run=run)


def test_a_mean_is_made_of_jobs_of_one_configuration_only() -> None:
    frame = frame_of(record(), another(), changed_job(num_layers=3))
    groups = frame[frame["level"] == "jobs"]
    assert groups["val_bpb_n"].tolist() == [2, 1]
    assert groups["configuration"].nunique() == 2
    page = to_markdown(frame).decode().split("## Across jobs of one configuration")[1].split("##")[0]
    assert len([line for line in page.splitlines() if " bpb |" in line]) == 1, "of one job there is no mean to make"
    assert "Across" not in to_markdown(frame_of(record(), changed_job(num_layers=3))).decode()


def test_records_of_one_name_say_what_tells_them_apart() -> None:
    frame = frame_of(changed_job(num_layers=3, model_dim=64), changed_job(num_layers=9, model_dim=64))
    jobs = frame[frame["level"] == "job"]
    assert jobs["differs"].tolist() == ["model.num_layers 3", "model.num_layers 9"]
    page = to_markdown(frame).decode()
    assert "differs" in page
    assert "num_layers 9" in page.replace("\\_", "_")
    alone = frame_of(record())
    assert row(alone, "job")["differs"] == ""
    assert "differs" not in to_markdown(alone).decode()
    many = frame_of(*(changed_job(**dict.fromkeys("abcdef", number)) for number in (1, 2)))
    assert row(many, "job")["differs"] == "model.a 1, model.b 1, model.c 1, model.d 1 and 2 more"


def test_a_run_that_lies_there_twice_counts_once_across_jobs() -> None:
    frame = frame_of(record(), record(), another())
    assert row(frame, "jobs")["val_bpb_n"] == 2
    assert row(frame, "job", 1)["note"] == "the same run as folder-0, which counts across jobs"
    assert "the same run as folder-0" in to_markdown(frame).decode()


def test_what_measured_nothing_is_missing_and_not_zero() -> None:
    data = record(
        [run_result(1337), failed_result(42)], [verification(1337), failed_verification(42)], seeds=(1337, 42)
    )
    frame = frame_of(data, record([], []))
    crashed = row(frame, "seed", 1)
    assert crashed[["val_bpb_mean", "total_bytes", "steps"]].isna().all()
    assert crashed["val_bpb_n"] == 0
    job = row(frame, "job")
    assert (job["val_bpb_n"], job["verdict"]) == (1, "rejected")
    assert pd.isna(job["val_bpb_std"])
    assert row(frame, "job", 1)["val_bpb_n"] == 0
    assert "nan" not in to_markdown(frame).decode().lower()


def test_three_verdicts_stand_side_by_side(tmp_path: Path) -> None:
    for data in (record(), another(), rejected_by_size().model_copy(update={"run": "big-1"}), unverified()):
        put(data, tmp_path)
    code, page, _ = golf(*(str(tmp_path / name) for name in ("records", "rejected", "unverified")))
    assert code == 0
    assert "4 records, 2 passed, 1 rejected, 1 unverified." in page
    jobs = page.split("## Jobs")[1].split("## Across")[0]
    assert [line.split(" | ")[1] for line in jobs.splitlines() if line.startswith("| ") and "bpb" in line] == [
        "passed",
        "passed",
        "rejected",
        "unverified",
    ]
    assert golf(str(tmp_path))[1] == page


def test_broken_folders_are_one_line_each_and_the_rest_is_tabulated(tmp_path: Path) -> None:
    good = put(record(), tmp_path)
    for name, content in (("cut", '{"name": '), ("other", '{"name": 1}'), ("empty", "")):
        (tmp_path / "records" / "local" / name).mkdir()
        (tmp_path / "records" / "local" / name / "results.json").write_text(content)
    foreign = tmp_path / "records" / "local" / "foreign"
    foreign.mkdir()
    (foreign / "submission.json").write_text("{}")
    code, page, said = golf(str(tmp_path / "records"), str(tmp_path / "nowhere"), str(good / "README.md"))
    assert code == 2
    assert "1 record, 1 passed, 6 not read." in page
    lines = said.strip().splitlines()
    assert len(lines) == 6
    assert all(line.startswith("golf: ") for line in lines)
    for part in (
        "cut/results.json: is not JSON",
        "has no results.json",
        "there is no such folder",
        "is a file",
    ):
        assert len([line for line in lines if part in line]) == 1
    assert "Traceback" not in said


def test_a_record_that_was_changed_after_it_was_written_and_a_circle_of_links_show_no_number(tmp_path: Path) -> None:
    changed = put(record(), tmp_path) / "results.json"
    changed.write_text(changed.read_text().replace('"val_bpb": 1.7', '"val_bpb": 1.2'))
    (tmp_path / "loop").symlink_to("loop")
    code, page, said = golf(str(tmp_path / "records"), str(tmp_path / "loop"))
    assert (code, "0 records, 2 not read." in page) == (2, True)
    assert "results.json: is not the file that SHA256SUMS lists, so no number of it is shown" in said
    assert "loop: there is no such folder" in said


@pytest.mark.parametrize(
    "change",
    [
        {"results": [{**run_result().model_dump(mode="json"), "seed": 10**29}]},
        {"results": [{**run_result().model_dump(mode="json"), "attempt": -1}]},
        {"limits": {}},
        {"limits": {"cap_bytes": "NaN", "train_seconds": 1, "eval_seconds": 1}},
        {"limits": {"cap_bytes": 1e300, "train_seconds": 1, "eval_seconds": 1}},
    ],
)
def test_what_no_run_can_have_written_is_one_line(change: dict[str, object], tmp_path: Path) -> None:
    content = {**record().model_dump(mode="json"), **change}
    (tmp_path / "results.json").write_text(json.dumps(content))
    code, page, said = golf(str(tmp_path), "--format", "md")
    assert code == 2
    assert "0 records, 1 not read." in page
    assert said.startswith(f"golf: {tmp_path}/results.json: is not a record's: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e308, -1e308])
def test_scores_beyond_all_sense_count_as_not_measured(value: float) -> None:
    wild = score(3.7).model_copy(update={"val_loss": value, "val_bpb": value})
    frame = frame_of(record([run_result(seed, final_score=wild) for seed in (1337, 42)], seeds=(1337, 42)))
    assert row(frame, "job")["val_bpb_n"] == row(frame, "seed")["val_bpb_n"] == 0
    assert row(frame, "jobs")[["val_loss_mean", "val_loss_std"]].isna().all()
    assert to_markdown(frame)


def test_a_broken_folder_of_a_hostile_name_is_still_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "a\nb\x1b[2J <script>"
    folder.mkdir()
    (folder / "results.json").write_text("{")
    code, page, said = golf(str(tmp_path), "--format", "html")
    assert (code, said.count("\n")) == (2, 1)
    assert "\x1b" not in said + page
    assert "<script>" not in page.partition("</main>")[0]


def test_a_folder_named_twice_counts_once_and_half_written_ones_are_not_seen(tmp_path: Path) -> None:
    folder = put(record(), tmp_path)
    hidden = folder.parent / ".x.tmp"
    hidden.mkdir()
    (hidden / "results.json").write_text("{")
    code, page, _ = golf(str(folder), str(tmp_path), str(folder.parent))
    assert code == 0
    assert "1 record, 1 passed." in page


def test_every_format_holds_the_same_numbers(tmp_path: Path) -> None:
    put(record(), tmp_path)
    put(another(), tmp_path)
    for name in NAMES:
        code, said, _ = golf(str(tmp_path), "--output", str(tmp_path / f"t.{name}"))
        assert (code, said) == (0, f"{tmp_path / f't.{name}'}: 2 folders\n")
    one, two = pd.read_csv(tmp_path / "t.csv"), pd.read_parquet(tmp_path / "t.parquet")
    assert list(one.columns) == list(two.columns) == list(COLUMNS)
    assert one["level"].tolist() == ["seed"] * 6 + ["job"] * 2 + ["jobs"]
    for column in ("val_bpb_mean", "val_loss_high", "train_seconds"):
        assert one[column].tolist() == pytest.approx(two[column].astype(float).tolist(), nan_ok=True, rel=1e-15)
    mean = f"{one['val_bpb_mean'].iloc[-1]:.6f}"
    assert mean in (tmp_path / "t.md").read_text()
    assert f'<td class="r">{mean}</td>' in (tmp_path / "t.html").read_text()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--format", "xls"], "'xls' is not one of md, html, csv, parquet"),
        (["--format", "parquet"], "name a file with --output"),
    ],
)
def test_a_format_that_cannot_be_made_is_refused(words: list[str], part: str, tmp_path: Path) -> None:
    put(record(), tmp_path)
    code, page, said = golf(str(tmp_path), *words)
    assert (code, page) == (2, "")
    assert part in said


def test_a_place_that_takes_no_file_is_refused(tmp_path: Path) -> None:
    folder = put(record(), tmp_path)
    code, _, said = golf(str(tmp_path), "--output", str(folder / "README.md" / "t.md"))
    assert code == 2
    assert "README.md" in said


# ---- hostile names ----


def tame(data: RecordData) -> RecordData:
    return RecordData.model_validate_json(data.model_dump_json().replace(json.dumps(HOSTILE)[1:-1], "tame"))


def test_hostile_names_change_nothing_of_a_pages_structure() -> None:
    evil, good = frame_of(hostile(), f"{HOSTILE}: broken"), frame_of(tame(hostile()), "tame: broken")
    parser = MarkdownIt("commonmark").enable("table")
    one, two = (parser.parse(to_markdown(frame).decode()) for frame in (evil, good))
    assert [token.type for token in one] == [token.type for token in two]
    inside = {child.type for token in one for child in token.children or []}
    assert not inside & {"html_inline", "link_open", "image"}


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x")', "+1", "-1", "@x", 'a,b\n"c"', "\x1b[2J"])
def test_a_hostile_name_in_csv_is_one_cell_and_no_formula(name: str) -> None:
    frame = frame_of(record(name=name))
    read = pd.read_csv(io.BytesIO(to_csv(frame)))
    assert len(read) == len(frame)
    assert not str(read["job"].iloc[0]).startswith(("=", "+", "-", "@"))
    assert "\x1b" not in to_csv(frame).decode()
    assert len(pd.read_parquet(io.BytesIO(to_parquet(frame)))) == len(frame)


WHOLE = json.loads(record().model_dump_json())


@given(st.data())
@settings(max_examples=60)
def test_any_value_anywhere_in_results_json_is_tabulated_or_refused(data: st.DataObject) -> None:
    mutated = spoilt(data, WHOLE, ODD | st.sampled_from([1e308, -1.0, 0, "NaN", "Infinity", HOSTILE]))
    try:
        found = RecordData.model_validate_json(json.dumps(mutated))
    except ValueError:
        return
    if impossible(found):
        return
    frame = frame_of(found, record())
    for make in FORMATS.values():
        assert make(frame)
    compare(arm_of_record(found), arm_of_record(another()))


def test_no_record_at_all_is_an_empty_page() -> None:
    frame = across_frame([])
    assert headline(frame) == "0 records."
    assert sections(frame) == []
    assert to_csv(frame).decode().count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "output", "chosen"),
    [
        (None, None, "md"),
        (None, "x", "md"),
        (None, "x.md", "md"),
        (None, "x.TXT", "md"),
        (None, "x.htm", "html"),
        (None, "x.csv", "csv"),
        ("html", "x.pdf", "html"),
    ],
)
def test_a_file_is_written_in_the_format_of_its_ending(asked: str | None, output: str | None, chosen: str) -> None:
    assert chosen_format(asked, None if output is None else Path(output)) == chosen


@pytest.mark.parametrize("output", ["x.pdf", "x.json", "x.md.gz"])
def test_an_ending_of_no_format_is_refused(output: str) -> None:
    with pytest.raises(UserError, match=rf"^--output {output}: .* is none of md, html, csv, parquet"):
        chosen_format(None, Path(output))
