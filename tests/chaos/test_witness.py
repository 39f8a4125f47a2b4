"""A witness keeps what a script writes of itself, and the names of attempts, though their folders are removed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from tests.chaos.witness import Witness


def test_what_is_written_after_it_was_seen_is_kept_though_the_work_folder_goes(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    witness = Witness(scratch, tmp_path / "truth")
    try:
        folder = scratch / "job-seed1-x" / "train"
        folder.mkdir(parents=True)
        (scratch / ".new-y").mkdir()
        with (folder / "truth.job_seed1.train.1.2").open("wb", buffering=0) as file:
            file.write(b"1.0 first\n")
            kept = tmp_path / "truth" / "job_seed1.train.1.2"
            give_up = time.monotonic() + 20
            while not kept.exists() and time.monotonic() < give_up:
                time.sleep(0.01)
            shutil.rmtree(scratch)
            file.write(b"2.0 last\n")
        assert kept.read_bytes() == b"1.0 first\n2.0 last\n"
        assert witness.attempts == {"job-seed1-x"}
    finally:
        witness.stop()
    assert not witness.is_alive()
