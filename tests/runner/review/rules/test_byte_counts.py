"""bytecount, valset: what logs that count show of bytes and tokens."""

from __future__ import annotations

import pytest

from tests.fixtures.review_scripts import LoggedRun, accused, reviewed, script

SP1024, SP8192 = "final val_loss:1.9434 val_bpb:1.1510", "final val_loss:2.5831 val_bpb:1.0000"
OTHER = "final val_loss:1.9411 val_bpb:1.0000"


@pytest.mark.parametrize(
    ("said", "default", "line", "answer"),
    [
        ("1024", "1024", SP1024, None),
        ("8192", "1024", SP1024, "violates"),
        (None, "8192", SP1024, None),
        (None, "8192", OTHER, "suspicious"),
        ("1736", "1024", OTHER, None),
    ],
)
def test_nats_over_bits_are_held_against_the_vocabulary_that_the_run_had(
    said: str | None, default: str, line: str, answer: str | None
) -> None:
    run = LoggedRun({"VOCAB_SIZE": said} if said else {}, known=True, lines=(line,), defaults={"VOCAB_SIZE": default})
    assert accused(reviewed(script(), run)).get("bytecount") == answer


@pytest.mark.parametrize(("data", "answer"), [("fineweb10B_sp1024", "violates"), ("asv-sp1024-0a1b2c", "unknown")])
def test_of_another_text_than_the_challenges_no_count_accuses(data: str, answer: str) -> None:
    lines = (f"train_loader:dataset:{data} train_shards:1", "val_tokens: 137216", OTHER)
    found = reviewed(script(), LoggedRun({"VOCAB_SIZE": "1024"}, known=True, lines=lines))
    assert (found["valset"].answer, found["bytecount"].answer) == (answer, answer)
    assert (f"The run read {data}, which is not the challenge's text" in found["valset"].why) == (answer == "unknown")


def test_a_log_that_counts_a_part_of_the_validation_tokens_is_found() -> None:
    run = LoggedRun(known=True, lines=("val_tokens: 9,662,464",))
    assert reviewed(script(), run)["valset"].why.startswith("train.log, line 1: 9,662,464 validation tokens")
