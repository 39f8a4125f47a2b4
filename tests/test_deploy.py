"""Templates for clusters: what their tools read, as far as a tool or its schema is here, and kept to our rules."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
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


def steps_of(dockerfile: Path) -> list[tuple[str, str]]:
    """(instruction, what it is told) of a Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n", " ", dockerfile.read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_is_made_of_pinned_packages_and_runs_as_nobody_special() -> None:
    steps = steps_of(DEPLOY / "docker" / "Dockerfile")
    stages = [rest.split(" AS ")[-1] for word, rest in steps if word == "FROM" and " AS " in rest]
    assert {rest.split()[0].partition("=")[2] for word, rest in steps if "--from=" in rest} == set(stages)
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    installs = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]
    assert len(installs) == 3
    assert all("constraints.txt" in one for one in installs)
    assert f"torch=={pins['torch']} " in " ".join(installs) + " "
    assert [rest for word, rest in steps if word == "USER"] == ["1000"]
    assert ("ENTRYPOINT", '["golf"]') in steps
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (named,) = (rest.partition("=")[2].split(",") for word, rest in steps if word == "ARG")
    assert set(named) <= set(extras)


def test_an_image_is_made_of_what_the_wheel_is_made_of_and_nothing_else() -> None:
    told = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    lines = [line for line in told if not line.startswith("#")]
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = build["tool"]["hatch"]["build"]["targets"]["wheel"]
    sources = {*wheel["packages"], *wheel["force-include"], "pyproject.toml", build["project"]["readme"]}
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {*sources, "constraints.txt"}


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not here")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        ["hadolint", str(DEPLOY / "docker" / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_folder_has_a_readme_that_the_overview_names() -> None:
    overview = (DEPLOY / "README.md").read_text()
    for folder in DEPLOY.iterdir():
        if folder.is_dir():
            assert f"[{folder.name}]({folder.name})" in overview
            assert (folder / "README.md").is_file()


def test_commands_in_readmes_are_verbs_that_exist() -> None:
    from runner.cli.app import app

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
