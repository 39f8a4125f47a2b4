"""How fast are the ways to score a text? Tokens of text per second, all ways side by side on the same weights.

    python benchmarks/evaluate.py [--threads N] [--json FILE]

one: one window per forward pass, the head over all positions. batched: some windows at once, likewise. ours: batched,
and head, last queries and last MLP for positions that count alone. streaming: the text is read once (another rule,
another score). Each round times every way once, in turn; the table shows medians of the rounds and their ratios.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from golf_model.config import BigramConfig, ModelConfig
from golf_model.network.gpt import GPT
from golf_model.process.devices import device_name
from golf_model.process.distributed import World
from golf_model.scoring.bpb import ByteTables
from golf_model.scoring.evaluate import Tally, cut, evaluate, rows_at_once
from golf_model.scoring.streaming import evaluate_streaming
from golf_model.scoring.windows import Windows, windows_of

ROUNDS = 5
SECONDS_PER_WAY = 1.0
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
def full_head(network: GPT, tokens: torch.Tensor, tables: ByteTables, windows: Windows, rows: int) -> float:
    """The plain way: the head over all positions, losses of some thrown away; mean loss in nats."""
    world, length = World(0, 1, torch.device("cpu")), int(windows[0, 1])
    tally = Tally(tables, world.device, torch.float64)
    for first in range(0, len(windows), rows):
        group = windows[first : first + rows]
        ids, targets, scored = cut(tokens, group, len(group), length)
        tally.add(network(ids, targets, mean=False), ids, targets, scored)
    return tally.score(world).val_loss


def ways(shape: Shape, tokens: torch.Tensor) -> dict[str, Callable[[], float]]:
    """Every way of scoring the stream."""
    torch.manual_seed(0)
    network = GPT(shape.model, torch.float32, "explicit", "chunked")
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)
    tables = ByteTables(torch.ones(VOCAB, dtype=torch.int16), *(torch.zeros(VOCAB, dtype=torch.bool) for _ in "ab"))
    windows = windows_of("sliding", tokens.numel() - 1, shape.window, shape.stride)
    world = World(0, 1, torch.device("cpu"))
    rows = rows_at_once(64, shape.window, world.device)
    return {
        "one": lambda: full_head(network, tokens, tables, windows, 1),
        "batched": lambda: full_head(network, tokens, tables, windows, rows),
        "ours": lambda: evaluate(network, tokens, tables, windows, rows, world).val_loss,
        "streaming": lambda: evaluate_streaming(network, tokens, tables, shape.window, 8, world).val_loss,
    }


def seconds(way: Callable[[], float]) -> float:
    """How long one run takes."""
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def measure(shape: Shape) -> dict[str, float]:
    """Tokens of text per second by each way, medians over rounds in which all ways take turns."""
    generator = torch.Generator().manual_seed(1)

    def text(count: int) -> torch.Tensor:
        return torch.randint(0, VOCAB, (count + 1,), generator=generator)

    trial = shape.window * 2
    once = ways(shape, text(trial))["one"]
    once()
    targets = max(trial, min(200_000, int(trial * SECONDS_PER_WAY / seconds(once))))
    tried = ways(shape, text(targets))
    losses = {name: way() for name, way in tried.items()}  # warms every way up
    if max(abs(losses[name] - losses["one"]) for name in ("batched", "ours")) > 1e-6:
        raise SystemExit(f"{shape.name}: the ways disagree: {losses}")
    rounds = [{name: seconds(way) for name, way in tried.items()} for _ in range(ROUNDS)]
    return {name: targets / statistics.median(times[name] for times in rounds) for name in tried}


def main() -> None:
    """Print the table, and keep it where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    hardware = f"{device_name(torch.device('cpu'))}, {arguments.threads} thread(s)"
    versions = f"python {platform.python_version()}, torch {torch.__version__}"
    print(f"{hardware}; {versions}; tokens of text per second, medians of {ROUNDS} rounds\n")
    print(f"{'shape':24}{'one':>9}{'batched':>9}{'ours':>9}{'streaming':>11}{'ours/one':>10}{'ours/best':>11}")
    table = []
    for shape in SHAPES:
        speed = measure(shape)
        best = max(speed["one"], speed["batched"])
        ratios = {"ours/one": speed["ours"] / speed["one"], "ours/best plain": speed["ours"] / best}
        table.append({"shape": shape.name, "window": shape.window, "stride": shape.stride, **speed, **ratios})
        print(
            f"{shape.name:24}{speed['one']:>9,.0f}{speed['batched']:>9,.0f}{speed['ours']:>9,.0f}"
            f"{speed['streaming']:>11,.0f}{ratios['ours/one']:>9.2f}x{ratios['ours/best plain']:>10.2f}x",
            flush=True,
        )
    if arguments.json:
        facts = {"hardware": hardware, "versions": versions, "rounds": ROUNDS, "table": table}
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
