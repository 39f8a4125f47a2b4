"""What a sequential claim takes: as a simulation of whole experiments finds it."""

from __future__ import annotations

import numpy as np
import pytest

from runner.sequential.design import Design, design, p_values
from runner.sequential.expected import expected

LOOKS = (3, 5, 7, 9)


def nine_at_most() -> Design:
    """Made once, by the first test that asks: a second's work that no collection of tests need wait for."""
    return design(LOOKS, 0.01, "obrien_fleming", 8)


def simulated(made: Design, excess: float) -> tuple[list[float], float]:
    """Probability to hold at each look, and seeds, without giving up: z instead of t, as the theory has it."""
    from scipy import special

    draw = np.random.default_rng(5)
    own, theirs = draw.standard_normal((40_000, 9)), draw.standard_normal((40_000, 8))
    bounds = [-float(special.ndtri(level)) for level in made.levels]
    z = np.stack(
        [(theirs.mean(1) - own[:, :n].mean(1) + excess) / (1 / n + 1 / 8) ** 0.5 for n in made.looks], axis=1
    )
    hit = z >= np.array(bounds)
    first = np.where(hit.any(1), hit.argmax(1), 4)
    return [float((first == place).mean()) for place in range(4)], float(np.array([*LOOKS, 9])[first].mean())


def test_probabilities_are_a_simulations() -> None:
    found = expected(nine_at_most(), 2.0, 50.0, (1.0, 1.0))  # a claim so large that nothing is ever out of reach
    holds, seeds = simulated(nine_at_most(), 2.0)
    assert found.holds == pytest.approx(holds, abs=0.008)
    assert found.seeds == pytest.approx(seeds, abs=0.03)
    assert sum(found.given_up) == pytest.approx(0.0, abs=1e-6)


def test_without_a_gain_it_is_given_up_early() -> None:
    found = expected(nine_at_most(), -2.0, 2.0, (1.0, 1.0))
    assert found.power < 1e-4
    assert found.seeds < 4
    assert sum(found.given_up) > 0.9


def test_giving_up_costs_little_power() -> None:
    assert (
        expected(nine_at_most(), 2.5, 50.0, (1.0, 1.0)).power - expected(nine_at_most(), 2.5, 2.5, (1.0, 1.0)).power
        < 0.05
    )


def test_levels_hold_t_as_well_as_z() -> None:
    draw = np.random.default_rng(6)
    found = p_values(draw.standard_normal((40_000, 8)), draw.standard_normal((40_000, 9)) - 3.0, LOOKS)
    power = float((found < np.array(nine_at_most().levels)).any(1).mean())
    assert power == pytest.approx(expected(nine_at_most(), 3.0, 50.0, (1.0, 1.0)).power, abs=0.05)


def test_without_a_deviation_nothing_is_expected() -> None:
    with pytest.raises(ValueError, match="without a deviation"):
        expected(nine_at_most(), 1.0, 1.0, (1.0, 0.0))
