"""How the tests of a copy end: with a failure, a loop, a wait; and what fails without a fault as well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutants import trial as trials
from tests.mutants.__main__ import proof
from tests.mutants.trial import Outcome, fail_anyway, trial

SET_UP = "from hypothesis import settings\nsettings.register_profile('mutants')\n"


def written(folder: Path, text: str) -> Path:
    (folder / "conftest.py").write_text(SET_UP)
    (folder / "test_it.py").write_text(text)
    return folder


@pytest.mark.slow
def test_a_trial_tells_what_failed_what_loops_and_what_does_not_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ("test_it.py",)
    two = "import pytest\n@pytest.mark.parametrize('n', [1, 2])\ndef test_a(n): assert n == {}\n"
    two += "def test_b(): assert {}\n"
    assert trial(written(tmp_path, two.format("n", 1)), here) == Outcome("passed")
    assert trial(written(tmp_path, two.format(1, 0)), here) == Outcome("failed", ("test_it.py::test_a",))
    assert fail_anyway(tmp_path, ("test_it.py::test_a", "test_it.py::test_b")) == {
        "test_it.py::test_a",
        "test_it.py::test_b",
    }
    assert trial(written(tmp_path, "nothing"), here) == Outcome("failed")
    assert trial(written(tmp_path, "def test_a():\n    while True: pass\n"), here, cpu_s=2) == Outcome("loops")
    waits = written(tmp_path, "import time\ndef test_a(): time.sleep(99)\n")
    monkeypatch.setattr(trials, "STILL_S", 2.0)
    assert trial(waits, here) == Outcome("waits")
    monkeypatch.setattr(trials, "PATIENCE_S", 0.5)
    assert trial(waits, here) == Outcome("no end")
    assert fail_anyway(tmp_path, ("test_it.py::test_a",)) == {"test_it.py::test_a"}


def test_only_what_passes_without_the_fault_has_noticed_it() -> None:
    assert proof(Outcome("passed"), ()) == "MISSED"
    assert proof(Outcome("failed", ("a",)), ()) == "noticed"
    assert proof(Outcome("failed", ("a",)), ("b",)) == "noticed"
    assert proof(Outcome("failed", ("a",)), ("a", "b")) == "UNDECIDED"
    assert proof(Outcome("failed"), ("a",)) == "noticed"  # the copy could not even be imported
    assert proof(Outcome("loops"), ()) == "noticed"
    assert proof(Outcome("waits"), ()) == "noticed"
    assert proof(Outcome("no end"), ()) == "UNDECIDED"
    assert fail_anyway(Path(), ()) == set()
