"""One log read line by line into the runs it holds, each with its facts and its score lines.

A log may hold several runs after one another, begin with a dump of the program, or stop anywhere. Memory stays small
however long it is: of a run's score lines the first and the last ones are kept. Which score is final, and what a run
is worth, is judged elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from runner.audit.facts import ScoreLine
from runner.audit.reading.dialects import A_SCORE, A_SIGN, DUMP_CLOSES, DUMP_OPENS, HEAD_COMMENT
from runner.audit.reading.lines import facts_of, is_code, is_nan_score, score_of, validation_of
from runner.audit.reading.sizes import sizes_in, speaks_of_sizes
from runner.audit.reading.text import read_lines
from runner.audit.reading.tokenizers import marks_in

KEPT_SCORES = 200
ROUGH = 6
"""A program prints its score with at least so many decimals somewhere, or a time beside it."""
COMMENTS_OF_A_HEAD = 10
"""Lines from the top of a log in which a comment is its author's, not a program's."""
STEPS_OF_A_DUMP = 5
"""A program's text holds at most that many lines that look like training steps."""
HEAD_FACTS = {"seed", "n_params", "world_size"}
TRAINING_FACTS = {"steps", "train_seconds", "step_avg_ms", "stop"}


@dataclass
class Draft:
    """What was read of one run so far."""

    facts: dict[str, float] = field(default_factory=dict)
    """The last value of each fact."""
    lines: dict[str, int] = field(default_factory=dict)
    """Where it stands."""
    codes: list[int] = field(default_factory=list)
    """Every size of the program that was printed: packed and not, say."""
    marks: set[str] = field(default_factory=set)
    """Names of tokenizers that its data lines speak of."""
    scores: list[ScoreLine] = field(default_factory=list)
    validation: ScoreLine | None = None
    """The last validation of the middle of training."""
    stopped: bool = False
    """Whether the line that ends training was seen."""
    nan_line: int | None = None
    """The last line that gives NaN for a score of the finished model."""
    weak: set[str] = field(default_factory=set)
    """Facts that were only guessed from words beside a number; one from a known kind of line replaces them."""

    @property
    def trained(self) -> bool:
        return "steps" in self.facts

    @property
    def empty(self) -> bool:
        """Whether it shows no run: no training, and no score but rough ones, as written by hand."""
        measured = any(score.digits >= ROUGH or score.eval_seconds is not None for score in self.scores)
        return not self.trained and not measured and not (self.scores and self.facts)

    def whole(self, name: str) -> int | None:
        """A count, or None."""
        value = self.facts.get(name)
        return None if value is None else int(value)

    def take(self, name: str, value: float, lineno: int) -> None:
        """Keep a fact: of training what stands before the line that ends it, of a head the first."""
        if name in TRAINING_FACTS:
            if self.stopped:
                return
            if name == "stop":
                name, self.stopped = "steps", True
        elif name in HEAD_FACTS and name in self.facts:
            return
        elif value == 0 and name.endswith("_bytes"):
            return  # a program's text, or a file that was not there
        elif name == "code_bytes" and int(value) not in self.codes:
            self.codes.append(int(value))
        self.facts[name] = value
        self.lines[name] = lineno
        self.weak.discard(name)

    def guess(self, name: str, value: float, lineno: int) -> None:
        """Keep a fact unless a known kind of line told it."""
        if name == "code_bytes" and int(value) not in self.codes:
            self.codes.append(int(value))
        if name not in self.facts or name in self.weak:
            self.facts[name], self.lines[name] = value, lineno
            self.weak.add(name)

    def settle(self) -> None:
        """Let lines that may be a plan or a result tell what nothing else told."""
        for said, name in (("said_steps", "steps"), ("said_seconds", "train_seconds")):
            if said in self.facts and name not in self.facts:
                self.facts[name], self.lines[name] = self.facts[said], self.lines[said]

    def add_score(self, score: ScoreLine) -> None:
        """Keep a score line; of very many the first and the last."""
        if len(self.scores) >= 2 * KEPT_SCORES:
            del self.scores[KEPT_SCORES]
        self.scores.append(score)

    def absorb(self, later: Draft) -> None:
        """Take what a second part of the same run says."""
        for name, value in later.facts.items():
            if name not in self.facts or name not in HEAD_FACTS | TRAINING_FACTS:
                self.facts[name], self.lines[name] = value, later.lines[name]
        self.nan_line = later.nan_line or self.nan_line
        self.codes += [size for size in later.codes if size not in self.codes]
        self.marks |= later.marks
        self.validation = later.validation or self.validation
        self.stopped = self.stopped or later.stopped
        for score in later.scores:
            self.add_score(score)


