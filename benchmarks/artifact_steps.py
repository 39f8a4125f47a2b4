"""Shaped steps and the trellis, each against golf's plain step and the public recipe: bits at equal damage.

    python benchmarks/artifact_steps.py FOLDER [--seeds S,S] [--only PATTERN] [--out FILE] [--code-bytes N]

Models that trained for thousands of steps (trained_steps.py; FOLDER keeps them). Only matrices of the blocks are
quantised, so that what is compared is what differs. Damage is the mean KL divergence from the model as it is, on
held-out tokens, and the loss added, which is far noisier. Bits are those of a whole file of these matrices, the codes
of steps in it, and the code that a script needs more. Intervals: 95 % bootstrap over windows of text.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.small_models import build, find_text
from benchmarks.trained_steps import STEPS, trained_weights
from golf_model.artifact.compress import compress, has_brotli
from golf_model.artifact.golf_container import write_golf
from golf_model.artifact.stored import restore, store
from golf_model.config import ExportConfig, GptqConfig, ShapedStepsConfig, StepConfig
from golf_model.quantization.fisher import collect_fisher
from golf_model.quantization.gptq import rounded_in_turn
from golf_model.quantization.step_plan import StepPlan, planned_steps
from golf_model.training.calibration import Seen, collect_hessians
from golf_model.training.loader import load_validation_tokens
from golf_model.training.shards import find_shards

HELD_OUT, CALIBRATION = 100_352, 65_536
"""Tokens that are scored, and training tokens that are looked at."""
CHUNK = 32
RATES = (4.0, 5.0)
PLAIN = ExportConfig(compressor="rans", mlp="step", attn="step", passthrough_numel=4096, gptq=GptqConfig(tokens=1))


def with_steps(rounding: str = "gptq", **steps: str) -> ExportConfig:
    """The plain rule with those steps."""
    return replace(PLAIN, rounding=rounding, steps=ShapedStepsConfig(**steps))  # type: ignore[arg-type]


METHODS: dict[str, ExportConfig | None] = {
    "public recipe": None,
    "golf today": PLAIN,
    "matrices": with_steps(matrices="predicted"),
    "+ columns": with_steps(matrices="predicted", columns="cholesky"),
    "+ rows": with_steps(matrices="predicted", columns="cholesky", rows="fisher"),
    "+ trellis": with_steps("trellis", matrices="predicted", columns="cholesky", rows="fisher"),
    "trellis alone": with_steps("trellis"),
}
BASE = "golf today"


@dataclass(frozen=True)
class Point:
    """One model quantised in one way at one step."""

    seed: int
    method: str
    bits: float
    """Of the file, a weight."""
    saved: float
    """Predicted bits a weight."""
    kl: list[float]
    """Mean of each window, nats a token."""
    added: list[float]
    """Loss added, likewise."""


class Bench:
    """One trained model, what was seen on training tokens, and its answers on held-out text."""

    def __init__(self, folder: Path, seed: int, steps: int, only: str) -> None:
        text = find_text()
        self.seed = seed
        self.config, self.weights = trained_weights(folder, text, seed, steps)
        self.length = self.config.batch.train_seq_len
        self.network = build(self.config)
        self.network.load_state_dict(self.weights)
        self.seen = self._look(text.folder)
        names = [name for name in self.seen.hessians if re.search(only, name)]
        self.matrices = {name: self.weights[name] for name in names}
        self.count = sum(value.numel() for value in self.matrices.values())
        tokens = load_validation_tokens(find_shards(text.folder, "fineweb_val_*.bin"), self.length, 1024)
        tokens = tokens[: HELD_OUT + 1].long()
        self.ids, self.targets = (part.view(-1, self.length) for part in (tokens[:-1], tokens[1:]))
        self.answers = [*self._answers()]
        self.losses = torch.cat([self._loss(part, at) for at, part in enumerate(self.answers)])

    def _look(self, folder: Path) -> Seen:
        """Hessians and Fisher information, on training tokens alone."""
        shard = find_shards(folder, "fineweb_train_*.bin")[0]
        tokens = load_validation_tokens([shard], self.length, 1024)[: CALIBRATION + 1].long()
        ids, targets = (part.view(-1, self.length) for part in (tokens[:-1], tokens[1:]))
        hessians = collect_hessians(self.network, torch.split(ids, CHUNK))
        half = len(ids) // 2
        fisher = collect_fisher(
            self.network, zip(torch.split(ids[:half], CHUNK), torch.split(targets[:half], CHUNK), strict=True)
        )
        return Seen(hessians, fisher)

    @torch.inference_mode()
    def _answers(self) -> Iterator[Tensor]:
        """Log-probabilities of every chunk of the held-out text."""
        for part in torch.split(self.ids, CHUNK):
            yield F.log_softmax(self.network.logits(part), -1)

    def _loss(self, answer: Tensor, at: int) -> Tensor:
        """(windows,) mean loss of a chunk."""
        aims = self.targets[at * CHUNK : at * CHUNK + len(answer)]
        return F.nll_loss(answer.flatten(0, 1), aims.flatten(), reduction="none").view_as(aims).double().mean(1)

    def plan(self, export: ExportConfig) -> StepPlan:
        """The steps of the block's matrices."""
        return planned_steps(
            self.matrices, self.config.model.num_layers, export, self.seen.hessians, self.seen.fisher
        )

    def quantised(self, export: ExportConfig | None, step: float) -> tuple[dict[str, Tensor], int, float]:
        """(weights, bytes, predicted bits) at a step."""
        if export is None:
            return *public_recipe(self.matrices, self.seen.hessians, step), 0.0
        export = replace(export, step=StepConfig(size=step))
        plan = self.plan(export) if export.steps.are_shaped or export.rounding == "trellis" else None
        stored = store(self.matrices, self.config.model.num_layers, export, self.seen.hessians, plan)
        blob, _ = write_golf(stored, "rans", plan.saved if plan is not None else None)
        return restore(stored), len(blob), plan.saved.get("total", 0.0) if plan is not None else 0.0

    def measure(self, method: str, rate: float, code_bytes: int) -> Point:
        """Quantise to about that many bits, and score."""
        export = METHODS[method]
        deviation = math.sqrt(sum(float(value.square().sum()) for value in self.matrices.values()) / self.count)
        step = 2.0 ** (2.05 - rate) * (1.0 if export is None else deviation)
        for _ in range(2 if export is not None else 0):  # a bit a weight is an octave of the step
            assert export is not None
            size = self.quantised(replace(export, rounding="nearest"), step)[1]
            step *= 2.0 ** (8 * size / self.count - rate)
        weights, size, saved = self.quantised(export, step)
        shaped = export is not None and (export.steps.are_shaped or export.rounding == "trellis")
        self.network.load_state_dict(self.weights | weights)
        kl, losses = [], []
        for at, answer in enumerate(self._answers()):
            before = self.answers[at]
            kl.append((before.exp() * (before - answer)).sum(-1).double().mean(1))
            losses.append(self._loss(answer, at))
        self.network.load_state_dict(self.weights)
        added = torch.cat(losses) - self.losses
        bits = 8 * (size + code_bytes * shaped) / self.count
        return Point(self.seed, method, bits, saved, torch.cat(kl).tolist(), added.tolist())


