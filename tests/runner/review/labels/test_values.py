"""Values: labels join, constants only where both are the same, and things may be one of several."""

from __future__ import annotations

from runner.review.labels.values import (
    NONE,
    UNSET,
    Scope,
    Thing,
    Value,
    choices_of,
    join,
    joined,
    starting,
    weights,
)


def test_either_of_two_values_has_the_labels_of_both_and_a_constant_that_both_have() -> None:
    same = join(Value(frozenset({"val"}), 3, frozenset({"A"})), Value(frozenset({"gold"}), 3, frozenset({"B"})))
    assert (set(same.labels), same.const, set(same.settings)) == ({"val", "gold"}, 3, {"A", "B"})
    assert join(Value(const=1), Value(const=True)).const is UNSET


def test_a_thing_that_may_be_several_keeps_each_once() -> None:
    one, two = Thing("array"), Thing("dict")
    both = join(join(Value(thing=one), Value(thing=two)), Value(thing=one)).thing
    assert choices_of(both) == (one, two)
    assert choices_of(None) == ()


def test_labels_are_found_by_how_they_begin() -> None:
    assert starting(frozenset({"w:1", "g:2"}), "g:") == {"g:2"}
    assert weights(frozenset({"w:1", "val"})) == {"w:1"}
    assert weights(NONE) == NONE


def test_names_are_looked_for_outwards_and_put_where_they_were_declared() -> None:
    module = Scope("a.py", names={"x": Value(const=1)})
    inner = Scope("a.py", module, elsewhere={"x": module})
    inner.put("x", Value(const=2))
    inner.put("y", Value(const=3))
    assert [module.names["x"].const, inner.names["y"].const, inner.module() is module] == [2, 3, True]
    assert inner.find("z") is None


def test_names_after_a_branch_hold_either() -> None:
    after = joined({"x": Value(frozenset({"val"}))}, {"x": Value(frozenset({"train"})), "y": Value(const=1)})
    assert (set(after["x"].labels), after["y"].const) == ({"val", "train"}, 1)
