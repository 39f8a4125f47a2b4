"""The table of a job's variants, from the runs that they left."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.results.variants import VariantRow
from runner.search.overrides import read_raw
from runner.search.table import variant_table
from runner.search.variants import Family, read_family
from tests.fixtures.results import record, run_result, score

JOB = """\
name: tried
track: local
seeds: [1, 2, 3]
limits: {train_seconds: 60, eval_seconds: 9}
data: {corpus: asv}
reference: {source: X, hardware: 1xH100, data: d, seeds: [{seed: 1, logged: {bpb: 1.2, bytes_total: 90}}]}
config: {schedule: {max_wallclock_seconds: 50}}
variants:
  - {name: better, set: {optim.matrix_lr: 0.02}}
  - {name: same, set: {optim.matrix_lr: 0.03}}
  - {name: huge, set: {model.num_layers: 90}}
"""


@pytest.fixture
def family(tmp_path: Path) -> Family:
    (tmp_path / "job.yaml").write_text(JOB)
    found = read_family(read_raw(tmp_path / "job.yaml"))
    assert found is not None
    return found


def of(*losses: float | None) -> object:
    """A record whose seeds 1, 2, … have these losses."""
    results = [
        run_result(seed, final_score=None if loss is None else score(loss))
        for seed, loss in enumerate(losses, start=1)
    ]
    return record(results=results)


def test_deltas_are_paired_by_seed_and_corrected_for_as_many_as_were_tested(family: Family) -> None:
    done = {"base": of(3.0, 3.5, 4.0), "better": of(2.9, 3.39, 3.91), "same": of(3.1, 3.45, 3.99)}
    huge = VariantRow(name="huge", state="infeasible", reason="too large", bytes_total=5)
    table = variant_table(family, done, {"huge": huge}, 16_000_000)  # type: ignore[arg-type]
    base, better, same, last = table.rows
    assert (table.base, base.delta, base.reference_bpb, base.reference_bytes) == ("base", None, 1.2, 90)
    assert last == huge
    assert better.pairs == 3
    assert better.delta == pytest.approx(score(0.1).val_bpb * -1)
    assert better.low is not None
    assert better.high is not None
    assert better.low < (better.low + better.high) / 2 < better.high < 0
    assert better.p is not None
    assert better.p_holm == pytest.approx(2 * better.p)
    assert same.p_holm == same.p
    assert better.reference_bpb is None


def test_a_seed_without_a_score_pairs_with_nothing_and_one_pair_has_no_interval(family: Family) -> None:
    done = {"base": of(3.0, None, 4.0), "better": of(2.9, 3.4, None)}
    table = variant_table(family, done, {}, 16_000_000)  # type: ignore[arg-type]
    row = table.rows[1]
    assert (row.seeds, row.pairs, row.low, row.p, row.p_holm) == ([1, 2], 1, None, None, None)
    assert row.delta == pytest.approx(-score(0.1).val_bpb)
    assert [row.state for row in table.rows] == ["trained", "trained", "not run", "not run"]


def test_without_a_run_of_the_base_nothing_is_held_against_it(family: Family) -> None:
    table = variant_table(family, {"better": of(2.9)}, {}, 16_000_000)  # type: ignore[dict-item]
    assert table.rows[1].delta is None
    assert table.rows[1].mean == pytest.approx(score(2.9).val_bpb)
