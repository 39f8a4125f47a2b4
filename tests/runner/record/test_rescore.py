"""`golf eval`: any artifact, any rule, any shards; counted twice, and one message where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from golf_model.artifact.artifact import pack_model
from golf_model.config.golf_config import GolfConfig
from golf_model.network.gpt import GPT
from runner.errors import UserError
from runner.job.open_data import DataRequest
from runner.plan.coverage import Coverage
from runner.record.rescore import Rescored, other_data, report_lines, rescore, with_rule
from runner.results.phases import Score
from tests.fixtures.commands import forked_golf
from tests.golf_model.test_main import CONFIG

Files = tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def files(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """An artifact of untrained weights, the folder of its shards and their tokenizer."""
    torch.manual_seed(0)
    network = GPT(CONFIG.model, torch.float32, "explicit", "plain")
    artifact = tmp_path_factory.mktemp("artifact") / "some.ptz"
    artifact.write_bytes(pack_model(network.state_dict(), CONFIG.model, CONFIG.export).blob)
    return artifact, Path(str(tiny_data.folder)), Path(str(tiny_data.tokenizer))


def score(config: GolfConfig, files: Files) -> tuple[Rescored, list[str]]:
    said: list[str] = []
    return rescore(config, *files, 1, said.append), said


@pytest.mark.slow
def test_the_jobs_rule_and_others_score_the_same_weights(files: Files) -> None:
    plain, said = score(CONFIG, files)
    sliding, _ = score(with_rule(CONFIG, rule="sliding", stride=4, window=None), files)
    streaming, _ = score(with_rule(CONFIG, rule="streaming"), files)
    assert [found.score.rule for found in (plain, sliding, streaming)] == ["plain", "sliding", "streaming"]
    for found in (plain, sliding, streaming):
        assert (found.score.tokens, found.score.bytes) == (found.counted.tokens, found.counted.bytes)
        assert found.seconds is not None
    assert plain.score.tokens is not None
    assert sliding.score.tokens is not None
    assert plain.score.tokens < sliding.score.tokens == streaming.score.tokens
    assert any(line.startswith("final_int8_golf_roundtrip val_loss:") for line in said)
    assert not any("_exact" in line or line.startswith("final_score") for line in said)


def test_an_artifact_of_another_model_is_one_message(files: Files) -> None:
    foreign = replace(CONFIG, model=replace(CONFIG.model, num_layers=3))
    with pytest.raises(UserError, match=r"some.ptz: cannot be scored: artifact: tensors that do not fit"):
        score(foreign, files)


def test_a_file_that_is_not_there_or_a_rule_that_cannot_be_is_one_message(files: Files, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        score(CONFIG, (tmp_path / "none.ptz", *files[1:]))
    with pytest.raises(UserError, match="--stride: at most 16, the window"):
        with_rule(CONFIG, rule="sliding", stride=17)


def test_other_shards_need_the_tokenizer_that_made_them(tmp_path: Path) -> None:
    shards, own, given = tmp_path / "shards", tmp_path / "job.model", tmp_path / "given.model"
    assert other_data(None, None, own) == (None, None)
    assert other_data(shards, None, own) == (shards, own)
    assert other_data(shards, given, own) == (shards, given)
    with pytest.raises(UserError, match="add --tokenizer FILE of those shards"):
        other_data(shards, None, None)
    with pytest.raises(UserError, match="--tokenizer: goes with --data"):
        other_data(None, given, own)


def test_a_count_that_disagrees_is_said() -> None:
    found = Rescored(
        Score(rule="plain", val_loss=1.0, val_bpb=2.0, tokens=3, bytes=4), 0.5, Coverage("plain", 3, 5, 3, 0)
    )
    assert report_lines(found) == [
        "2.000000 bits per byte, 1.000000 nats per token, rule plain, in 0.50 s",
        "3 tokens, 4 bytes, NOT as counted here: 3 tokens, 5 bytes",
    ]


def test_the_verb_refuses_an_unknown_rule_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("name: a\n")
    done = forked_golf(tmp_path, "eval", "a.ptz", "--job", "job.yaml", "--rule", "slidin")
    assert done.returncode == 2
    assert "--rule: the text 'slidin' is not one of" in done.stderr
    assert "did you mean 'sliding'?" in done.stderr
