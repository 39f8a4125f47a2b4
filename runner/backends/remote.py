"""A cluster from afar, through Ray's Jobs API: start a driver there that survives this machine, ask how runs stand.

A verb on the cluster is the same verb, submitted as a job to the head node, where the run folders lie. The address is
that of Ray's dashboard, which listens on the head node's loopback: from elsewhere, through a tunnel.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ray.exceptions import AuthenticationError
from ray.job_submission import JobStatus, JobSubmissionClient

from runner.backends.dashboard_http import DRIVERS
from runner.backends.endpoint_probe import DASHBOARD_PORT, HEAD, answering_kind, tunnel
from runner.backends.head_facts import dashboard_of_head, find_cluster, require_joinable
from runner.backends.ray_environment import TOKEN
from runner.errors import UserError
from runner.files import write_atomic
from runner.job.spec import JobSpec, resolved
from runner.printable import cut
from runner.results.duels import Side
from runner.script.bundle import Script

HOME = "$HOME/golf"
"""Where runs are kept on the head node unless the command line says otherwise."""
BEGIN = "-- golf --"
"""Printed before a verb's own output, so that what Ray says ahead of it can be told apart."""
RAYS_OWN = "Running entrypoint for job"
"""Begins a line that Ray puts among a verb's own."""
POLL_S = 0.3
CHATTY = ("ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk")
"""Loggers with a level of their own."""
SETTLE_S = 60.0
"""Longest wait for a driver to set to work, or to say why it does not."""
ENDED = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.STOPPED)
AT_WORK = re.compile(r"^seed \d+[ :]", re.MULTILINE)
"""What a driver prints of its seeds once it drives them."""
DRIVER = re.compile(rf"golf-({'|'.join(DRIVERS)})-.+-\d{{8}}T\d{{6}}-\d+")
NODE_VARIABLES = {"RAY_USAGE_STATS_ENABLED": "0", "COLUMNS": "120"}


def dashboard_url(address: str) -> str:
    """`http://host:port` of an address given with or without scheme and port; UserError for anything else."""
    scheme, host, port = "", "", 0
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        scheme, host, port = parts.scheme, parts.hostname or "", DASHBOARD_PORT if parts.port is None else parts.port
    except ValueError:  # half a bracket, or a port that is none
        pass
    if scheme not in ("http", "https") or not host or not port:
        raise UserError(
            f"--address {cut(address)}: give host:port of the cluster's dashboard, e.g. 127.0.0.1:{DASHBOARD_PORT}"
        )
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def located(address: str) -> str:
    """URL of the dashboard of the cluster at `address`: its own, or the one that the head node there tells of."""
    found = find_cluster() if address == "auto" else address
    has_port = "://" not in found and ":" in found.rpartition("]")[2]
    if not has_port or answering_kind(found, address) != HEAD:
        return dashboard_url(found)
    return dashboard_url(dashboard_of_head(require_joinable(found, address), found))


def node_summary(client: JobSubmissionClient) -> dict[str, Any]:
    """What the dashboard tells of its nodes."""
    told: dict[str, Any] = client._do_request("GET", "/nodes?view=summary").json()
    return told


def connect_jobs(address: str) -> JobSubmissionClient:
    """A client of the dashboard of the cluster at `address`; UserError where none answers."""
    url = located(address)
    for name in ("ray", *CHATTY):  # they tell of every upload and every connection that is closed
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        return JobSubmissionClient(url)
    except AuthenticationError:
        raise UserError(
            f"--address {address}: the cluster does not take this machine's token. Put the one that is in "
            f"~/.ray/auth_token of its nodes into {TOKEN} here, mode 0600, or into RAY_AUTH_TOKEN"
        ) from None
    except (ConnectionError, RuntimeError, ValueError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"--address {address}: no Ray dashboard answers at {url} ({first}). It listens on the head node's "
            f"loopback alone: open a tunnel with `{tunnel('HEAD')}` and give --address 127.0.0.1:{DASHBOARD_PORT}; "
            f"the cluster's token belongs into {TOKEN}"
        ) from None


def command(words: Sequence[str], output: str) -> str:
    """The shell line that runs a verb on the head node; only a leading $HOME is left for its shell to fill in."""
    at_home = output.startswith("$HOME")
    place = f'"$HOME"{shlex.quote(output.removeprefix("$HOME"))}' if at_home else shlex.quote(output)
    return f"echo {shlex.quote(BEGIN)}; exec python -m runner.cli {shlex.join(words)} --output {place}"


def lay_out_job(folder: Path, job: JobSpec, script: Script) -> None:
    """A folder from which the job can be run anywhere: its YAML (JSON is YAML) and its script, where it has one."""
    plain = resolved(job)
    if job.script is not None:
        plain["script"] = "script.py"
        write_atomic(folder / "script.py", script.source)
        for name, content in script.files.items():
            write_atomic(folder / name, content)
    write_atomic(folder / "job.yaml", json.dumps(plain, indent=2) + "\n")


def submit(client: JobSubmissionClient, job: JobSpec, script: Script, output: str) -> str:
    """Start one driver on the head node; returns its submission id. It goes on whatever happens here."""
    with tempfile.TemporaryDirectory() as folder:
        lay_out_job(Path(folder), job, script)
        return _start(client, ["run", "job.yaml", "--address", "auto"], output, job.name, Path(folder))


