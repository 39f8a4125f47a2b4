"""How fast is one training step against the same step as the original scripts write it?

    python benchmarks/train_step.py [--device cuda] [--threads N] [--rounds N] [--only NAME] [--compile] [--json FILE]

Both sides begin with the same weights, see the same batches, and take turns, each in a process of its own, as each
would run: ours has its settings of the C library, which the originals do not make (--plain-memory: neither has).
Each round begins with the other side. Figures are medians over rounds. plain: benchmarks/plain.py, eager on CPU,
compiled on a GPU; ours is compiled there, too, and on a CPU with --compile. MFU: FLOPs that the function asks for
over what a large matrix product of that precision reaches in the same run. Memory: the process's peak (on a GPU: the
device's). Parts are timed apart, the device waited for after each. CPU time is what the process got of its cores: on
one thread its ratio holds on a machine that others use, too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.away import Away
from benchmarks.yardstick import (
    facts,
    make_network,
    our_side,
    peak_flops,
    peak_memory_mib,
    plain_side,
    random_batches,
    synchronise,
)
from golf_model.config.batch import BatchConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from golf_model.process.devices import has_fast_bfloat16, keep_freed_memory
from runner.job.load import load_job
from runner.job.profiles import with_profile
from runner.plan.footprint import step_flops

JOBS = Path(__file__).resolve().parents[1] / "jobs"
ROUNDS = 7
SECONDS_PER_TURN = 0.6
"""Steps of one turn take about so long, and there is at least one."""


@dataclass(frozen=True)
class Case:
    """A configuration and the precision in which its step is made."""

    name: str
    config: GolfConfig
    dtype: torch.dtype


def wide(length: int, layers: int = 4, vocabulary: int = 1024) -> GolfConfig:
    """The baseline's width, few layers, 4096 tokens a step."""
    model = ModelConfig(num_layers=layers, vocab_size=vocabulary)
    return GolfConfig(model=model, batch=BatchConfig(max(4096, length), length, max(4096, length), 1))


def job_config(name: str, profile: str | None = None) -> GolfConfig:
    """The configuration of a shipped job."""
    return with_profile(load_job(JOBS / f"{name}.yaml"), profile).config


def cases(device: torch.device, growth: bool) -> Iterator[Case]:
    """What is measured on a device. growth: also how cost grows with length, layers and vocabulary."""
    if device.type == "cuda":
        for name in ("pr372", "pr465"):
            config = job_config(name)
            batch = replace(config.batch, train_batch_tokens=65536, micro_batches=1)
            yield Case(f"{name}, 65,536 tokens, bf16", replace(config, batch=batch), torch.bfloat16)
        return
    for name, profile in (("quickstart", None), ("pr372", "small")):
        for dtype, short in ((torch.float32, "fp32"), (torch.bfloat16, "bf16")):
            yield Case(f"{name}{f' {profile}' if profile else ''}, {short}", job_config(name, profile), dtype)
    for length in (512, 1024, 2048):
        for dtype, short in ((torch.bfloat16, "bf16"), (torch.float32, "fp32")):
            if length == 1024 or growth:
                yield Case(f"d512, T {length}, {short}", wide(length), dtype)
    if growth:
        yield Case("d512, T 256, bf16", wide(256), torch.bfloat16)
        yield Case("d512, T 1024, 8 layers, bf16", wide(1024, layers=8), torch.bfloat16)
        yield Case("d512, T 1024, vocabulary 8192, bf16", wide(1024, vocabulary=8192), torch.bfloat16)


class Turns:
    """One side of a case: name `plain` or `ours`."""

    def __init__(
        self, case: Case, name: str, device: torch.device, threads: int, keeps_memory: bool, compiled: bool
    ) -> None:
        torch.set_num_threads(threads)
        if keeps_memory:
            keep_freed_memory()
        network = make_network(case.config, case.dtype, device, compiled=compiled)
        make = {"plain": plain_side, "ours": our_side}[name]
        self.side = make(case.config, network, compiled)
        self.batches, self.device = random_batches(case.config, device), device

    def first_loss(self) -> float:
        """The loss of the first weights."""
        return float(self.side.parts["gradients"](self.batches))

    def seconds(self, steps: int) -> tuple[float, float]:
        """(Seconds, seconds of CPU time) of one step, the mean of some; the last loss is read."""
        synchronise(self.device)
        begun, used = time.perf_counter(), time.process_time()
        for _ in range(steps):
            loss = self.side.step(self.batches)
        float(loss)
        synchronise(self.device)
        return (time.perf_counter() - begun) / steps, (time.process_time() - used) / steps

    def memory_mib(self) -> float | None:
        """The most that a step needs."""
        return peak_memory_mib(self.device, lambda: self.side.step(self.batches))

    def parts_ms(self) -> dict[str, float]:
        """Milliseconds of each part of a step, medians of five."""
        times: dict[str, list[float]] = {name: [] for name in self.side.parts}
        for _ in range(5):
            for name, part in self.side.parts.items():
                synchronise(self.device)
                begun = time.perf_counter()
                part(self.batches)
                synchronise(self.device)
                times[name].append(1000 * (time.perf_counter() - begun))
        return {name: round(statistics.median(values), 3) for name, values in times.items()}


