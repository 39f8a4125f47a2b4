"""One script's answers, class by class."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace

from runner.review.answers import CLASSES, Answer
from runner.review.flow.program import follow
from runner.review.inputs import Context, Reviewed
from runner.review.rules.evidence import Evidence, Finding, worst_first
from runner.review.rules.learning import learning
from runner.review.rules.pricing import pricing

RULES = (learning, pricing)

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
    trees = [(layer.name, layer.tree) for layer in reviewed.layers if layer.tree is not None]
    beside: dict[str, ast.Module] = {
        name: layer.tree for name, layer in reviewed.siblings.items() if layer.tree is not None
    }
    texts = [layer.text for layer in (*reviewed.layers, *reviewed.siblings.values())]
    known = bool(getattr(context, "known", False))
    findings: dict[str, list[Finding]] = {name: [] for name in CLASSES}
    cut = ""
    for every in (False, True):
        trace = follow(trees, beside, context, every)
        cut = cut or trace.cut
        evidence = Evidence(trace, texts)
        for rule in RULES:
            for name, finding in rule(evidence):
                if finding.possible:
                    # What holds only where both ways of a branch are followed has mixed what the two left behind.
                    findings[name].append(replace(finding, firm=False) if every and finding.holds else finding)
    answers: dict[str, Answer] = {}
    opaque = next((f"{one.name}: {one.reason}" for one in reviewed.layers if one.tree is None), "")
    for name in CLASSES:
        ranked = worst_first(findings[name], known)
        if ranked:
            answers[name] = ranked[0].answer(known)
        elif opaque or cut or not trees:
            answers[name] = Answer("unknown", why=opaque or cut or "Nothing of it could be read.")
        else:
            answers[name] = Answer("nothing-found")
    return answers
