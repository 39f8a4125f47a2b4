"""GPTQ (Frantar et al., arXiv 2210.17323): columns of a matrix are rounded in turn, and those still to come make up
for the errors of those before, so that the products with what the layer really sees change least."""

from __future__ import annotations

import torch
from torch import Tensor

from golf_model.config import GptqConfig

GPTQ_BLOCK = 128
"""Columns after which the rest of the matrix is brought up to date."""


def inverse_factor(hessian: Tensor, damping: float) -> Tensor:
    """Upper Cholesky factor (n, n) fp32 of the damped Hessian's inverse; columns never seen count as independent."""
    home = hessian.cpu() if hessian.device.type == "mps" else hessian  # which has no float64
    damped = home.double().clone()
    diagonal = damped.diagonal()
    diagonal[diagonal == 0] = 1.0
    diagonal += damping * diagonal.mean()
    lower = torch.linalg.cholesky(damped)
    factor: Tensor = torch.linalg.cholesky(torch.cholesky_inverse(lower), upper=True)
    return factor.float().to(hessian.device)


def ordered_factor(hessian: Tensor, gptq: GptqConfig) -> tuple[Tensor, Tensor]:
    """(order of the columns (n,), inverse_factor of the Hessian in that order)."""
    order = torch.arange(hessian.size(0), device=hessian.device)
    if gptq.order:
        order = torch.argsort(hessian.diagonal(), descending=True, stable=True)
    return order, inverse_factor(hessian[order][:, order], gptq.damping)


def rounded_in_turn(matrix: Tensor, scales: Tensor, levels: int, hessian: Tensor, gptq: GptqConfig) -> Tensor:
    """(rows, columns) fp32 whole numbers, at most `levels` in magnitude.

    matrix: (rows, columns) fp32; scales: (rows,) or (); hessian: (columns, columns), the sum of x xT over the inputs
    x of the layer. A row of scale 0 becomes zeros, and so do columns that were never seen, where the rule says so.
    """
    if gptq.zero_dead:
        matrix = torch.where(hessian.diagonal() == 0, 0.0, matrix)
    return in_order(matrix, scales, levels, *ordered_factor(hessian, gptq))


def in_order(matrix: Tensor, scales: Tensor, levels: int, order: Tensor, factor: Tensor) -> Tensor:
    """The same by what `ordered_factor` made of the Hessian."""
    steps = scales.float().expand(matrix.size(0))
    inverse = torch.where(steps > 0, 1.0 / steps, 0.0)
    rest, result = matrix[:, order].clone(), torch.empty_like(matrix)
    for begin in range(0, matrix.size(1), GPTQ_BLOCK):
        block = rest[:, begin : begin + GPTQ_BLOCK]
        errors = torch.empty_like(block)
        for column in range(block.size(1)):
            at = begin + column
            values = block[:, column]
            integers = torch.round(values * inverse).clamp_(-levels, levels)
            result[:, at] = integers
            errors[:, column] = (values - integers * steps) / factor[at, at]
            block[:, column:] -= torch.outer(errors[:, column], factor[at, at : begin + block.size(1)])
        rest[:, begin + block.size(1) :] -= errors @ factor[begin : begin + block.size(1), begin + block.size(1) :]
    return result[:, torch.argsort(order)]
