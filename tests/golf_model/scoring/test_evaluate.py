"""The plain score does not depend on how the work is cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from golf_model.config.model import ModelConfig
from golf_model.config.qat import QatConfig
from golf_model.network.linear import CastedLinear
from golf_model.process.distributed import World
from golf_model.scoring.bpb import ByteTables
from golf_model.scoring.evaluate import Score, evaluate, split_evenly, warm_graphs
from golf_model.scoring.windows import windows_of
from golf_model.training.qat import arm, switch
from tests.fixtures.golden_cases import golden_network, golden_tokens
from tests.fixtures.ranks import found_by_ranks
from tests.fixtures.worlds import ALONE, require_same_score, require_shares_of

TINY = ModelConfig(vocab_size=64, num_layers=2, model_dim=64, num_heads=4, num_kv_heads=2)
ONE_BYTE_EACH = ByteTables(
    torch.ones(64, dtype=torch.int16), torch.zeros(64, dtype=torch.bool), torch.zeros(64, dtype=torch.bool)
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_batch_size_does_not_change_the_score(dtype: torch.dtype) -> None:
    network = golden_network(TINY, dtype)
    tokens = golden_tokens(32 * 23 + 1, 64)
    windows = windows_of("plain", 32 * 23, 32, 32)
    scores = [
        evaluate(network, tokens, ONE_BYTE_EACH.sizes(tokens), windows, size, ALONE) for size in (1, 2, 7, 23, 100)
    ]
    assert {score.tokens for score in scores} == {32 * 23}
    assert max(s.val_bpb for s in scores) - min(s.val_bpb for s in scores) < 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_kept_while_scoring_change_no_bit_and_nothing_is_kept_after_it(dtype: torch.dtype) -> None:
    network = golden_network(TINY, dtype)
    arm(network, QatConfig("always", min_numel=0), TINY.num_layers)
    switch(network, on=True)
    tokens = golden_tokens(32 * 5 + 1, 64)
    sizes, windows = ONE_BYTE_EACH.sizes(tokens), windows_of("sliding", 32 * 5, 32, 8)

    def anew(ids: Tensor, targets: Tensor, *, mean: bool, last: int = 0) -> Tensor:
        losses: Tensor = network(ids, targets, mean=mean, last=last)
        return losses

    made: list[torch.dtype] = []
    for module in network.modules():
        if isinstance(module, CastedLinear) and module.fake_quant is not None:
            grid = module.fake_quant
            module.fake_quant = lambda weight, dtype, grid=grid: made.append(dtype) or grid(weight, dtype)  # type: ignore[func-returns-value]
    kept = evaluate(network, tokens, sizes, windows, 2, ALONE)
    once = len(made)
    assert kept == evaluate(anew, tokens, sizes, windows, 2, ALONE)
    assert len(made) > 3 * once
    with torch.no_grad():
        network.blocks[0].mlp.proj.weight.neg_()  # type: ignore[union-attr,operator]
    changed = evaluate(network, tokens, sizes, windows, 2, ALONE)
    assert changed == evaluate(anew, tokens, sizes, windows, 2, ALONE) != kept


def test_every_target_is_scored_once() -> None:
    seen: list[int] = []

    def model(ids: torch.Tensor, targets: torch.Tensor, *, mean: bool, last: int = 0) -> torch.Tensor:
        seen.extend(targets[: targets.size(0)].flatten().tolist())
        return targets.float()

    tokens = torch.arange(4 * 5 + 1)
    score = evaluate(model, tokens, ONE_BYTE_EACH.sizes(tokens), windows_of("plain", 20, 4, 4), 5, ALONE)
    assert seen == list(range(1, 21))
    assert score.val_loss == sum(range(1, 21)) / 20
    assert (score.tokens, score.bytes) == (20, 20)


def test_padding_of_the_last_batch_is_not_counted() -> None:
    shapes = set()

    def model(ids: torch.Tensor, targets: torch.Tensor, *, mean: bool, last: int = 0) -> torch.Tensor:
        shapes.add(tuple(ids.shape))
        return torch.where(targets > 0, 1.0, 1000.0)

    score = evaluate(
        model, torch.arange(21), ONE_BYTE_EACH.sizes(torch.arange(21)), windows_of("plain", 20, 4, 4), 3, ALONE
    )
    assert shapes == {(3, 4)}
    assert score.val_loss == 1.0


RULES = ("plain", "sliding", "last_stride", "last_stride_short", "exact_tail", "repeated_tail")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("tokens", [32 * 7 + 1, 32 * 7 + 14])
def test_no_rules_score_depends_on_the_batch_size_or_the_number_of_processes(rule: str, tokens: int) -> None:
    network, stream = golden_network(TINY), golden_tokens(tokens, 64)
    windows = windows_of(rule, tokens - 1, 32, 8)

    def score(world: World, at_once: int = 4) -> Score:
        return evaluate(network, stream, ONE_BYTE_EACH.sizes(stream), windows, at_once, world)

    whole = score(ALONE)
    require_same_score(whole, [score(ALONE, at_once) for at_once in (1, 3, 100)])
    require_shares_of(whole, score)


def test_sums_in_float32_differ_in_the_last_digits_only() -> None:
    network, stream = golden_network(TINY), golden_tokens(32 * 23 + 1, 64)
    windows = windows_of("exact_tail", 32 * 23, 32, 8)
    exact, coarse = (
        evaluate(network, stream, ONE_BYTE_EACH.sizes(stream), windows, 4, ALONE, sums)
        for sums in (torch.float64, torch.float32)
    )
    assert coarse.tokens == exact.tokens
    assert 0 < abs(coarse.val_loss - exact.val_loss) < 1e-5


@dataclass(frozen=True)
class Recording(World):
    """One of several processes that notes down what it would add to the others' sums; it may have no share."""

    shares: list[list[float]]

    def sums(self, values: list[float]) -> list[float]:
        self.shares.append(values)
        return [1.0] * len(values)


