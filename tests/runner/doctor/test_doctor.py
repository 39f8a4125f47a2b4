"""All looks at once, within their time; a look that fails or hangs hides no other; nothing is changed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runner.cli.app import app
from runner.doctor import doctor
from runner.doctor.findings import Finding
from runner.errors import UserError
from runner.job.load import load_job
from runner.job.spec import JobSpec
from runner.verbs.doctor import conclusion
from tests.fixtures.places import JOBS


def test_what_hangs_or_fails_is_unknown_and_the_rest_is_told_in_time() -> None:
    def hangs() -> Finding:
        time.sleep(30)
        raise AssertionError

    def fails() -> Finding:
        raise OSError("no such device")

    begun = time.monotonic()
    found = doctor.examine(
        {
            "slow": (hangs, True),
            "ill": (fails, True),
            "two": (lambda: [Finding("a", "good", "x"), Finding("b", "good", "y")], False),
            "fine": (lambda: Finding("fine", "good", "z"), True),
        },
        patience=0.3,
    )
    assert time.monotonic() - begun < 5
    assert [(one.name, one.state, one.needed) for one in found] == [
        ("slow", "unknown", True),
        ("ill", "unknown", True),
        ("a", "good", False),
        ("b", "good", False),
        ("fine", "good", True),
    ]
    assert found[1].found == "could not be looked at: OSError: no such device"


def test_here_the_machine_must_do_and_on_a_cluster_its_nodes() -> None:
    job = load_job(JOBS / "quickstart.yaml")
    here = {name for name, (_, needed) in doctor.looks(job, Path(), None).items() if needed}
    there = {name for name, (_, needed) in doctor.looks(job, Path(), "10.0.0.1:6379").items() if needed}
    assert here == {"python", "torch", "disk", "output", "hardware", "packages", "data"}
    assert there == {"python", "output", "Ray", "cluster", "hardware"}
    assert "Hugging Face" in doctor.looks(load_job(JOBS / "pr372.yaml"), Path(), None)


def test_without_a_job_the_quickstart_on_a_cpu_is_meant() -> None:
    job = load_job(JOBS / "quickstart.yaml")
    assert doctor.for_no_job(job).hardware == "cpu"
    assert doctor.patience_left() >= doctor.LEAST_S


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Finding], None]:
    """Have the verb find this alone."""

    def put(finding: Finding) -> None:
        def looks(job: JobSpec, output: Path, address: str | None) -> dict[str, Any]:
            return {finding.name: (lambda: finding, finding.needed)}

        monkeypatch.setattr(doctor, "looks", looks)

    return put


@pytest.mark.parametrize(("state", "code"), [("good", 0), ("bad", 1), ("unknown", 3)])
def test_the_verb_ends_as_what_it_found(only: Callable[[Finding], None], state: Any, code: int) -> None:
    only(Finding("disk", state, "[red]full[/red]", "" if state == "good" else "make room", True))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == code
    assert "[red]full[/red]" in done.stdout
    assert ("→ make room" in done.stdout) == (state != "good")
    told = json.loads(CliRunner().invoke(app, ["doctor", "pr372", "--json"]).stdout)
    assert (told["job"], told["findings"][0]["state"]) == ("pr372", state)


def test_a_job_that_is_none_is_the_users_error() -> None:
    assert isinstance(CliRunner().invoke(app, ["doctor", "none.yaml"]).exception, UserError)


def test_the_last_line_names_what_is_missing() -> None:
    bad, good = Finding("data", "bad", "", needed=True), Finding("disk", "good", "", needed=True)
    assert conclusion("j", [bad, good]) == "\nj could not run here: data."
    assert conclusion("j", [good]) == "\nj could run here."
    assert conclusion("j", [good, Finding("torch", "unknown", "", needed=True)]).endswith("is not known: torch.")
