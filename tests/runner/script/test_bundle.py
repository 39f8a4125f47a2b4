"""The real bundle: golf_model and a configuration as one file."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import golf_model
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import ShapedStepsConfig, StepConfig
from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.config.official import REFUSED_VARIABLES
from golf_model.config.rounding import GptqConfig
from runner.files import sha256_bytes
from runner.script.bundle import HONOURED_VARIABLES, Script, make_script, pack_twin
from runner.script.compact import compact
from runner.script.pack import unpack
from runner.script.short_names import renamed
from tests.fixtures.config_classes import CONFIG_CLASSES, CONFIG_IMPORTS

PACKAGE = Path(golf_model.__file__).parent
CONFIG = GolfConfig(model=ModelConfig(num_layers=3, bigram=BigramConfig(buckets=64)))


@pytest.fixture(scope="module")
def script() -> Script:
    return make_script(CONFIG)


def test_script_is_its_packed_twin_and_carries_its_hash(script: Script) -> None:
    assert pack_twin(script.flat) == script.source
    assert unpack(script.source) == renamed(compact(script.flat))
    assert script.sha256 == sha256_bytes(script.source)


def test_another_process_folder_locale_and_hash_seed_give_the_same_bytes(script: Script, tmp_path: Path) -> None:
    code = (
        f"import sys\n{CONFIG_IMPORTS}\nfrom runner.script.bundle import make_script\n"
        "config = GolfConfig(model=ModelConfig(num_layers=3, bigram=BigramConfig(buckets=64)))\n"
        "print(make_script(config).sha256, 'torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4242", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert (done.stdout, done.stderr) == (f"{script.sha256} False\n", "")


def test_another_configuration_is_another_script(script: Script) -> None:
    assert make_script(GolfConfig()).sha256 != script.sha256


def test_packed_file_is_ascii_free_of_machine_paths_and_half_of_its_twin(script: Script) -> None:
    assert script.source.isascii()
    assert str(PACKAGE.parent) not in script.flat
    assert len(script.source) < len(script.flat) / 2


def test_every_module_stands_under_its_banner(script: Script) -> None:
    banners = {line.split()[2] for line in script.flat.splitlines() if line.startswith("# ---- ")}
    assert {"golf_model/config/golf_config.py", "golf_model/main.py", "configuration"} <= banners


def test_configuration_is_baked_in_as_source(script: Script) -> None:
    space: dict[str, object] = dict(CONFIG_CLASSES)
    baked = next(
        node
        for node in ast.parse(script.flat).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONFIG"
    )
    exec(ast.unparse(baked), space)
    assert space["CONFIG"] == CONFIG


def test_head_lists_what_the_script_reads_and_what_it_refuses(script: Script) -> None:
    head = script.source.decode().split("import base64")[0]
    assert [name for name in (*HONOURED_VARIABLES, *REFUSED_VARIABLES) if f" {name}" not in head] == []
    assert all(line.startswith("#") and len(line) <= 118 for line in head.splitlines())


def test_the_list_of_honoured_variables_is_what_golf_model_reads() -> None:
    tree = ast.parse((PACKAGE / "process" / "environment.py").read_text())
    read = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "variables.get"
        and isinstance(node.args[0], ast.Constant)
    }
    assert read == set(HONOURED_VARIABLES)


RUN_WITHOUT_PACKAGE = """
import json, runpy, sys
sys.modules["golf_model"] = None  # any import of it fails
sys.argv = ["train_gpt.py"]
try:
    runpy.run_path("train_gpt.py", run_name="__main__")
except SystemExit as end:
    print(json.dumps([end.code, sorted(name for name in sys.modules if name.startswith(("golf_model", "runner")))]))
"""


def test_bundle_runs_in_an_empty_folder_without_the_package(script: Script, tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_bytes(script.source)
    kept = {
        name: value for name, value in os.environ.items() if name not in (*HONOURED_VARIABLES, *REFUSED_VARIABLES)
    }
    command = [sys.executable, "-I", "-c", RUN_WITHOUT_PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={**kept, "ITERATIONS": "3"})
    assert json.loads(done.stdout.splitlines()[-1]) == [2, ["golf_model"]]
    assert done.stderr.startswith("error: ")
    assert "ITERATIONS" in done.stderr


def test_shaped_steps_and_a_trellis_cost_a_script_less_than_five_thousand_bytes() -> None:
    plain = GolfConfig(export=ExportConfig(mlp="step", step=StepConfig(size=0.1), gptq=GptqConfig(tokens=1)))
    steps = ShapedStepsConfig(matrices="predicted", columns="cholesky", rows="fisher", auto=True)
    shaped = replace(plain, export=replace(plain.export, steps=steps, rounding="trellis"))
    assert make_script(shaped).code_bytes - make_script(plain).code_bytes < 5_000
