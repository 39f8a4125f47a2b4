"""The driver's side of an attempt: messages in, files and one `RunResult` out.

Log bytes go to disk as they come, the artifact is checked against its hash and renamed into place, and
`result.json` is written last: a folder with it is finished, one without it never happened as far as
results go. Memory does not grow with the length of the log.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from runner.drive.why import failure_of, reason_of, words_on_leftovers
from runner.errors import UserError
from runner.files import WholeFile, sha256_bytes, sha256_file, sha256_files, write_atomic, write_whole
from runner.folder.evidence import evidence_of
from runner.folder.ledger import utc_now
from runner.folder.paths import AttemptFolder
from runner.job.external_script import counted_bytes
from runner.job.variables import counted_variables
from runner.logs.exceptions import Ending
from runner.logs.log_facts import LogReader
from runner.logs.two_logs import counterpart, facts_of_both, last_score
from runner.node.activity import GpuUse
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import (
    ArtifactBytes,
    Event,
    Finished,
    GpuSample,
    Heartbeat,
    KeptBytes,
    KeptEnded,
    LeftBehind,
    LogChunk,
    Message,
    Started,
    TrainingEnded,
)
from runner.node.work_folder import SCRIPT_NAME
from runner.printable import printable
from runner.results.frozen import RunStatus
from runner.results.nodes import Host, NodeReport
from runner.results.phases import Artifact, LogFacts, Score
from runner.results.runs import Leftovers, RunResult, Trained, Training
from runner.untrusted import read_bytes

LIST = "list.json"
"""Names all that training left, in the folder of what is kept of it."""
SPARE_BYTES = 1 << 30
"""What is left behind is not kept where it would leave this disk less."""
MOST_RESULT_BYTES = 64 << 20
PLAIN_NAME = re.compile(r"[^A-Za-z0-9._-]")


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
        score = None if told is None else told.pattern("score")
        named = () if told is None else [name for name in ("step", "seed", "sizes") if getattr(told, name)]
        lines = () if told is None else tuple(map(told.pattern, named))
        files = (SCRIPT_NAME, *spec.files)
        self.readers = {
            phase: LogReader(pattern=score, own=lines, ending=Ending(files, several=spec.nproc > 1))
            for phase in ("train", "eval")
        }
        self.artifact: Artifact | None = None
        self.kept: Artifact | None = None
        """The weights that were packed, where the job keeps them."""
        self._keeping: WholeFile | None = None
        self.trained = spec.trained
        """The training whose artifact is scored, once it has ended well."""
        self.leftovers: Leftovers | None = None
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
                if self.spec.trained is not None:
                    write_atomic(self.folder.trained, self.spec.trained.model_dump_json(indent=2) + "\n")
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
            case KeptBytes(data=data):
                self._keeping = self._keeping or WholeFile(self.folder.kept)
                self._keeping.add(data)
            case KeptEnded(bytes=size, sha256=sha256) if self._keeping is not None:
                if self._keeping.close(size, sha256):
                    self.kept = Artifact(file=self.folder.kept.name, bytes=size, sha256=sha256)
            case TrainingEnded() if self.artifact is not None:
                self.trained = self._training_ended(message, self.artifact)
                write_atomic(self.folder.trained, self.trained.model_dump_json(indent=2) + "\n")
            case LeftBehind(leftovers=leftovers, data=data):
                self.leftovers = keep_leftovers(self.folder, leftovers, data)
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
        failure = None
        if status == "failed" and finished is not None:
            last = finished.eval or finished.train
            failure = failure_of(last, (fresh if finished.eval is not None else train).ending)
        if self.leftovers is not None:
            reason = f"{reason}\n{words_on_leftovers(self.leftovers, place_of(self.folder))}"
        claims = self._claims()
        other = self.spec.trained
        trained = finished.train if finished else self.trained.train if self.trained else None
        self.result = RunResult(
            job=self.spec.job,
            seed=self.spec.seed,
            attempt=self.spec.attempt,
            status=status,
            reason="" if status == "completed" else reason_of(reason, failure, fresh.tail or train.tail),
            failure=failure,
            leftovers=self.leftovers,
            script_sha256=sha256_files(self.spec.script, self.spec.files),
            code_bytes=counted_bytes(self.spec.script, self.spec.files) + self._variable_bytes(),
            artifact=self.artifact,
            train=trained,
            eval=finished.eval if finished else None,
            log=claims,
            train_score=self._score_in_training(last_score(fresh.final_scores)),
            eval_score=last_score(fresh.scores),
            final_score=last_score((train if self._scores_in_training() else fresh).final_scores),
            host=self._described(finished.host) if finished else None,
            preflight=self.preflight,
            idle_seconds=self.idle_seconds,
            training=None if other is None else other.by,
            evidence=evidence_of(
                self.folder,
                [life.attempt for life in trained.earlier] if trained else [],
                None if other is None else other.by.attempt,
            ),
            started_at=self.started_at,
            finished_at=utc_now(),
        )
        write_atomic(self.folder.result, self.result.model_dump_json(indent=2) + "\n")
        return self.result

    def _claims(self) -> LogFacts:
        """What the logs say: of training that of whoever trained, of evaluation this attempt's."""
        claims = self.readers["train"].log_facts() if self.spec.trained is None else self.spec.trained.log
        return facts_of_both(claims, self.readers["eval"].log_facts(), elsewhere=self.spec.trained is not None)

    def _score_in_training(self, published: Score | None) -> Score | None:
        """The training process's score that is to be held against the published one."""
        other, train = self.spec.trained, self.readers["train"]
        if other is not None:
            return counterpart(other.by_rule, other.score, published)
        return counterpart(train.by_rule, last_score(train.scores), published)

    def _described(self, host: Host) -> Host:
        """A host with what the script says of its device."""
        facts = {**self.readers["eval"].facts, **self.readers["train"].facts}
        device, cuda = facts.get("device"), facts.get("cuda")
        if device:
            host = host.model_copy(update={"device": printable(device)})
        return host.model_copy(update={"versions": {**host.versions, "cuda": printable(cuda)}}) if cuda else host

    def _training_ended(self, message: TrainingEnded, artifact: Artifact) -> Trained:
        """What is kept of this attempt's training, should its evaluation come to nothing."""
        reader = self.readers["train"]
        reader.feed(b"\n")
        return Trained(
            seed=self.spec.seed,
            script_sha256=sha256_files(self.spec.script, self.spec.files),
            artifact=artifact,
            train=message.train,
            log=reader.log_facts(),
            score=last_score(reader.scores),
            by_rule=reader.by_rule,
            kept=self.kept,
            by=Training(
                attempt=self.spec.attempt,
                host=self._described(message.host),
                preflight=self.preflight,
                idle_seconds=self.idle_seconds,
                started_at=self.started_at,
            ),
        )

    def _variable_bytes(self) -> int:
        """What the job's variables count as code."""
        return counted_variables(self.spec.env, {} if self.spec.outputs is None else self.spec.outputs.eval_env)

    def _scores_in_training(self) -> bool:
        """Whether there is no fresh process: somebody else's script that has no switch for it."""
        return self.spec.outputs is not None and not self.spec.outputs.eval_env

    def held_seconds(self) -> float | None:
        """How long it has held its node; None before it began."""
        return None if self.launched is None else round(time.monotonic() - self.launched, 1)

    def close(self) -> None:
        """Close what is open; the folder stays as it is."""
        self._files.close()
        if self._keeping is not None:
            self._keeping.drop()
        self._logs.clear()


