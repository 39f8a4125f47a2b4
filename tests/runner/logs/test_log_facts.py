"""Reading logs: every pattern on its example, any chunking, no claim out of noise."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.logs.lines import MAX_LINE
from runner.logs.log_facts import PATTERNS, LogReader, Pattern, live_bpb_told, read_log, warm_up_told

LOG = b"""model_params:17059912
world_size:8 grad_accum_steps:1
seed:42
step:1/20000 train_loss:6.9 train_time:43ms step_avg:43.00ms
step:300/20000 train_loss:2.5 train_time:13000ms step_avg:43.33ms
step:300/20000 val_loss:2.6000 val_bpb:1.5400 train_time:13000ms step_avg:43.33ms
peak memory allocated: 10184 MiB reserved: 10588 MiB
Code size: 20000 bytes
Serialized model int8+zlib: 15762519 bytes (payload:17178912 raw_torch:17224025 payload_ratio:3.91x)
Total submission size int8+zlib: 15782519 bytes
final_int8_zlib_roundtrip val_loss:2.6100 val_bpb:1.5500 eval_time:1356ms
final_int8_zlib_roundtrip_exact val_loss:2.61000000 val_bpb:1.55000000
score rule:plain tokens:1000 bytes:2400 val_loss:2.6100000000000003 val_bpb:1.55
"""


def test_each_device_that_a_log_names_is_kept_once_and_not_for_ever() -> None:
    reader = LogReader()
    for name in ("A GPU", "A GPU", "Another\x1b[2J GPU"):
        reader.line(f"device:cuda:0 name:{name} precision:bfloat16")
    reader.line("DEVICE:cpu name:A CPU precision:float32")
    assert reader.log_facts().devices == ["cuda A GPU", "cuda Another [2J GPU", "cpu A CPU"]
    for number in range(20):
        reader.line(f"device:cuda:0 name:GPU {number} precision:bfloat16")
    assert len(reader.log_facts().devices) == 8
    reader.line("python:3.12.3 torch:2.13.0+cpu numpy:2.4.6")
    assert reader.log_facts().torch == "2.13.0+cpu"


def test_a_validation_while_it_trains_keeps_the_step_that_it_was_after() -> None:
    reader = LogReader()
    assert live_bpb_told(reader.facts) == ""
    reader.line("step:1000/20000 val_loss:2.2 val_bpb:1.3 train_time:43000ms step_avg:43.00ms")
    reader.line("step:1500/20000 train_loss:2.1 train_time:64500ms step_avg:43.00ms")
    assert (reader.facts["steps"], live_bpb_told(reader.facts)) == (1500, "1.3000 (step 1,000)")
    theirs = LogReader(own=(re.compile(r"val_bpb (?P<val_bpb>\S+)"),))
    theirs.line("val_bpb 1.25")
    assert live_bpb_told(theirs.facts) == "1.2500 (earlier)"


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.example[:24])
def test_each_pattern_reads_its_example(pattern: Pattern) -> None:
    reader = LogReader()
    reader.line(pattern.example)
    assert set(reader.facts) - {"live_val_step"} == {name for name, _ in pattern.facts}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, ""),
        ({"warmup_steps": 20}, "warm-up 0/20"),
        ({"warmup_steps": 20, "warmup_step": 3}, "warm-up 3/20"),
        ({"warmup_steps": 20, "warmup_step": 20}, ""),
        ({"warmup_steps": 20, "warmup_step": 3, "steps": 1}, ""),
        ({"warmup_steps": 0}, ""),
    ],
)
def test_a_warm_up_is_told_until_its_last_step(facts: dict[str, int], said: str) -> None:
    assert warm_up_told(facts) == said


def test_an_official_log_is_read_whole() -> None:
    reader = read_log([LOG])
    facts = reader.log_facts()
    assert (facts.model_params, facts.world_size, facts.seed, facts.steps) == (17059912, 8, 42, 300)
    assert (facts.train_seconds, facts.step_avg_ms, facts.peak_memory_mib) == (13.0, 43.33, 10184)
    assert (facts.code_bytes, facts.model_bytes, facts.total_bytes) == (20000, 15762519, 15782519)
    assert (facts.live_val_bpb, facts.eval_seconds, facts.saw_nan) == (1.54, 1.356, False)
    assert reader.scores[0].val_loss == 2.6100000000000003
    assert not reader.final_scores


@given(st.lists(st.integers(0, len(LOG)), max_size=12))
def test_chunking_changes_nothing(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(LOG)]
    pieces = [LOG[start:end] for start, end in pairwise(edges)]
    assert read_log(pieces).facts == read_log([LOG]).facts


@given(st.binary(max_size=2000))
def test_noise_is_read_without_error(noise: bytes) -> None:
    reader = read_log([noise])
    assert len(reader.tail) <= 10


@pytest.mark.parametrize(
    "line",
    [
        "step:7/10 train_loss:nan train_time:43ms step_avg:43.00ms",
        "nan_loss step:7",
        "final_score rule:plain tokens:5 bytes:9 val_loss:nan val_bpb:nan",
    ],
)
def test_nan_is_noticed(line: str) -> None:
    assert read_log([line.encode()]).saw_nan


def test_a_line_inside_other_text_is_no_claim() -> None:
    reader = read_log([b"print('seed:42')\n# Code size: 12 bytes\n  world_size:8\n"])
    assert reader.facts == {}


def test_an_endless_line_does_not_grow_memory() -> None:
    reader = LogReader()
    for _ in range(64):
        reader.feed(b"x" * 65536)
    assert len(reader._lines.partial) <= 65536


def test_any_number_of_scores_takes_the_room_of_one() -> None:
    line = b"final_score rule:plain tokens:10 bytes:20 val_loss:2.5 val_bpb:1.25\n"
    reader = read_log([line * 1000, line.replace(b"2.5 ", b"2.4 ")])
    assert [score.val_loss for score in reader.final_scores] == [2.4]


def test_what_stands_inside_a_long_line_is_no_claim_however_it_arrives() -> None:
    claim = b"step:5/5 train_loss:1.0 train_time:1ms step_avg:1.00ms"
    for pad in (MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE):
        reader = LogReader()
        for piece in (b"x" * pad, claim, b"\n"):
            reader.feed(piece)
        assert reader.facts == {}


# somebody else's lines -------------------------------------------------------------------------------------------

THEIRS = re.compile(r"^(?P<rule>final_\w+?)(?:_exact)?\b.*? val_loss:(?P<val_loss>\S+) val_bpb:(?P<val_bpb>\S+)")


def theirs(*lines: str, pattern: re.Pattern[str] = THEIRS) -> LogReader:
    reader = LogReader(pattern=pattern)
    for line in lines:
        reader.line(line)
    return reader


def test_a_foreign_score_keeps_the_digits_in_which_it_was_printed() -> None:
    reader = theirs("final_x val_loss:2.50 val_bpb:1.50", "final_x_exact val_loss:2.50000100 val_bpb:1.5e0")
    (score,) = reader.final_scores
    assert (score.rule, score.val_loss, score.val_bpb) == ("final_x", 2.500001, 1.5)
    assert (score.printed_loss, score.printed_bpb) == ("2.50000100", "1.5e0")
    assert (score.tokens, score.bytes) == (None, None)


def test_the_last_score_of_each_name_is_known() -> None:
    reader = theirs(
        "final_a val_loss:2.5 val_bpb:1.5",
        "final_b val_loss:2.4 val_bpb:1.4",
        "final_a_exact val_loss:2.3 val_bpb:1.3",
    )
    assert {rule: score.val_bpb for rule, score in reader.by_rule.items()} == {"final_a": 1.3, "final_b": 1.4}
    many = theirs(*(f"final_{number} val_loss:2.5 val_bpb:1.5" for number in range(1000)))
    assert len(many.by_rule) == 64


def test_counts_are_read_from_the_line_or_by_the_patterns_groups() -> None:
    told = theirs("final_x val_loss:2.5 val_bpb:1.5 tokens:100 bytes:240").final_scores[-1]
    assert (told.tokens, told.bytes) == (100, 240)
    pattern = re.compile(r"loss (?P<val_loss>\S+) bpb (?P<val_bpb>\S+) over (?P<tokens>\S+)")
    told = theirs("loss 2.5 bpb 1.5 over 62,021,632 tokens:1 bytes:2", pattern=pattern).final_scores[-1]
    assert (told.tokens, told.bytes) == (62_021_632, None)
    told = theirs("loss 2.5 bpb 1.5 over all", pattern=pattern).final_scores[-1]
    assert (told.val_loss, told.tokens) == (2.5, None)


def test_what_a_foreign_log_says_of_sequences_is_kept_and_a_log_of_ours_is_not_asked() -> None:
    lines = (
        "val_loader:shards pattern=x tokens:62021632",
        "train_batch_tokens:524288 train_seq_len:1024",
        "final_x val_loss:2.5 val_bpb:1.5 stride:64 eval_seq_len:2048",
    )
    facts = theirs(*lines).log_facts()
    assert (facts.lengths, facts.strides, facts.val_tokens) == ([1024, 2048], [64], 62_021_632)
    ours = read_log([("\n".join(lines)).encode()]).log_facts()
    assert (ours.lengths, ours.val_tokens) == ([], None)


def test_a_line_of_ours_in_a_foreign_log_is_held_to_its_digits_like_any_other() -> None:
    line = "final_score rule:plain tokens:10 bytes:20 val_loss:2.5000 val_bpb:1.2500"
    (score,) = theirs(line).final_scores
    assert (score.printed_loss, score.printed_bpb, score.tokens) == ("2.5000", "1.2500", 10)
    (score,) = read_log([line.encode()]).final_scores
    assert (score.printed_loss, score.printed_bpb) == ("", "")


SIZES = re.compile(r"^code (?P<code_bytes>[\d,]+)(, model (?P<artifact_bytes>\S+))?(, all (?P<total_bytes>\S+))?$")


@pytest.mark.parametrize(
    ("line", "sizes"),
    [
        (b"code 1,234, model 5_678, all 6912", (1234, 5678, 6912)),
        (b"code 12", (12, None, None)),
        (b"code 12, model many, all -3", (12, None, None)),
        (b"code " + b"9" * 18 + b", all " + b"9" * 19, (10**18 - 1, None, None)),
        ("code 12, model \u0661\u0662".encode(), (12, None, None)),
    ],
)
def test_a_dialect_may_tell_its_sizes(line: bytes, sizes: tuple[int | None, int | None, int | None]) -> None:
    reader = LogReader(own=(SIZES,))
    reader.feed(line + b"\n")
    facts = reader.log_facts()
    assert (facts.code_bytes, facts.model_bytes, facts.total_bytes) == sizes


DIALECT = (
    re.compile(r"^setup, seed (?P<seed>\d+)"),
    re.compile(r"^it (?P<step>[\d,]+)(?: nll (?P<train_loss>\S+)| dev (?P<val_loss>\S+) (?P<val_bpb>\S+))"),
)


def test_a_dialect_may_tell_its_seed_steps_and_losses() -> None:
    reader = LogReader(own=DIALECT)
    reader.feed(b"setup, seed 42\nit 1,200 nll 3.25\nit 1,200 dev 3.5 1.75\n")
    facts = reader.log_facts()
    assert (facts.seed, facts.steps, facts.live_val_loss, facts.live_val_bpb) == (42, 1200, 3.5, 1.75)
    assert (reader.facts["train_loss"], facts.saw_nan) == (3.25, False)


@pytest.mark.parametrize(
    ("line", "train_loss", "saw_nan"),
    [(b"it 7 nll soon\n", None, False), (b"it 7 nll 0x1p3\n", None, False), (b"it 7 nll nan\n", "nan", True)],
)
def test_a_loss_of_a_dialect_is_a_number_or_says_nothing(line: bytes, train_loss: str | None, saw_nan: bool) -> None:
    reader = LogReader(own=DIALECT)
    reader.feed(line)
    told = reader.facts.get("train_loss")
    assert (None if told is None else str(told)) == train_loss
    assert reader.log_facts().saw_nan is saw_nan


def test_the_states_of_a_progress_bar_are_lines_and_the_tail_keeps_the_last_of_them() -> None:
    reader = read_log(
        [
            b"loading\r\n",
            b"\rstep:1/3 train_loss:2.0 train_time:1ms step_avg:1.00ms",
            b"\rstep:2/3 train_loss:1.5 train_time:2ms step_avg:1.00ms\r",
            b"step:3/3 train_loss:1.0 train_time:3ms step_avg:1.00ms\r",
            b"\nTraceback\n",
        ]
    )
    assert (reader.facts["steps"], reader.facts["train_loss"]) == (3, 1.0)
    assert reader.tail == ["loading", "step:3/3 train_loss:1.0 train_time:3ms step_avg:1.00ms", "Traceback"]


def test_a_progress_bar_of_100_000_states_costs_seconds_and_no_memory() -> None:
    reader, begun = LogReader(), time.process_time()
    for number in range(0, 100_000, 1000):
        states = (b"\r %d/100000 [00:12<00:34, 99.1it/s, loss=2.1]" % (number + one) for one in range(1000))
        reader.feed(b"".join(states))
    assert time.process_time() - begun < 20
    assert len(reader.tail) == 1
    assert reader.facts == {}


def test_names_in_lines_are_cut() -> None:
    reader = read_log([b"device:cuda:0 name:" + b"x" * 47_000 + b" precision:bf16\n"])
    assert reader.facts["device"] == "x" * 197 + "..."
    rule = b"y" * 300
    reader = read_log([b"final_score rule:" + rule + b" tokens:1 bytes:1 val_loss:1.0 val_bpb:1.0\n"])
    assert reader.final_scores[-1].rule == "y" * 200
