"""The README's section "Ledger": what was launched in all, and which launches do not count."""

from __future__ import annotations

from reports.markdown import escaped
from runner.listing import some
from runner.results import RecordData

ONE_OF = {"registrations": "registration", "launches": "launch"}
"""What the ledger counts -> what one of them is called."""


def ledger_sentences(data: RecordData) -> list[str]:
    """The counts, then whatever was launched and counts for nothing; [] where there was no ledger."""
    if not data.ledger:
        return []
    told = ", ".join(counted(kind, number) for kind, number in data.ledger.items())
    sentences = [f"The run's ledger counts {escaped(told)}."]
    if not data.launches:
        return sentences
    taken = {(result.seed, result.attempt) for result in data.results}
    others = [launch for launch in data.launches if (launch.seed, launch.attempt) not in taken]
    if not others:
        return [*sentences, "Every launch counts: none was tried and left out."]
    names = [f"seed {launch.seed} attempt {launch.attempt} ({launch.status or 'no end noted'})" for launch in others]
    return [*sentences, f"Launched and not counted: {escaped(some(names, ', '))}."]


def counted(kind: str, number: int) -> str:
    """`1 registration`, `3 launches`, `2 completed`."""
    return f"{number:,} {ONE_OF.get(kind, kind) if number == 1 else kind}"
