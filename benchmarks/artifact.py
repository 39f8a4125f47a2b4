"""What the artifact's parts reach: coders against their bound, quantisers against each other, sizes against a cap.

    python benchmarks/artifact.py [--parts P,P] [--seconds S] [--seeds N] [--runs N] [--threads N] [--json FILE]

trained, synthetic: the same integers by every coder, from a trained model and from 27 M synthetic weights. losses:
loss that absmax rows add, with and without GPTQ; and int6 absmax rows under zstd-22 against a uniform step solved for
the very same bytes and fewer. steps (only where asked for): shaped steps and the trellis on models that train for
thousands of steps, which --models keeps (artifact_steps.py). caps: small models, each against a cap of its own, and
the forecasts on the way. What stands in one table was measured on the same weights; --seconds is the training of each
larger model.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from pathlib import Path
from statistics import fmean as mean
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.artifact_coders import (
    ABSMAX,
    as_json,
    coder_rows,
    estimate_error,
    peak_memory_mib,
    print_rows,
    synthetic,
    trained,
)
from benchmarks.artifact_rates import (
    RULES,
    SHARES,
    Trained,
    fit_run,
    in_window,
    interval,
    ladder,
    quantiser_losses,
    share_at_equal_loss,
    train_one,
)
from benchmarks.artifact_savings import report
from benchmarks.artifact_steps import METHODS, Asked, code_of_methods, measured
from benchmarks.small_models import Text, find_text
from golf_model.process.devices import device_name
from runner.plan.past_sizes import prediction

PARTS = ("trained", "synthetic", "losses", "caps")
LONG_PARTS = ("steps",)
"""Only where they are asked for."""
CODE_BYTES = 45_000
"""Stands for the script in the runs against a cap."""
PAST_RUNS = 3
CAPS = (230_000, 260_000, 300_000, 340_000)


def trained_coders(model: Trained, facts: dict[str, Any]) -> None:
    """Tables of coders on a trained model's integers."""
    layers = model.config.model.num_layers
    for bits, export in ABSMAX.items():
        matrices = trained(model.weights, layers, export)
        rows = list(coder_rows(f"trained, int{bits} absmax rows, int8 embedding", matrices))
        print_rows(rows)
        facts["coders"] += as_json(rows)
        facts["estimate_error"][f"trained int{bits}"] = estimate_error(matrices)


def synthetic_coders(facts: dict[str, Any]) -> None:
    """Tables of coders on as many integers as a full artifact has, and the memory that ours takes."""
    for kind in ("Gauss", "Laplace"):
        rows = list(coder_rows(f"{kind} rows, int6", synthetic(kind)))
        print_rows(rows)
        facts["coders"] += as_json(rows)
    facts["peak_memory_mib"] = peak_memory_mib()
    print("\npeak memory, MiB:", ", ".join(f"{name} {size:,.0f}" for name, size in facts["peak_memory_mib"].items()))


