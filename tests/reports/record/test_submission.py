"""submission.json: the keys of merged records, only measured values."""

from __future__ import annotations

import json
import math
import statistics

import jsonschema
import pytest

from reports.record.submission import submission, submission_json
from runner.results.nodes import Host
from runner.results.record import RecordData
from tests.fixtures.full_record import told_record
from tests.fixtures.places import ROOT
from tests.fixtures.results import (
    LOSSES,
    challenge_facts,
    failed_result,
    failed_verification,
    phase,
    record,
    run_result,
    score,
    verification,
)

KEYS = [
    "author", "github_id", "name", "blurb", "date", "track", "validation_text", "val_loss", "val_bpb",
    "val_loss_std", "val_bpb_std", "seeds", "seed_results", "bytes_total", "bytes_code", "bytes_model_max",
    "hardware", "gpu_memory_mib", "pytorch_version", "cuda_version",
    "verdict", "open_questions", "compliance",
]  # fmt: skip


SCHEMA = json.loads((ROOT / "reports" / "record" / "submission.schema.json").read_text())


def test_the_published_schema_is_one_and_has_the_very_keys() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert list(SCHEMA["properties"]) == SCHEMA["required"] == KEYS


@pytest.mark.parametrize(
    "data",
    [
        record(),
        told_record(),
        record([], [], date=""),
        record([run_result(1337, final_score=score(math.nan)), failed_result(42)], seeds=(1337, 42)),
        record([run_result(1337, eval=None)], seeds=(1337,), job={}),
    ],
)
def test_what_is_written_is_valid_by_the_published_schema(data: RecordData) -> None:
    jsonschema.validate(json.loads(submission_json(data)), SCHEMA, jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "change",
    [
        {"val_bpb": "1.2"},
        {"bytes_total": 1.5},
        {"more": 1},
        {"compliance": {"cap": True}},
        {"date": "today"},
        {"verdict": "fine"},
        {"open_questions": [1]},
    ],
)
def test_the_schema_refuses_what_is_not_meant(change: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**submission(record()), **change}, SCHEMA, jsonschema.Draft202012Validator)


def test_it_has_the_keys_of_merged_records_in_their_order() -> None:
    content = submission(record())
    assert list(content) == KEYS
    assert list(content["seed_results"]) == ["1337", "42", "2024"]
    assert content["seed_results"]["42"] == {
        "val_loss": 3.68875,
        "val_bpb": score(3.68875).val_bpb,
        "artifact_bytes": 1_530_062,
        "steps": 410,
        "step_avg_ms": 141.22,
        "train_time_s": pytest.approx(57.93142),
        "eval_time_s": 6.512,
    }


def test_the_text_is_named_unless_it_is_the_challenges() -> None:
    assert submission(record())["validation_text"] == "asv (not shown to be the challenge's text)"
    assert submission(record(data=challenge_facts()))["validation_text"] is None


def test_means_deviations_and_largest_sizes_are_over_all_seeds() -> None:
    content = submission(record())
    assert content["val_loss"] == pytest.approx(statistics.mean(LOSSES.values()))
    assert content["val_loss_std"] == pytest.approx(statistics.stdev(LOSSES.values()))
    assert content["bytes_total"] == 21_345 + 1_532_044
    assert (content["bytes_code"], content["bytes_model_max"]) == (21_345, 1_532_044)


def test_what_a_crashed_seed_left_unmeasured_is_null_and_so_is_the_mean() -> None:
    content = submission(
        record([run_result(1337), failed_result(42)], [verification(1337), failed_verification(42)], seeds=(1337, 42))
    )
    assert set(content["seed_results"]["42"].values()) == {None}
    assert [content[key] for key in ("val_loss", "val_bpb", "val_bpb_std", "bytes_total")] == [None] * 4
    assert content["compliance"]["seeds_complete"] == "fail"


def test_compliance_says_pass_fail_or_unknown_by_the_worst_seed() -> None:
    late, unseen = run_result(42, train=phase("train", 99.0)), run_result(2024, eval=None)
    compliance = submission(record([run_result(1337), late, unseen]))["compliance"]
    assert (compliance["train_clock"], compliance["eval_clock"], compliance["bytes_total"]) == (
        "fail",
        "unknown",
        "pass",
    )


def test_what_the_track_requires_and_nobody_knows_is_an_open_question() -> None:
    unseen = record([run_result(1337), run_result(42, eval=None), run_result(2024)])
    content = submission(unseen)
    assert (content["verdict"], content["open_questions"]) == (
        "unverified",
        ["Evaluation in time?"],
    )
    assert {check.name for check in unseen.verdict.checks if check.status == "unknown" and not check.required}
    passed = submission(record())
    assert (passed["verdict"], passed["open_questions"]) == ("passed", [])


def test_no_author_no_gpu_and_no_cuda_are_null_not_made_up() -> None:
    content = submission(record(job={"author": "", "blurb": ""}))
    assert [content[key] for key in ("author", "github_id", "blurb", "gpu_memory_mib", "cuda_version")] == [None] * 5
    assert (content["pytorch_version"], content["hardware"]) == ("2.13.0", "cpu: A CPU")


def test_gpu_memory_is_the_largest_of_the_seeds_on_gpus() -> None:
    host = Host(node="n", hardware="gpu", device="A GPU", cpus=8, nproc=1, versions={"cuda": "12.8"})
    log = run_result().log.model_copy(update={"peak_memory_mib": 10_184})
    content = submission(record([run_result(1337, host=host), run_result(42, host=host, log=log)], seeds=(1337, 42)))
    assert (content["gpu_memory_mib"], content["cuda_version"]) == (10_184, "12.8")


def test_it_is_strict_json_even_where_a_score_is_not_a_number() -> None:
    data = record([run_result(1337, final_score=score(math.nan))], seeds=(1337,))
    content = json.loads(submission_json(data), parse_constant=pytest.fail)
    assert content["seed_results"]["1337"]["val_bpb"] is None
