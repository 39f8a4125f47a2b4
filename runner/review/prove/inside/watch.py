"""What a run does outside its own numbers: files, network, code that it makes, and a clock that only it moves.

Runs inside the cut-off room; stdlib only. Time is made up: reading a clock, sleeping, a forward and an optimizer's
step move it by fixed amounts, so that two runs of one script see the same times.
"""

# ruff: noqa: PTH100, PTH110, PTH117, PTH118, PTH119, PTH120, PTH123
# Paths are strings here: what is watched would see a Path being asked.

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import os
import sys
import time
import types
import zlib
from typing import Any

MOST_EVENTS = 6000
MOST_CODE = 40
LEAST_CODE = 200
"""Characters of a text that counts as code of the script rather than a dataclass's method."""
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request", "ftplib.connect")
STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn")
FETCHERS = ("curl", "wget", "pip", "git", "aria2c", "huggingface-cli", "conda", "uv", "scp", "rsync", "nc", "ssh")
DECODERS = {
    lzma: ("decompress",),
    zlib: ("decompress",),
    bz2: ("decompress",),
    gzip: ("decompress",),
    base64: (
        *("b64decode", "b85decode", "a85decode", "b32decode", "b16decode", "standard_b64decode"),
        *("urlsafe_b64decode", "decodebytes"),
    ),
}
START = 1_700_000_000.0
TICK = 1e-5
"""Seconds that reading a clock takes."""


