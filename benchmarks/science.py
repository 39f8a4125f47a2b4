"""Techniques of the frontier held against what they replace, seed by seed, on small models and real text.

    python benchmarks/science.py [--seeds N] [--steps N] [--tokens N] [--systems JOB,JOB] [--parts DIR] [--out FILE]
    python benchmarks/science.py ... --parts DIR --only 1,3     # these seeds here, others in another process
    python benchmarks/science.py ... --parts DIR --found        # the table of what the folder has

One small profile of jobs/frontier.yaml is trained for each seed, by steps. Its weights are then packed in several
ways, all to the bytes that the first of them takes, and its averages of several horizons are scored. Small profiles
of seed jobs are trained with as many operations, on the same data, and packed as they are; the frontier's weights are
packed to the same bytes. Every pair is of one seed, so differences are tested pairwise with golf's own statistics.

Which comparisons are made is decided before: those that 5 pairs can tell apart by the project's plan (packings and
averages of the same weights; whole systems). QK gain, partial rotation, lanes, loops and the like are not: they move
1 to 4 thousandths, for which 20 to 60 seeds or a GPU are needed. What is found says that a technique works as
specified at this size, and nothing of what it gains at full size.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.science_models import (
    Scorer,
    Trained,
    as_much_compute,
    packed_bpb,
    scaled_decay,
    spread,
    stepped_config,
    trained,
)
from benchmarks.science_parts import Parts
from benchmarks.small_models import find_text
from benchmarks.yardstick import facts
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import SdclipConfig, ShapedStepsConfig
from runner.plan.footprint import step_flops
from runner.statistics import holm, one_sample_power, paired

HORIZONS = {"EMA .99": 0.99, "EMA .9965": 0.9965, "EMA .997": 0.997}
"""Averages by the decay of a full run; those of a small one forget over as large a share of it."""
ALPHA, POWER = 0.05, 0.8
LEAST_PAIRS = 2
"""One pair alone has no spread."""

PACKINGS = (
    ("clip_floor rows", "SDClip rows"),
    ("SDClip rows", "one global step"),
    ("embedding to nearest", "SDClip rows"),
    ("embedding int8, k 20", "SDClip rows"),
    ("SDClip rows", "steps of columns"),
    ("SDClip rows", "steps of all"),
    ("steps of all", "steps of all, trellis"),
)
"""(what is replaced, by what), both packed to the same bytes. SDClip rows: the public recipe, GPTQ of matrices and of
an int7 embedding. Steps of columns: of matrices alone, the embedding as before. The last is jobs/frontier.yaml's."""


def exports(export: ExportConfig) -> dict[str, ExportConfig]:
    """The ways to pack one checkpoint of the frontier; the first is of a fixed size, which the others are to take."""
    export = replace(export, embed="int7", mlp="int6", attn="int6", rounding="gptq", steps=ShapedStepsConfig())
    export = replace(export, rows="sdclip", sdclip=SdclipConfig(embed=14.0, mlp=11.5, attn=13.0, solve=True))
    plain = replace(export.sdclip, solve=False)
    steps = replace(export.steps, matrices="predicted", columns="cholesky")
    columns = replace(export, mlp="step", attn="step", sdclip=plain, steps=steps)
    every = replace(columns, embed="step")
    return {
        "clip_floor rows": replace(export, rows="clip_floor", embed="int8", sdclip=plain),
        "SDClip rows": export,
        "one global step": replace(export, rows="clip_floor", embed="step", mlp="step", attn="step", sdclip=plain),
        "embedding to nearest": replace(export, gptq=replace(export.gptq, embed=False)),
        "embedding int8, k 20": replace(export, embed="int8", sdclip=replace(export.sdclip, embed=20.0)),
        "steps of columns": columns,
        "steps of all": every,
        "steps of all, trellis": replace(every, rounding="trellis"),
    }


def within(export: ExportConfig, cap: int) -> ExportConfig:
    """The same to be packed into `cap` bytes."""
    return replace(export, step=replace(export.step, cap_bytes=cap))


