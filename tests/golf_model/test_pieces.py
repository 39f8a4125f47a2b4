"""Rows in pieces are all rows, once, in order, and views of the array."""

from __future__ import annotations

import pytest
import torch

from golf_model import pieces
from golf_model.network.rope import rms_norm
from golf_model.pieces import in_pieces


def test_pieces_of_several_arrays_have_the_same_rows_and_write_through() -> None:
    wide, narrow = torch.zeros(3, 5, 1 << 15), torch.zeros(3, 5, 1)
    seen = []
    for number, (some, scale) in enumerate(in_pieces(wide, narrow)):
        seen.append((len(some), len(scale)))
        scale.fill_(number)
    assert seen == [(4, 4), (4, 4), (4, 4), (3, 3)]
    assert narrow.flatten().tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3]


def test_a_row_wider_than_a_piece_goes_alone() -> None:
    assert [len(some) for (some,) in in_pieces(torch.zeros(2, 1 << 18))] == [1, 1]


def test_off_the_cpu_all_rows_are_one_piece() -> None:
    assert [len(some) for (some,) in in_pieces(torch.zeros(9, 1 << 15, device="meta"))] == [9]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_a_norm_is_bit_identical_whatever_its_pieces(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    def both() -> list[torch.Tensor]:
        torch.manual_seed(3)
        x = torch.randn(7, 3, 20).to(dtype).transpose(0, 1).requires_grad_()
        y = rms_norm(x, "float32")
        return [y, *torch.autograd.grad((y * torch.randn(20).to(dtype)).sum(), x), x.detach()]

    whole = both()
    monkeypatch.setattr(pieces, "PIECE_ELEMENTS", 64)
    some = both()
    assert all(torch.equal(a, b) for a, b in zip(whole, some, strict=True))
