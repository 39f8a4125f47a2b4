"""Two small jobs for real, one trained for longer: run, recorded, planned against each other and compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.jobdata import DataRequest
from runner.results import Comparison, RecordData
from tests.test_cli import golf
from tests.test_end_to_end import JOB
from tests.tiny_data import VOCAB


def job(folder: Path, data: DataRequest, name: str, steps: int, claim: str = "") -> str:
    """Write the job of the end-to-end tests under another name and length, three seeds; its file."""
    text = JOB.format(folder=data.folder, tokenizer=data.tokenizer, vocab=VOCAB)
    lines = [line for line in text.splitlines() if not line.startswith(("claim:", "yardsticks:"))]
    whole = "\n".join([*lines, claim, ""]).replace("name: tiny", f"name: {name}").replace("[1, 2]", "[1, 2, 3]")
    (folder / f"{name}.yaml").write_text(whole.replace("iterations: 10", f"iterations: {steps}"))
    return f"{name}.yaml"


def record_of(folder: Path, name: str) -> Path:
    (found,) = (folder / "records" / "local").glob(f"*_{name}")
    return found


@pytest.mark.slow
def test_a_job_that_is_trained_for_longer_beats_a_shorter_one(tmp_path: Path, tiny_data: DataRequest) -> None:
    done = golf(tmp_path, "run", job(tmp_path, tiny_data, "short", 10), "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    short = record_of(tmp_path, "short")
    claim = f"claim: {{baseline: {short}, gain: 0.1}}"
    longer = job(tmp_path, tiny_data, "longer", 100, claim)
    planned = golf(tmp_path, "plan", longer)
    assert "against the baseline as it is" in " ".join(planned.stdout.split()), planned.stderr
    done = golf(tmp_path, "run", longer, "--local")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The claim holds by the policy readme" in " ".join(done.stdout.split())
    stored = RecordData.model_validate_json((record_of(tmp_path, "longer") / "results.json").read_bytes()).comparison
    assert stored is not None
    forth = golf(tmp_path, "compare", str(short), str(record_of(tmp_path, "longer")), "--json")
    found = Comparison.model_validate_json(forth.stdout)
    assert (forth.returncode, found.outcome, found.test) == (0, "holds", stored.test)
    back = golf(tmp_path, "compare", str(record_of(tmp_path, "longer")), str(short))
    assert back.returncode == 1, back.stdout
    assert "of 3 finished seeds of this configuration" in " ".join(golf(tmp_path, "plan", longer).stdout.split())
