"""Whatever somebody writes into a record, `golf verify` answers or gives one message, and never a traceback."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.record.rebuild import page_check
from runner.errors import UserError
from runner.record.folder import open_record
from runner.record.rescore_record import artifact_checks, source_of
from runner.record.verify import verify_record
from tests.adversary.mutations import bent


@pytest.fixture(scope="module")
def record(kept_record: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose twin is short, so that packing it takes no time."""
    folder = Path(shutil.copytree(kept_record, tmp_path_factory.mktemp("fuzz") / "record"))
    (folder / "train_gpt_flat.py").write_text("x = 1\n")
    return folder


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_any_results_are_answered_or_refused(record: Path, seed: int) -> None:
    place = record / "results.json"
    honest = place.read_bytes()
    place.write_text(json.dumps(bent(json.loads(honest), random.Random(seed))))
    try:
        opened = open_record(record)
        checks = [*verify_record(opened), page_check(record, opened.data)]
        checks += artifact_checks(opened, source_of(opened, None, None, None), print)
        assert {check.status for check in checks} >= {"fail"}  # the file's own hash
    except UserError:
        pass
    finally:
        place.write_bytes(honest)
