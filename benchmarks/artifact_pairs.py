"""End to end at equal bytes: weights that a run kept, packed to its cap with a plain step and with shaped ones.

    python benchmarks/artifact_pairs.py RUN [RUN ...] [--seeds S,S] [--out FILE]

RUN: folder of a `golf run` whose job keeps weights and shapes steps, so that all that they want was seen. Each
seed's weights are packed by the job's export and by the same one without shaped steps and trellis, so that script
and artifact fit the cap; what a script needs more is charged by its own size. The artifact is read back and scored on
the validation text. Training is the same for both: it does not know how it will be packed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.artifact_rates import interval
from benchmarks.small_models import build, find_text, score
from golf_model.artifact.artifact import unpack_model
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import ShapedStepsConfig
from golf_model.main import pack
from golf_model.repack import read_kept
from runner.folder.paths import RunFolder
from runner.folder.runs import noted_job
from runner.job.load import job_from_mapping
from runner.script.bundle import make_script

RUNGS = ("float", "plain", "shaped", "shaped + trellis")


@dataclass(frozen=True)
class Pair:
    """One seed's weights packed in one way."""

    run: str
    qat: bool
    seed: int
    way: str
    code_bytes: int
    total_bytes: int
    step: float
    bpb: float
    predicted: float
    """Bits a weight that shaped steps were predicted to save."""


def exported(config: GolfConfig, way: str) -> GolfConfig:
    """The configuration that packs in that way; what it trains is the same."""
    if way == "plain":
        return replace(config, export=replace(config.export, rounding="gptq", steps=ShapedStepsConfig()))
    return config if way == "shaped + trellis" else replace(config, export=replace(config.export, rounding="gptq"))


def packed(folder: Path, seeds: list[int], ways: list[str]) -> Iterator[Pair]:
    """Every seed's weights in every way."""
    run = RunFolder(folder)
    trained = job_from_mapping(noted_job(run), source=str(run.job)).config
    validation = find_text().validation(trained)
    for seed in seeds:
        kept = run.attempt(seed, 1).kept
        weights, seen = read_kept(kept, trained)
        network = build(trained)
        for way in ways:
            config, lines = exported(trained, way), list[str]()
            code, total, size = 0, 0, 0.0
            state = weights
            if way != "float":
                code = make_script(config).code_bytes
                made, step = pack(weights, seen, config, code, lines.append)
                state, total = unpack_model(made.blob, config.model, config.export), code + len(made.blob)
                size = step.size if step is not None else 0.0
            network.load_state_dict(state)
            bpb = score(network, config, validation).val_bpb
            told = [line.split("total:")[1].split()[0] for line in lines if "predicted_bits_saved" in line]
            qat = config.qat.active != "off"
            yield Pair(folder.name, qat, seed, way, code, total, size, bpb, float(told[0]) if told else 0.0)


def report(found: list[Pair]) -> None:
    """Differences to the plain step, seed by seed, with the 95 % t interval of their mean."""
    by = {(one.qat, one.seed, one.way): one.bpb for one in found}
    for qat in sorted({one.qat for one in found}):
        seeds = sorted({one.seed for one in found if one.qat == qat})
        print(f"\nQAT {'on' if qat else 'off'}, seeds {seeds}: bpb against the plain step")
        for way in RUNGS:
            away = [by[qat, seed, way] - by[qat, seed, "plain"] for seed in seeds if (qat, seed, way) in by]
            if len(away) > 1:
                mean, low, high = interval(away)
                each = ", ".join(f"{one:+.5f}" for one in away)
                print(f"{way:18}{mean:+.5f} [{low:+.5f}, {high:+.5f}]   {each}")


def main() -> None:
    """Measure what FILE does not have yet, then print everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--ways", default=",".join(RUNGS))
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON lines, added to")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = arguments.out.read_text().splitlines() if arguments.out and arguments.out.is_file() else []
    found = [Pair(**json.loads(line)) for line in lines]
    with torch.inference_mode():
        for folder in arguments.runs:
            for seed in (int(text) for text in arguments.seeds.split(",")):
                done = {one.way for one in found if one.run == folder.name and one.seed == seed}
                for one in packed(folder, [seed], [way for way in arguments.ways.split(",") if way not in done]):
                    found.append(one)
                    print(f"seed {one.seed} {one.way:18}{one.total_bytes:>9,} B  {one.bpb:.5f} bpb", flush=True)
                    if arguments.out is not None:
                        with arguments.out.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(asdict(one)) + "\n")
    report(found)


if __name__ == "__main__":
    main()
