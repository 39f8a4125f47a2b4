"""The driver's side of an attempt: messages in, files and one `RunResult` out.

Log bytes go to disk as they come, the artifact is checked against its hash and renamed into place, and
`result.json` is written last: a folder with it is finished, one without it never happened as far as
results go. Memory does not grow with the length of the log.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from runner.files import sha256_bytes, sha256_file, sha256_files, write_atomic, write_whole
from runner.folder.ledger import utc_now
from runner.folder.paths import AttemptFolder
from runner.job.external_script import counted_bytes
from runner.logs.log_facts import LogReader
from runner.node.activity import GpuUse
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import ArtifactBytes, Event, Finished, GpuSample, Heartbeat, LogChunk, Message, Started
from runner.printable import printable
from runner.results import Artifact, LogFacts, NodeReport, RunResult, RunStatus, Score


class Collector:
    """Takes the messages of one attempt; `finish` or a `Finished` message gives its result."""

    def __init__(self, spec: AttemptSpec, folder: AttemptFolder) -> None:
        self.spec = spec
        self.folder = folder
        self.node = ""
        self.preflight: NodeReport | None = None
        self.gpu_use: GpuUse | None = None
        self.idle_seconds: float | None = None
        self.phase = "starting"
        self.events: list[tuple[str, str, float]] = []
        told = spec.outputs
        score = None if told is None else re.compile(told.score)
        sizes = None if told is None or not told.sizes else re.compile(told.sizes)
        self.readers = {phase: LogReader(pattern=score, sizes=sizes) for phase in ("train", "eval")}
        self.artifact: Artifact | None = None
        self.result: RunResult | None = None
        self.started_at = utc_now()
        self.launched: float | None = None
        """When it began on its node, on our monotonic clock."""
        self._files = ExitStack()
        self._logs: dict[str, IO[bytes]] = {}

    def take(self, message: Message) -> None:
        """Record one message. OSError when the driver's disk does not take it."""
        match message:
            case Started(node=node, preflight=preflight):
                self.node, self.preflight = node, preflight
            case LogChunk(phase=phase, data=data):
                self.phase = phase
                if phase not in self._logs:
                    self.close()  # the other phase has ended: of many seeds each holds one file open
                    opened = self.folder.log(phase).open("ab", buffering=0)
                    self._logs[phase] = self._files.enter_context(opened)
                write_whole(self._logs[phase], data)
                self.readers[phase].feed(data)
            case Event(phase=phase, name=name, seconds=seconds):
                self.phase = phase
                self.events.append((phase, name, seconds))
                with self.folder.events.open("a") as handle:
                    handle.write(json.dumps({"phase": phase, "event": name, "seconds": seconds}) + "\n")
            case Heartbeat(phase=phase):
                self.phase = phase
            case GpuSample(use=use):
                self.gpu_use = use
            case ArtifactBytes(name=name, data=data, sha256=sha256):
                if sha256_bytes(data) == sha256:
                    write_atomic(self.folder.artifact(name), data)
                    self.artifact = Artifact(file=name, bytes=len(data), sha256=sha256)
            case Finished():
                self.finish(message.status, message.reason, message)

    def finish(self, status: RunStatus, reason: str, finished: Finished | None = None) -> RunResult:
        """Close the logs and write `result.json`; called once, with what the attempt last said if it said it."""
        self.close()
        for reader in self.readers.values():
            reader.feed(b"\n")
        train, fresh = self.readers["train"], self.readers["eval"]
        if status == "completed" and self.artifact is None:
            status, reason = "lost", "the artifact arrived damaged"
        if status != "completed":
            last = (fresh if fresh.tail else train).tail
            reason = "\n".join([reason, *(f"| {line}" for line in last)])
        device = train.facts.get("device")
        host = finished.host if finished else None
        if host is not None and device:
            host = host.model_copy(update={"device": printable(device)})
        if host is not None and train.facts.get("cuda"):
            host = host.model_copy(update={"versions": {**host.versions, "cuda": printable(train.facts["cuda"])}})
        claims = train.log_facts()
        if fresh.facts.get("eval_seconds") is not None:
            claims = claims.model_copy(update={"eval_seconds": fresh.facts["eval_seconds"]})
        claims = claims.model_copy(update=sizes_of_both(claims, fresh.log_facts()))
        self.result = RunResult(
            job=self.spec.job,
            seed=self.spec.seed,
            attempt=self.spec.attempt,
            status=status,
            reason=reason,
            script_sha256=sha256_files(self.spec.script, self.spec.files),
            code_bytes=counted_bytes(self.spec.script, self.spec.files),
            artifact=self.artifact,
            train=finished.train if finished else None,
            eval=finished.eval if finished else None,
            log=claims.model_copy(update={"saw_nan": train.saw_nan or fresh.saw_nan}),
            train_score=counterpart(train, last_score(fresh.final_scores)),
            eval_score=last_score(fresh.scores),
            final_score=last_score((train if self._scores_in_training() else fresh).final_scores),
            host=host,
            preflight=self.preflight,
            idle_seconds=self.idle_seconds,
            started_at=self.started_at,
            finished_at=utc_now(),
        )
        write_atomic(self.folder.result, self.result.model_dump_json(indent=2) + "\n")
        return self.result

    def _scores_in_training(self) -> bool:
        """Whether there is no fresh process: somebody else's script that has no switch for it."""
        return self.spec.outputs is not None and not self.spec.outputs.eval_env

    def held_seconds(self) -> float | None:
        """How long it has held its node; None before it began."""
        return None if self.launched is None else round(time.monotonic() - self.launched, 1)

    def close(self) -> None:
        """Close what is open; the folder stays as it is."""
        self._files.close()
        self._logs.clear()


def last_score(scores: list[Score]) -> Score | None:
    """The last one logged, or None."""
    return scores[-1] if scores else None


def sizes_of_both(train: LogFacts, fresh: LogFacts) -> dict[str, object]:
    """What the logs of both processes say of the sequences that are scored."""
    return {
        "lengths": list(dict.fromkeys([*fresh.lengths, *train.lengths])),
        "strides": list(dict.fromkeys([*fresh.strides, *train.strides])),
        "val_tokens": train.val_tokens if fresh.val_tokens is None else fresh.val_tokens,
    }


def counterpart(train: LogReader, published: Score | None) -> Score | None:
    """The training process's score to hold against the published one: its last by the same rule, else its last."""
    same = train.by_rule.get(published.rule) if published is not None else None
    return same or last_score(train.scores)


def read_result(path: Path) -> RunResult | None:
    """A stored result; None where there is none, or none that this version of golf can read."""
    try:
        return RunResult.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def finished_attempt(attempts: list[AttemptFolder], script_sha256: str, vouched: set[str]) -> RunResult | None:
    """The newest completed attempt of this very script that may be counted, or None.

    vouched: hashes of the result files that the ledger knows. The artifact must still be the one scored.
    """
    for folder in reversed(attempts):
        result = read_result(folder.result)
        if result is None or sha256_file(folder.result) not in vouched:
            continue
        if result.status != "completed" or result.script_sha256 != script_sha256 or result.artifact is None:
            continue
        artifact = folder.artifact(result.artifact.file)
        if artifact.is_file() and sha256_file(artifact) == result.artifact.sha256:
            return result
    return None