@given(st.sampled_from(RULES), st.integers(1, 12), st.data())
def test_what_is_summed_is_what_the_windows_count(rule: str, length: int, data: st.DataObject) -> None:
    """The stream counts up, so that a target tells its place; two moments of the places are compared."""
    targets, stride = data.draw(st.integers(length, 60)), data.draw(st.integers(1, length))
    size, processes = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 3))
    windows = windows_of(rule, targets, length, stride)
    if not len(windows):
        return
    tables = ByteTables(torch.arange(61, dtype=torch.int16), torch.arange(61) % 2 > 0, torch.arange(61) % 3 == 0)

    def power_of_place(power: int) -> Callable[..., torch.Tensor]:
        def model(ids: torch.Tensor, aims: torch.Tensor, *, mean: bool, last: int = 0) -> torch.Tensor:
            assert torch.equal(aims[aims > 0], ids[aims > 0] + 1)
            return aims[:, -last:].double() ** power

        return model

    stream = torch.arange(targets + 1)
    places = [int(start) + at + 1 for start, end, first in windows for at in range(first, end)]
    for power in (1, 2):
        shares: list[list[float]] = []
        for rank in range(processes):
            world = Recording(rank, processes, torch.device("cpu"), shares)
            evaluate(power_of_place(power), stream, tables.sizes(stream), windows, size, world)
        sizes = sum(place + (place % 2 == 1 and (place - 1) % 3 > 0) for place in places)
        assert [sum(parts) for parts in zip(*shares, strict=True)] == [
            sum(p**power for p in places),
            len(places),
            sizes,
        ]


