"""Six-bit packing: every value comes back, and the bytes are the ones that the format describes."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from golf_model.bitpack import pack_six, unpack_six


@given(st.lists(st.integers(-32, 31), max_size=40))
def test_any_values_come_back(values: list[int]) -> None:
    integers = torch.tensor(values, dtype=torch.int8)
    packed = pack_six(integers)
    assert packed.dtype == torch.uint8
    assert packed.numel() == 3 * -(-len(values) // 4)
    assert unpack_six(packed, (len(values),)).tolist() == values


def test_a_matrix_is_packed_flat_and_keeps_its_shape() -> None:
    integers = torch.arange(-15, 15).to(torch.int8).view(5, 6)
    assert torch.equal(unpack_six(pack_six(integers), (5, 6)), integers)


def test_four_values_lie_in_three_bytes_low_bits_first() -> None:
    # 1, 2, 3 and -1 (63 as six bits): 000001, 000010, 000011, 111111 from the lowest bit on.
    packed = pack_six(torch.tensor([1, 2, 3, -1], dtype=torch.int8))
    assert packed.tolist() == [0b10000001, 0b00110000, 0b11111100]
