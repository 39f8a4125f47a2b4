"""The commands that `golf run` ends with, as they are typed."""

from __future__ import annotations

from pathlib import Path

from reports.terminal.next_steps import next_steps
from tests.fixtures.results import record, run_result, verification

FOLDER = Path("records/local/2026-01-02_quickstart")


def test_a_wide_terminal_says_behind_each_command_what_it_is_for() -> None:
    commands, purposes = zip(*(line.split("  # ") for line in next_steps(record(), FOLDER, 140)[2:]), strict=True)
    assert [command.rstrip() for command in commands] == [
        "  golf verify --run records/local/2026-01-02_quickstart",
        "  golf report records/local/2026-01-02_quickstart --output quickstart.html",
        "  golf compare A records/local/2026-01-02_quickstart",
    ]
    assert {len(command) for command in commands} == {len(commands[1])}
    assert purposes[2] == "does it beat A: a record, or 1.081,1.0808"


def test_a_narrow_one_says_it_above_so_that_a_line_is_a_command() -> None:
    lines = next_steps(record(), Path("/my runs") / FOLDER, 80, Path("/my runs/records/local/2026-01-01_plain"))
    assert lines[2:] == [
        "  # checks its files, scores its artifacts again",
        "  golf verify --run '/my runs/records/local/2026-01-02_quickstart'",
        "  # one page with all of it",
        "  golf report '/my runs/records/local/2026-01-02_quickstart' --output quickstart.html",
        "  # does it beat 2026-01-01_plain?",
        "  golf compare '/my runs/records/local/2026-01-01_plain' '/my runs/records/local/2026-01-02_quickstart'",
    ]


def test_where_seeds_never_ran_going_on_comes_first() -> None:
    job = {"name": "quickstart", "seeds": [1337, 42]}
    data = record([run_result(1337)], [verification(1337)], seeds=(1337, 42), job=job)
    first = next_steps(data, Path("/my runs") / FOLDER, 140)[2]
    assert first.startswith("  golf resume quickstart-0123abcd --output '/my runs'")
