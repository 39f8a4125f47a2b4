"""What lets somebody else's script score its artifact alone: found by reading its source, never by running it.

A script that cannot do that is trained and scored in one process, and nothing shows that its artifact alone has that
score. `score_alone` gives the lines that would change it, in the script's own words: the variable that it reads
already, the file that it writes, the function that it scores with.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from runner.job.spec import JobSpec
from runner.printable import printable
from runner.results.runs import RunResult

SHOWN = 80
"""Characters of a name that are shown."""
MOST_SOURCE = 1 << 20
"""Characters of a source that are read."""
SWITCHES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:EVAL\w*|SCORE|SCORING|VAL|VALIDATE|VALIDATION|TEST|INFERENCE)_?ONLY|ONLY_?(?:EVAL\w*|SCORE|SCORING|VAL)",
        r"(?:SKIP|NO)_?TRAIN(?:ING)?",
        r"(?:RUN_?)?(?:MODE|PHASE|STAGE)",
        r"(?:EVAL\w*|LOAD|SCORE)_?(?:CKPT|CHECKPOINT|ARTIFACT|MODEL|FROM|PATH)\w*",
    )
)
"""Names of variables that may make a script score only, the likelier first."""
NAMES_A_FILE = SWITCHES[-1]
SCORES = re.compile(r"_?(?:eval|score|validate)\w*|\w+_(?:eval|score)", re.IGNORECASE)
MODE = SWITCHES[2]
OFF = ("", "0", "false", "no", "off", "train", "training")
"""What such a variable says where it does not switch."""
FLAG = re.compile(r"--(?:eval|score|val|test)\w*[-_]?only|--(?:skip|no)[-_]train\w*", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What a source says of itself."""

    variable: str = ""
    """A variable it reads whose name sounds like the switch; empty where there is none."""
    value: str = "1"
    """The value that it is compared with."""
    line: int = 0
    """Where it is read."""
    flag: str = ""
    """An argument of its command line that sounds like it: a job sets variables only."""
    artifact: str = ""
    """The file with compressed weights, as its source writes it."""
    scorer: str = ""
    """The function that it seems to score with."""


def read_source(source: str, artifact_pattern: str) -> Reading:
    """Look for switch, artifact and scoring function in a source; nothing is found in one that is no Python.

    artifact_pattern: the job's pattern of the artifact's name (OutputsSpec.artifact).
    """
    try:
        tree = ast.parse(source[:MOST_SOURCE])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Reading()
    read = dict(_variables(tree))
    compared = dict(_compared(tree))
    variable = next((name for pattern in SWITCHES for name in read if pattern.fullmatch(name)), "")
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    artifact = next((text for text in texts if text != artifact_pattern and fnmatch(text, artifact_pattern)), "")
    functions = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    value = compared.get(variable, "eval" if MODE.fullmatch(variable) else "1")
    if NAMES_A_FILE.fullmatch(variable):
        value = artifact or "final_model.ptz"
    return Reading(
        variable=variable,
        value=printable(value[:SHOWN]),
        line=read.get(variable, 0),
        flag=next((text for text in texts if FLAG.fullmatch(text)), ""),
        artifact=printable(artifact[:SHOWN]),
        scorer=next((name for name in functions if SCORES.fullmatch(name)), ""),
    )


def _variables(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, line) of the environment's variables that a program reads, the last reading first."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        name = _variable(node)
        if name is not None:
            found.setdefault(name, getattr(node, "lineno", 0))
    yield from found.items()


def _variable(node: ast.AST) -> str | None:
    """The variable that an expression reads: os.environ["X"], os.environ.get("X"), os.getenv("X"), "X" in environ."""
    name: ast.expr | None = None
    if isinstance(node, ast.Subscript) and _is_environ(node.value):
        name = node.slice
    elif isinstance(node, ast.Call) and node.args and _reads(node.func):
        name = node.args[0]
    elif isinstance(node, ast.Compare) and any(_is_environ(one) for one in node.comparators):
        name = node.left
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else None


def _reads(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute):
        return called.attr == "getenv" or (called.attr in ("get", "pop", "setdefault") and _is_environ(called.value))
    return isinstance(called, ast.Name) and called.id == "getenv"


def _is_environ(node: ast.expr) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == "environ") or (
        isinstance(node, ast.Name) and node.id in ("environ", "env", "ENV")
    )


def _compared(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(variable, text) where a variable is compared with one text: the value that switches."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
            sides = [node.left, node.comparators[0]]
            for side, other in (sides, sides[::-1]):
                names = [name for part in ast.walk(side) if (name := _variable(part)) is not None]
                said = other.value if isinstance(other, ast.Constant) else None
                if names and isinstance(said, str) and said.lower() not in OFF:
                    yield names[0], said


def score_alone(source: str, script: str, artifact_pattern: str, artifact: str, score_line: str) -> list[str]:
    """Lines for people: what the job must say, and what the script must do, so that its artifact is scored alone.

    script: its file's name; artifact: the file that it left, empty where it left none; score_line: the beginning of
    the line that it published, empty where there was none.
    """
    found = read_source(source, artifact_pattern)
    variable, weights = found.variable or "EVAL_ONLY", found.artifact or artifact or artifact_pattern
    if found.variable:
        first = f"{script} reads {variable} (line {found.line}). If that makes it score only, put into the job:"
    else:
        first = f"{script} reads no variable that makes it score only. Give it one, and put into the job:"
    scorer = f"with its {found.scorer}()" if found.scorer else "as after training"
    line = f"{score_line} val_loss:… val_bpb:…" if score_line else "its line with val_loss and val_bpb"
    lines = [
        first,
        "  outputs:",
        f"    eval_env: {{{variable}: {json.dumps(found.value)}}}",
        f"With {variable}={found.value} it must",
        "  1. not train: only script, artifact, tokenizer and validation shards are there;",
        f"  2. load {weights} from its working folder and score it {scorer};",
        f"  3. print {line} again, and end with exit code 0.",
    ]
    if found.flag and not found.variable:
        lines.append(f"Its argument {found.flag} is not enough: a job sets variables, no arguments.")
    return lines


def lines_to_score_alone(job: JobSpec, source: str, results: Sequence[RunResult]) -> list[str]:
    """What would let a script score its artifact alone; nothing where it can, or where the script is ours."""
    if job.script is None or job.outputs.eval_env:
        return []
    artifact = next((result.artifact.file for result in results if result.artifact is not None), "")
    rule = next((result.final_score.rule for result in results if result.final_score is not None), "")
    return score_alone(source, job.script.name, job.outputs.artifact, artifact, "" if rule == "script" else rule)
