"""One run of one log, read: the facts as the log states them, and where. Roles and findings come after.

Sizes are put in order here: of several printed program sizes the one that the total counts, a missing one of the
three from the two others, and a total without a label only if it is not that of the uncompressed model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from runner.audit.facts import Role, Run, ScoreLine
from runner.audit.reading.logs import Draft
from runner.audit.reading.scores import Final, final_of, finished

PLAIN_BYTES = ((1.9, 2.3), (3.97, 4.6))
"""Bytes per parameter of models that were not compressed, of 16 and of 32 bits."""
LARGEST_PROGRAM = 1_000_000
"""Bytes by which a total may be larger than its packed model."""


@dataclass(eq=False)
class Reading:
    """A run, its draft, and what was concluded about it so far."""

    log: str
    index: int
    of: int
    """Runs in the same log."""
    draft: Draft
    final: Final | None = None
    own_final: Final | None = None
    """The score of its own log alone, where another log scores it."""
    role: Role = "primary"
    why: str | None = None
    sizes: dict[str, int | None] = field(default_factory=dict)
    derived: tuple[str, ...] = ()
    scored_by: Reading | None = None
    """The reading of another log that scores what this run trained."""
    scores_run: Reading | None = None
    """The run that trained what this log scores."""
    copy_of: Reading | None = None
    """The run that this one is a second copy of."""
    score_why: str | None = None
    """Why another line than the last is the score."""

    def __post_init__(self) -> None:
        self.final = final_of(self.draft.scores)
        self.sizes, self.derived = sizes_of(self.draft)

    def join(self, part: Reading) -> None:
        """Take the scores of another log, and what only it says; facts of the training stay its own."""
        self.scored_by, part.scores_run = part, self
        self.own_final, self.final = self.final, final_of([*self.draft.scores, *part.draft.scores])
        self.sizes = {name: size if size is not None else part.sizes[name] for name, size in self.sizes.items()}

    @property
    def scores(self) -> list[ScoreLine]:
        """All lines that state a score, of both logs where there are two."""
        return [*self.draft.scores, *(self.scored_by.draft.scores if self.scored_by else ())]

    @property
    def marks(self) -> set[str]:
        """Names of the tokenizers that its data lines speak of."""
        return self.draft.marks | (self.scored_by.draft.marks if self.scored_by else set())

    @property
    def megabytes(self) -> tuple[float, float, float] | None:
        """(least, most, most in units of 10^6) bytes of its total, where it is only given in megabytes."""
        ends = [self.draft.facts.get(name) for name in ("total_low", "total_high", "total_near")]
        low, high, near = ends
        return (low, high, near) if self.total is None and low and high and near else None

    @property
    def logs(self) -> tuple[str, ...]:
        """The log of the training and that of the scoring."""
        return (self.log, *((self.scored_by.log,) if self.scored_by else ()))

    @property
    def bpb(self) -> float | None:
        """The score, bits per byte."""
        return self.final.line.val_bpb if self.final else None

    @property
    def seed(self) -> int | None:
        return self.draft.whole("seed")

    @property
    def steps(self) -> int | None:
        return self.draft.whole("steps")

    @property
    def train_seconds(self) -> float | None:
        return self.draft.facts.get("train_seconds")

    @property
    def params(self) -> int | None:
        return self.draft.whole("n_params")

    @property
    def gpus(self) -> int | None:
        """Processes of the run, one on each GPU."""
        return self.draft.whole("world_size")

    @property
    def total(self) -> int | None:
        return self.sizes["total_bytes"]

    @property
    def code(self) -> int | None:
        return self.sizes["code_bytes"]

    @property
    def model(self) -> int | None:
        return self.sizes["model_bytes"]

    @property
    def eval_seconds(self) -> float | None:
        """Time of the scoring, where the log prints one for it."""
        if self.final is not None and self.final.eval_seconds is not None:
            return self.final.eval_seconds
        part = self.scored_by.draft.facts if self.scored_by else {}
        return part.get("eval_seconds", self.draft.facts.get("eval_seconds")) if self.final is not None else None

    @property
    def total_eval_seconds(self) -> float | None:
        """Time of the whole evaluation, where a log prints one."""
        part = self.scored_by.draft.facts if self.scored_by else {}
        return part.get("total_eval_seconds", self.draft.facts.get("total_eval_seconds"))

    @property
    def complete(self) -> bool:
        """Whether it ended with a score."""
        return self.final is not None

    @property
    def name(self) -> str:
        """How to speak of it."""
        return self.log if self.of == 1 else f"{self.log} run {self.index + 1}"

    def at(self, fact: str) -> str:
        """Where a fact stands, `file:line`."""
        line = self.draft.lines.get(fact)
        return f"{self.log}:{line}" if line else self.log

    @property
    def at_score(self) -> str:
        if self.final is None:
            return self.log
        there = self.scored_by is not None and any(line is self.final.line for line in self.scored_by.draft.scores)
        return f"{self.scored_by.log if there and self.scored_by else self.log}:{self.final.line.lineno}"

    def end_at(self, label: str, why: str | None = None) -> None:
        """Take the last score under `label` for the run's."""
        lines = [line for line in finished(self.scores) if line.label == label]
        if lines and (self.final is None or not any(self.final.line is line for line in lines)):
            self.final, self.score_why = final_of(self.scores, lines[-1]), why

    def end_before_export(self, score: ScoreLine) -> None:
        """Take a score of uncompressed weights for the run's: there is no better, and it is claimed."""
        self.final = Final(score, (), score.val_loss, score.eval_seconds)

    def set_role(self, role: Role, why: str | None = None) -> None:
        """Say what the run is to the record, and why."""
        self.role, self.why = role, why

    def as_run(self) -> Run:
        """The run as the audit prints it."""
        final, facts = self.own_final if self.scored_by else self.final, self.draft.facts
        eval_seconds = self.eval_seconds if not self.scored_by else final.eval_seconds if final else None
        return Run(
            log=self.log,
            run_index=self.index,
            role=self.role,
            why=self.why,
            seed=self.seed,
            steps=self.steps,
            train_seconds=facts.get("train_seconds"),
            final_metric_line=final.line.text if final else None,
            final_metric_lineno=final.line.lineno if final else None,
            final_val_loss=final.val_loss if final else None,
            final_val_bpb=final.line.val_bpb if final else None,
            final_metric_aliases=final.aliases if final else (),
            total_bytes=self.total,
            code_bytes=self.code,
            model_bytes=self.model,
            derived=self.derived,
            eval_seconds=eval_seconds,
            total_eval_seconds=facts.get("total_eval_seconds"),
            n_params=self.params,
            world_size=self.gpus,
            step_avg_ms=facts.get("step_avg_ms"),
            final_metric_why=self.score_why,
            scored_in=self.scored_by.log if self.scored_by else None,
            scores_run_of=self.scores_run.log if self.scores_run else None,
        )


