"""The values of a review: what was read of one script, and what each of the 15 classes got. No behaviour.

Everything here is what a script's text and its folder say. Nothing was executed but for `Smoke`, which is what an
import on this machine showed.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from runner.review.answers import SCORE_CLASSES, WORST, Answer, Verdict


class Value(BaseModel):
    """Base of every value: immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(Value):
    """One text of the script."""

    name: str
    """`train_gpt.py`, or `train_gpt.py#decoded` for what a shell in it holds."""
    size: int
    """Bytes."""
    lines: int
    kind: str
    """file, decoded, string, beside."""
    how: str
    """How it was decoded: `base85, lzma`; empty for what stands there as it is."""
    unread: str
    """Why it could not be read; empty where it was."""


class Imported(Value):
    """What an import on a CPU showed, cut off from network and data."""

    ok: bool
    seconds: float
    """Wall time of the import, torch itself left out."""
    why_not: str
    """The error; empty where it went well."""
    settings: dict[str, str]
    """layers, dim, vocab and what else was found, as the imported script has them."""
    code_bytes: int
    """Bytes of the file and the modules beside it that it imports."""
    parameters: int | None
    """Of its model on the meta device; None where it was not made."""
    stubs: tuple[str, ...]
    """Packages that are not here and were stood in for."""
    events: tuple[str, ...]
    """What it tried to do: reach the network, start processes, write files."""
    differs: tuple[str, ...]
    """What of it differs from what the folder claims, a sentence each."""

    @property
    def line(self) -> str:
        """The one line: `import OK in 0.10 s, dim 512, layers 9, vocab 8192, code 57,747 B`."""
        if not self.ok:
            return f"import failed after {self.seconds:.2f} s: {self.why_not}"
        names = [name for name in ("dim", "layers", "vocab") if name in self.settings]
        shown = [f"{name} {self.settings[name]}" for name in names] or ["no sizes found in it"]
        return f"import OK in {self.seconds:.2f} s, {', '.join(shown)}, code {self.code_bytes:,} B"


Result = Literal["proven", "not-seen", "unknown"]


class Proof(Value):
    """What running a script on made-up data showed of one class; never that it is clean."""

    result: Result
    done: str
    """What was done, a sentence."""
    seen: str
    """What was seen, with its numbers; or why it could not be done."""
    repeat: str = ""
    """How to see it again."""


class Check(Value):
    """One check of a job of golf's own model, by runs of its script on made-up data."""

    name: str
    result: Literal["pass", "fail", "unknown"]
    done: str
    """What was done, a sentence."""
    seen: str
    """What was seen, with its numbers; or why it could not be done."""
    repeat: str = ""
    """How to see it again."""


def _said(answer: Answer) -> str:
    return f"violates if {answer.condition}" if answer.answer == "violates-if" else answer.answer


def _first(answer: Answer) -> str:
    return f"{answer.where[0].file}:{answer.where[0].line}"


class ScriptReview(Value):
    """One script, reviewed.

    path: as the user gave it; script: the file that was read; run_known: whether anything says how it ran; facts:
    contradictions between logs, README and file; not_looked_at: a sentence each.
    """

    path: str
    script: str
    texts: tuple[Text, ...]
    classes: dict[str, Answer]
    run_known: bool
    facts: tuple[str, ...]
    not_looked_at: tuple[str, ...]
    imported: Imported | None = None
    proofs: dict[str, Proof] | None = None
    """Class -> what runs of it showed; None where nobody asked for runs."""
    checks: tuple[Check, ...] = ()
    """What the runs of a job of golf's own model showed, check by check; none of another script."""

    def of(self, *verdicts: Verdict) -> list[tuple[str, Answer]]:
        """(class, answer) of the classes that got one of these, in the order of the rule book."""
        return [(name, answer) for name, answer in self.classes.items() if answer.answer in verdicts]

    @property
    def worst(self) -> tuple[str, Answer]:
        """The class with the gravest answer, those of the score before others."""
        return min(
            self.classes.items(),
            key=lambda one: (WORST.index(one[1].answer), one[0] not in SCORE_CLASSES),
            default=("", Answer("unknown", why="no class was looked at")),
        )

    def questions(self) -> list[str]:
        """What is open about its code, a sentence each, the gravest first; empty where no rule found anything.

        Classes that are unknown for one and the same reason share a sentence.
        """
        found = [
            f"{_said(answer)}: {name}. {answer.why}{f' ({_first(answer)})' if answer.where else ''}"
            for verdict in ("violates", "violates-if", "suspicious")
            for name, answer in self.classes.items()
            if answer.answer == verdict
        ]
        unknown: dict[str, list[str]] = {}
        for name, answer in self.of("unknown"):
            unknown.setdefault(answer.why, []).append(name)
        return found + [f"unknown: {', '.join(names)}. {why}" for why, names in unknown.items()]

    def as_json(self) -> dict[str, object]:
        """The object that `golf review --json` prints for a script."""
        found: dict[str, object] = {
            "path": self.path,
            "script": self.script,
            "layers": [
                {"name": one.name, "bytes": one.size, "kind": one.kind, "how": one.how, "unread": one.unread}
                for one in self.texts
            ],
            "classes": {
                name: {
                    "answer": answer.answer,
                    "if": answer.condition,
                    "where": [{"file": place.file, "line": place.line} for place in answer.where],
                    "why": answer.why,
                }
                for name, answer in self.classes.items()
            },
            "run_known": self.run_known,
            "facts": list(self.facts),
            "not_looked_at": list(self.not_looked_at),
        }
        if self.imported is not None:
            found["smoke"] = {**self.imported.model_dump(), "line": self.imported.line}
        if self.proofs is not None:
            found["prove"] = {name: one.model_dump() for name, one in self.proofs.items()}
        if self.checks:
            found["checks"] = [one.model_dump() for one in self.checks]
        return found
