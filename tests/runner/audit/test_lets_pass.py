"""Small folders that an audit must not let pass: each is sound but for one thing that a glance overlooks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.audit.facts import Audit
from tests.runner.audit.entries import RATIO, SCORES, SCRIPT, audited, kinds, log_text, submission

CODE = len(SCRIPT)
OVER = 16_100_000
SIZES = ("Serialized model", "Code size", "Total submission")


def with_sizes(*lines: str, seed: int = 1337, bpb: float = SCORES[1337], **changes: Any) -> str:
    """A run whose sizes are printed by `lines` in the place of the official ones."""
    found, placed = [], False
    for line in log_text(seed, bpb, **changes).splitlines():
        if line.startswith(SIZES):
            found += [] if placed else list(lines)
            placed = True
        else:
            found.append(line)
    return "\n".join(found) + "\n"


def one(tmp_path: Path, log: str, **claims: Any) -> Audit:
    """The audit of an entry of one seed with this log."""
    changes: dict[str, Any] = {"bytes_total": None, "bytes_code": None, **claims}
    return audited(
        tmp_path / "entry",
        logs={"train.log": log},
        claims=submission({1337: SCORES[1337]}, **changes),
        text="# An entry\n",
    )


@pytest.mark.parametrize(
    "lines",
    [
        ["Artifact:    16,100,000 bytes (15.35 MB)"],
        ["Artifact size:      16100000 bytes"],
        ["model:16050000 code:50000 total:16100000 (16.10 MB)"],
        ["int6_zstd:16050000 code:50000 total:16100000 budget_pct:100.6%"],
        ["compressed_model_bytes:16050000 code_bytes:50000 total_artifact_bytes:16100000"],
        ["q:16050000B", "total:16100000B"],
        ["Serialized model int6+zlib:16050000bytes (payload:1)", "Total submission size int6+zlib:16100000bytes"],
        ["Serialized model+table fp16+lzma: 16050000 bytes", "Total submission size: 16100000 bytes"],
        [
            "serialized_model_int8_zlib:16050000 bytes (payload:2)",
            "code_size:50000 bytes total_submission_size:86000000 bytes",
        ],
        ["total_submission_bytes:16100000"],
        ["Total submission size: 15.90 MiB"],
        ["Total submission size: 16.4 MB"],
        ["RUN_SUMMARY: steps=7000 artifact_bytes=16100000 step_ms=74.1"],
    ],
    ids=lambda lines: lines[0][:40],
)
def test_a_size_over_the_cap_in_any_words(lines: list[str], tmp_path: Path) -> None:
    assert kinds(one(tmp_path, with_sizes(*lines)))["over_cap"] == "error"


@pytest.mark.parametrize(
    "line", ["Total submission size: 15.90 MB", "Total artifact: 15,990,000 bytes", "Peak memory: 16.9 MiB"]
)
def test_a_size_under_the_cap_is_not_over(line: str, tmp_path: Path) -> None:
    assert "over_cap" not in kinds(one(tmp_path, with_sizes(line)))


def test_a_size_at_the_cap_in_megabytes_is_said_with_both_ends(tmp_path: Path) -> None:
    audit = one(tmp_path, with_sizes("Total submission size: 16.00 MB"))
    (found,) = (each for each in audit.findings if each.kind == "over_cap")
    assert found.severity == "warn"
    assert "between 15,995,000 and" in found.detail


def test_a_small_model_beside_a_table_is_not_taken_for_an_uncompressed_one(tmp_path: Path) -> None:
    log = with_sizes(
        "Serialized model+table fp16+lzma: 16123456 bytes", "Total submission size: 16124534 bytes", params=4_100_000
    )
    audit = one(tmp_path, log)
    assert audit.runs[0].total_bytes == 16_124_534
    assert kinds(audit)["over_cap"] == "error"


def test_a_training_log_without_a_score_is_held_to_the_cap(tmp_path: Path) -> None:
    cut = log_text(model=OVER).partition("final_int6_roundtrip")[0]
    found = kinds(one(tmp_path, cut))
    assert found["over_cap"] == "error"


@pytest.mark.parametrize(
    "claims",
    [
        {"bytes_total": OVER},
        {"bytes_total": "16,100,000 bytes"},
        {"artifact_mib": 15.9},
        {"artifact_size_mb": 16.8},
        {"seed_results": {"1337": {"val_bpb": SCORES[1337], "artifact_bytes": OVER}}},
    ],
)
def test_a_claim_that_is_itself_over_the_cap(claims: dict[str, Any], tmp_path: Path) -> None:
    assert kinds(one(tmp_path, with_sizes(), **claims))["over_cap"] == "error"


def test_a_claim_over_the_cap_needs_no_log(tmp_path: Path) -> None:
    assert kinds(audited(tmp_path / "entry", logs={}, claims=submission(bytes_total=OVER)))["over_cap"] == "error"


@pytest.mark.parametrize(("model", "severity"), [(15_499_990, "warn"), (15_999_990, "error")])
def test_a_claimed_total_that_is_the_model_alone(model: int, severity: str, tmp_path: Path) -> None:
    audit = one(tmp_path, log_text(model=model), bytes_total=model)
    found = next(each for each in audit.findings if each.kind == "claim_mismatch_bytes")
    assert found.severity == severity
    assert "the model's without the program" in found.detail


@pytest.mark.parametrize(("bpb", "severity"), [(0.0165, "error"), (0.7845, "error"), (0.93, "warn"), (0.97, None)])
def test_a_score_under_the_floor_is_never_passed_over(bpb: float, severity: str | None, tmp_path: Path) -> None:
    logs = {"train.log": log_text(1337, bpb, loss=bpb * RATIO)}
    audit = audited(tmp_path / "entry", logs=logs, claims=submission({1337: bpb}), text="# An entry\n")
    assert kinds(audit).get("implausible_score") == severity


def test_an_implausible_claim_needs_no_log(tmp_path: Path) -> None:
    found = kinds(audited(tmp_path / "entry", logs={}, claims=submission({1337: 0.41}), text="# An entry\n"))
    assert found["implausible_score"] == "error"


def test_spaces_counted_twice_are_an_error_with_the_corrected_score(tmp_path: Path) -> None:
    log = log_text(1337, 1.0, loss=RATIO * 1.17)
    alone = "".join(line for line in log.splitlines(keepends=True) if "final_int6_roundtrip" not in line)
    audit = audited(tmp_path / "entry", logs={"train.log": alone}, claims=submission({1337: 1.0}), text="# x\n")
    (found,) = (each for each in audit.findings if each.kind == "metric_ratio")
    assert found.severity == "error"
    assert "the score is 1.1700" in found.detail


def test_a_small_part_of_the_validation_text_is_said(tmp_path: Path) -> None:
    head = "val_loader:shards pattern=./data/fineweb10B_sp1024/fineweb_val_*.bin tokens:1048576\n"
    audit = audited(tmp_path / "entry", logs={f"train_seed{s}.log": head + log_text(s, b) for s, b in SCORES.items()})
    assert kinds(audit) == {"other_validation_text": "warn"}
    assert "1,048,576 validation tokens" in audit.findings[0].detail


def test_a_validation_text_that_was_cut_otherwise_is_a_note(tmp_path: Path) -> None:
    head = "val_loader:shards pattern=./data/fineweb10B_sp1024/fineweb_val_*.bin tokens:63779840\n"
    audit = audited(tmp_path / "entry", logs={f"train_seed{s}.log": head + log_text(s, b) for s, b in SCORES.items()})
    assert kinds(audit) == {}
    assert [(note.kind, note.severity) for note in audit.notes] == [("other_validation_text", "info")]


def test_the_whole_validation_text_is_not_remarked_upon(tmp_path: Path) -> None:
    head = "val_loader:shards pattern=./data/fineweb10B_sp1024/fineweb_val_*.bin tokens:62021632\n"
    assert not kinds(
        audited(tmp_path / "entry", logs={f"train_seed{s}.log": head + log_text(s, b) for s, b in SCORES.items()})
    )


def test_seeds_scored_on_different_texts(tmp_path: Path) -> None:
    logs = {
        f"train_seed{seed}.log": f"val_tokens: {40_000_000 + 900_000 * (seed == 42)}\n"
        + log_text(seed, bpb, data="own_text")
        for seed, bpb in SCORES.items()
    }
    audit = audited(tmp_path / "entry", logs=logs)
    assert kinds(audit)["other_validation_text"] == "warn"


@pytest.mark.parametrize(
    "program",
    [
        "import sys\nsys.path.insert(0, '..')\nfrom toy_walk_engine import main\nmain()\n",
        "import my_kernels.fused\n",
        "import os, numpy, secret_sauce\n",
    ],
)
def test_a_module_that_lies_nowhere_is_code_outside_the_script(program: str, tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", extra={"train_gpt.py": program}, claims=submission(bytes_code=None))
    assert kinds(audit)["code_outside_script"] == "warn"


@pytest.mark.parametrize(
    "program",
    [
        "import subprocess, sys\nsubprocess.run([sys.executable, 'engine/walk.py'])\n",
        "import runpy\nrunpy.run_path('engine/walk.py')\n",
        "exec(open('engine/walk.py').read())\n",
        "import importlib\nimportlib.import_module('engine.walk')\n",
        "from walk import main\n",
    ],
)
def test_a_file_that_is_started_or_lies_in_a_subfolder_is_code_outside(program: str, tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", extra={"train_gpt.py": program, "engine/walk.py": "x = 1\n"})
    (found,) = (each for each in audit.findings if each.kind == "code_outside_script")
    assert "engine/walk.py" in found.evidence


@pytest.mark.parametrize(
    "program",
    [
        "import torch, flash_attn_interface\n",
        "try:\n    import own_fast_thing\nexcept ImportError:\n    pass\n",
        "import zlib\n",
    ],
)
def test_known_packages_and_imports_that_may_fail_are_no_code_outside(program: str, tmp_path: Path) -> None:
    assert "code_outside_script" not in kinds(audited(tmp_path / "entry", extra={"train_gpt.py": program}))


def test_the_sum_with_the_program_as_it_is_shipped_is_a_note(tmp_path: Path) -> None:
    logs = {f"train_seed{seed}.log": log_text(seed, bpb, model=15_970_000) for seed, bpb in SCORES.items()}
    audit = audited(
        tmp_path / "entry",
        logs=logs,
        claims=submission(bytes_total=15_970_038),
        extra={"train_gpt.py": "x = 1\n" * 9000},
    )
    (note,) = audit.notes
    assert (note.kind, note.severity) == ("shipped_script", "info")
    assert "15,970,000 + 54,000 = 16,024,000 bytes, 24,000 over the cap" in note.detail
    assert "over_cap" not in kinds(audit)


def test_nan_as_the_headline(tmp_path: Path) -> None:
    claims = json.dumps(submission(val_bpb=None)).replace("{", '{"val_bpb": NaN, ', 1)
    assert kinds(audited(tmp_path / "entry", claims=claims, text="# x\n"))["not_a_number"] == "error"


def test_nan_as_the_last_score_of_a_run(tmp_path: Path) -> None:
    log = (
        log_text().partition("final_int6_roundtrip")[0] + "final_int8_zlib_roundtrip_exact val_loss:nan val_bpb:nan\n"
    )
    assert kinds(one(tmp_path, log))["not_a_number"] == "error"


def test_the_best_of_several_seeds_by_an_earlier_line(tmp_path: Path) -> None:
    earlier = {21: 1.30, 22: 1.34, 23: 1.33}
    logs = {
        f"train_seed{seed}.log": log_text(seed, bpb)
        + f"late_ttt_exact val_loss:{(bpb - 0.02) * RATIO:.8f} val_bpb:{bpb - 0.02:.8f}\n"
        for seed, bpb in earlier.items()
    }
    audit = audited(tmp_path / "entry", logs=logs, claims={"val_bpb": 1.3, "track": "10min_16mb"}, text="# x\n")
    assert kinds(audit) == {"claim_mismatch_mean": "error"}
    assert [run.final_val_bpb for run in audit.runs] == [1.30, 1.34, 1.33]
    assert "`final_int6_sliding_window_exact`" in (audit.runs[0].final_metric_why or "")


@pytest.mark.parametrize("other", ["0.0011", "0.00093"])
def test_a_population_deviation_is_not_hidden_by_another_column(other: str, tmp_path: Path) -> None:
    text = f"# An entry\n\nval_bpb 1.1510 (mean)\n\n| std of the plain score | {other} |\n"
    found = kinds(audited(tmp_path / "entry", claims=submission(val_bpb_std=0.000763), text=text))
    assert found["wrong_std"] == "warn"


def test_a_population_deviation_of_rounded_scores(tmp_path: Path) -> None:
    from statistics import pstdev

    std = pstdev(round(bpb, 4) for bpb in SCORES.values())
    assert kinds(audited(tmp_path / "entry", claims=submission(val_bpb_std=round(std, 9))))["wrong_std"] == "warn"


def test_a_headline_that_is_not_the_mean_of_the_seeds_it_lists(tmp_path: Path) -> None:
    listed = {str(seed): {"val_bpb": bpb + 0.01} for seed, bpb in SCORES.items()}
    audit = audited(tmp_path / "entry", logs={}, claims=submission(seed_results=listed), text="# x\n")
    assert kinds(audit)["claim_mismatch_mean"] == "error"


def test_a_headline_that_is_one_of_the_listed_seeds_without_a_log(tmp_path: Path) -> None:
    audit = audited(tmp_path / "entry", logs={}, claims=submission(val_bpb=SCORES[1337]), text="# x\n")
    assert kinds(audit)["claim_mismatch_mean"] == "error"


def test_two_seeds_with_the_same_eight_digits(tmp_path: Path) -> None:
    same = {1337: 1.15012345, 42: 1.15012345}
    logs = {f"train_seed{seed}.log": log_text(seed, bpb, train_ms=600_000 + seed % 50) for seed, bpb in same.items()}
    audit = audited(tmp_path / "entry", logs=logs, claims=submission(same, val_bpb_std=None), text="# x\n")
    assert kinds(audit)["duplicate_log"] == "warn"


def test_seeds_of_another_name_in_a_log_of_two_runs(tmp_path: Path) -> None:
    logs = {
        f"seed{name}.log": log_text(1337, bpb) + log_text(1337, bpb - 0.001)
        for name, bpb in zip((42, 314), (1.15, 1.16), strict=True)
    }
    found = kinds(audited(tmp_path / "entry", logs=logs, claims=submission({42: 1.149, 314: 1.159}), text="# x\n"))
    assert found["seed_name_mismatch"] == "warn"