class Watch:
    """What was seen of one run, in its order."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.events: list[dict[str, Any]] = []
        self.data: dict[str, str] = spec["data"]
        self.folder = os.path.realpath(spec["folder"])
        self.room = os.path.dirname(os.path.dirname(self.folder)) + "/"
        self.script = spec["script"]
        self.costs: dict[str, float] = spec["clock"]
        self.now = 0.0
        self.slept = 0.0
        self.quiet = True
        self.module: types.ModuleType | None = None
        self.decoded: set[bytes] = set()
        self.code: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.extra: dict[str, Any] = {}
        self.private = ("/tmp/", "/var/tmp/", "/dev/shm/")
        self._clocks()
        self._decoders()
        sys.addaudithook(self._audit)

    def start(self, module: types.ModuleType) -> None:
        """The script begins (again)."""
        self.module = module
        self.quiet = False

    def note(self, kind: str, **facts: Any) -> None:
        """One event; beyond a bound they are counted no more."""
        if len(self.events) < MOST_EVENTS:
            self.events.append({"kind": kind, "at": round(self.now, 6), **facts})

    def spend(self, kind: str) -> None:
        """Let time pass for something that a run does."""
        self.now += self.costs.get(kind, 0.0)

    def file(self, path: Any, writes: bool) -> None:
        """A file was opened, by Python or by torch."""
        try:
            name = os.path.realpath(os.fsdecode(path))
        except (TypeError, ValueError):
            return
        role = self.data.get(name)
        if role is not None:
            self.note("write" if writes else "read", path=name, role=role)
        elif name.startswith(self.room) and not name.startswith(self.folder + "/"):
            return
        elif name.startswith((self.folder + "/", *self.private)):
            known = os.path.exists(name) or writes
            self.note("write" if writes else "read" if known else "missing", path=name, role="own")
        elif not writes and not os.path.exists(name):
            self.note("missing", path=name, role="outside")

    def told(self, folder: str) -> dict[str, Any]:
        """What goes into the report."""
        module = self.module
        strings = [] if module is None else pieces_of(vars(module))
        beside = sorted(
            {
                os.path.realpath(one)
                for other in list(sys.modules.values())
                if os.path.isabs(one := getattr(other, "__file__", None) or "")
                and os.path.realpath(one).startswith(self.folder + "/")
            }
        )
        return {
            "events": self.events,
            "asked": self.asked[:100],
            "code": self.code,
            "modules": [one for one in beside if one != os.path.realpath(self.script)],
            "now": self.now,
            "pieces": strings,
            **self.extra,
        }

    def _audit(self, name: str, values: tuple[Any, ...]) -> None:
        if self.quiet:
            return
        if name == "open":
            path, mode, flags = values
            if isinstance(path, (str, bytes, os.PathLike)):
                asked = flags if isinstance(flags, int) else 0
                writes = bool(asked & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or any(
                    one in "wax+" for one in str(mode or "")
                )
                self.file(path, writes)
        elif name in ("glob.glob", "glob.glob/2"):
            self.asked.append(os.path.abspath(os.fsdecode(values[0])))
        elif name == "pathlib.Path.glob":
            self.asked.append(os.path.abspath(os.path.join(str(values[0]), str(values[1]))))
        elif name.startswith(NETWORK):
            shown = values[0] if name in ("socket.getaddrinfo", "urllib.Request") else values[-1]
            if not (name == "socket.connect" and isinstance(shown, (str, bytes))):  # a socket of this machine
                self.note("network", what=f"{name} {shown!r}"[:200])
        elif name.startswith(STARTS):
            self._started(name, values)
        elif name == "compile":
            self._compiled(values)

    def _started(self, name: str, values: tuple[Any, ...]) -> None:
        words = values[1] if name == "subprocess.Popen" and len(values) > 1 else values[0] if values else ""
        shown = words if isinstance(words, str) else " ".join(map(os.fsdecode, words or ()))
        names = {os.path.basename(one).lower() for one in shown.replace("&", " ").replace(";", " ").split()}
        self.note("network" if names & set(FETCHERS) else "process", what=f"{name} {shown}"[:200])

    def _compiled(self, values: tuple[Any, ...]) -> None:
        source, filename = values[0], os.fsdecode(values[1] or b"<string>")
        if not isinstance(source, (str, bytes)) or len(source) < LEAST_CODE or len(self.code) >= MOST_CODE:
            return
        # The caller's file: a dataclass or torch that makes code of its own is none of ours.
        frame = sys._getframe(2)
        while frame is not None and os.path.basename(frame.f_code.co_filename) in ("smoke_child.py", "watch.py"):
            frame = frame.f_back  # type: ignore[assignment]
        caller = "" if frame is None else frame.f_code.co_filename
        own = os.path.realpath(filename)
        text = source.encode("utf-8", "replace") if isinstance(source, str) else bytes(source)
        itself = own == os.path.realpath(self.script)
        if (itself and caller != self.script) or any(
            one["bytes"] == text.decode("utf-8", "replace") for one in self.code
        ):
            return
        inside = caller == self.script or caller.startswith(("<", self.folder + "/"))
        loads = "runpy" in caller or "importlib" in caller
        if not (inside or (loads and own.startswith((self.folder + "/", *self.private)))):
            return
        made = [one["path"] for one in self.events if one["kind"] == "write"]
        beside = os.path.exists(own) and not itself
        how = "written" if own in made else "beside" if beside else self._known(text)
        self.code.append(
            {"how": how, "size": len(text), "file": own, "bytes": text[: 1 << 20].decode("utf-8", "replace")}
        )

    def _known(self, text: bytes) -> str:
        """`decoded` for what standard decoders made of the script's literals, `literal` for text in the script."""
        if any(text.strip() in one for one in self.decoded):
            return "decoded"
        with open(self.script, "rb") as file:
            own = file.read()
        if text[:400] in own or repr(text.decode("utf-8", "replace"))[1:400].encode() in own:
            return "literal"
        return "computed"

    def _decoders(self) -> None:
        """Remember what standard decoders make of literals, and of what they made of them."""
        own: list[bytes] = []

        def of_literal(value: Any) -> bool:
            if not own:
                with open(self.script, "rb") as file:
                    own.append(file.read())
            plain = value.encode("utf-8", "replace") if isinstance(value, str) else bytes(value)
            if plain in self.decoded or plain in own[0]:
                return True
            shown = repr(value)[1:-1] if isinstance(value, str) else repr(plain)[2:-1]
            return shown.encode() in own[0] or plain[:64] in own[0]

        def watched(function: Any) -> Any:
            def decode(value: Any, *values: Any, **named: Any) -> Any:
                made = function(value, *values, **named)
                try:
                    known = of_literal(value)
                except Exception:
                    known = False
                if known and isinstance(made, bytes):
                    self.decoded.add(made)
                return made

            return decode

        for module, names in DECODERS.items():
            for name in names:
                setattr(module, name, watched(getattr(module, name)))

    def _clocks(self) -> None:
        def seconds() -> float:
            self.now += TICK
            return START + self.now

        def busy() -> float:
            self.now += TICK
            return START + self.now - self.slept

        def sleep(length: Any) -> None:
            self.now += float(length)
            self.slept += float(length)

        for name in ("time", "perf_counter", "monotonic"):
            setattr(time, name, seconds)
            setattr(time, f"{name}_ns", lambda: int(seconds() * 1e9))
        time.process_time = busy
        time.process_time_ns = lambda: int(busy() * 1e9)
        time.sleep = sleep


def pieces_of(namespace: dict[str, Any]) -> list[list[str]]:
    """Vocabularies of a module: its sequences of strings, and its strings by ids from 0."""
    found = []
    for value in list(namespace.values()):
        if type(value) is dict and list(value) == list(range(len(value))):
            value = list(value.values())
        if isinstance(value, (list, tuple)) and 4 <= len(value) <= 4096 and all(type(one) is str for one in value):
            found.append(list(value))
    return found[:4]
