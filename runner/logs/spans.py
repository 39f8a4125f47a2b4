"""When something was seen to happen: times joined into spans, in bounded memory.

Whoever looks a few times a second sees moments, not durations; what lies closer together than `join` seconds counts
as one span. Of a run so long that there would be too many, those that lie closest are joined, so that a span may
cover more than was seen and never less. Pure.
"""

from __future__ import annotations

import bisect

JOIN_S = 0.3
MOST = 2048


class Spans:
    """Spans in the order of time; they neither touch nor overlap. Seconds, on any one clock."""

    def __init__(self, join: float = JOIN_S, most: int = MOST) -> None:
        self.join = join
        self.most = most
        self.begins: list[float] = []
        self.ends: list[float] = []

    def add(self, begin: float, end: float | None = None) -> None:
        """Something was seen from `begin` to `end`, by default at `begin` alone; later than all before."""
        end = begin if end is None else end
        if self.ends and begin - self.ends[-1] <= self.join:
            self.ends[-1] = max(self.ends[-1], end)
            return
        self.begins.append(begin)
        self.ends.append(end)
        if len(self.begins) > self.most:
            self._join_closest()

    def _join_closest(self) -> None:
        gaps = sorted(begin - end for begin, end in zip(self.begins[1:], self.ends, strict=False))
        self.join = gaps[len(gaps) // 2]
        begins, ends = self.begins, self.ends
        self.begins, self.ends = [], []
        for begin, end in zip(begins, ends, strict=True):
            self.add(begin, end)

    @property
    def first(self) -> float | None:
        """When it was first seen; None where it never was."""
        return self.begins[0] if self.begins else None

    @property
    def last(self) -> float | None:
        """When it was last seen."""
        return self.ends[-1] if self.ends else None

    def first_from(self, when: float) -> float | None:
        """When it was first seen at `when` or later; `when` itself inside a span."""
        index = bisect.bisect_left(self.ends, when)
        return max(when, self.begins[index]) if index < len(self.ends) else None

    def last_until(self, when: float) -> float | None:
        """When it was last seen at `when` or earlier; `when` itself inside a span."""
        index = bisect.bisect_right(self.begins, when) - 1
        return min(when, self.ends[index]) if index >= 0 else None

    def seconds(self, begin: float, end: float) -> float:
        """How much of the time from `begin` to `end` the spans cover."""
        low = bisect.bisect_left(self.ends, begin)
        high = bisect.bisect_right(self.begins, end)
        return sum(min(end, self.ends[at]) - max(begin, self.begins[at]) for at in range(low, high))

    def since(self, start: float) -> Spans:
        """The same by a clock that shows 0 at `start`; what came before it is left out."""
        moved = Spans(self.join, self.most)
        kept = [(begin, end) for begin, end in zip(self.begins, self.ends, strict=True) if end >= start]
        moved.begins = [round(max(0.0, begin - start), 3) for begin, _ in kept]
        moved.ends = [round(end - start, 3) for _, end in kept]
        return moved
