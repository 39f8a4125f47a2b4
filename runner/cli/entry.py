"""Where the command line begins and ends: what is refused before any verb, and the exit code of every failure."""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from runner.any_encoding import print_in_any_encoding
from runner.cli.app import app
from runner.errors import UserError
from runner.interrupt import INTERRUPTED, catch_signals, stopped
from runner.printable import control_in, cut, printable, shortened

RUNNING = ("run", "resume", "duel", "repack", "reproduce", "sweep", "submit")
"""Verbs under which seeds may have finished before something failed."""
FAULT = 70
"""Exit code of a fault of golf's own; 1 would say rejected."""
SELDOM = (100_000, 20, 20)
"""When Python looks for garbage that refers to itself: what a verb loads is many objects, and hardly any of that."""
OUR_FAULT = "this is a fault of golf's own and no verdict; please report it with the lines above"


def require_plain_words(words: Sequence[str]) -> None:
    """UserError where a word of the command line has a character by which one line of a log could look like two."""
    for word in words:
        if control := control_in(word):
            raise UserError(f"{cut(word)}: holds a control character ({control}); rename it, or leave it out")


def require_a_place() -> None:
    """UserError where the current folder has been removed, or files would be closed to their own owner.

    In a folder that is gone paths lead nowhere, or what is there looks empty. A script whose artifact it cannot read
    again would be rejected for it.
    """
    try:
        Path.cwd()
    except OSError:
        raise UserError("the folder that this shell is in is gone; change into one that is there") from None
    mask = os.umask(0o077)
    os.umask(mask)
    if mask & 0o700:
        raise UserError(f"umask {mask:04o}: takes new files from their own owner; set another first, e.g. umask 022")


def runs_seeds() -> bool:
    """Whether the verb that was asked for trains."""
    return sys.argv[1:2] != [] and sys.argv[1] in RUNNING


def main() -> None:
    """Entry point: user errors become one message and exit code 2, an interrupt 130, a fault of golf's own 70."""
    print_in_any_encoding()
    catch_signals()
    gc.set_threshold(*SELDOM)
    try:
        require_plain_words(sys.argv[1:])
        require_a_place()
        app()
    except UserError as error:
        print(f"golf: {shortened(printable(str(error)))}", file=sys.stderr)
        sys.exit(2)
    except BaseException as error:
        if stopped:
            with suppress(OSError):  # the terminal may be what has gone
                kept = "; finished seeds are kept and the same command continues" if runs_seeds() else ""
                print(f"golf: interrupted{kept}", file=sys.stderr)
            sys.exit(INTERRUPTED)
        if isinstance(error, SystemExit):
            raise
        if not isinstance(error, OSError):
            traceback.print_exception(error)
            print(f"golf: {OUR_FAULT}", file=sys.stderr)
            sys.exit(FAULT)
        place = error.filename2 or error.filename  # of a rename, what was to be written, not the file aside
        why = error.strerror or str(error)
        kept = "Finished seeds, if any, are kept; mend" if runs_seeds() else "Mend"
        told = f"{place}: {why}" if place else why
        print(f"golf: {shortened(told)}. {kept} this and run the command again", file=sys.stderr)
        sys.exit(2)
    finally:
        gc.freeze()  # Python would look through them all once more at its end
