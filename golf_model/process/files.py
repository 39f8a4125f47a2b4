"""Writing a file so that a killed run leaves a whole one or none."""

from __future__ import annotations

import os
from pathlib import Path

from golf_model.process.errors import ScriptError


def write_durably(path: Path, data: bytes) -> None:
    """Write beside `path`, flush to the device, rename."""
    aside = path.with_name(f".{path.name}.tmp")
    try:
        with aside.open("wb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise ScriptError(f"cannot write {path}: {error.strerror}; free space and run again") from error
