"""What would integers take if the entropy coder also looked at their left neighbours? Per tensor of the quickstart.

    python benchmarks/neighbour.py [--seconds S] [--seeds N] [--weights FILE …] [--json FILE]

rans: as golf codes them, scale codes counted. left: integers in full, no low bits split off, in contexts of their
row's scale and of whether the two values before them are as large as each other, or (large) of how large the left one
is; the better of both, its tables and the rows' codes counted, lanes not. brotli: the bytes as they are. A sum of the
smaller one of each tensor is what a choice per tensor could reach. Nothing is decoded: this says whether it pays.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.small_models import Text, train_small
from benchmarks.train_step import job_config
from benchmarks.yardstick import facts
from golf_model.artifact.compress import compress
from golf_model.artifact.golf_container import as_matrix, raw_tensor
from golf_model.artifact.stored import store
from golf_model.config.golf_config import GolfConfig
from golf_model.entropy_coding.contexts import ESCAPE, scale_codes
from golf_model.entropy_coding.entropy import CODES_PER_LANE, coded_vectors, encode_integers
from golf_model.entropy_coding.symbol_stream import stream_bytes
from golf_model.entropy_coding.tables import best_tables, context_counts
from runner.job.open_data import DataRequest, open_requested

SCALES, CLASSES = 48, 12
"""Contexts of a row's scale beside two of its neighbours, or beside eight."""


def shifted(magnitudes: Tensor, by: int) -> Tensor:
    """What stands so many columns to the left; 0 where nothing does."""
    found = torch.zeros_like(magnitudes)
    found[:, by:] = magnitudes[:, :-by]
    return found


def spread_over(codes: Tensor, levels: int) -> Tensor:
    """(rows, 1): codes as at most `levels` contexts, with about as many rows in each."""
    edges = torch.quantile(codes.float(), torch.linspace(0, 1, levels + 1)[1:-1])
    return torch.bucketize(codes.float(), torch.unique(edges))[:, None]


def neighbour_contexts(integers: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Two ways to look left: (rows, columns) contexts below 96."""
    magnitudes, rows = integers.abs(), scale_codes(integers).rows
    left, second = shifted(magnitudes, 1), shifted(magnitudes, 2)
    yield "alike", spread_over(rows, SCALES) * 2 + (left == second)
    octave = torch.where(left > 0, left.float().clamp_min(1).log2().floor().long() + 1, 0)
    yield "large", spread_over(rows, CLASSES) * 8 + octave


def with_neighbours(integers: Tensor) -> dict[str, float]:
    """Bytes of int8 integers (rows, columns) by each way."""
    codes = scale_codes(integers).rows.numpy()
    _, _, symbols, contexts = coded_vectors([codes])
    side = stream_bytes(best_tables(context_counts(symbols, contexts)), len(codes), CODES_PER_LANE)
    whole = (integers.long() + ESCAPE).numpy().astype(np.uint8).ravel()
    sizes = {}
    for name, found in neighbour_contexts(integers.long()):
        tables = best_tables(context_counts(whole, found.expand_as(integers).numpy().astype(np.uint8).ravel()))
        sizes[name] = side + tables.symbol_bytes + len(tables.packed)
    return sizes


def sizes_of(weights: dict[str, Tensor], config: GolfConfig) -> list[dict[str, Any]]:
    """A row for every quantised tensor."""
    table = []
    for name, item in store(weights, config.model.num_layers, config.export).items():
        if item.scales is not None:
            matrix = as_matrix(item.values)
            looked = {way: round(size) for way, size in with_neighbours(matrix).items()}
            sizes = {
                "rans": len(encode_integers([matrix])),
                "left": min(looked.values()),
                "brotli": len(compress(raw_tensor(matrix.to(torch.int8)), "brotli", thorough=True)),
            }
            table.append({"tensor": name, "shape": list(matrix.shape), **sizes, "ways": looked})
    return table


def show(table: list[dict[str, Any]]) -> None:
    """One model's table and its sums."""
    print(f"{'tensor':28}{'shape':>14}{'rans':>10}{'left':>10}{'brotli':>10}{'left/rans':>11}{'brotli/rans':>13}")
    kinds = ("rans", "left", "brotli")
    total = {"tensor": "all", "shape": "", **{kind: sum(row[kind] for row in table) for kind in kinds}}
    for row in (*table, total):
        ratios = f"{row['left'] / row['rans']:>11.4f}{row['brotli'] / row['rans']:>13.4f}"
        print(f"{row['tensor']:28}{row['shape']!s:>14}" + "".join(f"{row[kind]:>10,}" for kind in kinds) + ratios)
    for some in (("rans", "left"), ("rans", "brotli"), kinds):
        print(f"the smallest of {', '.join(some)} for each: {sum(min(row[k] for k in some) for row in table):,}")


def main() -> None:
    """Print the tables, and keep them where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=34.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--weights", type=Path, nargs="*", help="state_dicts saved by torch, in place of training")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = job_config("quickstart")
    models, steps = [], []
    if arguments.weights:
        models = [torch.load(path, weights_only=True) for path in arguments.weights]
    for seed in () if arguments.weights else range(1, arguments.seeds + 1):
        data = open_requested(DataRequest("asv", None, None, config.model.vocab_size), print)
        schedule = replace(config.schedule, max_wallclock_seconds=arguments.seconds, warmup_steps=0)
        text = Text("asv", data.folder, data.tokenizer)
        trainer, taken = train_small(replace(config, schedule=schedule), text, seed)
        models.append(trainer.network.state_dict())
        steps.append(taken)
        trainer.batches.close()
    tables = [sizes_of(weights, config) for weights in models]
    for table in tables:
        show(table)
    if arguments.json:
        about = {**facts(torch.device("cpu"), 1), "job": "quickstart", "steps": steps, "models": tables}
        arguments.json.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
