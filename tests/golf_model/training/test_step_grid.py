"""Fake quantisation on the uniform grid: the grid that would be written by now, solved for again on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golf_model.artifact.fit import SizeModel, pack_to_fit
from golf_model.artifact.stored import store
from golf_model.config.checks import ConfigError
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import StepConfig
from golf_model.config.model import ModelConfig
from golf_model.config.qat import QatConfig
from golf_model.network.gpt import GPT
from golf_model.network.linear import CastedLinear
from golf_model.process.distributed import World
from golf_model.training.qat import switch
from golf_model.training.step_grid import ExpectedGrid, StepGrid
from tests.fixtures.golden_cases import golden_network, golden_tokens

MODEL = ModelConfig(vocab_size=64, num_layers=2, model_dim=64, num_heads=2, num_kv_heads=1)
CODE = 1000
CONFIG = GolfConfig(
    model=MODEL,
    qat=QatConfig("training", grid="step", resolve_every=3),
    export=ExportConfig(
        compressor="rans",
        mlp="step",
        attn="step",
        passthrough_numel=64,
        step=StepConfig(cap_bytes=50_000, coarsest=1.0),
    ),
)


def armed(config: GolfConfig = CONFIG) -> tuple[GPT, ExpectedGrid]:
    network = golden_network(MODEL)
    return network, ExpectedGrid(network, config, CODE, World(0, 1, torch.device("cpu")))


def layer_of(network: GPT, name: str) -> CastedLinear:
    layer = network.get_submodule(name)
    assert isinstance(layer, CastedLinear)
    return layer


def test_the_solved_step_is_the_one_that_is_written() -> None:
    network, grid = armed()
    step = grid.resolve()
    packed, written = pack_to_fit(network.state_dict(), MODEL, CONFIG.export, CODE)
    assert step == pytest.approx(written.size, rel=0.01)
    assert len(packed.blob) + CODE <= 50_000
    assert SizeModel(network.state_dict(), MODEL, CONFIG.export, CODE).total(step) <= 50_000


def test_layers_act_on_the_integers_that_would_be_stored() -> None:
    network, grid = armed()
    size = grid.resolve()
    export = replace(CONFIG.export, step=replace(CONFIG.export.step, size=size))
    stored = store(network.state_dict(), MODEL.num_layers, export)
    switch(network, on=True)
    for name in ("blocks.0.mlp.fc", "blocks.1.attn.proj", "blocks.1.attn.c_k"):
        layer = layer_of(network, name)
        used = layer.used_weight(torch.float32)
        assert torch.allclose(used, stored[f"{name}.weight"].decode(), atol=1e-6)
        assert not torch.equal(used, layer.weight)


def test_only_matrices_stored_on_the_grid_take_part() -> None:
    config = replace(CONFIG, export=replace(CONFIG.export, attn="int8"))
    network, _ = armed(config)
    kinds = {name: type(getattr(module, "fake_quant", None)) for name, module in network.named_modules()}
    assert kinds["blocks.0.mlp.fc"] is StepGrid
    assert kinds["blocks.0.attn.c_q"] is type(None)


def test_the_grid_is_due_at_first_and_every_so_many_steps() -> None:
    _, grid = armed()
    assert grid.is_due(1)
    grid.resolve()
    assert [step for step in range(8) if grid.is_due(step)] == [0, 3, 6]
    _, given = armed(replace(CONFIG, export=replace(CONFIG.export, step=StepConfig(size=0.1))))
    assert not any(given.is_due(step) for step in range(8))
    assert given.solved == 0.1


def test_a_taken_step_is_used_at_once_and_the_gradient_goes_straight_through() -> None:
    network, grid = armed()
    grid.take(0.5)
    layer = layer_of(network, "blocks.0.mlp.fc")
    switch(network, on=True)
    used = layer.used_weight(torch.float32)
    assert torch.equal(used, torch.round(layer.weight / 0.5) * 0.5)
    used.sum().backward()  # type: ignore[no-untyped-call]
    assert layer.weight.grad is not None
    assert torch.equal(layer.weight.grad, torch.ones_like(layer.weight))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while tracing
def test_a_new_step_compiles_nothing_anew() -> None:
    network, grid = armed()
    switch(network, on=True)
    network.position_tables(32, torch.device("cpu"))
    torch.compiler.reset()
    graphs = []

    def count(module: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> torch.fx.GraphModule:
        graphs.append(module)
        return module

    compiled = torch.compile(network, backend=count, fullgraph=True, dynamic=False)
    ids = golden_tokens(2 * 33, 64).view(2, 33)
    losses = []
    for step in (0.5, 0.05, 0.005):
        grid.take(step)
        found, expected = (float(model(ids[:, :-1], ids[:, 1:], mean=True).detach()) for model in (compiled, network))
        losses.append(found)
        assert found == pytest.approx(expected, abs=1e-4)
    assert len(graphs) == 1
    assert len(set(losses)) == 3


def test_a_grid_that_nothing_is_stored_on_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"export\.mlp or export\.attn is step"):
        GolfConfig(qat=QatConfig("training", grid="step"))
