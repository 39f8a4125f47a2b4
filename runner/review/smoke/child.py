"""The program of the cut-off process: imports one script and writes down what came of it, as JSON.

`child.py SPEC`, SPEC a JSON file: script, result, seconds, torch (whether it is to be there before the clock runs).
It lies in the process's own folder beside `stand_ins` and `pep701`; nothing of golf is imported, and torch only by
its name. What it writes is the word of a process in which somebody else's code ran: whoever reads it believes nothing
of it but that.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import inspect
import json
import os
import resource
import signal
import sys
import time
import types
from pathlib import Path
from typing import Any

MOST_MEMORY, MOST_CPU_S, MOST_FILE, MOST_PROCESSES = 8 << 30, 60, 16 << 20, 64
MOST_EVENTS = 40
MOST_TRIES = 12
SIZES = {
    "layers": ("num_layers", "n_layers", "n_layer", "num_hidden_layers", "depth"),
    "dim": ("model_dim", "d_model", "n_embd", "hidden_size", "embed_dim", "hidden_dim", "dim"),
    "vocab": ("vocab_size", "n_vocab", "vocab"),
    "heads": ("num_heads", "n_head", "n_heads"),
}
"""What people ask for -> names under which scripts keep it."""
SUSPECTS = ("socket.connect", "socket.getaddrinfo", "urllib.Request", "subprocess.Popen", "os.system", "os.exec")


def main() -> None:
    """`child.py SPEC`."""
    with Path(sys.argv[1]).open() as file:
        spec = json.load(file)
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_S, MOST_CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    resource.setrlimit(resource.RLIMIT_NPROC, (MOST_PROCESSES, MOST_PROCESSES))
    signal.alarm(int(spec["seconds"]))
    stand_ins = importlib.import_module("stand_ins")
    told = os.fdopen(os.open(spec["result"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w")
    torch = prepared_torch() if spec["torch"] else None
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    finder = stand_ins.install(stand_ins.GPU_ONLY)
    read_newer_pythons()
    events: list[str] = []
    sys.addaudithook(lambda name, values: watch(events, name, values))
    found = imported(spec["script"], finder, events)
    found["stubs"] = finder.used
    namespace = found.pop("namespace")
    if found["ok"]:
        found["settings"], holder = settings_of(namespace)
        found["parameters"] = parameters_of(torch, namespace, holder)
    json.dump({**found, "events": events}, told)
    told.flush()
    os._exit(0)


def prepared_torch() -> Any:
    """torch as a script finds it on a GPU's node, as far as an import asks; None where there is none."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        return None
    for name in ("torch.nn.functional", "torch.distributed", "torch.nn.parallel", "torch._dynamo", "numpy"):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    torch.compile = lambda model=None, *_, **__: (lambda inner: inner) if model is None else model
    properties = types.SimpleNamespace(
        name="stand-in", major=9, minor=0, total_memory=80 << 30, multi_processor_count=132, warp_size=32
    )
    torch.cuda.get_device_capability = lambda *_, **__: (9, 0)
    torch.cuda.get_device_properties = lambda *_, **__: properties
    torch.cuda.get_device_name = lambda *_, **__: "stand-in"
    torch.cuda.set_device = lambda *_, **__: None
    torch.cuda.synchronize = lambda *_, **__: None
    return torch


def read_newer_pythons() -> None:
    """Make exec and compile take f-strings of newer Pythons, which a shell may hold."""
    pep701 = importlib.import_module("pep701")
    plain_compile, plain_exec = builtins.compile, builtins.exec

    def compile_(source: Any, filename: Any, mode: Any, *values: Any, **named: Any) -> Any:
        try:
            return plain_compile(source, filename, mode, *values, **named)
        except SyntaxError:
            if not isinstance(source, (str, bytes)) or mode != "exec":
                raise
            text = source if isinstance(source, str) else source.decode("utf-8-sig")
            try:
                tree = pep701.with_fstrings(plain_compile(pep701.rewritten(text), filename, mode, 1024))
            except (pep701.NoString, SyntaxError):
                pass
            else:
                return plain_compile(tree, filename, mode)
            raise

    def exec_(source: Any, globals_: Any = None, locals_: Any = None, /, **named: Any) -> None:
        if isinstance(source, (str, bytes)):
            source = compile_(source, "<string>", "exec")
        if globals_ is None:
            frame = sys._getframe(1)
            globals_, locals_ = frame.f_globals, frame.f_locals
        plain_exec(source, globals_, globals_ if locals_ is None else locals_, **named)

    builtins.compile = compile_
    builtins.exec = exec_