def measure(case: Case, device: torch.device, asked: argparse.Namespace, peak: float) -> Any:
    """Both sides of a case."""
    on_gpu = device.type == "cuda"
    keeps = {"plain": False, "ours": not on_gpu and not asked.plain_memory}
    compiled = {"plain": on_gpu, "ours": on_gpu or asked.compile}
    sides = {
        name: Away(Turns, case, name, device, asked.threads, keep, compiled[name]) for name, keep in keeps.items()
    }
    for side in sides.values():
        side.tell("first_loss")  # which compiles: at the same time in both, or a GPU's minutes are gone
    first = {name: side.answer() for name, side in sides.items()}
    tolerance = 1e-5 if case.dtype == torch.float32 else 2e-2
    if abs(first["plain"] - first["ours"]) > tolerance * first["plain"]:
        raise SystemExit(f"{case.name}: the sides disagree about the first loss: {first}")
    for side in sides.values():
        side.call("seconds", 1)
    once = max(side.call("seconds", 1)[0] for side in sides.values())
    steps = max(1, round(SECONDS_PER_TURN / once))
    times: dict[str, list[float]] = {name: [] for name in sides}
    used: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(asked.rounds):
        for name in sorted(sides, reverse=bool(turn % 2)):
            took, cpu = sides[name].call("seconds", steps)
            times[name].append(took)
            used[name].append(cpu)
    work, tokens = step_flops(case.config), case.config.batch.train_batch_tokens
    row: dict[str, Any] = {"case": case.name, "tokens": tokens, "gflops": work / 1e9, "steps_per_turn": steps}
    for name, side in sides.items():
        median = statistics.median(times[name])
        row[name] = {
            "ms": 1000 * median,
            "cpu_ms": 1000 * statistics.median(used[name]),
            "tokens_per_s": tokens / median,
            "mfu": work / median / peak,
            "memory_mib": side.call("memory_mib"),
            "parts_ms": side.call("parts_ms"),
            "rounds_ms": [round(1000 * value, 3) for value in times[name]],
            "rounds_cpu_ms": [round(1000 * value, 3) for value in used[name]],
        }
        side.close()
    row["ratio"] = row["plain"]["ms"] / row["ours"]["ms"]
    for name, values in (("ratio_of_rounds", times), ("ratio_of_cpu_time", used)):
        pairs = zip(values["plain"], values["ours"], strict=True)
        row[name] = statistics.median(plain / ours for plain, ours in pairs)
    return row


def shown(row: dict[str, Any]) -> str:
    """A line of the table."""
    ours, plain = row["ours"], row["plain"]
    memory = "/".join("?" if side["memory_mib"] is None else f"{side['memory_mib']:.0f}" for side in (plain, ours))
    parts = " ".join(
        f"{name}:{plain['parts_ms'][name]:.1f}/{ours['parts_ms'][name]:.1f}" for name in ours["parts_ms"]
    )
    ratios = f"{row['ratio_of_rounds']:>7.2f}x{row['ratio_of_cpu_time']:>7.2f}x"
    mfu = f"{100 * plain['mfu']:.1f}/{100 * ours['mfu']:.1f}%"
    times = f"{plain['ms']:>9.1f}{ours['ms']:>9.1f}{ours['tokens_per_s']:>11,.0f}"
    return f"{row['case']:32}{times}{ratios}{mfu:>13}{memory:>12}  {parts}"


def main() -> None:
    """Print the table, and keep it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--growth", action="store_true", help="also other lengths, layers, vocabularies")
    parser.add_argument("--plain-memory", action="store_true", help="leave the C library as it is on both sides")
    parser.add_argument("--compile", action="store_true", help="ours compiled on a CPU, too")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    kept = [case for case in cases(device, arguments.growth) if arguments.only in case.name]
    if not has_fast_bfloat16(device) and "bf16" not in arguments.only:
        print("no bf16: this device has no instructions for it, and golf trains in fp32 here")
        kept = [case for case in kept if case.dtype != torch.bfloat16]
    if not kept:
        raise SystemExit(f"--only {arguments.only}: no case is called so")
    peaks = {dtype: peak_flops(device, dtype) for dtype in {case.dtype for case in kept}}
    about = facts(device, arguments.threads)
    about["peak_tflops"] = {str(dtype): round(peak / 1e12, 3) for dtype, peak in peaks.items()}
    print(f"{about}; medians of {arguments.rounds} rounds; plain/ours\n")
    heads = f"{'plain ms':>9}{'ours ms':>9}{'ours tok/s':>11}{'ratio':>8}{'by CPU':>8}{'MFU':>13}{'MiB':>12}"
    print(f"{'case':32}{heads}  parts, ms")
    table = []
    for case in kept:
        table.append(measure(case, device, arguments, peaks[case.dtype]))
        print(shown(table[-1]), flush=True)
        if arguments.json:
            how = {name: getattr(arguments, name) for name in ("rounds", "plain_memory", "compile")}
            content = json.dumps({**about, **how, "table": table}, indent=1)
            arguments.json.write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