def place_of(folder: AttemptFolder) -> str:
    """An attempt's folder as people are told it: from the folder of all runs on."""
    return "/".join(folder.path.parts[-5:])


def keep_leftovers(folder: AttemptFolder, leftovers: Leftovers, data: bytes) -> Leftovers:
    """List what training left, and keep the content of one of it where this disk has room to spare."""
    free = shutil.disk_usage(folder.path).free
    if leftovers.kept and free - len(data) < SPARE_BYTES:
        told = f"this disk has {free:,} bytes free, and {SPARE_BYTES:,} are to stay so"
        leftovers = leftovers.model_copy(update={"kept": "", "not_kept": told})
    if leftovers.kept:
        name = PLAIN_NAME.sub("_", Path(leftovers.kept).name)[-100:].lstrip(".") or "file"
        place = folder.left / (f"kept-{name}" if name == LIST else name)
        write_atomic(place, data)
        leftovers = leftovers.model_copy(update={"kept_as": place.relative_to(folder.path).as_posix()})
    write_atomic(folder.left / LIST, leftovers.model_dump_json(indent=2) + "\n")
    return leftovers


def read_result(path: Path) -> RunResult | None:
    """A stored result; None where there is none, or none that this version of golf can read."""
    try:
        return RunResult.model_validate_json(read_bytes(path, MOST_RESULT_BYTES))
    except (UserError, ValidationError):
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
