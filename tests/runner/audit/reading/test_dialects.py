"""The table of dialects: each row reads its example, and no line of a program is taken for a result."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.audit.reading.dialects import A_SIGN, FIELDS, SCORES, UNITS
from runner.audit.reading.lines import facts_of, is_code, score_of
from runner.audit.reading.rows import Row


@pytest.mark.parametrize("row", FIELDS, ids=lambda row: row.example[:40])
def test_each_row_reads_its_example(row: Row) -> None:
    low = row.example.lower()
    assert row.literal in low
    assert A_SIGN.search(low)
    match = row.regex.search(row.example)
    assert match is not None
    groups = {name for name, value in match.groupdict().items() if value is not None}
    assert groups
    assert groups <= UNITS.keys()
    assert {UNITS[name][0] for name in groups} <= facts_of(row.example, low).keys()
    assert not is_code(row.example)


@pytest.mark.parametrize("row", SCORES, ids=lambda row: row.example[:40])
def test_each_score_row_reads_its_example(row: Row) -> None:
    low = row.example.lower()
    assert row.literal in low
    assert A_SIGN.search(low)
    assert score_of(row.example, 1) is not None


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("step:7000/20000 val_loss:1.9 val_bpb:1.1 train_time:600039ms step_avg:85.72ms", (7000, 600.039, 85.72)),
        ("step:960/1000 train_loss:2.4 train_time:600.5s", (960, 600.5, None)),
        ("4870/20000 train_loss: 2.35 train_time: 9.8m tok/s: 7000000", (4870, None, None)),
        ("step:500/10000 loss:3.4121 t:118250ms avg:236.5ms", (500, 118.25, 236.5)),
        ("step  2290/20000  loss=3.1163  ppl=22.6  t= 9m38s", (2290, None, None)),
    ],
)
def test_steps_of_every_dialect(line: str, facts: tuple[int, float | None, float | None]) -> None:
    found = facts_of(line, line.lower())
    assert (found["steps"], found.get("train_seconds"), found.get("step_avg_ms")) == facts


@pytest.mark.parametrize(
    ("line", "bpb", "loss", "seconds"),
    [
        (
            "final_int6_sliding_window stride:64 val_loss:1.9611 val_bpb:1.1613 eval_time:140321ms",
            1.1613,
            1.9611,
            140.321,
        ),
        ("final_quant_roundtrip val_loss:1.9977 val_bpb:1.1832 time:2311ms", 1.1832, 1.9977, 2.311),
        ("ttt_sliding:done val_loss=1.903411 val_bpb=1.127310 elapsed=411.5s", 1.12731, 1.903411, 411.5),
        ("quantized_ttt_phased val_loss: 2.32245934 val_bpb: 1.06127329", 1.06127329, 2.32245934, None),
        ("RESULT  val_bpb=8.218640  ppl=23.065  model=10.43MB", 8.21864, None, None),
        ("BPB: 1.1234  |  Val Loss: 1.9000  |  Time: 85.2s", 1.1234, 1.9, 85.2),
        ("val_bpb (int4 roundtrip): 1.60", 1.6, None, None),
        ("final val_loss:1.9 val_bpb:1.1 eval_time:0ms", 1.1, 1.9, None),
        ("final val_loss:nan val_bpb:1.1", 1.1, None, None),
    ],
)
def test_scores_of_every_dialect(line: str, bpb: float, loss: float | None, seconds: float | None) -> None:
    found = score_of(line, 3)
    assert found is not None
    assert (found.val_bpb, found.val_loss, found.eval_seconds, found.before_export) == (bpb, loss, seconds, False)


@pytest.mark.parametrize(
    "line",
    [
        "ttt_chunk [1522/1888] bpb=1.131270 time=340.2s",
        "step:7000/20000 val_loss:1.9 val_bpb:1.1 train_time:600039ms",
        "ttt_gain: 0.3897 BPB gain over int8 val_bpb:0.3897",
        "quant_gap val_bpb:0.0125",
        "baseline val_bpb:1.2244",
        "final val_bpb:nan",
        "val_bpb:enabled tokenizer_kind=sentencepiece",
    ],
)
def test_running_scores_and_differences_are_none(line: str) -> None:
    assert score_of(line, 1) is None


@pytest.mark.parametrize(
    "label", ["pre_quant_eval", "DIAGNOSTIC post_ema", "diagnostic pre-quantization post-ema", "val_bpb (pre-quant):"]
)
def test_scores_of_uncompressed_weights_are_marked(label: str) -> None:
    line = f"{label} 1.10" if label.endswith(":") else f"{label} val_loss:1.9 val_bpb:1.10"
    found = score_of(line, 1)
    assert found is not None
    assert found.before_export


@pytest.mark.parametrize(
    "line",
    [
        "log0(f'seed:{args.seed}')",
        "# step:100/200 val_loss:9.9999 val_bpb:9.9999 train_time:1ms step_avg:1.00ms",
        'log0(f"final_int8_zlib_roundtrip_exact val_loss:{q_val_loss:.8f} val_bpb:{q_val_bpb:.8f}")',
        'print("Code size: 47642 bytes")',
        "import torch",
    ],
)
def test_lines_of_a_program_are_known(line: str) -> None:
    assert is_code(line)


@pytest.mark.parametrize("row", [*FIELDS, *SCORES], ids=lambda row: row.example[:40])
def test_every_repetition_is_bounded(row: Row) -> None:
    """So that no line, whatever stands in it, can make a row slow."""

    def bounds(pattern: Iterable[Any]) -> Iterator[int]:
        for code, arguments in pattern:
            if str(code) in ("MAX_REPEAT", "MIN_REPEAT"):
                yield int(arguments[1])
                yield from bounds(arguments[2])
            elif str(code) == "SUBPATTERN":
                yield from bounds(arguments[3])
            elif str(code) == "BRANCH":
                for branch in arguments[1]:
                    yield from bounds(branch)

    assert max(bounds(re._parser.parse(row.regex.pattern)), default=1) <= 300  # type: ignore[attr-defined]


@given(st.text(st.sampled_from("step:/ val_bpb loss=0123456789.,e()[]|seed train_time ms bytes code"), max_size=300))
def test_what_looks_like_a_line_is_read_without_error(line: str) -> None:
    assert all(math.isfinite(value) for value in facts_of(line, line.lower()).values())
    found = score_of(line, 1)
    assert found is None or 0 < found.val_bpb < 100


def without_an_alternative(row: Row) -> Iterator[tuple[str, re.Pattern[str]]]:
    """The row's expression without one of its alternatives, for each of them, and where it stood."""
    parser, compiler = re._parser, re._compiler  # type: ignore[attr-defined]
    flags = row.regex.flags & ~re.UNICODE
    for place, (_, count) in enumerate(branches(parser.parse(row.regex.pattern, flags))):
        for gone in range(count):
            tree = parser.parse(row.regex.pattern, flags)
            alternatives = list(branches(tree))[place][0]
            del alternatives[gone]
            yield f"alternative {gone + 1} of {count} in group {place + 1}", compiler.compile(tree, flags)


def branches(tree: Any) -> Iterator[tuple[list[Any], int]]:
    """Every list of alternatives in a parsed expression, with its length."""
    for code, value in tree:
        if str(code) == "BRANCH":
            yield value[1], len(value[1])
            for part in value[1]:
                yield from branches(part)
        elif isinstance(value, tuple):
            for part in value:
                if hasattr(part, "data") or (isinstance(part, list) and part and isinstance(part[0], tuple)):
                    yield from branches(part)
        elif hasattr(value, "data"):
            yield from branches(value)


def read_by(regex: re.Pattern[str], example: str) -> dict[str, str | None] | None:
    match = regex.search(example)
    return match.groupdict() if match else None


@pytest.mark.parametrize("row", [*FIELDS, *SCORES], ids=lambda row: row.example[:40])
def test_each_alternative_of_a_row_has_an_example_that_needs_it(row: Row) -> None:
    for example in row.examples:
        assert row.literal in example.lower()
        assert A_SIGN.search(example.lower())
        assert row.regex.search(example), example
    idle = [
        where
        for where, regex in without_an_alternative(row)
        if all(read_by(regex, example) == read_by(row.regex, example) for example in row.examples)
    ]
    assert idle == []
