"""`golf export pr`: a record on a branch of its own in a checkout of the challenge's repository.

What may go there and under whose name is decided here, before anything is touched; the files are copied and committed
by `runner.record.checkout`. Nothing is pushed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from runner.errors import UserError
from runner.listing import counted
from runner.printable import cut
from runner.record.files import unknown_names
from runner.record.folder import Record
from runner.results.record import RecordData
from runner.results.verdicts import Check

TRACKS = {"10min_16mb": "track_10min_16mb", "non_record_16mb": "track_non_record_16mb"}
"""Track -> its folder in the challenge's repository."""
NON_RECORD = "track_non_record_16mb"
"""Where no record is claimed."""
SEEDS_OF_A_RECORD = 3
"""A gain at p < 0.01 is asked for; merged records show it with three runs."""
GITHUB_ID = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9])*(?:_[A-Za-z0-9]+)?")
MOST_GITHUB_ID = 39
MOST_AUTHOR = 100


@dataclass(frozen=True)
class Destination:
    """Where a record goes."""

    track: str
    """Folder below records/."""
    non_record: str = ""
    """Why it goes where no record is claimed, although its track is another; empty where it does not."""


def destination(
    record: Record, checks: Sequence[Check], *, unverified: bool = False, few_seeds: bool = False
) -> Destination:
    """Where the record goes; UserError unless it may go anywhere, and is what it says.

    checks: of `golf verify`; unverified, few_seeds: what the author allows.
    """
    data, folder = record.data, record.folder
    if data.track not in TRACKS and data.verdict.status != "rejected":  # no verdict would change that
        raise UserError(
            f"{folder}: track {cut(data.track)} is none of the challenge's, which are {', '.join(TRACKS)}"
        )
    require_verdict(record, unverified=unverified)
    if strange := unknown_names(folder, data):
        raise UserError(f"{folder}: holds {cut(strange[0])}, which no record has; nothing of it is copied")
    if wrong := [check for check in checks if check.status == "fail"]:
        told = "; ".join(f"{check.title} No: {check.measured}" for check in wrong)
        pages = all(check.name == "pages" for check in wrong)
        advice = f"golf report {folder} makes its pages anew" if pages else f"See golf verify {folder}"
        raise UserError(f"{folder}: does not verify: {told}. {advice}")
    scored = sum(result.final_score is not None for result in data.results)
    if TRACKS[data.track] == NON_RECORD or scored >= SEEDS_OF_A_RECORD:
        return Destination(TRACKS[data.track])
    told = (
        f"{counted(scored, 'seed')}, where the rule of track {data.track} wants at least {SEEDS_OF_A_RECORD}: a gain "
        "is to be shown at p < 0.01"
    )
    if not few_seeds:
        raise UserError(
            f"{folder}: {told}. Run more with golf run JOB --seeds ..., or export it as a non-record with --few-seeds"
        )
    return Destination(NON_RECORD, told)


def require_verdict(record: Record, *, unverified: bool) -> None:
    """UserError for a rejected record always, and for an unverified one unless that is allowed."""
    verdict = record.data.verdict
    if verdict.status == "rejected":
        raise UserError(f"{record.folder}: its verdict is rejected; such a record is never exported")
    if verdict.status == "repacked":
        raise UserError(f"{record.folder}: its artifacts were packed off the clock; such a result is no record")
    if verdict.status == "unverified" and not unverified:
        asked = dict.fromkeys(one.title for one in verdict.checks if one.required and one.status == "unknown")
        raise UserError(
            f"{record.folder}: its verdict is unverified; open are: {' '.join(asked)} It goes with --unverified "
            "only, and then title, text and submission.json say what is open"
        )


def names_of(data: RecordData, author: str | None, github_id: str | None) -> dict[str, str]:
    """What is to be put into the record's job, so that it has both names; UserError where one is missing or wrong.

    author, github_id: of the command line. They fill in what the job left out, and change nothing that it says.
    """
    given = {"author": author, "github_id": github_id}
    check = {"author": wrong_author, "github_id": wrong_github_id}
    names: dict[str, str] = {}
    missing = []
    for field, name in given.items():
        there, option = str(data.job.get(field) or ""), f"--{field.replace('_', '-')}"
        stands = there if not check[field](there) else ""
        if name is not None:
            if problem := check[field](name):
                raise UserError(f"{option} {cut(name)!r}: {problem}")
            if stands and stands != name:
                raise UserError(
                    f"{option}: the record's {field} is {stands!r}; what is to change in a record, its job says: "
                    "change the job and run it again, finished seeds are kept"
                )
            names |= {field: name} if name != there else {}
        elif not stands:
            missing.append((field, option, there))
    if missing:
        told = " and ".join(f"no {field}" if not there else f"{field} {cut(there)!r}" for field, _, there in missing)
        options = " ".join(f"{option} {'NAME' if field == 'author' else 'ID'}" for field, option, _ in missing)
        raise UserError(
            f"a submission names its author and their GitHub id; the record's job has {told}. Give {options}, which "
            "go into the exported folder; author: and github_id: in the job make it say so by itself"
        )
    return names


def wrong_author(name: str) -> str:
    """Why this is no author's name; empty where it is one."""
    if not name.strip() or not name.isprintable() or len(name) > MOST_AUTHOR:
        return f"must be a name of at most {MOST_AUTHOR} characters, on one line"
    return ""


def wrong_github_id(name: str) -> str:
    """Why GitHub can have no user of this name; empty where it can."""
    if len(name) > MOST_GITHUB_ID or GITHUB_ID.fullmatch(name) is None:
        return f"is no GitHub id: letters, digits and single hyphens between them, at most {MOST_GITHUB_ID}, no @"
    return ""
