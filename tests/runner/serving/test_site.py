"""The pages of a folder: drawn by the real reporter, chosen by names that were made here and by none that came in."""

from __future__ import annotations

import html
import re
import shutil
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reports.page.live import draw
from reports.record.write import RecordFiles, write_record
from runner.cli.app import app
from runner.errors import UserError
from runner.folder.ledger import Ledger
from runner.folder.paths import RunFolder
from runner.serving import site as site_module
from runner.serving.http import Server
from runner.serving.site import Site
from runner.serving.watched import key_of, records_of, run_now, runs_of
from tests.fixtures.results import SCRIPT, record
from tests.runner.audit.entries import write_entry

LOG = """step:1/100 train_loss:6.9 train_time:10ms step_avg:10.00ms
step:50/100 train_loss:4.5 train_time:500ms step_avg:10.00ms
step:50/100 val_loss:4.6 val_bpb:2.1 train_time:500ms step_avg:10.00ms
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose driver has gone, a record, and a stranger's folder."""
    tmp_path = tmp_path_factory.mktemp("served")
    run = RunFolder(tmp_path / "runs" / "mine-0123abcd")
    attempt = run.attempt(1337, 1)
    attempt.path.mkdir(parents=True)
    attempt.log("train").write_text(LOG)
    run.job.write_text('{"name": "<script>alert(1)</script>"}')
    run.lock.write_text("")
    run.script.write_text("")
    ledger = Ledger(run.ledger)
    ledger.append("registered", seeds=[1337, 42])
    ledger.append("queued", seed=1337, attempt=1)
    ledger.append("launched", seed=1337, attempt=1, node="node-a")
    write_record(record(), RecordFiles(script=SCRIPT), tmp_path)
    write_entry(tmp_path / "records" / "theirs" / "2026-01-01_Entry")
    return tmp_path


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copytree(made, tmp_path / "served"))


@pytest.fixture
def shown(root: Path) -> Callable[..., str]:
    site = Site(root, draw)

    def show(*parts: str) -> str:
        found = site(parts)
        return "" if found is None else found.content.decode()

    return show


def text_of(page: str) -> str:
    body = re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_list_has_runs_records_and_anybodys_folders(shown: Callable[..., str], root: Path) -> None:
    page = shown()
    ours, theirs = key_of("records/local/2026-01-02_quickstart"), key_of("records/theirs/2026-01-01_Entry")
    for link in ("run/mine-0123abcd/", f"record/{ours}/", f"record/{theirs}/", "records/"):
        assert f'href="{link}"' in page
    assert "mine-0123abcd no driver 1 interrupted, 1 not started –" in text_of(page)
    assert [one.ours for one in records_of(root)] == [True, False]


def test_a_run_is_shown_as_its_folder_says(shown: Callable[..., str], root: Path) -> None:
    text = text_of(shown("run", "mine-0123abcd"))
    assert "Nobody is at work on it: 1 interrupted, 1 not started." in text
    assert "1337 1 interrupted 50 4.5000 2.1000 0.5" in text
    assert "42 – not started – – – –" in text
    (now,) = [run_now(root, run, curves=True) for run in runs_of(root)]
    assert now.curves[0].steps == [1, 50]
    assert now.train_limit is None  # its job cannot be read, so no limit is known


def test_a_broken_ledger_is_said_and_nothing_else_is(shown: Callable[..., str], root: Path) -> None:
    ledger = root / "runs" / "mine-0123abcd" / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace("1337", "1338"))
    text = text_of(shown("run", "mine-0123abcd"))
    assert "the ledger's chain is broken here" in text
    assert "interrupted" not in text


def test_records_have_pages_and_so_have_strangers(shown: Callable[..., str]) -> None:
    ours = shown("record", key_of("records/local/2026-01-02_quickstart"))
    assert "<h1>quickstart: passed</h1>" in ours
    theirs = text_of(shown("record", key_of("records/theirs/2026-01-01_Entry")))
    assert "What the audit says" in theirs
    every = shown("records")
    assert 'id="leaderboard"' in every
    assert 'id="audits"' in every


def test_no_other_path_leads_anywhere(shown: Callable[..., str]) -> None:
    for parts in (
        ("run", "../../etc"),
        ("run", ".."),
        ("run", ""),
        ("record", "records/local/2026-01-02_quickstart"),
        ("record", "../records"),
        ("runs", "mine-0123abcd"),
        ("run", "mine-0123abcd", "job.json"),
        ("records", "x"),
    ):
        assert shown(*parts) == "", parts


def test_a_page_is_made_once_until_its_record_changes(root: Path) -> None:
    site, key = Site(root, draw), key_of("records/local/2026-01-02_quickstart")
    first = site(("record", key))
    assert site(("record", key)) is first
    results = root / "records/local/2026-01-02_quickstart/results.json"
    results.write_text(results.read_text() + " ")
    again = site(("record", key))
    assert again is not None
    assert "is not the file that SHA256SUMS lists" in text_of(again.content.decode())


def test_more_of_others_than_it_audits_are_counted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "MOST_AUDITED", 0)
    found = Site(root, draw)(("records",))
    assert found is not None
    text = text_of(found.content.decode())
    assert "Not here: 1 folder that golf did not write. golf audit --all reads such." in text
    assert "quickstart" in text


def test_an_empty_folder_has_pages_that_say_so(tmp_path: Path) -> None:
    site = Site(tmp_path, draw)
    for parts, said in (((), "No run here yet."), (("records",), "No record here yet.")):
        found = site(parts)
        assert found is not None
        assert said in text_of(found.content.decode())


def test_the_server_shows_it_and_the_verb_says_what_is_wrong(root: Path) -> None:
    server = Server(Site(root, draw), "token")
    worker = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    worker.start()
    try:
        with urllib.request.urlopen(server.address, timeout=10) as answer:
            assert b"mine-0123abcd" in answer.read()
        taken = CliRunner().invoke(app, ["serve", str(root), "--port", str(server.server_port)])
        assert isinstance(taken.exception, UserError)
        assert "is in use" in str(taken.exception)
    finally:
        server.shutdown()
        server.server_close()
        worker.join()
    gone = CliRunner().invoke(app, ["serve", str(root / "gone")])
    assert isinstance(gone.exception, UserError)
    assert "no such folder" in str(gone.exception)
