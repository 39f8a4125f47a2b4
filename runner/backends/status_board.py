"""The board that a driver keeps on the head node (runner.drive.watch.board), read from afar: whether it counts.

A board that may be stale is none: then the verb itself is sent to the head node.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.backends import dashboard_http
from runner.backends.dashboard_http import Unanswered
from runner.backends.endpoint_probe import WEB, answering_kind
from runner.errors import UserError
from runner.files import sha256_bytes

FRESH_S = 15.0
"""Age up to which the board of a driver that works counts."""
ENDING_S = 10.0
"""A driver's last board is written at most so long before Ray notes its end."""
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


def board_name(output: Path | None) -> str:
    """The name of the file. output: a whole path on the head node; None for the folder that is usual there."""
    return f"golf-status-{'home' if output is None else sha256_bytes(str(output).encode())[:12]}.json"


def board_at(address: str, output: Path | None) -> Mapping[str, Any]:
    """The board of the cluster at an address, if that is its dashboard's; else Unanswered, as for `read_board`."""
    try:
        if "://" not in address and answering_kind(address) != WEB:
            raise Unanswered("no dashboard answers there")
    except UserError as error:
        raise Unanswered(str(error)) from None
    return read_board(address if "://" in address else f"http://{address}", output)


def read_board(url: str, output: Path | None) -> Mapping[str, Any]:
    """The board behind a dashboard; Unanswered where there is none, or it may be stale."""
    jobs, now = dashboard_http.drivers(url)
    node = dashboard_http.head_node(url)
    try:
        board: Mapping[str, Any] = json.loads(dashboard_http.log_file(url, node, board_name(output)))
        written, final = float(board["time"]), bool(board["final"])
    except (ValueError, TypeError, KeyError):
        raise Unanswered("no board") from None
    if not counts(jobs, now, written, final):
        raise Unanswered("the board may be stale")
    return board


def counts(jobs: Sequence[Mapping[str, Any]], now: float, written: float, final: bool) -> bool:
    """Whether a board says how runs stand. jobs: drivers; now, written: seconds since the epoch, by the head node."""
    working = [job for job in jobs if job.get("status") not in ENDED]
    if working:
        return now - written <= FRESH_S
    ends = [float(job["end_time"]) / 1000 for job in jobs if job.get("end_time")]
    return final and written >= max(ends, default=0.0) - ENDING_S


def chosen(board: Mapping[str, Any], name: str | None) -> tuple[str, dict[str, Any]]:
    """(what people read, the facts) of all runs or of the one that is meant; Unanswered where that is not clear."""
    runs = board["facts"]["runs"]
    if name is None:
        return board["all"], {"runs": runs}
    names = list(board["each"])
    ways = (
        [one for one in names if one == name],
        [one for one in names if one.rpartition("-")[0] == name],
        names[-1:] if name == "latest" else [],
        [one for one in names if one.startswith(name)],
    )
    found = next((way for way in ways if way), [])
    if len(found) != 1:
        raise Unanswered("the verb itself says which runs are meant")
    return board["each"][found[0]], {"runs": [one for one in runs if one["run"] == found[0]]}