def sizes_of(draft: Draft) -> tuple[dict[str, int | None], tuple[str, ...]]:
    """Total, program and model in bytes, and which of them were derived."""
    model, params = draft.whole("model_bytes"), draft.whole("n_params")
    total, bare = draft.whole("total_bytes"), draft.whole("bare_total_bytes")
    if total is None and bare is not None:
        confirmed = model is not None and 0 <= bare - model <= LARGEST_PROGRAM
        if confirmed or not _uncompressed(bare, draft.whole("plain_model_bytes"), params):
            total = bare
    code = _counted(draft.codes, total, model) or draft.whole("code_bytes")
    derived: list[str] = []
    if model is None and total is not None and code is not None and total > code:
        model, derived = total - code, ["model_bytes"]
    elif total is None and model is not None and code is not None:
        total, derived = model + code, ["total_bytes"]
    elif code is None and total is not None and model is not None and total > model:
        code, derived = total - model, ["code_bytes"]
    return {"total_bytes": total, "code_bytes": code, "model_bytes": model}, tuple(derived)


def _uncompressed(total: int, plain_model: int | None, params: int | None) -> bool:
    if plain_model is not None and total >= plain_model:
        return True
    return params is not None and any(low <= total / params <= high for low, high in PLAIN_BYTES)


def _counted(codes: Sequence[int], total: int | None, model: int | None) -> int | None:
    """Of several printed sizes of the program, the one with which the sum is right."""
    if total is None or model is None:
        return None
    return next((code for code in codes if code + model == total), None)
