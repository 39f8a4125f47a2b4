"""Six-bit packing: every value comes back, and the bytes are the ones that the format describes."""

from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golf_model.artifact.bitpack import pack_six, unpack_six


@given(st.lists(st.integers(0, 5), max_size=4), st.data())
def test_a_tensor_of_any_shape_comes_back(shape: list[int], data: st.DataObject) -> None:
    count = prod(shape)
    values = data.draw(st.lists(st.integers(-32, 31), min_size=count, max_size=count))
    integers = torch.tensor(values, dtype=torch.int8).view(shape)
    packed = pack_six(integers)
    assert (packed.dtype, packed.ndim) == (torch.uint8, 1)
    assert packed.numel() == 3 * -(-count // 4)
    assert torch.equal(unpack_six(packed, tuple(shape)), integers)


def test_a_matrix_that_is_not_contiguous_is_packed_by_rows() -> None:
    integers = torch.arange(-15, 15).to(torch.int8).view(6, 5).T
    assert torch.equal(unpack_six(pack_six(integers), (5, 6)), integers)


@pytest.mark.parametrize("shape", [(3, 3), (1, 4), (4, 4), (1 << 40, 1 << 40), (0,)])
def test_bytes_of_another_number_of_values_are_refused(shape: tuple[int, ...]) -> None:
    packed = pack_six(torch.zeros(5, dtype=torch.int8))
    with pytest.raises(ValueError, match="6 bytes do not hold"):
        unpack_six(packed, shape)


def test_what_is_not_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes do not hold"):
        unpack_six(torch.tensor([0.0, float("nan"), float("inf")]), (4,))


def test_four_values_lie_in_three_bytes_low_bits_first() -> None:
    # 1, 2, 3 and -1 (63 as six bits): 000001, 000010, 000011, 111111 from the lowest bit on.
    packed = pack_six(torch.tensor([1, 2, 3, -1], dtype=torch.int8))
    assert packed.tolist() == [0b10000001, 0b00110000, 0b11111100]
