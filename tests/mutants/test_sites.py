"""The faults that `make mutants` puts into the sources: which there are, and that each changes one thing."""

from __future__ import annotations

import ast

import pytest

from tests.fixtures.places import ROOT
from tests.mutants.__main__ import drawn
from tests.mutants.sites import sites
from tests.mutants.subjects import SUBJECTS


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        ("x = a < b", ["x = a <= b", "x = a >= b"]),
        ("x = a <= b < c", ["x = a < b < c", "x = a > b < c", "x = a <= b <= c", "x = a <= b >= c"]),
        ("x = (a) == (b)", ["x = (a) != (b)"]),
        ("x = a not in b", ["x = a in b"]),
        ("x = a is not None", ["x = a is None"]),
        ("x = a.first is None", ["x = a.first is not None"]),
        ("x = a + b", ["x = a - b"]),
        ("x = a and b or c", ["x = a or b or c", "x = a and b and c"]),
        ("x = not a", ["x = a"]),
        ("x = -a", ["x = a"]),
        ("x = a.low", ["x = a.high"]),
        ("x = max(a)", ["x = min(a)"]),
        ("x = 1", ["x = 2"]),
        ("x = 0.5", ["x = 1.0"]),
        ("x = True", ["x = False"]),
        ("x = round(1.5, 3)", ["x = round(3.0, 3)"]),
        ("x += y", ["pass", "x -= y"]),
        ("f(a)", ["pass"]),
        ("x: Literal[1] = y", []),
        ('"""Text of 1 < 2."""', []),
        ('x = f"{a < b}"', []),
        ("def f(a: int) -> int: return a", []),
        ("@dataclass(frozen=True)\nclass A: pass", []),
        ("x = 'é' + b", ["x = 'é' - b"]),
    ],
)
def test_what_can_be_wrong_in_a_line(line: str, faults: list[str]) -> None:
    assert [site.put_into(line) for site in sites(line)] == faults


def test_every_fault_of_a_real_source_is_python_and_another_text() -> None:
    text = (ROOT / "runner" / "judge" / "judge.py").read_text()
    found = sites(text)
    assert len(found) > 20
    for site in found:
        spoilt = site.put_into(text)
        assert spoilt != text
        assert text.splitlines()[site.line - 1] != spoilt.splitlines()[site.line - 1]
        ast.parse(spoilt)


@pytest.mark.slow
def test_the_same_seed_draws_the_same_faults_and_all_subjects_are_there() -> None:
    for name, subject in SUBJECTS.items():
        assert all((ROOT / path).exists() for path in (*subject.sources, *subject.tests))
        assert drawn(name, 5, 1) == drawn(name, 5, 1)
        assert drawn(name, 5, 1) != drawn(name, 5, 2)
