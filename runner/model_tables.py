"""What a job's model consists of, and what changes between two jobs: tables for people.

Tensors of equal shape and scheme in several blocks are one line. Counts nothing itself: shapes.py, footprint.py and
forecast.py do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from rich.table import Table

from golf_model.config import GolfConfig
from golf_model.shapes import (
    BITS,
    Scheme,
    parameter_count,
    parameter_shapes,
    payload_bytes,
    schemes,
    stored_bytes,
)
from runner.footprint import flops, memory
from runner.forecast import forecast_bytes
from runner.job_spec import JobSpec, resolved

BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
MEBI = 1 << 20
NOT_OF_THE_RUN = ("name", "blurb", "reference", "author", "github_id")
"""Fields that describe a job and change nothing in it."""


@dataclass(frozen=True)
class TensorLine:
    """Tensors of one name in some blocks, all of one shape and scheme."""

    name: str
    blocks: tuple[int, ...]
    """Their blocks; () outside of the blocks."""
    shape: tuple[int, ...]
    scheme: Scheme
    stored: int
    """Bytes of one of them before container and compression."""

    @property
    def count(self) -> int:
        """How many tensors."""
        return max(1, len(self.blocks))

    @property
    def parameters(self) -> int:
        """Elements of all of them."""
        return self.count * prod(self.shape)

    @property
    def title(self) -> str:
        """`blocks.0-8.mlp.fc.weight`."""
        if not self.blocks:
            return self.name
        first, last = self.blocks[0], self.blocks[-1]
        return f"blocks.{first}{f'-{last}' if last > first else ''}.{self.name}"


def tensor_lines(config: GolfConfig) -> list[TensorLine]:
    """Every tensor of a model in the order of its `state_dict`, runs of blocks folded."""
    shapes, stored_as = parameter_shapes(config.model), schemes(config.model, config.export)
    runs: dict[tuple[str, tuple[int, ...], Scheme], list[list[int]]] = {}
    for name, scheme in stored_as.items():
        match = BLOCK.fullmatch(name)
        key = (match[2] if match else name, shapes[name], scheme)
        block = int(match[1]) if match else -1
        found = runs.setdefault(key, [])
        if found and found[-1][-1] == block - 1:
            found[-1].append(block)
        else:
            found.append([block])
    return [
        TensorLine(name, () if run == [-1] else tuple(run), shape, scheme, stored_bytes(scheme, shape, config.export))
        for (name, shape, scheme), found in runs.items()
        for run in found
    ]


def plain_table(*titles: str) -> Table:
    """A table without lines; every column but the first is aligned to the right."""
    table = Table(box=None, pad_edge=False)
    for index, title in enumerate(titles):
        table.add_column(title, justify="right" if index else "left", overflow="fold")
    return table


def summary_tables(job: JobSpec, code_bytes: int) -> list[Table]:
    """Tensors, totals by scheme, and what the model costs."""
    config = job.config
    lines = tensor_lines(config)
    tensors = plain_table("tensor", "shape", "parameters", "scheme", "bits", "bytes")
    for line in lines:
        shape = " x ".join(map(str, line.shape)) or "scalar"
        shown = f"{line.count} x {shape}" if line.count > 1 and len(line.shape) == 1 else shape
        shown = f"{line.count} x ({shape})" if line.count > 1 and len(line.shape) > 1 else shown
        tensors.add_row(
            line.title,
            shown,
            f"{line.parameters:,}",
            line.scheme,
            f"{BITS[line.scheme]}",
            f"{line.count * line.stored:,}",
        )
    totals = plain_table("stored as", "tensors", "parameters", "bytes")
    for scheme in BITS:
        of_scheme = [line for line in lines if line.scheme == scheme]
        if of_scheme:
            size = sum(line.count * line.stored for line in of_scheme)
            numbers = sum(line.parameters for line in of_scheme)
            totals.add_row(scheme, f"{sum(line.count for line in of_scheme)}", f"{numbers:,}", f"{size:,}")
    totals.add_row(
        "all",
        f"{sum(line.count for line in lines)}",
        f"{parameter_count(config.model):,}",
        f"{payload_bytes(config.model, config.export):,}",
    )
    return [tensors, totals, cost_table(job, code_bytes)]


def cost_table(job: JobSpec, code_bytes: int) -> Table:
    """Size, operations and memory, each with what it rests on."""
    config = job.config
    forecast, work, room = forecast_bytes(config, code_bytes), flops(config), memory(config)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    per_step = config.batch.train_batch_tokens * work.training
    table.add_row("artifact and code", f"{forecast.low:,} to {forecast.high:,} bytes expected ({forecast.basis})")
    table.add_row(
        "FLOPs per token",
        f"{work.forward:,} forward = matrices {work.matrices:,} + head {work.head:,} + attention {work.attention:,} "
        f"at {config.batch.train_seq_len:,} tokens; training 3 times as much",
    )
    table.add_row("FLOPs per step", f"{per_step:.3e} for {config.batch.train_batch_tokens:,} tokens")
    table.add_row(
        "memory, one process",
        f"{room.total / MEBI:,.0f} MiB, an estimate: weights {room.weights / MEBI:,.1f}, gradients "
        f"{room.gradients / MEBI:,.1f}, optimizers {room.optimizer / MEBI:,.1f}, average {room.average / MEBI:,.1f}, "
        f"activations about {room.activations / MEBI:,.0f}",
    )
    return table


def flat_fields(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of every field of a nested mapping."""
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from flat_fields(inner, f"{before}{name}.")
        else:
            yield f"{before}{name}", inner


