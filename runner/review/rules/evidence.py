"""What several rules ask of a trace: which prices are reported, whose weights are spoilt, what a finding says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from runner.review.answers import WORST, Answer
from runner.review.labels.trace import Event, Guard, Trace
from runner.review.labels.values import VAL, Labels, in_order, starting, weights

SCORE_WORDS = re.compile(r"bpb|bpc|val_?loss|bits|val loss|val_nll", re.IGNORECASE)


def of_validation(labels: Labels) -> bool:
    """Whether validation tokens, or counts of them, are in it."""
    return VAL in labels or "by:val" in labels


@dataclass(frozen=True)
class Price:
    """A price of validation tokens that a report shows."""

    event: Event
    first_of: frozenset[int]
    """Loops of which only the first round is shown."""
    report: Event


@dataclass(frozen=True)
class Finding:
    """One chain that breaks a rule, and what it hangs on."""

    events: tuple[Event, ...]
    why: str
    firm: bool = True
    """False: suspicious."""

    @property
    def guards(self) -> tuple[Guard, ...]:
        return tuple(dict.fromkeys(guard for event in self.events for guard in event.guards))

    @property
    def holds(self) -> bool:
        return all(guard.holds for guard in self.guards)

    @property
    def possible(self) -> bool:
        """Whether no setting has to be on and off at once."""
        needs = {need for guard in self.guards for need in guard.needs}
        return not any((name, not on) in needs for name, on in needs)

    def answer(self, run_known: bool) -> Answer:
        """What it comes to: a chain that settings switch off is dormant where the run is known, and only there."""
        where = tuple(dict.fromkeys(place for event in self.events for place in (*event.stack[-1:], event.place)))
        off = " and ".join(guard.text for guard in self.guards if not guard.holds)
        if not self.firm:
            return Answer("suspicious" if self.holds or not run_known else "dormant", where, self.why, off)
        if self.holds:
            return Answer("violates", where, self.why)
        return Answer("dormant" if run_known else "violates-if", where, self.why, off)


class Evidence:
    """A trace, and what rules read out of it."""

    def __init__(self, trace: Trace, texts: Sequence[str] = ()) -> None:
        self.trace = trace
        self.texts = texts
        self.events = trace.events

    @cached_property
    def reports(self) -> list[Event]:
        """Lines that show a score; where none says so, every line that shows a price."""
        shown = [one for one in self.trace.of("report") if of_validation(one.labels)]
        said = [one for one in shown if SCORE_WORDS.search(one.about)]
        return said or shown

    @cached_property
    def prices(self) -> list[Price]:
        """Prices of validation tokens that a report shows, in order."""
        found: dict[int, Price] = {}
        for report in self.reports:
            for label in in_order(report.labels, "g:"):
                name, *pins = label[2:].split("@")
                event = self.trace.by_serial.get(int(name))
                if event is None or not of_validation(event.labels):
                    continue
                first = frozenset(int(one) for one in pins)
                old = found.get(event.serial)
                if old is None:
                    found[event.serial] = Price(event, first, report)
                elif old.first_of != first:
                    found[event.serial] = Price(event, old.first_of & first, old.report)
        return sorted(found.values(), key=lambda one: one.event.order)

    def reported(self, prefix: str) -> dict[int, Event]:
        """Serials under `prefix` whose labels reach a report, and that report."""
        out: dict[int, Event] = {}
        for report in self.reports:
            for label in in_order(report.labels, prefix):
                out.setdefault(int(label[len(prefix) :].split("@")[0]), report)
        return out

    @cached_property
    def moves(self) -> list[Event]:
        """What carries weights from here to there."""
        return list(self.trace.of("attach", "snap", "load", "reset"))

    @cached_property
    def leaves(self) -> Labels:
        """Weights that are tensors of their own."""
        return frozenset(label for event in self.trace.of("leaf") for label in event.other)

    def spoilt(self, update: Event, until: float) -> Labels:
        """Weights that hold what `update` learnt, when event number `until` comes."""
        dirty = set(weights(update.other))
        then: dict[int, Labels] = {}
        for event in self.moves:
            if not update.order < event.order < until:
                continue
            if event.kind == "attach" and dirty & event.labels:
                dirty |= event.other
            elif event.kind == "snap":
                then[event.serial] = frozenset(dirty & event.labels)
            elif event.kind == "load":
                self._loaded(event, dirty, then, update.order)
            elif event.kind == "reset" and not set(self._loops(event)) - set(self._loops(update)):
                dirty -= event.other
        return frozenset(dirty)

    def _loops(self, event: Event) -> tuple[int, ...]:
        return tuple(one.serial for one in event.loops)

    def _loaded(self, event: Event, dirty: set[str], then: dict[int, Labels], since: float) -> None:
        snaps = [int(one[5:]) for one in starting(event.labels, "snap:")]
        sources = weights(event.labels)
        if snaps and all(self.trace.by_serial[one].order < since for one in snaps):
            dirty -= event.other
        elif sources & dirty or (not sources and "disk" in event.labels):
            dirty |= event.other
        elif sources - event.other:
            dirty -= event.other


def worst_first(findings: Iterable[Finding], run_known: bool) -> list[Finding]:
    """Findings in the order of what they come to; of equals the one that hangs on least."""
    return sorted(
        findings,
        key=lambda one: (
            WORST.index(one.answer(run_known).answer),
            len({guard for guard in one.guards if not guard.holds}),
            len(one.guards),
        ),
    )
