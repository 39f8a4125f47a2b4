"""The streaming score: one pass, the past kept, and nothing that depends on how the text was cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.network.gpt import GPT
from golf_model.network.head import softcapped
from golf_model.network.rope import rope_tables, spread_tables
from golf_model.process.distributed import World
from golf_model.scoring.bpb import ByteTables
from golf_model.scoring.evaluate import Score, evaluate
from golf_model.scoring.streaming import evaluate_streaming, streams_of, visible
from golf_model.scoring.windows import windows_of
from tests.fixtures.golden_cases import golden_network, golden_tokens
from tests.fixtures.worlds import ALONE, require_same_score, require_shares_of

TINY = ModelConfig(vocab_size=64, num_layers=3, model_dim=32, num_heads=4, num_kv_heads=2)
RICH = replace(TINY, bigram=BigramConfig(128, 16), smear="module", xsa_last_n=1)
TABLES = ByteTables(
    1 + torch.arange(64).remainder(3).to(torch.int16),
    torch.arange(64) % 2 == 0,
    torch.zeros(64, dtype=torch.bool),
)
WINDOW = 8


@torch.no_grad()
def by_hand(network: GPT, tokens: Tensor, window: int) -> Tensor:
    """Loss of every target: the whole text at once, every layer's attention limited to a band."""
    ids, targets = tokens[:-1][None], tokens[1:][None]
    length = ids.size(1)
    tables = spread_tables(
        *rope_tables(network.frequencies(window), length), network.rotated_heads, network.compute_dtype
    )
    back = torch.arange(length)[:, None] - torch.arange(length)
    band = torch.zeros(length, length).masked_fill_((back < 0) | (back >= window), float("-inf"))
    features = network.through_blocks(network.embedded(ids), *tables, band)
    logits = softcapped(F.linear(features, network.head_weight(features.dtype)), network.softcap)
    return F.cross_entropy(logits[0], targets[0], reduction="none")


@pytest.mark.parametrize("model", [TINY, RICH], ids=["baseline", "bigram, smear and xsa"])
@pytest.mark.parametrize("length", [3, 9, 100])
def test_the_score_is_that_of_a_band_in_every_layer(model: ModelConfig, length: int) -> None:
    network, tokens = golden_network(model), golden_tokens(length, 64)
    found = evaluate_streaming(network, tokens, TABLES.sizes(tokens), WINDOW, 1, ALONE)
    losses = by_hand(network, tokens, WINDOW)
    assert found.tokens == length - 1
    assert found.bytes == int(TABLES.sizes(tokens)[1:].sum())
    assert found.val_loss == pytest.approx(float(losses.double().mean()), abs=1e-6)


def test_neither_streams_nor_processes_change_the_score() -> None:
    network, tokens, window = golden_network(RICH), golden_tokens(9000, 64), 64

    def score(world: World, number: int = 2) -> Score:
        return evaluate_streaming(network, tokens, TABLES.sizes(tokens), window, number, world)

    whole = score(ALONE, 1)
    require_same_score(whole, [score(ALONE, number) for number in (2, 5, 50)])
    require_shares_of(whole, score)


def test_positions_do_not_grow_with_the_text() -> None:
    """What lies a million tokens back cannot matter, nor can its length: the end of a text scores the same."""
    network, end = golden_network(TINY), golden_tokens(65, 64)
    reach = TINY.num_layers * WINDOW + 2
    long = torch.cat((golden_tokens(1_000_000, 64)[-1000:], end))
    losses = by_hand(network, end, WINDOW)[reach:]
    whole, without = (
        evaluate_streaming(network, text, TABLES.sizes(text), WINDOW, 1, ALONE)
        for text in (long, long[: -(64 - reach)])
    )
    tail = whole.val_loss * whole.tokens - without.val_loss * without.tokens
    assert tail / (64 - reach) == pytest.approx(float(losses.double().mean()), abs=1e-5)


def test_a_window_as_long_as_the_text_is_the_plain_score() -> None:
    network, tokens = golden_network(TINY), golden_tokens(33, 64)
    plain = evaluate(network, tokens, TABLES.sizes(tokens), windows_of("plain", 32, 32, 32), 1, ALONE)
    found = evaluate_streaming(network, tokens, TABLES.sizes(tokens), 32, 1, ALONE)
    assert (found.tokens, found.bytes) == (plain.tokens, plain.bytes)
    assert found.val_loss == pytest.approx(plain.val_loss, abs=1e-6)


def test_streams_cover_every_chunk_once_and_start_with_all_the_past_they_need() -> None:
    for rank in range(3):
        for stream in streams_of(1000, 4, 6, rank, 3):
            assert stream.start == max(0, stream.counted - 6)
    counted = [
        chunk for rank in range(3) for s in streams_of(1000, 4, 6, rank, 3) for chunk in range(s.counted, s.stop)
    ]
    assert counted == list(range(1000))


def test_a_query_sees_the_window_up_to_itself_and_no_empty_past() -> None:
    seen = visible(4, 2, 1, torch.device("cpu"), torch.float32) == 0
    assert seen.tolist() == [[False, False, False, True, True, False], [False, False, False, True, True, True]]


def test_the_band_by_hand_is_the_models_own_function_inside_one_window() -> None:
    """Keeps the reference honest: within a window, banded attention is plain attention."""
    network, tokens = golden_network(RICH), golden_tokens(WINDOW + 1, 64)
    losses = network(tokens[:-1][None], tokens[1:][None], mean=False)[0]
    assert torch.allclose(losses, by_hand(network, tokens, WINDOW), atol=1e-6)


def test_spelled_spaces_count_once_in_streams_too() -> None:
    network, tokens = golden_network(TINY), golden_tokens(500, 64)
    at = torch.arange(3, 490, 11)
    for offset, token in enumerate((5, 6, 7)):
        tokens[at + offset] = token
    spelling = replace(TABLES, spelled=(5, 6, 7))
    plain, spelled = TABLES.sizes(tokens), spelling.sizes(tokens)
    assert torch.equal((plain != spelled).nonzero().flatten(), torch.cat((at + 1, at + 2)).sort().values)
    expected = int(spelled[1:].sum())
    for number in (1, 3):
        assert evaluate_streaming(network, tokens, spelling.sizes(tokens), WINDOW, number, ALONE).bytes == expected
