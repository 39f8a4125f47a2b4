"""A record with its author's names put in, where its job gave none: what an exported folder has other than it.

Names decide nothing: scores, evidence and ledger stay as they are, byte for byte, and the pages are those that the
results make. The record itself is not touched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from reports.record.rebuild import made_of
from reports.record.write import checksums
from runner.files import sha256_bytes
from runner.record.files import CHECKSUMS, RESULTS, bounded, listed_sums, results_of
from runner.results.record import RecordData
from runner.untrusted import json_of


def with_author(folder: Path, names: Mapping[str, str]) -> tuple[RecordData, dict[str, bytes]]:
    """The record's data with these fields of its job (author, github_id), and every file that is another for it.

    Without names it is the record as it stands. UserError where results.json is none of golf's.
    """
    place = folder / RESULTS
    content = bounded(place)
    if not names:
        return results_of(content, place), {}
    plain = json_of(content, str(place))
    # By way of the values it would hold fields that no attempt wrote, and the ledger would no longer vouch for it.
    plain["job"].update(names)
    content = (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()
    data = results_of(content, place)
    made = {**made_of(data, str(place)), RESULTS: content}
    sums = {**listed_sums(folder), **{name: sha256_bytes(other) for name, other in made.items()}}
    return data, {**made, CHECKSUMS: checksums(sums).encode()}
