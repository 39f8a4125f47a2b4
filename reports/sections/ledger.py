"""The README's section "Ledger": what was launched in all, and which launches do not count."""

from __future__ import annotations

from reports.markdown import escaped
from runner.listing import some
from runner.results.record import RecordData
from runner.results.runs import Launch, LeftOut

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
    taken, trained = counted_attempts(data)
    others = [launch for launch in data.launches if (launch.seed, launch.attempt) not in taken]
    half = [launch for launch in others if (launch.seed, launch.attempt) in trained]
    none = [launch for launch in others if launch not in half]
    for words, those in (("Only the training counts of", half), ("Launched and not counted:", none)):
        if those:
            sentences.append(f"{words} {escaped(some([named(launch) for launch in those], ', '))}.")
    more = left_out_sentences(data.left_out)
    return [*sentences, *more] if others or more else [*sentences, every_launch(data.left_out)]


def every_launch(found: LeftOut | None) -> str:
    """What may be said where each launch counts: that none was left out only where somebody looked."""
    if found is None:
        return "Every launch that the ledger tells of counts."
    return "Every launch counts: none was tried and left out."


def left_out_sentences(found: LeftOut | None) -> list[str]:
    """What was run and is not in the record, and what then is not known; [] where there is nothing."""
    if found is None:
        return []
    lists = {
        "In the run's folder, and not in its ledger:": found.unledgered,
        "Completed by the ledger, and not what counts:": found.replaced,
        "The same job and script ran some of these seeds under another name:": found.elsewhere,
        "The same script also ran under another name:": found.same_script,
    }
    told = [f"{words} {escaped(some(names, ', '))}." for words, names in lists.items() if names]
    if found.unledgered or found.replaced or found.elsewhere:
        told.append("So it is not known that nothing was tried and left out.")
    return told


def counted_attempts(data: RecordData) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """(seed, attempt) of what counts, and of what only trained an artifact that another one scored."""
    taken = {(result.seed, result.attempt) for result in data.results}
    return taken, {(result.seed, result.training.attempt) for result in data.results if result.training is not None}


def named(launch: Launch) -> str:
    """An attempt, how it ended, and what it did if it did not train."""
    only = "" if launch.trained_by is None else f", only scored what attempt {launch.trained_by} trained"
    return f"seed {launch.seed} attempt {launch.attempt} ({launch.status or 'no end noted'}{only})"


def counted(kind: str, number: int) -> str:
    """`1 registration`, `3 launches`, `2 completed`."""
    return f"{number:,} {ONE_OF.get(kind, kind) if number == 1 else kind}"
