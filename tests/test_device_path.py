"""What a GPU would be given, at the full shapes of the shipped jobs and without a GPU: tensors that have no content.

On the meta device every operation checks shapes, devices and precisions and computes nothing, so whatever mixes the
CPU in, or a shape that does not fit, fails here. Which kernel then runs, and how fast, only a GPU can tell
(benchmarks/gpu.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounter
from torch.utils._python_dispatch import TorchDispatchMode

from golf_model.config.golf_config import GolfConfig
from golf_model.network.attention import fused_attention, repeats_keys
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT
from golf_model.network.head import walk_logits
from golf_model.quantization.quantize import quantize
from golf_model.scoring.streaming import visible
from golf_model.shapes import LEVELS, parameter_count, schemes
from golf_model.training.averaging import WeightAverage
from golf_model.training.muon import COEFFICIENTS, Muon, iterations
from golf_model.training.optimizers import build_optimizers, set_momentum
from golf_model.training.qat import acts_in_training, arm, switch
from golf_model.training.trainer import accumulate_gradients, apply_gradients
from runner.job.load import load_job
from runner.job.profiles import with_profile
from tests.fixtures.places import JOBS

META = torch.device("meta")
FEW = 3
"""Layers in the fast suite, where none is passed twice: one of each half of the skips and one between, in the shapes
of all."""
AS_ANOTHER = ("frontier_caseops",)
"""Has the network, the optimizers and the export of `frontier`, and is left to the slow suite."""


def slow_unless(fast: object) -> list[pytest.MarkDecorator]:
    return [] if fast else [pytest.mark.slow]


every_job = pytest.mark.parametrize(
    ("job", "layers"),
    [
        pytest.param(
            path,
            layers,
            id=f"{path.stem}-{layers or 'all'}",
            marks=slow_unless(layers and path.stem not in AS_ANOTHER),
        )
        for path in sorted(JOBS.glob("*.yaml"))
        for layers in (FEW, 0)
    ],
)


def shallow(config: GolfConfig, layers: int) -> GolfConfig:
    """The same with fewer layers; as it is where some are passed twice, or all are wanted (0)."""
    model = config.model
    if not layers or model.loop.times or model.num_layers <= layers:
        return config
    xsa = min(model.xsa_last_n, layers)
    return replace(config, model=replace(model, num_layers=layers, xsa_last_n=xsa))


class Launches(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations that would start a kernel."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counted: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not func.is_view:
            self.counted[str(func.overloadpacket)] += 1
        return func(*args, **(kwargs or {}))


def meta_network(config: GolfConfig) -> GPT:
    """The network as a GPU gets it."""
    with META:
        network = GPT(config.model, torch.bfloat16, "sdpa", "plain")
    apply_dtype_policy(network, config.model)
    arm(network, config.qat, config.model.num_layers)
    switch(network, on=acts_in_training(config.qat, config.qat.start_step))
    return network


def tokens(config: GolfConfig, rows: int) -> Tensor:
    return torch.zeros(rows, config.batch.train_seq_len, dtype=torch.int64, device=META)


@every_job
def test_a_step_its_average_its_grid_and_its_scores_fit_together_at_full_shapes(
    job: Path, layers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golf_model.training.muon.has_fast_bfloat16", lambda device: True)  # as a GPU has it
    config = shallow(load_job(job).config, layers)
    network = meta_network(config)
    weights = network.state_dict()
    assert sum(value.numel() for value in weights.values()) == parameter_count(config.model)
    average = WeightAverage(config.average, weights)
    batch = config.batch
    rows = batch.train_batch_tokens // batch.micro_batches // batch.train_seq_len
    ids = tokens(config, rows)
    loss = accumulate_gradients(network, [(ids, ids)], 1)
    assert (loss.device.type, loss.dtype, loss.shape) == ("meta", torch.float32, ())
    missing = [name for name, p in network.named_parameters() if p.grad is None]
    assert missing == []
    optimizers = build_optimizers(network, config.optim)
    set_momentum(optimizers, 0.9)
    with Launches() as launched:
        apply_gradients(optimizers, list(network.parameters()), config.optim.grad_clip_norm)
    muon = [one for one in optimizers if isinstance(one, Muon)]
    shapes = {matrix.shape for one in muon for group in one.param_groups for matrix in group["params"]}
    rounds = len(iterations(COEFFICIENTS[config.optim.muon_coefficients], config.optim.muon_backend_steps))
    # As many as there are shapes, however many matrices: three products an iteration.
    assert launched.counted["aten.bmm"] + launched.counted["aten.baddbmm"] == 3 * rounds * len(shapes)
    average.update(weights, 1, 0.1)
    assert {value.device.type for value in average.weights().values()} <= {"meta"}
    for name, scheme in schemes(config.model, config.export).items():
        if scheme in LEVELS:
            integers, scales = quantize(weights[name], scheme, config.export, 0.01)
            assert integers.shape == weights[name].shape
            assert {integers.device.type, scales.device.type} == {"meta"}
    with torch.no_grad():
        ids = tokens(config, min(rows, config.eval.batch_windows))
        for last in (0, 64):
            losses = network(ids, ids, mean=False, last=last)
            assert losses.shape == (len(ids), last or batch.train_seq_len)
            assert losses.device.type == "meta"


def test_the_average_of_pr372_is_one_launch_for_all_its_weights() -> None:
    config = load_job(JOBS / "pr372.yaml").config
    weights = meta_network(config).state_dict()
    average = WeightAverage(config.average, weights)
    with Launches() as launched:
        average.update(weights, 1, 1.0)
    assert launched.counted["aten._foreach_mul_"] == launched.counted["aten._foreach_add_"] == 1
    assert launched.counted.total() <= 2 + 1  # and one table that is kept in bfloat16


@pytest.mark.parametrize("name", ["pr372", *(pytest.param(n, marks=pytest.mark.slow) for n in ("pr465", "pr1606"))])
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own, while tracing
def test_a_run_compiles_at_most_five_graphs_and_none_of_them_breaks(name: str) -> None:
    config = with_profile(load_job(JOBS / f"{name}.yaml"), "small").config
    config = shallow(config, 1)
    network = meta_network(config)
    network.position_tables(config.batch.train_seq_len, META)
    ids = tokens(config, 2)
    torch._dynamo.reset()
    counter = CompileCounter()
    compiled = torch.compile(network, backend=counter, fullgraph=True, dynamic=False)
    for _ in range(2):  # the second round finds everything compiled
        accumulate_gradients(compiled, [(ids, ids)] * 2, 2)
        with torch.no_grad():
            compiled(ids, ids, mean=False)
            compiled(ids, ids, mean=False, last=16)
    found = counter.frame_count
    torch._dynamo.reset()
    assert found == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baseline", "pr102", "pr160", "pr372", "pr465", "pr1606", "fit16"])
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_the_full_network_is_one_graph(name: str) -> None:
    config = load_job(JOBS / f"{name}.yaml").config
    network = meta_network(config)
    network.position_tables(config.batch.train_seq_len, META)
    ids = tokens(config, 2)
    torch._dynamo.reset()
    found = torch._dynamo.explain(network)(ids, ids, mean=True)
    torch._dynamo.reset()
    assert (found.graph_count, found.graph_break_count) == (1, 0)


@pytest.mark.parametrize("mean", [True, False])
def test_the_chunked_head_stays_on_its_device(mean: bool) -> None:
    z = torch.empty(300, 1024, device=META)
    aims = torch.zeros(300, dtype=torch.int64, device=META)
    losses = walk_logits(z, aims, 30.0, with_gradient=mean)
    assert losses.device.type == "meta"


@pytest.mark.parametrize(
    ("device", "dtype", "masked", "repeats"),
    [
        ("cuda", torch.bfloat16, False, False),
        ("cuda", torch.float32, False, True),
        ("cuda", torch.bfloat16, True, True),
        ("cpu", torch.float32, False, False),
        ("cpu", torch.bfloat16, True, False),
    ],
)
def test_on_cuda_keys_are_repeated_where_flash_attention_cannot_share_them(
    device: str, dtype: torch.dtype, masked: bool, repeats: bool
) -> None:
    assert repeats_keys(device, dtype, masked=masked) is repeats


@pytest.mark.parametrize("masked", [False, True])
def test_repeated_keys_are_the_same_function(masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, heads, 16, 8) for heads in (4, 2, 2))
    mask = visible(8, 16, 8, q.device, q.dtype)[:, 8:] if masked else None
    shared = fused_attention(q, k, v, mask)
    monkeypatch.setattr("golf_model.network.attention.repeats_keys", lambda *_, masked: True)
    assert torch.allclose(shared, fused_attention(q, k, v, mask), atol=1e-6)


@pytest.fixture(autouse=True)
def _no_default_device() -> Iterator[None]:
    yield
    torch._dynamo.reset()
