"""Tables and how numbers are written: exact, sample statistics, and nothing where nothing was measured."""

from __future__ import annotations

import math
import statistics

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.numbers import beside, count, fixed, mean_and_std, signed
from reports.tables import NUMBERS, figure, seed_table, summary_table, to_csv
from runner.results.frozen import Interval
from runner.results.phases import LogFacts
from tests.fixtures.results import (
    LOSSES,
    failed_result,
    failed_verification,
    phase,
    record,
    run_result,
    score,
    verification,
)


def test_bytes_add_up_to_the_total_and_leave_the_headroom() -> None:
    row = seed_table(record()).to_dict("records")[0]
    assert (row["code_bytes"], row["artifact_bytes"], row["total_bytes"]) == (21_345, 1_531_357, 1_552_702)
    assert row["headroom_bytes"] == 16_000_000 - 1_552_702


def test_bytes_are_those_the_referee_counted_not_those_of_the_log() -> None:
    log = LogFacts(code_bytes=1, model_bytes=1, total_bytes=2)
    data = record([run_result(1337, log=log, code_bytes=1)], [verification(1337)], seeds=(1337,))
    assert seed_table(data)["total_bytes"].tolist() == [1_552_702]


def test_mean_and_std_are_those_of_a_sample() -> None:
    summary = summary_table(seed_table(record()))
    losses = [LOSSES[seed] for seed in (1337, 42, 2024)]
    assert figure(summary, "n", "val_loss") == 3
    assert figure(summary, "mean", "val_loss") == pytest.approx(statistics.mean(losses), rel=1e-14)
    assert figure(summary, "std", "val_loss") == pytest.approx(statistics.stdev(losses), rel=1e-12)


def test_one_seed_has_no_standard_deviation() -> None:
    summary = summary_table(seed_table(record(seeds=(1337,))))
    assert math.isnan(figure(summary, "std", "val_bpb"))
    assert mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb")) == "1.7455 ± n/a"


def test_a_crashed_seed_has_gaps_and_stays_out_of_the_mean() -> None:
    data = record(
        [run_result(1337), run_result(42), failed_result(2024)],
        [verification(1337), verification(42), failed_verification(2024)],
    )
    seeds = seed_table(data)
    measured = [name for name in NUMBERS if not seeds[name].isna()[2]]
    assert measured == ["code_bytes"]
    summary = summary_table(seeds)
    assert figure(summary, "n", "val_bpb") == 2
    assert figure(summary, "mean", "val_bpb") == pytest.approx((score(3.70125).val_bpb + score(3.68875).val_bpb) / 2)


def test_numbers_that_are_not_numbers_count_as_not_measured() -> None:
    log = run_result().log.model_copy(update={"steps": 10**400, "step_avg_ms": math.inf})
    data = record([run_result(1337, log=log, final_score=score(math.nan))], seeds=(1337,))
    row = seed_table(data).iloc[0]
    assert row[["steps", "step_avg_ms", "val_loss", "val_bpb"]].isna().all()


@pytest.mark.parametrize(("high", "number"), [(55.5, 55.5), (55.51, None)])
def test_a_clock_known_to_half_a_second_is_a_number_and_a_wider_one_is_its_two_ends(
    high: float, number: float | None
) -> None:
    train = phase("train", 1.0, clock=Interval(low=55.0, high=high))
    row = seed_table(record([run_result(1337, train=train)], seeds=(1337,))).iloc[0]
    assert (row["train_seconds_low"], row["train_seconds_high"]) == (55.0, high)
    assert row["train_seconds"] == number if number is not None else math.isnan(row["train_seconds"])


def test_a_clock_that_nobody_saw_has_neither_a_number_nor_ends() -> None:
    train = phase("train", 1.0, clock=None, strict_clock=None)
    row = seed_table(record([run_result(1337, train=train)], seeds=(1337,))).iloc[0]
    names = [f"{kind}train_seconds{end}" for kind in ("", "strict_") for end in ("", "_low", "_high")]
    assert row[names].isna().all()


def test_csv_keeps_every_digit_and_leaves_gaps_empty() -> None:
    data = record([run_result(1337), failed_result(42)], [verification(1337)], seeds=(1337, 42))
    lines = to_csv(seed_table(data)).splitlines()
    assert lines[0].startswith("seed,attempt,status,steps,step_avg_ms")
    assert repr(score(3.70125).val_bpb) in lines[1].split(",")
    assert lines[2] == "42,1,failed" + "," * len(NUMBERS)


def test_a_table_of_no_seed_is_empty_but_whole() -> None:
    seeds = seed_table(record([], []))
    assert (len(seeds), list(seeds.columns)[3:]) == (0, list(NUMBERS))
    assert figure(summary_table(seeds), "n", "val_bpb") == 0


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [
        (1.71034, 0.00431, "1.7103 ± 0.0043"),
        (1.20737944, 0.000412, "1.20738 ± 0.00041"),
        (1.20737944, 0.0000004, "1.20737944 ± 0.00000040"),
        (1.5, 0.0, "1.5000 ± 0.0000"),
        (1.5, math.nan, "1.5000 ± n/a"),
        (math.nan, math.nan, "–"),
    ],
)
def test_a_mean_shows_two_digits_of_its_deviation(mean: float, std: float, text: str) -> None:
    assert mean_and_std(mean, std) == text


@pytest.mark.parametrize("value", [None, math.nan, math.inf, pd.NA])
def test_what_is_missing_is_a_dash(value: object) -> None:
    assert (count(value), fixed(value, 2), beside(value, 60.0), signed(value, 2)) == ("–", "–", "–", "–")


@pytest.mark.parametrize(
    ("value", "digits", "text"), [(0.60944, 4, "+0.6094"), (-8716.0, 0, "-8,716"), (-0.00001, 4, "+0.0000")]
)
def test_a_difference_has_its_sign(value: float, digits: int, text: str) -> None:
    assert signed(value, digits) == text


def test_nothing_that_is_left_of_a_negative_number_has_no_sign() -> None:
    assert [fixed(-0.00001, 4), fixed(-0.0, 2), fixed(-0.00005001, 4), fixed(-1234.5, 1)] == [
        "0.0000",
        "0.00",
        "-0.0001",
        "-1,234.5",
    ]


def test_bytes_are_written_to_the_byte() -> None:
    assert count(16_000_001) == "16,000,001"


@given(st.floats(-1e-7, 1e-7), st.sampled_from([60.0, 600.0]))
def test_a_duration_is_never_rounded_across_its_limit(offset: float, limit: float) -> None:
    value = round(limit + offset, 9)
    assert (float(beside(value, limit)) <= limit) == (value <= limit)
