"""Real record folders with facts read by hand: the audit must see what the readers saw."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runner.audit.audit import audit_folder


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Path:
    folder = shared / "corpus"
    if not folder.is_dir():
        pytest.skip("no corpus in the reference material")
    return folder


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        ("folders", "expected.jsonl"),
        ("small", "small_expected.jsonl"),
        pytest.param("more", "more_expected.jsonl", marks=pytest.mark.slow),
    ],
)
def test_the_scorer_is_content(folders: str, labels: str, corpus: Path, tmp_path: Path) -> None:
    lines = [audit_folder(folder).model_dump_json() for folder in sorted((corpus / folders).iterdir())]
    actual = tmp_path / "actual.jsonl"
    actual.write_text("\n".join(lines) + "\n")
    command = [sys.executable, str(corpus / "score.py"), str(corpus / labels), str(actual)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    figures = done.stdout.splitlines()[-1].replace(";", "").split()
    facts, precision, recall = (float(figures[index]) for index in (3, 6, 8))
    assert facts >= 0.985
    assert precision >= 0.95
    assert recall >= 0.95
