"""Secrets that sinks need: what variables hold, for the sink's own process, and struck out of all that it says."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

STRUCK = "***"
SHORTEST = 4
"""Characters of a text that is worth striking out; of shorter ones nothing would be readable."""
KNOWN = ("WANDB_API_KEY", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD")
"""Variables that libraries read by themselves."""
ADDRESS = re.compile(r"https?://\S+")


def held(variables: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """What these variables and KNOWN hold, the parts of addresses too; the longest first."""
    found: set[str] = set()
    for name in {*variables, *KNOWN}:
        value = environment.get(name, "").strip()
        found |= {value, *_parts(value)}
    found |= {form for value in found for form in (quote(value), quote(value, safe=""), unquote(value))}
    return sorted((value for value in found if len(value) >= SHORTEST), key=len, reverse=True)


def _parts(value: str) -> set[str]:
    """Of an address all but the host: path, each part of it, question, user, password."""
    if "://" not in value:
        return set()
    try:
        parts = urlsplit(value)
        user, password = parts.username or "", parts.password or ""
    except ValueError:
        return set()
    pieces = [piece for piece in re.split(r"[/?&=#]", f"{parts.path}?{parts.query}") if len(piece) >= 2 * SHORTEST]
    return {parts.path.strip("/") and parts.path, parts.query, user, password, *pieces}


def struck(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets, and without the paths of any addresses."""
    for secret in secrets:
        text = text.replace(secret, STRUCK)
    return ADDRESS.sub(lambda found: f"{found[0].split('/', 3)[0]}//{_host(found[0])}/{STRUCK}", text)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or STRUCK
    except ValueError:
        return STRUCK
