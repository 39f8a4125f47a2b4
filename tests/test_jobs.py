"""The jobs that reproduce the originals: what they are, what their small profile keeps, and (slow) that it runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from golf_model.config.golf_config import GolfConfig
from golf_model.network.block import Block
from golf_model.network.gpt import GPT
from golf_model.network.linear import CastedLinear
from golf_model.shapes import parameter_count, parameter_shapes, scheme_of, schemes
from golf_model.training.averaging import WeightAverage
from golf_model.training.qat import acts_in_training, arm
from golf_model.training.schedule import learning_rate_multiplier, muon_momentum
from runner.data.corpus import prepare_corpus
from runner.job.load import load_job
from runner.job.profiles import SCRIPT_BYTES, SMALL_STEPS, published_steps, with_profile
from runner.job.spec import JobSpec
from runner.plan.size_forecast import forecast_bytes
from runner.results.record import RecordData
from runner.script.bundle import make_script
from tests.fixtures.places import JOBS

PARAMETERS = {
    "baseline": 17_059_912,
    "pr102": 21_779_016,
    "pr102_head": 22_368_841,
    "pr160": 21_778_504,
    "pr372": 26_666_073,
    "pr465": 24_730_705,
    "pr465_sp8192": 18_954_289,  # no one has published it; the PR's table names layers and vocabulary
    "pr1606": 20_725_304,
    "pr1394": 35_943_512,
}
OURS = {"fit16": 26_666_073, "frontier": 35_945_671, "frontier_caseops": 35_945_671}
"""Jobs of ours that nobody else has published."""
OVER_CAP = {"pr102_head", "pr372"}
every_job = pytest.mark.parametrize("name", PARAMETERS)


def full_job(name: str) -> JobSpec:
    return load_job(JOBS / f"{name}.yaml")


def small_job(name: str) -> JobSpec:
    return with_profile(full_job(name), "small")


def test_every_job_of_the_folder_is_known_here() -> None:
    assert {path.stem for path in JOBS.glob("*.yaml")} == {*PARAMETERS, "quickstart", *OURS}


@every_job
def test_a_job_has_the_parameters_that_its_original_was_counted_to_have(name: str) -> None:
    assert parameter_count(full_job(name).config.model) == PARAMETERS[name]


@every_job
def test_a_job_carries_the_published_run_and_only_over_cap_originals_may_exceed_the_cap(name: str) -> None:
    job = full_job(name)
    assert job.name == name
    assert job.reference is not None
    assert {seed.seed for seed in job.reference.seeds} <= set(job.seeds)
    assert job.allow_over_cap is (name in OVER_CAP)
    claimed = [figures.parameters for figures in (job.reference.logged, job.reference.claimed) if figures.parameters]
    assert not claimed or parameter_count(job.config.model) in claimed


def test_every_job_of_a_pull_request_sets_out_from_another_job_of_the_folder() -> None:
    bases = {name: base.name for name in [*PARAMETERS, *OURS] if (base := full_job(name).base)}
    assert {name for name in [*PARAMETERS, *OURS] if name not in bases} == {"baseline"}
    assert {bases[name] for name in ("pr102", "pr160", "pr372", "pr465", "pr1606", "pr1394")} == {"baseline"}
    assert (bases["pr102_head"], bases["pr465_sp8192"]) == ("pr102", "pr465")
    assert (bases["fit16"], bases["frontier"]) == ("pr372", "pr1394")


# the small profile ---------------------------------------------------------------------------------------------


def kinds(config: GolfConfig) -> dict[str, set[str]]:
    """Schemes by tensor, block numbers left out; keys of late blocks are a kind of their own."""
    found: dict[str, set[str]] = {}
    for name, scheme in schemes(config.model, config.export).items():
        late = any(
            name.startswith(f"blocks.{config.model.num_layers - back}.attn.c_k")
            for back in range(1, config.export.late_k_float16 + 1)
        )
        found.setdefault(re.sub(r"blocks[.][0-9]+[.]", "late." if late else "blocks.", name), set()).add(scheme)
    return found


@every_job
def test_the_small_profile_stores_every_kind_of_tensor_as_the_full_job(name: str) -> None:
    full, small = full_job(name).config, small_job(name).config
    assert kinds(small) == kinds(full)


@every_job
def test_quantised_kinds_would_not_be_so_at_the_full_threshold(name: str) -> None:
    """The threshold must shrink with the width: at the full one the small matrices would all be floats."""
    small, full = small_job(name).config, full_job(name).config
    matrix = parameter_shapes(small.model)["blocks.0.attn.c_k.weight"]
    assert scheme_of("blocks.0.attn.c_k.weight", matrix[0] * matrix[1], 4, full.export) == "float16"


def steps_of(config: GolfConfig) -> Iterator[tuple[int, float]]:
    """(step, learning-rate multiplier) of a small run that makes the expected number of steps."""
    limit_ms = 1000 * config.schedule.max_wallclock_seconds
    for step in range(SMALL_STEPS):
        yield step, learning_rate_multiplier(config.schedule, step, limit_ms * step / SMALL_STEPS)


@every_job
def test_every_schedule_of_the_small_profile_plays_out_within_the_expected_steps(name: str) -> None:
    small, full = small_job(name).config, full_job(name).config
    steps = list(steps_of(small))
    assert steps[0][1] == 1.0
    floor = max(small.schedule.warmdown_lr_floor, small.schedule.min_lr)
    assert steps[-1][1] == pytest.approx(floor, abs=0.05)
    assert muon_momentum(small.optim, 0) == small.optim.muon_momentum_warmup_start
    # #1606 ends before its momentum has risen by half in either size; the share is the full run's.
    share = SMALL_STEPS / published_steps(full_job(name))
    assert small.optim.muon_momentum_warmup_steps == pytest.approx(
        share * full.optim.muon_momentum_warmup_steps, abs=1
    )
    assert small.schedule.warmdown_iters == pytest.approx(share * full.schedule.warmdown_iters, abs=1)


@pytest.mark.parametrize("name", [*PARAMETERS, *OURS])
def test_every_technique_of_the_full_job_is_active_in_the_small_one(name: str) -> None:
    small, full = small_job(name).config, full_job(name).config
    network = GPT(small.model, torch.float32, "explicit", "chunked")
    arm(network, small.qat, small.model.num_layers)
    blocks = [block for block in network.blocks if isinstance(block, Block)]
    exclusive = [block.attn.exclusive for block in blocks]
    assert any(exclusive) is bool(full.model.xsa_last_n)
    assert all(exclusive) is (full.model.xsa_last_n == full.model.num_layers)
    assert (network.smear is None) is (full.model.smear != "module")
    assert (network.smear_gate is None) is (full.model.smear not in ("parameter", "input"))
    assert (network.smear_lambda is None) is (full.model.smear != "input")
    assert (network.bigram is None) is (full.model.bigram.buckets == 0)
    assert (small.model.rope_ntk_seq_len > 0) is (full.model.rope_ntk_seq_len > 0)
    on_grid = [acts_in_training(small.qat, step) for step in range(SMALL_STEPS)]
    assert any(on_grid) is (full.qat.active != "off")
    if full.qat.grid == "step" and full.qat.active != "off":  # which the step's own search arms
        return
    armed = {
        layer.rpartition(".")[2]
        for layer, module in network.named_modules()
        if isinstance(module, CastedLinear) and module.fake_quant is not None
    }
    assert armed == ({"c_q", "c_k", "c_v", "proj", "fc"} if full.qat.active != "off" else set())
    for option in ("muon_weight_decay", "muon_decay_order", "adam_weight_decay", "grad_clip_norm"):
        assert getattr(small.optim, option) == getattr(full.optim, option)
    for option in ("muon_row_normalise", "muon_coefficients", "muon_decay_taper", "embed_weight_decay"):
        assert getattr(small.optim, option) == getattr(full.optim, option)
    assert small.model.loop.times == full.model.loop.times
    assert network.passes == len(blocks) + full.model.loop.times * (small.model.loop.end - small.model.loop.start + 1)
    assert (network.skip_gates is None) is not full.model.skip_gates
    on_lanes = [network.on_lanes(index) for index in range(len(blocks))]
    assert any(on_lanes) is (full.model.parallel.kind == "lanes")
    assert [block.factor != 1.0 for block in blocks[1:]] == [full.model.ln_scale] * (len(blocks) - 1)
    turned = network.rope[0] / network.head_dim
    assert turned == (full.model.rope_dims or full.model.model_dim // full.model.num_heads) / (
        full.model.model_dim // full.model.num_heads
    )
    assert (small.model.attn_gate, small.batch.order) == (full.model.attn_gate, full.batch.order)
    assert (small.model.smear_width, small.model.smear_bos) == (full.model.smear_width, full.model.smear_bos)
    assert small.batch.documents == full.batch.documents
    assert small.schedule.warmdown_frac == full.schedule.warmdown_frac
    assert small.schedule.min_lr == full.schedule.min_lr
    assert (small.export.gptq.zero_dead, small.export.lqer) == (full.export.gptq.zero_dead, full.export.lqer)
    assert (small.export.rows, small.export.sdclip, small.export.gptq.embed) == (
        *(full.export.rows, full.export.sdclip),
        full.export.gptq.embed,
    )
    assert small.eval.rule == full.eval.rule
    assert small.eval.rule == "plain" or small.eval.stride < small.batch.train_seq_len
    assert (small.export.container, small.export.compressor) == (full.export.container, full.export.compressor)


@every_job
def test_the_average_of_the_small_profile_forgets_the_start_as_the_full_one_does(name: str) -> None:
    small, full = small_job(name).config.average, full_job(name).config.average
    assert small.kind == full.kind
    if full.kind == "ema":
        left = full.ema_decay ** published_steps(full_job(name))
        assert small.ema_decay**SMALL_STEPS == pytest.approx(left, rel=1e-6)
    if full.kind == "swa":
        average = WeightAverage(small, {})
        for step, multiplier in steps_of(small_job(name).config):
            average.update({"w": torch.ones(1)}, step + 1, multiplier)
        assert average.samples >= 10


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "fit16" else [pytest.mark.slow]) for name in OURS]
)
def test_a_job_that_is_made_to_fit_is_expected_in_the_last_thousandth_under_the_cap(name: str) -> None:
    for job, cap in (
        (full_job(name), 16_000_000),
        (small_job(name), small_job(name).config.export.step.cap_bytes),
    ):
        forecast = forecast_bytes(job.config, len(make_script(job.config).source))
        assert forecast.low == int(0.999 * cap)
        assert forecast.high == cap
    full, small = full_job(name).config, small_job(name).config
    assert full.export.step.cap_bytes == 16_000_000
    assert kinds(small) == kinds(full)
    assert parameter_count(full.model) == OURS[name]
    bits = [8 * (c.export.step.cap_bytes - SCRIPT_BYTES) / parameter_count(c.model) for c in (full, small)]
    assert bits[0] == pytest.approx(bits[1], rel=1e-3)


# slow: real runs -----------------------------------------------------------------------------------------------


runnable = pytest.mark.parametrize("name", [*PARAMETERS, *OURS])


@pytest.mark.slow
@runnable
def test_the_small_profile_runs_to_a_passed_verdict_and_beats_a_unigram_model(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "runner.cli", "run", str(JOBS / f"{name}.yaml"), "--profile", "small"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (record,) = (tmp_path / "records" / "local").iterdir()
    data = RecordData.model_validate_json((record / "results.json").read_bytes())
    assert data.verdict.status == "passed"
    (unigram,) = (yardstick for yardstick in data.yardsticks if yardstick.name == "unigram")
    (result,) = data.results
    config = small_job(name).config
    assert result.final_score is not None
    assert result.final_score.rule == config.eval.rule
    assert result.final_score.val_bpb < unigram.bpb
    log = (record / f"train_seed{result.seed}.log").read_text()
    if config.qat.active != "off":
        steps = re.findall(r"^fake_quantisation:\w+ steps:(\d+) of:\d+$", log, re.M)
        assert [int(found) > 0 for found in steps] == [True]
    if config.export.solves_step or config.export.solves_factor:
        cap = config.export.step.cap_bytes
        assert 0.999 * cap <= data.verifications[0].code_bytes + (data.verifications[0].artifact_bytes or 0) <= cap
    if config.average.kind == "swa":
        samples = re.findall(r"^weight_average:swa samples:(\d+)$", log, re.M)
        assert [int(found) > 1 for found in samples] == [True]


@pytest.mark.slow
@runnable
def test_the_bundle_of_the_small_profile_runs_alone(name: str, tmp_path: Path) -> None:
    script = tmp_path / "train_gpt.py"
    command = [sys.executable, "-m", "runner.cli", "bundle", str(JOBS / f"{name}.yaml"), "--profile", "small"]
    subprocess.run([*command, "-o", str(script)], check=True, timeout=60)
    data = prepare_corpus()
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=1", script.name]
    variables = {"SEED": "1337", "DATA_PATH": str(data.folder), "TOKENIZER_PATH": str(data.tokenizer)}
    variables["OMP_NUM_THREADS"] = "1"
    done = subprocess.run(
        launch, cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^final_score rule:\w+ tokens:\d+ bytes:\d+ val_loss:\S+ val_bpb:\S+$", done.stdout, re.M)
    assert (tmp_path / "final_model.ptz").is_file()
