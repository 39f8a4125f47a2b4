"""Settings that Ray reads from the environment while it is imported, so they are made before that.

Called by the command line ahead of the first import of runner.backends.ray_backend; imports no Ray itself.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
import tempfile
from pathlib import Path

from runner.errors import UserError
from runner.machine import home_folder

TOKEN = home_folder() / ".ray" / "auth_token"
"""Where Ray keeps this user's cluster token."""


def prepare_environment(address: str | None) -> None:
    """Set what the user has not set: no usage reports, loopback for a Ray of our own, the token for another.

    The token itself is made, and made ours alone, before Ray sees it; that others could read it is told.
    """
    if address is None:
        make_token()
    for told in tighten_token():
        print(f"golf: warning: {told}", file=sys.stderr)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Without it every worker prints a notice about GPU visibility on machines without GPUs.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address is None:
        # Named for where it is the default: without it Ray's services listen on every interface of the machine.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    elif TOKEN.is_file() or {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        # Clusters ask for the token by default, but a driver shows it only when told to.
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def token_files() -> list[Path]:
    """Where a token of this user may lie: Ray's own place, and what the environment names instead."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH", "")
    return [TOKEN, *([Path(named).expanduser()] if named else [])]


def make_token() -> None:
    """A token for a Ray of our own, readable by us alone from its first moment on: Ray makes one for everybody.

    Only where Ray would make one; OSError where the home takes none is Ray's to tell.
    """
    elsewhere = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys()
    if elsewhere or os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        return
    if TOKEN.exists():
        return
    try:
        TOKEN.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=TOKEN.parent)  # readable by us alone
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        os.link(aside, TOKEN)  # whole at once, and never over one that somebody else makes meanwhile
        Path(aside).unlink()
    except OSError:
        return


def tighten_token() -> list[str]:
    """Make each token ours alone, and say of which others could read it until now.

    UserError where a token that others can read cannot be made ours: it is not used.
    """
    told = []
    for path in token_files():
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:
            continue
        if not mode & 0o077:
            continue
        try:
            path.chmod(0o600)
        except OSError as error:
            raise UserError(
                f"{path}: others can read this cluster token (mode {mode:04o}), and it cannot be changed "
                f"({error.strerror}); make it yours alone: chmod 600 {path}"
            ) from None
        told.append(f"{path}: others could read this cluster token (mode {mode:04o}); it is yours alone now (0600)")
    return told
