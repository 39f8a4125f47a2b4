"""The shipped jobs with variants: what they reproduce, what does not fit, what stays of them small; (slow) a run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from runner.job.load import load_job
from runner.job.spec import resolved
from runner.plan.size_forecast import forecast_bytes
from runner.record.find import variant_tables
from runner.search.campaign import infeasible_row
from runner.search.table import reference_of
from runner.search.variants import Family
from runner.verbs.loading import opened
from tests.fixtures.places import JOBS, ROOT

FOLDER = JOBS / "variants"
CODE_BYTES = 57_747
"""Of PR #465's script; the others' are near it."""
VARIANTS = {
    "pr465_table": ["sp8192_d512_6L", "sp8192_d512_7L", "sp8192_d512_8L", "sp8192_d384_9L", "sp1024_d512_10L"],
    "pr465_embedding_bits": ["fp16", "int8", "int6"],
    "pr372_ablations": ["pr372", "xsa3", "decay_0.01", "decay_0.02", "decay_0.1", "swa", "rope_10k", "int6_mlp"],
    "pr102_rejected": ["pr102", "int7", "int7_mlp_2.5", "mlp_2.5", "softcap_15", "int8_mlp_3"],
    "pr160_exports": ["zlib", "qgv3_lzma"],
    "frontier_exports": ["sdclip", "one_step", "column_steps", "trellis", "all_steps"],
}


def family(name: str, profile: str | None = None) -> Family:
    found = opened(FOLDER / f"{name}.yaml", None, profile).family
    assert found is not None
    return found


def test_every_file_of_the_folder_is_known_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(VARIANTS)


@pytest.mark.parametrize("name", VARIANTS)
def test_a_file_leads_to_its_variants_and_its_small_profile_keeps_all_of_them_apart(name: str) -> None:
    for profile in (None, "small"):
        found = family(name, profile)
        assert [one.name for one in found.variants] == VARIANTS[name]
        assert found.same == ()
    repacked = {one.name for one in family(name).variants if one.repack}
    from_kept = {
        "pr465_embedding_bits": {"int8", "int6"},
        "pr160_exports": {"qgv3_lzma"},
        "frontier_exports": {"one_step", "column_steps", "trellis", "all_steps"},
    }
    assert repacked == from_kept.get(name, set())


def test_exports_of_the_frontier_pack_one_training_to_one_cap_each_in_its_own_way() -> None:
    for profile in (None, "small"):
        plain, *others = (one.job.config for one in family("frontier_exports", profile).variants)
        assert plain.export.solves_factor
        assert all(other.export.solves_step for other in others)
        assert {other.export.step.cap_bytes for other in others} == {plain.export.step.cap_bytes}
        assert [other.export.steps.columns for other in others] == ["off", "cholesky", "cholesky", "cholesky"]
        assert [other.export.rounding for other in others] == ["gptq", "gptq", "trellis", "trellis"]
        assert all(replace(other, export=plain.export) == plain for other in others)


def test_the_last_export_of_the_frontier_is_the_frontier_s_own_without_asking_whether_it_pays() -> None:
    frontier = load_job(JOBS / "frontier.yaml").config
    last = family("frontier_exports").variants[-1].job.config
    asked = replace(last.export, steps=replace(last.export.steps, auto=True))
    unused = replace(asked, rows=frontier.export.rows, sdclip=frontier.export.sdclip)  # of rows that it has none of
    assert replace(last, export=unused) == frontier


def test_sizes_of_the_table_of_pr_465_are_expected_where_they_were_published() -> None:
    for one in family("pr465_table").variants:
        expected = forecast_bytes(one.job.config, CODE_BYTES).expected
        published = reference_of(one.job)["reference_bytes"]
        assert expected == pytest.approx(published, rel=0.03), one.name


def test_what_pr_102_found_too_large_is_infeasible_and_said_so_before_it_runs() -> None:
    rows = {one.name: infeasible_row(one, 59_656) for one in family("pr102_rejected").variants}
    assert [name for name, row in rows.items() if row is not None] == ["int7", "int8_mlp_3"]
    last = rows["int8_mlp_3"]
    assert last is not None
    assert last.reason.startswith("about 20.5 MB are expected, over the cap of 16,000,000 bytes")


def test_the_second_export_of_pr_160_is_that_of_the_job_that_reproduces_it() -> None:
    ours = resolved(family("pr160_exports").chosen("qgv3_lzma").job)["config"]
    assert ours == resolved(load_job(JOBS / "pr160.yaml"))["config"]


@pytest.mark.slow
def test_the_table_of_pr_465_runs_small_from_end_to_end(tmp_path: Path) -> None:
    job = str(FOLDER / "pr465_table.yaml")
    command = [sys.executable, "-m", "runner.cli", "run", job, "--profile", "small", "--local"]
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    (table,) = variant_tables([tmp_path / "records"])
    assert [row.name for row in table.rows] == VARIANTS["pr465_table"]
    assert [row.verdict for row in table.rows] == ["passed"] * 5
    assert all(row.mean is not None and row.bytes_total is not None for row in table.rows)
    assert [row.delta is not None for row in table.rows] == [False, True, True, True, True]
