"""Kept weights: what is written is read again bit for bit, packs to the same bytes, and nothing foreign gets in."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from golf_model.artifact.artifact import pack_model
from golf_model.artifact.kept import keep_weights
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.config.rounding import GptqConfig
from golf_model.process.errors import ScriptError
from golf_model.repack import as_trained, from_json, main, read_kept
from golf_model.training.calibration import Seen
from tests.fixtures.golden_cases import golden_network

CONFIG = GolfConfig(
    model=ModelConfig(
        vocab_size=64, num_layers=2, model_dim=32, num_heads=2, num_kv_heads=1, bigram=BigramConfig(64, 8)
    ),
    export=ExportConfig(mlp="int6", passthrough_numel=256, gptq=GptqConfig(tokens=64)),
)
SEEN = Seen({"blocks.0.mlp.fc.weight": torch.eye(32) * 3}, {"blocks.0.mlp.fc.weight": torch.arange(64.0) + 1})


def weights() -> dict[str, torch.Tensor]:
    state = golden_network(CONFIG.model).state_dict()
    return {**state, "tok_emb.weight": state["tok_emb.weight"].bfloat16()}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    keep_weights(tmp_path / "kept", weights(), SEEN.hessians, SEEN.fisher)
    return tmp_path / "kept"


def bent(kept: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write the file again with another header over the same numbers."""
    raw = kept.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    change(header)
    head = json.dumps(header).encode()
    kept.write_bytes(len(head).to_bytes(8, "little") + head + raw[8 + length :])


def test_what_was_kept_is_read_again_bit_for_bit(kept: Path) -> None:
    read, seen = read_kept(kept, CONFIG)
    assert list(read) == list(weights())
    for name, tensor in weights().items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)
    assert torch.equal(seen.hessians["blocks.0.mlp.fc.weight"], torch.eye(32) * 3)
    assert torch.equal(seen.fisher["blocks.0.mlp.fc.weight"], torch.arange(64.0) + 1)


def test_packing_them_gives_the_bytes_that_training_would_have_packed(
    kept: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(asdict(CONFIG)))
    assert main([str(kept), str(tmp_path / "config.json"), str(tmp_path / "artifact"), "1000"]) == 0
    wanted = pack_model(weights(), CONFIG.model, CONFIG.export, SEEN.hessians).blob
    assert (tmp_path / "artifact").read_bytes() == wanted
    told = json.loads(capsys.readouterr().out)
    assert (told["bytes"], told["seconds"] > 0) == (len(wanted), True)


def test_a_configuration_comes_back_from_json() -> None:
    assert from_json(GolfConfig, json.loads(json.dumps(asdict(CONFIG)))) == CONFIG
    with pytest.raises(TypeError, match="nothing is no field of ModelConfig"):
        from_json(GolfConfig, {"model": {"nothing": 1}})


def test_gptq_without_what_the_layers_saw_is_refused_in_words(tmp_path: Path, capsys: Any) -> None:
    keep_weights(tmp_path / "kept", weights(), {}, {})
    (tmp_path / "config.json").write_text(json.dumps(asdict(CONFIG)))
    assert main([str(tmp_path / "kept"), str(tmp_path / "config.json"), str(tmp_path / "artifact"), "1000"]) == 2
    assert "nothing of it was kept" in capsys.readouterr().err
    assert not (tmp_path / "artifact").exists()


HEAD_SEEN = Seen({**SEEN.hessians, "tok_emb.weight": torch.eye(32) + 0.5}, SEEN.fisher)


def test_an_embedding_is_rounded_in_turn_only_where_the_new_export_asks_for_it() -> None:
    gptq = CONFIG.export.gptq
    assert as_trained(HEAD_SEEN, CONFIG.export).hessians.keys() == SEEN.hessians.keys()
    asked = replace(CONFIG.export, gptq=replace(gptq, embed=True))
    assert as_trained(HEAD_SEEN, asked) is HEAD_SEEN
    with pytest.raises(ScriptError, match="what the head saw"):
        as_trained(SEEN, asked)


def test_an_export_without_gptq_uses_nothing_that_was_seen() -> None:
    plain = replace(CONFIG.export, gptq=replace(CONFIG.export.gptq, tokens=0))
    assert as_trained(HEAD_SEEN, plain) == Seen({}, {})


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("/tmp/never-made-by-golf"),))


def test_a_pickle_is_not_opened(kept: Path) -> None:
    kept.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ScriptError, match="no sensible length"):
        read_kept(kept, CONFIG)
    assert not Path("/tmp/never-made-by-golf").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda head: head.pop("weights/tok_emb.weight"), "has no tok_emb.weight"),
        (lambda head: head["weights/tok_emb.weight"].update(shape=[32, 64]), "no tensor of this model"),
        (lambda head: head.update({"weights/other": head["weights/skip_weights"]}), "no tensor of this model"),
        (lambda head: head.update({"code/x": head["weights/skip_weights"]}), "no tensor of this model"),
        (lambda head: head["hessians/blocks.0.mlp.fc.weight"].update(shape=[64, 16]), "no tensor of this model"),
        (lambda head: head["weights/tok_emb.weight"].update(data_offsets=[0, 1 << 40]), "does not lie in the file"),
        (lambda head: head["weights/tok_emb.weight"].update(data_offsets=[10, 4]), "does not lie in the file"),
        (lambda head: head["weights/tok_emb.weight"].update(data_offsets=[-4, 4]), "header cannot be read"),
        (lambda head: head["weights/tok_emb.weight"].update(dtype="I64"), "header cannot be read"),
        (lambda head: head["weights/tok_emb.weight"].update(shape=[True, 2]), "header cannot be read"),
        (lambda head: head["weights/tok_emb.weight"].pop("shape"), "header cannot be read"),
        (lambda head: head.update({"weights/tok_emb.weight": 3}), "header cannot be read"),
    ],
)
def test_a_header_that_is_not_this_models_is_refused(
    kept: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    bent(kept, change)
    with pytest.raises(ScriptError, match=said):
        read_kept(kept, CONFIG)


@pytest.mark.parametrize(
    "raw", [b"", b"\xff" * 8, (5).to_bytes(8, "little") + b"[[[[[", (2).to_bytes(8, "little") + b"[]"]
)
def test_what_is_no_such_file_is_refused(kept: Path, raw: bytes) -> None:
    kept.write_bytes(raw)
    with pytest.raises(ScriptError, match=r"no file of kept weights|has no"):
        read_kept(kept, CONFIG)


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    state = weights()
    state["skip_weights"][0, 0] = float("nan")
    keep_weights(tmp_path / "kept", state, {}, {})
    with pytest.raises(ScriptError, match="no finite number"):
        read_kept(tmp_path / "kept", CONFIG)
