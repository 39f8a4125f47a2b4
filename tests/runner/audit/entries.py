"""Record folders made for tests of the audit: complete and sound unless a test spoils something."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from runner.audit.audit import audit_folder
from runner.audit.facts import Audit

SEEDS = (1337, 42, 2024)
RATIO = 1.68846
SCORES = {1337: 1.15012345, 42: 1.15198765, 2024: 1.15094321}
SCRIPT = "import torch\nprint(torch.__version__)\n"
MODEL_BYTES = 15_500_000


def log_text(
    seed: int | None = 1337,
    bpb: float = SCORES[1337],
    *,
    steps: int = 7000,
    train_ms: int = 600_050,
    eval_ms: int = 90_000,
    model: int = MODEL_BYTES,
    code: int = len(SCRIPT),
    params: int = 21_778_504,
    loss: float | None = None,
    data: str = "fineweb10B_sp1024",
    world: int = 8,
) -> str:
    """One whole run in the official dialect, each of its facts to be chosen."""
    nats = bpb * RATIO if loss is None else loss
    step_ms = train_ms / steps
    lines = [
        "logs/run.txt",
        f"train_loader:dataset:{data} train_shards:80",
        f"model_params:{params}",
        f"world_size:{world} grad_accum_steps:1",
        *([f"seed:{seed}"] if seed is not None else []),
        "warmup_step:1/20",
        "step:0/20000 val_loss:6.9300 val_bpb:4.1044 train_time:0ms step_avg:0.02ms",
        f"step:1/20000 train_loss:6.9301 train_time:{step_ms:.0f}ms step_avg:{step_ms:.2f}ms",
        f"step:{steps}/20000 val_loss:1.9800 val_bpb:1.1727 train_time:{train_ms}ms step_avg:{step_ms:.2f}ms",
        f"stopping_early: wallclock_cap train_time:{train_ms}ms step:{steps}/20000",
        "Serialized model: 86099351 bytes",
        f"Code size: {code} bytes",
        f"Total submission size: {86099351 + code} bytes",
        f"Serialized model int6+zstd: {model} bytes (payload:1 raw_torch:2 payload_ratio:3.91x)",
        f"Total submission size int6+zstd: {model + code} bytes",
        "final_int6_roundtrip val_loss:1.9900 val_bpb:1.1786 eval_time:2000ms",
        f"final_int6_sliding_window val_loss:{nats:.4f} val_bpb:{bpb:.4f} stride:64 eval_time:{eval_ms}ms",
        f"final_int6_sliding_window_exact val_loss:{nats:.8f} val_bpb:{bpb:.8f}",
    ]
    return "\n".join(lines) + "\n"


def submission(scores: Mapping[int, float] | None = None, **changes: Any) -> dict[str, Any]:
    """A submission.json that agrees with `log_text` for each seed; None in `changes` leaves a key out."""
    known = SCORES if scores is None else scores
    values = list(known.values())
    found = {
        "name": "an entry",
        "track": "10min_16mb",
        "val_bpb": round(fmean(values), 6),
        "val_bpb_std": round(stdev(values), 6) if len(values) > 1 else None,
        "seeds": list(known),
        "seed_results": {str(seed): {"val_bpb": bpb, "steps": 7000} for seed, bpb in known.items()},
        "bytes_total": MODEL_BYTES + len(SCRIPT),
        "bytes_code": len(SCRIPT),
        **changes,
    }
    return {key: value for key, value in found.items() if value is not None}


def readme(scores: Mapping[int, float] | None = None) -> str:
    """A README that agrees with `submission`."""
    known = SCORES if scores is None else scores
    rows = "\n".join(f"| {seed} | 7000 | {bpb:.4f} |" for seed, bpb in known.items())
    head = f"# An entry\n\nval_bpb **{fmean(known.values()):.4f}** (mean)\n\n"
    return f"{head}| Seed | Steps | val_bpb |\n|---|---|---|\n{rows}\n"


def write_entry(
    folder: Path,
    logs: Mapping[str, str | bytes] | None = None,
    *,
    claims: Mapping[str, Any] | str | None = None,
    text: str | None = None,
    without: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
) -> Path:
    """A record of three sound seeds at `folder`, but for what is given; `without` names files to leave out."""
    folder.mkdir(parents=True, exist_ok=True)
    default = {f"train_seed{seed}.log": log_text(seed, SCORES[seed]) for seed in SEEDS}
    found = submission() if claims is None else claims
    files: dict[str, str | bytes] = {
        "README.md": readme() if text is None else text,
        "submission.json": found if isinstance(found, str) else json.dumps(found),
        "train_gpt.py": SCRIPT,
        **(default if logs is None else logs),
        **(extra or {}),
    }
    for name, content in files.items():
        if name not in without:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def kinds(audit: Audit) -> dict[str, str]:
    """Kind of each finding -> its gravest severity."""
    return {one.kind: one.severity for one in reversed(audit.findings)}


def audited(folder: Path, **changes: Any) -> Audit:
    """The audit of an entry written with `changes`."""
    return audit_folder(write_entry(folder, **changes))
