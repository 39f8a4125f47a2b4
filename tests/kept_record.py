"""A record that was really made: a fake script driven, judged and written, with its run folder beside it."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from reports.record import RecordFiles, write_record
from runner.bundle import Script, pack_twin
from runner.data.dataset import scored_targets
from runner.files import sha256_bytes
from runner.job import job_from_mapping
from runner.jobdata import DataRequest, open_requested
from runner.nodes import Room
from runner.plan import make_plan
from runner.run import walk
from tests.fakes import PLAIN, fake_script
from tests.tiny_data import VOCAB


def honest_script(tokens: int, size: int, behaviour: str = "good") -> Script:
    """The fake script, whose scores cover the text that it was given; packed like one of ours."""
    text = fake_script(behaviour).decode().replace("tokens:100 bytes:240", f"tokens:{tokens} bytes:{size}")
    text = text.replace('os.environ["GOLF_EVENTS"]', 'os.environ.get("GOLF_EVENTS", os.devnull)')
    flat = text.replace("* 100 / 240", f"* {tokens} / {size}")
    source = pack_twin(flat)
    return Script(source, flat, sha256_bytes(source))


def keep_record(data: DataRequest, root: Path, behaviour: str = "good", seeds: tuple[int, ...] = (1, 2)) -> Path:
    """Run, judge and write; returns the record's folder. behaviour: of the script, as in tests.fakes."""
    dataset = open_requested(data)
    mapping = {
        "name": "kept",
        "track": "local",
        "hardware": "cpu",
        "seeds": list(seeds),
        "author": "A. Person",
        "data": {"path": data.folder, "tokenizer": data.tokenizer},
        "limits": {"train_seconds": 5, "eval_seconds": 5},
        "config": {
            "model": {"vocab_size": VOCAB, "model_dim": 32, "num_heads": 2, "num_kv_heads": 1, "num_layers": 2},
            "schedule": {"kind": "steps", "iterations": 5},
            "batch": {"train_batch_tokens": 256, "train_seq_len": 16, "micro_batches": 1},
        },
    }
    job = job_from_mapping(mapping, source="test")
    script = honest_script(*scored_targets(dataset, 16), behaviour)
    plan = make_plan(job, dataset, code_bytes=1000, nodes=[Room(2, 0)], launcher=PLAIN)
    done = walk(plan, script, root, Console(file=io.StringIO()))
    files = RecordFiles(
        script=script.source,
        flat_script=script.flat,
        logs=done.logs,
        ledger=done.folder.ledger,
        tokenizer=done.tokenizer,
    )
    return write_record(done.data, files, root)
