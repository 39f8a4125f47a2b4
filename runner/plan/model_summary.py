"""What a job's model consists of and what it costs: the tables of `golf model summary`.

Counts nothing itself: shapes.py, footprint.py and forecast.py do.
"""

from __future__ import annotations

from typing import get_args

from rich.table import Table

from golf_model.config.golf_config import GolfConfig
from golf_model.shapes import BITS, Scheme, TensorClass, parameter_count, payload_bytes, tensor_class
from runner.job.hardware import resolve_hardware
from runner.job.spec import JobSpec
from runner.job.tracks import limits_for
from runner.node.gpus import gpu_names
from runner.plan.footprint import flops, memory, processes, step_flops
from runner.plan.size_forecast import forecast_job, told_bytes
from runner.plan.tensor_lines import folded, tensors_of
from runner.results.verdicts import SizeForecast

MEBI = 1 << 20
CLASSES: dict[TensorClass, str] = {"embed": "embedding", "attn": "attention", "mlp": "MLP", "other": "other"}
"""Tensor classes as people call them, in the order shown."""


def figures_table(*titles: str, texts: int = 1, gap: int = 2) -> Table:
    """A table without lines, `gap` spaces between columns; the first `texts` are aligned left, figures right."""
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False)
    for index, title in enumerate(titles):
        table.add_column(title, justify="left" if index < texts else "right", overflow="fold")
    return table


def summary_tables(job: JobSpec, code_bytes: int) -> list[Table]:
    """Tensors, totals, and what the model costs. code_bytes: of the script that is shipped."""
    return [tensor_table(job.config), totals_table(job.config), cost_table(job, code_bytes)]


def tensor_table(config: GolfConfig) -> Table:
    """Every tensor, blocks folded; parameters and bytes are those of the whole line. Narrow enough for 80 columns."""
    table = figures_table("tensor", "shape", "parameters", "scheme", "bits", "bytes", gap=1)
    for line in folded(tensors_of(config)):
        tensor = line.said
        table.add_row(
            line.title,
            tensor.shape_text,
            f"{line.count * tensor.parameters:,}",
            tensor.scheme,
            f"{BITS[tensor.scheme]}" if tensor.scheme in BITS else "",
            f"{line.count * tensor.size:,}",
        )
    return table


def totals_table(config: GolfConfig) -> Table:
    """Tensors, parameters and bytes of each class under each scheme, and of all."""
    table = figures_table("class", "scheme", "tensors", "parameters", "bytes", texts=2)
    tensors = tensors_of(config)
    for kind, title in CLASSES.items():
        for scheme in get_args(Scheme):
            some = [one for name, one in tensors.items() if tensor_class(name) == kind and one.scheme == scheme]
            if some:
                parameters, size = sum(one.parameters for one in some), sum(one.size for one in some)
                table.add_row(title, scheme, f"{len(some)}", f"{parameters:,}", f"{size:,}")
    model, export = config.model, config.export
    table.add_row("all", "", f"{len(tensors)}", f"{parameter_count(model):,}", f"{payload_bytes(model, export):,}")
    return table


def cost_table(job: JobSpec, code_bytes: int) -> Table:
    """Size, operations and memory, each with its terms."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for title, text in [*size_rows(job, code_bytes), *flops_rows(job.config), *memory_rows(job)]:
        table.add_row(title, text)
    return table


def job_forecast(job: JobSpec, code_bytes: int) -> SizeForecast:
    """Bytes of a job of ours on its hardware; `auto` is what this machine has."""
    return forecast_job(job, code_bytes, resolve_hardware(job.hardware, len(gpu_names())), processes(job))


def size_rows(job: JobSpec, code_bytes: int) -> list[tuple[str, str]]:
    """Parameters, payload and what is expected to be counted against the cap."""
    model, export = job.config.model, job.config.export
    forecast = job_forecast(job, code_bytes)
    return [
        ("parameters", f"{parameter_count(model):,}"),
        ("payload", f"{payload_bytes(model, export):,} bytes before container and compressor"),
        ("artifact and code", f"{told_bytes(forecast)}, cap {limits_for(job).cap_bytes:,} bytes"),
        ("", forecast.basis),
    ]


def flops_rows(config: GolfConfig) -> list[tuple[str, str]]:
    """Operations of a token and of an optimizer step."""
    model, batch, work = config.model, config.batch, flops(config)
    loop = model.loop
    again = ", those of the loop once for each pass" if loop.times else ""
    often = f"3 times the mean of a run whose loop begins at {loop.at:g}" if loop.times else "3 times as much"
    layers = f"{work.passes} passes through layers" if loop.times else f"{work.passes} layers"
    seen = f"{work.visible:,.1f} tokens seen on average"
    return [
        ("FLOPs per token", f"{work.forward:,} forward; training {work.training:,}, {often}"),
        ("  matrices", f"{work.matrices:,} = 2 x {work.matrices // 2:,} weights{again}"),
        ("  head", f"{work.head:,} = 2 x {model.embed_dim or model.model_dim} x {model.vocab_size}"),
        ("  attention", f"{work.attention:,} = {layers} x 4 x {model.model_dim} x {seen}"),
        ("tokens per step", f"{batch.train_batch_tokens:,}"),
        ("FLOPs per step", f"{step_flops(config):.4g}"),
    ]


def memory_rows(job: JobSpec) -> list[tuple[str, str]]:
    """Memory of one process, part by part."""
    count = processes(job)
    room = memory(job.config, count)
    parts = {
        "weights": room.weights,
        "gradients": room.gradients,
        "optimizers": room.optimizer,
        "average": room.average,
        "activations": room.activations,
        "logits": room.logits,
    }
    where = f"in each of {count} processes" if count > 1 else "in one process"
    return [
        (
            "memory, estimate",
            f"{room.total / MEBI:,.0f} MiB {where}, the last two for {room.tokens:,} tokens at once",
        ),
        *((f"  {title}", f"{size / MEBI:,.1f} MiB") for title, size in parts.items()),
    ]
