"""Shaped steps and the trellis, each against golf's plain step and the public recipe: bits at equal damage.

    python benchmarks/artifact_steps.py FOLDER [--seeds S,S] [--parts P,P] [--methods M,M] [--out FILE]

Models that trained for thousands of steps (trained_steps.py; FOLDER keeps them). Only matrices of the blocks are
quantised, so that what is compared is what differs: of all blocks, or of those alone that are healthy. Damage is the
mean KL divergence from the model as it is, on held-out tokens, and the loss added, which is far noisier. Bits are
those of a whole file of these matrices, the codes of steps in it; code is charged where they are compared
(artifact_savings.py).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.artifact_savings import PARTS, RATES, Point, report
from benchmarks.script_bytes import JOB, script_growth
from benchmarks.small_models import build, find_text
from benchmarks.trained_steps import STEPS, trained_weights
from golf_model.artifact.compress import compress, has_brotli
from golf_model.artifact.golf_container import write_golf
from golf_model.artifact.stored import restore, store
from golf_model.config.export import ExportConfig
from golf_model.config.grids import ShapedStepsConfig, StepConfig
from golf_model.config.rounding import GptqConfig
from golf_model.quantization.fisher import collect_fisher
from golf_model.quantization.gptq import Factors, Turn, rounded_by_shape
from golf_model.quantization.step_plan import StepPlan, planned_steps
from golf_model.training.calibration import Seen, collect_hessians
from golf_model.training.loader import load_validation_tokens
from golf_model.training.shards import find_shards

HELD_OUT, CALIBRATION = 100_352, 65_536
"""Tokens that are scored, and training tokens that are looked at."""
CHUNK = 32
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
    "columns alone": with_steps(columns="cholesky"),
    "rows alone": with_steps(rows="fisher"),
    "trellis alone": with_steps("trellis"),
}
DOMINATES, DEAD, MOST_DEAD = 0.5, 0.01, 0.1
"""A block is healthy where no input dimension has DOMINATES of what a matrix sees, and fewer than MOST_DEAD of the
rows of any matrix have less than DEAD of its mean Fisher information."""


class Bench:
    """One trained model, what was seen on training tokens, and its answers on held-out text."""

    def __init__(self, folder: Path, seed: int, steps: int) -> None:
        text = find_text()
        self.seed = seed
        self.config, self.weights = trained_weights(folder, text, seed, steps)
        self.length = self.config.batch.train_seq_len
        self.network = build(self.config)
        self.network.load_state_dict(self.weights)
        self.seen = self._look(text.folder)
        self.whole = {name: self.weights[name] for name in self.seen.hessians}
        self.take("all")
        tokens = load_validation_tokens(find_shards(text.folder, "fineweb_val_*.bin"), self.length, 1024)
        tokens = tokens[: HELD_OUT + 1].long()
        self.ids, self.targets = (part.view(-1, self.length) for part in (tokens[:-1], tokens[1:]))
        self.answers = [*self._answers()]
        self.losses = torch.cat([self._loss(part, at) for at, part in enumerate(self.answers)])

    def take(self, part: str) -> None:
        """Quantise matrices of that part of PARTS from now on."""
        sick = {} if part == "all" else self.sick()
        self.part = part
        self.matrices = {name: value for name, value in self.whole.items() if block_of(name) not in sick}
        self.count = sum(value.numel() for value in self.matrices.values())

    def sick(self) -> dict[str, str]:
        """Blocks that are not healthy, and why."""
        found = {}
        for name in self.whole:
            seen, felt = self.seen.hessians[name].diagonal(), self.seen.fisher[name]
            most, dead = float(seen.max() / seen.sum()), float((felt < DEAD * felt.mean()).float().mean())
            if most >= DOMINATES or dead >= MOST_DEAD:
                found[block_of(name)] = f"{name}: one input has {most:.0%}, {dead:.0%} of the rows are dead"
        return found

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

    def measure(self, method: str, rate: float) -> Point:
        """Quantise to about that many bits, and score."""
        export = METHODS[method]
        deviation = math.sqrt(sum(float(value.square().sum()) for value in self.matrices.values()) / self.count)
        step = 2.0 ** (2.05 - rate) * (1.0 if export is None else deviation)
        for _ in range(2 if export is not None else 0):  # a bit a weight is an octave of the step
            assert export is not None
            size = self.quantised(replace(export, rounding="nearest"), step)[1]
            step *= 2.0 ** (8 * size / self.count - rate)
        weights, size, saved = self.quantised(export, step)
        self.network.load_state_dict(self.weights | weights)
        kl, losses = [], []
        for at, answer in enumerate(self._answers()):
            before = self.answers[at]
            kl.append((before.exp() * (before - answer)).sum(-1).double().mean(1))
            losses.append(self._loss(answer, at))
        self.network.load_state_dict(self.weights)
        added = torch.cat(losses) - self.losses
        bits = 8 * size / self.count
        return Point(self.seed, method, bits, saved, torch.cat(kl).tolist(), added.tolist(), self.part, self.count)


def block_of(name: str) -> str:
    """`blocks.N` of a matrix's name."""
    return ".".join(name.split(".")[:2])


