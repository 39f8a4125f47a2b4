"""environment.json and requirements.txt of a record: the nodes, their versions, and what the script imports."""

from __future__ import annotations

import json
import re
from typing import Any

from reports.markdown import one_line
from runner.results.record import RecordData

PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!_-]*")


def environment(data: RecordData) -> dict[str, Any]:
    """Where each seed ran and what was found there, and the referee's own versions."""
    return {
        "referee": data.versions,
        "job": {key: data.job.get(key) for key in ("hardware", "nproc", "threads", "env", "launch")},
        "data_files": data.data.files,
        "seeds": {
            str(result.seed): {
                "attempt": result.attempt,
                "script_sha256": result.script_sha256,
                "host": result.host.model_dump(mode="json") if result.host else None,
                "preflight": result.preflight.model_dump(mode="json") if result.preflight else None,
            }
            for result in data.results
        },
    }


def environment_json(data: RecordData) -> str:
    """environment.json as text."""
    return json.dumps(environment(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def requirements_txt(data: RecordData) -> str:
    """requirements.txt: a line for each package, in the version that ran; one of unknown version has none."""
    lines = ["# What train_gpt.py imports, in the versions of the nodes that ran it."]
    for package, version in data.requirements.items():
        public, _, local = (version or "").partition("+")
        if not PACKAGE.fullmatch(package) or (version and not VERSION.fullmatch(public)):
            named = one_line(f"{package} {version or 'of unknown version'}")
            lines.append(f"# left out, as no package or version is called so: {named}")
        elif not version:
            lines.append(f"{package}  # in which version is not known")
        else:
            lines.append(f"{package}=={public}" + (f"  # ran as {one_line(version)}" if local else ""))
    if not data.requirements:
        lines.append("# None, or nobody noted any.")
    return "\n".join(lines) + "\n"
