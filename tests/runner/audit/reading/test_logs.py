"""One log into its runs: several in one, dumps of programs, separate evaluations, many scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.audit.reading.logs import KEPT_SCORES, Draft, read_log
from tests.runner.audit.entries import log_text

DUMP = '''"""A program.

step:100/200 val_loss:9.9999 val_bpb:9.9999 train_time:1ms step_avg:1.00ms
final_int8_zlib_roundtrip_exact val_loss:9.99999999 val_bpb:9.99999999
seed:7
"""
import torch
Total submission size int8+zlib: 99 bytes
'''
BAR = "=" * 100 + "\n"


def runs_of(tmp_path: Path, text: str) -> list[Draft]:
    path = tmp_path / "train.log"
    path.write_text(text)
    return read_log(path)


def test_one_run_and_its_facts(tmp_path: Path) -> None:
    (run,) = runs_of(tmp_path, log_text())
    assert run.facts["seed"] == 1337
    assert (run.facts["steps"], run.facts["train_seconds"]) == (7000, 600.05)
    assert run.marks == {"sp1024"}
    assert [score.label for score in run.scores] == [
        "final_int6_roundtrip",
        "final_int6_sliding_window",
        "final_int6_sliding_window_exact",
    ]


def test_a_dumped_program_says_nothing(tmp_path: Path) -> None:
    (plain,) = runs_of(tmp_path, log_text())
    (dumped,) = runs_of(tmp_path, DUMP + BAR + "Running Python 3.12\n" + BAR + log_text())
    assert dumped.facts == plain.facts
    assert len(dumped.scores) == len(plain.scores)


def test_a_log_that_looks_like_a_dump_to_its_end_is_still_read(tmp_path: Path) -> None:
    (run,) = runs_of(tmp_path, "import torch\n" + log_text())
    assert run.facts["seed"] == 1337


def test_training_between_an_import_and_a_banner_is_no_dump(tmp_path: Path) -> None:
    steps = "".join(f"step:{n}/20000 train_loss:6.9 train_time:{n * 85}ms step_avg:85.00ms\n" for n in range(1, 30))
    (run,) = runs_of(tmp_path, "import torch\nseed:42\n" + steps + BAR + "final val_loss:1.9 val_bpb:1.1\n")
    assert (run.facts["seed"], run.facts["steps"]) == (42, 29)
    assert len(run.scores) == 1


def test_runs_after_one_another_are_told_apart(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, "".join(DUMP + BAR + log_text(seed, 1.1 + seed / 1e5) for seed in (1, 2, 3)))
    assert [run.facts["seed"] for run in runs] == [1, 2, 3]
    assert [len(run.scores) for run in runs] == [3, 3, 3]


def test_a_crashed_run_before_a_whole_one_is_a_run_of_its_own(tmp_path: Path) -> None:
    crashed = log_text(42).split("Serialized model")[0]
    first, second = runs_of(tmp_path, crashed + log_text(42))
    assert not first.scores
    assert second.scores


def test_a_separate_evaluation_belongs_to_the_run_before_it(tmp_path: Path) -> None:
    later = "seed:1337\nmodel_params:21778504\nfinal_ttt_exact val_loss:1.80000000 val_bpb:1.06000000\n"
    (run,) = runs_of(tmp_path, log_text() + later)
    assert run.scores[-1].val_bpb == 1.06


def test_steps_of_test_time_training_are_not_training(tmp_path: Path) -> None:
    later = "step:1/50 train_loss:1.9 train_time:10ms step_avg:10.00ms\nstep:50/50 train_loss:1.8 train_time:500ms\n"
    (run,) = runs_of(tmp_path, log_text() + later)
    assert (run.facts["steps"], run.facts["train_seconds"]) == (7000, 600.05)


@pytest.mark.parametrize(
    "line",
    [
        "stopping_early: wallclock_cap train_time:599800ms step:7000/20000",
        "Training complete: 7000 steps in 599.8s",
    ],
)
def test_a_line_that_ends_training_says_steps_and_seconds_in_either_order(tmp_path: Path, line: str) -> None:
    (run,) = runs_of(tmp_path, f"seed:42\nstep 500/20000 | loss 3.4121\n{line}\nstep 1/50 | loss 1.9\n")
    assert (run.facts["steps"], run.facts["train_seconds"]) == (7000, 599.8)


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        (["Training finished in 571s (2711 steps)"], 571.0),
        (["Stopping early at step 2711 (out of time)", "Training done in 571s"], 571.0),
        (["Stopped at step 2711", "Training: 9000 steps, 571s"], 571.0),
    ],
)
def test_the_steps_of_the_line_that_ends_training_are_the_runs_and_not_the_last_ones_shown_or_planned(
    tmp_path: Path, lines: list[str], seconds: float
) -> None:
    log = [
        "seed:42",
        "step 2600/9000 | loss 3.4",
        *lines,
        "final val_loss:2.0 val_bpb:1.2",
        "Training: 9000 steps, 571s",
    ]
    (run,) = runs_of(tmp_path, "\n".join(log) + "\n")
    assert (run.facts["steps"], run.facts["train_seconds"]) == (2711, seconds)


def test_the_head_says_the_seed_first(tmp_path: Path) -> None:
    (run,) = runs_of(tmp_path, log_text(42) + "seed:7 is what the next run will have\n")
    assert run.facts["seed"] == 42


def test_of_very_many_scores_the_last_is_kept(tmp_path: Path) -> None:
    many = "".join(f"eval_{n} val_loss:1.9 val_bpb:1.{n:06d}\n" for n in range(3 * KEPT_SCORES))
    (run,) = runs_of(tmp_path, log_text() + many)
    assert len(run.scores) <= 2 * KEPT_SCORES + 1
    assert run.scores[-1].label == f"eval_{3 * KEPT_SCORES - 1}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Results: val_bpb: 1.15\nnext: val_bpb = 1.14\n",
        "\n\n",
        "pip install torch\nzstandard==0.23\n",
        "hello world\n" * 50,
    ],
)
def test_what_is_no_log_holds_no_run(text: str, tmp_path: Path) -> None:
    assert runs_of(tmp_path, text) == []


@given(lines=st.lists(st.sampled_from((DUMP + BAR + log_text()).splitlines()), max_size=60))
def test_any_order_of_lines_is_read(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "shuffled.log"
    path.write_text("\n".join(lines))
    assert all(not run.empty for run in read_log(path))
