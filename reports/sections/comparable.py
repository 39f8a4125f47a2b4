"""Whether our run and the published one may be compared: what differs, and what nobody can tell.

Judged by what both sides say of data, hardware, limits and size of the model. That nothing differs here does not
make two runs the same; where something does, their figures must not be set against each other without saying so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.sections.published import published
from runner.results.nodes import Host
from runner.results.record import RecordData

MEMORY_SIZE = re.compile(r"\d+g(i?b)?")


@dataclass(frozen=True)
class Comparison:
    """What was found out."""

    differ: dict[str, str]
    """What differs -> ours and theirs, in words."""
    unknown: list[str]
    """What could not be told."""


@dataclass(frozen=True)
class Answer:
    """One question: the words are empty where nothing differs or nothing is unknown."""

    what: str
    differs: str = ""
    unknown: str = ""


def compare(data: RecordData, reference: Mapping[str, Any]) -> Comparison:
    """Ask each question once, in the order in which they matter."""
    answers = [_data(data, reference), _hardware(data, reference), _limits(data, reference), _model(data, reference)]
    return Comparison(
        differ={answer.what: answer.differs for answer in answers if answer.differs},
        unknown=[answer.unknown for answer in answers if answer.unknown],
    )


def our_data(data: RecordData) -> str:
    """What we trained and scored on, for people."""
    embedded = (data.job.get("data") or {}).get("corpus") is not None
    return f"the embedded corpus {data.data.name}" if embedded else data.data.name


def same_hardware(host: Host, theirs: str) -> bool | None:
    """Whether a seed ran on what `8xH100 80GB SXM` names: as many processes, each on that model of GPU.

    None where `theirs` names no model. What follows the model (its memory, its socket) is not compared, because
    drivers and people call it by different names.
    """
    count, device = theirs.split("x", 1)
    if host.nproc != int(count):
        return False
    models = [word for word in _words(device) if re.search(r"\d", word) and not MEMORY_SIZE.fullmatch(word)]
    return models[0] in _words(host.device) if models else None


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _data(data: RecordData, reference: Mapping[str, Any]) -> Answer:
    same = data.data.name == reference["data"]
    return Answer("data", differs="" if same else f"ours {our_data(data)}, theirs {reference['data']}")


def _hardware(data: RecordData, reference: Mapping[str, Any]) -> Answer:
    theirs = reference["hardware"]
    hosts = [result.host for result in data.results if result.host is not None]
    answers = {same_hardware(host, theirs) for host in hosts}
    if False in answers:
        ours = " and ".join(dict.fromkeys(f"{host.nproc} {_processes(host)} on {host.device}" for host in hosts))
        return Answer("hardware", differs=f"ours {ours}, theirs {theirs}")
    return Answer("hardware", unknown="" if answers == {True} else "the hardware")


def _processes(host: Host) -> str:
    return "process" if host.nproc == 1 else "processes"


def _limits(data: RecordData, reference: Mapping[str, Any]) -> Answer:
    differs, unknown = [], []
    for phase, title in (("train", "training"), ("eval", "evaluation")):
        ours, theirs = data.limits[f"{phase}_seconds"], reference[f"{phase}_limit_seconds"]
        if theirs is None:
            unknown.append(f"their limit of {title}")
        elif ours != theirs:
            differs.append(f"{title} ours {ours:g} s, theirs {theirs:g} s")
    return Answer("limits", differs="; ".join(differs), unknown=", ".join(unknown))


def _model(data: RecordData, reference: Mapping[str, Any]) -> Answer:
    ours, theirs = data.model_params, published(reference, "parameters").value
    if ours is None or theirs is None:
        return Answer("model", unknown="the model's parameters")
    return Answer("model", differs="" if ours == theirs else f"ours {ours:,} parameters, theirs {theirs:,.0f}")