def submit_duel(
    client: JobSubmissionClient,
    sides: Mapping[Side, tuple[JobSpec, Script]],
    seeds: Sequence[int],
    policy: str,
    output: str,
) -> str:
    """Start one driver that runs two jobs pair by pair on these seeds; returns its submission id."""
    with tempfile.TemporaryDirectory() as folder:
        for side, (job, script) in sides.items():
            (Path(folder) / side).mkdir()
            lay_out_job(Path(folder) / side, job, script)
        both = ["baseline/job.yaml", "candidate/job.yaml"]
        words = ["duel", *both, "--seeds", ",".join(map(str, seeds)), "--policy", policy, "--address", "auto"]
        return _start(client, words, output, sides["candidate"][0].name, Path(folder))


def resume_there(client: JobSubmissionClient, name: str, output: str) -> str:
    """Start a driver that goes on with a run of the head node."""
    return _start(client, ["resume", name, "--address", "auto"], output, name)


def _start(
    client: JobSubmissionClient, words: Sequence[str], output: str, name: str, folder: Path | None = None
) -> str:
    environment: dict[str, Any] = {"env_vars": NODE_VARIABLES}
    if folder is not None:
        environment["working_dir"] = str(folder)
    fresh = f"{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 10**6:06}"
    try:
        return str(
            client.submit_job(
                entrypoint=command(words, output),
                submission_id=f"golf-{words[0]}-{name}-{fresh}",
                runtime_env=environment,
                metadata={"golf": name, "verb": words[0]},
            )
        )
    except RuntimeError as error:
        told = str(error).strip().splitlines()
        raise UserError(
            f"the cluster's dashboard takes no job: {told[0] if told else type(error).__name__} If it says that "
            "no agent is there, the head node's has not started yet, or another Ray on that machine has its port "
            "(52365; ray start --dashboard-agent-listen-port takes another)"
        ) from None


def drivers(client: JobSubmissionClient) -> list[tuple[str, str]]:
    """(submission id, status) of every driver that was submitted, the latest last."""
    found = [job for job in client.list_jobs() if (job.metadata or {}).get("verb") in DRIVERS]
    return [(str(job.submission_id), str(job.status)) for job in sorted(found, key=lambda job: job.start_time or 0)]


def ask(
    client: JobSubmissionClient, words: Sequence[str], output: str, write: Callable[[str], object] = sys.stdout.write
) -> int:
    """Run a verb on the head node and write what it prints, as it comes; its exit code. Stopped there if we are."""
    name = _start(client, words, output, "ask")
    try:
        asyncio.run(_tail(client, name, write))
    except BaseException:
        with contextlib.suppress(RuntimeError, ConnectionError):
            client.stop_job(name)
        raise
    while client.get_job_status(name) not in ENDED:
        time.sleep(POLL_S)
    return exit_code(client, name)


def exit_code(client: JobSubmissionClient, name: str) -> int:
    """That of a verb that has ended there; UserError where it ended in another way, or never began."""
    details = client.get_job_info(name)
    if details.status == JobStatus.SUCCEEDED:
        return 0
    if details.driver_exit_code is not None and details.driver_exit_code > 0:
        return int(details.driver_exit_code)
    told = (details.message or "").strip().splitlines()
    raise UserError(
        f"{name}: {str(details.status).lower()} on the cluster: {told[-1] if told else 'no reason given'}"
    )


def settled(client: JobSubmissionClient, name: str, patience: float = SETTLE_S) -> int | None:
    """Wait until a driver that was just started drives seeds: None. One that has ended instead: its exit code.

    None as well when it has said nothing of either after `patience` seconds.
    """
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        if client.get_job_status(name) in ENDED:
            return exit_code(client, name)
        if AT_WORK.search(said(client, name)):
            return None
        time.sleep(POLL_S)
    return None


def said(client: JobSubmissionClient, name: str) -> str:
    """What a driver has printed; '' where nothing."""
    try:
        _, _, told = client.get_job_logs(name).partition(f"{BEGIN}\n")
    except RuntimeError:
        raise UserError(f"{name}: the cluster knows no driver of this name; golf dashboard lists them") from None
    return "".join(line for line in told.splitlines(keepends=True) if not line.startswith(RAYS_OWN))


def is_driver(name: str) -> bool:
    """Whether this is the name of a submitted driver, and none of a run."""
    return DRIVER.fullmatch(name) is not None


async def _tail(client: JobSubmissionClient, name: str, write: Callable[[str], object]) -> None:
    """Whole lines as they come, without those that Ray itself puts before the verb's and, now and then, between."""
    begun, partial = False, ""
    async for piece in client.tail_job_logs(name):
        *lines, partial = (partial + piece).split("\n")
        for line in lines:
            if begun and not line.startswith(RAYS_OWN):
                write(line + "\n")
            begun = begun or line == BEGIN
    if partial and begun:
        write(partial)


def settings(address: str) -> Mapping[str, str]:
    """URL of the dashboard, and the command that brings it here where it is on another machine."""
    url = located(address)
    host = urlsplit(url).hostname or ""
    return {"url": url, "tunnel": "" if host in ("127.0.0.1", "localhost", "::1") else tunnel(host)}
