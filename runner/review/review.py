"""One script's answers, class by class."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

from runner.review.answers import CLASSES, SCORE_CLASSES, WORST, Answer
from runner.review.flow.program import follow
from runner.review.inputs import Context, Reviewed
from runner.review.rules.byte_counts import byte_counts
from runner.review.rules.clocks import clocks
from runner.review.rules.documents import documents
from runner.review.rules.evidence import Evidence, Finding, worst_first
from runner.review.rules.learning import learning
from runner.review.rules.pricing import pricing
from runner.review.rules.reaching_out import reaching_out
from runner.review.rules.shells import shells
from runner.review.rules.variants import undecided

OF_A_TRACE: tuple[Callable[[Evidence], Iterator[tuple[str, Finding]]], ...] = (learning, pricing, reaching_out)
OF_A_TEXT: tuple[Callable[[Reviewed, Context], Iterator[tuple[str, Answer]]], ...] = (
    *(clocks, byte_counts, documents, shells),
)
DEEP = 6000
"""Nested expressions and calls that a script may have before it cannot be followed."""


def review(reviewed: Reviewed, context: Context) -> dict[str, Answer]:
    """What each class of `CLASSES` gets.

    `reviewed` is read, never executed. A script of which a layer could not be read gets `unknown` wherever nothing
    worse was found.
    """
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEP))
    try:
        return _reviewed(reviewed, context)
    finally:
        sys.setrecursionlimit(limit)


def _reviewed(reviewed: Reviewed, context: Context) -> dict[str, Answer]:
    known = bool(getattr(context, "known", False))
    findings, cut = _findings(reviewed, context)
    found: dict[str, list[Answer]] = {name: [] for name in CLASSES}
    for name in CLASSES:
        found[name] += [one.answer(known) for one in worst_first(findings[name], known)[:1]]
    for rule in OF_A_TEXT:
        for name, answer in rule(reviewed, context):
            found[name].append(answer)
    opaque = _opaque(reviewed)
    blank = Answer("unknown", why=opaque or cut) if opaque or cut else Answer("nothing-found")
    return {name: min(found[name], key=lambda one: WORST.index(one.answer), default=blank) for name in CLASSES}


def _findings(reviewed: Reviewed, context: Context) -> tuple[dict[str, list[Finding]], str]:
    """What the rules find in the traces, and why a trace ends early."""
    trees = [(layer.name, layer.tree) for layer in reviewed.layers if layer.tree is not None]
    beside: dict[str, ast.Module] = {
        name: layer.tree for name, layer in reviewed.siblings.items() if layer.tree is not None
    }
    texts = [layer.text for layer in (*reviewed.layers, *reviewed.siblings.values())]
    findings: dict[str, list[Finding]] = {name: [] for name in CLASSES}
    cut = ""
    for every in (False, True):
        trace = follow(trees, beside, context, every)
        cut = cut or trace.cut
        evidence = Evidence(trace, texts)
        for rule in OF_A_TRACE:
            for name, finding in rule(evidence):
                if finding.possible and not (every and finding.holds and name not in SCORE_CLASSES):
                    # What holds only where both ways of a branch are followed has mixed what the two left behind.
                    weak = (every and finding.holds) or undecided(finding, context)
                    findings[name].append(replace(finding, firm=False) if weak else finding)
    return findings, cut


def _opaque(reviewed: Reviewed) -> str:
    """Why something of the script was not read; '' where all of it was."""
    for layer in (*reviewed.layers, *reviewed.siblings.values()):
        if layer.tree is None:
            return f"{layer.name}: {layer.reason}"
    if not reviewed.layers:
        return "Nothing of it could be read."
    return "" if getattr(reviewed, "complete", True) else "A layer that it runs was not read."
