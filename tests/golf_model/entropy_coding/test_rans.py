"""rANS: symbols come back by the tables they were coded with, and other words are refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from golf_model.entropy_coding.rans import TABLE_BITS, U64, rans_decode, rans_encode
from golf_model.process.errors import ScriptError

States = NDArray[np.uint32]
Words = NDArray[np.uint16]
WHOLE = 1 << TABLE_BITS


def tables_of(*weights: dict[int, int]) -> U64:
    """Frequencies that sum to WHOLE, from weights of a few symbols."""
    tables = np.zeros((len(weights), 256), np.uint64)
    for row, some in enumerate(weights):
        for symbol, weight in some.items():
            tables[row, symbol] = weight
        tables[row, max(some, key=lambda symbol: some[symbol])] += WHOLE - sum(some.values())
    return tables


TABLES = tables_of({0: 1, 255: 1, 128: 20000}, {7: WHOLE}, dict.fromkeys(range(256), 128))


@given(st.data(), st.integers(0, 700), st.integers(1, 40))
def test_symbols_come_back_in_any_number_of_lanes(data: st.DataObject, count: int, lanes: int) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    rows = random.integers(0, 3, count).astype(np.uint8)
    choices = [np.array([0, 128, 255]), np.array([7]), np.arange(256)]
    symbols = np.array([random.choice(choices[row]) for row in rows], np.uint8)
    states, words = rans_encode(symbols, rows, TABLES, lanes)
    assert len(states) == lanes
    assert np.array_equal(rans_decode(states, words, rows, TABLES), symbols)


def test_a_certain_symbol_costs_nothing() -> None:
    rows = np.ones(10_000, np.uint8)
    assert len(rans_encode(np.full(10_000, 7, np.uint8), rows, TABLES, 4)[1]) == 0


def test_the_length_is_the_entropy_of_the_tables() -> None:
    random = np.random.default_rng(1)
    symbols = random.integers(0, 256, 200_000).astype(np.uint8)
    states, words = rans_encode(symbols, np.full(len(symbols), 2, np.uint8), TABLES, 64)
    assert 0 <= words.nbytes + states.nbytes - len(symbols) < 4 * 64 + 0.0005 * len(symbols)


def lose_a_word(states: States, words: Words) -> tuple[States, Words]:
    return states, words[:-1]


def gain_a_word(states: States, words: Words) -> tuple[States, Words]:
    return states, np.append(words, words[:1])


@pytest.mark.parametrize("spoil", [lose_a_word, gain_a_word])
def test_words_that_do_not_end_where_they_should_are_refused(
    spoil: Callable[[States, Words], tuple[States, Words]],
) -> None:
    symbols = np.arange(256).repeat(9).astype(np.uint8)
    rows = np.full(len(symbols), 2, np.uint8)
    states, words = spoil(*rans_encode(symbols, rows, TABLES, 3))
    with pytest.raises(ScriptError, match="coded integers"):
        rans_decode(states, words, rows, TABLES)
