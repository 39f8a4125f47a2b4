"""Which files of its own folder a program imports: read from its text, never run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from runner.audit.reading.folder import Folder
from runner.audit.reading.text import read_text

LARGEST = 1 << 20
IMPORT = re.compile(r"^\s{0,40}(?:from\s+(\.{0,3}[\w.]{1,200})\s+import\b|import\s+([\w., ]{1,400}))", re.MULTILINE)


def local_imports(folder: Folder) -> list[str]:
    """Files in the folder that its program imports, and those that they import."""
    files = {name[:-3].replace("/", "."): name for name in (*folder.scripts, *folder.modules)}
    files |= {name.removesuffix(".__init__"): path for name, path in files.items() if name.endswith(".__init__")}
    start = folder.script
    found: list[str] = []
    pending = [start] if start else []
    while pending:
        text = read_text(folder.path / pending.pop(), LARGEST)
        for module in imported(text):
            parts = module.lstrip(".").split(".")
            for length in range(1, len(parts) + 1):
                name = files.get(".".join(parts[:length]))
                if name is not None and name not in found and name != start:
                    found.append(name)
                    pending.append(name)
    return sorted(found)


def imported(text: str) -> Iterator[str]:
    """Dotted names that a program's text imports; of a text that is no Python, what looks like it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        for match in IMPORT.finditer(text):
            yield from ([match[1]] if match[1] else [part.split()[0] for part in match[2].split(",") if part.strip()])
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names)
