"""A script imported in a fresh process that sees its own folder, the interpreter and nothing else, within bounds.

It executes foreign code: only `golf review --smoke` calls this, and where namespaces are refused nothing runs.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runner.errors import UserError
from runner.printable import cut
from runner.record.cut_off import cut_off, output_of, require_cut_off
from runner.review.facts import Imported
from runner.review.run.run_context import RunContext
from runner.review.smoke.claims import claims_of, differences
from runner.review.source.unwrap import Reviewed
from runner.review.targets import Target
from runner.untrusted import is_regular, read_bytes, read_json

SECONDS = 90.0
MOST_BESIDE, MOST_ALL = 8 << 20, 64 << 20
"""Bytes of a file beside the script that goes with it, and of all of them."""
MOST_TOLD = 1 << 20
PROGRAM = Path(__file__).parent
NOT_TAKEN = re.compile(r"\.(?:log|bin|ptz?|png|gif|jpe?g|npz|md|safetensors)$", re.I)


def smoke_test(target: Target, reviewed: Reviewed, context: RunContext, seconds: float = SECONDS) -> Imported:
    """What an import of the script shows, which is killed after `seconds`.

    UserError where this system cannot cut a process off.
    """
    require_cut_off()
    with tempfile.TemporaryDirectory(prefix="golf-smoke-") as name:
        base = Path(name).resolve()
        work = base / "work"
        work.mkdir()
        fill(work, target, reviewed)
        told, said = _run(base, work, reviewed, seconds)
    found = _believed(told, said)
    code = sum(text.size for text in reviewed.texts if text.kind in ("file", "beside"))
    claims = claims_of(target.folder, context)
    settings = found["settings"]
    return Imported(
        ok=found["ok"],
        seconds=found["seconds"],
        why_not=found["why_not"],
        settings=settings,
        code_bytes=code,
        parameters=found["parameters"],
        stubs=found["stubs"],
        events=tuple(f"at its import it tried {one}" for one in found["events"]),
        differs=tuple(differences(settings, claims, context)),
    )


def fill(work: Path, target: Target, reviewed: Reviewed) -> None:
    """The script and the files beside it, as they are; no data, logs and weights."""
    folder = target.script.parent
    total = 0
    if target.content is None and folder.is_dir():
        for path in sorted(folder.rglob("*")):
            if len(path.relative_to(folder).parts) > 3 or not is_regular(path) or NOT_TAKEN.search(path.name):
                continue
            size = path.stat().st_size
            if size > MOST_BESIDE or total + size > MOST_ALL:
                continue
            total += size
            place = work / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(read_bytes(path, MOST_BESIDE))
    own = target.content if target.content is not None else read_bytes(target.script, links=True)
    (work / reviewed.path.name).write_bytes(own)


def _run(base: Path, work: Path, reviewed: Reviewed, seconds: float) -> tuple[Any, str]:
    """(what the process wrote down, None where it wrote nothing; what it printed or why it ended)."""
    program = base / "program"
    program.mkdir()
    for name in ("child.py", "stand_ins.py"):
        (program / name).write_bytes((PROGRAM / name).read_bytes())
    (program / "pep701.py").write_bytes((PROGRAM.parent / "source" / "pep701.py").read_bytes())
    result = work / ".golf-smoke.json"
    spec = {
        "script": str(work / reviewed.path.name),
        "result": str(result),
        "seconds": seconds,
        "torch": any("torch" in text.text for text in reviewed.texts),
    }
    (program / "spec.json").write_text(json.dumps(spec))
    start = (
        "import runpy, sys; sys.path[:0] = [sys.argv[2], sys.argv[1]]; sys.argv = sys.argv[2:]; "
        "runpy.run_path(sys.argv[0] + '/child.py', run_name='__main__')"
    )
    # -I keeps PYTHON* variables out; the script's folder comes onto its path as a script's own does.
    inner = [sys.executable, "-I", "-B", "-c", start, str(work), str(program), str(program / "spec.json")]
    why = ""
    try:
        said = b"".join(_bounded(output_of(cut_off(inner, base, work), work, quiet_environment(work), seconds + 30)))
    except UserError as error:
        said, why = b"", str(error)
    told: Any = None
    if is_regular(result):
        try:
            told = read_json(result, MOST_TOLD)
        except UserError as error:
            why = why or str(error)
    return told, why or cut(said.decode("utf-8", "replace")[-300:], 300)


def _bounded(pieces: Any) -> Any:
    room = MOST_TOLD
    for piece in pieces:
        if room > 0:
            yield piece[:room]
        room -= len(piece)


def quiet_environment(work: Path) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "HOME": str(work),
        "TMPDIR": "/tmp",
        "OMP_NUM_THREADS": "1",
        "LANG": "C.UTF-8",
        "CUDA_VISIBLE_DEVICES": "",
    }


def _believed(told: Any, said: str) -> dict[str, Any]:
    """What the process wrote, as far as it has the form; an import that told nothing has failed."""
    empty: dict[str, Any] = {
        "ok": False,
        "seconds": 0.0,
        "why_not": f"it ended without a word: {said}" if said else "it ended without a word",
        "settings": {},
        "parameters": None,
        "stubs": (),
        "events": (),
    }
    if not isinstance(told, dict):
        return empty
    seconds, parameters, settings = told.get("seconds"), told.get("parameters"), told.get("settings")
    return {
        "ok": told.get("ok") is True,
        "seconds": float(seconds) if isinstance(seconds, (int, float)) else 0.0,
        "why_not": cut(str(told.get("why_not", "")), 400),
        "settings": {str(k)[:40]: str(v)[:40] for k, v in settings.items()} if isinstance(settings, dict) else {},
        "parameters": parameters if isinstance(parameters, int) and not isinstance(parameters, bool) else None,
        "stubs": _words(told.get("stubs")),
        "events": _words(told.get("events")),
    }


def _words(value: Any) -> tuple[str, ...]:
    return tuple(cut(str(one), 200) for one in value[:40]) if isinstance(value, Sequence) else ()
