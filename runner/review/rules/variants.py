"""Mechanisms of which a script has two variants, and a setting that chooses between them.

`if TTT and not LEGAL_TTT: ...` is one of two ways to do the same thing. Whoever turns it on takes one of them, and
where nobody says which, the script does not tell.
"""

from __future__ import annotations

from runner.review.inputs import Context
from runner.review.labels.trace import Guard
from runner.review.rules.evidence import Finding

SWITCH_WORDS = frozenset(("ENABLED", "ENABLE", "USE", "DO", "RUN", "ON", "EVAL", "TRAIN", "MODE", "SKIP", "NO"))
"""Words of a setting's name that do not name its mechanism."""


def undecided(finding: Finding, context: Context) -> bool:
    """Whether a finding needs what nobody says that the run had.

    That is one of two variants of a mechanism that is off by default, or any number but the default one.
    """
    if any(guard.other_than and not guard.holds for guard in finding.guards):
        return True
    return any(_chosen_between(guard, context) for guard in finding.guards)


def _chosen_between(guard: Guard, context: Context) -> bool:
    """Whether one test asks for a mechanism and against another of its settings, and nobody says more than the one.

    A setting that another test asks against, inside, is an option of the mechanism and no other way to do it.
    """
    needs = [(name, on) for name, on in guard.needs if not name.startswith("test ")]
    wanted = [name for name, on in needs if on and (not guard.holds or context.value_of(name) is not None)]
    against = [name for name, on in needs if not on and context.value_of(name) is None]
    return any(_mechanism(one) & _mechanism(other) for one in wanted for other in against)


def _mechanism(name: str) -> frozenset[str]:
    return frozenset(name.upper().split("_")) - SWITCH_WORDS
