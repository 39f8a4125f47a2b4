"""The entropy coder: lossless for whatever integers there are, near its bound, and closed to other bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf_model.entropy_coding.contexts import CONTEXTS, modelled, scale_codes
from golf_model.entropy_coding.entropy import CODED_HEAD, coded_bytes, decode_integers, encode_integers
from golf_model.entropy_coding.rans import TABLE_BITS
from golf_model.entropy_coding.symbol_stream import STREAM_HEAD, read_stream, write_stream
from golf_model.entropy_coding.tables import (
    MOST_GRAIN,
    best_tables,
    context_counts,
    merged,
    symbol_counts,
    table_codes,
    table_frequencies,
)
from golf_model.process.errors import ScriptError

DTYPES = (torch.int8, torch.int16, torch.int32, torch.int64)


def shapes_of(matrices: Sequence[Tensor]) -> list[tuple[int, int]]:
    return [(matrix.shape[0], matrix.shape[1]) for matrix in matrices]


def returns(matrices: Sequence[Tensor]) -> bytes:
    """Encode, decode, compare; the bytes."""
    coded = encode_integers(matrices)
    back = list(decode_integers(coded, shapes_of(matrices)))
    assert len(back) == len(matrices)
    assert all(torch.equal(ours, matrix.long()) for ours, matrix in zip(back, matrices, strict=True))
    return coded


@st.composite
def matrices(draw: st.DrawFn) -> Tensor:
    """Integers of any dtype, shape and range: noise of some scale, some of them far out."""
    dtype = draw(st.sampled_from(DTYPES))
    info = torch.iinfo(dtype)
    rows, columns = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1 << 30)))
    scale = 2.0 ** draw(st.integers(-4, info.bits - 1))
    values = torch.randn(rows, columns, generator=generator, dtype=torch.float64) * scale
    integers = values.round().clamp(max(info.min, -(2**62)), min(info.max, 2**62)).to(dtype)
    for extreme in (info.min, info.max):
        if integers.numel() and draw(st.booleans()):
            integers.view(-1)[draw(st.integers(0, integers.numel() - 1))] = extreme
    return integers


@given(st.lists(matrices(), max_size=4))
def test_any_integers_come_back(some: list[Tensor]) -> None:
    returns(some)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0, 1, -1, 127, -128])
def test_a_constant_matrix_costs_next_to_nothing(dtype: torch.dtype, value: int) -> None:
    assert len(returns([torch.full((120, 100), value, dtype=dtype)])) < 200


def test_the_extremes_of_64_bits_come_back() -> None:
    returns([torch.tensor([[-(2**63), 2**63 - 1, 0, -1, 1]])])


def scaled_noise(rows: int, columns: int, scale: float, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    by_row, by_column = (torch.exp(0.4 * torch.randn(side, generator=generator)) for side in (rows, columns))
    return torch.round(scale * by_row[:, None] * by_column * torch.randn(rows, columns, generator=generator)).int()


@pytest.mark.parametrize("scale", [0.02, 0.3, 3.0, 20.0, 300.0, 1e5])
def test_bytes_are_near_the_entropy_given_the_true_scales(scale: float) -> None:
    """A Gaussian of known deviation has log2(4.13 deviation) bits where that is large; less is taken from counts."""
    some = [scaled_noise(400, 500, scale, seed) for seed in range(2)]
    coded = len(returns(some))
    models = [modelled(matrix) for matrix in some]
    counts = symbol_counts(models)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    bits = -(counts * np.log2(np.where(share > 0, share, 1))).sum() + sum(model.low_bits.numel() for model in models)
    side = sum(sum(matrix.shape) for matrix in some)
    assert coded <= 1.003 * bits / 8 + side + 2500


def test_rows_and_columns_of_different_scale_are_coded_by_their_own_tables() -> None:
    mixed = scaled_noise(512, 512, 4.0)
    order = torch.randperm(mixed.numel(), generator=torch.Generator().manual_seed(1))
    shuffled = mixed.view(-1)[order].view(512, 512)
    assert len(encode_integers([mixed])) < 0.97 * len(encode_integers([shuffled]))


@settings(max_examples=settings().max_examples // 3)
@given(st.lists(matrices(), max_size=4))
def test_the_counted_size_is_the_coded_size_but_for_lanes(some: list[Tensor]) -> None:
    assert abs(coded_bytes(some) - len(encode_integers(some))) <= 24 + 0.01 * len(encode_integers(some))


@given(st.integers(0, 1 << 30), st.integers(1, 256))
def test_tables_keep_every_symbol_and_sum_to_the_whole(seed: int, symbols: int) -> None:
    random = np.random.default_rng(seed)
    counts = np.zeros((3, 256))
    counts[:, random.permutation(256)[:symbols]] = np.floor(2.0 ** random.uniform(0, 30, (3, symbols)))
    frequencies = table_frequencies(table_codes(counts))
    assert (frequencies.sum(1) == 1 << TABLE_BITS).all()
    assert ((frequencies > 0) == (counts > 0)).all()


def test_neighbouring_contexts_share_tables_where_there_is_little_to_count() -> None:
    few, many = ([scaled_noise(side, side, 3.0)] for side in (24, 900))
    grains = [best_tables(symbol_counts(map(modelled, some))).grain for some in (few, many)]
    assert MOST_GRAIN >= grains[0] > grains[1]
    counts = np.ones((CONTEXTS, 256))
    for grain in range(MOST_GRAIN + 1):
        assert merged(counts, grain).sum() == counts.sum()


def test_scale_codes_follow_rows_and_columns() -> None:
    matrix = torch.tensor([[1, 2], [16, 32]]).repeat_interleave(50, 0).repeat_interleave(50, 1)
    codes = scale_codes(matrix)
    assert int(codes.rows[99] - codes.rows[0]) == 32
    assert int(codes.columns[99] - codes.columns[0]) == 8


HONEST = [scaled_noise(30, 40, 5.0), scaled_noise(3, 7, 4000.0)]


@given(st.data())
def test_damaged_bytes_are_refused_or_decode_to_the_same_shapes(data: st.DataObject) -> None:
    coded = bytearray(encode_integers(HONEST))
    for _ in range(data.draw(st.integers(1, 3))):
        coded[data.draw(st.integers(0, len(coded) - 1))] = data.draw(st.integers(0, 255))
    try:
        back = list(decode_integers(bytes(coded), shapes_of(HONEST)))
    except ScriptError:
        return
    assert shapes_of(back) == shapes_of(HONEST)


def test_every_truncation_is_refused() -> None:
    coded = encode_integers(HONEST)
    for length in range(len(coded)):
        with pytest.raises(ScriptError, match="artifact: "):
            list(decode_integers(coded[:length], shapes_of(HONEST)))


def with_head(coded: bytes, place: int, value: int) -> bytes:
    head = list(CODED_HEAD.unpack_from(coded))
    head[place] = value
    return CODED_HEAD.pack(*head) + coded[CODED_HEAD.size :]


@pytest.mark.parametrize(("place", "value"), [(0, 1 << 31), (1, 0), (2, 0), (3, 1), (4, 1 << 31)])
def test_a_head_that_lies_is_refused(place: int, value: int) -> None:
    with pytest.raises(ScriptError, match="artifact: "):
        list(decode_integers(with_head(encode_integers(HONEST), place, value), shapes_of(HONEST)))


@pytest.mark.parametrize(
    "change", [{"grain": 5}, {"lanes": 0}, {"lanes": 65535}, {"tables": 1 << 31}, {"words": 1 << 31}, {"words": 0}]
)
def test_a_stream_whose_head_lies_is_refused(change: dict[str, int]) -> None:
    contexts = np.zeros(1000, np.uint8)
    symbols = np.arange(1000).astype(np.uint8)
    blob = write_stream(symbols, contexts, best_tables(context_counts(symbols, contexts)), 100)
    assert np.array_equal(read_stream(blob, contexts), symbols)
    head = dict(zip(("grain", "lanes", "tables", "words"), STREAM_HEAD.unpack_from(blob), strict=True)) | change
    with pytest.raises(ScriptError, match="artifact: "):
        read_stream(STREAM_HEAD.pack(*head.values()) + blob[STREAM_HEAD.size :], contexts)
    with pytest.raises(ScriptError, match="without a table"):
        read_stream(blob, contexts + 90)


@pytest.mark.parametrize("shapes", [[(30, 40)], [(30, 40), (3, 8)], [(30, 41), (3, 7)], [(31, 40), (3, 7)], []])
def test_other_shapes_than_the_coded_ones_are_refused(shapes: list[tuple[int, int]]) -> None:
    with pytest.raises(ScriptError, match="artifact: "):
        list(decode_integers(encode_integers(HONEST), shapes))
