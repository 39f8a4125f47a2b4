"""BigramHash: the original's hash, and off means off to the last bit."""

from __future__ import annotations

from dataclasses import replace

import torch

from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.network.bigram import BIGRAM_SCALE_INIT, bigram_hash
from golf_model.network.gpt import GPT
from golf_model.training.optimizers import build_optimizers, split_parameters
from golf_model.training.trainer import accumulate_gradients, apply_gradients
from tests.fixtures.golden_cases import golden_tokens

TINY = ModelConfig(vocab_size=64, num_layers=2, model_dim=32, num_heads=4, num_kv_heads=2)
WITH_BIGRAM = replace(TINY, bigram=BigramConfig(128, 16))


def fresh(model: ModelConfig) -> GPT:
    torch.manual_seed(5)
    return GPT(model, torch.float32, "explicit", "chunked")


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    tokens = golden_tokens(65, 64)
    return tokens[:-1].view(2, 32), tokens[1:].view(2, 32)


def test_hash_is_the_originals() -> None:
    tokens = torch.tensor([[5, 17, 1023, 0, 0, 512, 1, 1023, 1023, 700]])
    expected = [[4095, 2353, 3743, 3153, 0, 956, 296, 3965, 476, 3919]]
    assert bigram_hash(tokens, 4096).tolist() == expected


def test_first_position_has_a_row_of_its_own() -> None:
    rows = bigram_hash(golden_tokens(4096, 1024).view(4, 1024), 128)
    assert (rows[:, 0] == 127).all()
    assert int(rows[:, 1:].max()) <= 126


def test_off_leaves_no_trace_in_names_weights_or_loss() -> None:
    off, on = fresh(TINY), fresh(WITH_BIGRAM)
    assert not any("bigram" in name for name in off.state_dict())
    others = {name: value for name, value in on.state_dict().items() if not name.startswith("bigram.")}
    assert others.keys() == off.state_dict().keys()
    assert all(torch.equal(value, off.state_dict()[name]) for name, value in others.items())
    # The table starts at zero, so even the first loss and the gradients of all other weights are the same bits.
    assert torch.equal(accumulate_gradients(off, [batch()], 1), accumulate_gradients(on, [batch()], 1))
    assert torch.equal(off.tok_emb.weight.grad, on.tok_emb.weight.grad)  # type: ignore[arg-type]


def test_random_state_after_building_is_that_of_bigrams_own_draws_only() -> None:
    fresh(TINY)
    torch.nn.init.orthogonal_(torch.empty(32, 16))
    expected = torch.rand(1)
    fresh(WITH_BIGRAM)
    assert torch.equal(torch.rand(1), expected)


def test_initial_weights_are_zero_table_and_scaled_orthogonal_projection() -> None:
    bigram = fresh(WITH_BIGRAM).bigram
    assert bigram is not None
    assert not bigram.embed.weight.any()
    assert bigram.scale.item() == torch.tensor(BIGRAM_SCALE_INIT).item()
    gram = bigram.proj.weight.T @ bigram.proj.weight
    assert torch.allclose(gram, torch.eye(16) / 4, atol=1e-6)


def test_its_weights_are_trained_by_the_optimizers_of_the_specification() -> None:
    network = fresh(WITH_BIGRAM)
    assert network.bigram is not None
    embeddings, matrices, gains = split_parameters(network)
    assert embeddings[-1] is network.bigram.embed.weight
    assert matrices[-1] is network.bigram.proj.weight
    assert gains[-1] is network.bigram.scale


def test_training_moves_the_table_only_where_pairs_occur() -> None:
    network = fresh(WITH_BIGRAM)
    assert network.bigram is not None
    optimizers = build_optimizers(network, OptimConfig())
    accumulate_gradients(network, [batch()], 1)
    apply_gradients(optimizers, list(network.parameters()), 0.0)
    moved = network.bigram.embed.weight.abs().sum(1).nonzero().flatten().tolist()
    assert moved == sorted(set(bigram_hash(batch()[0], 128).flatten().tolist()))