class Bench:
    """Everything that is measured, arm by arm."""

    def __init__(self, steps: int, tokens: int, systems: Sequence[str], parts: Path) -> None:
        self.systems, self.text, self.folder = systems, find_text(), parts
        self.config = stepped_config("frontier", steps)
        self.scorer = Scorer.of(self.text, self.config, tokens)
        decays = {name: scaled_decay(decay, steps) for name, decay in HORIZONS.items()}
        self.decays = {name: decay for name, decay in decays.items() if decay > 0}  # others are no average at all
        self.settings = {
            "text": self.text.name,
            "held_out_tokens": self.scorer.tokens.numel() - 1,
            "steps": steps,
            "flops_a_step": step_flops(self.config),
        }
        self.clock = time.process_time()

    def parts(self, seed: int) -> Parts:
        """What there is of a seed."""
        return Parts(self.folder, seed, self.settings)

    def note(self, parts: Parts, arm: str, bpb: float, size: int | None = None) -> None:
        """One seed's score of an arm."""
        before, self.clock = self.clock, time.process_time()
        parts.note(arm, bpb, size, self.clock - before)
        took = f", {self.clock - before:.1f} s of CPU time"
        print(f"{arm}: {bpb:.5f}" + ("" if size is None else f" in {size:,} bytes") + took, flush=True)

    def frontier(self, parts: Parts, seed: int) -> Trained:
        """That seed's frontier, trained once."""
        model = parts.model()
        if model is None:
            model = trained(self.config, self.text, seed, self.decays)
            parts.keep(model)
        return model

    def packings(self, seed: int) -> None:
        """One seed's averages, and its weights packed in every way."""
        parts = self.parts(seed)
        ways = exports(self.config.export)
        if all(parts.has(arm) for arm in ("no average", *self.decays, *ways)):
            return
        print(f"seed {seed}", flush=True)
        model = self.frontier(parts, seed)
        for name, weights in {"no average": model.live, **model.averages}.items():
            if not parts.has(name):
                self.note(parts, name, self.scorer.bpb(self.config, weights))
        for name, export in ways.items():
            cap = parts.sizes.get("clip_floor rows")
            if not parts.has(name):
                self.note(parts, name, *self.packed(self.config, within(export, cap) if cap else export, model))

    def system(self, name: str, seed: int) -> None:
        """A seed job of as much compute, and the frontier in as many bytes."""
        parts, rival = self.parts(seed), f"frontier as large as {name}"
        if not parts.has(name):
            print(f"seed {seed}, {name}", flush=True)
            config = as_much_compute(name, self.config)
            self.note(parts, name, *self.packed(config, config.export, trained(config, self.text, seed, {})))
        if not parts.has(rival):
            export = within(self.config.export, parts.sizes[name])
            self.note(parts, rival, *self.packed(self.config, export, self.frontier(parts, seed)))

    def packed(self, config: GolfConfig, export: ExportConfig, model: Trained) -> tuple[float, int]:
        """Score and bytes of those weights so packed."""
        return packed_bpb(replace(config, export=export), model, self.scorer)

    def comparisons(self) -> list[tuple[str, str]]:
        """(baseline, candidate) of every pair that is tested, in the table's order."""
        averages = (("no average", name) for name in self.decays)
        return [*PACKINGS, *averages, *((name, f"frontier as large as {name}") for name in self.systems)]


def resolved(std: float, pairs: int) -> float:
    """The smallest true difference that so many pairs find at 5 % one-sided with power .8, of that spread of
    differences (bpb)."""
    low, high = 0.0, 10.0 * std
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if one_sample_power(middle, std, pairs, ALPHA) >= POWER else (middle, high)
    return high