def public_recipe(
    matrices: Mapping[str, Tensor], hessians: Mapping[str, Tensor], step: float
) -> tuple[dict[str, Tensor], int]:
    """(weights, bytes) of rows scaled by their deviation and clipped (SDClip), GPTQ, brotli (lzma where it lacks)."""
    levels, raw, back = 31 if step > 0.13 else 127, b"", {}
    for name, value in matrices.items():
        scales = (step * value.std(1)).half()
        integers = rounded_in_turn(value, scales.float(), levels, hessians[name], GptqConfig(tokens=1))
        back[name] = integers * scales.float()[:, None]
        raw += integers.to(torch.int8).numpy().tobytes()
    scale_bytes = 2 * sum(len(value) for value in matrices.values())
    return back, len(compress(raw, "brotli" if has_brotli() else "lzma", thorough=True)) + scale_bytes


def at_equal(points: Mapping[str, Sequence[tuple[float, float]]], method: str, bits: float) -> float:
    """Bits that a method saves where the base takes `bits`: damage falls as a power of the rate in between."""

    def line(name: str) -> tuple[float, float]:
        (first, low), (last, high) = sorted(points[name])[0], sorted(points[name])[-1]
        slope = (math.log2(high) - math.log2(low)) / (last - first)
        return slope, math.log2(low) - slope * first

    if any(damage <= 0 for name in (BASE, method) for _, damage in points[name]):
        return math.nan
    (slope, offset), (own_slope, own_offset) = line(BASE), line(method)
    if own_slope >= 0:
        return math.nan
    return bits - (slope * bits + offset - own_offset) / own_slope


