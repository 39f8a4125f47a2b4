"""Nothing that a folder may hold makes the audit fail: logs and JSON mutated at random, names and links."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.audit.markdown import markdown_audit
from reports.audit.table import audit_frame
from reports.audit.terminal import terminal_audit
from runner.audit.audit import audit_folder
from runner.audit.claims.submission import read_submission
from runner.audit.facts import Audit
from tests.adversary.mutations import mutated
from tests.runner.audit.entries import SCORES, log_text, readme, submission, write_entry

SEEDS_OF_LOGS = {f"train_seed{seed}.log": log_text(seed, bpb).encode() for seed, bpb in SCORES.items()}
CLAIMS = json.dumps(submission()).encode()


def everything_is_said(audit: Audit) -> None:
    """The audit is JSON without NaN, and every report of it can be made."""
    again = json.loads(audit.model_dump_json(), parse_constant=lambda name: pytest.fail(name))
    assert Audit.model_validate(again) == audit
    markdown_audit(audit)
    terminal_audit(audit)
    audit_frame([(Path(audit.folder), audit)])


@given(st.integers(0, 2**32))
def test_a_folder_of_mutated_files_is_audited(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.getbasetemp() / "mutated"
    shutil.rmtree(folder, ignore_errors=True)
    dice = random.Random(seed)
    files = {
        **SEEDS_OF_LOGS,
        "submission.json": CLAIMS,
        "README.md": readme().encode(),
        "train_gpt.py": b"import x\n",
    }
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(mutated(data, dice) if dice.random() < 0.7 else data)
    everything_is_said(audit_folder(folder))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["1.1", "9" * 50]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["val_bpb", "seeds", "seed_results", "1337", "seed", "bytes_total", "steps", "track", "results"]
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(JSON)
def test_any_json_is_a_submission_or_a_problem(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value))
    found = read_submission(path, path.name)
    assert found.problem or isinstance(value, (dict, list))


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "train_seed9.log").write_text(log_text(9, 1.1))
    folder = write_entry(tmp_path / "entry")
    (folder / "train_seed9.log").symlink_to(outside / "train_seed9.log")
    (folder / "more").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    assert {run.seed for run in audit_folder(folder).runs} == set(SCORES)


def test_a_pipe_in_the_folder_does_not_hang(tmp_path: Path) -> None:
    folder = write_entry(tmp_path / "entry")
    os.mkfifo(folder / "train.log")
    assert len(audit_folder(folder).runs) == 3


def test_nothing_that_is_read_is_executed(tmp_path: Path) -> None:
    witness = tmp_path / "executed"
    program = f"open({str(witness)!r}, 'w').write('x')\n"
    folder = write_entry(
        tmp_path / "entry", extra={"train_gpt.py": program, "conftest.py": program, "setup.py": program}
    )
    everything_is_said(audit_folder(folder))
    assert not witness.exists()


def test_names_and_texts_that_are_no_unicode(tmp_path: Path) -> None:
    folder = write_entry(tmp_path / "entry", claims='{"val_bpb": 1.1, "track": "\\ud800", "seeds": ["42_\\udfff"]}')
    (folder / os.fsdecode(b"train_\xff.log")).write_text(log_text(7, 1.2))
    audit = audit_folder(folder)
    assert any(run.seed == 7 for run in audit.runs)
    everything_is_said(audit)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    name = "train [red]x[/red] <b>|`_seed42.log"
    audit = audit_folder(write_entry(tmp_path / "entry", logs={name: log_text(42, SCORES[42])}))
    assert name in [run.log for run in audit.runs]
    everything_is_said(audit)
