"""The page of every field is what the code says now, and what it says of single fields is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from runner.errors import UserError
from runner.job.field_page import docs_of, field_lines, page, places
from runner.job.load import EVERY_FIELD, load_job
from runner.job.spec import JobSpec, LimitsSpec
from tests.fixtures.places import DOCS


def test_the_page_is_made_from_the_code_as_it_is() -> None:
    told = (DOCS / "job-reference.md").read_text()
    assert told == page(), "run: python -m runner.job.field_page > docs/job-reference.md"


def test_every_field_of_every_section_has_a_meaning() -> None:
    assert len(places()) >= 20
    silent = [f"{kind.__name__}.{line.name}" for kind in places() for line in field_lines(kind) if not line.meaning]
    assert silent == []


def test_a_fields_type_default_unit_and_meaning_are_told() -> None:
    lines = {line.name: line for line in field_lines(JobSpec)}
    assert (lines["tries"].kind, lines["tries"].default) == ("whole number, at least 1 and at most 10", "`3`")
    assert (lines["stall_seconds"].unit, lines["stall_seconds"].default) == ("seconds", "`300`")
    assert (lines["name"].default, lines["env"].kind) == ("required", "mapping of names to text")
    assert (lines["base"].kind, lines["config"].kind) == ("path of a job", "[mapping](#config)")
    assert lines["launch"].kind == "`torchrun`, `python`"
    assert docs_of(LimitsSpec)["train_seconds"] == "Training clock, seconds."
    assert places()[GolfConfig] == "config"
    assert places()[ModelConfig] == "config.model"


def test_a_field_that_only_some_tracks_leave_to_the_job_says_which() -> None:
    told = page()
    assert "Training clock, seconds. Only on: `non_record_16mb`, `local`." in told
    assert "allow only 1. Only on: `local`." in told


@pytest.mark.parametrize("text", ["name: [", "- 1\n", "name: x\nseeds: [012]\n"], ids=["no YAML", "a list", "fields"])
def test_every_mistake_in_a_jobs_file_leads_to_the_page(tmp_path: Path, text: str) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_job(path)
    assert str(caught.value).splitlines()[-1] == EVERY_FIELD
    assert str(caught.value).count("docs/job-reference.md") == 1
    assert (DOCS / "job-reference.md").is_file()
