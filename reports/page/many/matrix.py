"""Who beats whom, by which policy: a square of tests, each of which says what it tested and no more.

A row is the record that is claimed to be better, a column what is to be beaten. One test of many is often right by
chance: a cell says whether it still holds when all of its square are taken together (Holm). Where two cannot be
compared the cell says so, and the reason stands below.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison_words import probability
from reports.markdown import one_line
from reports.numbers import MISSING, fixed, signed
from reports.page.section import Cell, Section, Table, Words
from runner.compare.facts import Duel, Matrix
from runner.listing import counted

BEATS_ALL, BEATS, NOT_SHOWN, NO_TEST = "✓✓", "✓", "–", "not comparable"
IF = "?"
"""Before what a test says only if both were scored on one text, which is not known."""
NOTE = "*"
"""Behind a cell whose pair has notes that a reader must know."""
MOST_REASONS, MOST_WHY = 30, 100
"""Reasons below the squares, and characters of one beside its pair."""
LEAST_P = 0.0001
"""A square shows no smaller p; the table of pairs does."""


def matrix_section(found: Sequence[Matrix]) -> Section | None:
    """One square for each policy, of the same arms; None where there are no two records."""
    if not found or len(found[0].arms) + len(found[0].aside) < 2:
        return None
    first = found[0]
    parts: list[Words | Table] = []
    if len(first.arms) > 1:
        parts += [Words(how_to_read(first))]
        if first.left_out:
            left = counted(first.left_out, "record")
            parts.append(Words(f"{left} with higher means are not in it; name fewer folders to see them."))
        for one in found:
            parts += [Words(asked(one)), square(one)]
        parts += reasons(found)
        parts += [pairs(one) for one in found]
    else:
        parts.append(Words("No two of these records can be tested against each other."))
    if first.aside:
        parts.append(aside(first))
    return Section("matrix", "Who beats whom", tuple(parts))


def aside(one: Matrix) -> Table:
    """Records with which nothing can be tested."""
    rows: list[list[str | Cell]] = [[arm.name, "; ".join(why)] for arm, why in one.aside]
    caption = f"Not in the squares: nothing can be tested with {counted(len(rows), 'record')}"
    return Table(("record", "why"), "ll", rows, caption, folded=True)


def how_to_read(one: Matrix) -> str:
    """What marks mean."""
    return (
        "A row is held against each column by Welch's one-sided test over their seeds. "
        f"{BEATS_ALL} beats it, also when all tests of the square are taken together (Holm); {BEATS} beats it by "
        f"this test alone; {NOT_SHOWN} is not shown, which is no proof of being equal. {IF} before it: only if both "
        f"were scored on one text, which is not known. The number is p of the one test. {NOTE}: see the notes below."
    )


def asked(one: Matrix) -> str:
    """Policy, number of tests, and how many of them chance alone would let through."""
    by_chance = one.alpha * one.tested
    lucky = f"about {by_chance:.{0 if by_chance >= 10 else 1}f}" if by_chance >= 0.1 else "fewer than 0.1"
    told = f"Policy {one.policy}: {one.rule}. {counted(one.tested, 'test')}"
    return f"{told}; were nothing better than anything, chance would let through {lucky} of them at most." + (
        "" if one.tested else " No two of these records are comparable."
    )


def square(one: Matrix) -> Table:
    """The square itself; columns have their rows' numbers."""
    duels = {(duel.candidate, duel.baseline): duel for duel in one.duels}
    size = len(one.arms)
    rows: list[list[str | Cell]] = []
    for row in range(size):
        cells = [Cell("·", kind="muted") if row == column else cell_of(duels[row, column]) for column in range(size)]
        rows.append([f"{row + 1}  {one_line(one.arms[row].name)}", *cells])
    heads = ("beats →", *(str(column + 1) for column in range(size)))
    return Table(heads, "l" * (size + 1), rows, f"Policy {one.policy}", dense=True)


def cell_of(duel: Duel) -> Cell:
    """One test in a few characters."""
    if duel.outcome == "undecided" or duel.p is None:
        return Cell(NO_TEST, kind="muted")
    p = f"<{LEAST_P:.4f}" if duel.p < LEAST_P else probability(duel.p)
    told = f"{p}{NOTE if duel.notes else ''}"
    doubt = "" if duel.one_text else IF
    if duel.outcome == "not shown":
        return Cell(f"{doubt}{NOT_SHOWN} {told}", kind="muted")
    mark = BEATS_ALL if duel.still else BEATS
    return Cell(f"{doubt}{mark} {told}", kind="good" if duel.one_text else "open")


def reasons(squares: Sequence[Matrix]) -> list[Words | Table]:
    """Why pairs are not comparable, and what must be known of those that are; each said once."""
    parts: list[Words | Table] = []
    for title, kind in (("Why not comparable", "obstacles"), ("Notes (*)", "notes")):
        told: dict[str, int] = {}
        for one in squares:
            for duel in one.duels:
                for line in getattr(duel, kind):
                    told[line] = told.get(line, 0) + 1
        rows = [[one_line(line)] for line, _ in sorted(told.items(), key=lambda item: (-item[1], item[0]))]
        if rows:
            parts.append(Table((title,), "l", rows[:MOST_REASONS]))
        if len(rows) > MOST_REASONS:
            parts.append(Words(f"and {len(rows) - MOST_REASONS:,} more", "muted"))
    return parts


def why_not(duel: Duel) -> str:
    """The first reason, cut short, and how many more there are; all stand below the squares."""
    if not duel.obstacles:
        return NOTE if duel.notes else ""
    first, more = one_line(duel.obstacles[0]), len(duel.obstacles) - 1
    short = first if len(first) <= MOST_WHY else f"{first[: MOST_WHY - 1]}…"
    return f"{short} (and {more} more)" if more else short


def pairs(one: Matrix) -> Table:
    """Every pair with its gain, p and why not; the lower mean is the candidate, since the other can show nothing."""
    rows: list[list[str | Cell]] = []
    for duel in one.duels:
        if (duel.gain_bpb or 0.0) < 0:
            continue
        outcome = {"holds": "beats", "not shown": "not shown", "undecided": NO_TEST}[duel.outcome]
        if not duel.one_text and duel.outcome != "undecided":
            outcome = f"{outcome}, if on one text"
        p, holm = duel.p, duel.p_holm
        decided = duel.outcome != "undecided"
        rows.append(
            [
                one.arms[duel.candidate].name,
                one.arms[duel.baseline].name,
                outcome,
                Cell(signed(duel.gain_nats, 5) if decided else MISSING, duel.gain_nats if decided else None),
                fixed(one.margin_nats, 3),
                Cell(probability(p), p),
                Cell(probability(holm), holm),
                why_not(duel),
            ]
        )
    heads = ("candidate", "baseline", "outcome", "gain nats/token", "margin", "p", "p (Holm)", "why not")
    return Table(
        heads, "lllrrrrl", rows, f"Every pair by policy {one.policy}", sortable=True, filterable=True, folded=True
    )
