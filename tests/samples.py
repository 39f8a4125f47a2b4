"""Hand-made results for tests: one honest seed, its verification, and a whole record, each easily bent."""

from __future__ import annotations

import json
import math
from typing import Any

from runner.files import sha256_bytes
from runner.judge import judge
from runner.reference import ReferenceSpec
from runner.results import (
    Artifact,
    DataFacts,
    Host,
    Interval,
    LogFacts,
    PhaseResult,
    RecordData,
    RunResult,
    Score,
    SizeForecast,
    Verification,
    Yardstick,
)
from runner.tracks import TRACKS

SCRIPT = b"print('the script')\n"
SCRIPT_SHA256 = sha256_bytes(SCRIPT)
TOKENS, BYTES = 136_320, 417_033
LOSSES = {1337: 3.70125, 42: 3.68875, 2024: 3.7075}
LOCAL = frozenset(TRACKS["local"].required)


def weights_sha256(seed: int) -> str:
    """The hash of a seed's artifact."""
    return sha256_bytes(b"weights of seed %d" % seed)


def score(loss: float, rule: str = "plain") -> Score:
    """A score over the whole validation text whose numbers fit together."""
    bpb = loss / math.log(2) * TOKENS / BYTES
    return Score(rule=rule, val_loss=loss, val_bpb=bpb, tokens=TOKENS, bytes=BYTES)


def phase(name: str, seconds: float, **changes: Any) -> PhaseResult:
    """A supervised process whose limited interval took `seconds`."""
    base: dict[str, Any] = {
        "phase": name,
        "command": ["torchrun", "--standalone", "--nproc_per_node=1", "train_gpt.py"],
        "returncode": 0,
        "wall_seconds": seconds + 9.5,
        "events": {f"{name}_start": 4.25, f"{name}_end": 4.25 + seconds},
        "clock": Interval(low=seconds, high=seconds),
        "strict_clock": Interval(low=seconds + 1.25, high=seconds + 1.25),
        "peak_rss_mib": 912.5,
        "isolated": name == "eval" or None,
        "last_train_read": 4.5 + seconds if name == "train" else None,
        "frozen_seconds": 8.0 + seconds if name == "train" else None,
        "reads_watched": name == "train",
    }
    return PhaseResult(**{**base, **changes})


def run_result(seed: int = 1337, **changes: Any) -> RunResult:
    """A completed seed that breaks no rule."""
    loss = LOSSES.get(seed, 3.7)
    base: dict[str, Any] = {
        "job": "quickstart",
        "seed": seed,
        "attempt": 1,
        "status": "completed",
        "script_sha256": SCRIPT_SHA256,
        "code_bytes": 21_345,
        "artifact": Artifact(file="final_model.ptz", bytes=1_530_020 + seed, sha256=weights_sha256(seed)),
        "train": phase("train", 57.931 + seed / 1e5),
        "eval": phase("eval", 6.512),
        "log": LogFacts(
            model_params=1_734_144,
            world_size=1,
            seed=seed,
            device_type="cpu",
            steps=410,
            train_seconds=57.9 + seed / 1e5,
            step_avg_ms=141.22,
            peak_memory_mib=871,
            live_val_loss=loss - 0.01,
            live_val_bpb=(loss - 0.01) / math.log(2) * TOKENS / BYTES,
        ),
        "train_score": score(loss),
        "eval_score": score(loss),
        "final_score": score(loss),
        "host": Host(
            node="node-a",
            hardware="cpu",
            device="A CPU",
            cpus=2,
            nproc=1,
            versions={"python": "3.11.4", "torch": "2.13.0", "numpy": "2.4.6"},
        ),
        "started_at": "2026-01-02T03:04:05Z",
        "finished_at": "2026-01-02T03:06:05Z",
    }
    return RunResult(**{**base, **changes})


def failed_result(seed: int = 2024, reason: str = "exit code 1\nlast line of the log") -> RunResult:
    """A seed that crashed before it measured anything."""
    return RunResult(
        job="quickstart",
        seed=seed,
        attempt=1,
        status="failed",
        reason=reason,
        script_sha256=SCRIPT_SHA256,
        code_bytes=21_345,
        started_at="2026-01-02T03:04:05Z",
        finished_at="2026-01-02T03:04:06Z",
    )