def watch(events: list[str], name: str, values: tuple[Any, ...]) -> None:
    """Note what reaches for the network or starts processes."""
    if not name.startswith(SUSPECTS) or len(events) >= MOST_EVENTS:
        return
    shown = values[1] if name == "subprocess.Popen" and len(values) > 1 else values[-1] if values else ""
    if name == "socket.getaddrinfo" and values:
        shown = values[0]
    line = f"{name} {shown!r}"[:200]
    if line not in events:
        events.append(line)


def imported(script: str, finder: Any, events: list[str]) -> dict[str, Any]:
    """Import the script under another name than __main__; packages that are missing are stood in for, one by one."""
    started = time.perf_counter()
    for _ in range(MOST_TRIES):
        module = types.ModuleType("train_gpt")
        module.__file__ = script
        sys.modules["train_gpt"] = module
        sys.argv = [script]
        started = time.perf_counter()
        try:
            code = builtins.compile(Path(script).read_bytes(), script, "exec")
            builtins.exec(code, module.__dict__)
        except ModuleNotFoundError as error:
            first = (error.name or "").partition(".")[0]
            if not first or first in finder.names or first in ("torch", "numpy"):
                return failed(error, started, module)
            finder.names.add(first)
            continue
        except BaseException as error:
            return failed(error, started, module)
        return {"ok": True, "seconds": time.perf_counter() - started, "why_not": "", "namespace": vars(module)}
    return failed(RuntimeError("it asks for ever more packages"), started, types.ModuleType("none"))


def failed(error: BaseException, started: float, module: types.ModuleType) -> dict[str, Any]:
    """What there is to say of an import that did not come to its end."""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals is vars(module):
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"line {line}: " if line is not None else ""
    why = f"{where}{type(error).__name__}: {error}"[:400]
    return {"ok": False, "seconds": time.perf_counter() - started, "why_not": why, "namespace": vars(module)}


def settings_of(namespace: dict[str, Any]) -> tuple[dict[str, str], Any]:
    """(what SIZES asks for, as the script has it; the object that holds its settings)."""
    holders = [value for name, value in namespace.items() if looks_like_settings(name, value)]
    best: tuple[int, Any] = (0, None)
    for holder in holders:
        for one in (holder, made(holder)):
            if one is not None:
                count = sum(value_of(one, names) is not None for names in SIZES.values())
                best = max(best, (count, one), key=lambda pair: pair[0])
    module = types.SimpleNamespace(**{name.lower(): value for name, value in namespace.items() if name.isupper()})
    found: dict[str, str] = {}
    for key, names in SIZES.items():
        for one in (best[1], module):
            value = None if one is None else value_of(one, names)
            if value is not None:
                found.setdefault(key, str(value))
    return found, best[1]


def looks_like_settings(name: str, value: Any) -> bool:
    lowered = name.lower()
    if isinstance(value, type):
        return any(word in lowered for word in ("hyperparam", "config", "args", "hparam", "settings", "params"))
    plain = isinstance(value, (types.ModuleType, types.FunctionType, types.BuiltinFunctionType))
    return not plain and lowered in ("args", "config", "cfg", "h", "hp", "hparams", "hyperparameters")


def made(holder: Any) -> Any:
    """An instance of a settings class that needs no arguments; None where it makes none."""
    if not isinstance(holder, type):
        return None
    try:
        return holder()
    except BaseException:
        return None


def value_of(holder: Any, names: tuple[str, ...]) -> int | None:
    for name in names:
        value = holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def parameters_of(torch: Any, namespace: dict[str, Any], holder: Any) -> int | None:
    """Parameters of the script's model on the meta device, made of its settings by their names; None where it is not.

    Its constructor runs here, within the same bounds.
    """
    if torch is None:
        return None
    for name in ("GPT", "Model", "Transformer", "LM", "Net"):
        model = namespace.get(name)
        if not (isinstance(model, type) and issubclass(model, torch.nn.Module)):
            continue
        try:
            with torch.device("meta"):
                built = model(**arguments_of(model, holder))
            return int(sum(one.numel() for one in built.parameters()))
        except BaseException:
            return None
    return None


def arguments_of(model: type, holder: Any) -> dict[str, Any]:
    """A constructor's arguments from settings of the same names; the settings themselves for a single argument."""
    wanted = [one for name, one in inspect.signature(model.__init__).parameters.items() if name != "self"]  # type: ignore[misc]
    needed = [one for one in wanted if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    if len(needed) == 1 and not hasattr(holder, needed[0].name):
        return {needed[0].name: holder}
    return {one.name: getattr(holder, one.name) for one in wanted if hasattr(holder, one.name)}


if __name__ == "__main__":
    main()
