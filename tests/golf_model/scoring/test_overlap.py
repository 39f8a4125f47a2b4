"""What overlapping windows share is made once, and the score stays what windows one by one give."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.network.gpt import GPT
from golf_model.scoring import evaluate as scoring
from golf_model.scoring import overlap
from golf_model.scoring.evaluate import evaluate, overlapping
from golf_model.scoring.windows import windows_of
from tests.fixtures.golden_cases import golden_network, golden_tokens
from tests.fixtures.worlds import ALONE

LENGTH, STRIDE = 64, 12
TINY = ModelConfig(vocab_size=64, num_layers=3, model_dim=32, num_heads=4, num_kv_heads=2)
LOOKING_BACK = replace(TINY, bigram=BigramConfig(32, 8), smear="module", xsa_last_n=1)
TOKENS = golden_tokens(LENGTH + 7 * STRIDE + 6, 64)


@pytest.fixture(autouse=True)
def _small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "CACHED_SCORES", LENGTH**2)


def scored(network: GPT, *, one_by_one: bool = False) -> tuple[float, int]:
    def alone(ids: Tensor, targets: Tensor, *, mean: bool, last: int = 0) -> Tensor:
        losses: Tensor = network(ids, targets, mean=mean, last=last)
        return losses

    windows = windows_of("sliding", len(TOKENS) - 1, LENGTH, STRIDE)
    sizes = torch.ones(len(TOKENS), dtype=torch.int16)
    score = evaluate(alone if one_by_one else network, TOKENS, sizes, windows, 1, ALONE)
    return score.val_loss, score.tokens


@pytest.mark.parametrize("chunk", [20, 1024])
@pytest.mark.parametrize("model", [TINY, LOOKING_BACK])
def test_overlapping_windows_score_as_one_by_one(
    model: ModelConfig, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlap, "CHUNK", chunk)
    network = golden_network(model)
    (mine, counted), (theirs, all_of_them) = scored(network), scored(network, one_by_one=True)
    assert counted == all_of_them == len(TOKENS) - 1
    assert mine == pytest.approx(theirs, abs=1e-7)


def test_in_bfloat16_it_stays_within_what_rounding_does() -> None:
    network = golden_network(LOOKING_BACK, torch.bfloat16)
    assert scored(network)[0] == pytest.approx(scored(network, one_by_one=True)[0], abs=1e-4)


def test_most_windows_go_that_way_and_short_or_far_ones_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    network, begun = golden_network(TINY), list[int]()
    real = overlap.Overlap.losses

    def watched(self: overlap.Overlap, start: int, targets: Tensor, last: int) -> Tensor:
        begun.append(start)
        return real(self, start, targets, last)

    monkeypatch.setattr(overlap.Overlap, "losses", watched)
    scored(network)
    assert begun == [*(STRIDE * number for number in range(1, 8)), 7 * STRIDE + 5]
    device = torch.device("cpu")
    for rule, length, stride in (("plain", LENGTH, LENGTH), ("sliding", LENGTH // 2, 4), ("sliding", LENGTH, 1)):
        assert not overlapping(network, windows_of(rule, 4 * LENGTH, length, stride), device)
    assert not overlapping(network, windows_of("sliding", 4 * LENGTH, LENGTH, 8), torch.device("meta"))


def test_a_share_of_the_windows_gives_the_same_losses_as_all_of_them() -> None:
    network = golden_network(LOOKING_BACK, torch.bfloat16)
    targets = TOKENS[None, 1:].long()
    found = []
    with torch.no_grad():
        for starts in ((12, 24, 36), (36,)):
            windows = overlap.Overlap(network, TOKENS)
            found.append([windows.losses(at, targets[:, at : at + LENGTH], STRIDE) for at in starts][-1])
    assert torch.equal(*found)
