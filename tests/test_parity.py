"""Our functions against what the original scripts computed.

Golden files come from tests/goldens and from every golden_*.json in the folder that GOLF_GOLDENS names. Every
entry of a file is a test of its own, named after its script; an entry without a check fails, so that a new
golden cannot be overlooked.
"""

from __future__ import annotations

import math
import os
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from golf_model.artifact.bitpack import pack_six, unpack_six
from golf_model.artifact.qgv3 import HEAD, MAGIC, write_qgv3
from golf_model.artifact.stored import Stored, payload_size, restore, store
from golf_model.config.average import AverageConfig
from golf_model.config.eval import EvalConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.qat import QatConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.network.bigram import bigram_hash
from golf_model.network.dtypes import apply_dtype_policy
from golf_model.network.gpt import GPT
from golf_model.network.linear import CastedLinear
from golf_model.network.rope import ntk_base, rope_frequencies, rope_tables
from golf_model.process.distributed import World
from golf_model.quantization.quantize import dequantize, quantize
from golf_model.scoring.bpb import ByteTables, PieceKind, build_byte_tables
from golf_model.scoring.evaluate import evaluate
from golf_model.scoring.windows import eval_windows
from golf_model.shapes import (
    Scheme,
    control_patterns,
    mlp_hidden,
    parameter_count,
    parameter_shapes,
    payload_bytes,
    schemes,
)
from golf_model.training.averaging import WeightAverage
from golf_model.training.loader import TokenStream, TrainLoader, load_validation_tokens
from golf_model.training.muon import orthogonalise
from golf_model.training.optimizers import build_optimizers, set_momentum
from golf_model.training.qat import FakeQuant, arm, switch
from golf_model.training.schedule import learning_rate_multiplier, muon_momentum
from golf_model.training.shards import find_shards, open_shard
from golf_model.training.trainer import accumulate_gradients, apply_gradients
from tests.fixtures.frontier_parity import (
    CHECKS_1394,
    LARGE_MATRICES,
    SPLIT_FRONTIER,
    assert_same_names,
    check_full_matrix,
)
from tests.fixtures.frontier_settings import (
    FRONTIER_NAMES,
    FRONTIER_NOT_OURS,
    FRONTIER_SURROUNDINGS,
    FRONTIER_UNUSED,
)
from tests.fixtures.golden_cases import Golden, fixed_matrix, golden_network, golden_tokens, probe
from tests.fixtures.lanes_parity import CHECKS_1855
from tests.fixtures.parity import (
    GRADS,
    LOGITS,
    LOSS,
    PROBE,
    STEPS,
    Check,
    check_gradients,
    check_integers,
    compare_parameters,
    described,
    known,
    loss_of,
    near,
    tiny_network,
    write_golden_shard,
)
from tests.fixtures.places import GOLDENS

BFLOAT16_EVAL = 3e-3
"""bf16 scores on CPU differ by machine; float32 ones lie 4e-4 from these."""

SPLIT_SECTIONS = SPLIT_FRONTIER | {"tiny", "eval", "muon_orthogonalise", "train5", "quant_8x32", "full", "units"}
"""Sections whose entries are tests of their own; the others are one entry each."""


def golden_files() -> list[tuple[str, Path]]:
    """(prefix of the test ids, path): ours, then the ones that the environment adds."""
    files = [("", path) for path in sorted(GOLDENS.glob("golden_*.json"))]
    if os.environ.get("GOLF_GOLDENS"):
        files += [("given-", path) for path in sorted(Path(os.environ["GOLF_GOLDENS"]).glob("golden_*.json"))]
    return files


def golden_entries() -> list[Any]:
    """One pytest parameter for every entry of every file."""
    found = []
    for prefix, path in golden_files():
        golden = Golden(path)
        for key, value in golden.content.items():
            keys: list[tuple[str, ...]] = [(key, sub) for sub in value] if key in SPLIT_SECTIONS else [(key,)]
            if key == "eval":
                streams = [(key, at) for at in value if at.startswith("T=")]
                keys = [at for at in keys if at not in streams] + [
                    (*at, rule) for at in streams for rule in value[at[1]]
                ]
            found += [pytest.param(golden, at, id=f"{prefix}{golden.script}-{'.'.join(at)}") for at in keys]
    return found


@cache
def faithful_network(golden: Golden) -> GPT:
    """The file's real model with golden weights and the originals' precision choices."""
    return golden_network(golden.config.model, torch.bfloat16)


@cache
def initial_network(golden: Golden) -> GPT:
    """The file's real model as its seed draws it, under the originals' precision choices."""
    torch.manual_seed(1337)
    network = GPT(golden.config.model, torch.bfloat16, "blocks", "chunked")
    apply_dtype_policy(network, golden.config.model)
    return network


# tiny ---------------------------------------------------------------------------------------------------------


def tiny_describes_model(golden: Golden, expected: Any, folder: Path) -> None:
    tiny, batch = golden.content["tiny"], golden.tiny_batch()
    assert batch[0].shape == (tiny["batch"], tiny["seq"])
    assert mlp_hidden(golden.tiny_model) == tiny["mlp_hidden"]


def tiny_param_count(golden: Golden, expected: int, folder: Path) -> None:
    assert parameter_count(golden.tiny_model) == expected


def tiny_state_dict(golden: Golden, expected: Sequence[Any], folder: Path) -> None:
    state = tiny_network(golden).state_dict()
    assert [[name, list(value.shape)] for name, value in state.items()] == [list(row[:2]) for row in expected]


def tiny_weights(golden: Golden, expected: Mapping[str, list[float]], folder: Path) -> None:
    state = tiny_network(golden).state_dict()
    assert set(expected) == set(state)
    for name, values in expected.items():
        assert state[name].flatten()[:3].tolist() == pytest.approx(values, rel=1e-7)


