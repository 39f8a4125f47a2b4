"""What `golf run` prints at the end, as it stands in a terminal of 100 columns without colour."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from reports.terminal.summary import terminal_summary
from runner.judge.checks import CHECK_NAMES
from runner.results.record import RecordData
from tests.fixtures.results import (
    challenge_facts,
    failed_result,
    failed_verification,
    phase,
    record,
    reproduction,
    run_result,
    verification,
)

FOLDER = Path("records/local/2026-01-02_quickstart")


def printed(data: RecordData, width: int = 100, colour: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="standard" if colour else None)
    console.print(terminal_summary(data, FOLDER))
    return out.getvalue()


def crashed(reason: str = "exit code 1") -> RecordData:
    return record(
        [run_result(1337), run_result(42, train=phase("train", 62.3)), failed_result(2024, reason)],
        [verification(1337), verification(42), failed_verification(2024)],
    )


def test_a_passed_run_shows_seeds_mean_checks_yardsticks_and_the_folder() -> None:
    text = printed(record())
    first = "quickstart: 1.7445 ± 0.0045 bpb on asv, mean ± sample std of 3 seeds · track local · cpu"
    assert f"{first}\nasv is not shown to be the challenge's text\n" in text
    assert ["42", "410", "141.2", "1.7349", "3.6888", "1.7396", "1,551,407", "14,448,593", "57.93", "6.51"] in [
        line.split() for line in text.splitlines()
    ]
    assert "✓  Training in time?" in text
    assert "✓  bigram" in text
    assert "PASSED\nRecord: records/local/2026-01-02_quickstart\n" in text


def test_every_line_fits_and_nothing_wraps_in_100_columns() -> None:
    lines = printed(record()).splitlines()
    assert max(map(len, lines)) <= 100
    first = next(number for number, line in enumerate(lines) if "measured" in line) + 2
    last = next(number for number, line in enumerate(lines) if line.startswith("* shown"))
    assert last - first == len(CHECK_NAMES)
    assert [line for line in lines[first:last] if not line.startswith("✓")] == [
        line for line in lines if line.startswith("?  The challenge's validation text? *")
    ]


def test_the_challenges_own_text_is_not_named() -> None:
    text = printed(record(data=challenge_facts()))
    assert "quickstart: 1.7445 ± 0.0045 bpb, mean ± sample std of 3 seeds · track local · cpu\n" in text
    assert "✓  The challenge's validation text?" in text


def test_an_embedded_corpus_is_said_to_be_another_text() -> None:
    text = printed(record(job={"name": "quickstart", "data": {"corpus": "asv"}}))
    assert "asv is not the challenge's text" in text


def test_a_rejected_run_says_what_failed_and_how_much_is_unknown() -> None:
    text = printed(crashed())
    assert "✗  Training in time?" in text
    assert "62.30 s (seed 42)" in text
    assert "seed 2024 failed: exit code 1" in text
    after = text.split("REJECTED")[1]
    assert "- Training in time? No for seed 42: 62.30 s; limit 60 s + 1 s" in after
    assert "and 10 unknown, listed in the record's README.md" in after


def test_a_seeds_reason_is_shown_without_its_log_and_with_the_command_that_shows_the_logs_end() -> None:
    text = printed(crashed("ValueError: bad (train_gpt.py:7)\nthe eval process ended with exit code 1\n| last line"))
    assert "seed 2024 failed: ValueError: bad (train_gpt.py:7); the eval process ended with exit code 1\n" in text
    assert "last line" not in text
    assert "how the log of seed 2024 ends: golf logs quickstart-0123abcd/2024 --tail 15\n" in text
    out = io.StringIO()
    Console(file=out, width=100).print(terminal_summary(crashed(), Path("/my runs") / FOLDER))
    assert "golf logs quickstart-0123abcd/2024 --tail 15 --output '/my runs'" in out.getvalue()
    assert "golf logs" not in printed(record())


def test_a_run_that_was_stopped_says_why_and_counts_the_seeds_that_never_started() -> None:
    job = {"name": "quickstart", "seeds": [2024, 7, 8]}
    data = record([failed_result()], [failed_verification()], seeds=(2024, 7, 8), job=job, stopped="twice: x")
    text = printed(data)
    assert "Stopped: twice: x. Never started: seed 7, 8.\n" in text
    assert "sample std of 0 of 3 seeds" in text


def test_an_unverified_run_lists_what_is_unknown() -> None:
    text = printed(record([run_result(1337), run_result(42, eval=None), run_result(2024)]))
    assert "UNVERIFIED\n  - Evaluation in time? Unknown for seed 42: not measured; limit 60 s" in text


def test_an_unknown_answer_is_never_marked_as_passed() -> None:
    lines = printed(record([run_result(1337), run_result(42, eval=None), run_result(2024)])).splitlines()
    [line] = [
        line for line in lines if "Evaluation in time?" in line and "not measured" in line and "limit" not in line
    ]
    assert line.startswith("?")


def test_colour_adds_nothing_that_words_do_not_say() -> None:
    plain, coloured = printed(record()), printed(record(), colour=True)
    assert "\x1b[" not in plain
    assert "\x1b[" in coloured


def test_markup_and_control_characters_from_outside_are_text() -> None:
    text = printed(crashed("[red]boom[/red] \x1b[31m\x07 [/nonsense]"))
    assert "seed 2024 failed: [red]boom[/red] [31m [/nonsense]" in text
    assert "\x1b" not in text


def test_a_published_run_takes_two_lines_above_the_verdict() -> None:
    text = printed(reproduction())
    assert (
        "\nPR #9999 on 8xH100 80GB SXM: bpb 1.1373 ± 0.0017 (2 seeds, log), difference +0.6072\n"
        "  not comparable: other data, hardware, limits, model\n\nPASSED\n"
    ) in text
    unscored = printed(reproduction(data="asv", hardware="1xCPU", claimed={}, seeds=[]))
    assert "\nPR #9999 on 1xCPU: bpb not published\n" in unscored
    assert printed(record(job={"reference": None})) == printed(record())


def test_control_characters_of_a_published_run_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in printed(reproduction(source="PR \x1b[31m", hardware="8x\x07H100"))


@pytest.mark.parametrize("width", [80, 60, 40])
def test_a_narrow_terminal_loses_columns_but_no_digit_of_a_number(width: int) -> None:
    text = printed(record(), width)
    assert "1.7396" in text
    assert "1,551,407" in text
    assert "…" not in text.split("check")[0]
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 200])
def test_any_width_prints_without_loss_of_the_verdict(width: int) -> None:
    assert "PASSED" in printed(record(), width)


def test_a_run_without_any_result_prints_and_beats_nothing() -> None:
    text = printed(record([], []))
    assert "REJECTED" in text
    assert "✗  bigram" in text


def test_control_characters_of_a_device_name_do_not_reach_the_terminal() -> None:
    host = run_result().host
    assert host is not None
    other = host.model_copy(update={"device": "B\x1b[31m CPU"})
    text = printed(record([run_result(1337), run_result(42, host=other)], seeds=(1337, 42)))
    assert "B [31m CPU" in text
    assert "\x1b" not in text


def test_seeds_that_ended_alike_are_told_together() -> None:
    data = record(
        [run_result(1337), failed_result(42, "exit code 7"), failed_result(2024, "exit code 7")],
        [verification(1337), failed_verification(42), failed_verification(2024)],
    )
    told = printed(data)
    assert "seeds 42, 2024 failed: exit code 7" in told
    assert told.count("exit code 7") == 2  # and in the verdict's reasons
    assert "seed(s)" not in told


def test_an_interrupted_run_is_incomplete_and_says_how_it_goes_on() -> None:
    job = {"name": "quickstart", "seeds": [1337, 42]}
    some = record([run_result(1337)], [verification(1337)], seeds=(1337, 42), job=job)
    assert some.verdict.status == "rejected"
    told = printed(some)
    assert "INCOMPLETE: seed 42 never ran" in told
    assert "REJECTED" not in told
    assert "golf resume quickstart-0123abcd goes on" in told.replace("\n", " ")
    failed = record([run_result(1337), failed_result(42)], [verification(1337)], seeds=(1337, 42), job=job)
    assert "REJECTED" in printed(failed)
    assert "REJECTED" in printed(some.model_copy(update={"stopped": "the same failure twice"}))
