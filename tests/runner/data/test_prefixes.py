"""Bytes along a text: every prefix as counted by hand, however far apart the sums are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.dataset import DataSet, open_dataset
from runner.data.prefixes import prefixes, prefixes_of
from runner.job.open_data import DataRequest


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
