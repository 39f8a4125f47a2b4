"""How fast are the ways to score a text? Tokens of text per second, all ways side by side on the same weights.

    python benchmarks/evaluate.py [--device cuda] [--precision bfloat16] [--threads N] [--only NAME] [--json FILE]

one: the plain reference (benchmarks/plain.py, torch's fused attention), one window per forward pass, the head over
all positions. batched: the same with some windows at once. ours: batched, and head, last queries and last MLP for
positions that count alone. streaming: the text is read once (another rule, another score). Each way has a process of
its own, as each would run: golf's have its settings of the C library, which the plain ones do not make. Each round
times every way once, in turn; the table shows medians of the rounds and their ratios, the last one of CPU time
against batched.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.away import Away
from benchmarks.plain import PlainGPT
from benchmarks.yardstick import facts, make_network
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.process.devices import keep_freed_memory
from golf_model.process.distributed import World
from golf_model.scoring.evaluate import Tally, cut, evaluate, on_device, rows_at_once
from golf_model.scoring.streaming import evaluate_streaming
from golf_model.scoring.windows import Windows, windows_of

ROUNDS = 5
SECONDS_PER_WAY = 0.5
VOCAB = 1024


@dataclass(frozen=True)
class Shape:
    """A model and a window."""

    name: str
    model: ModelConfig
    window: int
    stride: int


def model(width: int, layers: int = 4) -> ModelConfig:
    """A small model of that width."""
    heads = max(2, width // 64)
    return ModelConfig(vocab_size=VOCAB, num_layers=layers, model_dim=width, num_heads=heads, num_kv_heads=heads // 2)


QUICKSTART = ModelConfig(
    vocab_size=VOCAB,
    num_layers=2,
    model_dim=160,
    num_heads=2,
    num_kv_heads=1,
    mlp_mult=3,
    bigram=BigramConfig(16384, 64),
)
SHAPES = [
    Shape("quickstart", QUICKSTART, 128, 16),
    *(
        Shape(f"width {width}, window {window}", model(width), window, stride)
        for width in (128, 512)
        for window, stride in ((128, 16), (256, 32), (1024, 64))
    ),
]


@torch.no_grad()
def full_head(
    network: PlainGPT, tokens: torch.Tensor, sizes: torch.Tensor, windows: Windows, rows: int, world: World
) -> float:
    """The plain way: the head over all positions, losses of some thrown away; mean loss in nats."""
    length = int(windows[0, 1])
    tally, tokens = Tally(world.device, torch.float64), on_device(tokens, world.device)
    sizes = sizes.to(world.device)
    for first in range(0, len(windows), rows):
        group = torch.from_numpy(windows[first : first + rows]).to(world.device)
        ids, targets, scored = cut(tokens, group, len(group), length)
        tally.add(network(ids, targets, mean=False), cut(sizes, group, len(group), length)[1], scored)
    return tally.score(world).val_loss


def ways(
    shape: Shape, tokens: torch.Tensor, dtype: torch.dtype, device: torch.device
) -> dict[str, Callable[[], float]]:
    """Every way of scoring the stream."""
    network = make_network(GolfConfig(model=shape.model), dtype, device)
    plain = PlainGPT(shape.model, dtype).to(device)
    plain.load_state_dict(network.state_dict())
    sizes = torch.ones(tokens.numel(), dtype=torch.int16)
    windows = windows_of("sliding", tokens.numel() - 1, shape.window, shape.stride)
    world = World(0, 1, device)
    rows = rows_at_once(64, shape.window, world.device)
    return {
        "one": lambda: full_head(plain, tokens, sizes, windows, 1, world),
        "batched": lambda: full_head(plain, tokens, sizes, windows, rows, world),
        "ours": lambda: evaluate(network, tokens, sizes, windows, rows, world).val_loss,
        "streaming": lambda: evaluate_streaming(network, tokens, sizes, shape.window, 8, world).val_loss,
    }


PLAIN = ("one", "batched")
OURS = ("ours", "streaming")


class Scorer:
    """One way of scoring a random text."""

    def __init__(self, shape: Shape, name: str, dtype: torch.dtype, device: torch.device, threads: int) -> None:
        torch.set_num_threads(threads)
        if name in OURS and device.type == "cpu":
            keep_freed_memory()
        self.shape, self.name, self.dtype, self.device = shape, name, dtype, device
        self.way: Callable[[], float] = lambda: 0.0

    def loss(self, targets: int) -> float:
        """The score of a text of so many targets, mean loss in nats; the text that is timed from then on."""
        tokens = torch.randint(0, VOCAB, (targets + 1,), generator=torch.Generator().manual_seed(1))
        self.way = ways(self.shape, tokens, self.dtype, self.device)[self.name]
        return self.way()

    def seconds(self) -> tuple[float, float]:
        """How long one run takes, and how much CPU time; it ends by reading its score."""
        begun, used = time.perf_counter(), time.process_time()
        self.way()
        return time.perf_counter() - begun, time.process_time() - used


def measure(
    shape: Shape, dtype: torch.dtype, device: torch.device, threads: int, rounds: int
) -> tuple[dict[str, float], list[float]]:
    """Tokens of text per second by each way, medians over rounds in which all ways take turns; and how much more CPU
    time the batched plain way takes than ours, round by round."""
    sides = {name: Away(Scorer, shape, name, dtype, device, threads) for name in (*PLAIN, *OURS)}
    trial = shape.window * 2
    sides["one"].call("loss", trial)
    fits = int(trial * SECONDS_PER_WAY / sides["one"].call("seconds")[0])
    targets = max(shape.window + 16 * shape.stride, min(200_000, fits))
    losses = {name: side.call("loss", targets) for name, side in sides.items()}  # warms every way up
    tolerance = 1e-6 if dtype == torch.float32 else 1e-3
    if max(abs(losses[name] - losses["one"]) for name in ("batched", "ours")) > tolerance:
        raise SystemExit(f"{shape.name}: the ways disagree: {losses}")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for turn in range(rounds):
        for name in sorted(sides, reverse=bool(turn % 2)):
            times[name].append(sides[name].call("seconds"))
    for side in sides.values():
        side.close()
    speed = {name: targets / statistics.median(took for took, _ in some) for name, some in times.items()}
    return speed, [plain[1] / ours[1] for plain, ours in zip(times["batched"], times["ours"], strict=True)]


def main() -> None:
    """Print the table, and keep it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--precision", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="", help="shapes whose name holds this")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device, dtype = torch.device(arguments.device), getattr(torch, arguments.precision)
    about = {**facts(device, arguments.threads), "precision": arguments.precision, "rounds": arguments.rounds}
    print(f"{about}; tokens of text per second, medians\n")
    heads = f"{'one':>9}{'batched':>9}{'ours':>9}{'streaming':>11}{'ours/one':>10}{'ours/best':>11}{'by CPU':>8}"
    print(f"{'shape':24}{heads}")
    table = []
    for shape in SHAPES:
        if arguments.only not in shape.name:
            continue
        speed, by_cpu = measure(shape, dtype, device, arguments.threads, arguments.rounds)
        best = max(speed["one"], speed["batched"])
        ratios = {
            "ours/one": speed["ours"] / speed["one"],
            "ours/best plain": speed["ours"] / best,
            "by CPU": statistics.median(by_cpu),
        }
        each = [round(ratio, 3) for ratio in by_cpu]
        about_it = {"shape": shape.name, "window": shape.window, "stride": shape.stride}
        table.append({**about_it, **speed, **ratios, "by CPU, each round": each})
        print(
            f"{shape.name:24}{speed['one']:>9,.0f}{speed['batched']:>9,.0f}{speed['ours']:>9,.0f}"
            f"{speed['streaming']:>11,.0f}{ratios['ours/one']:>9.2f}x{ratios['ours/best plain']:>10.2f}x"
            f"{ratios['by CPU']:>7.2f}x",
            flush=True,
        )
        if arguments.json:
            content = json.dumps({**about, "table": table}, indent=1)
            arguments.json.write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