@dataclass
class Dump:
    """Where a program's text opened in the log, and what its lines pretended to say."""

    before: Draft
    runs_before: int
    step_lines: int = 0


class Reader:
    """The runs of one log; feed it lines.

    A head (seed, parameters, a program's dump) after training opens a draft of another run; unless training follows,
    it was a second part of the same one, such as a separate evaluation. Training steps that start over open one too.
    """

    def __init__(self) -> None:
        self.runs: list[Draft] = []
        self.now = Draft()
        self.dump: Dump | None = None

    def line(self, lineno: int, text: str) -> None:
        """Take one line."""
        if DUMP_CLOSES.match(text):
            self._close_dump()
            return
        if self.dump is None and DUMP_OPENS.match(text):
            self._head()
            self.dump, self.now = Dump(self.now, len(self.runs)), Draft()
        text = text.lstrip()
        low = text.lower()
        if not A_SIGN.search(low):
            return
        if is_code(text):
            self._comment(lineno, text)
            return
        if "fineweb" in low:
            self.now.marks.update(marks_in(text))
        found = facts_of(text, low)
        if found:
            self._take(found, lineno)
        if speaks_of_sizes(low):
            for name, value in sizes_in(text).items():
                if name not in found:
                    self.now.guess(name, value, lineno)
        if A_SCORE.search(low):
            score = score_of(text, lineno)
            if score is not None:
                self.now.add_score(score)
            elif ("nan" in low or "inf" in low) and is_nan_score(text):
                self.now.nan_line = lineno
            elif "steps" in found and (validation := validation_of(text, lineno)):
                self.now.validation = validation

    def _comment(self, lineno: int, text: str) -> None:
        """A comment above the first line of a log may name its seed; one in a program says nothing."""
        match = HEAD_COMMENT.match(text) if self.dump is None and lineno <= COMMENTS_OF_A_HEAD else None
        if match and not self.now.facts:
            self.now.take("seed", float(match[1]), lineno)

    def _take(self, found: dict[str, float], lineno: int) -> None:
        steps = found.get("steps")
        if steps is not None:
            if self.dump is not None:
                self.dump.step_lines += 1
            if self.now.trained and steps <= 1 < self.now.facts["steps"] and self._starts_over(found):
                self._close()
        elif found.keys() & {"seed", "n_params"}:
            self._head()
        for name, value in sorted(found.items(), key=lambda fact: fact[0] == "stop"):  # it shuts the door: last
            self.now.take(name, value, lineno)

    def _starts_over(self, found: dict[str, float]) -> bool:
        """Whether first steps are another run's, its head missing; after training they may be test-time training.

        After a score, only a clock that starts anew in a line that plans as many steps is a run's.
        """
        if not self.now.stopped:
            return True
        planned = found.get("planned_steps")
        clock, before = found.get("train_seconds"), self.now.facts.get("train_seconds")
        anew = clock is not None and before is not None and clock < before / 10
        return (
            bool(self.now.scores) and planned is not None and planned == self.now.facts.get("planned_steps") and anew
        )

    def _close_dump(self) -> None:
        """Forget all since the dump opened; what trained since then was no program's text, and stays."""
        if self.dump is not None:
            dump, self.dump = self.dump, None
            if dump.step_lines <= STEPS_OF_A_DUMP:
                del self.runs[dump.runs_before :]
                self.now = dump.before
            else:
                self.runs.insert(dump.runs_before, dump.before)

    def _head(self) -> None:
        """Facts of a head follow: another run's, if one has trained already."""
        if self.now.trained:
            self._close()

    def _close(self) -> None:
        self.runs.append(self.now)
        self.now = Draft()

    def finish(self) -> list[Draft]:
        """All runs of the log, in their order; parts that did not train belong to the run before them."""
        if self.dump is not None:  # nothing closed it
            self.runs.insert(self.dump.runs_before, self.dump.before)
        self._close()
        runs: list[Draft] = []
        for draft in self.runs:
            if runs and not (draft.trained and runs[-1].trained):
                runs[-1].absorb(draft)
            elif draft.facts or draft.scores:
                runs.append(draft)
        for draft in runs:
            draft.settle()
        return [draft for draft in runs if not draft.empty]


def read_log(path: Path) -> list[Draft]:
    """The runs that the log at `path` holds; none if it is no log of a run."""
    reader = Reader()
    for lineno, text in read_lines(path):
        reader.line(lineno, text)
    return reader.finish()
