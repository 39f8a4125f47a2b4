"""The README's section on where repacked artifacts come from: whose weights, both hashes, why this is no record."""

from __future__ import annotations

from typing import Any

from reports.markdown import Markdown, code, table
from reports.numbers import MISSING, fixed
from reports.sections.changes import changes_table
from runner.results.record import RecordData
from runner.results.variants import Repacked

OPENING = (
    "These artifacts were not packed by their training but later, from the weights that it kept, and packing was off "
    "every clock. So this is no record of a timed track, whatever its checks say. It shows what another export of "
    "the same weights scores and takes."
)
SHOWN = 16
"""Digits of a hash; results.json has all."""


def repacked_section(data: RecordData, found: Repacked) -> dict[str, Any]:
    """Whose weights, the hashes of both artifacts, how long packing took, and what the export has other."""
    here = {result.seed: result.artifact.sha256 for result in data.results if result.artifact is not None}
    rows = [
        [
            seed,
            code(weights[:SHOWN]),
            code(found.artifacts[seed][:SHOWN]),
            code(here[seed][:SHOWN]) if seed in here else MISSING,
            fixed(found.seconds[seed], 2),
        ]
        for seed, weights in found.weights.items()
    ]
    return {
        "sentence": Markdown(
            f"The weights are those of run {code(found.run)}, whose ledger vouches for them. It trained by a script "
            f"of SHA-256 {code(found.script_sha256[:SHOWN])}."
        ),
        "table": table("rllll", ["seed", "kept weights", "packed by training", "packed here", "seconds"], rows),
        "changes": changes_table(found.changed) if found.changed else "",
    }
