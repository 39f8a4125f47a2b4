"""A job's claim: read strictly, its baseline plain data from then on, and what it takes said before anything runs."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from reports.record.write import RecordFiles, write_record
from runner.backends.nodes import Node
from runner.cli.app import app
from runner.job.claim import BaselineSpec, ClaimSpec, SequentialSpec
from runner.job.hardware import PROFILES
from runner.job.load import job_from_mapping, job_hash, resolved, with_seeds
from runner.job.open_data import DataRequest
from runner.job.profiles import with_profile
from runner.job.spec import without_folders
from runner.plan.claim_plan import Past, claim_rows, past_of, planned_deviation
from runner.plan.plan import Plan, make_plan, open_job_data
from runner.plan.run_time import try_time
from runner.statistics import candidate_seeds
from tests.fixtures.results import SCRIPT, record
from tests.runner.job.test_load import GOOD, complaint, parse
from tests.runner.test_cli import write_job

VALUES = "claim: {baseline: {name: 'PR #1', val_bpb: [1.08, 1.081, 1.082], nats_per_bpb: 2.5}, gain: 0.008}\n"


def put(root: Path, **changes: Any) -> Path:
    return write_record(record(**changes), RecordFiles(script=SCRIPT), root)


def claim_of(text: str, folder: Path | None = None) -> ClaimSpec:
    claim = parse(GOOD + text, folder).claim
    assert claim is not None
    return claim


def test_a_list_of_scores_is_a_baseline() -> None:
    claim = claim_of(VALUES)
    assert (claim.policy, claim.gain, claim.baseline.name, claim.baseline.nats_per_bpb) == (
        "readme",
        0.008,
        "PR #1",
        2.5,
    )
    assert claim.baseline.val_bpb == (1.08, 1.081, 1.082)
    assert claim_of("claim: {baseline: [1.08, 1.09], gain: 0.008}\n").baseline.val_bpb == (1.08, 1.09)
    assert parse(GOOD).claim is None


def test_a_record_folder_becomes_plain_data_when_the_job_is_loaded(tmp_path: Path) -> None:
    folder = put(tmp_path)
    for text in (f"{{record: {folder.relative_to(tmp_path)}}}", f"{folder.relative_to(tmp_path)}"):
        baseline = claim_of(f"claim: {{baseline: {text}, gain: 0.01, policy: progression}}\n", tmp_path).baseline
        assert (baseline.record, baseline.name, baseline.verdict) == (None, folder.name, "passed")
        assert baseline.val_bpb == tuple(one.final_score.val_bpb for one in record().results if one.final_score)
    job = parse(f"{GOOD}claim: {{baseline: {folder}, gain: 0.01}}\n")
    stored = json.dumps(without_folders(resolved(job)))
    assert str(tmp_path) not in stored  # a record tells no folder of this machine


def test_a_resolved_claim_needs_its_record_no_more(tmp_path: Path) -> None:
    folder = put(tmp_path)
    job = parse(f"{GOOD}claim: {{baseline: {folder}, gain: 0.01}}\n")
    folder.rename(tmp_path / "elsewhere")
    assert job_from_mapping(json.loads(json.dumps(resolved(job))), source="job.json") == job
    assert with_seeds(job, [9]).claim == job.claim


def test_a_claim_decides_no_result() -> None:
    assert job_hash(parse(GOOD), "script", {"a": "1"}) == job_hash(parse(GOOD + VALUES), "script", {"a": "1"})


def test_a_rehearsal_on_other_text_claims_nothing() -> None:
    assert with_profile(parse(GOOD + VALUES), "small").claim is None


MISTAKES = {
    "no baseline": ("claim: {gain: 0.01}", "claim.baseline: is required; add it"),
    "no gain": ("claim: {baseline: [1.1, 1.2]}", "claim.gain: is required; add it"),
    "misspelt": ("claim: {baseline: [1.1], gian: 0.1}", "claim.gian: unknown key (did you mean 'gain'?)"),
    "no score": (
        "claim: {baseline: {name: x}, gain: 0.1}",
        "claim.baseline.val_bpb: give the score of each seed, or record",
    ),
    "both": (
        "claim: {baseline: {record: x, val_bpb: [1.1]}, gain: 0.1}",
        "claim.baseline.record: the text 'x' cannot work: give either record or val_bpb, not both",
    ),
    "words for scores": (
        "claim: {baseline: [1.1, 'x'], gain: 0.1}",
        "claim.baseline.val_bpb.1: must be a number, not the text 'x'",
    ),
    "a score of nothing": ("claim: {baseline: [0.0], gain: 0.1}", "claim.baseline.val_bpb.0: must be greater than "),
    "a gain that cannot be shown": (
        "claim: {baseline: [1.1, 1.2], gain: 0.005}",
        "claim.gain: 0.005 cannot work: policy readme asks for more than 0.005 nats/token",
    ),
    "no gain at all": ("claim: {baseline: [1.1], gain: 0, policy: target}", "claim.gain: must be greater than 0"),
    "unknown policy": (
        "claim: {baseline: [1.1], gain: 1, policy: progress}",
        "claim.policy: the text 'progress' is not one of readme, progression, target (did you mean 'progression'?)",
    ),
    "no folder": ("claim: {baseline: none/such, gain: 1}", "claim.baseline.record: "),
    "no mapping": ("claim: 5", "claim: must be a mapping, not 5"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistaken_claim_is_one_line_with_file_line_field_and_advice(name: str) -> None:
    text, said = MISTAKES[name]
    assert complaint(f"{GOOD}{text}\n").startswith(f"job.yaml:20: {said}")


@pytest.mark.parametrize("content", ["{", '{"name": "\\nforged: 1"}', None])
def test_a_baseline_that_is_no_record_is_one_line(content: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    if content is not None:
        (folder / "results.json").write_text(content)
    said = complaint(f"{GOOD}claim: {{baseline: {folder}, gain: 1}}\n")
    assert said.startswith("job.yaml:20: claim.baseline.record: ")
    assert "\n" not in said
    scoreless = put(tmp_path, results=[], verifications=[])
    said = complaint(f"{GOOD}claim: {{baseline: {scoreless}, gain: 1}}\n")
    assert "holds no score" in said


# ---- the plan ----

CLAIM = ClaimSpec(baseline=BaselineSpec(name="PR #1", val_bpb=(1.08, 1.081, 1.082)), gain=0.02)


def plan_of(tiny_data: DataRequest, tmp_path: Path, hardware: str = "cpu", nodes: int = 1) -> Plan:
    text = write_job(tmp_path, tiny_data, "hardware: cpu", f"hardware: {hardware}").read_text()
    from runner.yaml_lines import load_yaml

    job = job_from_mapping(load_yaml(text, "job.yaml")[0], source="job.yaml")
    profile = PROFILES[hardware]
    node = Node(cpus=64, gpus=profile.gpus, accelerator=profile.accelerator, labels=profile.labels)
    return make_plan(job, open_job_data(job, lambda line: None), 1000, [node] * nodes)


def claim_lines(plan: Plan, claim: ClaimSpec, past: Past) -> list[tuple[str, str]]:
    return claim_rows(plan, plan.data.facts, try_time(plan, None), claim, past)


def rows_of(plan: Plan, claim: ClaimSpec, past: Past) -> dict[str, str]:
    return dict(claim_lines(plan, claim, past))


def test_the_plan_counts_seeds_at_the_claimed_gain_by_the_jobs_own_text(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    plan = plan_of(tiny_data, tmp_path)
    facts = plan.data.facts
    constant = math.log(2) * facts.val_bytes / facts.val_tokens
    needed = candidate_seeds(0.015 / constant, (0.001, 0.001), 3, 0.01)
    rows = rows_of(plan, CLAIM, Past())
    assert rows["claim"] == (
        "a true gain of 0.02 nats/token over PR #1 (1.081000 ± 0.001000 bpb, 3 seeds); "
        "policy readme: a gain of at least 0.005 nats/token at p < 0.01"
    )
    assert rows["seeds needed"].startswith(f"{needed} against the baseline as it is or ")
    assert "the job's 2 show it with a probability of 0." in rows["seeds needed"]
    assert rows["deviation"].startswith("0.001000 bpb between seeds, taken from the baseline")


def test_hours_and_dollars_are_those_of_the_seeds_that_are_needed(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan = plan_of(tiny_data, tmp_path, "h100x1")
    rows = rows_of(plan, CLAIM, Past(seconds=(585.0, 585.0)))
    seeds = int(rows["seeds needed"].split()[0])
    hours = seeds * 600 / 3600
    assert f"({hours:.2f} h), about ${2.7 * hours:.2f} on 1 node at $2.7 an hour each" in rows["for those"]
    assert "a seed took 585 s here, mean of 2" in rows["for those"]
    unknown = rows_of(plan, CLAIM, Past())["for those"]
    assert "at most, by the limits" in unknown
    assert "$" not in rows_of(plan_of(tiny_data, tmp_path), CLAIM, Past())["for those"]


def test_a_claim_with_looks_is_planned_by_what_it_is_expected_to_take(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan = plan_of(tiny_data, tmp_path, "h100x1")
    asked = CLAIM.model_copy(update={"sequential": SequentialSpec(least=3, most=5)})
    lines = claim_lines(plan, asked, Past(seconds=(585.0,)))
    rows = {name: told for name, told in lines if name}
    few, _, expected = rows["seeds"].partition(" to 5: ")
    assert few == "3"
    assert 3.0 <= float(expected.split()[0]) < 3.5
    assert rows["shown"].startswith("with a probability of ")
    assert rows["for those"].startswith("30 min expected, about $1.35 on 1 node at $2.7 an hour each")
    told = [told for name, told in lines if not name]
    assert [words.split(":")[0] for words in told[:3]] == ["after 3 seeds", "after 4 seeds", "after 5 seeds"]
    assert told[3] == "the job lists 2 seeds: list all 5, in the order in which to run them"
    assert "needed" not in rows


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"least": 9, "most": 9}, "must be more than least"),
        ({"alpha": 0.05}, "policy readme allows at most 0.01"),
        ({"least": 1}, "greater than or equal to 2"),
    ],
)
def test_looks_that_decide_nothing_are_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ClaimSpec.model_validate({**CLAIM.model_dump(exclude={"sequential"}), "sequential": asked})


def test_without_the_data_the_plan_says_that_seeds_cannot_be_counted(tiny_data: DataRequest, tmp_path: Path) -> None:
    plan = plan_of(tiny_data, tmp_path)
    rows = dict(claim_rows(plan, None, try_time(plan, None), CLAIM, Past()))
    assert rows["seeds needed"] == "not known without the data: what a nat per token is in bits per byte"
    assert rows["deviation"].startswith("0.001000 bpb")
    assert "for those" not in rows


def test_a_deviation_of_finished_seeds_comes_before_the_baselines(tmp_path: Path) -> None:
    own = (1.0, 1.002, 1.001)
    assert planned_deviation(CLAIM, Past(own)) == (
        statistics.stdev(own),
        "of 3 finished seeds of this configuration",
    )
    assert planned_deviation(CLAIM, Past((1.0,)))[0] == pytest.approx(0.001)
    alone = CLAIM.model_copy(update={"baseline": BaselineSpec(val_bpb=(1.08,))})
    assert planned_deviation(alone, Past())[0] is None


def test_a_baseline_of_one_seed_or_a_rejected_one_is_said_before_anything_is_spent(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    plan = plan_of(tiny_data, tmp_path)
    alone = CLAIM.model_copy(update={"baseline": BaselineSpec(val_bpb=(1.08,))})
    rows = claim_lines(plan, alone, Past((1.0, 1.002)))
    assert ("", "cannot be decided: baseline has one seed: without a second there is no deviation to test by") in rows
    assert dict(rows)["seeds needed"] == "not known: the baseline has no deviation of its own"
    rejected = CLAIM.model_copy(update={"baseline": CLAIM.baseline.model_copy(update={"verdict": "rejected"})})
    assert ("", "cannot be decided: PR #1 is rejected, so its scores do not count") in claim_lines(
        plan, rejected, Past()
    )
    target = ClaimSpec(baseline=BaselineSpec(val_bpb=(1.08,)), gain=0.01, policy="target")
    assert dict(claim_lines(plan, target, Past((1.0, 1.002))))["seeds needed"].split()[0].isdecimal()


def past_result(seed: int, bpb: float, hardware: str = "cpu", **changes: Any) -> dict[str, Any]:
    result = {
        "seed": seed,
        "status": "completed",
        "final_score": {"val_bpb": bpb},
        "host": {"hardware": hardware},
        "train": {"wall_seconds": 10.0},
        "eval": {"wall_seconds": 2.0},
    }
    return {**result, **changes}


def put_run(root: Path, name: str, job: dict[str, Any], results: list[dict[str, Any]]) -> None:
    for number, result in enumerate(results):
        folder = root / "runs" / name / "seeds" / str(result["seed"]) / f"attempt-{number + 1}"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(result))
    (root / "runs" / name / "job.json").write_text(json.dumps(job))


def test_finished_seeds_of_the_same_configuration_and_data_are_found_once(tmp_path: Path) -> None:
    job = parse(GOOD)
    own = json.loads(json.dumps(resolved(job)))
    put_run(
        tmp_path,
        "one-1",
        own,
        [past_result(1, 1.1), past_result(2, 1.2, "h100x8"), past_result(3, 9.0, status="failed")],
    )
    put_run(tmp_path, "copy-1", own, [past_result(1, 1.1)])
    put_run(tmp_path, "data-1", {**own, "data": {"path": "/x/other"}}, [past_result(1, 1.4)])
    put_run(tmp_path, "config-1", {**own, "config": {}}, [past_result(1, 1.5)])
    put_run(
        tmp_path,
        "odd-1",
        own,
        [past_result(4, math.nan), past_result(5, True, final_score=[1]), past_result(6, 1.3, host=3)],
    )
    past = past_of(tmp_path, job, "", "cpu")
    assert past.scores == (1.1, 1.3, 1.2)
    assert past.seconds == (12.0,)


def test_plan_prints_what_the_claim_takes_and_starts_nothing(
    tiny_data: DataRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_job(tmp_path, tiny_data)
    path.write_text(path.read_text() + "claim: {baseline: [3.2, 3.21, 3.22], gain: 0.2, policy: progression}\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["plan", "job.yaml"])
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "a true gain of 0.2 nats/token over baseline (3.210000 ± 0.010000 bpb, 3 seeds)" in told
    assert "seeds needed 2 against the baseline as it is or 2 in each arm" in told
    assert "for those" in told
    assert [found.name for found in tmp_path.iterdir()] == ["job.yaml"]
