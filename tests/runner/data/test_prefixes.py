"""Bytes along a text: every prefix as counted by hand, however far apart the sums are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.dataset import DataSet, open_dataset
from runner.data.known_texts import KNOWN_TEXTS
from runner.data.prefixes import prefixes, prefixes_of
from runner.data.shards import write_shard
from runner.data.tokenizer import load_tokenizer
from runner.job.open_data import DataRequest
from tests.fixtures.spelled_space import LINES, SPELLING_VOCAB, spelling_tokenizer


@given(st.lists(st.integers(0, 90), max_size=80), st.integers(1, 30), st.data())
def test_any_stretch_is_counted_as_by_hand(sizes: list[int], most: int, data: st.DataObject) -> None:
    text = prefixes_of(np.array(sizes, dtype=np.uint16), most)
    stop = data.draw(st.integers(0, len(sizes)))
    first = data.draw(st.integers(0, stop))
    assert text.targets == len(sizes)
    assert text.between(first, stop) == sum(sizes[first:stop])
    assert len(text.sums) == len(sizes) // text.step + 1


@pytest.fixture(scope="module")
def data(tiny_data: DataRequest) -> DataSet:
    return open_dataset(Path(str(tiny_data.folder)), Path(str(tiny_data.tokenizer)), tiny_data.vocab_size)


def test_a_data_set_is_counted_as_its_facts_say(data: DataSet) -> None:
    text = prefixes(data)
    assert (text.targets, text.step) == (data.facts.val_tokens - 1, 1)
    assert text.before(text.targets) == data.facts.val_bytes  # its first token is a beginning of text: no bytes


def test_a_spelled_space_counts_once_along_the_text(tmp_path: Path) -> None:
    (tmp_path / "t.model").write_bytes(spelling_tokenizer(every=True))
    rows = load_tokenizer(tmp_path / "t.model").encode(LINES, add_bos=True)
    stream = np.array([token for row in rows for token in row])
    for split in ("train", "val"):
        write_shard(tmp_path / f"fineweb_{split}_000000.bin", stream)
    text = prefixes(open_dataset(tmp_path, tmp_path / "t.model", SPELLING_VOCAB))
    assert text.before(text.targets) == sum(len(line) for line in LINES)


def test_sidecars_tell_the_bytes_where_they_are_believed(tmp_path: Path, data: DataSet) -> None:
    sidecar = tmp_path / "fineweb_val_bytes_000000.bin"
    numbers = np.arange(data.facts.val_tokens) % 5
    write_shard(sidecar, numbers)
    text = prefixes(data, (sidecar,))
    assert (text.targets, text.before(text.targets)) == (len(numbers) - 1, int(numbers[1:].sum()))


def test_only_the_challenges_own_sidecars_are_believed(data: DataSet) -> None:
    known = KNOWN_TEXTS[-1]
    (shard,), sidecar = data.val_files, Path("fineweb_val_bytes_000000.bin")
    files = {**data.facts.files, shard.name: known.shards[0], sidecar.name: known.sidecars[0]}

    def believed(**changed: str) -> tuple[Path, ...]:
        facts = data.facts.model_copy(update={"files": {**files, **changed}})
        return replace(data, facts=facts, sidecars=(sidecar,)).believed_sidecars

    assert believed() == (sidecar,)
    assert believed(**{shard.name: "0" * 64}) == believed(**{sidecar.name: "0" * 64}) == ()
    assert data.believed_sidecars == ()
