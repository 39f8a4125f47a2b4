"""Templates for clusters: what their tools read, as far as a tool or its schema is here, and kept to our rules."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import yaml

from tests.fixtures.places import ROOT

DEPLOY = ROOT / "deploy"


def read(name: str) -> dict[str, Any]:
    content = yaml.safe_load((DEPLOY / name).read_text())
    assert isinstance(content, dict)
    return content


def test_the_ssh_cluster_is_what_rays_launcher_reads() -> None:
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    cluster = read("ssh-sparks/cluster.yaml")
    jsonschema.validate(cluster, schema)
    assert cluster["max_workers"] == len(cluster["provider"]["worker_ips"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**cluster, "no_such_key": 1}, schema)


def test_no_template_ends_a_ray_that_is_not_its_own() -> None:
    for path in DEPLOY.rglob("*"):
        lines = path.read_text().splitlines() if path.is_file() else []
        assert [line for line in lines if "ray stop" in line and not line.lstrip().startswith("#")] == []


@pytest.mark.parametrize("name", ["golf-ray-head.service", "golf-ray-worker.service"])
def test_units_start_ray_in_the_foreground_with_a_token(name: str) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    text = (DEPLOY / "systemd" / name).read_text()
    unit.read_string(text)
    assert {"Unit", "Service", "Install"} == set(unit.sections())
    assert "--block" in unit["Service"]["ExecStart"]
    assert "Environment=RAY_AUTH_MODE=token" in text


def test_a_ray_job_takes_whole_gpus_shared_memory_and_no_second_try() -> None:
    job = read("kuberay/rayjob.yaml")
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["spec"]["backoffLimit"] == 0
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"]["mode"] == "token"
    (workers,) = cluster["workerGroupSpecs"]
    assert workers["rayStartParams"]["labels"] == "ray.io/accelerator-type=H100"
    (container,) = workers["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in workers["template"]["spec"]["volumes"]}
    assert set(mounts) == set(volumes)
    assert volumes["shm"]["emptyDir"]["medium"] == "Memory"
    assert mounts["shm"] == "/dev/shm"


def test_the_rented_node_keeps_its_own_ray_apart() -> None:
    task = read("skypilot/golf.yaml")
    assert task["resources"]["accelerators"] == "H100:8"
    assert "RAY_TMPDIR=" in task["run"]
    assert "unset RAY_ADDRESS" in task["run"]


def test_no_template_opens_the_dashboard_installs_at_run_time_or_goes_without_a_token() -> None:
    for path in sorted(DEPLOY.rglob("*")):
        if path.suffix in (".yaml", ".service"):
            text = path.read_text()
            assert "auth" in text.lower(), path
            assert not re.search(r"dashboard-host[=:](?!\s*127\.0\.0\.1)", text), path
            assert "runtime_env" not in text, path


def test_every_folder_has_a_readme_that_the_overview_names() -> None:
    overview = (DEPLOY / "README.md").read_text()
    for folder in DEPLOY.iterdir():
        if folder.is_dir():
            assert f"[{folder.name}]({folder.name})" in overview
            assert (folder / "README.md").is_file()


def test_commands_in_readmes_are_verbs_that_exist() -> None:
    from runner.cli import app

    verbs = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    verbs |= {group.name or "" for group in app.registered_groups}
    shown = [
        verb
        for path in DEPLOY.rglob("*")
        if path.suffix in (".md", ".yaml")
        for verb in re.findall(r"(?:^|bin/|`)golf (\w+) ", path.read_text(), re.MULTILINE)
    ]
    assert len(shown) > 8
    assert set(shown) <= verbs


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("name", ["golf-ray-head.service", "golf-ray-worker.service"])
def test_systemd_itself_reads_the_units(tmp_path: Path, name: str) -> None:
    text = (DEPLOY / "systemd" / name).read_text()
    here = text.replace("/home/golf/golf/.venv/bin/ray", sys.executable).replace("User=golf", "User=root")
    (tmp_path / name).write_text(here)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if name in line]
    assert complaints == []
    (tmp_path / name).write_text(here.replace("[Service]", "[Service]\nNoSuchKey=1"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    assert "NoSuchKey" in done.stderr
