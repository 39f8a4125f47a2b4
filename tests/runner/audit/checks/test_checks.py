"""Every kind of finding on a planted folder of its own; and none on a sound one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.audit.severity import RULES
from tests.runner.audit.entries import (
    MODEL_BYTES,
    SCORES,
    SCRIPT,
    SEEDS,
    audited,
    kinds,
    log_text,
    readme,
    submission,
)

OVER = 16_000_001 - len(SCRIPT)


def logs(**changes: Mapping[int, Any]) -> dict[str, str]:
    """The three logs, with some facts of some seeds changed: `train_ms={42: 700_000}`."""
    return {
        f"train_seed{seed}.log": log_text(
            seed, SCORES[seed], **{name: values[seed] for name, values in changes.items() if seed in values}
        )
        for seed in SEEDS
    }


POPULATION_STD = 0.000763
PLANTED: dict[tuple[str, str], dict[str, Any]] = {
    ("over_cap", "error"): {"logs": logs(model={42: OVER})},
    ("over_train_limit", "error"): {"logs": logs(train_ms={42: 601_300})},
    ("over_eval_limit", "error"): {"logs": logs(eval_ms={42: 603_230})},
    ("claim_mismatch_bpb", "error"): {"claims": submission(val_bpb=1.1402, seed_results=None)},
    ("claim_mismatch_bpb", "warn"): {"text": "# An entry\n\nval_bpb: **1.1444**\n"},
    ("claim_mismatch_mean", "error"): {
        "claims": submission(val_bpb=SCORES[1337], seed_results=None, seeds=None, n_seeds=3),
        "text": "# An entry\n",
    },
    ("claim_mismatch_mean", "info"): {"claims": submission(val_bpb=SCORES[1337], val_bpb_mean=1.151018)},
    ("claim_mismatch_bytes", "warn"): {"claims": submission(bytes_total=15_400_000)},
    ("claim_mismatch_bytes", "error"): {
        "logs": logs(model=dict.fromkeys(SEEDS, OVER)),
        "claims": submission(bytes_total=15_900_000),
    },
    ("claim_mismatch_steps", "warn"): {"claims": submission(step_stop=7100)},
    ("wrong_std", "warn"): {"claims": submission(val_bpb_std=POPULATION_STD)},
    ("missing_log", "error"): {"logs": {}},
    ("missing_script", "error"): {"without": ["train_gpt.py"]},
    ("missing_script", "info"): {"without": ["train_gpt.py"], "extra": {"train_other.py": SCRIPT}},
    ("missing_submission_json", "error"): {"without": ["submission.json"]},
    ("missing_readme", "warn"): {"without": ["README.md"]},
    ("unreadable_submission_json", "error"): {"claims": '{"val_bpb": 1.15, "seeds": [1337, }'},
    ("single_seed", "error"): {
        "logs": {f"train_{name}.log": log_text(1337, bpb) for name, bpb in zip("abc", SCORES.values(), strict=True)},
        "claims": submission(seeds=None, seed_results=None, n_seeds=3),
        "text": "# An entry\n",
    },
    ("single_seed", "info"): {
        "logs": {"train.log": log_text()},
        "claims": submission({1337: SCORES[1337]}),
        "text": readme({1337: SCORES[1337]}),
    },
    ("too_few_seeds", "error"): {"logs": {name: text for name, text in logs().items() if "2024" not in name}},
    ("duplicate_log", "error"): {"extra": {"train_seed7.log": log_text(42, SCORES[42])}},
    ("duplicate_log", "info"): {"extra": {"train_copy.log": log_text(42, SCORES[42])}},
    ("no_seed_in_log", "warn"): {
        "logs": {f"train_seed{seed}.log": log_text(None, SCORES[seed]) for seed in SEEDS},
    },
    ("seed_name_mismatch", "warn"): {
        "logs": {
            f"train_seed{named}.log": log_text(seed, SCORES[seed])
            for named, seed in zip((1, 42, 2024), SEEDS, strict=True)
        },
    },
    ("mixed_scripts", "warn"): {"logs": logs(code={42: 60_000}, model={42: MODEL_BYTES + len(SCRIPT) - 60_000})},
    ("mixed_scripts", "info"): {"extra": {"train_gpt.py": SCRIPT + "# later\n"}},
    ("code_outside_script", "warn"): {
        "extra": {
            "train_gpt.py": "import model_parts\n",
            "model_parts.py": "import deeper.one\n",
            "deeper/one.py": "x = 1\n",
        },
    },
    ("metric_ratio", "error"): {"logs": logs(loss={42: SCORES[42] * 1.6908})},
    ("implausible_score", "error"): {"claims": submission({1337: 0.41}), "logs": {}, "text": "# An entry\n"},
    ("not_a_number", "error"): {
        "logs": {"train.log": log_text().partition("final_")[0] + "final_exact val_bpb:nan\n"}
    },
    ("other_validation_text", "warn"): {
        "logs": {name: "val_loader: tokens:1048576\n" + text for name, text in logs().items()},
    },
    ("metric_ratio", "info"): {"logs": logs(data=dict.fromkeys(SEEDS, "fineweb10B_sp8192"))},
}


def test_a_sound_record_has_no_finding(tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry")
    assert audit.findings == ()
    assert audit.n_primary_runs == 3
    assert audit.mean_val_bpb == pytest.approx(1.15101810, abs=1e-8)
    assert audit.std_val_bpb == pytest.approx(0.00093435, abs=1e-8)


@pytest.mark.parametrize("planted", PLANTED, ids="-".join)
def test_what_is_planted_is_found(planted: tuple[str, str], tmp_path: Path) -> None:
    kind, severity = planted
    found = kinds(audited(tmp_path / "entry", **PLANTED[planted]))
    assert found.get(kind) == severity, found


def test_every_kind_is_planted() -> None:
    assert {kind for kind, _ in PLANTED} == set(RULES) - {"shipped_script"}  # a note, told in test_lets_pass


@pytest.mark.parametrize(
    "planted",
    [
        ("over_cap", "error"),
        ("over_train_limit", "error"),
        ("over_eval_limit", "error"),
        ("wrong_std", "warn"),
        ("missing_readme", "warn"),
        ("metric_ratio", "error"),
        ("mixed_scripts", "info"),
        ("seed_name_mismatch", "warn"),
        ("no_seed_in_log", "warn"),
        ("claim_mismatch_steps", "warn"),
        ("claim_mismatch_mean", "info"),
    ],
    ids="-".join,
)
def test_nothing_else_is_found_beside_it(planted: tuple[str, str], tmp_path: Path) -> None:
    kind, _ = planted
    others = {"claim_mismatch_bytes"} if kind == "over_cap" else set()
    assert set(kinds(audited(tmp_path / "entry", **PLANTED[planted]))) - others == {kind}


@pytest.mark.parametrize(("train_ms", "over"), [(600_137, False), (601_000, False), (601_001, True)])
def test_a_late_stop_within_two_steps_or_a_second_is_no_finding(train_ms: int, over: bool, tmp_path: Path) -> None:
    assert ("over_train_limit" in kinds(audited(tmp_path / "entry", logs=logs(train_ms={42: train_ms})))) is over


def test_two_slow_steps_may_be_late(tmp_path: Path) -> None:
    slow = {"train_ms": {42: 612_000}, "steps": {42: 100}}
    assert "over_train_limit" not in kinds(audited(tmp_path / "entry", logs=logs(**slow)))


@pytest.mark.parametrize("track", ["non_record_16mb", "non-record-10min-16mb", "non-record-unlimited-compute-16mb"])
def test_the_clock_does_not_bind_another_track(track: str, tmp_path: Path) -> None:
    claims = submission(track=track)
    assert not kinds(audited(tmp_path / "entry", logs=logs(train_ms={42: 14_400_000}), claims=claims))


def test_a_record_that_calls_itself_non_record_is_bound_where_it_stops_near_the_clock(tmp_path: Path) -> None:
    claims = submission(track=None, blurb="a non-record submission")
    near = audited(tmp_path / "near", logs=logs(train_ms={42: 605_000}), claims=claims)
    far = audited(tmp_path / "far", logs=logs(train_ms={42: 3_600_000}), claims=claims)
    assert "over_train_limit" in kinds(near)
    assert "over_train_limit" not in kinds(far)


def test_a_mean_of_sizes_is_a_right_claim(tmp_path: Path) -> None:
    sizes = {"model": {1337: MODEL_BYTES, 42: MODEL_BYTES + 300, 2024: MODEL_BYTES + 600}}
    claims = submission(bytes_total=MODEL_BYTES + len(SCRIPT) + 300)
    assert not kinds(audited(tmp_path / "entry", logs=logs(**sizes), claims=claims))


TWO = {name: text for name, text in logs().items() if "2024" not in name}


def test_a_mean_over_seeds_without_a_log_is_not_called_wrong_where_the_others_agree(tmp_path: Path) -> None:
    assert kinds(audited(tmp_path / "entry", logs=TWO)) == {"missing_log": "error", "too_few_seeds": "error"}


def test_a_mean_over_seeds_without_a_log_is_wrong_where_the_logged_ones_disagree(tmp_path: Path) -> None:
    other = {seed: bpb - 0.02 for seed, bpb in SCORES.items()}
    found = kinds(audited(tmp_path / "entry", logs=TWO, claims=submission(other), text=readme(other)))
    assert found["claim_mismatch_bpb"] == "error"


def test_a_headline_that_is_not_the_mean_of_its_own_list_is_found_without_the_logs(tmp_path: Path) -> None:
    found = kinds(audited(tmp_path / "entry", logs=TWO, claims=submission(val_bpb=1.1482)))
    assert found["claim_mismatch_mean"] == "error"


def test_one_gpu_for_ten_minutes_is_not_held_to_the_evaluation_clock(tmp_path: Path) -> None:
    claims = submission(track=None, blurb="non-record: one GPU")
    slow = {"eval_ms": dict.fromkeys(SEEDS, 2_000_000), "world": dict.fromkeys(SEEDS, 1)}
    assert "over_eval_limit" not in kinds(audited(tmp_path / "entry", logs=logs(**slow), claims=claims))


@pytest.mark.parametrize(("said", "wrong"), [("~7,000", False), ("7000", False), ("~6,980", False), ("6,500", True)])
def test_steps_in_prose_may_be_round(said: str, wrong: bool, tmp_path: Path) -> None:
    text = f"# An entry\n\n{said} training steps at 85 ms\n"
    assert ("claim_mismatch_steps" in kinds(audited(tmp_path / "entry", text=text))) is wrong


def test_steps_claimed_for_a_seed_are_held_to_its_own_log_alone(tmp_path: Path) -> None:
    results = {str(seed): {"steps": 7051 if seed == 42 else 7000} for seed in SEEDS}
    claims = submission(seed_results=results)
    audit = audited(tmp_path / "entry", logs=logs(steps={42: 6990}), claims=claims, text="# x\n")
    (found,) = audit.findings
    assert found.detail == "seed 42: claimed 7,051, its log says 6,990"
    assert [place.partition(":")[0] for place in found.evidence] == ["submission.json", "train_seed42.log"]


def test_of_many_logged_sizes_a_finding_says_how_many_it_leaves_out(tmp_path: Path) -> None:
    scores = {seed: 1.15 + seed / 1e4 for seed in range(1, 8)}
    written = {f"train_seed{seed}.log": log_text(seed, bpb) for seed, bpb in scores.items()}
    claims = submission(scores, bytes_total=15_000_000)
    audit = audited(tmp_path / "entry", logs=written, claims=claims, text=readme(scores))
    (found,) = audit.findings
    assert found.detail.count("15,500,0") == 5
    assert " and 2 more (program " in found.detail


def test_three_seeds_that_are_one_are_told_once(tmp_path: Path) -> None:
    posing = {f"train_{name}.log": log_text(1337, bpb) for name, bpb in zip("abc", SCORES.values(), strict=True)}
    claims = submission(seed_results=None)
    assert kinds(audited(tmp_path / "entry", logs=posing, claims=claims, text="# x\n")) == {"single_seed": "error"}


def test_the_planned_number_of_steps_is_no_claim(tmp_path: Path) -> None:
    assert not kinds(audited(tmp_path / "entry", claims=submission(train_steps=20_000)))


def test_a_program_in_a_subfolder_is_not_missing(tmp_path: Path) -> None:
    found = kinds(audited(tmp_path / "entry", without=["train_gpt.py"], extra={"src/train_gpt.py": SCRIPT}))
    assert not found


@pytest.mark.parametrize(("size", "wrong"), [("15.5 MB", False), (14.78, False), ("15.9MB", True), (15.95, True)])
def test_a_size_in_megabytes(size: str | float, wrong: bool, tmp_path: Path) -> None:
    claims = submission(bytes_total=None, artifact_size_mb=size)
    assert ("claim_mismatch_bytes" in kinds(audited(tmp_path / "entry", claims=claims))) is wrong


def test_an_ablation_may_be_over_the_cap(tmp_path: Path) -> None:
    assert not kinds(audited(tmp_path / "entry", extra={"ablation.log": log_text(7, 1.2, model=OVER)}))


def test_padded_zeros_are_no_precision(tmp_path: Path) -> None:
    claims = '{"val_bpb": 1.15100, "seeds": [1337, 42, 2024], "track": "10min_16mb"}'
    assert "claim_mismatch_bpb" not in kinds(audited(tmp_path / "entry", claims=claims))


def test_findings_name_file_and_line(tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", logs=logs(model={42: OVER}))
    (found,) = (one for one in audit.findings if one.kind == "over_cap")
    (place,) = found.evidence
    name, line = place.split(":")
    assert "Total submission size int6+zstd" in (tmp_path / "entry" / name).read_text().splitlines()[int(line) - 1]
