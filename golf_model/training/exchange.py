"""The mean of all processes' gradients, exchanged while the backward pass still goes on.

Gradients are put together in buckets, in the order in which a backward pass is expected to finish them: last
parameters first. A full bucket is on its way while earlier layers still compute. A compiled backward pass gives all
its gradients at its end; then the buckets follow one another. Instead of DDP: the same mean, nothing to switch off
while micro-batches accumulate, and one place that works on gloo and nccl alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

BUCKET_ELEMENTS = 1 << 20
"""A bucket is full when it holds so many gradients."""


@dataclass
class Bucket:
    """Parameters whose gradients travel together, all of one precision."""

    parameters: list[Tensor]
    missing: int = 0
    """Gradients that the backward pass has still to finish."""
    flat: Tensor | None = None
    """What is under way."""
    sent: list[Tensor] = field(default_factory=list)
    """The gradients that are in `flat`, in its order."""
    work: Any = None


def bucketed(parameters: Iterable[Tensor], most: int) -> list[Bucket]:
    """Buckets of about `most` elements, last parameters first; the same in every process."""
    buckets: list[Bucket] = []
    filled: dict[torch.dtype, int] = {}
    for parameter in reversed(list(parameters)):
        last = filled.get(parameter.dtype)
        if last is None or sum(p.numel() for p in buckets[last].parameters) >= most:
            last = filled[parameter.dtype] = len(buckets)
            buckets.append(Bucket([]))
        buckets[last].parameters.append(parameter)
    return buckets


class GradientExchange:
    """Averages the gradients of some parameters over `size` processes: `expect` before the last backward pass of a
    step, `finish` after it."""

    def __init__(self, parameters: Iterable[Tensor], size: int, most: int = BUCKET_ELEMENTS) -> None:
        self.size = size
        self.buckets = bucketed(parameters, most) if size > 1 else []
        self.sent = len(self.buckets)
        for bucket in self.buckets:
            for parameter in bucket.parameters:
                hook = partial(self._arrived, bucket)
                parameter.register_post_accumulate_grad_hook(hook)  # type: ignore[no-untyped-call]

    def expect(self) -> None:
        """The next backward pass finishes the gradients."""
        self.sent = 0
        for bucket in self.buckets:
            bucket.missing = len(bucket.parameters)

    def finish(self) -> None:
        """Send what has not been sent (parameters without a gradient hold up their bucket), and wait for everything.

        On return every gradient is the mean over all processes.
        """
        while self.sent < len(self.buckets):
            self._send()
        for bucket in self.buckets:
            if bucket.flat is not None:
                bucket.work.wait()
                means = torch.split(bucket.flat.div_(self.size), [gradient.numel() for gradient in bucket.sent])
                for gradient, mean in zip(bucket.sent, means, strict=True):
                    gradient.copy_(mean.view_as(gradient))
            bucket.flat, bucket.sent, bucket.work = None, [], None

    def _arrived(self, bucket: Bucket, _: Tensor) -> None:
        """One more gradient; full buckets leave in their order, which is the same in every process."""
        bucket.missing -= 1
        while self.sent < len(self.buckets) and not self.buckets[self.sent].missing:
            self._send()

    def _send(self) -> None:
        """Start the sum over the next bucket."""
        bucket = self.buckets[self.sent]
        self.sent += 1
        bucket.sent = [parameter.grad for parameter in bucket.parameters if parameter.grad is not None]
        if bucket.sent:
            bucket.flat = torch.cat([gradient.flatten() for gradient in bucket.sent])
            bucket.work = dist.all_reduce(bucket.flat, async_op=True)
