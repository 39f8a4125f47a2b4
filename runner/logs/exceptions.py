"""Why a script ended, as its log's last lines tell it: the exception that it raised last, and where in its own files.

Fed line by line. torchrun's own traceback and table are skipped, but for the exit code of the rank that failed first,
which they give. Of chained exceptions the last one raised counts; of several ranks the one that failed first. Ranks
whose lines carry no prefix are told apart by their order alone. All of it is the script's own word.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from runner.printable import cut, printable

WORDS = 10
"""As many of a log's last lines are kept."""
CALM = 20
"""Lines without a traceback after which the next exception is no other rank's of the same failure."""
WENT_ON, SAID_MORE = 40, 5
"""Lines after an exception that show that it was caught: where the exit code is 1, as Python's is after one that was
not, and where the script chose its exit code itself."""
LONG = 4096
"""Characters of a line that are looked at."""
HEADER = "Traceback (most recent call last)"
CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
RANK = re.compile(r"\[(?:rank|default)(\d+)\]: ?")
FRAME = re.compile(r'\s+File "([^"]+)", line (\d{1,9})(?:, in (.+))?$')
RAISED = re.compile(r"((?:\w+\.)*(?:[A-Z]\w*|error|timeout|gaierror|herror))(?:: (.*)|:?\s*)$")
ELASTIC = "torch.distributed.elastic."
NOTE = re.compile(r"[WEIF]\d{4} [\d:.]+ \d+ \S*torch/distributed/\S*\] ?(.*)")
NOTED_END = re.compile(r"failed \(exitcode: (-?\d{1,9})\)")
SIGNALLED = re.compile(r"got signal: (\d{1,3})")
CELL = re.compile(r"\s+(rank|exitcode)\s+: (-?\d{1,9})\b")
LIBRARIES = ("/site-packages/", "/dist-packages/", "/lib/python3")
UNPACKED = "<string>"
"""What Python calls the file of a text that was given to exec()."""


LONGEST_FOOTER = 200
"""Lines of torchrun's traceback and table, as long as they may be."""


@dataclass(frozen=True)
class Raised:
    """An exception as a traceback shows it; everything printable and bounded."""

    error: str
    """Its type, with its module where Python prints that."""
    message: str
    """First line, cut."""
    place: str
    """Last frame in one of the script's own files: `train_gpt.py:120 in evaluate`; '' where there is none."""

    def __str__(self) -> str:
        told = f"{self.error}: {self.message}" if self.message else self.error
        return f"{told} ({self.place})" if self.place else told


@dataclass
class Trace:
    """A traceback that is being read."""

    frames: int = 0
    place: str = ""
    unpacked: bool = False
    """Whether a text that was given to exec() is among its frames: then that is the script."""


@dataclass
class Voice:
    """What one rank said; the one without a prefix may be several."""

    open: Trace | None = None
    chained: bool = False
    wants_more: bool = False
    """The message goes on in the next line."""
    first: Raised | None = None
    """Of the newest group of exceptions, the first that is no link of a chain."""
    last: Raised | None = None
    since: int = 0
    """Number of the line on which `first` was complete."""


def same_place(one: Raised | None, other: Raised | None) -> bool:
    """Whether both were raised at the same place and are of the same type; messages may name ranks."""
    return one is not None and other is not None and (one.error, one.place) == (other.error, other.place)


