"""Questions about the machines: were they of the right kind, and were they the same for every seed?

What the node's profile says and what the script's log says must not contradict each other. Which kinds a track
allows is not here (runner.job.tracks).
"""

from __future__ import annotations

from collections.abc import Callable

from runner.job.hardware import PROFILES
from runner.judge.evidence import NOT_MEASURED, Answer, Case
from runner.listing import listed
from runner.results.nodes import Host
from runner.results.runs import RunResult

CPU_PROFILE = "cpu"
"""The profile without a GPU; every other one has some."""
SAME = ("python", "torch")
"""Versions that should not differ between seeds."""


def expected_device(host: Host) -> str:
    """The device type that a script on this host must report."""
    return "cpu" if host.hardware == CPU_PROFILE else "cuda"


def is_its_device(host: Host) -> bool:
    """Whether the device's name fits the profile that the host claims; a profile we do not know says nothing."""
    profile = PROFILES.get(host.hardware)
    return profile is None or profile.accelerator in host.device


def hosts_of(result: RunResult) -> list[Host]:
    """Where a seed ran: where its artifact was scored and, if that was elsewhere, where it was trained."""
    hosts = [result.host, result.training.host if result.training is not None else None]
    return [host for host in hosts if host is not None]


def _names_several(result: RunResult, host: Host) -> bool:
    """Its log names devices that cannot all be the one it ran on."""
    return len(result.log.devices) > 1


def _has_no_cuda(result: RunResult, host: Host) -> bool:
    """Its torch was built without CUDA, and its profile has GPUs."""
    builds = (host.versions.get("torch", ""), result.log.torch or "")
    return expected_device(host) == "cuda" and any("+cpu" in build for build in builds)


def _names_another(result: RunResult, host: Host) -> bool:
    """Its log names a GPU that the driver does not."""
    named = [name.removeprefix("cuda ") for name in result.log.devices if name.startswith("cuda ")]
    known = [name.casefold() for name in host.gpus or []]
    return bool(known) and not all(any(one.casefold().startswith(name) for name in known) for one in named)


def _has_too_few(result: RunResult, host: Host) -> bool:
    """More processes than GPUs that the driver shows."""
    return expected_device(host) == "cuda" and host.gpus is not None and len(host.gpus) < host.nproc


CONTRADICTIONS: tuple[tuple[str, Callable[[RunResult, Host], bool]], ...] = (
    ("the log of seed {} names several devices", _names_several),
    ("torch of seed {} was built without CUDA", _has_no_cuda),
    ("the log of seed {} names another GPU than its driver", _names_another),
    ("seed {} had more processes than GPUs", _has_too_few),
)
"""What cannot be true at once of one seed on one host, in words and as a question."""


def hardware(case: Case) -> Answer:
    """Every seed ran on hardware that the track allows (an empty list allows any), and its log says the same."""
    limit = " or ".join(case.allowed_hardware) or "any"
    used = [(result, host) for result in case.results for host in hosts_of(result)]
    measured = ", ".join(sorted({_used(result, host) for result, host in used})) or NOT_MEASURED
    outside = {
        result.seed for result, host in used if case.allowed_hardware and host.hardware not in case.allowed_hardware
    }
    contradicted = {
        result.seed
        for result, host in used
        if result.log.device_type is not None and result.log.device_type != expected_device(host)
    }
    others = {result.seed for result, host in used if not is_its_device(host)}
    odd = {
        words: seeds
        for words, seeds in (
            (words, {result.seed for result, host in used if asks(result, host)}) for words, asks in CONTRADICTIONS
        )
        if seeds
    }
    problems = [f"other hardware for seed {_listed(outside)}"] if outside else []
    problems += [f"seed {_listed(others)} ran on another device than its profile names"] if others else []
    problems += [f"the log of seed {_listed(contradicted)} says otherwise"] if contradicted else []
    problems += [words.format(_listed(seeds)) for words, seeds in odd.items()]
    if problems:
        return Answer("fail", measured, limit, "; ".join(problems))
    seen = {result.seed for result, _ in used}
    if not case.seeds or any(result.host is None for result in case.results) or set(case.seeds) - seen:
        return Answer("unknown", measured, limit, "not every seed says where it ran")
    hearsay = {result.seed for result, host in used if host.gpus_vouched is False and expected_device(host) == "cuda"}
    if hearsay:
        told = f"GPUs of seed {_listed(hearsay)} are known only from an nvidia-smi on PATH"
        return Answer("unknown", measured, limit, f"{told}: neither the system's own nor the kernel tells of them")
    silent = {result.seed for result, host in used if result.log.device_type is None and host.gpus is None}
    if silent:
        return Answer("unknown", measured, limit, f"the log of seed {_listed(silent)} names no device")
    return Answer("pass", measured, limit)


def one_environment(case: Case) -> Answer:
    """Python, torch and the device are the same for every seed."""
    limit = "the same"
    hosts = [host for result in case.results for host in hosts_of(result)]
    versions = [sorted({f"{name} {host.versions[name]}" for host in hosts if name in host.versions}) for name in SAME]
    devices = sorted({host.device for host in hosts})
    differing = [values for values in (*versions, devices) if len(values) > 1]
    shown = ", ".join(" / ".join(values) for values in differing or versions if values) or NOT_MEASURED
    if differing:
        return Answer("fail", shown, limit)
    known = all(name in host.versions for host in hosts for name in SAME)
    seen = {result.seed for result in case.results if result.host is not None}
    told = all(result.host is not None for result in case.results)
    if not case.seeds or not known or not told or set(case.seeds) - seen:
        return Answer("unknown", shown, limit, "not every seed says what it ran with")
    return Answer("pass", shown, limit)


def _used(result: RunResult, host: Host) -> str:
    device = result.log.device_type
    if not is_its_device(host):
        return f"{host.hardware} ({host.device})"
    return host.hardware if device in (None, expected_device(host)) else f"{host.hardware} (log: {device})"


def _listed(seeds: set[int]) -> str:
    return listed(sorted(seeds))
