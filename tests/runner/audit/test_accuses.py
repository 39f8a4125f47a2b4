"""Small sound folders in unusual words: an audit must not accuse them of what they did not do."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from runner.audit.facts import Audit
from tests.runner.audit.entries import MODEL_BYTES, RATIO, SCORES, SCRIPT, SEEDS, audited, kinds, log_text, submission

CODE = len(SCRIPT)
EXACT = "final_int6_sliding_window_exact"


def one(tmp_path: Path, log: str, text: str = "# An entry\n", name: str = "train.log", **claims: Any) -> Audit:
    """The audit of an entry of one seed with this log."""
    found = submission({1337: SCORES[1337]}, **claims)
    return audited(tmp_path / "entry", logs={name: log}, claims=found, text=text)


SOUND = {"single_seed": "info"}


@pytest.mark.parametrize(
    "claims",
    [
        {"expected_val_bpb": 1.02},
        {"projected_bpb": 1.02},
        {"target_val_bpb": 1.02},
        {"bpb_gap": 0.2},
        {"lineage": {"parent": {"val_bpb": 1.11}}},
        {"parent": {"val_bpb": 1.11, "mean_val_bpb": 1.11}},
        {"hyperparameters": {"bpb_threshold": 1.3}},
        {"muon_momentum": 0.95, "weight_decay": 0.04},
    ],
)
def test_a_loosely_named_key_is_no_claim(claims: dict[str, Any], tmp_path: Path) -> None:
    audit = one(tmp_path, log_text(), val_bpb=None, val_bpb_std=None, seed_results=None, **claims)
    assert audit.claimed.val_bpb is None
    assert "claim_mismatch_bpb" not in kinds(audit)


@pytest.mark.parametrize(
    "line",
    [
        "Weight decay 0.0400 and momentum 0.9500, on average.",
        "The baseline's mean val_bpb is 1.2244.",
        "Target val_bpb: 1.0800",
        "The gap to the mean is 0.1034 bpb.",
        "PR #1234 had a mean val_bpb of 1.1111.",
    ],
)
def test_a_number_in_readme_is_no_claim(line: str, tmp_path: Path) -> None:
    audit = one(tmp_path, log_text(), f"# An entry\n\n{line}\n", val_bpb=None, val_bpb_std=None, seed_results=None)
    assert audit.claimed.val_bpb is None
    assert "claim_mismatch_bpb" not in kinds(audit)


def earlier_lines(seed: int, bpb: float, ttt: bool = True) -> str:
    """A run with a later, better score than the claimed one."""
    late = f"late_ttt_exact val_loss:{(bpb - 0.02) * RATIO:.8f} val_bpb:{bpb - 0.02:.8f}\n"
    return log_text(seed, bpb) + (late if ttt else "")


def test_the_claim_is_the_mean_of_an_earlier_line_although_another_run_lies_there(tmp_path: Path) -> None:
    logs = {f"train_seed{seed}.log": earlier_lines(seed, bpb) for seed, bpb in SCORES.items()}
    logs["wide_model.log"] = log_text(7, 1.3, params=30_000_000)
    audit = audited(tmp_path / "entry", logs=logs)
    assert "claim_mismatch_bpb" not in kinds(audit)
    assert audit.mean_val_bpb == pytest.approx(fmean(SCORES.values()))


def test_one_kind_of_score_for_all_seeds(tmp_path: Path) -> None:
    logs = {f"train_seed{seed}.log": earlier_lines(seed, bpb, ttt=seed != 42) for seed, bpb in SCORES.items()}
    claims = submission(val_bpb=1.05, seed_results=None, val_bpb_std=None)
    audit = audited(tmp_path / "entry", logs=logs, claims=claims, text="# x\n")
    assert audit.mean_val_bpb == pytest.approx(fmean(SCORES.values()))
    assert {run.final_metric_why for run in audit.runs if run.seed != 42} == {
        f"`{EXACT}` is the last score that every log of the entry has"
    }


def test_a_readme_mean_of_another_group_does_not_choose_the_runs(tmp_path: Path) -> None:
    first = {f"train_seed{seed}_a.log": log_text(seed, bpb) for seed, bpb in SCORES.items()}
    again = {f"train_seed{seed}_b.log": log_text(seed, bpb - 0.0004, steps=6990) for seed, bpb in SCORES.items()}
    text = f"# An entry\n\nval_bpb 1.1510 (mean)\n\nRe-run mean: {fmean(SCORES.values()) - 0.0004:.6f}\n"
    audit = audited(tmp_path / "entry", logs={**again, **first}, text=text)
    assert {run.log for run in audit.runs if run.role == "primary"} == set(first)


@pytest.mark.parametrize(
    ("name", "seed_line"),
    [
        ("ttt_seed1337.log", "seed: 1337\n"),
        ("eval_seed1337.txt", ""),
        ("scoring.log", ""),
        ("runs/score/eval.log", "seed:1337\n"),
    ],
)
def test_a_scoring_in_a_log_of_its_own_is_joined_to_its_training(name: str, seed_line: str, tmp_path: Path) -> None:
    head, _, tail = log_text().partition("final_int6_sliding_window")
    training = {"train_seed1337.log" if name != "scoring.log" else "training.log": head}
    scoring = {name: f"{seed_line}world_size: 8\nfinal_int6_sliding_window{tail}"}
    audit = audited(
        tmp_path / "entry", logs={**training, **scoring}, claims=submission({1337: SCORES[1337]}), text="# An entry\n"
    )
    assert kinds(audit) == SOUND
    assert audit.n_primary_runs == 1
    assert audit.mean_val_bpb == SCORES[1337]
    assert [
        (run.role, run.scored_in, run.scores_run_of is not None)
        for run in sorted(audit.runs, key=lambda run: run.steps is None)
    ] == [
        ("primary", name, False),
        ("primary", None, True),
    ]


def test_scorings_of_three_seeds_find_their_runs(tmp_path: Path) -> None:
    logs: dict[str, str] = {}
    for seed, bpb in SCORES.items():
        head, _, tail = log_text(seed, bpb).partition("final_int6_sliding_window")
        logs |= {f"train_seed{seed}.log": head, f"eval_seed{seed}.log": f"final_int6_sliding_window{tail}"}
    audit = audited(tmp_path / "entry", logs=logs)
    assert kinds(audit) == {}
    assert audit.n_primary_runs == 3


def test_the_echo_of_a_console_is_no_run_of_its_own(tmp_path: Path) -> None:
    logs = {f"train_seed{seed}.log": log_text(seed, bpb) for seed, bpb in SCORES.items()}
    logs["console.txt"] = log_text(None, SCORES[42])
    logs["stdout.txt"] = "\n".join(log_text(None, SCORES[1337]).splitlines()[-2:]) + "\n"
    audit = audited(tmp_path / "entry", logs=logs)
    assert audit.n_primary_runs == 3
    assert {run.log for run in audit.runs if run.role == "duplicate"} == {"console.txt", "stdout.txt"}
    assert audit.std_val_bpb == pytest.approx(0.000934, abs=1e-6)


@pytest.mark.parametrize("place", ["reference", "upstream_logs", "baselines"])
def test_logs_of_a_reference_folder_do_not_count(place: str, tmp_path: Path) -> None:
    logs = {f"train_seed{seed}.log": log_text(seed, bpb) for seed, bpb in SCORES.items()}
    logs |= {f"{place}/seed{seed}.log": log_text(seed, bpb + 0.01, steps=6000) for seed, bpb in SCORES.items()}
    assert audited(tmp_path / "entry", logs=logs).n_primary_runs == 3


def test_training_n_steps_is_a_plan_where_a_stop_line_follows(tmp_path: Path) -> None:
    log = log_text().replace("seed:1337\n", "seed:1337\nTraining: 20000 steps, 600s\n")
    audit = one(tmp_path, log, step_stop=7000)
    assert audit.runs[0].steps == 7000
    assert kinds(audit) == SOUND


@pytest.mark.parametrize(
    "line",
    [
        "Training: 7000 steps, 600.05s",
        "Training complete: 7000 steps in 600.05s",
        "num_steps:        7000\ntraining_seconds: 600.05",
    ],
)
def test_steps_that_only_one_line_tells_of(line: str, tmp_path: Path) -> None:
    kept = [row for row in log_text().splitlines() if not row.startswith(("step:", "stopping_early"))]
    audit = one(tmp_path, "\n".join([*kept[:6], line, *kept[6:]]) + "\n", step_stop=7000)
    assert (audit.runs[0].steps, audit.runs[0].train_seconds) == (7000, 600.05)
    assert kinds(audit) == SOUND


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("A width of 768 yields 6,530 vs 4,720 steps in 600s", False),
        ("The baseline reached 13,780 steps in 600 s", False),
        ("PR #180 stopped at step 5,432", False),
        ("On a 4090 it completed 1,200 steps in 2 h", False),
        ("Stopped at `5432/20000`", True),
        ("Training stopped at step `5432` by the clock", True),
        ("Stopped at `7000/20000`", False),
    ],
)
def test_steps_in_prose(line: str, wrong: bool, tmp_path: Path) -> None:
    audit = one(tmp_path, log_text(), f"# An entry\n\n{line}\n")
    assert ("claim_mismatch_steps" in kinds(audit)) is wrong


@pytest.mark.parametrize(
    "line",
    [
        "A 3-seed validation is planned, results pending.",
        "PR #1394 reported a 5-seed mean of 1.0856.",
        "Base reference: 1.1233 (3-seed mean)",
        "Also ran 3 seeds on other machines (all consistent results).",
    ],
)
def test_seeds_in_prose_about_plans_and_others(line: str, tmp_path: Path) -> None:
    audit = one(tmp_path, log_text(), f"# An entry\n\n{line}\n", seeds=None, seed_results=None)
    assert audit.claimed.n_seeds is None
    assert kinds(audit) == SOUND


def test_a_row_of_the_mean_of_three_seeds_is_not_seed_3(tmp_path: Path) -> None:
    rows = "".join(f"| {seed} | {bpb:.4f} |\n" for seed, bpb in SCORES.items())
    text = (
        f"# x\n\nval_bpb 1.1510 (mean)\n\n| Seed | val_bpb |\n|---|---|\n{rows}| 3-seed mean | 1.1510 |\n| "
        f"**3 seeds** | 1.1510 |\n"
    )
    assert kinds(audited(tmp_path / "entry", text=text)) == {}


def test_no_log_is_no_error_where_no_score_is_claimed(tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", logs={}, claims={"name": "x", "track": "10min_16mb"}, text="# A plan\n")
    assert kinds(audit) == {"missing_log": "info"}


@pytest.mark.parametrize(
    "line",
    [
        "val_bpb:          1.15012345",
        "final_exact val_bpb 1.15012345",
        "mixer:done nn_only_bpb=1.2200 mix_bpb=1.15012345 gain_bpb=0.07",
        "final blended_bpb: 1.15012345 (elapsed: 90.0s)",
        "done val_loss:1.9419 val_bpb:1.15012345 (stride=64 chunk=512 window=4096) eval_time:90000ms",
        "final bits per byte:   1.15012345",
    ],
)
def test_a_score_in_an_unusual_dialect(line: str, tmp_path: Path) -> None:
    lines = [row for row in log_text().splitlines() if not row.startswith("final_int6_sliding_window")]
    audit = one(tmp_path, "\n".join([*lines, line]) + "\n")
    assert audit.runs[0].final_val_bpb == 1.15012345
    assert kinds(audit) == SOUND


@pytest.mark.parametrize(
    "prefix",
    ["[05:07:10] ", "[05:07:10.123] ", "1776142360.538 ", "1776142360 ", "2026-04-30T20:17:12Z   ", "05:07:10 | "],
)
def test_a_clock_before_each_line(prefix: str, tmp_path: Path) -> None:
    log = "".join(prefix + line + "\n" for line in log_text().splitlines())
    audit = one(tmp_path, log)
    assert kinds(audit) == SOUND
    assert (audit.runs[0].steps, audit.runs[0].total_bytes) == (7000, MODEL_BYTES + CODE)


def test_a_comment_at_the_head_names_the_seed(tmp_path: Path) -> None:
    log = "# Second try - Seed 1337 (on two machines)\n" + log_text(None)
    audit = one(tmp_path, log)
    assert audit.runs[0].seed == 1337
    assert kinds(audit) == SOUND


def test_a_dialect_of_short_words(tmp_path: Path) -> None:
    lines = [
        *("p:21778504", "ws:8 ga:1", "s:1337", "s:0/20000 vl:6.9 bpb:4.1 tt:0ms sa:0.01ms"),
        *("s:1/20000 tl:6.9 tt:86ms sa:86.0ms", "s:7000/20000 vl:1.98 bpb:1.1727 tt:600050ms sa:85.72ms"),
        *("stop tt:600050ms s:7000/20000", "model:86099351B", f"code:{CODE}B", f"q:{MODEL_BYTES}B"),
        *(f"total:{MODEL_BYTES + CODE}B", "q_sw vl:1.9419 bpb:1.1501 s:64 t:90000ms"),
        f"q_sw_x vl:{SCORES[1337] * RATIO:.8f} bpb:{SCORES[1337]:.8f}",
    ]
    run = one(tmp_path, "\n".join(lines) + "\n").runs[0]
    assert (run.seed, run.steps, run.train_seconds, run.n_params, run.world_size) == (
        1337,
        7000,
        600.05,
        21_778_504,
        8,
    )
    assert (run.model_bytes, run.total_bytes, run.final_val_bpb, run.eval_seconds) == (
        MODEL_BYTES,
        MODEL_BYTES + CODE,
        SCORES[1337],
        90.0,
    )


@pytest.mark.parametrize(
    "shipped",
    [SCRIPT.replace("\n", "\r\n"), SCRIPT.rstrip("\n"), SCRIPT + "\n"],
    ids=["CRLF", "no last newline", "one more"],
)
def test_ends_of_lines_make_no_other_script(shipped: str, tmp_path: Path) -> None:
    assert kinds(audited(tmp_path / "entry", extra={"train_gpt.py": shipped})) == {}


def test_characters_for_bytes_make_no_other_script(tmp_path: Path) -> None:
    program = "# ü\n" + SCRIPT
    logs = {f"train_seed{seed}.log": log_text(seed, bpb, code=len(program)) for seed, bpb in SCORES.items()}
    claims = submission(bytes_total=None, bytes_code=None)
    assert kinds(audited(tmp_path / "entry", logs=logs, claims=claims, extra={"train_gpt.py": program})) == {}


def test_the_script_that_fits_best_is_compared(tmp_path: Path) -> None:
    extra = {"train_gpt.py": "x = 1\n" * 3, "train_gpt_unpacked.py": SCRIPT}
    assert kinds(audited(tmp_path / "entry", extra=extra)) == {}


@pytest.mark.parametrize("claim", [1.150123450000001, 1.1501234499999, 1.15012345])
def test_a_claim_with_more_digits_than_the_log(claim: float, tmp_path: Path) -> None:
    assert kinds(one(tmp_path, log_text(), val_bpb=claim, seed_results=None)) == SOUND


@pytest.mark.parametrize("places", [3, 4, 5])
def test_a_mean_of_rounded_scores(places: int, tmp_path: Path) -> None:
    rounded = {str(seed): {"val_bpb": round(bpb, places)} for seed, bpb in SCORES.items()}
    claims = submission(val_bpb=fmean(round(bpb, places) for bpb in SCORES.values()), seed_results=rounded)
    assert kinds(audited(tmp_path / "entry", claims=claims)) == {}


def test_a_readme_total_that_is_the_mean_of_the_logs(tmp_path: Path) -> None:
    models = dict(zip(SEEDS, (15_500_000, 15_500_300, 15_500_900), strict=True))
    logs = {f"train_seed{seed}.log": log_text(seed, bpb, model=models[seed]) for seed, bpb in SCORES.items()}
    mean = round(fmean(models.values())) + CODE
    text = f"# x\n\nval_bpb 1.1510 (mean)\n\nMean total artifact: {mean:,} bytes\n"
    assert kinds(audited(tmp_path / "entry", logs=logs, claims=submission(bytes_total=None), text=text)) == {}


def test_sizes_of_seeds_that_are_rounded_to_thousands(tmp_path: Path) -> None:
    results = {str(seed): {"val_bpb": bpb, "artifact_bytes": 15_500_000} for seed, bpb in SCORES.items()}
    claims = submission(bytes_total=None, seed_results=results)
    assert kinds(audited(tmp_path / "entry", claims=claims)) == {}


def test_fewer_gpus_are_not_held_to_the_evaluation_clock_as_an_error(tmp_path: Path) -> None:
    logs = {f"train_seed{seed}.log": log_text(seed, bpb, eval_ms=900_000, world=4) for seed, bpb in SCORES.items()}
    assert kinds(audited(tmp_path / "entry", logs=logs)) == {"over_eval_limit": "warn"}


@pytest.mark.parametrize("tail", ["\n```\n", "}\n", "\nthat was all\n", "{}"])
def test_what_follows_the_json_is_said_and_the_object_is_read(tail: str, tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", claims=json.dumps(submission()) + tail)
    assert kinds(audit) == {"unreadable_submission_json": "error"}
    assert audit.claimed.n_seeds == 3


@pytest.mark.parametrize(
    "name", ["submission_ternary.json", "submision.json", "Submission-v2.json", "sumbission.json"]
)
def test_a_misnamed_submission_is_read(name: str, tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", without=["submission.json"], extra={name: json.dumps(submission())})
    assert kinds(audit) == {"missing_submission_json": "info"}
    assert audit.claimed.val_bpb == 1.151018


def test_a_score_that_is_an_object_of_seeds_and_mean(tmp_path: Path) -> None:
    score = {**{f"seed_{seed}": bpb for seed, bpb in SCORES.items()}, "mean": 1.15101810, "std": 0.00093438}
    sizes = {f"seed_{seed}": MODEL_BYTES + CODE for seed in SEEDS}
    claims = {
        "val_bpb": score,
        "artifact_bytes": sizes,
        "training_steps": {f"seed_{seed}": 7000 for seed in SEEDS},
        "track": "10min_16mb",
    }
    audit = audited(tmp_path / "entry", claims=claims)
    assert (audit.claimed.val_bpb, audit.claimed.n_seeds) == (1.1510181, 3)
    assert kinds(audit) == {}


def test_a_second_run_without_a_head_is_a_run_of_its_own(tmp_path: Path) -> None:
    first, second = (log_text(seed, SCORES[seed]) for seed in (1337, 42))
    headless = second[second.index("step:0/20000") :]
    audit = audited(
        tmp_path / "entry",
        logs={"train.log": first + headless},
        claims={"val_bpb": fmean((SCORES[1337], SCORES[42])), "track": "10min_16mb"},
        text="# An entry\n",
    )
    assert [run.final_val_bpb for run in audit.runs] == [SCORES[1337], SCORES[42]]
    assert audit.n_primary_runs == 2


def test_steps_of_test_time_training_are_no_second_run(tmp_path: Path) -> None:
    log = log_text() + "step:1/50 train_loss:2.0 train_time:10ms step_avg:10.00ms\n"
    assert len(one(tmp_path, log).runs) == 1


DUMP = [
    "import torch",
    "model_bytes = 0  # Total submission size: 0 bytes",
    'print("Code size: 0 bytes")',
    "best = 1.0  # val_bpb: 1.0001",
]


def test_a_dumped_program_that_never_closes(tmp_path: Path) -> None:
    log = "\n".join([*DUMP, "    return loss", ""]) + log_text()
    audit = one(tmp_path, log)
    assert kinds(audit) == SOUND
    assert audit.runs[0].total_bytes == MODEL_BYTES + CODE


def test_zero_bytes_of_a_dumped_program_are_no_size(tmp_path: Path) -> None:
    log = (
        "\n".join(["Total submission size int6+zstd: 0 bytes", "Code size: 0 bytes", *DUMP, "=" * 100, ""])
        + log_text()
    )
    assert one(tmp_path, log).runs[0].total_bytes == MODEL_BYTES + CODE
    assert (
        one(tmp_path / "b", log_text() + "Code size: 0 bytes\nTotal submission size int6+zstd: 0 bytes\n")
        .runs[0]
        .total_bytes
        == MODEL_BYTES + CODE
    )
