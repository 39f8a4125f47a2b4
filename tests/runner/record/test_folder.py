"""A folder that is not there is told with the one that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import UserError
from runner.record.folder import open_record


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("records/local/2026-01-02_mine", "rejected/local/2026-01-02_mine is there"),
        ("records/local/*_mine", "rejected/local/2026-01-02_mine is there"),
        ("unverified/local/2026-01-02_mine", "rejected/local/2026-01-02_mine is there"),
        ("records/local/*_other", "give a record's, e.g. records/local/2026-01-02_quickstart"),
        ("records/../local/*_mine", "give a record's"),
        ("records", "give a record's"),
        ("nowhere", "give a record's"),
    ],
)
def test_a_record_that_lies_on_another_verdicts_shelf_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, told: str
) -> None:
    (tmp_path / "rejected" / "local" / "2026-01-02_mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        open_record(Path(asked))
    assert str(caught.value).startswith(f"{asked}: no such folder; {told}")
