"""The page of many, and a live one, in a real browser: drawn, sorted and searched by keyboard, kept up to date."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reports.page.many.page import Read, many_page
from reports.record.write import RecordFiles, write_record
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.results.record import RecordData
from runner.serving.gather import matrices_of
from tests.fixtures.browser import Browser, open_browser
from tests.fixtures.full_record import told_record
from tests.fixtures.places import ROOT
from tests.fixtures.results import SCRIPT, record, run_result, score, verification
from tests.reports.page.many.test_audits import HOSTILE, audit, finding
from tests.reports.record.test_readme import hostile

pytestmark = pytest.mark.slow
LIVE = ROOT / "tests" / "fixtures" / "live.js"
NO_DIALOG = f"{HOSTILE}<script>alert(1)</script>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return open_browser(tmp_path_factory.mktemp("node"))


def numbered(number: int) -> RecordData:
    """A record of other scores, sizes and clocks than any other number's."""
    seeds = (1, 2, 3)
    results = [run_result(seed, final_score=score(3.5 + (number * 7 % 40) / 100 + seed / 1000)) for seed in seeds]
    counted = [verification(seed, artifact_bytes=1_000_000 + 10_000 * number + seed) for seed in seeds]
    return record(results, counted, seeds=seeds, name=f"job-{number}", run=f"job-{number}-{number:08x}")


def put(found: Read, folder: Path) -> Path:
    place = folder / "page.html"
    place.write_text(many_page("Records", found, matrices_of(found)))
    return place


def everything() -> Read:
    bad = audit(f"theirs/{NO_DIALOG}", finding(kind=NO_DIALOG, detail=NO_DIALOG), finding(severity="warn"))
    return [
        *((Path(f"records/{number}"), numbered(number)) for number in range(5)),
        (Path("records/told"), told_record()),
        (Path("records/hostile"), hostile()),
        (Path(f"theirs/{NO_DIALOG}"), bad),
        (Path("records/lost"), f"{NO_DIALOG}: cannot be read"),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_section_is_drawn_within_the_screens_width_and_strangers_words_do_nothing(
    width: int, scheme: str, browser: Browser, tmp_path: Path
) -> None:
    seen = browser.look(put(everything(), tmp_path), width, scheme)
    assert seen["sections"][:6] == ["leaderboard", "scores", "matrix", "variants", "audits", "findings"]
    assert seen["drawn"] == seen["plots"] == 4
    assert (seen["said"], seen["asked"], seen["serious"]) == ([], [], [])
    assert (seen["dialogs"], seen["images"]) == ([], 0)
    assert seen["overflow"] <= 0


def test_two_hundred_records_open_within_three_seconds(browser: Browser, tmp_path: Path) -> None:
    few = browser.look(put([(Path(f"records/{number}"), numbered(number)) for number in range(3)], tmp_path))
    many = browser.look(put([(Path(f"records/{number}"), numbered(number)) for number in range(200)], tmp_path))
    assert many["drawn"] == many["plots"] == 2
    assert many["overflow"] <= 0
    assert many["milliseconds"] < max(3000, 4 * few["milliseconds"])  # how fast this machine is, nobody knows


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The address of a real `golf serve` of a folder; it is interrupted at the end and must end well."""
    command = [sys.executable, "-u", "-m", "runner.cli", "serve", str(root), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()
        said, errors = process.communicate(timeout=60)
        assert (process.returncode, errors, said.splitlines()[-1]) == (0, "", "ended")
    finally:
        process.kill()


def test_a_live_page_brings_news_and_leaves_what_its_reader_did(browser: Browser, tmp_path: Path) -> None:
    for number in range(3):
        write_record(numbered(number), RecordFiles(script=SCRIPT), tmp_path)
    write_record(record(), RecordFiles(script=SCRIPT), tmp_path)
    run = RunFolder(tmp_path / "runs" / "mine-0123abcd")
    run.path.mkdir(parents=True)
    run.job.write_text("{}")
    ledger = Ledger(run.ledger)
    ledger.append("registered", seeds=[1])
    with ExitStack() as stack:
        server = ExitStack()
        stack.enter_context(server)
        address = server.enter_context(served(tmp_path))
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
        words = ["node", str(LIVE), str(browser.modules), browser.chromium, address, "2 not started", "job-7"]
        reader = stack.enter_context(
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        before = told(reader)
        write_record(numbered(7), RecordFiles(script=SCRIPT), tmp_path)
        ledger.append("registered", seeds=[2])
        after = told(reader)
        server.close()
        assert reader.stdin is not None
        reader.stdin.write("the server has ended\n")
        reader.stdin.flush()
        last = told(reader)
    assert before["rows"] == ["job-2", "job-1", "job-0"]
    assert after["rows"] == last["rows"] == ["job-2", "job-7", "job-1", "job-0"]
    for seen in (before, after, last):
        assert (seen["typed"], seen["sorted"], seen["focus"]) == ("job-", ["bpb descending"], "bpb")
        assert {one.partition(":")[0] for one in seen["asked"]} == {"GET 127.0.0.1"}
    assert (before["said"], after["said"]) == ([], [])
    assert "1 not started" in before["runs"]
    assert "2 not started" in after["runs"]
    assert (after["live"], last["live"].partition(" since")[0]) == ("Live.", "Not live")


def told(reader: subprocess.Popen[str]) -> dict[str, Any]:
    assert reader.stdout is not None
    line = reader.stdout.readline()
    assert line, "the browser ended"
    seen: dict[str, Any] = json.loads(line)
    return seen
