"""The budget's arithmetic: node-seconds, what is under way, what the next launch is taken to need."""

from __future__ import annotations

import pytest

from runner.budget.gate import Allowance, Gate, allowance
from runner.budget.spec import BudgetSpec
from runner.errors import UserError


def gate_for(seconds: float = 100.0, full: float = 40.0, **changes: object) -> Gate:
    spec = BudgetSpec(hours=seconds / 3600)
    return Gate(Allowance(spec, None), full=full, scoring=5.0, **changes)  # type: ignore[arg-type]


def test_the_tighter_of_both_limits_counts() -> None:
    assert Allowance(BudgetSpec(dollars=10.0, hours=2.0), 20.0).seconds == 1800
    assert Allowance(BudgetSpec(dollars=10.0, hours=0.25), 20.0).seconds == 900
    assert Allowance(BudgetSpec(hours=2.0), None).seconds == 7200


def test_a_price_of_the_job_goes_before_the_profiles_and_a_share_of_a_node_costs_a_share() -> None:
    own = allowance(BudgetSpec(dollars=10.0, dollars_per_hour=4.0), 20.0, 1.0, "h100x8")
    half = allowance(BudgetSpec(dollars=10.0), 20.0, 0.5, "h100x8")
    assert own is not None
    assert half is not None
    assert (own.price, half.price) == (4.0, 10.0)
    assert allowance(None, None, 1.0, "cpu") is None


def test_dollars_without_a_price_are_refused_and_hours_are_not() -> None:
    with pytest.raises(UserError, match=r"^budget.dollars: the price of hardware cpu is not known; give budget.dol"):
        allowance(BudgetSpec(dollars=10.0), None, 1.0, "cpu")
    assert allowance(BudgetSpec(hours=1.0), None, 1.0, "cpu") is not None


def test_before_a_seed_has_completed_a_launch_is_taken_to_use_up_its_limits() -> None:
    gate = gate_for()
    assert (gate.expected(), gate.expected(scores=True)) == (40.0, 5.0)
    gate.end(1, 12.0, completed=False, scored_only=False)
    assert gate.expected() == 40.0
    gate.end(1, 3.0, completed=True, scored_only=True)
    assert gate.expected() == 40.0
    gate.end(1, 15.0, completed=True, scored_only=False)
    gate.end(2, 14.0, completed=True, scored_only=False)
    assert (gate.expected(), gate.spent) == (15.0, 44.0)


def test_what_waits_and_runs_counts_and_what_runs_longer_counts_longer() -> None:
    now = [0.0]
    gate = gate_for(clock=lambda: now[0])
    gate.plan(1, 40.0)
    gate.begin(1)
    assert gate.fits(60.0)
    assert not gate.fits(60.1)
    gate.plan(2, 40.0)
    now[0] = 70.0
    assert (gate.under_way(), gate.over()) == (110.0, True)
    gate.drop(2)
    assert not gate.over()
    gate.end(1, 70.0, completed=True, scored_only=False)
    assert (gate.spent, gate.under_way(), gate.fits(30.0), gate.fits(31.0)) == (70.0, 0.0, True, False)


def test_it_warns_once_at_its_share() -> None:
    gate = Gate(Allowance(BudgetSpec(dollars=1.0, warn_at=0.5), 36.0), full=40.0, scoring=5.0)
    gate.end(1, 49.0, completed=True, scored_only=False)
    assert gate.warning() == ""
    gate.end(2, 3.0, completed=False, scored_only=False)
    assert gate.warning() == "budget: 52% of $1 is spent: $0.52 (0.0144 node-hours)"
    assert gate.warning() == ""


def test_it_says_beforehand_how_many_seeds_fit_and_afterwards_what_is_left() -> None:
    gate = Gate(Allowance(BudgetSpec(dollars=10.0), 20.0), full=1200.0, scoring=600.0)
    assert gate.outlook(1) == ("budget: $10, $0.00 (0 node-hours) spent; 1 to run, about $6.67 (0.333 node-hours)")
    assert gate.outlook(3).endswith("3 to run, about $20.00 (1 node-hours): about 1 of them will fit")
    gate.end(1, 1170.0, completed=True, scored_only=False)
    assert gate.why_held() == (
        "the next seed would exceed the budget of $10: $6.50 (0.325 node-hours) spent, $3.50 (0.175 node-hours) "
        "left, and it is taken to need $6.50 (0.325 node-hours), as the longest so far"
    )
