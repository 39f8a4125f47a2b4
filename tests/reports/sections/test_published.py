"""Published figures beside ours: none without its word, none made up, none left out."""

from __future__ import annotations

from typing import Any

import pytest

from reports.sections.published import Beside, overall_bpb, overall_lines, published, reference_of, seed_lines
from tests.fixtures.results import (
    failed_result,
    failed_verification,
    phase,
    record,
    reference,
    reproduction,
    run_result,
    score,
    verification,
)


def overall(**changes: Any) -> dict[str, Beside]:
    """The lines over all seeds by their titles."""
    return {line.title: line for line in overall_lines(reproduction(), reference(**changes))}


def shown(line: Beside) -> tuple[str, str, str | None]:
    return line.ours.shown, line.theirs.shown, line.difference


def test_a_job_that_reproduces_nothing_has_no_reference() -> None:
    assert reference_of(record()) is None
    assert reference_of(record(job={"reference": None})) is None
    assert reference_of(reproduction()) == reference()


def test_a_published_mean_keeps_every_digit_and_its_word() -> None:
    line = overall(claimed={"bpb": 1.15385454}, seeds=[])["bpb, mean ± std"]
    assert shown(line) == ("1.7445 ± 0.0045", "1.15385454 (claimed)", "+0.5906")


def test_without_a_published_mean_it_is_that_of_their_seeds() -> None:
    assert shown(overall()["bpb, mean ± std"])[1:] == ("1.1373 ± 0.0017 (2 seeds, log)", "+0.6072")


def test_a_claim_over_all_seeds_steps_behind_the_seeds_that_have_a_log() -> None:
    seeds = [
        {"seed": 1, "logged": {"bytes_total": 17_545_138, "bpb": 1.15385454}},
        {"seed": 2, "claimed": {"bytes_total": 18_000_000}},
    ]
    lines = overall(claimed={"bytes_total": 15_162_375}, logged={"bpb": 1.15}, seeds=seeds)
    theirs = "17,545,138 (1 seed, log); 15,162,375 (claimed)"
    assert shown(lines["total B, largest"])[1:] == (theirs, "-15,991,749")
    assert lines["bpb, mean ± std"].theirs.shown == "1.15 (log)"


def test_seeds_that_rest_on_different_words_say_both() -> None:
    seeds = [{"seed": 1, "logged": {"steps": 400}}, {"seed": 2, "claimed": {"steps": 420}}]
    line = overall(seeds=seeds)["steps, mean ± std"]
    assert shown(line) == ("410 ± 0", "410 ± 14 (2 seeds, log and claimed)", "+0")


def test_of_bytes_the_largest_counts() -> None:
    seeds = [{"seed": seed, "logged": {"artifact_bytes": size}} for seed, size in ((1, 15_518_077), (2, 15_565_024))]
    line = overall(seeds=seeds)["artifact B, largest"]
    assert shown(line) == ("1,532,044", "15,565,024 (2 seeds, log)", "-14,032,980")


def test_what_they_did_not_publish_is_said_to_be_so_and_has_no_difference() -> None:
    assert shown(overall()["ms/step, mean ± std"]) == ("141.22 ± 0.00", "not published", None)


def test_what_we_did_not_measure_is_said_to_be_so_and_has_no_difference() -> None:
    data = record([failed_result(1337)], [failed_verification(1337)], seeds=(1337,), model_params=None)
    lines = {line.title: line for line in overall_lines(data, reference())}
    assert shown(lines["steps, mean ± std"]) == ("not measured", "9,126 (1 seed, log)", None)
    assert shown(lines["parameters"]) == ("not measured", "26,666,073 (claimed)", None)


def test_a_mean_of_some_of_our_seeds_says_of_how_many() -> None:
    data = record(
        [run_result(1337), failed_result(42)], [verification(1337), failed_verification(42)], seeds=(1337, 42)
    )
    assert overall_bpb(data, reference()).ours.shown == "1.7455 ± n/a (1 of 2 seeds)"


def test_log_and_claim_that_contradict_stand_side_by_side_and_the_log_is_compared_with() -> None:
    entry = {"logged": {"bytes_total": 17_545_138}, "claimed": {"bytes_total": 15_162_375}}
    side = published(entry, "bytes_total")
    assert (side.shown, side.value) == ("17,545,138 (log); 15,162,375 (claimed)", 17_545_138)


def test_each_seed_of_either_run_has_its_bpb_and_whatever_was_published_of_it() -> None:
    lines = [(seed, line.title, *shown(line)) for seed, line in seed_lines(reproduction(), reference())]
    assert lines == [
        (1337, "bpb", "1.7455", "1.1361 (log); 1.13 (claimed)", "+0.6094"),
        (1337, "steps", "410", "9,126 (log)", "-8,716"),
        (42, "bpb", "1.7396", "not published", None),
        (2024, "bpb", "1.7484", "not published", None),
        (7, "bpb", "not measured", "1.13854 (log)", None),
    ]


def test_the_plain_score_is_that_of_the_fresh_process() -> None:
    data = record([run_result(1337, eval_score=score(3.8), final_score=score(3.6, "sliding"))], seeds=(1337,))
    seeds = [{"seed": 1337, "logged": {"plain_bpb": 1.7, "bpb": 1.6}}]
    lines = {line.title: line.ours.shown for _, line in seed_lines(data, reference(seeds=seeds))}
    assert lines == {"bpb": "1.6977", "bpb without a sliding window": "1.7920"}


@pytest.mark.parametrize("key", ["train_seconds", "eval_seconds", "peak_memory_mib", "step_avg_ms", "pre_quant_bpb"])
def test_every_figure_of_the_block_has_a_line(key: str) -> None:
    data = record([run_result(1337, train=phase("train", 57.9))], seeds=(1337,))
    [line] = [
        line
        for _, line in seed_lines(data, reference(seeds=[{"seed": 1337, "claimed": {key: 57}}]))
        if line.title != "bpb"
    ]
    assert line.theirs.shown == "57 (claimed)"
    assert line.ours.value is not None