def table(found: Sequence[Mapping[str, float]], pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Each comparison as gain [95 % interval], p (two-sided, and over all by Holm), n, and what n can tell apart.

    found: arm -> bits per byte, of each seed; a pair counts the seeds that have both, and is left out below two.
    """
    rows: list[dict[str, Any]] = []
    for baseline, candidate in pairs:
        both = [seed for seed in found if baseline in seed and candidate in seed]
        if len(both) < LEAST_PAIRS:
            continue
        one, two = [seed[baseline] for seed in both], [seed[candidate] for seed in both]
        if one == two:  # to the last bit: nothing was changed, or nothing that counts
            raise ValueError(f"{candidate} is {baseline} in every seed")
        test = paired(one, two)
        std = spread([b - a for a, b in zip(one, two, strict=True)])
        rows.append(
            {
                "baseline": baseline,
                "candidate": candidate,
                "gain": -test.delta,
                "low": -test.high,
                "high": -test.low,
                "p": test.p,
                "n": test.n,
                "resolves": resolved(std, test.n),
                "baseline_std": spread(one),
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        told = "works as specified" if row["gain"] > 0 else "worse here"
        row |= {"p_holm": p, "says": told if p < ALPHA else "not told apart"}
    return rows


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The table for README.md."""
    lines = [
        "| replaced | by | gain, bpb | 95 % interval | p | p of all | n | tells apart | |",
        "|---|---|" + "---:|" * 6 + "---|",
    ]
    for row in rows:
        numbers = (
            f"{row['gain']:+.4f} | [{row['low']:+.4f}, {row['high']:+.4f}] | {row['p']:.2g} | {row['p_holm']:.2g}"
        )
        pair, found = f"{row['baseline']} | {row['candidate']}", f"{row['n']} | {row['resolves']:.4f} | {row['says']}"
        lines.append(f"| {pair} | {numbers} | {found} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="pairs of every comparison (5)")
    parser.add_argument("--steps", type=int, default=200, help="optimizer steps of the frontier's profile (200)")
    parser.add_argument("--tokens", type=int, default=65_536, help="held-out tokens that are scored (65,536)")
    parser.add_argument("--systems", default="baseline,pr372", help="seed jobs, or '' for none (baseline,pr372)")
    parser.add_argument(
        "--parts", type=Path, help="folder of each seed's scores and weights, from which a run goes on"
    )
    parser.add_argument("--only", help="of these seeds alone: 1,3,5; all of them without it")
    parser.add_argument("--found", action="store_true", help="measure nothing: the table of what --parts has")
    parser.add_argument("--out", type=Path, help="results as JSON")
    given = parser.parse_args()
    if given.seeds < LEAST_PAIRS:
        parser.error("--seeds: a pair alone has no spread; take 2 or more")
    if (given.only or given.found) and given.parts is None:
        parser.error("--parts: which folder?")
    torch.set_num_threads(1)
    systems = [name for name in given.systems.split(",") if name]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(given.steps, given.tokens, systems, given.parts or Path(folder))
        every = range(1, given.seeds + 1)
        if not given.found:
            measure(bench, [int(seed) for seed in given.only.split(",")] if given.only else every)
        found = results(bench, every)
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(markdown(found["comparisons"]))


def measure(bench: Bench, seeds: Sequence[int]) -> None:
    """All that those seeds lack: packings of the same weights first, since they tell most for their time."""
    for seed in seeds:
        bench.packings(seed)
    for seed in seeds:
        for name in bench.systems:
            bench.system(name, seed)


def results(bench: Bench, seeds: Sequence[int]) -> dict[str, Any]:
    """Everything found so far, with machine and versions."""
    parts = {seed: bench.parts(seed) for seed in seeds}
    there = {seed: one for seed, one in parts.items() if one.bpb}
    steps = {name: as_much_compute(name, bench.config).schedule.iterations for name in bench.systems}
    return {
        "cpu_seconds": round(sum(one.found["cpu_seconds"] for one in there.values()), 1),
        **facts(torch.device("cpu"), 1),
        **bench.settings,
        "steps": {"frontier": bench.config.schedule.iterations, **steps},
        "comparisons": table([one.bpb for one in there.values()], bench.comparisons()),
        "bpb": {seed: one.bpb for seed, one in there.items()},
        "bytes": {seed: one.sizes for seed, one in there.items()},
    }


if __name__ == "__main__":
    main()
