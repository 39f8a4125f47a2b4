"""What a configuration costs to train: floating-point operations per token and memory of one process.

Counted from shapes alone, without torch. Weights, gradients, optimizer states and averages are exact; activations
are an estimate of what the backward pass keeps; buffers that live for a moment are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from golf_model.config.golf_config import GolfConfig
from golf_model.shapes import NARROW, block_order, is_control, mlp_hidden, parameter_shapes
from runner.job.hardware import PROFILES
from runner.job.spec import JobSpec

NARROW_WEIGHTS = tuple(f"{name}.weight" for name in NARROW)


@dataclass(frozen=True)
class Flops:
    """Floating-point operations of one token in a forward pass; a multiply and an add are two."""

    matrices: int
    """2 for each weight of a matrix that the token is multiplied by."""
    head: int
    """2 * model_dim * vocab_size."""
    attention: int
    """Scores and weighted values: 2 * 2 * model_dim * visible in each pass through a layer."""
    visible: float
    """Tokens that a token sees, itself included, on average: (train_seq_len + 1) / 2."""
    passes: int
    """Layers that a token passes, those of a loop counted as often as they are passed."""
    mean_forward: float
    """Of a training step on average: before a loop begins, its layers are passed once."""

    @property
    def forward(self) -> int:
        """All of it."""
        return self.matrices + self.head + self.attention

    @property
    def training(self) -> int:
        """Forward, and twice as much backward."""
        return round(3 * self.mean_forward)


def flops(config: GolfConfig) -> Flops:
    """Operations per token at the training length.

    forward = 2 * (weights of matrices) + 2 * model_dim * vocab_size + passes * 4 * model_dim * visible; training = 3
    * forward. A layer of a loop counts once for each pass; where the loop begins later, a training step is the mean
    of those before and after, by time or by steps as the schedule goes. A head tied to the embedding is multiplied by
    once; looking up an embedding costs nothing.
    """
    later = _pass_by_pass(config, looped=True)
    loop, steps = config.model.loop, config.schedule.kind == "steps"
    mean: float = later.forward
    if loop.times:
        before = _pass_by_pass(config, looped=False).forward
        mean = loop.at * before + (1 - loop.at) * mean if steps else 1 / (loop.at / before + (1 - loop.at) / mean)
    return replace(later, mean_forward=mean)


def _pass_by_pass(config: GolfConfig, *, looped: bool) -> Flops:
    """With the layers of a loop passed again or not."""
    model = config.model
    order = [layer for part in block_order(model, looped=looped) for layer in part]
    shapes = parameter_shapes(model)
    each = [f"blocks.{layer}." for layer in order]
    by_layer = {
        f"blocks.{layer}.": sum(
            prod(shape)
            for name, shape in shapes.items()
            if name.startswith(f"blocks.{layer}.") and len(shape) == 2 and not is_control(name)
        )
        for layer in range(model.num_layers)
    }
    once = sum(prod(shapes[name]) for name in ("bigram.proj.weight", *NARROW_WEIGHTS) if name in shapes)
    visible, stored = (config.batch.train_seq_len + 1) / 2, model.embed_dim or model.model_dim
    found = Flops(
        matrices=2 * (once + sum(by_layer[prefix] for prefix in each)),
        head=2 * stored * model.vocab_size,
        attention=round(4 * model.model_dim * visible) * len(order),
        visible=visible,
        passes=len(order),
        mean_forward=0.0,
    )
    return replace(found, mean_forward=float(found.forward))


def step_flops(config: GolfConfig) -> int:
    """Operations of one optimizer step over all processes; what the optimizer itself does is left out."""
    return config.batch.train_batch_tokens * flops(config).training


@dataclass(frozen=True)
class Memory:
    """Bytes of one training process, under bfloat16 compute unless the job says float32."""

    tokens: int
    """Of one micro-batch: what a process has in memory at once."""
    weights: int
    gradients: int
    optimizer: int
    """Adam keeps two numbers a weight, Muon one, in the weight's precision."""
    average: int
    """EMA and SWA keep one number a weight."""
    activations: int
    """Estimate: for each token and pass through a layer 10 rows of the stream, queries, keys and values, and 2 rows
    of the MLP's hidden width, in the precision of the compute. With it the total is 2 to 3 % under the peaks that
    public runs logged (baseline, PRs #102 and #465) or at them (PR #1394); PR #1606 logged 2.6 times the total."""
    logits: int
    """Of the micro-batch: four bytes each, twice."""

    @property
    def total(self) -> int:
        """All of it."""
        states = self.weights + self.gradients + self.optimizer + self.average
        return states + self.activations + self.logits


def processes(job: JobSpec) -> int:
    """Processes that train one seed: the job's, or one for each GPU of its hardware."""
    profile = PROFILES.get(job.hardware)
    return job.nproc or (profile.gpus if profile else 0) or 1


def weight_bytes(config: GolfConfig) -> dict[str, int]:
    """Bytes of every parameter as it is kept: four a number, two where the job says so under bfloat16 compute."""
    model = config.model
    halves = {"tok_emb.weight": model.tok_emb_dtype, "bigram.embed.weight": model.bigram.embed_dtype}
    wide = config.runtime.precision == "float32"
    shapes = parameter_shapes(model).items()
    return {name: prod(shape) * (4 if wide or halves.get(name) != "bfloat16" else 2) for name, shape in shapes}


def is_muons(name: str, shape: tuple[int, ...]) -> bool:
    """Whether a parameter is a matrix that Muon (or its alternative) trains."""
    return len(shape) == 2 and not is_control(name) and not name.startswith(("tok_emb", "lm_head", "bigram.embed"))


def memory(config: GolfConfig, processes: int = 1) -> Memory:
    """Memory of one of `processes` training processes."""
    model, batch = config.model, config.batch
    shapes, sizes = parameter_shapes(model), weight_bytes(config)
    weights = sum(sizes.values())
    muons = sum(size for name, size in sizes.items() if is_muons(name, shapes[name]))
    numbers = sum(prod(shape) for shape in shapes.values())
    native = config.average.kind == "swa" and config.average.swa_sum == "native"
    tokens = batch.train_batch_tokens // max(batch.micro_batches, processes)
    kv_dim = model.num_kv_heads * (model.model_dim // model.num_heads)
    row = 11 * model.model_dim + 2 * kv_dim + 2 * mlp_hidden(model)
    return Memory(
        tokens=tokens,
        weights=weights,
        gradients=weights,
        optimizer=2 * weights - (muons if config.optim.matrix_optimizer == "muon" else 0),
        average=0 if config.average.kind == "off" else weights if native else 4 * numbers,
        activations=tokens
        * sum(map(len, block_order(model, looped=True)))
        * row
        * (4 if config.runtime.precision == "float32" else 2),
        logits=tokens * 8 * model.vocab_size,
    )
