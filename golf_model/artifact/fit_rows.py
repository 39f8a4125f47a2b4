"""Rate control of row scales: the one factor on all of them with which script and artifact land just under the cap.

Under `sdclip` rows a step is k / levels standard deviations, and bytes fall as k rises: the search is that of a
uniform step (fit.py), in units of the configured widths, whose ratios stay. What is returned was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from golf_model.artifact.artifact import PackedModel, pack_model
from golf_model.artifact.fit import Step, find_step
from golf_model.artifact.golf_container import as_matrix, write_golf
from golf_model.artifact.stored import store
from golf_model.config.export import ExportConfig
from golf_model.config.grids import StepConfig
from golf_model.config.model import ModelConfig
from golf_model.entropy_coding.entropy import coded_bytes
from golf_model.process.errors import ScriptError
from golf_model.quantization.gptq import known_factors, packing_rule
from golf_model.quantization.quantize import quantize
from golf_model.shapes import LEVELS, clip_width, scheme_of

FINEST, COARSEST = 0.2, 8.0
"""Factors that are tried: finer steps would clip Gaussian rows, coarser ones leave zeros."""


def factored(export: ExportConfig, factor: float) -> ExportConfig:
    """The export rule with that factor on all row scales."""
    return replace(export, sdclip=replace(export.sdclip, factor=factor, solve=False), compressor="rans")


class RowSizeModel:
    """What script and artifact of some weights take at a factor, closely, by rounding to nearest and counting."""

    def __init__(
        self, state: Mapping[str, Tensor], model: ModelConfig, export: ExportConfig, code_bytes: int
    ) -> None:
        self.export, self.layers = export, model.num_layers
        schemes = {name: scheme_of(name, value.numel(), model.num_layers, export) for name, value in state.items()}
        self.scheme = {name: scheme for name, scheme in schemes.items() if scheme in LEVELS}
        self.matrices = {name: state[name].detach().float() for name in self.scheme}
        self.weights = sum(value.numel() for value in self.matrices.values())
        first = store(state, model.num_layers, factored(export, 1.0))
        packed = len(write_golf(first, "rans")[0])
        integers = [as_matrix(item.values) for item in first.values() if item.scales is not None]
        self.fixed = code_bytes + packed - coded_bytes(integers)

    def total(self, factor: float) -> float:
        """Bytes of script and artifact at a factor."""
        export = factored(self.export, factor)
        return self.fixed + coded_bytes(
            [
                as_matrix(quantize(value, self.scheme[name], export, width=clip_width(name, export))[0])
                for name, value in self.matrices.items()
            ]
        )


def bounds_of(export: ExportConfig) -> StepConfig:
    """The search's bounds, and the cap."""
    return StepConfig(cap_bytes=export.step.cap_bytes, finest=FINEST, coarsest=COARSEST)


def pack_rows_to_fit(
    state: Mapping[str, Tensor],
    model: ModelConfig,
    export: ExportConfig,
    code_bytes: int,
    hessians: Mapping[str, Tensor] | None = None,
) -> tuple[PackedModel, Step]:
    """Quantise and pack until script and artifact just fit the cap; ScriptError where no factor makes them fit."""
    if hessians:
        hessians = known_factors(hessians, packing_rule(export))  # made once for all tries
    expected, bounds = RowSizeModel(state, model, export, code_bytes), bounds_of(export)
    start = find_step(expected.total, bounds, expected.weights)
    packs: dict[float, PackedModel] = {}

    def total(factor: float) -> float:
        packs[factor] = pack_model(state, model, factored(export, factor), hessians)
        return code_bytes + len(packs[factor].blob)

    found = find_step(total, bounds, expected.weights, start.size)
    if found.total > bounds.cap_bytes:
        raise ScriptError(
            f"artifact: with row scales {COARSEST:g} times as wide as configured (export.sdclip), script and "
            f"artifact take {found.total:,.0f} bytes, over the cap of {bounds.cap_bytes:,}; make the model smaller"
        )
    return packs[found.size], found
