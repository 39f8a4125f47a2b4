"""The schemas are the code's, describe every field, and agree with golf on right and wrong files."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from runner.authoring.schema import KINDS, job_schema, record_schema, schema_text, sweep_schema
from runner.cli.app import app
from runner.errors import UserError
from runner.job.load import load_job
from runner.search.sweeps.file import load_sweep
from runner.yaml_lines import load_yaml
from tests.fixtures.places import JOBS, ROOT
from tests.fixtures.results import record

FILES = sorted(path.relative_to(JOBS).as_posix() for path in JOBS.rglob("*.yaml"))
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


@cache
def validator(kind: str) -> Any:
    made = KINDS[kind]()
    jsonschema.Draft7Validator.check_schema(made)
    return jsonschema.Draft7Validator(made)


def complaints(kind: str, data: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(data)]


def told(data: Any) -> str:
    """Data as YAML, which JSON is."""
    return json.dumps(data)


@pytest.mark.parametrize("kind", ["job", "sweep"])
def test_the_schema_of_the_repository_is_the_codes(kind: str) -> None:
    stored = (JOBS / f"{kind}.schema.json").read_text()
    assert stored == schema_text(KINDS[kind]()), f"run: golf schema {kind} > jobs/{kind}.schema.json"


@pytest.mark.parametrize("name", FILES)
def test_every_shipped_file_names_its_schema_and_keeps_to_it(name: str) -> None:
    text = (JOBS / name).read_text()
    named = MODELINE.match(text)
    assert named, "its first line names no schema"
    schema = (JOBS / name).parent / named[1]
    kind = "sweep" if name.startswith("sweeps/") else "job"
    assert schema.resolve() == JOBS / f"{kind}.schema.json"
    assert complaints(kind, load_yaml(text, name)[0]) == []


def test_a_record_keeps_to_the_schema_of_records() -> None:
    schema = record_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    data = record().model_dump(mode="json")
    assert list(jsonschema.Draft7Validator(schema).iter_errors(data)) == []
    assert list(jsonschema.Draft7Validator(schema).iter_errors({**data, "verdict": "passed"})) != []


@pytest.mark.parametrize("made", [job_schema(), sweep_schema()], ids=["job", "sweep"])
def test_every_field_has_a_meaning_and_no_key_is_made_up(made: dict[str, Any]) -> None:
    for name, part in [("", made), *made["$defs"].items()]:
        assert part["additionalProperties"] is False, name
        assert [field for field, said in part["properties"].items() if not said.get("description")] in (
            [],
            ["sampler", "pruner", "budget"],  # each is a section that describes itself
        )


def test_choices_bounds_and_defaults_are_the_codes() -> None:
    made = job_schema()
    model = made["$defs"]["ModelConfig"]["properties"]
    assert model["num_layers"] == {
        "default": 9,
        "type": "integer",
        "minimum": 1,
        "maximum": 10**12,
        "description": model["num_layers"]["description"],
    }
    assert model["mlp_activation"]["enum"] == ["relu2", "leaky_relu2"]
    assert made["properties"]["track"]["enum"] == ["10min_16mb", "non_record_16mb", "local"]
    assert made["properties"]["tries"]["maximum"] == 10


RIGHT: dict[str, dict[str, Any]] = {
    "as it is": {},
    "another base by its path": {"base": str(JOBS / "baseline.yaml")},
    "a list of notes": {"notes": ["tried, and rejected"]},
    "nothing where something may be": {"method": None, "claim": None, "variants": None, "probe": None},
    "scores as a baseline": {"claim": {"baseline": [1.2, 1.21, 1.22], "gain": 0.01}},
    "a baseline in full": {"claim": {"baseline": {"val_bpb": [1.2, 1.21]}, "gain": 0.01, "policy": "progression"}},
    "variants by name": {"variants": [{"name": "wide", "set": {"model.model_dim": 192}}, {"name": "plain"}]},
    "a grid": {"variants": {"optim.matrix_lr": [0.01, 0.02]}},
    "shards": {"data": {"path": "shards", "tokenizer": "shards/a.model", "corpus": None}},
    "a variable": {"env": {"NCCL_DEBUG": "INFO"}},
    "a whole number for a number": {"stall_seconds": 60},
}


@cache
def quickstart() -> Any:
    return load_yaml((JOBS / "quickstart.yaml").read_text(), "quickstart")[0]


def job_text(tmp_path: Path, changes: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """The quickstart with some fields otherwise, as a file and as data; a field that is ... is taken out."""
    data = deepcopy(quickstart())
    for place, value in changes.items():
        at = data
        *above, last = place.split("/")
        for step in above:
            at = at[step]
        if value is ...:
            del at[last]
        else:
            at[last] = value
    path = tmp_path / "job.yaml"
    path.write_text(told(data))
    return path, data


@pytest.mark.parametrize("changes", RIGHT.values(), ids=RIGHT)
def test_what_golf_takes_the_schema_takes(tmp_path: Path, changes: dict[str, Any]) -> None:
    path, data = job_text(tmp_path, changes)
    load_job(path)
    assert complaints("job", data) == []


WRONG: dict[str, tuple[str, Any]] = {
    "no name": ("name", ...),
    "no seeds": ("seeds", []),
    "a name with a space": ("name", "my job"),
    "a track that is none": ("track", "10min"),
    "hardware that is none": ("hardware", "h100"),
    "a negative seed": ("seeds", [-1]),
    "a seed twice": ("seeds", [1, 1]),
    "a seed as text": ("seeds", ["1"]),
    "a key that is none": ("sneeds", [1]),
    "a key that is none, deep down": ("config/model/num_layer", 2),
    "text for a number": ("config/model/num_layers", "two"),
    "half a layer": ("config/model/num_layers", 2.5),
    "no layer": ("config/model/num_layers", 0),
    "an endless count": ("config/batch/train_batch_tokens", 10**13),
    "a choice that is none": ("config/schedule/kind", "clock"),
    "a share over one": ("config/schedule/min_lr", 2),
    "a decay of one": ("config/average", {"ema_decay": 1.0}),
    "true for text": ("blurb", True),
    "text for true": ("yardsticks", "yes"),
    "a yardstick that is none": ("must_beat", "trigram"),
    "too many tries": ("tries", 11),
    "no thread": ("threads", 0),
    "two sources of data": ("data/path", "shards"),
    "no source of data": ("data", {}),
    "shards without a tokenizer": ("data", {"path": "shards"}),
    "another corpus": ("data/corpus", "kjv"),
    "no clock": ("limits", ...),
    "half the clocks": ("limits/eval_seconds", ...),
    "a clock that stands": ("limits/train_seconds", 0),
    "the contest's track with clocks": ("track", "10min_16mb"),
    "a variable in small letters": ("env", {"nccl_debug": "INFO"}),
    "a variable that is a number": ("env", {"NCCL_DEBUG": 1}),
    "a claim without a gain": ("claim", {"baseline": [1.2, 1.3]}),
    "a policy that is none": ("claim", {"baseline": [1.2, 1.3], "gain": 0.01, "policy": "best"}),
    "a launcher that is none": ("launch", "mpirun"),
    "a list for a mapping": ("config", []),
    "nothing for a name": ("name", None),
}


@pytest.mark.parametrize(("place", "value"), WRONG.values(), ids=WRONG)
def test_what_the_schema_refuses_golf_refuses(tmp_path: Path, place: str, value: Any) -> None:
    path, data = job_text(tmp_path, {place: value})
    assert complaints("job", data) != []
    with pytest.raises(UserError):
        load_job(path)


WRONG_SWEEPS: dict[str, tuple[str, Any]] = {
    "no base": ("base", ...),
    "no space": ("space", {}),
    "two kinds of one field": ("space", {"optim.matrix_lr": {"log": [0.1, 0.2], "float": [0.1, 0.2]}}),
    "one end": ("space", {"optim.matrix_lr": {"log": [0.1]}}),
    "a kind that is none": ("space", {"optim.matrix_lr": {"lin": [0.1, 0.2]}}),
    "a sampler that is none": ("sampler", "bayes"),
    "a budget of nothing": ("budget", {}),
    "no trial": ("budget", {"trials": 0}),
}


@pytest.mark.parametrize(("place", "value"), WRONG_SWEEPS.values(), ids=WRONG_SWEEPS)
def test_sweeps_that_the_schema_refuses_golf_refuses(tmp_path: Path, place: str, value: Any) -> None:
    data = load_yaml((JOBS / "sweeps" / "quickstart.yaml").read_text(), "sweep")[0]
    data["base"] = str(JOBS / "quickstart.yaml")
    assert complaints("sweep", data) == []
    assert complaints("sweep", {**data, "sampler": "random"}) == []
    if value is ...:
        del data[place]
    else:
        data[place] = value
    path = tmp_path / "sweep.yaml"
    path.write_text(told(data))
    assert complaints("sweep", data) != []
    with pytest.raises(UserError):
        load_sweep(path)


def test_the_verb_prints_each_schema() -> None:
    assert CliRunner().invoke(app, ["schema", "sweep"]).stdout == schema_text(sweep_schema())
    submission = (ROOT / "reports" / "record" / "submission.schema.json").read_text()
    assert CliRunner().invoke(app, ["schema", "submission"]).stdout == submission
    assert CliRunner().invoke(app, ["schema", "jobs"]).exit_code == 2
