"""One hash over all that results.json says, and nothing else: not its bytes, not the names that an export adds."""

from __future__ import annotations

import json

from reports.record.pages import results_json
from runner.record.published import last_published, published_sha256
from tests.fixtures.results import record


def test_the_hash_is_of_values_and_not_of_bytes() -> None:
    data = record()
    stored = json.loads(results_json(data))
    assert published_sha256(stored) == published_sha256(data.model_dump(mode="json"))
    assert published_sha256(json.loads(json.dumps(stored, indent=7, sort_keys=True))) == published_sha256(stored)
    assert published_sha256({**stored, "date": "2026-01-03"}) != published_sha256(stored)


def test_names_that_an_export_adds_do_not_enter() -> None:
    stored = json.loads(results_json(record()))
    named = {**stored, "job": {**stored["job"], "author": "B. Other", "github_id": "bother"}}
    assert published_sha256(named) == published_sha256(stored)
    other = {**stored, "job": {**stored["job"], "blurb": "another"}}
    assert published_sha256(other) != published_sha256(stored)


def test_the_last_entry_counts() -> None:
    entries: list[dict[str, object]] = [
        {"kind": "published", "results_sha256": "a"},
        {"kind": "queued"},
        {"kind": "published", "seq": 3},
    ]
    assert last_published(entries) == {"kind": "published", "seq": 3}
    assert last_published(entries[1:2]) is None
