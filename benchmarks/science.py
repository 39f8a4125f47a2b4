"""Techniques of the frontier held against what they replace, seed by seed, on small models and real text.

    python benchmarks/science.py [--seeds N] [--steps N] [--tokens N] [--systems JOB,JOB] [--out FILE]

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
from benchmarks.small_models import find_text
from benchmarks.yardstick import facts
from golf_model.config import ExportConfig, GolfConfig
from runner.plan.footprint import step_flops
from runner.statistics import holm, one_sample_power, paired

HORIZONS = {"EMA .99": 0.99, "EMA .9965": 0.9965, "EMA .997": 0.997}
"""Averages by the decay of a full run; those of a small one forget over as large a share of it."""
ALPHA, POWER = 0.05, 0.8
Scores = dict[str, list[float]]
"""Arm -> bits per byte of each seed, in one order."""

PACKINGS = (
    ("clip_floor rows", "SDClip rows"),
    ("SDClip rows", "one global step"),
    ("embedding to nearest", "SDClip rows"),
    ("embedding int8, k 20", "SDClip rows"),
)
"""(what is replaced, by what), both packed to the same bytes. SDClip rows: GPTQ of matrices and an int7 embedding."""


def exports(export: ExportConfig) -> dict[str, ExportConfig]:
    """The ways to pack one checkpoint of the frontier; the first is of a fixed size, which the others are to take."""
    plain = replace(export.sdclip, solve=False)
    return {
        "clip_floor rows": replace(export, rows="clip_floor", embed="int8", sdclip=plain),
        "SDClip rows": export,
        "one global step": replace(export, rows="clip_floor", embed="step", mlp="step", attn="step", sdclip=plain),
        "embedding to nearest": replace(export, gptq=replace(export.gptq, embed=False)),
        "embedding int8, k 20": replace(export, embed="int8", sdclip=replace(export.sdclip, embed=20.0)),
    }


def within(export: ExportConfig, cap: int) -> ExportConfig:
    """The same to be packed into `cap` bytes."""
    return replace(export, step=replace(export.step, cap_bytes=cap))


class Bench:
    """Everything that is measured, arm by arm."""

    def __init__(self, seeds: int, steps: int, tokens: int, systems: Sequence[str]) -> None:
        self.seeds, self.systems, self.text = seeds, systems, find_text()
        self.config = stepped_config("frontier", steps)
        self.scorer = Scorer.of(self.text, self.config, tokens)
        decays = {name: scaled_decay(decay, steps) for name, decay in HORIZONS.items()}
        self.decays = {name: decay for name, decay in decays.items() if decay > 0}  # others are no average at all
        self.scores: Scores = {}
        self.sizes: dict[str, list[int]] = {}

    def note(self, arm: str, bpb: float, size: int | None = None) -> None:
        """One seed's score of an arm."""
        self.scores.setdefault(arm, []).append(bpb)
        if size is not None:
            self.sizes.setdefault(arm, []).append(size)
        print(f"{arm}: {bpb:.5f}" + ("" if size is None else f" in {size:,} bytes"), flush=True)

    def measure(self, seed: int) -> None:
        """All arms of one seed."""
        print(f"seed {seed}", flush=True)
        model = trained(self.config, self.text, seed, self.decays)
        self.note("no average", self.scorer.bpb(self.config, model.live))
        for name, weights in model.averages.items():
            self.note(name, self.scorer.bpb(self.config, weights))
        cap = 0
        for name, export in exports(self.config.export).items():
            bpb, size = self.packed(self.config, within(export, cap) if cap else export, model)
            cap = cap or size
            self.note(name, bpb, size)
        for name in self.systems:
            self.system(name, seed, model)

    def packed(self, config: GolfConfig, export: ExportConfig, model: Trained) -> tuple[float, int]:
        """Score and bytes of those weights so packed."""
        return packed_bpb(replace(config, export=export), model, self.scorer)

    def comparisons(self) -> list[tuple[str, str]]:
        """(baseline, candidate) of every pair that is tested, in the table's order."""
        averages = (("no average", name) for name in self.decays)
        return [*PACKINGS, *averages, *((name, f"frontier as large as {name}") for name in self.systems)]

    def system(self, name: str, seed: int, frontier: Trained) -> None:
        """A seed job of as much compute, and the frontier in as many bytes."""
        config = as_much_compute(name, self.config)
        bpb, size = self.packed(config, config.export, trained(config, self.text, seed, {}))
        self.note(name, bpb, size)
        self.note(
            f"frontier as large as {name}", *self.packed(self.config, within(self.config.export, size), frontier)
        )


def resolved(std: float, pairs: int) -> float:
    """The smallest true difference that so many pairs find at 5 % one-sided with power .8, of that spread of
    differences (bpb)."""
    low, high = 0.0, 10.0 * std
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if one_sample_power(middle, std, pairs, ALPHA) >= POWER else (middle, high)
    return high


def table(scores: Mapping[str, Sequence[float]], pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Each comparison as gain [95 % interval], p (two-sided, and over all by Holm), n, and what n can tell apart."""
    rows: list[dict[str, Any]] = []
    for baseline, candidate in pairs:
        one, two = scores[baseline], scores[candidate]
        if one == two:  # to the last bit: nothing was changed, or nothing that counts
            raise ValueError(f"{candidate} is {baseline} in every seed")
        found = paired(one, two)
        std = spread([b - a for a, b in zip(one, two, strict=True)])
        told = "works as specified" if found.high < 0 else "worse here" if found.low > 0 else "not told apart"
        rows.append(
            {
                "baseline": baseline,
                "candidate": candidate,
                "gain": -found.delta,
                "low": -found.high,
                "high": -found.low,
                "p": found.p,
                "n": found.n,
                "resolves": resolved(std, found.n),
                "baseline_std": spread(one),
                "says": told,
            }
        )
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p
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
    parser.add_argument("--out", type=Path, help="results as JSON")
    given = parser.parse_args()
    if given.seeds < 2:
        parser.error("--seeds: a pair alone has no spread; take 2 or more")
    torch.set_num_threads(1)
    systems = [name for name in given.systems.split(",") if name]
    bench, begun = Bench(given.seeds, given.steps, given.tokens, systems), time.process_time()
    for seed in range(1, given.seeds + 1):
        bench.measure(seed)
        if seed > 1 and given.out is not None:  # what there is so far, should it be stopped
            found = {"cpu_seconds": round(time.process_time() - begun, 1), **results(bench)}
            given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(markdown(table(bench.scores, bench.comparisons())))


def results(bench: Bench) -> dict[str, Any]:
    """Everything found so far, with machine and versions."""
    steps = bench.config.schedule.iterations
    theirs = {name: as_much_compute(name, bench.config).schedule.iterations for name in bench.systems}
    return {
        **facts(torch.device("cpu"), 1),
        "text": bench.text.name,
        "held_out_tokens": bench.scorer.tokens.numel() - 1,
        "steps": {"frontier": steps, **theirs},
        "flops_a_step": step_flops(bench.config),
        "comparisons": table(bench.scores, bench.comparisons()),
        "bpb": bench.scores,
        "bytes": bench.sizes,
    }


if __name__ == "__main__":
    main()
