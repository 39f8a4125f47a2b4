"""The leaderboard: a line for each record, to be sorted and searched in the browser.

Those that passed come first, whatever others score: a rejected record leads nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reports.clock_cells import between
from reports.numbers import MISSING, NOT_DEFINED, beside, count, fixed, mean_and_std
from reports.page.many.entries import MOST_ROWS, STANDINGS, Entry, Standing, left_out, ranked
from reports.page.section import Cell, Kind, Section, Table, Words
from runner.listing import counted

KINDS: dict[Standing, Kind] = {
    "passed": "good",
    "repacked": "muted",
    "claimed": "muted",
    "unverified": "open",
    "rejected": "bad",
    "accused": "bad",
}
HEADS = (
    "record",
    "verdict",
    "bpb",
    "seeds",
    "95 % t interval",
    "nats/token",
    "bytes",
    "headroom B",
    "train s",
    "track",
    "text",
    "who says so",
    "date",
    "folder",
)
ALIGN = "llrrrrrrrlllll"


def leaderboard(entries: Sequence[Entry]) -> Section:
    """Every record with score, spread, size and clock."""
    told = Words(
        f"{headline(entries)} bpb is the mean over a record's seeds ± sample standard deviation; bytes are script "
        "and artifact of its largest seed. Those that passed come first. A head sorts by its column."
    )
    rows = [row_of(entry) for entry in ranked(entries)[:MOST_ROWS]]
    more = [Words(words, "muted") for words in [left_out(len(entries))] if words]
    table = Table(HEADS, ALIGN, rows, "records", sortable=True, filterable=True, dense=True)
    return Section("leaderboard", "Leaderboard", (told, *more, table))


def headline(entries: Sequence[Entry]) -> str:
    """How many of which verdict."""
    counts = Counter(entry.standing for entry in entries)
    said = [f"{counts[name]:,} {words}" for name, words in STANDINGS.items() if counts[name]]
    return f"{counted(len(entries), 'record')}: {', '.join(said)}." if said else "No record."


def row_of(entry: Entry) -> list[str | Cell]:
    """One line."""
    sample, nats, size, clock = entry.sample, entry.nats, entry.total_bytes, entry.train
    room = None if size is None or entry.cap_bytes is None else entry.cap_bytes - size
    scored = len(entry.points)
    return [
        Cell(entry.name, href=entry.href),
        Cell(STANDINGS[entry.standing], list(STANDINGS).index(entry.standing), KINDS[entry.standing]),
        Cell(
            MISSING if sample is None else mean_and_std(sample.mean, sample.std),
            None if sample is None else sample.mean,
        ),
        Cell(str(scored) if scored == entry.seeds else f"{scored} of {entry.seeds}", scored),
        Cell(interval(entry), None if sample is None else sample.low),
        Cell(MISSING if nats is None else fixed(nats.mean, 5), None if nats is None else nats.mean),
        Cell(count(size), size),
        Cell(count(room), room, "bad" if room is not None and room < 0 else ""),
        Cell(clock_words(entry), None if clock is None else clock.high),
        entry.track or MISSING,
        entry.data or MISSING,
        entry.origin,
        entry.date or MISSING,
        entry.folder,
    ]


def interval(entry: Entry) -> str:
    """The mean's 95 % t interval; of a single seed there is none."""
    if entry.sample is None:
        return MISSING
    low, high = entry.sample.low, entry.sample.high
    return NOT_DEFINED if low is None or high is None else f"{fixed(low, 4)} to {fixed(high, 4)}"


def clock_words(entry: Entry) -> str:
    """Between what the training clocks of its seeds lie, never rounded across the limit."""
    if entry.train is None:
        return MISSING
    limit = entry.train_limit
    ends = (entry.train.low, entry.train.high)
    return between(*(fixed(end, 1) if limit is None else beside(end, limit, 1) for end in ends))
