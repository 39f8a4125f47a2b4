"""`golf repack`: kept weights packed otherwise and scored, nothing trained; what is refused before anything runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from golf_model.shapes import parameter_shapes
from runner.backends.backend import LocalBackend
from runner.backends.nodes import Node
from runner.drive.assess import JudgedRun
from runner.drive.run import run_plan
from runner.errors import UserError
from runner.folder.ledger import check_chain
from runner.folder.ledger_check import audit_run
from runner.job.open_data import DataRequest, open_requested
from runner.plan.plan import make_plan
from runner.record.export_pr import require_verdict
from runner.record.folder import Record
from runner.search.repack import Export, Source, exports, kept_source, packing, reference
from tests.fixtures.fake_script import PLAIN, fake_script
from tests.runner.drive.test_run import Screen, plan_for, script_of


@pytest.fixture(scope="module")
def trained(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> JudgedRun:
    """A run that has kept its weights."""
    plan = plan_for(tiny_data, (1,), keep_weights=True)
    script = fake_script(kept=parameter_shapes(plan.job.config.model))
    return run_plan(plan, script_of(script), tmp_path_factory.mktemp("kept"), Screen().console, LocalBackend)


@pytest.fixture
def source(trained: JudgedRun) -> Source:
    return kept_source(trained.folder)


def run_export(source: Source, one: Export, data: DataRequest, root: Path, name: str = "good") -> JudgedRun:
    """Pack and score one export with a script that only scores."""
    script = script_of(fake_script(name))
    plan = make_plan(one.job, open_requested(data), script.code_bytes, [Node(2, 0)], launcher=PLAIN)
    return run_plan(plan, script, root, Screen().console, LocalBackend, lay=packing(source, one.job, script))


def test_kept_weights_lie_in_the_run_folder_vouched_for_and_not_counted(trained: JudgedRun, source: Source) -> None:
    entries = [entry for entry in check_chain(trained.folder.ledger) if entry["kind"] == "trained"]
    assert {entry["seed"]: entry["kept_sha256"] for entry in entries} == {
        seed: one.kept.sha256 for seed, one in source.trained.items() if one.kept is not None
    }
    assert trained.data.verifications[0].artifact_bytes == len(b"weights of seed 1")
    assert "kept" not in json.dumps([result.model_dump(mode="json") for result in trained.data.results])
    assert audit_run(trained.folder).problems == []


def test_an_export_is_packed_and_scored_without_training_and_is_of_a_kind_of_its_own(
    trained: JudgedRun, source: Source, tiny_data: DataRequest, tmp_path: Path
) -> None:
    (one,) = exports(source, ["export.mlp=int6"], [])
    done = run_export(source, one, tiny_data, tmp_path)
    assert done.data.verdict.status == "repacked"
    # The fake script's score is of another text; nothing else is wrong, and nothing is asked of a training process.
    assert [reason.split("?")[0] for reason in done.data.verdict.reasons] == ["Score covers the text, adds up"]
    found = done.data.repacked
    assert found is not None
    assert found.run == trained.folder.path.name
    assert found.script_sha256 == trained.script.sha256
    assert set(found.artifacts.values()) == {one.artifact.sha256 for one in trained.data.results if one.artifact}
    assert [(change.field, change.there, change.here) for change in found.changed] == [
        ("config.export.mlp", "int8", "int6")
    ]
    launched = [entry for entry in check_chain(done.folder.ledger) if entry["kind"] == "launched"]
    assert [entry["trained_by"] for entry in launched] == [1]
    assert not done.folder.attempt(1, 2).log("train").exists()
    assert audit_run(done.folder).problems == []
    with pytest.raises(UserError, match="off the clock"):
        require_verdict(Record(tmp_path, done.data, b"", {}), unverified=True)
    assert run_export(source, one, tiny_data, tmp_path).data.results == done.data.results
    # What cannot be scored any more is packed again by whoever has the weights, and never trained.
    for attempt in done.folder.attempts(1):
        attempt.artifact("final_model.ptz").unlink()
    plan = make_plan(one.job, open_requested(tiny_data), 1000, [Node(2, 0)], launcher=PLAIN)
    with pytest.raises(UserError, match="nothing is trained here"):
        run_plan(plan, done.script, tmp_path, Screen().console, LocalBackend)
    assert run_export(source, one, tiny_data, tmp_path).data.verdict.status == "repacked"


def test_weights_that_were_changed_or_never_kept_are_not_packed(
    trained: JudgedRun, tiny_data: DataRequest, tmp_path: Path
) -> None:
    kept = trained.folder.attempt(1, 1).kept
    content = kept.read_bytes()
    kept.write_bytes(content[:-1] + b"\1")
    try:
        with pytest.raises(UserError, match="not what the ledger vouches for"):
            kept_source(trained.folder)
    finally:
        kept.write_bytes(content)
    plain = run_plan(plan_for(tiny_data, (1,)), script_of(fake_script()), tmp_path, Screen().console, LocalBackend)
    with pytest.raises(UserError, match="no weights of seed 1 were kept; set keep_weights: true"):
        kept_source(plain.folder)


@pytest.mark.parametrize(
    ("sets", "grid", "said"),
    [
        ([], [], "golf repack: give --set"),
        (["export.embed"], [], "--set 'export.embed': must be export.FIELD=VALUE"),
        (
            ["export.embd=int6"],
            [],
            "--set export.embd: no field of a job is called so (did you mean 'export.embed'?)",
        ),
        (["model.num_layers=3"], [], "--set model.num_layers: needs another training"),
        (["export.embed=int3"], [], "--set:1: config.export.embed: the text 'int3' is not one of float16"),
        (["export.embed=int6"], ["export.embed=int6,int8"], "export.embed: is set twice"),
        ([], ["export.embed=int6,int6"], "--grid export.embed: has a value twice"),
        ([], ["export.passthrough_numel=" + ",".join(map(str, range(101)))], "--grid: 101 exports are too many"),
    ],
)
def test_a_mistake_is_said_with_its_option(source: Source, sets: list[str], grid: list[str], said: str) -> None:
    with pytest.raises(UserError) as caught:
        exports(source, sets, grid)
    assert str(caught.value).startswith(said)


def test_a_grid_has_an_export_for_each_point(source: Source) -> None:
    found = exports(source, ["export.mlp=int6"], ["export.embed=int8,int6", "export.compressor=zlib,lzma"])
    assert [one.name for one in found] == [
        "mlp=int6 embed=int8 compressor=zlib",
        "mlp=int6 embed=int8 compressor=lzma",
        "mlp=int6 embed=int6 compressor=zlib",
        "mlp=int6 embed=int6 compressor=lzma",
    ]
    plain = reference(source)
    assert plain is not None
    assert plain.job.config.export.embed == "float16"
    assert {one.job.allow_over_cap for one in [*found, plain]} == {True}
