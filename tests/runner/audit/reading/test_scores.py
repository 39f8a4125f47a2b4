"""Which score line is the score: the last, its most precise twin, and the time of either."""

from __future__ import annotations

import pytest

from runner.audit.facts import ScoreLine
from runner.audit.reading.lines import score_of
from runner.audit.reading.scores import Final, final_of


def lines(*texts: str) -> list[ScoreLine]:
    found = [score_of(text, number) for number, text in enumerate(texts, 1)]
    return [score for score in found if score is not None]


def final(*texts: str) -> Final:
    found = final_of(lines(*texts))
    assert found is not None
    return found


ROUND = "final_int6_roundtrip_exact val_loss:1.97000000 val_bpb:1.16700000"
PLAIN = "final_sliding val_loss:1.9482 val_bpb:1.1539 eval_time:136855ms"
EXACT = "final_sliding_exact val_loss:1.94822966 val_bpb:1.15385454"
ALIAS = "final_int8_zlib_roundtrip_exact val_loss:1.94822966 val_bpb:1.15385454"


def test_the_last_line_is_the_score_and_its_twin_has_the_time() -> None:
    found = final(ROUND, PLAIN, EXACT)
    assert (found.line.lineno, found.line.val_bpb, found.eval_seconds) == (3, 1.15385454, 136.855)
    assert found.aliases == ("final_sliding",)


def test_an_alias_that_comes_last_stands_behind_the_line_it_repeats() -> None:
    found = final(
        ROUND, PLAIN, EXACT, "final_int8_zlib_roundtrip val_loss:1.9482 val_bpb:1.1539 eval_time:1ms", ALIAS
    )
    assert found.line.lineno == 3
    assert found.eval_seconds == 136.855
    assert "final_int8_zlib_roundtrip_exact" in found.aliases


def test_a_line_with_its_own_time_keeps_it() -> None:
    assert final(ROUND, PLAIN).eval_seconds == 136.855


def test_loss_and_time_of_a_bare_score_come_from_its_twin() -> None:
    found = final(
        ROUND,
        "ttt_val_loss:1.8888 ttt_val_bpb:1.1187 ttt_time:300000ms",
        "ttt_val_bpb_exact:1.11870001",
        "FINAL_BPB:1.11870001 (TTT)",
    )
    assert (found.line.lineno, found.line.val_bpb) == (3, 1.11870001)
    assert (found.val_loss, found.eval_seconds) == (1.8888, 300.0)


def test_scores_before_compression_are_not_final() -> None:
    assert final_of(lines("pre_quant_eval val_loss:1.9 val_bpb:1.1")) is None
    assert final(EXACT, "pre_quant_eval val_loss:1.9 val_bpb:1.1").line.val_bpb == 1.15385454


@pytest.mark.parametrize("texts", [(), ("val_bpb:enabled",)])
def test_no_score_line_no_score(texts: tuple[str, ...]) -> None:
    assert final_of(lines(*texts)) is None


def test_two_digits_are_too_few_to_be_the_same() -> None:
    found = final("rough val_bpb:1.2", "final_exact val_loss:1.94822966 val_bpb:1.15385454")
    assert found.aliases == ()
