"""Fake attempts for measuring the driver: all that a real attempt says, without a process behind it.

`said` is what one attempt says; `Memory` keeps many of them in this process and stands for the cluster, so that
whatever is measured is the driver's own work.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from runner.backends.backend import Lost, Waiting
from runner.backends.nodes import Node
from runner.data.dataset import scored_targets
from runner.files import sha256_bytes
from runner.job.load import job_from_mapping
from runner.job.open_data import DataRequest, open_requested
from runner.node.attempt_spec import AttemptSpec
from runner.node.messages import ArtifactBytes, Event, Finished, Heartbeat, LogChunk, Message, Started
from runner.plan.plan import Plan, make_plan
from runner.results.frozen import Interval
from runner.results.nodes import Host, NodeReport, Probe
from runner.results.phases import PhaseResult
from runner.script.bundle import Script
from tests.fixtures.tiny_data import VOCAB

SCRIPT_BYTES = 60_000
"""As long as a real script."""
STEP_S, MOST_S = 0.02, 20.0
"""Seconds of a step, and of all of a seed's at most."""
PROBE = Probe(
    device="fake",
    torch="0",
    cuda=None,
    gemm_tflops=100.0,
    memory_gb_per_s=100.0,
    loader_tokens_per_s=1e8,
    all_reduce_gb_per_s=None,
)


@dataclass(frozen=True)
class Fake:
    """What an attempt does."""

    tokens: int
    """Targets that it claims to have scored, and the bytes they stand for."""
    bytes: int
    lines: int = 20
    """Log lines of its training, one message each."""
    beats: int = 5
    """Heartbeats."""
    artifact_bytes: int = 1000


def fake_of(plan: Plan, lines: int = 20, beats: int = 5) -> Fake:
    """A fake whose score covers the plan's text, so that its record can pass."""
    tokens, size = scored_targets(plan.data, plan.job.config.batch.train_seq_len)
    return Fake(tokens, size, lines, beats)


def said(spec: AttemptSpec, node: str, fake: Fake) -> Iterator[Message]:
    """Every message of an attempt, in order."""
    yield Started(node, "folder", spec.preflight)
    loss = 2.5 + spec.seed / 1e6
    bpb = loss / math.log(2) * fake.tokens / fake.bytes
    score = f"rule:plain tokens:{fake.tokens} bytes:{fake.bytes} val_loss:{loss!r} val_bpb:{bpb!r}\n"
    head = f"device:cpu name:a fake precision:float32\nmodel_params:1000\nworld_size:1\nseed:{spec.seed}\n"
    yield LogChunk("train", head.encode())
    yield Event("train", "train_start", 1.0)
    pace = min(STEP_S, MOST_S / max(1, fake.lines))
    for step in range(1, fake.lines + 1):
        took = f"train_time:{step * pace * 1000:.0f}ms step_avg:{pace * 1000:.2f}ms"
        yield LogChunk("train", f"step:{step}/{fake.lines} train_loss:{3 - step / 1e3:.4f} {took}\n".encode())
    for beat in range(fake.beats):
        yield Heartbeat("train", 2.0 * beat)
    trained = fake.lines * pace
    yield Event("train", "train_end", 1.0 + trained)
    yield Event("train", "artifact_frozen", 1.5 + trained)
    yield LogChunk("train", f"score {score}".encode())
    yield Event("eval", "eval_start", 1.0)
    yield LogChunk("eval", f"score {score}final_score {score}".encode())
    yield Event("eval", "eval_end", 2.0)
    content = b"weights of seed %d" % spec.seed
    content += bytes(max(0, fake.artifact_bytes - len(content)))
    yield ArtifactBytes(spec.artifact_name, content, sha256_bytes(content))
    yield Finished("completed", "", _phase("train", trained), _phase("eval", 1.0), _host(node))


def _phase(name: str, seconds: float) -> PhaseResult:
    taken = Interval(low=seconds, high=seconds)
    return PhaseResult(
        phase="train" if name == "train" else "eval",
        command=["python", "train_gpt.py"],
        returncode=0,
        wall_seconds=seconds + 2,
        events={f"{name}_start": 1.0, f"{name}_end": 1.0 + seconds},
        clock=taken,
        strict_clock=taken,
        isolated=True if name == "eval" else None,
        frozen_seconds=1.5 + seconds if name == "train" else None,
    )


def _host(node: str) -> Host:
    host = f"the host of {node}"
    return Host(node=host, hardware="cpu", device="a fake", cpus=2, nproc=1, versions={"python": "3", "torch": "2"})


def report_of(node: str, probe: Probe | None) -> NodeReport:
    """What preflight would find on a node."""
    return NodeReport(
        node=node,
        host=node,
        hardware="cpu",
        gpus=[],
        memory_mib=1 << 20,
        disk_free_gib=100.0,
        torch="2",
        problems=[],
        probe=probe,
    )


class Memory(Waiting):
    """Fake attempts in this process, `live` at a time on a node each, speaking in turn."""

    def __init__(self, fake: Fake, live: int) -> None:
        super().__init__()
        self.fake = fake
        self.live = live

    def messages(self) -> Generator[tuple[AttemptSpec, Message | Lost], None, None]:
        free = deque(f"node{number}" for number in range(self.live))
        seen: set[str] = set()
        speaking: deque[tuple[AttemptSpec, str, Iterator[Message]]] = deque()
        while self.queue or speaking:
            while self.queue and free:
                spec, node = self.queue.popleft(), free.popleft()
                report = report_of(node, None if node in seen else PROBE)
                seen.add(node)
                if self.admit(report):
                    raise AssertionError("a fake node was refused")
                spec = replace(spec, preflight=report.model_copy(update={"probe": PROBE}))
                speaking.append((spec, node, said(spec, node, self.fake)))
            spec, node, words = speaking.popleft()
            message = next(words, None)
            if message is None:
                free.append(node)
                continue
            speaking.append((spec, node, words))
            yield spec, message

    def close(self) -> None:
        """Nothing runs."""


def fake_job(data: DataRequest, seeds: int, *, hardware: str = "cpu", concurrent: int = 1) -> dict[str, object]:
    """The job of so many fake seeds, as plain data."""
    return {
        "name": "scale",
        "track": "local",
        "hardware": hardware,
        "seeds": list(range(1, seeds + 1)),
        "concurrent": concurrent,
        "data": {"path": data.folder, "tokenizer": data.tokenizer},
        "limits": {"train_seconds": 60, "eval_seconds": 60},
        "config": {
            "model": {"vocab_size": VOCAB, "model_dim": 32, "num_heads": 2, "num_kv_heads": 1, "num_layers": 2},
            "schedule": {"max_wallclock_seconds": 60},
            "batch": {"train_batch_tokens": 256, "train_seq_len": 16, "micro_batches": 1},
        },
    }


def fake_plan(
    data: DataRequest, seeds: int, nodes: list[Node], *, hardware: str = "cpu", concurrent: int = 1
) -> Plan:
    """The plan of a fake job on such nodes."""
    job = job_from_mapping(
        fake_job(data, seeds, hardware=hardware, concurrent=concurrent), source="fake", folder=Path()
    )
    return make_plan(job, open_requested(data), code_bytes=SCRIPT_BYTES, nodes=nodes, launcher=())


def fake_script() -> Script:
    """A script of usual length that nobody runs."""
    source = b"#" * SCRIPT_BYTES
    return Script(source=source, flat="# twin\n", sha256=sha256_bytes(source))