def losses(models: list[Trained], facts: dict[str, Any]) -> None:
    """Tables of quantisers."""
    tables = [quantiser_losses(model) for model in models]
    print(f"\nloss added, nats per token, {len(models)} seeds (mean, 95 % t interval of the mean)")
    for name in tables[0]:
        mean, low, high = interval([table[name] for table in tables])
        print(f"{name:16}{mean:>10.5f}   [{low:.5f}, {high:.5f}]")
    for bits in ABSMAX:
        ratios = [table[f"int{bits} gptq"] / table[f"int{bits} absmax"] for table in tables]
        print(f"int{bits}: gptq / absmax, each seed {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
    facts["quantisers"] = tables
    ladders = [ladder(model) for model in models]
    aim = interval([one.loss for one in ladders])
    print("\nint6 absmax rows under zstd-22 against a step solved for shares of the very same bytes: loss added")
    print(f"{'':26}{'equal bytes':>12}  {'95 % t interval':22}" + "".join(f"{share:>9.0%}" for share in SHARES[1:]))
    print(f"{'int6 absmax, zstd-22':26}{aim[0]:>12.5f}  [{aim[1]:.5f}, {aim[2]:.5f}]")
    for name in RULES:
        means = [interval([one.losses[name][index] for one in ladders]) for index in range(len(SHARES))]
        (mean, low, high), curve = means[0], [found[0] for found in means]
        print(f"{name:26}{mean:>12.5f}  [{low:.5f}, {high:.5f}]  " + "".join(f"{loss:>9.5f}" for loss in curve[1:]))
        print(f"{'':26}as much is lost at {share_at_equal_loss(curve, aim[0]):.3f} of the bytes (means over seeds)")
    facts["ladders"] = [vars(one) for one in ladders]


def caps(text: Text, runs: int, seconds: float, facts: dict[str, Any]) -> None:
    """Table of runs against a cap."""
    print(f"\n{runs} runs of {seconds:g} s against small caps, script of {CODE_BYTES:,} bytes")
    print(f"{'seed':>5}{'cap':>10}{'total':>10}{'under':>7}{'fits':>6}{'90 %':>9}{'50 %':>9}")
    fits = []
    for seed in range(1, runs + 1):
        fit = fit_run(seconds, text, seed, CAPS[seed % len(CAPS)], CODE_BYTES)
        fits.append(fit)
        errors = [forecast / fit.fixed_final - 1 for forecast in (fit.fixed_at_nine_tenths, fit.fixed_at_half)]
        print(
            f"{seed:>5}{fit.cap:>10,}{fit.total:>10,}{fit.cap - fit.total:>7}{'yes' if in_window(fit) else 'NO':>6}"
            f"{100 * errors[0]:>+8.2f}%{100 * errors[1]:>+8.2f}%",
            flush=True,
        )
    hits = sum(map(in_window, fits))
    near = sum(abs(fit.fixed_at_nine_tenths / fit.fixed_final - 1) <= 0.005 for fit in fits)
    print(f"in the window: {hits} of {runs}; forecast at 90 % within 0.5 %: {near} of {runs}")
    asked, held = 0, 0
    for index in range(PAST_RUNS, runs):
        expected = prediction([fit.fixed_final for fit in fits[:index]], CODE_BYTES)
        asked += expected is not None
        held += expected is not None and expected.low <= fits[index].fixed_final + CODE_BYTES <= expected.high
    print(f"size of a run in the interval from those before it, from the fourth on: {held} of {asked}")
    facts["caps"] = [vars(fit) for fit in fits]


def main() -> None:
    """Print the tables, and keep them where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="some of: " + ", ".join(PARTS + LONG_PARTS))
    parser.add_argument("--models", type=Path, default=Path("runs/benchmark-models"), help="models of part steps")
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--run-seconds", type=float, default=10.0)
    parser.add_argument("--val-tokens", type=int, default=65536)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    text = find_text()
    hardware = f"{device_name(torch.device('cpu'))}, {arguments.threads} thread(s)"
    versions = f"python {platform.python_version()}, torch {torch.__version__}"
    print(f"{hardware}; {versions}; {text.name}")
    facts: dict[str, Any] = {"hardware": hardware, "versions": versions, "text": text.name, "coders": []}
    facts |= {"estimate_error": {}, "training_seconds": arguments.seconds}
    parts, models = set(arguments.parts.split(",")), []
    if parts - {*PARTS, *LONG_PARTS}:
        parser.error(f"--parts: some of {', '.join(PARTS + LONG_PARTS)}")
    for seed in range(1, arguments.seeds + 1) if parts & {"trained", "losses"} else ():
        models.append(train_one(arguments.seconds, text, seed, arguments.val_tokens))
        print(f"seed {seed}: {models[-1].steps} steps, {models[-1].loss:.4f} nats", flush=True)
    facts["losses"] = [model.loss for model in models]
    if "trained" in parts:
        trained_coders(models[0], facts)
    if "synthetic" in parts:
        synthetic_coders(facts)
    if "losses" in parts:
        losses(models, facts)
    if "caps" in parts:
        caps(text, arguments.runs, arguments.run_seconds, facts)
    if "steps" in parts:
        points, code = measured(Asked(arguments.models)), code_of_methods()
        report(points, tuple(METHODS), code)
        facts["steps"] = [
            {"seed": p.seed, "part": p.part, "method": p.method, "bits": p.bits, "kl": mean(p.kl)} for p in points
        ]
        facts["steps_code_bytes"] = code
    if arguments.json:
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
