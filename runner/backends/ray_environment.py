"""Settings that Ray reads from the environment while it is imported, so they are made before that.

Called by the command line ahead of the first import of runner.backends.ray_backend; imports no Ray itself.
"""

from __future__ import annotations

import os
from pathlib import Path

TOKEN = Path.home() / ".ray" / "auth_token"
"""Where Ray keeps this user's cluster token."""


def prepare_environment(address: str | None) -> None:
    """Set what the user has not set: no usage reports, loopback for a Ray of our own, the token for another."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Without it every worker prints a notice about GPU visibility on machines without GPUs.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address is None:
        # Named for where it is the default: without it Ray's services listen on every interface of the machine.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    elif TOKEN.is_file() or {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        # Clusters ask for the token by default, but a driver shows it only when told to.
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def tighten_token() -> None:
    """Make the token ours alone: Ray was seen to write it readable by everybody."""
    if TOKEN.is_file():
        TOKEN.chmod(0o600)
