"""The nodes that a run has seen: which may take its seeds, how many it has on each, and how long one stood idle."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from runner.folder.ledger import Ledger
from runner.node.node_check import slower_than
from runner.results.nodes import NodeReport, Probe


class NodesSeen:
    """Nodes of one run; what is known of their speeds is in the ledger and outlives the driver."""

    def __init__(
        self, ledger: Ledger, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """say: tells people of a node that is refused."""
        self.ledger = ledger
        self.say = say
        self.clock = clock
        self.busy: Counter[str] = Counter()
        """Node -> our seeds on it."""
        self.free_since: dict[str, float] = {}
        """Node -> when our last seed on it ended."""
        self.probes: dict[str, list[Probe]] = {}
        """Kind of node -> speeds of those that the ledger has seen and not refused."""
        for entry in ledger.entries:
            if entry["kind"] == "checked" and not entry["refused"] and entry["report"]["probe"] is not None:
                probe = Probe.model_validate(entry["report"]["probe"])
                self.probes.setdefault(entry["report"]["hardware"], []).append(probe)

    def admit(self, report: NodeReport) -> list[str]:
        """Put a node's report into the ledger; the reasons for which it is refused.

        A node is held against the median of this ledger's earlier probes of its kind; before there are three, how it
        compares is not known and refuses nothing.
        """
        earlier = self.probes.get(report.hardware, [])
        slow = [] if report.probe is None else slower_than(report.probe, earlier) or []
        refused = [*report.problems, *slow]
        if not refused and report.probe is not None:
            self.probes.setdefault(report.hardware, []).append(report.probe)
        self.ledger.append("checked", node=report.node, report=report.model_dump(mode="json"), refused=refused)
        for reason in refused:
            self.say(f"node {report.host} is refused: {reason}")
        return refused

    def begun(self, node: str) -> float | None:
        """Count a seed that begins on a node; how long that has stood idle, None for its first or beside others."""
        ended = self.free_since.get(node)
        idle = None if ended is None or self.busy[node] else round(self.clock() - ended, 3)
        self.busy[node] += 1
        return idle

    def idle_from_now(self, node: str) -> None:
        """A seed has ended there by itself."""
        self.free_since[node] = self.clock()

    def ended(self, node: str) -> None:
        """A seed no longer runs there."""
        self.busy[node] -= 1
