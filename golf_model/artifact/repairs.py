"""Low-rank repairs (quantization/lqer.py) in our container: two more tensors of integers beside each repaired matrix.

`NAME#left` is a vector with one scale, `NAME#right` has a row for each group of elements that share a scale; both are
coded as all integers are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from golf_model.artifact.stored import Stored, misfit_error
from golf_model.config.export import ExportConfig
from golf_model.config.model import ModelConfig
from golf_model.quantization.lqer import LEFT_RANGE, RIGHT_RANGE, Repair, group_of, most_changed, repair_of
from golf_model.shapes import LEVELS, parameter_shapes

LEFT, RIGHT = "#left", "#right"


def repaired(stored: Mapping[str, Stored], state: Mapping[str, Tensor], export: ExportConfig) -> dict[str, Stored]:
    """The weights with repairs of those matrices that lost most; state: as they were."""
    errors = {
        name: state[name].detach().cpu().float() - replace(item, dtype="float32").decode()
        for name, item in stored.items()
        if item.scheme in LEVELS and item.values.ndim == 2
    }
    found = {name: repair_of(errors[name], export.lqer) for name in most_changed(errors, export.lqer.tensors)}
    return {name: replace(item, repair=found.get(name)) for name, item in stored.items()}


def with_factors(stored: Mapping[str, Stored]) -> dict[str, Stored]:
    """The weights, and after them the factors of their repairs as tensors."""
    factors: dict[str, Stored] = {}
    for name, item in stored.items():
        if item.repair is not None:
            left, right, scales = item.repair.left.flatten(), item.repair.right, item.repair.right_scales
            factors[name + LEFT] = Stored("int4", left, item.repair.left_scale.float(), "float32")
            factors[name + RIGHT] = Stored("int5", right.reshape(len(scales), -1), scales, "float32")
    return {**{name: replace(item, repair=None) for name, item in stored.items()}, **factors}


def most_factor_elements(model: ModelConfig, export: ExportConfig) -> int:
    """How many elements the factors have, at most."""
    sides = [sum(shape) for shape in parameter_shapes(model).values() if len(shape) == 2]
    return export.lqer.rank * sum(sorted(sides)[-export.lqer.tensors :]) if export.lqer.rank else 0


def with_repairs(stored: Mapping[str, Stored], export: ExportConfig) -> dict[str, Stored]:
    """What `with_factors` was given; ScriptError for factors that are not of this rule."""
    whole = {name: item for name, item in stored.items() if "#" not in name}
    left = [name.removesuffix(LEFT) for name in stored if name.endswith(LEFT)]
    odd = {name for name in stored if "#" in name} ^ {name + end for name in left for end in (LEFT, RIGHT)}
    if odd or not set(left) <= whole.keys() or len(left) > export.lqer.tensors * bool(export.lqer.rank):
        raise misfit_error(odd or left)
    for name in left:
        whole[name] = replace(whole[name], repair=_joined(name, stored, export))
    return whole


def _joined(name: str, stored: Mapping[str, Stored], export: ExportConfig) -> Repair:
    """The repair of one matrix, every part of it checked."""
    shape, left, right = stored[name].values.shape, stored[name + LEFT], stored[name + RIGHT]
    fits = len(shape) == 2 and prod(shape) > 0 and stored[name].scheme in LEVELS
    rank = min(export.lqer.rank, *shape) if fits else 0
    group = group_of(rank, shape[1], export.lqer.group) if fits else 0
    fits = (
        fits
        and (left.scheme, right.scheme) == ("int4", "int5")
        and tuple(left.values.shape) == (shape[0] * rank,)
        and tuple(right.values.shape) == (rank * shape[1] // group, group)
        and _within(left.values, LEFT_RANGE)
        and _within(right.values, RIGHT_RANGE)
        and left.scales is not None
        and right.scales is not None
        and all(bool((torch.isfinite(part) & (part >= 0)).all()) for part in (left.scales, right.scales))
    )
    if not fits or left.scales is None or right.scales is None:
        raise misfit_error([name + LEFT])
    factors = left.values.view(shape[0], rank), right.values.view(rank, shape[1])
    return Repair(factors[0], left.scales.to(torch.float16), factors[1], right.scales)


def _within(values: Tensor, bounds: tuple[int, int]) -> bool:
    """Whether all integers are within bounds."""
    return bool(((values >= bounds[0]) & (values <= bounds[1])).all())
