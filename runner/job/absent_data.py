"""Data that a job names and that is not on this machine: what is missing, and the command that brings it.

Looks at names only. Data that is there and damaged is not absent: whoever opens it is told what is wrong with it.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from runner.data.corpus import INSTALL, find_asv
from runner.data.hosted import short_name
from runner.errors import DataError
from runner.job.open_data import DataRequest

CHALLENGE = "fineweb10B_"
"""What the folders of the challenge's data sets begin with, before the variant."""


def absent(request: DataRequest) -> str:
    """What is missing and how to bring it, for people; '' where nothing is."""
    if request.corpus is not None:
        return _absent_corpus()
    assert request.folder is not None
    assert request.tokenizer is not None
    folder, tokenizer = Path(request.folder), Path(request.tokenizer)
    missing = [f"{split} shards" for split in ("train", "val") if not any(folder.glob(f"fineweb_{split}_*.bin"))]
    missing = ["shards"] if len(missing) == 2 else missing
    if not tokenizer.is_file():
        missing.append("tokenizer")
    if not missing:
        return ""
    what = "not here" if missing == ["shards", "tokenizer"] else f"its {' and its '.join(missing)} are not here"
    what = what.replace("tokenizer are", "tokenizer is") if missing == ["tokenizer"] else what
    command = fetch_command(folder, tokenizer)
    if command is not None:
        return f"{what}; bring it with `{command}`"
    places = f"the folder of fineweb_train_*.bin and fineweb_val_*.bin to {shown(folder)}"
    return f"{what}; bring {places}, their SentencePiece model to {shown(tokenizer)}"


def _absent_corpus() -> str:
    """The embedded corpus comes with a package, which golf can run without."""
    try:
        find_asv()
    except DataError:
        return f"not here; {INSTALL}"
    return ""


def fetch_command(folder: Path, tokenizer: Path) -> str | None:
    """The `golf data fetch` that puts the challenge's files where a job wants them; None where none does."""
    root = folder.parent.parent
    ours = folder.name.startswith(CHALLENGE) and folder.parent.name == "datasets"
    if not ours or tokenizer.parent.resolve() != (root / "tokenizers").resolve():
        return None
    words = ["golf", "data", "fetch", "--variant", short_name(folder.name.removeprefix(CHALLENGE))]
    if root.resolve() != Path("data").resolve():
        words += ["--output", str(shown(root))]
    return shlex.join(words)


def shown(path: Path) -> Path:
    """A path as short as it can be from here."""
    whole, here = path.resolve(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole
