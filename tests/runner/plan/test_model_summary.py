"""`golf model summary`: the baseline's figures, every line in 80 columns, one message for a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from rich.console import Console, RenderableType

from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from golf_model.shapes import parameter_count, payload_bytes
from runner.job.load import load_job
from runner.plan.model_summary import summary_tables, totals_table
from tests.fixtures.model_jobs import configs, golf_model, write_job
from tests.fixtures.places import JOBS

ALL_JOBS = sorted(JOBS.glob("*.yaml"))


def printed(tables: list[RenderableType], width: int) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        for table in tables:
            console.print(table)
    return capture.get()


def numbers(text: str) -> Iterator[tuple[int, ...]]:
    """The figures of each line of a printed table that ends in figures."""
    for line in text.splitlines()[1:]:
        yield tuple(int(word.replace(",", "")) for word in line.split() if word.replace(",", "").isdigit())


def test_the_default_model_has_the_official_baselines_figures() -> None:
    config = GolfConfig()
    assert parameter_count(ModelConfig()) == 17_059_912
    assert payload_bytes(config.model, config.export) == 17_178_912
    *_, last = numbers(printed([totals_table(config)], 80))
    assert last == (92, 17_059_912, 17_178_912)


@given(configs)
def test_classes_and_schemes_add_up_to_the_whole(config: GolfConfig) -> None:
    *parts, whole = numbers(printed([totals_table(config)], 80))
    assert tuple(sum(column) for column in zip(*parts, strict=True)) == whole


@pytest.mark.parametrize("path", ALL_JOBS, ids=lambda path: path.stem)
def test_no_tensor_of_any_job_is_broken_at_80_columns(path: Path) -> None:
    job = load_job(path)
    tensors = summary_tables(job, 50_000)[0]
    assert printed([tensors], 80).replace(" ", "") == printed([tensors], 300).replace(" ", "")


def test_the_verb_prints_tensors_totals_and_costs(tmp_path: Path) -> None:
    write_job(tmp_path / "a.yaml")
    done = golf_model("summary", "a.yaml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "blocks.0-8.mlp.fc.weight ×9",
        "1024 x 512",
        "17,059,912",
        "17,178,912 bytes",
        "43,525,120 forward; training 130,575,360",
        "1,048,576 = 2 x 512 x 1024",
        "9,446,400 = 9 layers x 4 x 512 x 512.5",
        "memory, estimate",
        "in one process",
    ):
        assert part in done.stdout


def test_a_job_that_is_not_there_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    done = golf_model("summary", "none.yaml", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "golf: none.yaml: no such file; give the path of a job\n"