def public_recipe(
    matrices: Mapping[str, Tensor], hessians: Mapping[str, Tensor], step: float
) -> tuple[dict[str, Tensor], int]:
    """(weights, bytes) of rows scaled by their deviation and clipped (SDClip), GPTQ, brotli (lzma where it lacks)."""
    levels = 31 if step > 0.13 else 127
    scales = {name: (step * value.std(1)).half().float() for name, value in matrices.items()}
    turns = {name: Turn(value, scales[name], levels, hessians[name]) for name, value in matrices.items()}
    integers = rounded_by_shape(turns, Factors(hessians, GptqConfig(tokens=1)))
    back = {name: integers[name] * scales[name][:, None] for name in matrices}
    raw = b"".join(integers[name].to(torch.int8).numpy().tobytes() for name in matrices)
    scale_bytes = 2 * sum(len(value) for value in matrices.values())
    return back, len(compress(raw, "brotli" if has_brotli() else "lzma", thorough=True)) + scale_bytes


@dataclass(frozen=True)
class Asked:
    """What to measure."""

    folder: Path
    """Of trained models."""
    seeds: tuple[int, ...] = (1, 2)
    steps: int = STEPS
    parts: tuple[str, ...] = PARTS
    methods: tuple[str, ...] = tuple(METHODS)
    out: Path | None = None


def read_points(path: Path) -> list[Point]:
    """Points of a file of JSON lines, or of results that hold `points`; none where it is not there."""
    if not path.is_file():
        return []
    known = {item.name for item in fields(Point)}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Point(**{name: value for name, value in line.items() if name in known}) for line in lines]


def measured(asked: Asked) -> list[Point]:
    """All points; those that the file `out` has are not measured again."""
    found = read_points(asked.out) if asked.out is not None else []
    for seed in asked.seeds:
        bench = Bench(asked.folder, seed, asked.steps)
        print(f"model {seed}: held-out loss {float(bench.losses.mean()):.4f}", flush=True)
        for block, why in bench.sick().items():
            print(f"  not healthy: {block}, {why}")
        for part in asked.parts:
            bench.take(part)
            for number, rate in enumerate(RATES):
                for method in asked.methods:
                    own = (method, seed, part)
                    if sum((point.method, point.seed, point.part) == own for point in found) > number:
                        continue
                    found.append(bench.measure(method, rate))
                    last = found[-1]
                    print(f"  {part:8}{method:14} {last.bits:.3f} bits, KL {np.mean(last.kl):.3e}", flush=True)
                    if asked.out is not None:
                        with asked.out.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(asdict(last)) + "\n")
    return found


def code_of_methods() -> dict[str, int]:
    """Bytes that a packed script has more for each method than for golf's plain step, of the job that uses them."""
    return {
        name: script_growth(JOB, export.rounding, export.steps)
        for name, export in METHODS.items()
        if export is not None
    }


def main() -> None:
    """Measure what FILE does not have yet, then print everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="1,2", help="none: only print what FILE has")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--parts", default=",".join(PARTS), help="blocks: all, healthy")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON lines; what is there is not measured again")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seeds = tuple(int(seed) for seed in arguments.seeds.split(",") if seed.isdecimal())
    parts, methods = (tuple(given.split(",")) for given in (arguments.parts, arguments.methods))
    asked = Asked(arguments.folder, seeds, arguments.steps, parts, methods, arguments.out)
    report(measured(asked), methods, code_of_methods())


if __name__ == "__main__":
    main()