def tiny_loss(golden: Golden, expected: float, folder: Path) -> None:
    near(loss_of(tiny_network(golden), golden.tiny_batch()), expected, absolute=LOSS)


def tiny_logits(golden: Golden, expected: Mapping[str, list[float]], folder: Path) -> None:
    logits = tiny_network(golden).logits(golden.tiny_batch()[0])
    for place, values in expected.items():
        row, column = (int(part) for part in place.split(","))
        assert logits[row, column].tolist() == pytest.approx(values, abs=LOGITS)


def tiny_logits_probe(golden: Golden, expected: float, folder: Path) -> None:
    near(probe(tiny_network(golden).logits(golden.tiny_batch()[0])), expected, absolute=PROBE)


def tiny_grads(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    check_gradients(golden_network(golden.tiny_model), golden.tiny_batch(), expected)


def tiny_loss_float64(golden: Golden, expected: float, folder: Path) -> None:
    network = GPT(golden.tiny_model, torch.float64, "blocks", "chunked")
    network.load_state_dict(tiny_network(golden).state_dict())
    network.looped = False
    near(loss_of(network, golden.tiny_batch()), expected, absolute=LOSS)


def tiny_loss_bfloat16(golden: Golden, expected: float, folder: Path) -> None:
    near(loss_of(golden_network(golden.tiny_model, torch.bfloat16), golden.tiny_batch()), expected, absolute=2e-2)


@torch.no_grad()
def tiny_forward_difference(golden: Golden, expected: float, folder: Path) -> None:
    """Our logits are the only ones there are: the loss is computed from them."""
    network, (ids, targets) = tiny_network(golden), golden.tiny_batch()
    loss = torch.nn.functional.cross_entropy(network.logits(ids).flatten(0, 1), targets.flatten())
    near(float(loss), loss_of(network, (ids, targets)), absolute=1e-6)
    assert expected == 0.0


def tiny_five_layers(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "loss", "logits_probe_all", "skip_weights_shape", "note")
    network = golden_network(replace(golden.tiny_model, num_layers=5))
    ids, targets = golden.tiny_batch()
    near(loss_of(network, (ids, targets)), expected["loss"], absolute=LOSS)
    near(probe(network.logits(ids)), expected["logits_probe_all"], absolute=PROBE)
    assert list(network.skip_weights.shape) == expected["skip_weights_shape"]


def first_word(scheme: str) -> str:
    """`int6` of `int6`, `float16` of `float16 (passthrough_fp16)`."""
    found = re.search(r"u?int\d+|b?float\d+", scheme)
    assert found is not None, scheme
    return found.group()


def check_export(stored: Mapping[str, Stored], state: Mapping[str, Tensor], expected: Mapping[str, Any]) -> None:
    """Compare what an export stores, tensor by tensor, and what it decodes to."""
    decoded = restore(stored)
    assert set(expected) == set(state)
    for name, facts in expected.items():
        known(facts, "scheme", "max_err", "sum_abs_q", "min_q", "max_q", "scale_sum", "crc32_q")
        assert first_word(facts["scheme"]) == stored[name].scheme, name
        check_integers(stored[name], facts)
        if "max_err" in facts:
            near(float((decoded[name].float() - state[name].float()).abs().max()), facts["max_err"], relative=1e-4)


def check_sizes(stored: Mapping[str, Stored], state: Mapping[str, Tensor], export: ExportConfig, facts: Any) -> None:
    """Bytes of the stored tensors and of the weights, exactly."""
    assert payload_size(stored, export) == facts["payload_bytes"]
    assert sum(t.numel() * t.element_size() for t in state.values()) == facts["tensor_bytes"]


def check_qgv3(stored: Mapping[str, Stored], facts: Mapping[str, Any]) -> None:
    """Every length and checksum of the QGv3 container."""
    lengths = [f"{part}_len" for part in ("meta_json", "quantized", "scales", "passthrough")]
    checked = (
        "magic",
        "header_struct",
        *lengths,
        "total_len",
        "crc32_meta",
        "crc32_quantized",
        "meta_json_first_400",
    )
    known(facts, *checked)
    raw = write_qgv3(stored)
    magic, *found = HEAD.unpack_from(raw)
    assert (magic, HEAD.format) == (MAGIC, "<4sIIII")
    assert facts["magic"] in ("QGv3", str(MAGIC))
    assert found == [facts[name] for name in lengths]
    assert len(raw) == facts["total_len"]
    text, quantized = raw[HEAD.size :][: found[0]], raw[HEAD.size + found[0] :][: found[1]]
    assert text.decode()[:400] == facts["meta_json_first_400"]
    assert (zlib.crc32(text), zlib.crc32(quantized)) == (facts["crc32_meta"], facts["crc32_quantized"])


EXPORT_1606_INT6 = ExportConfig(
    container="torch_pair", compressor="lzma", mlp="int6", attn="int6", rows="clip_search", small_control="float16"
)
"""The int6 path that #1606 has and did not use."""


def tiny_export(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "default", "int8_path", "int6_path")
    for path, facts in expected.items():
        qat_on = "loss_after_roundtrip_with_QAT_still_on_(as_script)"
        known(facts, "loss_after_roundtrip", "per_tensor", "payload_bytes", "tensor_bytes", "qgv3", qat_on)
        export = EXPORT_1606_INT6 if path == "int6_path" else golden.config.export
        # The keys that #102 keeps are of blocks 7 and 8, by literal names; the tiny model has neither.
        late_k = 0 if golden.script == "102" else export.late_k_float16
        export = replace(export, passthrough_numel=512, late_k_float16=late_k)
        state = tiny_network(golden).state_dict()
        stored = store(state, golden.tiny_model.num_layers, export)
        check_export(stored, state, facts["per_tensor"])
        check_sizes(stored, state, export, facts)
        if "qgv3" in facts:
            check_qgv3(stored, facts["qgv3"])
        network = GPT(golden.tiny_model, torch.float32, "blocks", "chunked")
        network.load_state_dict(restore(stored), strict=True)
        near(loss_of(network, golden.tiny_batch()), facts["loss_after_roundtrip"], absolute=LOSS)
        if qat_on in facts:
            arm(network, replace(golden.config.qat, min_numel=512), golden.tiny_model.num_layers)
            switch(network, on=True)
            near(loss_of(network, golden.tiny_batch()), facts[qat_on], absolute=LOSS)


def qat_network(golden: Golden, late_k: int | None = None) -> GPT:
    """The tiny model on the grid of its script, the threshold lowered where the golden lowered it."""
    qat = golden.config.qat
    if qat.active == "off":  # #102 has the code and its run did not use it
        qat = QatConfig("training", precision="compute")
    network = golden_network(golden.tiny_model)
    late = qat.late_k if late_k is None else late_k
    arm(network, replace(qat, min_numel=min(qat.min_numel, 512), late_k=late), golden.tiny_model.num_layers)
    switch(network, on=True)
    return network


def tiny_qat(late_k: int | None = None) -> Check:
    def check(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
        in_training, off = "loss_train_mode", "loss_eval_mode_(no_fake_quant)"
        by_bits = {"int6": 31, "int5": 15, "late_k_fp16": None, "exempt": None}
        known(expected, "loss", in_training, off, "grads", *by_bits, "which", "note")
        network, batch = qat_network(golden, late_k), golden.tiny_batch()
        near(loss_of(network, batch), expected.get("loss", expected.get(in_training)), absolute=LOSS)
        accumulate_gradients(network, [batch], 1)
        gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
        assert set(expected["grads"]) <= set(gradients)
        for name, numbers in expected["grads"].items():
            gradient = gradients[name]
            assert gradient is not None
            near(float(gradient.norm()), numbers["l2"], relative=GRADS)
            near(probe(gradient), numbers["probe"], relative=GRADS, absolute=GRADS * numbers["l2"])
        layers = {n: m for n, m in network.named_modules() if isinstance(m, CastedLinear)}
        for kind, levels in by_bits.items():
            for name in expected.get(kind, ()):
                grid = layers[name.removesuffix(".weight")].fake_quant
                assert (grid.levels if isinstance(grid, FakeQuant) else None) == levels, name
        if off in expected:
            switch(network, on=False)
            near(loss_of(network, batch), expected[off], absolute=LOSS)

    return check


def tiny_xsa_off(golden: Golden, expected: float, folder: Path) -> None:
    network = golden_network(replace(golden.tiny_model, xsa_last_n=0))
    near(loss_of(network, golden.tiny_batch()), expected, absolute=LOSS)


def tiny_ntk(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "train_seq_len", "seq", "loss", "logits_probe_all", "new_base")
    model = replace(golden.tiny_model, rope_ntk_seq_len=expected["train_seq_len"])
    head_dim = model.model_dim // model.num_heads
    base = ntk_base(model.rope_base, head_dim, expected["seq"], expected["train_seq_len"])
    near(base, expected["new_base"], relative=1e-6)
    network, (ids, targets) = golden_network(model), golden.tiny_batch()
    near(loss_of(network, (ids, targets)), expected["loss"], absolute=LOSS)
    near(probe(network.logits(ids)), expected["logits_probe_all"], absolute=PROBE)


# eval, muon, training -----------------------------------------------------------------------------------------


def golden_tables(vocab: int) -> ByteTables:
    """The byte tables of the eval goldens."""
    ids = torch.arange(vocab)
    base = torch.where(ids < 4, 0, 1 + ids % 5).to(torch.int16)
    return ByteTables(base, (ids % 3 == 0) & (ids >= 4), ids < 4)


def eval_setting(golden: Golden, expected: Any, folder: Path) -> None:
    streams = [key for key in golden.content["eval"] if key.startswith("T=")]
    settings = ("looping_active", "windows", "windows_rule")
    known(golden.content["eval"], "luts", "tokens", "train_seq_len", "eval_stride", *settings, *streams)
    assert golden.content["eval"]["train_seq_len"] == golden.content["tiny"]["seq"]


def eval_stream(length: int, rule: str, dtype: torch.dtype) -> Check:
    def check(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
        facts = expected
        known(facts, "loss", "bpb", "token_count", "byte_count", "note")
        vocab, seq = golden.tiny_model.vocab_size, golden.content["eval"]["train_seq_len"]
        write_golden_shard(folder / "fineweb_val_000000.bin", golden_tokens(length, vocab).numpy())
        tokens = load_validation_tokens(find_shards(folder, "fineweb_val_*.bin"), seq, vocab)
        # The golden hands its stream to the function itself, past the script's own cut to whole sequences.
        sliding = replace(golden.config.eval, stride=golden.content["eval"]["eval_stride"], keep_tail=True)
        windows = eval_windows(EvalConfig() if rule == "eval_val" else sliding, tokens.numel(), seq)
        looped = golden.content["eval"].get("looping_active", False)
        network = golden_network(golden.tiny_model, dtype, looped=looped)
        tolerance = LOSS if dtype == torch.float32 else BFLOAT16_EVAL
        for sums in (torch.float64, torch.float32):
            found = evaluate(
                network,
                tokens,
                golden_tables(vocab).sizes(tokens),
                windows,
                2,
                World(0, 1, torch.device("cpu")),
                sums,
            )
            assert (found.tokens, found.bytes) == (facts["token_count"], facts["byte_count"])
            near(found.val_loss, facts["loss"], absolute=tolerance)
            near(found.val_bpb, facts["bpb"], absolute=tolerance)

    return check


def muon_matrices(dtype: torch.dtype, tolerance: float) -> Check:
    def check(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
        known(expected, "16x8_k7", "8x16_k11", "out_dtype")
        for rows, columns, phase in ((16, 8, 7), (8, 16, 11)):
            found = orthogonalise(fixed_matrix(rows, columns, phase), 5, dtype)
            assert str(found.dtype) == expected["out_dtype"]
            values = expected[f"{rows}x{columns}_k{phase}"]
            assert found.float().flatten().tolist() == pytest.approx(values, abs=tolerance)

    return check


NAMES_OF_SETTINGS = {"row_normalize": "row_normalise"}
"""What an original calls a setting of a group, and what we do."""


def compare_groups(network: GPT, groups: Sequence[Mapping[str, Any]], optim: OptimConfig) -> None:
    """Which parameter is trained by which optimizer with which settings."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    found = [(optimizer, group) for optimizer in build_optimizers(network, optim) for group in optimizer.param_groups]
    for (optimizer, group), expected in zip(found, groups, strict=True):
        assert type(optimizer).__name__ == expected["opt"]
        assert_same_names([names[id(parameter)] for parameter in group["params"]], expected["params"])
        for key in expected.keys() - {"opt", "params", "fused"}:  # fused: how, not what is computed
            ours = NAMES_OF_SETTINGS.get(key, key)
            if ours not in group and not expected[key]:  # an option that golf has not, and that the run left off
                continue
            assert ours in group, f"golf has no {key}, which the run set to {expected[key]!r}"
            assert group[ours] == (tuple(expected[key]) if key == "betas" else expected[key]), key


def five_steps(dtype: Any, tolerance: float, **changed: Any) -> Check:
    def check(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
        losses = expected["losses_before_and_after_each_step"]
        known(
            expected,
            "losses_before_and_after_each_step",
            "grad_norm_before_clip_each_step",
            "params_after_step_1",
            "params_after_step_5",
            "param_groups",
            "ema_decay",
            "ema_after_5_steps",
            "swa_mean_of_states_after_steps_3_4_5",
        )
        optim = replace(golden.config.optim, muon_dtype=dtype, **changed)
        probes = 1.0 if dtype == "float32" else 10.0  # of bfloat16 every machine sums in its own order
        network, batch = golden_network(golden.tiny_model), golden.tiny_batch()
        if "param_groups" in expected:
            compare_groups(network, expected["param_groups"], optim)
        optimizers = build_optimizers(network, optim)
        parameters = list(network.parameters())
        ema = WeightAverage(AverageConfig("ema", expected.get("ema_decay", 0.997)), network.state_dict())
        swa = WeightAverage(AverageConfig("swa", swa_every=1, swa_sum="native"), network.state_dict())
        for step in range(5):
            network.looped = step >= 2 and golden.tiny_model.loop.times > 0
            set_momentum(optimizers, muon_momentum(optim, step))
            near(float(accumulate_gradients(network, [batch], 1)), losses[step], absolute=tolerance)
            norm = math.sqrt(sum(float(p.grad.double().square().sum()) for p in parameters if p.grad is not None))
            if "grad_norm_before_clip_each_step" in expected:
                near(norm, expected["grad_norm_before_clip_each_step"][step], relative=tolerance)
            apply_gradients(optimizers, parameters, optim.grad_clip_norm)
            ema.update(network.state_dict(), step + 1, 1.0)
            swa.update(network.state_dict(), step + 1, 1.0 if step < 2 else 0.1)
            if step == 0 and "params_after_step_1" in expected:
                compare_parameters(network, expected["params_after_step_1"], tolerance, probes)
        near(loss_of(network, batch), losses[5], absolute=tolerance)
        if "params_after_step_5" in expected:
            compare_parameters(network, expected["params_after_step_5"], tolerance, probes)
        for key, average in (("ema_after_5_steps", ema), ("swa_mean_of_states_after_steps_3_4_5", swa)):
            if key in expected:
                average.load_into(network.state_dict())
                compare_parameters(network, expected[key], tolerance)

    return check


def qat_steps(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "losses", "newton_schulz", "steps")
    assert expected["newton_schulz"] == "fp32"
    optim = replace(golden.config.optim, muon_dtype="float32")
    network, batch = qat_network(golden, QAT_LATE_K.get(golden.script)), golden.tiny_batch()
    optimizers, parameters = build_optimizers(network, optim), list(network.parameters())
    for step in range(expected["steps"]):
        set_momentum(optimizers, muon_momentum(optim, step))
        near(float(accumulate_gradients(network, [batch], 1)), expected["losses"][step], absolute=STEPS)
        apply_gradients(optimizers, parameters, optim.grad_clip_norm)
    near(loss_of(network, batch), expected["losses"][expected["steps"]], absolute=STEPS)


QAT_LATE_K = {"160": 2}
"""Its golden of training has the script's default; the submitted run kept no keys."""


# quantiser, schedule, settings, data --------------------------------------------------------------------------


def quant_matrix() -> Tensor:
    factors = torch.tensor([1.0, 0.3, 0.05, 0.0, 2.5, 1e-4, 0.7, 1e-9])
    matrix = fixed_matrix(8, 32, 3) * factors[:, None]
    matrix[6, 3] = 4.0
    return matrix


def quant_input(golden: Golden, expected: list[float], folder: Path) -> None:
    assert quant_matrix().abs().amax(dim=1).tolist() == pytest.approx(expected, rel=1e-8)


def quant_rows(scheme: Scheme) -> Check:
    def check(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
        known(expected, "q", "scale", "scale_dtype", "max_abs_err", "dequant_probe", "per_row_max_err", "note")
        matrix = quant_matrix()
        export = EXPORT_1606_INT6 if golden.script == "1606" else golden.config.export
        integers, scales = quantize(matrix, scheme, export)
        assert integers.tolist() == expected["q"]
        assert str(scales.dtype) == expected["scale_dtype"]
        assert scales.tolist() == pytest.approx(expected["scale"], rel=1e-8)
        decoded = dequantize(integers, scales, torch.float32)
        near(probe(decoded), expected["dequant_probe"], relative=1e-7)
        error = (decoded - matrix).abs()
        near(float(error.max()), expected["max_abs_err"], relative=1e-6)
        assert error.amax(dim=1).tolist() == pytest.approx(expected["per_row_max_err"], rel=1e-6)

    return check


def fake_rows(levels: int) -> Check:
    def check(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
        known(expected, "max_abs_err", "values_probe", "rows_l2", "note")
        matrix, grid = quant_matrix(), golden.config.qat.grid
        assert grid != "step"
        values = FakeQuant(levels, grid, "float32")(matrix, torch.float32)
        near(float((values - matrix).abs().max()), expected["max_abs_err"], relative=1e-6)
        near(probe(values), expected["values_probe"], relative=1e-6)
        assert values.norm(dim=1).tolist() == pytest.approx(expected["rows_l2"], rel=1e-6)

    return check


def packing(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "q", "bytes", "unpacked")
    q = torch.tensor(expected["q"], dtype=torch.int8)
    packed = pack_six(q)
    assert packed.tolist() == expected["bytes"]
    assert unpack_six(packed, tuple(q.shape)).tolist() == expected["unpacked"]


def packed_matrix(golden: Golden, expected: Sequence[int], folder: Path) -> None:
    assert pack_six(quantize(quant_matrix(), "int6", golden.config.export)[0]).tolist() == expected


def quant_vector(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "q", "scale", "scale_dtype")
    integers, scale = quantize(quant_matrix().flatten()[:64], "int8", golden.config.export)
    assert integers.tolist() == expected["q"]
    assert (str(scale.dtype), scale.ndim) == (expected["scale_dtype"], 0)
    near(float(scale), expected["scale"], relative=1e-8)


def lr_tables(golden: Golden, expected: Sequence[Mapping[str, Any]], folder: Path) -> None:
    for table in expected:
        known(table, "max_wallclock_ms", "iterations", "warmdown_iters", "table_step_elapsedms_scale")
        cap = table["max_wallclock_ms"]
        schedule = ScheduleConfig(
            kind="steps" if cap is None else "wallclock",
            max_wallclock_seconds=600.0 if cap is None else cap / 1000.0,
            iterations=table["iterations"],
            warmdown_iters=table["warmdown_iters"],
            warmdown_lr_floor=golden.config.schedule.warmdown_lr_floor,
        )
        for step, elapsed_ms, scale in table["table_step_elapsedms_scale"]:
            near(learning_rate_multiplier(schedule, int(step), elapsed_ms), scale, relative=1e-8)


def default_settings(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    config = golden.config
    known(expected, *OUR_NAMES, *SURROUNDINGS, *NOT_OURS, *UNUSED)
    if golden.script == "465":  # its file lists the script's defaults; the run set two in the environment
        expected = {**expected, **{name.lower(): int(value) for name, value in golden.content["full"]["env"].items()}}
    if golden.script == "160":  # its environment tells how the submitted artifact was packed
        packed = {"tok_embed_bits": 8, "fp16_embed": False, "fp16_late_k_layers": 0, "compressor": "lzma"}
        expected = {**expected, **packed}
    if golden.script == "1855":  # which codes groups of tensors with a program of the system's; ours is as small
        expected = {**expected, "compressor": config.export.compressor}
    for name, value in expected.items():
        if name in OUR_NAMES:
            assert OUR_NAMES[name](config) == value, name
        elif name in NOT_OURS:
            assert value in NOT_OURS[name], name


OUR_NAMES: dict[str, Callable[[GolfConfig], Any]] = {
    **{name: attrgetter(f"model.{name}") for name in vars(ModelConfig())},
    **{name: attrgetter(f"optim.{name}") for name in vars(OptimConfig())},
    **{name: attrgetter(f"schedule.{name}") for name in vars(ScheduleConfig())},
    "val_batch_size": lambda c: c.batch.val_batch_tokens,
    "train_batch_tokens": lambda c: c.batch.train_batch_tokens,
    "train_seq_len": lambda c: c.batch.train_seq_len,
    "eval_seq_len": lambda c: c.batch.train_seq_len,
    "tied_embed_init_std": lambda c: c.model.tok_emb_init_std,
    "bigram_vocab_size": lambda c: c.model.bigram.buckets,
    "bigram_dim": lambda c: c.model.bigram.dim,
    "use_smear_gate": lambda c: c.model.smear != "off",
    "ortho_init": lambda c: c.model.linear_init == "orthogonal",
    "weight_decay": lambda c: c.optim.adam_weight_decay,
    "adam_wd": lambda c: c.optim.adam_weight_decay,
    "muon_wd": lambda c: c.optim.muon_weight_decay,
    "ema_enabled": lambda c: c.average.kind == "ema",
    "ema_decay": lambda c: c.average.ema_decay,
    "swa_enabled": lambda c: c.average.kind == "swa",
    "swa_start_frac": lambda c: c.average.swa_start_multiplier,
    "swa_every": lambda c: c.average.swa_every if c.average.kind == "swa" else 0,
    "qat_enabled": lambda c: c.qat.active != "off",
    "qat_start_frac": lambda c: c.qat.start_step / c.schedule.iterations,
    "use_int6_qat": lambda c: c.qat.active != "off" and c.qat.attn_bits == 6,
    "use_int5_mlp": lambda c: c.export.mlp == "int5",
    "quant_bits": lambda c: int(c.export.mlp.removeprefix("int")),
    "tok_embed_bits": lambda c: int(c.export.embed.removeprefix("int")),
    "fp16_embed": lambda c: c.export.embed == "float16",
    "embed_quant": lambda c: c.export.embed.replace("float16", "fp16"),
    "fp16_late_k_layers": lambda c: c.export.late_k_float16,
    "late_k_fp16_layers": lambda c: c.export.late_k_float16,
    "compressor": lambda c: c.export.compressor,
    "eval_stride": lambda c: c.eval.stride,
    "eval_batch_seqs": lambda c: c.eval.batch_windows,
    **FRONTIER_NAMES,
}
"""The originals' hyperparameters by their names, in our configuration."""
SURROUNDINGS = (
    "data_path",
    "train_files",
    "val_files",
    "tokenizer_path",
    "seed",
    "val_loss_every",
    "train_log_every",
    *FRONTIER_SURROUNDINGS,
)
"""Where a run happens and how often it speaks: not what is computed."""
UNUSED = (
    *FRONTIER_UNUSED,
    "late_qat_threshold",
    "lora_ttt_rank",
    "lora_ttt_lr",
    "lora_ttt_prefix_len",
    "lora_ttt_steps",
)
"""Settings of options that are off."""
NOT_OURS: dict[str, tuple[Any, ...]] = {
    "mlp_hidden": (0,),  # 0: the script derives it from mlp_mult, as we do
    "late_qat": (False,),
    "normuon": (False,),
    "lora_ttt": (False,),
    **FRONTIER_NOT_OURS,
}
"""Options that a run did not use and golf_model does not have, with the values that leave them unused."""


def loader_order(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "shards", "world_size", "global_tokens", "seq_len", "grad_accum_steps", "rank0", "rank1")
    paths = [folder / "fineweb_train_000000.bin", folder / "fineweb_train_000001.bin"]
    for path, tokens in zip(paths, (range(100), range(1000, 1060)), strict=True):
        write_golden_shard(path, list(tokens))
    shards = [open_shard(path) for path in paths]
    for rank in range(expected["world_size"]):
        loader = TrainLoader(TokenStream(shards, 2000), rank, expected["world_size"])
        for batch in expected[f"rank{rank}"]:
            known(batch, "x", "y_last")
            x, y = loader.next_batch(expected["global_tokens"], expected["seq_len"], expected["grad_accum_steps"])
            assert x.tolist() == batch["x"]
            assert y[:, -1].tolist() == batch["y_last"]


def byte_tables(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    columns = ("base_bytes", "has_leading_space", "is_boundary")
    known(expected, "pieces", "vocab_size_arg", *columns, "byte_rule", "assertion")
    kinds: dict[str, PieceKind] = {
        "unk": "special",
        "control": "special",
        "unused": "special",
        "byte": "byte",
        "n": "normal",
    }
    pieces = [(text, kinds[kind]) for text, kind in expected["pieces"]]
    tables = build_byte_tables(pieces, expected["vocab_size_arg"])
    assert tables.base_bytes.tolist() == expected["base_bytes"]
    assert tables.has_leading_space.int().tolist() == expected["has_leading_space"]
    assert tables.is_boundary.int().tolist() == expected["is_boundary"]


def control_names(golden: Golden, expected: Sequence[str], folder: Path) -> None:
    assert control_patterns(golden.config.export) == list(expected)


# full ---------------------------------------------------------------------------------------------------------


def full_param_count(golden: Golden, expected: int, folder: Path) -> None:
    assert parameter_count(golden.config.model) == expected
    assert sum(p.numel() for p in initial_network(golden).parameters()) == expected


def full_state_dict(golden: Golden, expected: Sequence[Any], folder: Path) -> None:
    state = initial_network(golden).state_dict()
    found = [[name, list(t.shape), str(t.dtype).removeprefix("torch.")] for name, t in state.items()]
    assert found == [list(row) for row in expected]
    assert [(name, list(shape)) for name, shape in parameter_shapes(golden.config.model).items()] == [
        (name, list(shape)) for name, shape, _ in expected
    ]


def full_parameter_order(golden: Golden, expected: bool, folder: Path) -> None:
    network = initial_network(golden)
    assert ([name for name, _ in network.named_parameters()] == list(network.state_dict())) is expected


def full_buffers(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "rotary.inv_freq dtype after .bfloat16()+restore", "len")
    table = faithful_network(golden).get_buffer("rope_frequencies")
    assert table.numel() == expected["len"]
    assert str(table.dtype) == f"torch.{expected['rotary.inv_freq dtype after .bfloat16()+restore']}"
    assert "rope_frequencies" not in faithful_network(golden).state_dict()


def full_init(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    state = initial_network(golden).state_dict()
    qr_noise = golden.config.model.linear_init == "orthogonal"  # LAPACK's, and then one step of bfloat16
    for name, facts in expected.items():
        known(facts, "mean", "std", "absmax", "semi_orthogonal_rel_dev", "singular_value")
        weight = state[name].float()
        near(float(weight.double().mean()), facts["mean"], relative=1e-5, absolute=1e-7 if qr_noise else 1e-9)
        near(float(weight.std()) if weight.numel() > 1 else 0.0, facts["std"], relative=1e-5)
        near(float(weight.abs().max()), facts["absmax"], relative=8e-3 if qr_noise else 1e-8)
        if "singular_value" in facts:
            wide = weight if weight.size(0) <= weight.size(1) else weight.T
            gram = wide @ wide.T
            scale = float(gram.diagonal().mean())
            near(math.sqrt(scale), facts["singular_value"], relative=1e-5)
            deviation = (gram / scale - torch.eye(gram.size(0))).abs().max()
            near(float(deviation), facts["semi_orthogonal_rel_dev"], relative=0.05 if qr_noise else 1e-3)


def full_export(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "dtype_policy", "per_tensor", "payload_bytes", "tensor_bytes", "qgv3")
    state, export = faithful_network(golden).state_dict(), golden.config.export
    stored = store(state, golden.config.model.num_layers, export)
    check_export(stored, state, expected["per_tensor"])
    check_sizes(stored, state, export, expected)
    if "qgv3" in expected:
        check_qgv3(stored, expected["qgv3"])


def legacy_payload(golden: Golden, expected: int, folder: Path) -> None:
    """#102 also writes the official int8 file, with its own control names and fp16 tensors."""
    ours = golden.config.export
    export = ExportConfig(more_control=ours.more_control, embed=ours.embed, late_k_float16=ours.late_k_float16)
    assert payload_bytes(golden.config.model, export) == expected


def full_tensor_bytes(golden: Golden, expected: int, folder: Path) -> None:
    state = faithful_network(golden).state_dict()
    assert sum(value.numel() * value.element_size() for value in state.values()) == expected


def full_int6_path(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    """The int6 path of #1606, for its first block's tensors and one matrix in full."""
    layers = golden.config.model.num_layers
    stored = store(faithful_network(golden).state_dict(), layers, EXPORT_1606_INT6)
    for name, facts in expected.items():
        if name == "payload_bytes":
            assert payload_size(stored, EXPORT_1606_INT6) == facts
        elif name == "schemes":
            assert {key: stored[key].scheme for key in facts} == {key: first_word(v) for key, v in facts.items()}
        else:
            known(facts, "scheme", "sum_abs_q", "min_q", "max_q", "scale_sum", "crc32_q")
            check_integers(stored[name], facts)


def full_default_export(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    """#160 with its script's defaults, as its log has it: fp16 embedding and last two keys."""
    known(expected, "payload_bytes", "tensor_bytes", "log_payload", "fp16_kept")
    export = replace(golden.config.export, embed="float16", late_k_float16=2, compressor="zlib")
    model = golden.config.model
    assert payload_bytes(model, export) == expected["payload_bytes"] == expected["log_payload"]
    full_tensor_bytes(golden, expected["tensor_bytes"], folder)
    kept = [name for name, scheme in schemes(model, export).items() if scheme == "float16"]
    assert sorted(kept) == sorted(expected["fp16_kept"])


# units --------------------------------------------------------------------------------------------------------


def rope_units(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    eager, rounded = (
        "mean_abs_cos_diff_eager_bf16_arange_and_inv_vs_fp32",
        "mean_abs_cos_diff_bf16_inv_fp32_t_vs_fp32",
    )
    known(expected, "base", "head_dim", "inv_freq_fp32", "inv_freq_bf16_rounded", "seq", eager, rounded)
    clean = rope_frequencies(expected["head_dim"], expected["base"], torch.float32)
    coarse = rope_frequencies(expected["head_dim"], expected["base"], torch.bfloat16)
    assert clean.tolist() == pytest.approx(expected["inv_freq_fp32"], rel=1e-6)
    assert coarse.float().tolist() == pytest.approx(expected["inv_freq_bf16_rounded"], rel=1e-8)
    cos = rope_tables(clean, expected["seq"])[0]
    for key, frequencies in ((eager, coarse), (rounded, coarse.float())):
        difference = (rope_tables(frequencies, expected["seq"])[0].float() - cos).abs().mean()
        near(float(difference), expected[key], relative=1e-4)


def momentum_units(golden: Golden, expected: Sequence[Sequence[float]], folder: Path) -> None:
    for step, momentum in expected:
        near(muon_momentum(golden.config.optim, int(step)), momentum, relative=1e-8)


def bigram_units(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    known(expected, "buckets", "tokens", "hash", "tiny_model_buckets_128_hash_of_batch")
    assert bigram_hash(torch.tensor(expected["tokens"]), expected["buckets"]).tolist() == expected["hash"]
    rows = bigram_hash(golden.tiny_batch()[0], 128).tolist()
    assert rows == expected["tiny_model_buckets_128_hash_of_batch"]


def swa_units(golden: Golden, expected: Mapping[str, Any], folder: Path) -> None:
    """The file does not say which tensor it averaged; ours is a normal one of the same size of error."""
    known(expected, "what", "rel_l2")
    torch.manual_seed(0)
    sample = {"w": torch.randn(100_000).to(torch.bfloat16)}
    swa = WeightAverage(AverageConfig("swa", swa_every=1, swa_sum="native"), sample)
    for step in range(29):
        swa.update(sample, step + 1, 0.0)
    error = (swa.weights()["w"].float() - sample["w"].float()).norm() / sample["w"].float().norm()
    near(float(error), expected["rel_l2"], relative=0.02)


CHECKS: dict[tuple[str, ...], Check] = {
    **{(name,): described for name in ("script", "source_sha256", "torch", "made_by", "conventions")},
    ("tiny", "env"): described,
    **{
        ("tiny", name): tiny_describes_model
        for name in ("vocab", "dim", "heads", "kv_heads", "layers", "seq", "batch", "mlp_hidden", "rope_base")
    },
    ("tiny", "param_count"): tiny_param_count,
    ("tiny", "state_dict"): tiny_state_dict,
    ("tiny", "weight_first3_check"): tiny_weights,
    ("tiny", "loss"): tiny_loss,
    ("tiny", "logits"): tiny_logits,
    ("tiny", "logits_probe_all"): tiny_logits_probe,
    ("tiny", "grads"): tiny_grads,
    ("tiny", "loss_model_in_float64_(final_CE_input_cast_to_fp32)"): tiny_loss_float64,
    ("tiny", "loss_gpu_dtype_policy_cpu_bf16_autocast_(informative)"): tiny_loss_bfloat16,
    ("tiny", "max_abs_diff_of_forward_logits_vs_forward"): tiny_forward_difference,
    ("tiny", "max_abs_diff_of_get_logits_vs_forward"): tiny_forward_difference,
    ("tiny", "ntk_rope"): tiny_ntk,
    ("tiny", "xsa_off_loss"): tiny_xsa_off,
    ("tiny", "qat_on"): tiny_qat(),
    ("tiny", "qat_on_numel_threshold_patched_to_512"): tiny_qat(),
    ("tiny", "qat_on_no_exempt"): tiny_qat(late_k=0),
    ("tiny", "qat_on_late_k_2_exempt"): tiny_qat(late_k=2),
    ("tiny", "five_layers"): tiny_five_layers,
    ("tiny", "export_roundtrip_numel_threshold_patched_to_512"): tiny_export,
    **{("eval", name): eval_setting for name in ("luts", "tokens", "train_seq_len", "eval_stride")},
    **{
        ("eval", f"T={length}{suffix}", rule): eval_stream(length, rule, dtype)
        for length in (33, 39, 40, 41, 97, 101)
        for suffix, dtype in (("", torch.float32), ("_bf16_autocast_cpu", torch.bfloat16))
        for rule in ("eval_val", "eval_val_sliding")
    },
    ("muon_orthogonalise", "bf16"): muon_matrices(torch.bfloat16, 5e-2),
    ("muon_orthogonalise", "fp32"): muon_matrices(torch.float32, 1e-5),
    ("muon_orthogonalise", "note"): described,
    ("train5", "what"): described,
    ("train5", "fp32_newton_schulz"): five_steps("float32", STEPS),
    ("train5", "bf16_newton_schulz"): five_steps("bfloat16", 5e-3),
    ("train5", "row_normalise_off_fp32"): five_steps("float32", STEPS, muon_row_normalise=False),
    ("train5", "bf16_gradients_momentum_newton_schulz"): five_steps("bfloat16", 5e-3),
    ("train5", "qat_on_3_steps"): qat_steps,
    ("train5", "qat_on_3_steps_(late_k_2_exempt)"): qat_steps,
    ("train5", "qat_on_3_steps_(numel_threshold_512)"): qat_steps,
    ("quant_8x32", "matrix_row_absmax"): quant_input,
    ("quant_8x32", "int8"): quant_rows("int8"),
    ("quant_8x32", "int6"): quant_rows("int6"),
    ("quant_8x32", "int5"): quant_rows("int5"),
    **{("quant_8x32", f"fake_quant_int{bits}"): fake_rows(2 ** (bits - 1) - 1) for bits in (8, 6, 5)},
    ("quant_8x32", "pack_signed_int6_example"): packing,
    ("quant_8x32", "packed_int6_of_matrix_bytes"): packed_matrix,
    ("quant_8x32", "int8_vector64"): quant_vector,
    ("lr_schedule",): lr_tables,
    ("hyperparameters",): default_settings,
    ("loader",): loader_order,
    ("sentencepiece_lut",): byte_tables,
    ("control_patterns",): control_names,
    ("full", "env"): described,
    ("full", "param_count"): full_param_count,
    ("full", "state_dict"): full_state_dict,
    ("full", "parameters_order_equals_state_dict"): full_parameter_order,
    ("full", "nonpersistent_buffers"): full_buffers,
    ("full", "init_stats_seed1337_cpu"): full_init,
    ("full", "export_of_det_weights"): full_export,
    ("full", "legacy_int8_export_payload_bytes"): legacy_payload,
    ("full", "legacy_int8_tensor_bytes"): full_tensor_bytes,
    ("full", "log_payload"): legacy_payload,
    ("full", "int6_lzma_default_path"): full_int6_path,
    ("full", "export_with_script_defaults_(as_in_log)"): full_default_export,
    ("units", "rope"): rope_units,
    ("units", "muon_momentum_by_step"): momentum_units,
    ("units", "bigram_hash"): bigram_units,
    ("units", "swa_bf16_accumulation_example"): swa_units,
}


CHECKS_OF_SCRIPT = {"1394": CHECKS_1394, "1855": CHECKS_1855}
"""Script -> entry -> check, before the others."""


@pytest.mark.parametrize(("golden", "entry"), golden_entries())
def test_entry_of_the_golden_file_is_reproduced(golden: Golden, entry: tuple[str, ...], tmp_path: Path) -> None:
    expected: Any = golden.content
    for key in entry:
        expected = expected[key]
    checks = CHECKS | CHECKS_OF_SCRIPT.get(golden.script, {})
    assert entry in checks, f"no check for {'.'.join(entry)} in {golden.path.name}"
    checks[entry](golden, expected, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE_MATRICES)
def test_large_matrices_of_pr_1394_are_rounded_as_its_script_does(name: str) -> None:
    golden = Golden(GOLDENS / "golden_1394.json")
    check_full_matrix(golden, name, golden.content["full"]["export_of_det_weights"]["per_tensor"][name])
