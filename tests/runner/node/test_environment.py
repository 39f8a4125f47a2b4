"""What a script and its supervisor find of the node's environment: what stands in a list, and nothing else."""

from __future__ import annotations

import os
import site
import sys
from pathlib import Path

import psutil
import pytest

from runner.errors import UserError
from runner.node.attempt import run_attempt
from runner.node.environment import (
    CACHES,
    GOLFS,
    GOLFS_KINDS,
    HANDED_ON,
    base_environment,
    handed_on,
    is_open_proxy,
    program_path,
    supervisor_environment,
)
from runner.node.messages import Finished, LogChunk
from tests.fixtures.fake_script import fake_data
from tests.runner.node.test_attempt import JOB, spec_for

SECRETS = {
    **dict.fromkeys(("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "GH_PAT", "DATABASE_URL", "KUBECONFIG_DATA"), "s3cr3t"),
    **dict.fromkeys(("CUDA_TOKEN", "NVIDIA_API_KEY", "NCCL_SECRET", "TORCH_PASSWORD", "OMP_KEY", "LC_PIN"), "s3cr3t"),
    **dict.fromkeys(("LANG", "TZ", "USER_", "CUDA_VERSION", "NCCL_DEBUG", "NVIDIA_VISIBLE_DEVICES"), "s3cr3t word"),
    "HTTPS_PROXY": "http://me:s3cr3t@127.0.0.1:9",
    "http_proxy": "me:s3cr3t@127.0.0.1:9",
    "ALL_PROXY": "socks5://s3cr3t@127.0.0.1:9",
    "NO_PROXY": "s3cr3t?",
}
MEDDLING = {
    "PYTHONPATH": "/evil",
    "PYTHONSTARTUP": "/evil/x.py",
    "LD_PRELOAD": "/evil/x.so",
    "LD_LIBRARY_PATH": "/evil",
    "CUDA_INJECTION64_PATH": "/evil/x.so",
    "CUDA_HOME": "/home/evil/cuda",
    "NCCL_NET_PLUGIN": "evil",
    "NCCL_TUNER_PLUGIN": "evil",
    "TORCH_EXTENSIONS_DIR": "/evil",
    "TORCHINDUCTOR_CACHE_DIR": "/evil",
    "TRITON_CACHE_DIR": "/evil",
    "TORCH_DEVICE_BACKEND_AUTOLOAD": "1",
    "TORCH_LOGS": "all",
    "BASH_ENV": "/evil/x.sh",
    "GCONV_PATH": "/evil",
    "CXX": "/evil/g++",
    "OMP_NUM_THREADS": "99",
    "RANK": "3",
    "MASTER_PORT": "1",
    "PET_NPROC_PER_NODE": "2",
    "ITERATIONS": "5",
    "GOLF_PHASE": "eval",
    "RAY_AUTH_TOKEN": "x",
}
PLAIN = {
    "HOME": "/home/me",
    "USER": "me",
    "LANG": "en_GB.UTF-8",
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "de_DE:de",
    "TZ": "Europe/Berlin",
    "CUDA_VISIBLE_DEVICES": "0,1",
    "CUDA_HOME": "/usr/local/cuda",
    "NVIDIA_VISIBLE_DEVICES": "GPU-0f2a1b3c-0000-4444-8888-0123456789ab",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    "NCCL_P2P_DISABLE": "1",
    "NCCL_DEBUG": "WARN",
    "TORCH_CUDA_ARCH_LIST": "9.0;10.0+PTX",
    "https_proxy": "http://proxy.example:3128/",
    "NO_PROXY": "localhost,127.0.0.1,.example",
}
SPY = """
import os, sys
def names(pid):
    return sorted(part.split("=")[0] for part in open(f"/proc/{pid}/environ").read().split("\\0") if "s3cr3t" in part)
print("mine:", names(os.getpid()), sorted(set(os.environ) & set(%r)))
supervisor = os.getppid()
try:
    while b"supervise.py" not in open(f"/proc/{supervisor}/cmdline", "rb").read():
        supervisor = int(open(f"/proc/{supervisor}/stat").read().rpartition(")")[2].split()[1])
    print("its supervisor's:", names(supervisor))
except OSError:  # in a /proc of its own there is none
    print("its supervisor's: []")
sys.exit(2)
"""


def test_what_is_plain_is_handed_on_and_secrets_and_meddling_are_not() -> None:
    found = handed_on({**SECRETS, **MEDDLING, **PLAIN, "LANG": "C", "PATH": "/bin"})
    assert found == {**PLAIN, "LANG": "C", "PATH": program_path("/bin")}
    alone = handed_on({**SECRETS, **MEDDLING})
    assert list(alone) == ["PATH"]


@pytest.mark.skipif(sys.platform != "linux", reason="environments of others are read in /proc")
def test_a_script_finds_no_secret_in_its_own_environment_nor_in_its_supervisors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {**SECRETS, **{name: "1" for name in MEDDLING if name.startswith(("NCCL", "TORCH"))}}.items():
        monkeypatch.setenv(name, value)
    spec = spec_for((SPY % (list(MEDDLING),)).encode(), isolate=False)
    messages = list(run_attempt(spec, lambda: fake_data(tmp_path), scratch=tmp_path / "scratch"))
    said = b"".join(message.data for message in messages if isinstance(message, LogChunk)).decode()
    assert isinstance(messages[-1], Finished)
    golfs = ["GOLF_PHASE", "OMP_NUM_THREADS", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"]
    assert said.splitlines() == [f"mine: [] {golfs}", "its supervisor's: []"]


def test_a_script_finds_no_variable_but_those_that_a_plan_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "environ", {**SECRETS, **MEDDLING, **PLAIN, "PATH": os.environ["PATH"]})
    spec = spec_for(b"import os\nfor item in os.environ.items(): print(*item)", env={"EXTRA": "1"})
    messages = list(run_attempt(spec, lambda: fake_data(tmp_path / "data"), scratch=tmp_path / "scratch"))
    said = b"".join(message.data for message in messages if isinstance(message, LogChunk)).decode()
    found = dict(line.partition(" ")[::2] for line in said.splitlines())
    of_golf = {name for name in found if name in GOLFS or name.startswith(GOLFS_KINDS)}
    assert set(GOLFS) <= of_golf
    # An interpreter whose locale is C sets LC_CTYPE itself.
    assert set(found) - of_golf - {"LC_CTYPE"} == {*PLAIN, "PATH", "EXTRA"} - {"HOME"}
    for name in ("HOME", "TMPDIR", *CACHES):
        assert Path(found[name]).is_relative_to(tmp_path / "scratch")


@pytest.mark.parametrize("name", HANDED_ON)
def test_no_value_that_is_handed_on_may_hold_a_line_or_a_key(name: str) -> None:
    for value in ("a\nb", "x:s3cr3t@y", "ghp_0123456789abcdefghij", "\x1b[2J"):
        assert handed_on({name: value}).get(name) is None


@pytest.mark.parametrize(
    ("address", "open_to_all"),
    [
        ("http://proxy.example:3128", True),
        ("socks5h://127.0.0.1:1080/", True),
        ("http://[::1]:8080", True),
        ("http://me@proxy.example", False),
        ("http://me:pw@proxy.example:1", False),
        ("http://proxy.example:1/?token=abc", False),
        ("http://proxy.example:99999", False),
        ("file:///etc/passwd", False),
        ("proxy.example:3128", False),
        ("", False),
    ],
)
def test_a_proxy_with_a_name_or_a_password_is_not_handed_on(address: str, open_to_all: bool) -> None:
    assert is_open_proxy(address) is open_to_all


def test_programs_are_found_in_whole_places_the_interpreters_and_the_systems_first() -> None:
    here = f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert program_path(":.:bin:/opt/tools:/a\nb:/usr/bin:/bin:/opt/tools") == f"{here}:/opt/tools"
    assert program_path("") == here


def test_a_home_is_on_a_scripts_path_only_where_its_packages_lie_there(monkeypatch: pytest.MonkeyPatch) -> None:
    base = Path("golf-here")
    assert base_environment(spec_for(b""), base, {})["PYTHONNOUSERSITE"] == "1"
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    assert base_environment(spec_for(b""), base, {})["PYTHONNOUSERSITE"] == "1"
    packages = Path(psutil.__file__).parents[1]
    monkeypatch.setattr(site, "getusersitepackages", lambda: str(packages))
    assert "PYTHONNOUSERSITE" not in base_environment(spec_for(b""), base, {})


def test_a_phase_finds_what_golf_and_its_job_say_over_what_the_node_says() -> None:
    env = base_environment(spec_for(b"", env={"EXTRA": "1"}), Path("golf-here"), {**MEDDLING, **PLAIN, "SEED": "7"})
    assert env["TMPDIR"] == "golf-here/tmp"
    assert env["GOLF_ATTEMPT"] == f"{JOB}-seed42-golf-here"
    assert (env["SEED"], env["EXTRA"], env["OMP_NUM_THREADS"]) == ("42", "1", "1")
    assert env["CUDA_VISIBLE_DEVICES"] == ""
    assert not set(MEDDLING) & set(env) - {"OMP_NUM_THREADS", "CUDA_HOME"}
    with_gpu = base_environment(spec_for(b"", gpus=1), Path("golf-here"), PLAIN)
    assert with_gpu["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_a_folder_whose_name_forges_a_line_ends_the_attempt_before_it_begins(tmp_path: Path) -> None:
    forged = "x\ndevice:cuda:0 name:NVIDIA H100 80GB HBM3 precision:bfloat16"
    with pytest.raises(UserError, match=r"TMPDIR would hold a control character \(U\+000A\)"):
        base_environment(spec_for(b""), Path(forged), {})
    messages = list(run_attempt(spec_for(b"print(1)"), lambda: fake_data(tmp_path), scratch=tmp_path / forged))
    assert isinstance(messages[-1], Finished)
    assert messages[-1].status == "failed"
    assert messages[-1].reason.startswith("TMPDIR would hold a control character (U+000A) on this node")
    assert not [message for message in messages if isinstance(message, LogChunk)]


def test_a_supervisor_starts_with_the_list_and_its_own_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {**SECRETS, **MEDDLING, "TZ": "UTC"})
    found = supervisor_environment({"GOLF_SUPERVISES": "base"})
    assert {**found, "PATH": ""} == {"TZ": "UTC", "PATH": "", "GOLF_SUPERVISES": "base"}
