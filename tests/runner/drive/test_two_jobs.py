"""Two small jobs for real, one trained for longer: run, recorded, planned against each other and compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.job.open_data import DataRequest
from runner.results.comparisons import Comparison
from runner.results.record import RecordData
from tests.fixtures.tiny_data import VOCAB
from tests.test_end_to_end import JOB, start_golf


def golf(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of the command, lines joined; it takes what it takes on a busy machine."""
    output, _ = (process := start_golf(folder, *words)).communicate(timeout=3000)
    return process.returncode, " ".join(output.split())


def job(folder: Path, data: DataRequest, name: str, steps: int, claim: str = "") -> str:
    """Write the job of the end-to-end tests under another name and length, three seeds; its file."""
    text = JOB.format(folder=data.folder, tokenizer=data.tokenizer, vocab=VOCAB)
    lines = [line for line in text.splitlines() if not line.startswith(("claim:", "yardsticks:"))]
    whole = "\n".join([*lines, claim, ""]).replace("name: tiny", f"name: {name}").replace("[1, 2]", "[1, 2, 3]")
    (folder / f"{name}.yaml").write_text(
        whole.replace("iterations: 10", f"iterations: {steps}").replace("_seconds: 60", "_seconds: 900")
    )
    return f"{name}.yaml"


def record_of(folder: Path, name: str) -> Path:
    (found,) = (folder / "records" / "local").glob(f"*_{name}")
    return found


@pytest.mark.slow
def test_a_job_that_is_trained_for_longer_beats_a_shorter_one(tmp_path: Path, tiny_data: DataRequest) -> None:
    code, said = golf(tmp_path, "run", job(tmp_path, tiny_data, "short", 10), "--local")
    assert code == 0, said
    short = record_of(tmp_path, "short")
    longer = job(tmp_path, tiny_data, "longer", 100, f"claim: {{baseline: {short}, gain: 0.1}}")
    assert "in each arm (for a probability of 0.8)" in golf(tmp_path, "plan", longer)[1]
    code, said = golf(tmp_path, "run", longer, "--local")
    assert code == 0, said
    assert "The claim holds by the policy readme" in said
    stored = RecordData.model_validate_json((record_of(tmp_path, "longer") / "results.json").read_bytes()).comparison
    assert stored is not None
    code, said = golf(tmp_path, "compare", str(short), str(record_of(tmp_path, "longer")), "--json")
    told = json.loads(said)
    assert told.pop("differences")[0].startswith("schedule.iterations: ")
    found = Comparison.model_validate_json(json.dumps(told))
    assert (code, found.outcome, found.test) == (0, "holds", stored.test)
    assert golf(tmp_path, "compare", str(record_of(tmp_path, "longer")), str(short))[0] == 1
    assert "of 3 finished seeds of this configuration" in golf(tmp_path, "plan", longer)[1]
