"""What the loss thinks of outputs: the squares that a hand-made backward pass finds."""

from __future__ import annotations

import torch

from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.network.block import Block
from golf_model.network.gpt import GPT
from golf_model.quantization.fisher import collect_fisher
from golf_model.shapes import parameter_shapes

MODEL = ModelConfig(
    vocab_size=32, num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, xsa_last_n=1, bigram=BigramConfig(8, 4)
)


def network() -> GPT:
    torch.manual_seed(1)
    made = GPT(MODEL, torch.float32, "explicit", "chunked")
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made


def block(made: GPT, layer: int) -> Block:
    found = made.blocks[layer]
    assert isinstance(found, Block)
    return found


IDS = torch.randint(0, 32, (2, 6), generator=torch.Generator().manual_seed(2))
TARGETS = torch.randint(0, 32, (2, 6), generator=torch.Generator().manual_seed(3))


def test_every_matrix_of_the_layers_is_seen_in_its_shape() -> None:
    found = collect_fisher(network(), [(IDS, TARGETS)])
    shapes = parameter_shapes(MODEL)
    expected = {name for name in shapes if name.startswith("blocks.") and name.endswith(".weight")}
    assert found.keys() == expected | {"bigram.proj.weight"}
    assert all(tuple(value.shape) == shapes[name][:1] and bool((value > 0).any()) for name, value in found.items())


def test_squares_are_those_of_single_gradients() -> None:
    """d loss / d output of one token is what a shift of the weight by an input that only this token has would do."""
    made, name = network(), "blocks.1.mlp.proj"
    layer, offset = made.get_submodule(name), torch.zeros(2, 6, 16, requires_grad=True)
    gain = block(made, 1).mlp_scale
    handle = layer.register_forward_hook(lambda module, inputs, output: output + offset * gain)
    loss = made(IDS, TARGETS, mean=True) * TARGETS.numel()
    (gradient,) = torch.autograd.grad(loss, [offset])
    handle.remove()
    found = collect_fisher(made, [(IDS, TARGETS)])[f"{name}.weight"]
    assert torch.allclose(found, gradient.square().sum((0, 1)), rtol=1e-4)


def test_queries_keys_and_values_are_told_apart() -> None:
    made = network()
    attention = block(made, 0).attn
    offset = torch.zeros(2, 6, 32, requires_grad=True)
    project = attention._project
    attention._project = lambda x, *layers: project(x, *layers) + offset.view(2, 6, -1, 8)  # type: ignore[method-assign]
    loss = made(IDS, TARGETS, mean=True) * TARGETS.numel()
    (gradient,) = torch.autograd.grad(loss, [offset])
    del attention._project
    found = collect_fisher(made, [(IDS, TARGETS)])
    squares = gradient.square().sum((0, 1))
    for part, begin, end in (("c_q", 0, 16), ("c_k", 16, 24), ("c_v", 24, 32)):
        assert torch.allclose(found[f"blocks.0.attn.{part}.weight"], squares[begin:end], rtol=1e-4), part


def test_batches_add_up_and_the_network_is_left_as_it_was() -> None:
    made = network()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    both = collect_fisher(made, [(IDS[:1], TARGETS[:1]), (IDS[1:], TARGETS[1:])])
    whole = collect_fisher(made, [(IDS, TARGETS)])
    assert all(torch.allclose(both[name], whole[name], rtol=1e-4) for name in whole)
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())
    assert all(parameter.grad is None for parameter in made.parameters())
    assert "_project" not in vars(block(made, 0).attn)
    assert not block(made, 0).mlp.fc._forward_hooks