def scores_of_rank(rank: int, meeting: str) -> dict[str, tuple[float, int, int]]:
    """What process `rank` of two gets by every rule."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    try:
        return scores(World(rank, 2, torch.device("cpu")))
    finally:
        dist.destroy_process_group()


def scores(world: World) -> dict[str, tuple[float, int, int]]:
    """(bpb, tokens, bytes) by every rule."""
    network, stream, found = golden_network(TINY), golden_tokens(32 * 7 + 14, 64), {}
    for rule in RULES:
        score = evaluate(network, stream, ONE_BYTE_EACH.sizes(stream), windows_of(rule, 32 * 7 + 13, 32, 8), 4, world)
        found[rule] = (score.val_bpb, score.tokens, score.bytes)
    return found


def test_two_real_processes_get_the_score_of_one(tmp_path: Path) -> None:
    first, second = found_by_ranks(scores_of_rank, str(tmp_path / "meeting"))
    alone = scores(ALONE)
    assert first == second
    for rule in RULES:
        assert first[rule][1:] == alone[rule][1:]
        assert first[rule][0] == pytest.approx(alone[rule][0], abs=1e-9)


@given(st.integers(0, 200), st.integers(1, 9))
def test_shares_cover_everything_once_and_differ_by_at_most_one(count: int, size: int) -> None:
    shares = [split_evenly(count, rank, size) for rank in range(size)]
    assert [item for start, stop in shares for item in range(start, stop)] == list(range(count))
    lengths = [stop - start for start, stop in shares]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("rule", ["plain", "sliding", "last_stride", "repeated_tail"])
def test_spelled_spaces_count_once_in_every_window(rule: str) -> None:
    spelling = replace(ONE_BYTE_EACH, spelled=(5, 6, 7))
    tokens = torch.tensor([1, 5, 6, 7, 9, 5, 6, 8, 6, 7, 5, 6, 7, 5, 6, 7, 2] * 4 + [5, 6])
    targets = tokens.numel() - 1 if rule != "plain" else (tokens.numel() - 1) // 8 * 8
    windows = windows_of(rule, targets, 8, 4)

    def model(ids: torch.Tensor, targets: torch.Tensor, *, mean: bool, last: int = 0) -> torch.Tensor:
        return torch.ones(ids.size(0), last or ids.size(1))

    silent = {place for place in range(tokens.numel()) if tokens[place - 1 : place + 2].tolist() == [5, 6, 7]}
    silent |= {place + 1 for place in silent}
    scored = [place for start, length, first in windows for place in range(start + first + 1, start + length + 1)]
    for rows in (1, 3, 100):
        score = evaluate(model, tokens, spelling.sizes(tokens), windows, rows, ALONE)
        assert (score.tokens, score.bytes) == (len(scored), sum(place not in silent for place in scored))


class Told:
    """A model that notes how many windows it was given, and how many of their last positions were asked for."""

    def __init__(self) -> None:
        self.given: list[tuple[int, int]] = []
        self.strides: set[tuple[int, ...]] = set()
        """Of inputs and targets, which a compiled graph is bound to as it is to shapes."""
        self.network = golden_network(TINY)

    def __call__(self, ids: Tensor, targets: Tensor, *, mean: bool, last: int = 0) -> Tensor:
        self.given.append((len(ids), last))
        self.strides.add((*ids.stride(), *targets.stride()))
        return self.network(ids, targets, mean=mean, last=last)  # type: ignore[no-any-return]


@pytest.mark.parametrize(("rule", "odd_ones"), [("sliding", 1), ("last_stride", 0), ("repeated_tail", 5)])
def test_windows_unlike_the_rest_are_left_to_the_uncompiled_model(rule: str, odd_ones: int) -> None:
    stream, windows = golden_tokens(32 * 7 + 14, 64), windows_of(rule, 32 * 7 + 13, 32, 8)
    compiled, plain, alone = Told(), Told(), Told()
    batches = -(-odd_ones // 4)
    rows = -(-odd_ones // batches) if odd_ones else 0
    split = evaluate(compiled, stream, ONE_BYTE_EACH.sizes(stream), windows, 4, ALONE, odd=plain)
    assert split == evaluate(alone, stream, ONE_BYTE_EACH.sizes(stream), windows, 4, ALONE)
    assert {last for _, last in compiled.given} == {8}
    assert len(set(compiled.given)) == 1  # one shape, one graph
    warmed = Told()
    warm_graphs(warmed, windows, 4, ALONE)
    assert warmed.given == compiled.given[:1]
    assert warmed.strides == compiled.strides  # or the first windows of a text would compile anew, on the clock
    assert plain.given == ([(rows, 0)] * batches if odd_ones else [])
