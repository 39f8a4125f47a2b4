"""What an artifact consists of, as JSON: `python -m golf_model.artifact.inspect_file FILE`. Not part of any script.

torch is loaded only for a file that may be one (first_look.py).
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

from golf_model.artifact.first_look import MOST_MEMORY, bound_process, first_look, read_file
from golf_model.process.errors import EXIT_USER_ERROR, ScriptError
from golf_model.process.parent import end_with_parent


def main_inspect(arguments: list[str]) -> int:
    """Exit code 0 with JSON on stdout, or 2 with one line on stderr."""
    try:
        blob = read_file(Path(arguments[0]))
        first_look(blob)
        from golf_model.artifact.inspect import inspect_artifact

        bound_process()
        print(json.dumps(inspect_artifact(blob)))
    except (ScriptError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(word in str(error) for word in ("memory", "alloc")):
            raise
        told = f"artifact: unfolds to more than {MOST_MEMORY >> 20:,} MiB of memory, which no submission needs"
        print(f"error: {told}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0


if __name__ == "__main__":
    gc.disable()  # to look through all that torch makes would take half a second of the two that this process lives
    end_with_parent()
    code = main_inspect(sys.argv[1:])
    gc.freeze()
    sys.exit(code)
