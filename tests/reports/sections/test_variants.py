"""The table of a job's variants in a record's README and on the terminal."""

from __future__ import annotations

from rich.console import Console

from reports.sections.variants import variants_markdown
from reports.terminal.variants import terminal_variants
from reports.variant_cells import cells, columns_of, delta
from tests.fixtures.full_record import TABLE


def test_a_delta_shows_both_ends_of_its_interval_or_says_that_there_is_one_pair() -> None:
    row = TABLE.rows[1]
    assert delta(row) == "-0.01000 ± 0.00030"
    assert delta(row, ends=True) == "-0.01000 [-0.01030, -0.00970]"
    assert delta(row.model_copy(update={"pairs": 1, "low": None, "high": None})) == "-0.0100 (1 pair)"
    assert delta(TABLE.rows[0]) == "–"


def test_what_did_not_run_shows_what_was_expected_and_nothing_measured() -> None:
    told = cells(TABLE.rows[2], "two")
    assert (told["bytes"], told["headroom"], told["verdict"]) == ("about 20,522,394", "-4,522,394", "infeasible")
    assert {told[name] for name in ("score", "delta", "p", "step", "hours", "cost")} == {"–"}


def test_columns_without_a_value_are_left_out() -> None:
    bare = [
        row.model_copy(update={"dollars": None, "reference_bpb": None, "reference_bytes": None}) for row in TABLE.rows
    ]
    missing = set(columns_of(TABLE)) - set(columns_of(TABLE.model_copy(update={"rows": bare})))
    assert missing == {"cost", "published"}


def test_the_page_names_base_cap_and_why_a_variant_did_not_run() -> None:
    page = variants_markdown(TABLE)
    assert "one of 3 variants of the job `quickstart`" in page
    assert "| `three` | 1.7012 ± 0.0045 (3) | -0.01000 \\[-0.01030, -0.00970\\] | 0.0001 | 560,000 |" in page
    assert page.endswith("wide is infeasible: about 20.5 MB are expected")


def test_a_narrow_terminal_leaves_columns_out_and_cuts_no_number() -> None:
    for width in (72, 100, 160):
        console = Console(width=width, record=True, file=None)
        with console.capture() as caught:
            console.print(terminal_variants(TABLE))
        text = caught.get()
        assert "-0.01000 ± 0.00030" in text
        assert ("about 20,522,394" in text) is (width > 72)
        assert "…" not in text
        assert ("published" in text) is (width == 160)
