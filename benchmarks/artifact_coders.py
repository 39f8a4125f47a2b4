"""Coders side by side on the same integers: bytes, time, and the bound that they are measured by."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from golf_model.artifact.compress import compress, decompress, has_brotli
from golf_model.artifact.golf_container import as_matrix, raw_tensor
from golf_model.artifact.stored import store
from golf_model.config.export import ExportConfig
from golf_model.entropy_coding.contexts import modelled
from golf_model.entropy_coding.entropy import coded_bytes, decode_integers, encode_integers
from golf_model.entropy_coding.tables import symbol_counts
from golf_model.quantization.quantize import quantize

SYNTHETIC = (26, 1024, 1024)
"""Matrices, rows, columns of the synthetic weights: 27 M values."""
ABSMAX = {bits: ExportConfig(mlp=f"int{bits}", attn=f"int{bits}", rows="amax_float16", passthrough_numel=4096)  # type: ignore[arg-type]
          for bits in (6, 5, 4)}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One coder on one source."""

    source: str
    coder: str
    values: int
    size: float
    encode_s: float = 0.0
    decode_s: float = 0.0


def bound(matrices: Sequence[Tensor]) -> float:
    """Bytes of the integers at their entropy given the scales of row and column, eighths of an octave together."""
    models = [modelled(matrix) for matrix in matrices]
    counts = symbol_counts(models)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    entropy = -float((counts * np.log2(np.where(counts > 0, share, 1))).sum()) / 8
    return entropy + sum(model.low_bits.numel() for model in models) / 8


def synthetic(kind: str) -> list[Tensor]:
    """Int6 rows of Gaussian or Laplace weights whose rows and columns have scales of their own."""
    generator = torch.Generator().manual_seed(5)
    count, rows, columns = SYNTHETIC
    matrices = []
    for _ in range(count):
        weights = torch.randn(rows, columns, generator=generator)
        if kind == "Laplace":
            weights = weights.sign() * torch.empty_like(weights).exponential_(generator=generator)
        scales = [torch.exp(0.3 * torch.randn(side, generator=generator)) for side in (rows, columns)]
        matrices.append(quantize(weights * scales[0][:, None] * scales[1], "int6", ABSMAX[6])[0])
    return matrices


def trained(weights: Mapping[str, Tensor], layers: int, export: ExportConfig) -> list[Tensor]:
    """The integers of a trained model."""
    return [as_matrix(item.values) for item in store(weights, layers, export).values() if item.scales is not None]


def timed(work: Callable[[], object]) -> tuple[object, float]:
    """A result and the seconds that it took."""
    begun = time.perf_counter()
    return work(), time.perf_counter() - begun


def coder_rows(source: str, matrices: Sequence[Tensor]) -> Iterator[Row]:
    """Every coder on these integers; each one's output is decoded and compared."""
    values = sum(matrix.numel() for matrix in matrices)
    yield Row(source, "bound", values, bound(matrices))
    coded, encode_s = timed(lambda: encode_integers(matrices))
    assert isinstance(coded, bytes)
    shapes = [(matrix.shape[0], matrix.shape[1]) for matrix in matrices]
    back, decode_s = timed(lambda: [matrix.to(torch.int8) for matrix in decode_integers(coded, shapes)])
    assert isinstance(back, list)
    if not all(torch.equal(ours, theirs) for ours, theirs in zip(back, matrices, strict=True)):
        raise SystemExit(f"{source}: decoded integers differ")
    yield Row(source, "ours", values, len(coded), encode_s, decode_s)
    raw = b"".join(raw_tensor(matrix.to(torch.int8)) for matrix in matrices)
    for name in ("zlib", "zstd", "lzma", *(("brotli",) if has_brotli() else ())):
        packed, encode_s = timed(lambda name=name: compress(raw, name, thorough=True))  # type: ignore[misc]
        assert isinstance(packed, bytes)
        unpacked, decode_s = timed(lambda name=name, packed=packed: decompress(packed, name, len(raw)))  # type: ignore[misc]
        if unpacked != raw:
            raise SystemExit(f"{source}, {name}: decoded bytes differ")
        yield Row(source, name, values, len(packed), encode_s, decode_s)


def print_rows(rows: Sequence[Row]) -> None:
    """One source's table."""
    sizes = {row.coder: row.size for row in rows}
    estimate = sizes["bound"]
    print(f"\n{rows[0].source}, {rows[0].values:,} values")
    print(f"{'coder':8}{'bytes':>12}{'/bound':>9}{'/zstd':>8}{'bits':>7}{'encode s':>10}{'decode s':>10}")
    for row in rows:
        times = f"{row.encode_s:>10.2f}{row.decode_s:>10.2f}" if row.coder != "bound" else ""
        bits = 8 * row.size / row.values
        ratios = f"{row.size / estimate:>9.4f}{row.size / sizes['zstd']:>8.4f}"
        print(f"{row.coder:8}{row.size:>12,.0f}{ratios}{bits:>7.3f}{times}", flush=True)


def _high_water_mib() -> float:
    """Peak resident memory of this program; getrusage would also count whoever started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _peak(kind: str, sent: Connection) -> None:
    matrices = synthetic(kind)
    found = [_high_water_mib()]
    coded = encode_integers(matrices)
    found.append(_high_water_mib())
    shapes = [(matrix.shape[0], matrix.shape[1]) for matrix in matrices]
    del matrices
    for _ in decode_integers(coded, shapes):
        pass
    sent.send([*found, _high_water_mib()])


def peak_memory_mib() -> dict[str, float]:
    """Peak resident memory of a process of its own: with the integers alone, after encoding, after decoding."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_peak, args=("Gauss", sender))
    process.start()
    sender.close()  # so that a process that dies ends the wait
    before, encoding, decoding = receiver.recv()
    process.join()
    return {"integers alone": before, "after encoding": encoding, "after decoding": decoding}


def as_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    """Rows as plain values."""
    return json.loads(json.dumps([asdict(row) for row in rows]))  # type: ignore[no-any-return]


def estimate_error(matrices: Sequence[Tensor]) -> float:
    """How far the size that rate control counts with lies from the coded one, as a share."""
    return coded_bytes(matrices) / len(encode_integers(matrices)) - 1
