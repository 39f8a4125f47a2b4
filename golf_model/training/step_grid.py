"""Training on the uniform grid that will be written: fake quantisation with the step that would fit the cap by now.

Which step that is depends on the weights, so it is solved for again every so often. Off unless `QatConfig.grid` is
`step`; other grids are qat.py's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from golf_model.artifact.fit import SizeModel, find_step, sized
from golf_model.config.golf_config import GolfConfig
from golf_model.network.gpt import GPT
from golf_model.network.linear import CastedLinear
from golf_model.process.distributed import World
from golf_model.shapes import scheme_of, step_size


class StepGrid:
    """The grid of one matrix. Its step may change between two optimizer steps."""

    def __init__(self, size: Tensor, factor: float) -> None:
        """size: () fp32, shared by all matrices; factor: this matrix's step in units of it."""
        self.size = size
        self.factor = factor

    def __call__(self, weight: Tensor, dtype: torch.dtype) -> Tensor:
        """weight (rows, columns) fp32 -> its grid points; gradient straight through."""
        with torch.no_grad():
            step = self.size * self.factor
            nearest = torch.round(weight / step) * step
        return weight + (nearest - weight).detach()


class ExpectedGrid:
    """The step of all matrices that are stored as `step` and take part in fake quantisation."""

    def __init__(self, network: GPT, config: GolfConfig, code_bytes: int, world: World) -> None:
        """Gives every such matrix its grid; nothing changes until qat.py's `switch`.

        solved: the step in use, 0 before there is one.
        """
        self.network, self.config, self.world, self.code_bytes = network, config, world, code_bytes
        self.solved = config.export.step.size
        self.size = torch.tensor(self.solved or config.export.step.finest, device=world.device)
        unit = sized(config.export, 1.0)
        for name, module in network.named_modules():
            weight = f"{name}.weight"
            if not isinstance(module, CastedLinear) or module.weight.numel() <= config.qat.min_numel:
                continue
            if scheme_of(weight, module.weight.numel(), config.model.num_layers, unit) == "step":
                module.fake_quant = StepGrid(self.size, step_size(weight, unit))

    def is_due(self, step: int) -> bool:
        """Whether the grid has to be solved for before step `step` (0-based), one that is made on it."""
        return self.config.export.solves_step and (not self.solved or step % self.config.qat.resolve_every == 0)

    def take(self, size: float) -> None:
        """Use that step from now on."""
        self.solved = size
        self.size.fill_(size)

    def resolve(self) -> float:
        """Take the step with which the live weights would fit the cap, the same in every process; returns it."""
        config = self.config
        sizes = SizeModel(self.network.state_dict(), config.model, config.export, self.code_bytes)
        found = find_step(sizes.total, config.export.step, sizes.weights, self.solved)
        self.take(self.world.maxima([found.size])[0])
        return self.solved
