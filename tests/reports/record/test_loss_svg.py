"""loss.svg: the same bytes for the same curves, well-formed, and everything inside the frame."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.record.loss_svg import HEIGHT, WIDTH, loss_svg, ticks
from runner.results import Curve

NAMESPACE = "{http://www.w3.org/2000/svg}"
points = st.dictionaries(st.integers(0, 10**6), st.floats(0, 1e6), max_size=5)


def curve_of(seed: int, train: dict[int, float], val: dict[int, float]) -> Curve:
    return Curve(seed=seed, steps=[*train], losses=[*train.values()], val_steps=[*val], val_losses=[*val.values()])


@given(st.lists(st.tuples(points, points), max_size=3))
def test_every_point_lies_on_the_drawing(drawn: list[tuple[dict[int, float], dict[int, float]]]) -> None:
    curves = [curve_of(seed, *parts) for seed, parts in enumerate(drawn)]
    text = loss_svg(curves)
    assert loss_svg(curves) == text
    if not any(train or val for train, val in drawn):
        assert text == ""
        return
    root = ET.fromstring(text)
    lines = [line.get("points", "") for line in root.iter(f"{NAMESPACE}polyline")]
    places = [tuple(map(float, place.split(","))) for line in lines for place in line.split()]
    places += [(float(dot.get("cx", "nan")), float(dot.get("cy", "nan"))) for dot in root.iter(f"{NAMESPACE}circle")]
    assert len(places) == sum(len(train) + len(val) for train, val in drawn)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


def test_each_seed_is_named_and_labels_are_the_data() -> None:
    text = loss_svg([curve_of(1337, {1: 6.9, 400: 3.5}, {400: 3.6}), curve_of(42, {1: 6.8}, {})])
    shown = [item.text for item in ET.fromstring(text).iter(f"{NAMESPACE}text")]
    assert {"seed 1337", "seed 42", "step", "loss, nats per token", "dots: validation"} <= set(shown)
    assert {"0", "400", "4"} <= set(shown)


@pytest.mark.parametrize(("low", "high"), [(0, 482), (2.9, 6.94), (3.0, 3.0), (0, 0), (1e-9, 2e-9), (0, 1e6)])
def test_ticks_are_few_even_and_span_the_data(low: float, high: float) -> None:
    found = ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert 2 <= len(found) <= 10
    apart = [right - left for left, right in pairwise(found)]
    assert apart == pytest.approx([apart[0]] * len(apart))
