"""What the end of a log says of why its script ended: one process, several ranks, torchrun's own words, noise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.logs.exceptions import Ending, Raised, without_footer

BUG = """step:20/20 train_loss:5.0
Traceback (most recent call last):
  File "/w/eval/train_gpt.py", line 200, in <module>
    main()
  File "/w/eval/train_gpt.py", line 120, in evaluate
    model(x)
    ^^^^^^^^
  File "/env/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1751, in _wrapped_call_impl
    return self._call_impl(*args, **kwargs)
  File "/w/eval/train_gpt.py", line 44, in forward
    raise ValueError("bad shape")
  File "/env/lib/python3.11/site-packages/torch/nn/functional.py", line 10, in linear
ValueError: bad shape
"""
FOOTER = """W1128 13:26:35.474000 29077 torch/distributed/elastic/multiprocessing/api.py:1028] Sending signal
E1128 13:26:35.507000 29077 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: {code})
Traceback (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main
  File "/env/lib/python3.11/site-packages/torch/distributed/run.py", line 1032, in <module>
    main()
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:{blank}
============================================================
train_gpt.py FAILED
------------------------------------------------------------
Failures:
[1]:
  rank      : 0 (local_rank: 0)
  exitcode  : -15 (pid: 29095)  (SIGTERM)
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-28_13:26:35
  rank      : {rank} (local_rank: 1)
  exitcode  : {code} (pid: 29096) {blank}
  traceback : To enable traceback see: https://pytorch.org/docs/stable/elastic/errors.html
============================================================
"""


def footer(code: int = 1, rank: int = 1) -> str:
    return FOOTER.format(code=code, rank=rank, blank=" ")


def ending(text: str, *, several: bool = False, own: tuple[str, ...] = ("train_gpt.py",)) -> Ending:
    read = Ending(own, several=several)
    for line in text.splitlines():
        read.line(line)
    return read


def told(text: str, code: int = 1, *, several: bool = False, own: tuple[str, ...] = ("train_gpt.py",)) -> str:
    raised = ending(text, several=several, own=own).raised(code)
    return "" if raised is None else str(raised)


def prefixed(rank: int, text: str) -> str:
    return "".join(f"[rank{rank}]: {line}\n" for line in text.splitlines())


def test_the_place_is_the_last_frame_in_the_scripts_own_files() -> None:
    assert ending(BUG).raised(1) == Raised("ValueError", "bad shape", "train_gpt.py:44 in forward")
    assert told(BUG) == "ValueError: bad shape (train_gpt.py:44 in forward)"


def test_a_module_level_frame_is_a_line_and_files_beside_the_script_are_its_own() -> None:
    assert told(
        BUG.replace("line 120, in evaluate", "line 120, in <module>").replace('train_gpt.py", line 44', 'x"')
    ) == ("ValueError: bad shape (train_gpt.py:120)")
    beside = BUG.replace("/w/eval/train_gpt.py", "/w/eval/parts/model.py")
    assert told(beside, own=("train_gpt.py", "model.py", "parts/model.py")).endswith("(parts/model.py:44 in forward)")
    assert told(beside) == "ValueError: bad shape"


def test_torchruns_words_are_skipped_and_tell_the_exit_code_of_the_rank_that_failed_first() -> None:
    read = ending(BUG + footer())
    assert str(read.raised(1)) == "ValueError: bad shape (train_gpt.py:44 in forward)"
    assert read.exit_code == 1
    assert read.words[-1] == "ValueError: bad shape"
    alone = ending("step:1/2\n" + footer(-9))
    assert (alone.raised(1), alone.exit_code, alone.words) == (None, -9, ["step:1/2"])


def test_a_signal_that_torchrun_got_is_told() -> None:
    text = footer().split("torch.distributed.elastic.multi")[0] + (
        "torch.distributed.elastic.multiprocessing.api.SignalException: Process 123 got signal: 15\n"
    )
    read = ending(text)
    assert (read.raised(1), read.exit_code, read.words) == (None, -15, [])


def test_of_chained_exceptions_the_last_one_raised_counts() -> None:
    for link in (
        "The above exception was the direct cause of the following exception:",
        "During handling of the above exception, another exception occurred:",
    ):
        chain = f"{BUG}\n{link}\n\n{BUG.replace('ValueError', 'RuntimeError').replace('line 44', 'line 50')}"
        for several in (False, True):
            assert told(chain, several=several) == "RuntimeError: bad shape (train_gpt.py:50 in forward)"


def test_of_several_ranks_the_one_that_failed_first_counts() -> None:
    other = BUG.replace("ValueError: bad shape", "ConnectionError: peer has gone").replace("line 44", "line 70")
    for text in (
        BUG + other,
        prefixed(3, BUG) + prefixed(0, other),
        f"{prefixed(1, BUG)}hello\n{prefixed(0, other)}",
    ):
        assert told(text, several=True) == "ValueError: bad shape (train_gpt.py:44 in forward)"
    said_later = prefixed(0, other) + prefixed(1, BUG) + footer(rank=1)
    assert told(said_later, several=True) == "ValueError: bad shape (train_gpt.py:44 in forward)"


def test_ranks_whose_lines_are_mixed_are_told_apart_by_their_prefixes() -> None:
    other = BUG.replace("ValueError", "KeyError").replace("line 44", "line 70")
    pairs = zip(prefixed(1, BUG).splitlines(), prefixed(0, other).splitlines(), strict=True)
    assert told("\n".join(line for pair in pairs for line in pair), several=True).startswith("ValueError: bad shape")
    twice = "\n".join(line for line in BUG.splitlines() for _ in range(2))
    assert told(twice, several=True) == "ValueError: bad shape (train_gpt.py:44 in forward)"


def test_an_exception_after_which_the_script_went_on_is_not_what_it_ended_by() -> None:
    assert told(BUG + "step\n" * 40) != ""
    assert told(BUG + "step\n" * 41) == ""
    assert told(BUG + "step\n" * 5, code=7) != ""
    assert told(BUG + "step\n" * 6, code=7) == ""


def test_of_one_process_the_last_exception_counts_though_an_earlier_one_was_printed() -> None:
    assert told(BUG + BUG.replace("ValueError: bad shape", "KeyError: 'seed'")).startswith("KeyError: 'seed' (")


def test_a_script_that_unpacks_itself_is_named_by_the_line_of_what_it_unpacked() -> None:
    packed = (
        'Traceback (most recent call last):\n  File "/w/train_gpt.py", line 1, in <module>\n    exec(x)\n'
        '  File "<string>", line 300, in <module>\n  File "<string>", line 120, in evaluate\nTypeError: no\n'
    )
    assert told(packed) == "TypeError: no (unpacked script:120 in evaluate)"
    generated = packed.replace('  File "<string>", line 300, in <module>\n', "")
    assert told(generated) == "TypeError: no (train_gpt.py:1)"


def test_a_message_that_begins_in_the_next_line_is_completed_and_an_empty_one_is_left_out() -> None:
    head = 'Traceback (most recent call last):\n  File "/w/train_gpt.py", line 9, in load\n    x()\n'
    assert told(f"{head}RuntimeError: Error(s) in loading state_dict for GPT:\n\tMissing key(s): a.b\n") == (
        "RuntimeError: Error(s) in loading state_dict for GPT: Missing key(s): a.b (train_gpt.py:9 in load)"
    )
    assert told(f"{head}AssertionError\n") == "AssertionError (train_gpt.py:9 in load)"
    assert told(f"{head}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n") == (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB (train_gpt.py:9 in load)"
    )


def test_what_is_told_is_bounded_and_has_no_control_characters() -> None:
    loud = BUG.replace("ValueError: bad shape", "ValueError: \x1b[2J" + "x" * 9000).replace("in forward", "in \x07f")
    text = told(loud)
    assert text.isprintable()
    assert len(text) < 300
    assert all(word.isprintable() for word in ending(loud).words)


def test_a_progress_bar_after_an_exception_is_one_line_however_often_it_is_drawn() -> None:
    read = ending(f"{BUG}1 of 100\n")
    for number in range(2, 101):
        read.write_over()
        read.line(f"{number} of 100")
    assert str(read.raised(7)) == "ValueError: bad shape (train_gpt.py:44 in forward)"
    assert read.words[-2:] == ["ValueError: bad shape", "100 of 100"]


def test_a_log_that_ends_inside_a_traceback_names_no_exception_and_keeps_its_lines() -> None:
    cut = BUG[: BUG.rindex("ValueError: bad")]
    assert told(cut) == ""
    assert ending(cut).words[-1].endswith("line 10, in linear")


@given(
    st.lists(st.sampled_from([*BUG.splitlines(), *footer().splitlines(), "[rank1]: x", "A.B: c", ""]), max_size=40),
    st.integers(1, 4),
)
def test_any_order_of_lines_is_read_without_error(lines: list[str], over: int) -> None:
    read = Ending(several=True)
    for number, line in enumerate(lines):
        if number % over == over - 1:
            read.write_over()
        read.line(line)
    assert len(read.words) <= 10
    assert read.raised(1) is None or str(read.raised(1)).isprintable()


def test_torchruns_words_are_taken_out_of_a_logs_last_lines() -> None:
    lines = (BUG + footer() + "after\n").encode().splitlines()
    assert without_footer(lines) == [*BUG.encode().splitlines(), b"after"]
    assert without_footer(BUG.encode().splitlines()) == BUG.encode().splitlines()
    assert without_footer([]) == []


SCRIPT = """
import os
import torch.distributed as dist
rank = int(os.environ["RANK"])
dist.init_process_group("gloo")
def evaluate():
    raise ValueError(f"bad shape of rank {rank}")
if rank == 1:
    evaluate()
dist.barrier()
"""


@pytest.mark.slow
def test_what_torchrun_really_writes_is_read(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "train_gpt.py"]
    done = subprocess.run(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    read = ending(done.stdout, several=True)
    assert str(read.raised(1)) == "ValueError: bad shape of rank 1 (train_gpt.py:7 in evaluate)"
    assert read.exit_code == 1
    assert not any("ChildFailedError" in word for word in read.words)
