"""The chooser of attention kernels: over what is there, by measurement; what is absent or wrong is named."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from golf_model.config.batch import BatchConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from golf_model.network.attention import explicit_attention, fused_attention
from golf_model.network.flash import candidates, choose, settle_attention, torchs_own
from golf_model.process.distributed import World
from tests.fixtures.worlds import ALONE


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    tag = torch.compiler.config.cache_key_tag
    yield
    torch.compiler.config.cache_key_tag = tag
    torchs_own()


@dataclass
class Kernels:
    """Attention by the kernel that was switched on last: slow, right or wrong."""

    on: str = ""
    switched: list[str] = field(default_factory=list)

    def switch(self, name: str) -> Callable[[], None]:
        def to_it() -> None:
            self.on = name
            self.switched.append(name)
            if name == "absent":
                raise ImportError("No module named\n'flash_attn_interface'")

        return to_it

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if self.on == "slow":
            time.sleep(0.05)
        y = fused_attention(q, k, v, None)
        return y * 1.5 if self.on == "wrong" else y

    def choice(self, *names: str, world: World = ALONE) -> tuple[str, str]:
        torch.manual_seed(0)
        parts = [torch.randn(1, 2, 8, 4).requires_grad_() for _ in "qkv"]
        return choose(self.attend, parts, world, {name: self.switch(name) for name in names})


def test_the_fastest_that_is_there_is_taken_and_all_are_named() -> None:
    kernels = Kernels()
    chosen, line = kernels.choice("slow", "absent", "wrong", "quick")
    assert (chosen, kernels.on, kernels.switched[-1]) == ("quick", "quick", "quick")
    assert line.startswith("attention_kernel:quick slow:")
    assert "absent:not here (No module named 'flash_attn_interface')" in line
    assert "wrong:wrong" in line
    assert "\n" not in line


def test_torchs_own_choice_stays_where_nothing_is_faster() -> None:
    kernels = Kernels()
    assert kernels.choice("quick", "slow", "absent")[0] == "quick"
    assert kernels.on == "quick"


@dataclass(frozen=True)
class Beside(World):
    """A process beside one that lacks a kernel."""

    lacks: int = 0

    def maxima(self, values: list[float]) -> list[float]:
        return [float("inf") if index == self.lacks else value for index, value in enumerate(values)]


def test_a_kernel_that_one_process_lacks_is_taken_by_none() -> None:
    chosen, line = Kernels().choice("slow", "quick", world=Beside(0, 2, torch.device("cpu"), lacks=1))
    assert chosen == "slow"
    assert "quick:not in all processes" in line


def test_on_this_machine_every_candidate_is_tried_for_real() -> None:
    config = GolfConfig(
        model=ModelConfig(vocab_size=64, num_layers=1, model_dim=32, num_heads=2, num_kv_heads=1),
        batch=BatchConfig(train_batch_tokens=128, train_seq_len=64, val_batch_tokens=128, micro_batches=1),
    )
    before = torch.random.get_rng_state()
    line = settle_attention(config, ALONE)
    assert torch.equal(torch.random.get_rng_state(), before)
    words = line.split()
    chosen = words[0].removeprefix("attention_kernel:")
    assert chosen in candidates()
    # Torch's cache of graphs does not look at which kernels are switched on.
    assert torch.compiler.config.cache_key_tag == chosen
    for name in candidates():
        assert f" {name}:" in line
    if "FA3" in candidates() and not torch.cuda.is_available():
        assert "FA3:not here" in line


def test_the_explicit_kernel_passes_as_right() -> None:
    mask = torch.full((8, 8), float("-inf")).triu(1)
    ways = iter([False] * 6 + [True] * 6)

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return explicit_attention(q, k, v, mask) if next(ways) else fused_attention(q, k, v, None)

    torch.manual_seed(0)
    parts = [torch.randn(1, 2, 8, 4).requires_grad_() for _ in "qkv"]
    _, line = choose(attend, parts, ALONE, {"fused": lambda: None, "explicit": lambda: None})
    assert "explicit:wrong" not in line