def intervals(found: Sequence[Point], seed: int, quantity: str, bits: float) -> dict[str, tuple[float, float, float]]:
    """Saved bits of every method, with the ends of their intervals."""
    own = [point for point in found if point.seed == seed]
    names = {point.method for point in own}
    names = {name for name in names if sum(point.method == name for point in own) >= len(RATES)}
    values: list[NDArray[np.float64]] = [np.array(getattr(point, quantity)) for point in own]
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[float]] = {name: [] for name in names}
    for draw in range(401):
        at = generator.integers(0, len(values[0]), len(values[0])) if draw else np.arange(len(values[0]))
        points: dict[str, list[tuple[float, float]]] = {}
        for point, value in zip(own, values, strict=True):
            points.setdefault(point.method, []).append((point.bits, float(value[at].mean())))
        for name in names if BASE in names else ():
            drawn[name].append(at_equal(points, name, bits))
    return {
        name: (saved[0], float(np.nanquantile(saved[1:], 0.025)), float(np.nanquantile(saved[1:], 0.975)))
        for name, saved in drawn.items()
        if saved
    }


def report(found: Sequence[Point]) -> None:
    """Tables of what was saved."""
    for seed in sorted({point.seed for point in found}):
        for quantity, title in (("kl", "KL"), ("added", "added loss")):
            print(f"\nseed {seed}: bits saved against {BASE} at equal {title} (95 % bootstrap)")
            tables = {bits: intervals(found, seed, quantity, bits) for bits in RATES}
            for name in METHODS:
                cells = [
                    f"{saved:+.3f} [{low:+.3f}, {high:+.3f}] {100 * saved / bits:+5.1f} %"
                    for bits, table in tables.items()
                    if name in table
                    for saved, low, high in (table[name],)
                ]
                predicted = next((p.saved for p in found if p.method == name and p.seed == seed), 0.0)
                print(f"{name:14} {'   '.join(cells)}   predicted {predicted:.3f}")


@dataclass(frozen=True)
class Asked:
    """What to measure."""

    folder: Path
    """Of trained models."""
    seeds: tuple[int, ...] = (1, 2)
    steps: int = STEPS
    only: str = ""
    methods: tuple[str, ...] = tuple(METHODS)
    code_bytes: int = 0
    out: Path | None = None


def measured(asked: Asked) -> list[Point]:
    """All points; those that the file `out` has are not measured again."""
    lines = asked.out.read_text().splitlines() if asked.out is not None and asked.out.is_file() else []
    found = [Point(**json.loads(line)) for line in lines]
    for seed in asked.seeds:
        bench = Bench(asked.folder, seed, asked.steps, asked.only)
        print(f"seed {seed}: {bench.count:,} weights, held-out loss {float(bench.losses.mean()):.4f}", flush=True)
        for number, rate in enumerate(RATES):
            for method in asked.methods:
                if sum(point.method == method and point.seed == seed for point in found) > number:
                    continue
                found.append(bench.measure(method, rate, asked.code_bytes))
                last = found[-1]
                print(f"  {method:14} {last.bits:.3f} bits, KL {np.mean(last.kl):.3e}", flush=True)
                if asked.out is not None:
                    with asked.out.open("a") as file:
                        file.write(json.dumps(asdict(last)) + "\n")
    return found


def main() -> None:
    """Measure what FILE does not have yet, then print everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="1,2", help="none: only print what FILE has")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--only", default="", help="matrices whose names this expression finds")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--code-bytes", type=int, default=0, help="charged to what a plain script cannot read")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON lines; what is there is not measured again")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seeds = tuple(int(seed) for seed in arguments.seeds.split(",") if seed.isdecimal())
    methods = tuple(arguments.methods.split(","))
    report(
        measured(
            Asked(
                arguments.folder,
                seeds,
                arguments.steps,
                arguments.only,
                methods,
                arguments.code_bytes,
                arguments.out,
            )
        )
    )


if __name__ == "__main__":
    main()
