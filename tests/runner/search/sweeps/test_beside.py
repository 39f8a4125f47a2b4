"""Sweeps beside records, whatever was named."""

from __future__ import annotations

from pathlib import Path

from runner.search.sweeps.beside import sweeps_beside


def test_beside_what_is_no_folder_are_no_sweeps(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("text")
    assert sweeps_beside([tmp_path / name for name in ("loop", "file", "nothing")]) == []
