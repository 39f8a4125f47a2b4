"""What a seed is doing, by what its script announced."""

from __future__ import annotations

from pathlib import Path

from runner.live.phase_words import MOST_EVENT_BYTES, doing, events_in


def test_the_last_event_of_a_process_says_what_it_is_doing() -> None:
    so_far = list[str]()
    told = [doing("train", so_far, stepped=False)]
    for event in ("warmup_start", "train_start", "train_end", "artifact_frozen"):
        so_far.append(event)
        told.append(doing("train", so_far, stepped=True))
    assert told == ["starting", "warming up", "training", "packing", "checking artifact"]
    assert doing("eval", [], stepped=True) == "fresh process"
    assert doing("eval", ["eval_start"], stepped=True) == "scoring"


def test_a_script_that_announces_nothing_is_known_by_its_steps() -> None:
    assert doing("train", [], stepped=True) == "training"


def test_events_are_read_up_to_what_is_no_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert events_in(path) == []
    path.write_text('{"phase": "train", "event": "train_start", "seconds": 1.0}\n{"phase": "train", "ev')
    assert events_in(path) == [("train", "train_start")]
    path.write_text('{"phase": "eval", "event": "eval_start"}\n[]\n{"phase": "eval", "event": "eval_end"}\n')
    assert events_in(path) == [("eval", "eval_start")]
    path.write_text(" " * (MOST_EVENT_BYTES + 1))
    assert events_in(path) == []
