"""What kept training and evaluation apart from their node and from each other, and what is unknown for lack of it."""

from __future__ import annotations

from collections.abc import Sequence

from reports.markdown import Markdown, escaped
from runner.results.phases import Isolation
from runner.results.runs import RunResult

NOT_KNOWN = (
    "What evaluation could reach beside its artifact is not known then: training shards, the network, or what "
    "training left in shared memory."
)
OPENED = "The job opened the network to training."


def apart(results: Sequence[RunResult]) -> list[Markdown]:
    """A sentence or two; none for records made before it was noted."""
    phases = [phase for result in results for phase in (result.train, result.eval) if phase is not None]
    held = [phase.isolation for phase in phases if phase.isolation is not None]
    if not held:
        return []
    opened = [OPENED] if any(one.network for one in held) else []
    if all(one.layer == "namespaces" for one in held):
        told = (
            "Training and evaluation each ran in namespaces of their own: they saw no other process, could change "
            "nothing but their own folder, and found no shared memory and no file that an earlier one had left."
        )
        return [Markdown(" ".join([told, *opened]))]
    ways = list(dict.fromkeys(_words(one) for one in held))
    several = f", and {len(ways) - 3} other ways" if len(ways) > 3 else ""
    told = f"What kept scripts apart from their nodes: {'; '.join(ways[:3])}{several}."
    return [Markdown(" ".join([told, NOT_KNOWN, *opened]))]


def _words(one: Isolation) -> str:
    return str(escaped(one.words[:300]))
