"""Which runs a headline is made of, and what the others are."""

from __future__ import annotations

from pathlib import Path

from runner.audit.facts import Audit
from tests.runner.audit.entries import MODEL_BYTES, SCORES, SCRIPT, SEEDS, audited, kinds, log_text, submission

OVER = 16_000_001 - len(SCRIPT)
THREE = {f"train_seed{seed}.log": log_text(seed, SCORES[seed]) for seed in SEEDS}


def roles(audit: Audit) -> dict[str, str]:
    """Log, with the number of the run where a log holds several -> role."""
    several = {run.log for run in audit.runs if run.run_index > 0}
    return {f"{run.log}#{run.run_index}" if run.log in several else run.log: run.role for run in audit.runs}


def test_a_seed_over_the_cap_that_the_mean_leaves_out_is_excluded(tmp_path: Path) -> None:
    kept = {seed: SCORES[seed] for seed in SEEDS[:2]}
    logs = {**THREE, "train_seed2024.log": log_text(2024, SCORES[2024], model=OVER)}
    audit = audited(tmp_path / "entry", logs=logs, claims=submission(kept), text="# An entry\n")
    assert roles(audit)["train_seed2024.log"] == "excluded"
    assert kinds(audit) == {"over_cap": "info"}


def test_the_same_run_in_another_file_is_a_duplicate(tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", extra={"train_z.log": THREE["train_seed42.log"]})
    assert roles(audit)["train_z.log"] == "duplicate"
    assert audit.n_primary_runs == 3


def test_a_console_echo_behind_the_log_is_a_duplicate_without_a_finding(tmp_path: Path) -> None:
    logs = {**THREE, "train_seed42.log": THREE["train_seed42.log"] * 2}
    audit = audited(tmp_path / "entry", logs=logs)
    assert roles(audit)["train_seed42.log#1"] == "duplicate"
    assert kinds(audit) == {}


def test_runs_before_the_claimed_one_in_its_log_are_superseded(tmp_path: Path) -> None:
    text = "".join(log_text(1337, bpb, params=params) for bpb, params in ((1.19, 17_000_000), (1.15, 21_000_000)))
    claims = submission({1337: 1.15})
    audit = audited(tmp_path / "entry", logs={"train.log": text}, claims=claims, text="# An entry\n")
    assert list(roles(audit).values()) == ["superseded", "primary"]


def test_a_crashed_run_is_incomplete(tmp_path: Path) -> None:
    logs = {**THREE, "train_seed42.log": log_text(42).split("Serialized model")[0] + log_text(42, SCORES[42])}
    audit = audited(tmp_path / "entry", logs=logs)
    assert list(roles(audit).values()).count("incomplete") == 1
    assert kinds(audit) == {}


def test_hidden_files_are_stray(tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", extra={".ipynb_checkpoints/train-checkpoint.log": log_text(7, 1.18)})
    assert roles(audit)[".ipynb_checkpoints/train-checkpoint.log"] == "stray"
    assert kinds(audit) == {}


def test_named_ablations_do_not_count(tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", extra={"log_ablation_base.txt": log_text(1337, 1.18, train_ms=600_001)})
    assert roles(audit)["log_ablation_base.txt"] == "ablation"
    assert kinds(audit) == {}


def test_of_two_sets_that_names_tell_apart_the_claimed_one_counts(tmp_path: Path) -> None:
    earlier = {f"log_seed{seed}_v1.txt": log_text(seed, bpb + 0.01) for seed, bpb in SCORES.items()}
    later = {f"log_seed{seed}_v2.txt": log_text(seed, bpb, train_ms=600_001) for seed, bpb in SCORES.items()}
    audit = audited(tmp_path / "entry", logs={**earlier, **later})
    found = roles(audit)
    assert {found[name] for name in later} == {"primary"}
    assert {found[name] for name in earlier} == {"rerun"}
    assert kinds(audit) == {}


def test_the_best_seed_as_headline_does_not_push_the_others_out(tmp_path: Path) -> None:
    claims = submission(val_bpb=SCORES[1337], seeds=None, seed_results=None, val_bpb_std=None, n_seeds=3)
    audit = audited(tmp_path / "entry", claims=claims, text="# An entry\n")
    assert audit.n_primary_runs == 3
    assert kinds(audit) == {"claim_mismatch_mean": "error"}


def test_a_wrong_claim_about_one_seed_does_not_push_its_run_out(tmp_path: Path) -> None:
    said = {1337: SCORES[1337], 42: 1.1402, 2024: SCORES[2024]}
    audit = audited(tmp_path / "entry", claims=submission(said), text="# An entry\n")
    assert set(roles(audit).values()) == {"primary"}
    assert kinds(audit)["claim_mismatch_bpb"] == "error"


def test_where_nothing_is_claimed_every_run_counts(tmp_path: Path) -> None:
    logs = {
        f"train_{name}.log": log_text(7, bpb, params=size)
        for name, bpb, size in (("a", 1.2, 10**7), ("b", 1.3, 10**8))
    }
    audit = audited(tmp_path / "entry", logs=logs, claims='{"name": "notes"}', text="# notes\n")
    assert set(roles(audit).values()) == {"primary"}
    assert "missing_log" not in kinds(audit)


def test_where_one_run_is_submitted_the_others_are_reruns(tmp_path: Path) -> None:
    claims = submission(val_bpb=SCORES[1337], seeds=None, seed_results=None, val_bpb_std=None)
    audit = audited(tmp_path / "entry", claims=claims, text="# An entry\n\nReruns: 1.1520, 1.1509\n")
    assert sorted(roles(audit).values()) == ["primary", "rerun", "rerun"]
    assert kinds(audit) == {}


def test_logs_of_another_program_and_model_are_not_the_entry(tmp_path: Path) -> None:
    logs = {
        **{f"train_seed{seed}.log": log_text(seed, SCORES[seed], code=89_458) for seed in SEEDS},
        "train_small.log": log_text(5, 1.32, params=39_883_904, model=9_960_356),
    }
    claims = {"name": "another", "val_bpb": 1.1999, "bytes_total": 8_648_712, "track": "10min_16mb"}
    audit = audited(tmp_path / "entry", logs=logs, claims=claims)
    assert roles(audit)["train_small.log"] == "other_experiment"
    assert roles(audit)["train_seed42.log"] == "copied"
    assert audit.mean_val_bpb is None
    assert {"claim_mismatch_bpb", "claim_mismatch_bytes", "missing_log", "duplicate_log"} <= kinds(audit).keys()


def test_logs_of_several_models_without_sizes_are_no_copies(tmp_path: Path) -> None:
    logs = {f"train_{n}.log": log_text(n, 1.1 + n / 10, params=n * 10**7).replace("Code size", "x") for n in (1, 2)}
    claims = submission({1337: 1.5}, bytes_total=9_000_000, seed_results=None)
    audit = audited(tmp_path / "entry", logs=logs, claims=claims, text="# An entry\n")
    assert set(roles(audit).values()) == {"other_experiment"}
    assert "duplicate_log" not in kinds(audit)


def test_a_single_log_counts_even_where_nothing_agrees(tmp_path: Path) -> None:
    claims = submission({1337: 1.2}, bytes_total=15_000_000)
    audit = audited(tmp_path / "entry", logs={"train.log": log_text()}, claims=claims, text="# An entry\n")
    assert roles(audit) == {"train.log": "primary"}
    assert audit.mean_val_bpb == SCORES[1337]


def test_an_earlier_score_line_is_taken_where_the_claim_is_its_number(tmp_path: Path) -> None:
    extra = "final_s64 val_loss:1.9451 val_bpb:1.1520 eval_time:1000ms\n"
    extra += "final_s64_exact val_loss:1.94510592 val_bpb:1.15200000\n"
    claims = submission({1337: SCORES[1337]})
    audit = audited(tmp_path / "entry", logs={"train.log": log_text() + extra}, claims=claims, text="# An entry\n")
    (run,) = audit.runs
    assert run.final_val_bpb == SCORES[1337]
    assert "claim_mismatch_bpb" not in kinds(audit)


def test_where_nothing_is_claimed_a_log_without_a_score_is_no_finding(tmp_path: Path) -> None:
    claims = '{"val_bpb": null, "status": "incomplete", "track": "10min_16mb"}'
    text = log_text().split("final_int6_roundtrip")[0]
    audit = audited(
        tmp_path / "entry", logs={"train.log": text}, claims=claims, text="# val_bpb 1.1727 before export\n"
    )
    assert (audit.claimed.val_bpb, audit.runs[0].role, kinds(audit)) == (None, "incomplete", {})


def test_of_a_log_without_a_final_score_a_claimed_validation_is_shown(tmp_path: Path) -> None:
    claims = submission({1337: 1.1727}, bytes_total=None)
    text = log_text().split("final_int6_roundtrip")[0]
    audit = audited(tmp_path / "entry", logs={"train.log": text}, claims=claims, text="# An entry\n")
    (run,) = audit.runs
    assert (run.role, run.final_val_bpb, run.total_bytes) == ("primary", 1.1727, MODEL_BYTES + len(SCRIPT))