@dataclass
class Ending:
    """Reads how a log ends. own: the script's files by their names; several: whether its processes are."""

    own: Collection[str] = ("train_gpt.py",)
    several: bool = False
    exit_code: int | None = None
    """Of the rank that failed first, as torchrun tells it; a signal is negative. None where torchrun says nothing."""
    _words: deque[str] = field(default_factory=lambda: deque(maxlen=WORDS))
    _held: deque[str] | None = None
    """Lines of a traceback that may be torchrun's."""
    _last: deque[str] | None = None
    """Where the line taken last is kept; None where it is not."""
    _ordinary: bool = False
    """Whether that line belonged to no traceback."""
    _voices: dict[int | None, Voice] = field(default_factory=dict)
    _number: int = 0
    _calm: int = 0
    """Lines since one that belonged to a traceback."""
    _table: bool = False
    """Inside torchrun's table."""
    _rules: int = 0
    """Rules of it that were seen; the second ends it."""
    _root: bool = False
    """In its part about the rank that failed first."""
    _root_rank: int | None = None

    def line(self, text: str) -> None:
        """Take one whole line."""
        self._last, self._ordinary = None, False
        if not text.strip():
            return
        self._number += 1
        if self._table:
            self._cell(text)
            return
        note = NOTE.match(text)
        if note is not None:
            self._note(note[1])
            return
        prefix = RANK.match(text)
        rank, rest = (int(prefix[1]), text[prefix.end() :]) if prefix is not None else (None, text)
        rest = rest[:LONG]
        voice = self._voices.get(rank)
        torchruns = False
        if rest.startswith(HEADER):
            self._begin(rank)
        elif voice is not None and (voice.open is not None or voice.wants_more or rest in CHAINED):
            torchruns = self._go_on(voice, rest, may_be_torchruns=rank is None)
        else:
            self._calm, self._ordinary = self._calm + 1, True
        if not torchruns:
            self._last = self._words if self._held is None else self._held
            self._last.append(printable(text[:400]))

    def write_over(self) -> None:
        """The next line writes over the one taken last, as a progress bar's does: of those the last one is kept."""
        if self._last:
            self._last.pop()
        self._calm -= self._ordinary
        self._last, self._ordinary = None, False

    @property
    def words(self) -> list[str]:
        """The last lines that say something and are not torchrun's own; printable, cut."""
        return [*self._words, *(self._held or ())][-WORDS:]

    def raised(self, exit_code: int) -> Raised | None:
        """The exception that the script ended by; None where its log shows none, or shows that it went on.

        exit_code: of the script, not 0.
        """
        told = {rank: voice for rank, voice in self._voices.items() if voice.last is not None}
        if not told or self._calm > (WENT_ON if exit_code == 1 else SAID_MORE):
            return None
        ranks = sorted((rank for rank in told if rank is not None), key=lambda rank: told[rank].since)
        if self._root_rank in ranks:
            return told[self._root_rank].last
        if ranks:
            return told[ranks[0]].last
        return told[None].first if self.several else told[None].last

    def _begin(self, rank: int | None) -> None:
        voice = self._voices.setdefault(rank, Voice())
        voice.open, voice.wants_more = Trace(), False
        if rank is None and self._held is None:
            self._held = deque(maxlen=WORDS)

    def _go_on(self, voice: Voice, text: str, *, may_be_torchruns: bool) -> bool:
        """The next line of a voice that is in the middle of something; whether it ends a traceback of torchrun's."""
        if text in CHAINED:
            voice.chained = True
        elif voice.open is None:
            self._complete_message(voice, text)
        elif (frame := FRAME.match(text)) is not None:
            self._frame(voice.open, *frame.groups())
        elif voice.open.frames and (found := RAISED.match(text)) is not None:
            if may_be_torchruns and found[1].startswith(ELASTIC) and not voice.open.place:
                self._torchrun_raised(voice, found[1], found[2] or "")
                return True
            self._raise(voice, voice.open, found[1], found[2] or "")
        return False

    def _frame(self, trace: Trace, path: str, line: str, function: str | None) -> None:
        trace.frames += 1
        trace.unpacked = trace.unpacked or (path == UNPACKED and function == "<module>")
        names = [name for name in self.own if path == name or path.endswith(f"/{name}")]
        if names and not any(part in path for part in LIBRARIES):
            where = f"{cut(max(names, key=len), 80)}:{line}"
        elif path == UNPACKED and trace.unpacked:
            where = f"unpacked script:{line}"
        else:
            return
        trace.place = where if function in (None, "<module>") else f"{where} in {cut(str(function), 80)}"

    def _torchrun_raised(self, voice: Voice, error: str, message: str) -> None:
        """torchrun's own end, which says how its ranks ended."""
        voice.open, self._held = None, None
        self._table = error.endswith("ChildFailedError")
        if (signalled := SIGNALLED.search(message)) is not None:
            self.exit_code = -int(signalled[1])

    def _raise(self, voice: Voice, trace: Trace, error: str, message: str) -> None:
        voice.open = None
        if voice is self._voices.get(None):
            self._words.extend(self._held or ())
            self._held = None
        raised = Raised(cut(error, 80), cut(message.strip(), 160), trace.place)
        voice.wants_more = not raised.message or raised.message.endswith(":")
        replaces = voice.chained and same_place(voice.first, voice.last)
        if voice.first is None or replaces or self._calm > CALM:
            voice.first, voice.since = raised, self._number
        voice.last, voice.chained = raised, False
        self._calm = 0

    def _complete_message(self, voice: Voice, text: str) -> None:
        """The first words of a message that begins with a line's end, or ends its first line with a colon."""
        voice.wants_more = False
        if voice.last is None:
            return
        whole = replace(voice.last, message=cut(f"{voice.last.message} {text.strip()}".strip(), 160))
        if voice.first is voice.last:
            voice.first = whole
        voice.last = whole

    def _note(self, said: str) -> None:
        """A line of torchrun's own log."""
        found = NOTED_END.match(said)
        if found is not None:
            self.exit_code = int(found[1])

    def _cell(self, text: str) -> None:
        """A line of torchrun's table of failures; the rank that failed first stands in its last part."""
        if not text.strip("="):
            self._rules += 1
            self._table = self._rules % 2 == 1
        self._root = self._root or text.startswith("Root Cause")
        found = CELL.match(text)
        if found is None or not self._root:
            return
        if found[1] == "rank":
            self._root_rank = int(found[2])
        else:
            self.exit_code = int(found[2])


def without_footer(lines: Sequence[bytes]) -> list[bytes]:
    """Lines of a log without torchrun's traceback and table, where one of those stands among them."""
    failed = f"{ELASTIC}multiprocessing.errors.ChildFailedError".encode()
    at = next((number for number in reversed(range(len(lines))) if lines[number].startswith(failed)), None)
    if at is None:
        return list(lines)
    begin = next((number for number in reversed(range(at)) if lines[number].startswith(HEADER.encode())), at)
    while begin > 0 and NOTE.match(lines[begin - 1].decode("utf-8", "replace")[:LONG]):
        begin -= 1
    rules = [number for number in range(at, len(lines)) if lines[number].strip() and not lines[number].strip(b"=\r")]
    end = rules[1] if len(rules) > 1 else len(lines)
    return [*lines[:begin], *lines[end + 1 :]]
