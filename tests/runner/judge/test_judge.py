"""The verdict: what must pass, what an unknown does, and that nothing but the evidence decides."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.job.tracks import TRACKS
from runner.judge.checks import CHECK_NAMES
from runner.judge.judge import judge
from runner.listing import listed
from runner.results.frozen import Interval, Status
from runner.results.nodes import Host
from runner.results.phases import Artifact, PhaseResult, Score
from runner.results.runs import RunResult, Training
from runner.results.verdicts import Check, Verdict, Verification, Yardstick
from tests.fixtures.results import (
    BYTES,
    LOCAL,
    LOSSES,
    SCRIPT_SHA256,
    TOKENS,
    data_facts,
    failed_result,
    failed_verification,
    phase,
    run_result,
    score,
    verification,
)

SEEDS = (1337, 42, 2024)


def verdict(
    results: Sequence[RunResult] | None = None,
    verifications: Sequence[Verification] | None = None,
    **changes: Any,
) -> Verdict:
    """Judge three honest seeds, but for what the test changes."""
    base: dict[str, Any] = {
        "required": LOCAL,
        "cap_bytes": 16_000_000,
        "train_seconds": 60.0,
        "eval_seconds": 60.0,
        "seeds": SEEDS,
        "script_sha256": SCRIPT_SHA256,
        "nproc": 1,
        "allowed_hardware": (),
        "results": [run_result(seed) for seed in SEEDS] if results is None else results,
        "verifications": [verification(seed) for seed in SEEDS] if verifications is None else verifications,
        "data": data_facts(),
    }
    return judge(**{**base, **changes})


def check_of(name: str, result: RunResult, counted: Verification | None = None, **changes: Any) -> Check:
    """The one answer to a question per seed, for one seed."""
    known = verification(result.seed) if counted is None else counted
    answers = verdict([result], [known], seeds=(result.seed,), **changes).checks
    return next(check for check in answers if check.name == name)


def with_phase(seen: PhaseResult) -> RunResult:
    """An honest seed but for this phase."""
    return run_result().model_copy(update={seen.phase: seen})


def on_gpu() -> Host:
    return Host(node="n", hardware="gpu", device="cuda:0", cpus=8, nproc=1)


# ---- the verdict ----


def test_three_honest_seeds_pass_with_no_reason() -> None:
    judged = verdict()
    assert (judged.status, judged.reasons) == ("passed", [])
    # The text is a corpus, which a local track allows.
    assert {check.name for check in judged.checks if check.status != "pass"} == {"validation_text"}
    assert {check.name for check in judged.checks} == CHECK_NAMES


def test_a_failed_required_check_rejects_before_unknown_ones_and_gives_one_line_each() -> None:
    slow = run_result(42, train=phase("train", 62.3), eval=None)
    judged = verdict([run_result(1337), slow, run_result(2024)])
    assert judged.status == "rejected"
    assert judged.reasons == [
        "Training in time? No for seed 42: 62.30 s; limit 60 s + 1 s (strict 63.55 s)",
        (
            "Log and referee agree on the time? No for seed 42: 4.40 s apart; limit 0.5 s or 1 % "
            "(log 57.90 s, referee 62.30 to 62.30 s)"
        ),
        "Evaluation in time? Unknown for seed 42: not measured; limit 60 s",
    ]


def test_a_reason_that_several_seeds_share_is_given_once_with_what_differs() -> None:
    slow = [
        run_result(seed, train=phase("train", seconds)) for seed, seconds in ((1337, 62.3), (42, 62.3), (2024, 63))
    ]
    judged = verdict(slow, required=LOCAL - {"log_clock"})
    assert judged.reasons == [
        (
            "Training in time? No for seeds 1337, 42, 2024: 62.30 s, 63.00 s; limit 60 s + 1 s "
            "(strict 63.55 s; strict 64.25 s)"
        ),
    ]
    unseen = [run_result(seed, eval=None) for seed in (1337, 42, 2024)]
    assert verdict(unseen, required=frozenset({"eval_clock"})).reasons == [
        "Evaluation in time? Unknown for seeds 1337, 42, 2024: not measured; limit 60 s",
    ]


def test_an_unknown_required_check_leaves_the_run_unverified() -> None:
    judged = verdict([run_result(1337), run_result(42, eval=None), run_result(2024)])
    assert judged.status == "unverified"
    assert judged.reasons == ["Evaluation in time? Unknown for seed 42: not measured; limit 60 s"]


def test_a_check_that_is_not_required_is_shown_and_decides_nothing() -> None:
    late = run_result(42, train=phase("train", 62.3))
    judged = verdict([run_result(1337), late, run_result(2024)], required=LOCAL - {"train_clock", "log_clock"})
    assert judged.status == "passed"
    shown = [check for check in judged.checks if check.name == "train_clock" and check.seed == 42]
    assert [(check.status, check.required) for check in shown] == [("fail", False)]


def test_a_track_that_requires_nothing_verifies_nothing() -> None:
    judged = verdict(required=frozenset())
    assert (judged.status, judged.reasons) == ("unverified", ["The track requires no check."])


def test_a_job_without_a_seed_is_told_so() -> None:
    judged = verdict([], [], seeds=())
    assert (judged.status, judged.reasons[-1]) == ("unverified", "The job asks for no seed.")


def test_a_required_check_nobody_knows_is_unknown() -> None:
    judged = verdict(required=LOCAL | {"phase_of_the_moon"})
    assert judged.status == "unverified"
    assert "phase_of_the_moon" in judged.reasons[0]


@given(st.sets(st.sampled_from(sorted(CHECK_NAMES))), st.sampled_from([(), SEEDS]))
def test_no_results_never_pass(required: set[str], seeds: tuple[int, ...]) -> None:
    assert verdict([], [], required=frozenset(required), seeds=seeds).status != "passed"


@given(st.sets(st.sampled_from(sorted(CHECK_NAMES))))
def test_no_seed_asked_for_never_passes(required: set[str]) -> None:
    assert verdict(required=frozenset(required), seeds=()).status != "passed"


def test_a_crashed_seed_rejects_the_run_and_claims_nothing_for_it() -> None:
    judged = verdict(
        [run_result(1337), run_result(42), failed_result(2024)],
        [verification(1337), verification(42), failed_verification(2024)],
    )
    assert judged.status == "rejected"
    assert "seed 2024 failed" in judged.reasons[0]
    of_crashed = [check for check in judged.checks if check.seed == 2024]
    assert {check.status for check in of_crashed} == {"unknown"}


# ---- properties ----

Bend = Callable[[RunResult, Verification], tuple[RunResult, Verification]]


def bend_result(**changes: Any) -> Bend:
    return lambda result, counted: (result.model_copy(update=changes), counted)


def bend_log(**changes: Any) -> Bend:
    return lambda result, counted: (
        result.model_copy(update={"log": result.log.model_copy(update=changes)}),
        counted,
    )


def bend_count(**changes: Any) -> Bend:
    return lambda result, counted: (result, counted.model_copy(update=changes))


WITHOUT: dict[str, Bend] = {
    "bytes_total": bend_count(artifact_bytes=None),
    "train_clock": bend_result(train=None),
    "train_clock of a process without events": bend_result(train=phase("train", 50.0, clock=None)),
    "eval_clock": bend_result(eval=None),
    "eval_clock of a process without events": bend_result(eval=phase("eval", 5.0, clock=None)),
    "artifact_hash": bend_result(artifact=None),
    "artifact_hash on disk": bend_count(artifact_sha256=None),
    "process_agreement": bend_result(train_score=None),
    "process_agreement of the fresh process": bend_result(eval_score=None),
    "bpb_arithmetic": bend_count(val_tokens=None),
    "bpb_arithmetic in bytes": bend_count(val_bytes=None),
    "bpb_arithmetic of the published score": bend_count(final_tokens=None),
    "no_nan": bend_result(final_score=None),
    "hardware": bend_result(host=None),
    "hardware in the log": bend_log(device_type=None),
    "distinct_seeds": bend_log(seed=None),
    "log_clock": bend_log(train_seconds=None),
    "data_after_freeze": bend_result(train=phase("train", 57.9, reads_watched=False)),
    "eval_isolated": bend_result(eval=phase("eval", 5.0, isolated=None)),
    "distinct_seeds by artifact": lambda result, counted: (
        result.model_copy(update={"artifact": None}),
        counted.model_copy(update={"artifact_sha256": None}),
    ),
    "one_environment": bend_result(host=None),
}


def test_a_log_that_does_not_tell_its_seed_says_how_it_could() -> None:
    silent = [run_result(seed, log=run_result(seed).log.model_copy(update={"seed": None})) for seed in SEEDS]
    answers = verdict(silent, [verification(seed) for seed in SEEDS]).checks
    check = next(check for check in answers if check.name == "distinct_seeds")
    assert check.status == "unknown"
    assert check.detail.endswith(
        f"print seed:{min(SEEDS)} on a line of its own, or name the line that tells it in outputs.seed"
    )


def seeds_check(results: list[RunResult], counted: list[Verification]) -> tuple[str, str]:
    """Answer and words of "a different run for every seed?"."""
    (check,) = (check for check in verdict(results, counted).checks if check.name == "distinct_seeds")
    return check.status, check.detail


def test_seeds_whose_weights_differ_only_in_padding_are_no_two_runs() -> None:
    results = [run_result(seed) for seed in SEEDS]
    apart = [verification(seed, weights_sha256=f"{seed:064}") for seed in SEEDS]
    assert seeds_check(results, apart) == ("pass", "")
    padded = [verification(seed, weights_sha256="0" * 64) for seed in SEEDS]
    assert seeds_check(results, padded) == (
        "fail",
        f"seeds {listed(sorted(SEEDS))} froze the same weights: only padding or packing differs",
    )


def test_two_seeds_of_the_same_weights_are_too_many() -> None:
    counted = [verification(seed, weights_sha256="0" * 64 if seed != SEEDS[0] else "1" * 64) for seed in SEEDS]
    status, told = seeds_check([run_result(seed) for seed in SEEDS], counted)
    assert (status, told) == (
        "fail",
        f"seeds {listed(sorted(SEEDS[1:]))} froze the same weights: only padding or packing differs",
    )


@pytest.mark.parametrize(("printed", "status"), [("2.03861234", "unknown"), ("2.0386", "pass"), ("", "unknown")])
def test_seeds_with_one_score_to_many_digits_may_be_one_run(printed: str, status: str) -> None:
    same = Score(rule="plain", val_loss=2.03861234, val_bpb=1.2074, printed_loss=printed)
    results = [run_result(seed, final_score=same) for seed in SEEDS]
    assert seeds_check(results, [verification(seed) for seed in SEEDS])[0] == status


@pytest.mark.parametrize("what", WITHOUT)
@pytest.mark.parametrize("seed", SEEDS)
def test_evidence_that_is_missing_makes_its_check_unknown_and_the_run_unverified(what: str, seed: int) -> None:
    bent = {seed: (run_result(seed), verification(seed)) for seed in SEEDS}
    bent[seed] = WITHOUT[what](*bent[seed])
    name = what.split()[0]
    judged = verdict(
        [pair[0] for pair in bent.values()], [pair[1] for pair in bent.values()], required=LOCAL | {name}
    )
    assert judged.status == "unverified"
    assert [c.status for c in judged.checks if c.name == name and c.seed in (seed, None)] == ["unknown"]


@given(st.sampled_from(sorted(WITHOUT)), st.sets(st.sampled_from(sorted(CHECK_NAMES))))
def test_a_required_check_without_evidence_never_passes(what: str, others: set[str]) -> None:
    result, counted = WITHOUT[what](run_result(), verification())
    required = frozenset({what.split()[0], *others})
    assert verdict([result], [counted], required=required, seeds=(1337,)).status != "passed"


@given(st.sampled_from(["results", "verifications"]), st.sampled_from(SEEDS))
def test_a_seed_without_any_result_or_count_never_passes(which: str, seed: int) -> None:
    results = [run_result(s) for s in SEEDS if which != "results" or s != seed]
    counts = [verification(s) for s in SEEDS if which != "verifications" or s != seed]
    assert verdict(results, counts).status != "passed"


numbers = st.one_of(st.none(), st.floats(allow_nan=True), st.sampled_from([0.0, 59.9, 61.0, 61.01, 1e-9]))
intervals = st.one_of(st.none(), st.builds(Interval, low=st.floats(), high=st.floats()))
scores = st.one_of(
    st.none(),
    st.builds(
        Score,
        rule=st.sampled_from(["plain", "sliding"]),
        val_loss=st.floats(),
        val_bpb=st.floats(),
        tokens=st.sampled_from([None, 0, TOKENS, 10**400]),
        bytes=st.sampled_from([None, 0, BYTES, 10**400]),
    ),
    st.just(score(3.7)),
)


@st.composite
def any_result(draw: st.DrawFn) -> RunResult:
    """A result with any of its parts missing, broken or fine."""
    result = run_result(draw(st.sampled_from([*SEEDS, 7])))
    log = result.log.model_copy(
        update={
            "step_avg_ms": draw(numbers),
            "train_seconds": draw(numbers),
            "steps": draw(st.sampled_from([None, 0, 410, 10**400])),
            "saw_nan": draw(st.booleans()),
        }
    )
    return result.model_copy(
        update={
            "status": draw(st.sampled_from(["completed", "failed"])),
            "script_sha256": draw(st.sampled_from([SCRIPT_SHA256, "0" * 64])),
            "artifact": draw(st.sampled_from([None, result.artifact])),
            "train": draw(st.sampled_from([None, phase("train", 50.0, clock=draw(intervals))])),
            "eval": draw(st.sampled_from([None, phase("eval", 5.0, clock=draw(intervals))])),
            "log": log,
            "train_score": draw(scores),
            "eval_score": draw(scores),
            "final_score": draw(scores),
            "host": draw(st.sampled_from([None, result.host, on_gpu()])),
        }
    )


@st.composite
def any_count(draw: st.DrawFn) -> Verification:
    """A count of any seed with any part missing or other."""
    return verification(
        draw(st.sampled_from([*SEEDS, 7])),
        code_bytes=draw(st.sampled_from([0, 21_345, 16_000_001])),
        artifact_bytes=draw(st.sampled_from([None, 0, 16_000_000])),
        artifact_sha256=draw(st.sampled_from([None, "ab" * 32, "12" * 32])),
        val_tokens=draw(st.sampled_from([None, 0, TOKENS])),
        val_bytes=draw(st.sampled_from([None, 0, BYTES])),
        final_rule=draw(st.sampled_from([None, "plain", "exact_tail"])),
        final_tokens=draw(st.sampled_from([None, 0, TOKENS])),
        final_bytes=draw(st.sampled_from([None, 0, BYTES])),
    )


some_checks = st.frozensets(st.sampled_from([*sorted(CHECK_NAMES), "unheard_of"]))


@given(st.data(), st.lists(any_result(), max_size=5), st.lists(any_count(), max_size=5), some_checks)
def test_the_order_of_the_evidence_changes_nothing(
    data: st.DataObject, results: list[RunResult], counts: list[Verification], required: frozenset[str]
) -> None:
    one = verdict(results, counts, required=required, allowed_hardware=("cpu",))
    other = verdict(
        data.draw(st.permutations(results)),
        data.draw(st.permutations(counts)),
        required=required,
        allowed_hardware=("cpu",),
    )
    assert one.model_dump_json() == other.model_dump_json()


@given(st.lists(any_result(), max_size=4), st.lists(any_count(), max_size=4), some_checks)
def test_the_verdict_follows_from_the_required_checks_alone(
    results: list[RunResult], counts: list[Verification], required: frozenset[str]
) -> None:
    judged = verdict(results, counts, required=required)
    of_required = {check.status for check in judged.checks if check.name in required}
    expected: dict[bool, str] = {True: "rejected", False: "unverified"}
    assert judged.status == ("passed" if of_required == {"pass"} else expected["fail" in of_required])
    assert required <= {check.name for check in judged.checks}
    assert all(check.required == (check.name in required) for check in judged.checks)


# ---- single questions ----


@pytest.mark.parametrize(
    ("artifact_bytes", "status"),
    [(15_978_655, "pass"), (15_978_656, "fail"), (None, "unknown")],
)
def test_the_cap_counts_script_and_artifact_to_the_byte(artifact_bytes: int | None, status: Status) -> None:
    check = check_of("bytes_total", run_result(), verification(1337, artifact_bytes=artifact_bytes))
    assert (check.status, check.limit) == (status, "16,000,000 B")
    if artifact_bytes is not None:
        assert check.measured == f"{artifact_bytes + 21_345:,} B"


UNKNOWN_BYTES = (
    "1,000,000 B of a tokenizer or sidecars that nobody knows are not counted, "
    "and whether weights are in them is not known"
)


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        (
            {"code_bytes": 41_345, "variable_bytes": 20_000},
            "pass",
            "script 41,345 B (20,000 B of the job's variables among them) + artifact 15,000,000 B",
        ),
        (
            {"code_bytes": 1_021_345, "tokenizer_bytes": 1_000_000},
            "fail",
            "script 1,021,345 B (1,000,000 B of a tokenizer of its own among them) + artifact 15,000,000 B",
        ),
        (
            {"carried_bytes": 1_000_000},
            "unknown",
            f"script 21,345 B + artifact 15,000,000 B; {UNKNOWN_BYTES}",
        ),
        ({"carried_bytes": 900_000}, "pass", "script 21,345 B + artifact 15,000,000 B"),
    ],
)
def test_the_cap_counts_what_else_could_hold_weights(changes: dict[str, int], status: Status, detail: str) -> None:
    check = check_of("bytes_total", run_result(), verification(1337, artifact_bytes=15_000_000, **changes))
    assert (check.status, check.detail) == (status, detail)


def test_a_script_over_the_cap_fails_even_without_an_artifact() -> None:
    counted = verification(1337, code_bytes=16_000_001, artifact_bytes=None)
    assert check_of("bytes_total", run_result(), counted).status == "fail"


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (60.9, 61.0, "pass"),
        (61.0, 61.001, "unknown"),
        (61.001, 61.001, "fail"),
        (55.0, 700.0, "unknown"),
        (70.0, 50.0, "unknown"),
        (-5.0, 50.0, "unknown"),
        (math.nan, math.nan, "unknown"),
    ],
)
def test_the_training_clock_has_one_second_of_grace_and_doubts_what_straddles(
    low: float, high: float, status: Status
) -> None:
    result = run_result(train=phase("train", 1.0, clock=Interval(low=low, high=high)))
    assert check_of("train_clock", result).status == status


def test_slow_steps_widen_the_training_clock_to_two_of_them() -> None:
    log = run_result().log.model_copy(update={"steps": 400})
    check = check_of("train_clock", run_result(log=log, train=phase("train", 603.0)), train_seconds=600.0)
    assert (check.status, check.measured, check.limit) == ("pass", "603.00 s", "600 s + 3.015 s")
    late = check_of("train_clock", run_result(log=log, train=phase("train", 603.1)), train_seconds=600.0)
    assert (late.status, late.limit) == ("fail", "600 s + 3.016 s")


@pytest.mark.parametrize("steps", [None, 0, -1, 10**400])
def test_a_number_of_steps_that_cannot_be_true_buys_no_grace(steps: int | None) -> None:
    log = run_result().log.model_copy(update={"steps": steps, "step_avg_ms": 30_000.0})
    check = check_of("train_clock", run_result(log=log, train=phase("train", 62.0)))
    assert (check.status, check.limit) == ("fail", "60 s + 1 s")


@pytest.mark.parametrize(
    ("limit", "after", "status"),
    [(100.0, 60.0, "pass"), (100.0, 60.1, "unknown"), (600.0, 150.0, "pass"), (600.0, 151.0, "unknown")],
)
def test_what_a_foreign_script_does_long_after_its_stop_line_may_be_training(
    limit: float, after: float, status: str
) -> None:
    stop = Interval(low=98.0, high=109.0)
    train = phase("train", 99.0, events={}, strict_clock=stop, frozen_seconds=stop.high + after)
    check = check_of("train_clock", run_result(train=train), train_seconds=limit)
    assert check.status == status
    assert f"artifact written {after:.1f} s after the line that ends training" in check.detail


@pytest.mark.parametrize(
    ("limit", "seconds", "status", "shown"),
    [
        (60.0, 61.2, "pass", "60 s + 1.2 s"),
        (60.0, 61.3, "fail", "60 s + 1.2 s"),
        (600.0, 612.1, "fail", "600 s + 12 s"),
        (10.0, 11.1, "fail", "10 s + 1 s"),
    ],
)
def test_a_log_that_claims_one_step_buys_two_percent_at_most(
    limit: float, seconds: float, status: Status, shown: str
) -> None:
    log = run_result().log.model_copy(update={"steps": 1, "step_avg_ms": 1000 * seconds})
    check = check_of("train_clock", run_result(log=log, train=phase("train", seconds)), train_seconds=limit)
    assert (check.status, check.limit) == (status, shown)


@pytest.mark.parametrize("name", ["train", "eval"])
def test_events_out_of_order_leave_the_clock_unknown_and_say_why(name: str) -> None:
    told = phase(name, 50.0, clock=None, strict_clock=None, irregular="train_start was announced 2 times")
    check = check_of(f"{name}_clock", with_phase(told))
    assert (check.status, check.measured) == ("unknown", "not measured")
    assert check.detail == "train_start was announced 2 times"
    despite = told.model_copy(update={"clock": Interval(low=1.0, high=1.0)})
    assert check_of(f"{name}_clock", with_phase(despite)).status == "unknown"


@pytest.mark.parametrize("name", ["train", "eval"])
def test_the_strict_clock_stands_beside_the_official_one(name: str) -> None:
    seen = phase(name, 50.0, strict_clock=Interval(low=62.31, high=62.31))
    check = check_of(f"{name}_clock", with_phase(seen))
    assert (check.status, check.measured, check.detail) == ("pass", "50.00 s", "strict 62.31 s")


@pytest.mark.parametrize(("seconds", "status"), [(60.0, "pass"), (60.0001, "fail")])
def test_the_evaluation_clock_has_no_grace(seconds: float, status: Status) -> None:
    assert check_of("eval_clock", run_result(eval=phase("eval", seconds))).status == status


def test_a_measured_number_is_never_rounded_across_its_limit() -> None:
    check = check_of("eval_clock", run_result(eval=phase("eval", 60.000004)))
    assert check.measured == "60.000004 s"


def test_another_script_in_one_seed_fails() -> None:
    judged = verdict([run_result(1337), run_result(42, script_sha256="9" * 64), run_result(2024)])
    assert judged.status == "rejected"
    assert "another script in seed 42" in judged.reasons[0]


def test_a_script_counted_that_did_not_run_fails() -> None:
    counts = [verification(1337), verification(42), verification(2024, script_sha256="9" * 64)]
    assert verdict(verifications=counts).status == "rejected"


@pytest.mark.parametrize(
    "artifact",
    [
        Artifact(file="a", bytes=1_531_357, sha256="12" * 32),
        Artifact(file="a", bytes=1_531_358, sha256="ab" * 32),
    ],
)
def test_an_artifact_that_changed_after_it_was_frozen_fails(artifact: Artifact) -> None:
    assert check_of("artifact_hash", run_result(artifact=artifact)).status == "fail"


@pytest.mark.parametrize(
    ("host", "difference", "status"),
    [
        (run_result().host, 5e-10, "pass"),
        (run_result().host, 2e-9, "fail"),
        (on_gpu(), 2e-9, "pass"),
        (on_gpu(), 2e-5, "fail"),
        (None, 5e-10, "pass"),
        (None, 2e-9, "unknown"),
        (None, 2e-5, "fail"),
    ],
)
def test_both_processes_must_agree_as_closely_as_the_device_can(
    host: Host | None, difference: float, status: Status
) -> None:
    fresh = score(3.7)
    ours = fresh.model_copy(update={"val_bpb": fresh.val_bpb + difference})
    silent = run_result().log.model_copy(update={"device_type": None})
    result = run_result(host=host, log=silent, train_score=ours, eval_score=fresh, final_score=fresh)
    assert check_of("process_agreement", result).status == status


@pytest.mark.parametrize(
    ("host", "device", "status"),
    [
        (None, "cpu", "fail"),
        (None, "cuda", "pass"),
        (on_gpu(), "cpu", "fail"),
        (on_gpu(), "cuda", "pass"),
        (run_result().host, "cuda", "fail"),
    ],
)
def test_a_log_that_says_cpu_is_held_to_what_a_cpu_can(host: Host | None, device: str, status: Status) -> None:
    fresh = score(3.7)
    ours = fresh.model_copy(update={"val_bpb": fresh.val_bpb + 2e-9})
    log = run_result().log.model_copy(update={"device_type": device})
    result = run_result(host=host, log=log, train_score=ours, eval_score=fresh, final_score=fresh)
    check = check_of("process_agreement", result)
    assert (check.status, check.limit) == (status, "1e-5 bpb" if status == "pass" else "1e-9 bpb")


@pytest.mark.parametrize("change", [{"tokens": TOKENS - 1}, {"bytes": BYTES + 1}, {"rule": "sliding"}])
def test_scores_over_different_text_do_not_agree(change: dict[str, Any]) -> None:
    ours = run_result().train_score
    assert ours is not None
    assert check_of("process_agreement", run_result(train_score=ours.model_copy(update=change))).status == "fail"


def test_a_plain_published_score_must_be_the_plain_score_of_the_fresh_process() -> None:
    assert check_of("process_agreement", run_result(final_score=score(3.5))).status == "fail"
    assert check_of("process_agreement", run_result(final_score=score(3.5, rule="sliding"))).status == "pass"


def test_scores_that_do_not_say_what_they_cover_stay_unknown() -> None:
    bare = Score(rule="plain", val_loss=3.7, val_bpb=1.7)
    result = run_result(train_score=bare, eval_score=bare, final_score=bare)
    assert check_of("process_agreement", result).status == "unknown"
    assert check_of("bpb_arithmetic", result).status == "unknown"


def test_a_score_over_part_of_the_validation_text_fails() -> None:
    check = check_of("bpb_arithmetic", run_result(), verification(1337, val_tokens=TOKENS + 1))
    assert (check.status, check.limit) == ("fail", f"plain: {TOKENS + 1:,} tokens in {BYTES:,} bytes")


def test_a_published_score_by_another_rule_than_the_jobs_fails() -> None:
    check = check_of("bpb_arithmetic", run_result(), verification(1337, final_rule="exact_tail"))
    assert (check.status, check.measured.partition(":")[0]) == ("fail", "plain")


@pytest.mark.parametrize(
    ("rule", "tokens", "said"),
    [
        ("exact_tail", TOKENS, f"{TOKENS:,} tokens in 300 bytes"),
        ("last_stride", 100, f"last_stride scores 100 of {TOKENS:,} tokens, the others are left out; 300 bytes"),
        (
            "repeated_tail",
            TOKENS + 8,
            f"repeated_tail scores {TOKENS + 8:,} of {TOKENS:,} tokens, some of them more than once; 300 bytes",
        ),
    ],
)
def test_a_sliding_score_passes_by_its_own_count_and_says_what_it_covers(rule: str, tokens: int, said: str) -> None:
    bpb = 3.7 / math.log(2) * tokens / 300
    final = Score(rule=rule, val_loss=3.7, val_bpb=bpb, tokens=tokens, bytes=300)
    counted = verification(1337, final_rule=rule, final_tokens=tokens, final_bytes=300)
    check = check_of("bpb_arithmetic", run_result(final_score=final), counted)
    assert (check.status, check.detail) == ("pass", said)


@pytest.mark.parametrize(
    ("left_out", "spare_tail", "status"),
    [(1_000, 0.0, "pass"), (1_001, 0.0, "fail"), (1_001, 0.1, "fail"), (999_999, 0.1, "fail")],
)
def test_a_rule_that_leaves_out_more_than_a_thousandth_of_the_text_fails(
    left_out: int, spare_tail: float, status: Status
) -> None:
    counted = verification(1337, val_tokens=TOKENS, text_tokens=1_000_000, left_out=left_out)
    check = check_of("bpb_arithmetic", run_result(), counted, spare_tail=spare_tail)
    assert check.status == status
    if status == "fail":
        assert check.limit == "at most 0.1 %"
        assert check.measured.startswith(f"{left_out:,} of 1,000,000 tokens left out (")
        assert "(100 %" not in check.measured  # a rest is never rounded away


@pytest.mark.parametrize(("spare_tail", "status"), [(0.1, "pass"), (0.0, "fail")])
def test_a_tail_that_fills_no_sequence_is_spared_on_tracks_of_short_texts_and_told(
    spare_tail: float, status: Status
) -> None:
    text = TOKENS + 1_363  # one per cent
    counted = verification(1337, text_tokens=text, left_out=1_363)
    check = check_of("bpb_arithmetic", run_result(), counted, spare_tail=spare_tail)
    assert check.status == status
    if status == "pass":
        assert check.note == (
            "1,363 of 137,683 tokens left out (0.99 %), 1,363 of them because the end of the text fills no sequence."
        )
    longer = counted.model_copy(update={"left_out": 1_363 + 138})
    assert check_of("bpb_arithmetic", run_result(), longer, spare_tail=spare_tail).status == "fail"
    round_text = verification(1337, val_tokens=TOKENS, text_tokens=TOKENS + 680, left_out=680 + 137)  # of 137,000
    assert check_of("bpb_arithmetic", run_result(), round_text, spare_tail=spare_tail).status == status


def test_a_track_of_the_contest_spares_no_tail() -> None:
    assert {name: track.spare_tail for name, track in TRACKS.items()} == {
        "10min_16mb": 0.0,
        "non_record_16mb": 0.0,
        "local": 0.1,
    }


def test_a_bpb_that_does_not_follow_from_its_loss_fails() -> None:
    final = score(3.7).model_copy(update={"val_bpb": 1.2})
    assert check_of("bpb_arithmetic", run_result(final_score=final)).status == "fail"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_fails(value: float) -> None:
    broken = score(3.7).model_copy(update={"val_loss": value})
    check = check_of("no_nan", run_result(final_score=broken))
    assert check.status == "fail"


def test_a_nan_in_the_log_fails_although_the_scores_are_finite() -> None:
    log = run_result().log.model_copy(update={"saw_nan": True})
    assert check_of("no_nan", run_result(log=log)).status == "fail"


@pytest.mark.parametrize(
    ("results", "complaint"),
    [
        ([run_result(1337), run_result(42)], "seed 2024 never ran"),
        ([run_result(seed) for seed in (*SEEDS, 7)], "seed 7 ran unasked"),
        ([run_result(seed) for seed in (*SEEDS, 42)], "seed 42 ran 2 times"),
        ([run_result(1337), run_result(42), run_result(2024, status="timeout")], "seed 2024 timeout"),
    ],
)
def test_seeds_other_than_those_asked_for_fail(results: list[RunResult], complaint: str) -> None:
    judged = verdict(results)
    assert judged.status == "rejected"
    assert complaint in judged.reasons[0]


def test_hardware_outside_the_track_fails_and_an_empty_list_allows_any() -> None:
    required = LOCAL | {"hardware"}
    assert verdict(required=required, allowed_hardware=("h100x8",)).status == "rejected"
    assert verdict(required=required, allowed_hardware=("cpu", "gpu")).status == "passed"
    assert verdict(required=required, allowed_hardware=()).status == "passed"


@pytest.mark.parametrize(
    ("device", "status"), [("NVIDIA H100 80GB HBM3", "pass"), ("NVIDIA A100-SXM4-80GB", "fail"), ("", "fail")]
)
def test_a_device_that_is_not_its_profiles_fails(device: str, status: str) -> None:
    host = on_gpu().model_copy(update={"hardware": "h100x8", "device": device})
    log = run_result().log.model_copy(update={"device_type": "cuda"})
    results = [run_result(seed, host=host, log=log) for seed in SEEDS]
    found = verdict(results, allowed_hardware=("h100x8",))
    check = next(check for check in found.checks if check.name == "hardware")
    assert check.status == status
    if status == "fail":
        assert check.detail == "seed 42, 1337, 2024 ran on another device than its profile names"


@pytest.mark.parametrize(("host", "device"), [(run_result().host, "cuda"), (on_gpu(), "cpu")])
def test_a_log_that_contradicts_the_hardware_fails_on_any_track(host: Host, device: str) -> None:
    log = run_result(42).log.model_copy(update={"device_type": device})
    judged = verdict([run_result(1337), run_result(42, host=host, log=log), run_result(2024)])
    assert judged.status == "rejected"
    assert any("the log of seed 42 says otherwise" in reason for reason in judged.reasons)


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"versions": {"python": "3.11.4", "torch": "2.12.0"}}, "torch 2.12.0 / torch 2.13.0"),
        ({"versions": {"python": "3.12.1", "torch": "2.13.0"}}, "python 3.11.4 / python 3.12.1"),
        ({"device": "B CPU"}, "A CPU / B CPU"),
    ],
)
def test_seeds_of_different_environments_are_shown_and_decide_nothing(changes: dict[str, Any], shown: str) -> None:
    host = run_result().host
    assert host is not None
    judged = verdict([run_result(1337), run_result(42, host=host.model_copy(update=changes)), run_result(2024)])
    [check] = [check for check in judged.checks if check.name == "one_environment"]
    assert (check.status, check.required, check.measured) == ("fail", False, shown)
    assert judged.status == "passed"


def trained_on(seed: int, **changes: Any) -> RunResult:
    """A seed that was scored where all others were, and trained on a machine with these changes."""
    host = run_result().host
    assert host is not None
    by = Training(
        attempt=1,
        host=host.model_copy(update=changes),
        preflight=None,
        idle_seconds=None,
        started_at="2026-01-02T03:04:05Z",
    )
    return run_result(seed, attempt=2, training=by)


def test_where_a_seed_was_trained_is_asked_of_as_well_as_where_it_was_scored() -> None:
    required = LOCAL | {"hardware"}
    for changes, name, status in (
        ({}, "hardware", "pass"),
        ({"hardware": "h100x8", "device": "NVIDIA H100 80GB HBM3"}, "hardware", "fail"),
        ({}, "one_environment", "pass"),
        ({"device": "B CPU"}, "one_environment", "fail"),
        ({"versions": {}}, "one_environment", "unknown"),
    ):
        results = [run_result(1337), trained_on(42, **changes), run_result(2024)]
        judged = verdict(results, required=required, allowed_hardware=("cpu",))
        [check] = [check for check in judged.checks if check.name == name]
        assert check.status == status, (changes, name)


# ---- seeds that are one another ----


def test_two_seeds_with_the_same_artifact_are_rejected_by_name() -> None:
    copied = verification(2024, artifact_sha256=verification(42).artifact_sha256)
    frozen = run_result(42).artifact
    judged = verdict(
        [run_result(1337), run_result(42), run_result(2024, artifact=frozen)],
        [verification(1337), verification(42), copied.model_copy(update={"artifact_bytes": frozen and frozen.bytes})],
    )
    assert judged.status == "rejected"
    assert [reason.partition(" (")[2] for reason in judged.reasons] == ["seeds 42, 2024 froze the same artifact)"]


@pytest.mark.parametrize(
    ("claims", "nproc", "complaint"),
    [
        ({"seed": 7}, 1, "seed 42 says that it ran as seed 7"),
        ({"world_size": 8}, 1, "seed 42 says that its processes number 8, not 1"),
        ({}, 8, "seed 42 says that its processes number 1, not 8"),
    ],
)
def test_a_log_of_another_seed_or_of_other_processes_is_rejected(
    claims: dict[str, Any], nproc: int, complaint: str
) -> None:
    log = run_result(42).log.model_copy(update=claims)
    judged = verdict([run_result(1337), run_result(42, log=log), run_result(2024)], nproc=nproc)
    assert judged.status == "rejected"
    assert complaint in judged.reasons[0]


def test_a_log_without_a_number_of_processes_is_no_finding() -> None:
    log = run_result(42).log.model_copy(update={"world_size": None})
    assert verdict([run_result(1337), run_result(42, log=log), run_result(2024)]).status == "passed"


# ---- the yardstick that the job says must be beaten ----


@pytest.mark.parametrize(
    ("distance", "status", "word"), [(1e-9, "passed", "pass"), (0.0, "rejected", "fail"), (-1e-9, "rejected", "fail")]
)
def test_every_seed_must_beat_the_yardstick_that_the_job_names(distance: float, status: str, word: str) -> None:
    worst = max(score(LOSSES[seed]).val_bpb for seed in SEEDS)
    judged = verdict(to_beat=Yardstick(name="bigram", bpb=worst + distance, detail="d"))
    answers = {check.seed: check for check in judged.checks if check.name == "beats_yardstick"}
    assert {check.title for check in answers.values()} == {"Better than the bigram model?"}
    assert {seed: check.status for seed, check in answers.items()} == {1337: "pass", 42: "pass", 2024: word}
    assert all(check.required for check in answers.values())
    assert answers[2024].limit == f"under {worst + distance:.6f} bpb"
    assert judged.status == status


def test_a_seed_without_a_score_beats_nothing() -> None:
    judged = verdict(
        [run_result(1337), run_result(42, final_score=None), run_result(2024)],
        to_beat=Yardstick(name="bigram", bpb=9.0, detail="d"),
    )
    [check] = [check for check in judged.checks if check.name == "beats_yardstick" and check.seed == 42]
    assert (check.status, check.required) == ("unknown", True)
    assert judged.status == "unverified"
    nan = run_result(1337, final_score=score(math.nan))
    assert check_of("beats_yardstick", nan, to_beat=Yardstick(name="b", bpb=9.0, detail="d")).status == "fail"


def test_without_a_yardstick_to_beat_nothing_is_asked() -> None:
    assert "beats_yardstick" not in {check.name for check in verdict().checks}


@pytest.mark.parametrize(
    ("claimed", "status"),
    [(60.49, "pass"), (59.51, "pass"), (59.2, "fail"), (60.8, "fail"), (None, "unknown")],
)
def test_a_log_clock_away_from_the_referees_is_a_finding(claimed: float | None, status: Status) -> None:
    log = run_result().log.model_copy(update={"train_seconds": claimed})
    result = run_result(log=log, train=phase("train", 60.0))
    assert check_of("log_clock", result).status == status


def test_one_percent_is_what_a_long_log_clock_may_be_off() -> None:
    log = run_result().log.model_copy(update={"train_seconds": 605.9})
    result = run_result(log=log, train=phase("train", 600.0))
    assert check_of("log_clock", result, train_seconds=600.0).status == "pass"