def changed_fields(one: JobSpec, other: JobSpec) -> list[tuple[str, Any, Any]]:
    """(field, value here, value there) of everything that differs and has a say in the run; absent is None."""
    here, there = (
        dict(flat_fields({name: value for name, value in resolved(job).items() if name not in NOT_OF_THE_RUN}))
        for job in (one, other)
    )
    names = [*here, *(name for name in there if name not in here)]
    return [(name, here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name)]


def changed_tensors(one: GolfConfig, other: GolfConfig) -> list[tuple[str, str, str]]:
    """(tensor, what it is here, what it is there) of every line that is not in both; '' where it is absent."""
    here, there = (
        {line.title: f"{' x '.join(map(str, line.shape)) or 'scalar'} {line.scheme}" for line in tensor_lines(config)}
        for config in (one, other)
    )
    names = [*here, *(name for name in there if name not in here)]
    return [(name, here.get(name, ""), there.get(name, "")) for name in names if here.get(name) != there.get(name)]


def diff_tables(one: JobSpec, other: JobSpec, code_bytes: tuple[int, int]) -> list[Table]:
    """Fields, tensors and totals that differ; [] where nothing does."""
    fields, tensors = changed_fields(one, other), changed_tensors(one.config, other.config)
    if not fields and not tensors:
        return []
    changes = Table(box=None, pad_edge=False)
    for title in ("field", one.name, other.name):
        changes.add_column(title, overflow="fold")
    for name, here, there in fields:
        changes.add_row(name, shown(here), shown(there))
    shapes = Table(box=None, pad_edge=False)
    for title in ("tensor", one.name, other.name):
        shapes.add_column(title, overflow="fold")
    for row in tensors:
        shapes.add_row(*row)
    return [changes, *([shapes] if tensors else []), totals_table(one, other, code_bytes)]


def shown(value: Any) -> str:
    """A value of a job for people."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def totals_table(one: JobSpec, other: JobSpec, code_bytes: tuple[int, int]) -> Table:
    """Parameters, payload, expected size and operations of both, and the difference."""
    table = plain_table("total", one.name, other.name, "difference")
    configs = one.config, other.config
    forecasts = [forecast_bytes(config, code) for config, code in zip(configs, code_bytes, strict=True)]
    rows = {
        "parameters": [parameter_count(config.model) for config in configs],
        "payload bytes": [payload_bytes(config.model, config.export) for config in configs],
        "expected bytes, least": [forecast.low for forecast in forecasts],
        "expected bytes, most": [forecast.high for forecast in forecasts],
        "FLOPs per token, forward": [flops(config).forward for config in configs],
        "memory estimate, MiB": [memory(config).total // MEBI for config in configs],
    }
    for title, (here, there) in rows.items():
        table.add_row(title, f"{here:,}", f"{there:,}", f"{there - here:+,}")
    return table
