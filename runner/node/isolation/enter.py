"""Becomes a phase's command, in the best layer that the node allows; told what holds before the command starts.

Run by `command_in`, as a process between the supervisor and the command. The layers, best first: namespaces; else a
second user where golf is root, and Landlock; else nothing but the loss of privileges. What was refused, and why, goes
into the FIFO that the bounds name. Stdlib only, and little of that: a process imports all of it for each phase.
"""

from __future__ import annotations

import os
import sys

from runner.node.isolation import identity, landlock, namespaces
from runner.node.isolation.bounds import Bounds, unpacked
from runner.node.isolation.sealing import seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = os.path.realpath(__file__).removesuffix("/runner/node/isolation/enter.py")
REFUSED = 97
"""Exit code where what must hold does not."""
PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from runner.node.isolation.enter import main; main()"


def command_in(command: Sequence[str], bounds: Bounds, interpreter: str = sys.executable) -> list[str]:
    """The command line that runs `command` within `bounds`; as it is where the system is not Linux."""
    if sys.platform != "linux":
        return list(command)
    # Neither the environment nor installed packages may say what runs here.
    return [interpreter, "-I", "-S", "-B", "-c", PROGRAM, ROOT, bounds.packed(), *command]


def main() -> None:
    """`... BOUNDS COMMAND ...`."""
    bounds, command = unpacked(sys.argv[1]), sys.argv[2:]
    report = _open_report(bounds.report)
    refused: dict[str, str] = {}
    if "namespaces" in bounds.layers:
        refused["namespaces"] = namespaces.run(
            command, bounds, lambda: _tell(report, "namespaces", refused, second_uid=False)
        )
    else:
        refused["namespaces"] = "not tried"
    if bounds.must_hold:
        print(f"not run: namespaces are refused ({refused['namespaces']})", file=sys.stderr)
        sys.exit(REFUSED)
    uid = identity.own_uid(os.environ.get("GOLF_ATTEMPT", ""))
    why = identity.why_not(uid, command, bounds) if "uid" in bounds.layers else "not tried"
    if not why:
        try:
            identity.become(uid, bounds)
        except OSError as error:
            why = str(error)
    if why:
        refused["uid"] = why
    layer = "none"
    try:
        seal(own_namespaces=False)
    except OSError as error:
        refused["privileges"] = str(error.args[-1])
    try:
        if "landlock" not in bounds.layers:
            raise OSError("not tried")
        abi = landlock.confine(bounds)
        layer = "landlock"
    except OSError as error:
        abi = 0
        refused["landlock"] = str(error.args[-1])
    _tell(report, layer, refused, second_uid=not why, abi=abi)
    namespaces.execute(command)


def _open_report(path: str) -> int:
    """The FIFO, which nobody else is to find; -1 where nobody reads it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        os.unlink(path)
    except OSError:
        return -1
    return descriptor


def _tell(report: int, layer: str, refused: dict[str, str], *, second_uid: bool, abi: int = 0) -> None:
    """A name and a value a line, then an empty one."""
    if report < 0:
        return
    facts = {"layer": layer, "second_uid": str(int(second_uid)), "landlock_abi": str(abi)}
    facts |= {f"refused.{name}": why for name, why in refused.items()}
    lines = [f"{name} {' '.join(value.split())}\n" for name, value in facts.items()]
    os.write(report, "".join([*lines, "\n"]).encode("utf-8", "replace"))
    os.close(report)
