"""What a README states of its own results."""

from __future__ import annotations

import pytest

from runner.audit.claims.readme import understand

TABLE = """
| Seed | Steps | Pre-quant bpb | val_bpb | Artifact |
|---:|---:|---|---|---|
| 1337 | 7,000 | 1.1612 | **1.1502** | 15,880,011 bytes |
| 42 | ~7,010 | 1.1622 | 1.1511 | 15.9 MB |
| **Mean** | | 1.1617 | **1.1506** | |
| **Std** | | | 0.0006 | |
"""


def test_a_table_of_seeds() -> None:
    found = understand(TABLE, "README.md")
    one, two = found.per_seed
    assert (one.seed, one.bpbs, one.steps, one.bytes) == (1337, (1.1612, 1.1502), (7000.0,), (15_880_011.0,))
    assert one.where == "README.md:4"
    assert (two.steps[0].digits, two.bytes) == (-1, ())
    assert 1.1506 in found.means
    assert found.deviations == (0.0006,)


def test_a_table_with_a_column_for_each_seed() -> None:
    text = (
        "x\n| Metric | Seed 1337 | Seed 42 |\n|---|---|---|\n| val_bpb | 1.1502 | 1.1511 |\n| Steps | 7000 | 7010 |\n"
    )
    one, two = understand(text, "README.md").per_seed
    assert (one.seed, one.bpbs, one.steps, one.where) == (1337, (1.1502,), (7000.0,), "README.md:2")
    assert (two.seed, two.bpbs, two.steps) == (42, (1.1511,), (7010.0,))


def test_another_table_is_no_table_of_seeds() -> None:
    assert understand("| Change | val_bpb |\n|---|---|\n| 1337 | 1.15 |\n", "README.md").per_seed == ()


@pytest.mark.parametrize(
    ("line", "steps"),
    [
        ("- Training stopped at step **12211/20000** due to wallclock cap", [12211]),
        ("* Training stopped at **12,277/20,000** steps", [12277]),
        ("All runs on 8xH100. ~10,070 training steps at ~59.6ms/step", [10070]),
        ("warmdown of 3000 steps", []),
        ("Training stopped at 600 seconds", []),
        ("stopped at 600.06s", []),
        ("MUON_MOMENTUM_WARMUP_STEPS=1500", []),
    ],
)
def test_where_training_stopped(line: str, steps: list[int]) -> None:
    assert [int(step) for step in understand(line, "README.md").steps][:1] == steps


@pytest.mark.parametrize(
    ("line", "bpbs"),
    [
        ("**val_bpb: 1.1361** (avg over seeds)", [1.1361]),
        ("improves bpb by 0.0034 to 1.1361", [0.0034, 1.1361]),
        ("- Sliding window: `val_loss:1.9617 val_bpb:1.1618` (64s)", [1.9617, 1.1618]),
        ("bpb went from ~1.2 to +0.0012", []),
        ("see https://example.org/val_bpb/1.2345", []),
        ("lr 0.0123 for all", []),
    ],
)
def test_numbers_about_bits_per_byte(line: str, bpbs: list[float]) -> None:
    assert list(understand(line, "README.md").bpbs) == bpbs


@pytest.mark.parametrize(
    ("line", "deviation"),
    [("(3-seed mean, std 0.0006)", 0.0006), ("mean 1.1 ± 0.0009", 0.0009), ("| **Std** | **0.00016** |", 0.00016)],
)
def test_deviations(line: str, deviation: float) -> None:
    assert understand(line, "README.md").deviations[0] == deviation


def test_exact_totals_are_read_and_the_cap_is_none() -> None:
    found = understand("Total: **15,144,136 bytes** (under 16,000,000 by 855,864 bytes)", "README.md")
    assert found.totals == (15_144_136.0,)
