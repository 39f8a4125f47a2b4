"""What the layers see on training tokens, for rounding their matrices in turn (gptq.py).

Reading training data belongs on the training clock. How long it will take is found out when training begins, so
that the clock can keep that time free.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from golf_model.network.attention import CausalSelfAttention
from golf_model.network.gpt import GPT
from golf_model.network.linear import CastedLinear
from golf_model.quantization.fisher import collect_fisher
from golf_model.training.averaging import WeightAverage
from golf_model.training.qat import switch
from golf_model.training.trainer import Trainer

CHUNK_SEQUENCES = 8
"""Sequences of one forward pass."""
RESERVE_FACTOR = 1.5
"""Time kept free, in units of the rehearsal's."""


def watched(network: nn.Module) -> dict[str, list[str]]:
    """Modules whose input is looked at -> the matrices that it is multiplied by. The output head is not among them:
    tied, it is the embedding as well (`collect_hessians`)."""
    seen: dict[str, list[str]] = {}
    for name, module in network.named_modules():
        if isinstance(module, CausalSelfAttention):
            seen[name] = [f"{name}.{part}.weight" for part in ("c_q", "c_k", "c_v")]
        elif isinstance(module, CastedLinear) and name.rpartition(".")[2] not in ("c_q", "c_k", "c_v", "lm_head"):
            seen[name] = [f"{name}.weight"]
    return seen


@torch.no_grad()
def collect_hessians(network: GPT, batches: Iterable[Tensor], *, embed: bool = False) -> dict[str, Tensor]:
    """Sum of x xT over the inputs x of every layer's matrix, (columns, columns) fp32, by the matrix's name; of blocks
    that are passed several times, over all passes.

    batches: (sequences, time) int64 token ids; embed: whether the output head is looked at as well, by the name of
    its weight (PR #1394). Matrices that share their input share the tensor.
    """
    sums: dict[str, Tensor] = {}
    modules = watched(network)

    def hook(name: str) -> Callable[[nn.Module, Any], None]:
        def add(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].flatten(0, -2).float()
            sums[name] = torch.addmm(sums[name], x.T, x) if name in sums else x.T @ x

        return add

    head = "tok_emb" if network.lm_head is None else "lm_head"
    add_head = hook(head)
    hooks = [network.get_submodule(name).register_forward_pre_hook(hook(name)) for name in modules]
    try:
        for ids in batches:
            read = network.read_by_head(network.features(ids))
            if embed:
                add_head(network, (read,))
    finally:
        for handle in hooks:
            handle.remove()
    found = {matrix: sums[name] for name, matrices in modules.items() for matrix in matrices}
    return found | ({f"{head}.weight": sums[head]} if embed else {})


@contextmanager
def averaged(network: GPT, average: WeightAverage | None) -> Iterator[None]:
    """The network with the weights that will be packed."""
    state = network.state_dict()
    live = {name: value.clone() for name, value in state.items()} if average is not None else {}
    if average is not None:
        average.load_into(state)
    yield
    with torch.no_grad():
        for name, value in live.items():
            state[name].copy_(value)


@dataclass(frozen=True)
class Seen:
    """What was found on training tokens, by the matrix's name, summed over all processes."""

    hessians: Mapping[str, Tensor] = field(default_factory=dict)
    """(columns, columns) sums of x xT over inputs x."""
    fisher: Mapping[str, Tensor] = field(default_factory=dict)
    """(rows,) sums of squared gradients of the summed loss by outputs, where steps are shaped by them."""


class Calibration:
    """The end of training for a configuration that rounds in turn: a look at training tokens, on the clock."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.length = trainer.config.batch.train_seq_len
        share = trainer.world.size * self.length
        self.embed = trainer.config.export.gptq.embed
        self.sequences = -(-trainer.config.export.gptq.tokens // share)
        steps = trainer.config.export.steps
        self.fisher_sequences = -(-steps.tokens // share) if steps.wants_fisher else 0

    def rehearse(self) -> float:
        """Milliseconds to keep free, the same in every process: a look at made-up tokens, timed, and some more."""
        device, vocab = self.trainer.world.device, self.trainer.config.model.vocab_size
        count = min(CHUNK_SEQUENCES, self.sequences)
        ids = torch.arange(count * self.length, device=device).view(count, self.length) % vocab
        switch(self.trainer.network, on=False)
        network = self.trainer.network
        took_ms = self._timed(lambda: collect_hessians(network, [ids], embed=self.embed)) * -(
            -self.sequences // count
        )
        if self.fisher_sequences:
            few = ids[: min(count, self.fisher_sequences)]
            chunk_ms = self._timed(lambda: collect_fisher(network, [(few, few)]))
            took_ms += chunk_ms * -(-self.fisher_sequences // len(few))
        return self.trainer.world.maxima([RESERVE_FACTOR * took_ms])[0]

    def _timed(self, look: Callable[[], object]) -> float:
        """Milliseconds of the second of two looks; the first one also loads kernels."""
        for _ in range(2):
            self.trainer.world.synchronise()
            begun = time.perf_counter()
            look()
            self.trainer.world.synchronise()
            took_ms = 1000.0 * (time.perf_counter() - begun)
        return took_ms

    def _chunks(self, sequences: int) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's next training sequences and their targets, some at a time."""
        left = sequences
        while left > 0:
            ids, targets = self.trainer.batches.next_on_device()
            most = max(1, left * self.length // ids.size(1))  # a row of packed documents is many sequences long
            ids, targets = ids[:most], targets[:most]
            left -= ids.numel() // self.length
            yield from zip(torch.split(ids, CHUNK_SEQUENCES), torch.split(targets, CHUNK_SEQUENCES), strict=True)

    def collect(self, average: WeightAverage | None) -> Seen:
        """What is seen on all processes' tokens, of the weights that will be packed."""
        network, fisher = self.trainer.network, dict[str, Tensor]()
        switch(network, on=False)
        with averaged(network, average):
            chunks = (ids for ids, _ in self._chunks(self.sequences))
            hessians = collect_hessians(network, chunks, embed=self.embed)
            if self.fisher_sequences:
                fisher = collect_fisher(network, self._chunks(self.fisher_sequences))
        for total in {id(tensor): tensor for tensor in (*hessians.values(), *fisher.values())}.values():
            self.trainer.world.add_up(total)
        return Seen(hessians, fisher)
