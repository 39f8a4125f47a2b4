"""What a script asks of its surroundings, read from its text: variables, shards, phases, a limit on its time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

DATA_NAME = re.compile(r"DATA|CORPUS|SHARD", re.I)
PLACE_NAME = re.compile(r"PATH|DIR|ROOT|FOLDER|HOME", re.I)
LIMIT_NAME = re.compile(r"SECONDS|WALLCLOCK|TIME_?LIMIT|TIME_?BUDGET|MAX_?TIME", re.I)
NO_LIMIT = re.compile(r"EVAL|TTT|SLOT|WARM|EVERY|RESERVE|LOG|SLEEP|TIMEOUT", re.I)
PHASES = ("eval", "evaluate", "evaluation", "score", "test", "validate")
TRAININGS = ("train", "training", "fit")
ALONE = re.compile(r"EVAL(?:UATE)?_ONLY|ONLY_EVAL|SKIP_TRAIN|NO_TRAIN", re.I)
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
"""A name that a mapping is asked for is a variable's: os.environ may have been handed over."""
PIECES = re.compile(r"(?:fineweb_|\bsp)(\d{3,5})")
MOST_NAMES = 40


@dataclass
class Asks:
    """A script's wishes.

    variables: environment variable -> its default, None where it has none; shards: names of data files as written,
    with their wildcards; phases: (variable, value) that may mean an evaluation alone; trainings: the same for a
    training alone; limit_s: seconds after which it says that it stops, None where it names none; headed: whether
    shards have an official head; gpu: whether it speaks of CUDA; pieces: of the tokenizer
    that it names, where no variable says how many.
    """

    variables: dict[str, str | None] = field(default_factory=dict)
    shards: tuple[str, ...] = ()
    phases: tuple[tuple[str, str], ...] = ()
    trainings: tuple[tuple[str, str], ...] = ()
    limit_name: str = ""
    limit_s: float | None = None
    headed: bool = False
    gpu: bool = False
    pieces: int | None = None


def asks_of(trees: Iterable[ast.Module], texts: Iterable[str]) -> Asks:
    """What these texts of one script ask for."""
    found = Asks()
    whole = "\n".join(texts)
    shards: dict[str, None] = {}
    named: dict[str, str] = {}
    compared: list[tuple[str, str]] = []
    for tree in trees:
        for node in ast.walk(tree):
            if (read := _read(node)) is not None:
                found.variables.setdefault(*read)
            elif isinstance(node, ast.Assign) and len(node.targets) == 1:
                for target, given in _assigned(node.targets[0], node.value):
                    for inner in ast.walk(given):
                        if (read := _read(inner)) is not None:
                            named[target] = read[0]
            if (name := _string(node)).endswith(".bin") and 4 < len(name) < 200 and "\n" not in name:
                shards[name] = None
    for tree in trees:
        compared += _compared(tree, named)
    found.shards = tuple(shards)[:MOST_NAMES]
    phases: dict[tuple[str, str], None] = {}
    trainings: dict[tuple[str, str], None] = {}
    for variable, value in compared:
        if value.lower() in PHASES or value.lower() in TRAININGS:
            phases |= dict.fromkeys([(variable, value)] if value.lower() in PHASES else [(variable, "eval")])
            trainings |= dict.fromkeys([(variable, value)] if value.lower() in TRAININGS else [(variable, "train")])
    phases |= dict.fromkeys((name, "1") for name in found.variables if ALONE.search(name))
    found.phases, found.trainings = tuple(phases)[:4], tuple(trainings)[:4]
    for name, default in found.variables.items():
        if LIMIT_NAME.search(name) and not NO_LIMIT.search(name) and _positive(default):
            found.limit_name, found.limit_s = name, float(default or 0)
            break
    found.headed = "20240520" in whole or "20_240_520" in whole
    sizes = [int(one) for one in PIECES.findall(whole)]
    found.pieces = None if "VOCAB_SIZE" in found.variables or not sizes else sizes[0]
    found.gpu = bool(re.search(r"\bcuda\b|flash_attn", whole))
    return found


def data_variables(asks: Asks) -> list[str]:
    """Variables that name the folder of the data."""
    return [name for name in asks.variables if DATA_NAME.search(name) and PLACE_NAME.search(name)]


def _read(node: ast.AST) -> tuple[str, str | None] | None:
    """(variable, default) where a node reads the environment."""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        called = ast.unparse(node.func)
        name = node.args[0].value
        known = called.endswith(("environ.get", "getenv", "environ.setdefault", "environ.pop"))
        if isinstance(name, str) and (known or (called.endswith(".get") and VARIABLE.match(name))):
            default = node.args[1] if len(node.args) > 1 else None
            return name, str(default.value) if isinstance(default, ast.Constant) else None
    if isinstance(node, ast.Subscript) and (name := _string(node.slice)):
        return (name, None) if ast.unparse(node.value).endswith("environ") else None
    return None


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """(name, what it gets) of an assignment, of several at once, too."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, part in zip(target.elts, value.elts, strict=True):
            yield from _assigned(one, part)


def _string(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _compared(tree: ast.Module, named: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(variable, constant) that it is compared with."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        variables = [name for side in sides for inner in ast.walk(side) if (name := _variable(inner, named))]
        for side in sides:
            for inner in ast.walk(side):
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    yield from ((variable, inner.value) for variable in variables if variable != inner.value)


def _variable(node: ast.AST, named: dict[str, str]) -> str:
    """The environment variable that a node reads, or that a name of the module was read from; '' for none."""
    if (read := _read(node)) is not None:
        return read[0]
    return named.get(node.id, "") if isinstance(node, ast.Name) else ""


def _positive(text: str | None) -> bool:
    try:
        return float(text or "") > 0
    except ValueError:
        return False
