"""The jobs that are disturbed: a fake script, alone and under torchrun, and our small model in `schedule: steps`.

The fake script writes every line twice: to its output, and then, with the time, to a file in its own folder, of which
the run under test does not know (witness.py gets hold of it). So what a log lacks, and how old it was when something
died, can be told to the line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.job.open_data import DataRequest

TRUTH = "truth."
"""Begins the names of the files that say what the scripts really wrote."""

SCRIPT = """
import os, sys, time

rank, seed = int(os.environ.get("RANK", "0")), int(os.environ["SEED"])
life = f"{time.monotonic_ns()}.{os.getpid()}"
phase = "eval" if os.environ.get("EVAL_ONLY") else "train"
truth = open(f"truth.{os.environ['RUN_ID']}.{phase}.{life}", "wb", buffering=0) if rank == 0 else None

def say(line):
    if truth is not None:
        os.write(1, line.encode() + b"\\n")
        truth.write(f"{time.monotonic():.3f} {line}\\n".encode())

say(f"life:{life}")
if phase == "eval":
    content = open("final_model.int8.ptz", "rb").read()
    for part in range(10):
        time.sleep(0.05)
        say(f"scored:{part}/10")
    loss = 2.5 + seed / 1e6 + len(content) / 1e9
    say(f"final_int8_zlib_roundtrip_exact val_loss:{loss:.8f} val_bpb:{loss / 2:.8f}")
    sys.exit()
say("model_params:1000")
say(f"seed:{seed}")
say("step:0/50 val_loss:6.9000 val_bpb:4.1000 train_time:0ms step_avg:0.01ms")
begun = time.monotonic()
for step in range(1, 51):
    time.sleep(0.06)
    took = 1000 * (time.monotonic() - begun)
    say(f"step:{step}/50 train_loss:{7 - step / 10:.4f} train_time:{took:.0f}ms step_avg:{took / step:.2f}ms")
say(f"stopping_early: wallclock_cap train_time:{took:.0f}ms step:50/50")
if rank == 0:
    with open("final_model.int8.ptz", "wb") as file:
        file.write(b"weights of seed %d" % seed * 1000)
"""

HEAD = """name: {name}
track: local
hardware: cpu
seeds: {seeds}
data: {{path: {data.folder}, tokenizer: {data.tokenizer}}}
limits: {{train_seconds: 120, eval_seconds: 60}}
"""
THEIRS = """script: script.py
outputs: {eval_env: {EVAL_ONLY: "1"}}
"""
OURS = """config:
  model:
    vocab_size: {data.vocab_size}
    num_layers: 2
    model_dim: 32
    num_heads: 2
    num_kv_heads: 1
    bigram: {{buckets: 64, dim: 8}}
  schedule: {{kind: steps, iterations: 160, warmdown_iters: 40, warmup_steps: 1, checkpoint_every_s: 0.3}}
  batch: {{train_batch_tokens: 256, train_seq_len: 16, val_batch_tokens: 512, micro_batches: 1}}
  log: {{train_log_every: 10, val_loss_every: 0}}
  runtime: {{compile: off}}
"""


@dataclass(frozen=True)
class Kind:
    """One kind of job."""

    name: str
    seeds: tuple[int, ...]
    torchrun: bool
    """Whether there are processes of torchrun to kill."""
    ours: bool = False
    """Our own script, whose artifact is bit-equal however often it was killed."""


FAKE = Kind("chaos-fake", (1, 2, 3), torchrun=False)
WORKERS = Kind("chaos-torchrun", (1, 2), torchrun=True)
MODEL = Kind("chaos-model", (1, 2), torchrun=True, ours=True)
KINDS = (FAKE, WORKERS, MODEL)


def write_job(kind: Kind, folder: Path, data: DataRequest) -> Path:
    """The job's YAML, and its script where it is not ours."""
    text = HEAD.format(name=kind.name, seeds=list(kind.seeds), data=data)
    if kind.ours:
        text += OURS.format(data=data)
    else:
        (folder / "script.py").write_text(SCRIPT)
        text += THEIRS + ("nproc: 2\n" if kind.torchrun else "launch: python\n")
    path = folder / f"{kind.name}.yaml"
    path.write_text(text)
    return path