def verification(seed: int = 1337, **changes: Any) -> Verification:
    """What the referee counts for `run_result(seed)`."""
    base: dict[str, Any] = {
        "seed": seed,
        "code_bytes": 21_345,
        "script_sha256": SCRIPT_SHA256,
        "artifact_bytes": 1_530_020 + seed,
        "artifact_sha256": weights_sha256(seed),
        "val_tokens": TOKENS,
        "val_bytes": BYTES,
        "final_rule": "plain",
        "final_tokens": TOKENS,
        "final_bytes": BYTES,
    }
    return Verification(**{**base, **changes})


def failed_verification(seed: int = 2024) -> Verification:
    """What the referee counts where there is no artifact."""
    return verification(seed, artifact_bytes=None, artifact_sha256=None)


def reference(**changes: Any) -> dict[str, Any]:
    """A published run as a resolved job holds it: two seeds with logs, of which we ran one, and a claimed size."""
    base: dict[str, Any] = {
        "source": "PR #9999",
        "hardware": "8xH100 80GB SXM",
        "data": "fineweb10B_sp1024",
        "train_limit_seconds": 600.0,
        "eval_limit_seconds": 600.0,
        "note": "size as claimed; nobody has seen the artifact of 16,564,943 bytes",
        "claimed": {"bytes_total": 15_826_438, "parameters": 26_666_073},
        "seeds": [
            {"seed": 1337, "logged": {"bpb": 1.1361, "steps": 9126}, "claimed": {"bpb": 1.13}},
            {"seed": 7, "logged": {"bpb": 1.13854}},
        ],
    }
    return ReferenceSpec.model_validate_json(json.dumps({**base, **changes})).model_dump(mode="json")


def reproduction(**changes: Any) -> RecordData:
    """A record whose job reproduces `reference(**changes)`."""
    return record(job={"name": "quickstart", "data": {"corpus": "asv"}, "reference": reference(**changes)})


def record(
    results: list[RunResult] | None = None,
    verifications: list[Verification] | None = None,
    required: frozenset[str] = LOCAL,
    seeds: tuple[int, ...] = (1337, 42, 2024),
    **changes: Any,
) -> RecordData:
    """A whole record of three honest seeds, judged for real."""
    results = [run_result(seed) for seed in seeds] if results is None else results
    verifications = [verification(seed) for seed in seeds] if verifications is None else verifications
    limits = {"cap_bytes": 16_000_000, "train_seconds": 60.0, "eval_seconds": 60.0}
    base: dict[str, Any] = {
        "name": "quickstart",
        "run": "quickstart-0123abcd",
        "track": "local",
        "date": "2026-01-02",
        "job": {"name": "quickstart", "author": "A. Person", "github_id": "aperson", "blurb": "A small model."},
        "limits": limits,
        "verdict": judge(
            required=required,
            cap_bytes=16_000_000,
            train_seconds=60.0,
            eval_seconds=60.0,
            seeds=seeds,
            script_sha256=SCRIPT_SHA256,
            nproc=1,
            allowed_hardware=(),
            results=results,
            verifications=verifications,
        ),
        "results": results,
        "verifications": verifications,
        "data": DataFacts(
            name="asv",
            train_tokens=1_210_012,
            val_tokens=TOKENS + 7,
            val_bytes=BYTES + 21,
            vocab_size=1024,
            files={"fineweb_val_000000.bin": "cd" * 32, "tokenizer.model": "ef" * 32},
        ),
        "forecast": SizeForecast(low=1_400_000, high=1_700_000, basis="parameters and three earlier artifacts"),
        "model_params": 1_734_144,
        "yardsticks": [
            Yardstick(name="bigram", bpb=1.753, nats_per_token=3.722, detail="interpolated, same tokens"),
            Yardstick(name="xz -9", bpb=2.146, detail="the validation text alone"),
        ],
        "ledger": {"launches": 3, "completed": 3},
        "versions": {"python": "3.11.4", "pandas": "3.1.1"},
    }
    return RecordData(**{**base, **changes})
