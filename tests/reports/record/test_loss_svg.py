"""loss.svg: the same bytes for the same curves, everything inside the frame, and told apart by its lines."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET

import pytest

from reports.record.loss_svg import HEIGHT, WIDTH, _drawing, _lines, drawn_by, loss_svg, same_lines, since
from runner.results.runs import Curve

NAMESPACE = "{http://www.w3.org/2000/svg}"
SOME = {1: 6.9, 100: 4.5, 200: 4.0, 300: 3.7, 400: 3.5}


def curve_of(seed: int, train: dict[int, float], val: dict[int, float]) -> Curve:
    return Curve(seed=seed, steps=[*train], losses=[*train.values()], val_steps=[*val], val_losses=[*val.values()])


def drawing(*changed: float) -> str:
    """Two seeds; `changed` in the place of the first one's last losses."""
    losses = [*SOME.values()]
    losses[len(losses) - len(changed) :] = changed
    return loss_svg([curve_of(1337, dict(zip(SOME, losses, strict=True)), {400: 3.6}), curve_of(42, {1: 6.8}, {})])


def test_the_same_curves_give_the_same_bytes_without_a_date() -> None:
    text = drawing()
    _drawing.cache_clear()
    assert drawing() == text
    assert "date" not in text.lower().replace("update", "")
    assert "/site-packages/" not in text


def test_every_line_has_its_name_and_lies_on_the_drawing() -> None:
    text = drawing()
    root = ET.fromstring(text)
    assert (root.get("width"), root.get("height")) == (str(WIDTH), str(HEIGHT))
    assert root[0].tag == f"{NAMESPACE}title"
    found = _lines(text.encode())
    assert set(found) == {
        *(b"all-train-1337", b"all-validation-1337", b"all-train-42", b"last-train-1337", b"last-validation-1337"),
    }
    assert [len(found[name]) for name in (b"all-train-1337", b"all-validation-1337")] == [2 * len(SOME), 2]
    for numbers in found.values():
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in zip(numbers[::2], numbers[1::2], strict=True))


def test_the_last_third_has_a_scale_of_its_own() -> None:
    found = _lines(drawing().encode())
    ys = found[b"last-train-1337"][1::2]
    assert max(ys) - min(ys) > HEIGHT / 2
    assert since([(0, 6.0), (300, 3.0)], 200) == [(200, 4.0), (300, 3.0)]
    assert since([(0, 6.0), (100, 3.0)], 200) == []


@pytest.mark.parametrize(
    "curves",
    [
        [],
        [curve_of(1, {}, {})],
        [curve_of(1, {5: float("nan")}, {})],
        [curve_of(1, {5: 1e300}, {10**17: 2.0})],
    ],
)
def test_where_there_is_no_point_there_is_no_drawing(curves: list[Curve]) -> None:
    assert loss_svg(curves) == ""


def test_the_lines_of_very_many_seeds_are_all_drawn() -> None:
    found = _lines(loss_svg([curve_of(seed, {1: 6.0, 9: 3.0 + seed / 100}, {9: 3.5}) for seed in range(60)]).encode())
    assert {name: len(numbers) for name, numbers in found.items()} == {
        b"all-train-seeds": 60 * 4,
        b"all-validation-seeds": 60 * 2,
        b"last-train-seeds": 60 * 4,
        b"last-validation-seeds": 60 * 2,
    }


@pytest.mark.parametrize(("train", "val"), [({0: 0.0}, {}), ({7: 3.0, 8: 3.0}, {}), ({}, {3: -1e6, 10**6: 1e6})])
def test_few_equal_and_huge_losses_are_drawn(train: dict[int, float], val: dict[int, float]) -> None:
    assert ET.fromstring(loss_svg([curve_of(1, train, val)])).tag == f"{NAMESPACE}svg"


def test_another_version_is_told_by_its_name_and_the_same_lines_are_seen_through_other_bytes() -> None:
    ours = drawing().encode()
    version = drawn_by(ours)
    older = ours.replace(f"matplotlib {version}".encode(), b"matplotlib 3.9.0").replace(b"#e5e5e5", b"#e4e4e4")
    assert drawn_by(older) == "3.9.0"
    assert older != ours
    assert same_lines(older, ours)
    assert not same_lines(drawing(3.4).encode(), ours)
    assert not same_lines(ours.replace(b"all-train-42", b"all-train-43"), ours)


@pytest.mark.parametrize(
    "added",
    [
        b"<script>alert(1)</script>",
        b"<image/>",
        b'<g onload="alert(1)"/>',
        b"<style>@import 'x'</style>",
        b"<!ENTITY x>",
    ],
)
def test_a_drawing_with_anything_else_in_it_does_not_show_the_same(added: bytes) -> None:
    ours = drawing().encode()
    assert not same_lines(ours.replace(b"</svg>", added + b"</svg>"), ours)


@pytest.mark.parametrize("piece", [b'<g id="all-train-1337">', b' d="', b'<use x="', b" on", b"<", b"url(", b'"'])
def test_a_hostile_drawing_is_read_once_from_end_to_end(piece: bytes) -> None:
    ours = drawing().encode()
    begin = time.perf_counter()
    assert not same_lines(piece * (3 * len(ours) // len(piece)), ours)
    assert time.perf_counter() - begin < 2
    assert not same_lines(ours + b" " * 5 * len(ours), ours)


def test_a_drawing_by_hand_has_no_version() -> None:
    assert drawn_by(b"<svg><polyline/></svg>") == ""
