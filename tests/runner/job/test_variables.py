"""What a job may set in the environment of its script: settings, and nothing that changes which code runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import UserError
from runner.job.load import EVERY_FIELD, job_from_mapping, load_job
from runner.job.variables import (
    TUNING,
    counted_variables,
    looks_secret,
    problem_of_ours,
    problem_of_theirs,
)

OURS = """\
name: ours
track: local
seeds: [1]
data: {corpus: asv}
limits: {train_seconds: 5, eval_seconds: 5}
env:
  NCCL_DEBUG: WARN
  %s
"""
THEIRS = """\
name: theirs
track: local
seeds: [1]
data: {corpus: asv}
limits: {train_seconds: 5, eval_seconds: 5}
script: train.py
env: {NUM_LAYERS: "9"}
outputs:
  eval_env:
    EVAL_ONLY: "1"
    %s
"""
CHANGE_WHAT_RUNS = {
    "PYTHONPATH": "/evil",
    "PYTHONSTARTUP": "x.py",
    "PYTHONWARNINGS": "error::evil.Class",
    "LD_PRELOAD": "x.so",
    "LD_AUDIT": "x.so",
    "LD_LIBRARY_PATH": "lib",
    "DYLD_INSERT_LIBRARIES": "x.dylib",
    "PATH": "/evil:/bin",
    "HOME": "/evil",
    "TMPDIR": "/evil",
    "BASH_ENV": "x.sh",
    "GCONV_PATH": "/evil",
    "MALLOC_PERTURB_": "1",
    "GLIBC_TUNABLES": "glibc.malloc.check=3",
    "LOCPATH": "/evil",
    "OPENSSL_CONF": "x.cnf",
    "CXX": "/evil/g++",
    "LIBRARY_PATH": "/evil",
    "PET_NPROC_PER_NODE": "2",
    "PET_LOG_DIR": "/evil",
    "TORCHELASTIC_ERROR_FILE": "x",
    "RANK": "1",
    "WORLD_SIZE": "8",
    "MASTER_PORT": "1",
    "RAY_ADDRESS": "auto",
    "SETUPTOOLS_USE_DISTUTILS": "local",
    "CUDA_INJECTION64_PATH": "x.so",
    "NVTX_INJECTION64_PATH": "x.so",
    "CUDA_HOME": "/evil",
    "CUDA_CACHE_PATH": "/evil",
    "CUDA_VISIBLE_DEVICES": "0",
    "NCCL_NET_PLUGIN": "evil",
    "NCCL_TUNER_PLUGIN": "1",
    "NCCL_PROFILER_PLUGIN": "evil",
    "NCCL_CONF_FILE": "x",
    "NCCL_TOPO_FILE": "x",
    "OMP_TOOL_LIBRARIES": "x.so",
    "OMP_NUM_THREADS": "4",
    "TORCH_EXTENSIONS_DIR": "evil",
    "TORCHINDUCTOR_CACHE_DIR": "evil",
    "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",
    "TORCH_HOME": "evil",
    "PYTORCH_KERNEL_CACHE_PATH": "evil",
    "TRITON_CACHE_DIR": "evil",
    "TRITON_CACHE_MANAGER": "evil:Manager",
    "TRITON_PTXAS_PATH": "evil",
    "HF_HOME": "evil",
    "HF_MODULES_CACHE": "evil",
    "LOCAL_KERNELS": "a/b=evil",
    "UCX_MODULE_DIR": "evil",
    "FI_PROVIDER_PATH": "evil",
    "SOME_LIB_PRELOAD": "evil",
}


@pytest.mark.parametrize(("name", "value"), CHANGE_WHAT_RUNS.items(), ids=CHANGE_WHAT_RUNS)
def test_nothing_that_changes_what_runs_is_a_setting_of_anybodys_script(name: str, value: str) -> None:
    assert problem_of_theirs(name, value) != ""
    assert problem_of_ours(name, value) != ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NUM_LAYERS", "9"),
        ("EVAL_ONLY", "1"),
        ("LOAD_FROM", "final_model.ptz"),
        ("TORCH_COMPILE", "0"),
        ("GROUP_SIZE", "64"),
        ("LOCAL_WINDOW", "512"),
        ("NCCL_P2P_DISABLE", "1"),
        ("NCCL_ALGO", "Ring,Tree"),
        ("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True"),
        ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"),
        ("OMP_PLACES", "{0:4},{4:4}"),
        ("TORCHINDUCTOR_FX_GRAPH_CACHE", "1"),
        ("MUON_LR", "2e-2"),
        ("PROMPT", "a b, c: d"),
    ],
)
def test_a_script_has_settings_of_its_own_and_those_that_only_tune(name: str, value: str) -> None:
    assert problem_of_theirs(name, value) == ""


def test_our_own_script_takes_what_tunes_the_libraries_and_nothing_else() -> None:
    assert problem_of_ours("NCCL_DEBUG", "INFO") == ""
    assert "only tunes NCCL, CUDA or OpenMP" in problem_of_ours("NUM_HEADS_OF_MINE", "1")
    assert "threads: says it; remove it" in problem_of_ours("OMP_NUM_THREADS", "4")
    assert "only be a plain setting, not '../x.so'" in problem_of_ours("NCCL_ALGO", "../x.so")


@pytest.mark.parametrize("name", TUNING)
def test_what_tunes_can_name_no_file(name: str) -> None:
    for value in ("/evil/x", "../x.so", "a/b", "x.py\n", "$(id)", "%s/x"):
        assert problem_of_theirs(name, value) != ""
        assert problem_of_ours(name, value) != ""


def refused(folder: Path, text: str, script: str = "import os\n") -> str:
    (folder / "job.yaml").write_text(text)
    (folder / "train.py").write_text(script)
    with pytest.raises(UserError) as caught:
        load_job(folder / "job.yaml")
    return str(caught.value).replace(f"{folder}/", "")


def test_a_path_for_python_is_refused_with_its_line_in_both_places(tmp_path: Path) -> None:
    said = refused(tmp_path, OURS % "PYTHONPATH: /evil")
    assert said.startswith("job.yaml:8: env.PYTHONPATH: is no setting that golf's own script takes")
    said = refused(tmp_path, THEIRS % "PYTHONPATH: evil")
    assert said.startswith("job.yaml:11: outputs.eval_env.PYTHONPATH: changes which program runs")
    said = refused(tmp_path, THEIRS % "SEED: '3'")
    assert said == (
        "job.yaml:11: outputs.eval_env.SEED: belongs to the script's contract; set it in the job's own fields"
        f"\n{EVERY_FIELD}"
    )


def test_a_path_that_the_script_never_asks_for_is_somebody_elses(tmp_path: Path) -> None:
    text = THEIRS % "PLUGIN_OF_SOMEBODY: /evil/x"
    text = text.replace("PLUGIN_OF_SOMEBODY", "SOMEBODYS_EXTRAS")
    said = refused(tmp_path, text)
    assert said.startswith(
        "job.yaml:11: outputs.eval_env.SOMEBODYS_EXTRAS: holds a path, and neither the script nor a file beside it"
    )
    (tmp_path / "train.py").write_text("import os\nprint(os.environ['SOMEBODYS_EXTRAS'])\n")
    assert load_job(tmp_path / "job.yaml").outputs.eval_env["SOMEBODYS_EXTRAS"] == "/evil/x"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1\ndevice:cuda:0 name:NVIDIA H100 precision:bfloat16", "holds a control character (U+000A)"),
        ("a\u2028b", "holds a control character (U+2028)"),
        ("https://me:secret@example.org", "looks like a password or a key"),
        ("hf_abcdefghijklmnopqrstuv", "looks like a password or a key"),
    ],
)
def test_values_that_forge_a_log_or_give_a_secret_away_are_refused(value: str, said: str) -> None:
    mapping = {
        "name": "x",
        "track": "local",
        "seeds": [1],
        "script": "a.py",
        "data": {"corpus": "asv"},
        "limits": {"train_seconds": 5, "eval_seconds": 5},
        "env": {"WORD": value},
    }
    with pytest.raises(UserError, match=r"env\.WORD") as caught:
        job_from_mapping(mapping, source="job.yaml")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("ghp_0123456789abcdefghij", True),
        ("AKIAIOSFODNN7EXAMPLE", True),
        ("-----BEGIN PRIVATE KEY-----", True),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", True),
        ("postgres://db.example/x", False),
        ("sk_layers", False),
        ("1337", False),
        ("final_model.int8.ptz", False),
    ],
)
def test_a_credential_is_known_by_its_form(value: str, secret: bool) -> None:
    assert looks_secret(value) is secret


def test_more_than_a_kilobyte_of_values_counts_as_code_with_its_names() -> None:
    assert counted_variables({"A": "x" * 999}, {"B": "y"}) == 0
    assert counted_variables({"A": "x" * 1000}, {"B": "y"}) == 1003
    assert counted_variables({"A": "\N{GREEK SMALL LETTER ALPHA}" * 501}) == 1003
    names = {f"N{number:063}": "" for number in range(63)}
    assert counted_variables(names) == 4032
    assert counted_variables({"N" * 64: "1"}) == 0
    assert problem_of_theirs("N" * 65, "1") == "is a name of 65 characters; at most 64"
