"""How fast is `golf audit`? Many record folders in parallel, and one long log in little memory.

    python benchmarks/audit.py [--folders N] [--megabytes N] [--processes N] [--real PATH] [--json FILE]

The folders are generated: three seeds each, logs with a dumped program at their head, a README, a submission.json.
Reading them is timed by one process and by all, against only reading their bytes. Then one log of 200 MB is read by a
process of its own, whose largest memory is taken from the system.

--real: the same of the record folders under PATH, a checkout of openai/parameter-golf, say, instead of generated
ones; then `golf audit --all PATH`, and `golf review` of every eighth folder, as people type them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runner.audit.audit import audit_all
from runner.audit.reading.folder import find_records

SEEDS = (1337, 42, 2024)
DUMP_LINES = 600
LONG_LOG_MB = 200


def log_text(seed: int, steps: int) -> str:
    """A log in the official dialect: dumped program, head, `steps` lines of training, sizes, scores."""
    lines = [
        "import torch",
        *(f"    value_{n} = layer_{n}(value_{n - 1}) + {n}  # a line" for n in range(DUMP_LINES)),
    ]
    lines += ["=" * 100, "model_params:17059912", "world_size:8 grad_accum_steps:1", f"seed:{seed}"]
    lines += [
        f"step:{step}/20000 train_loss:{7 / (1 + step / 900):.4f} train_time:{step * 43}ms step_avg:43.00ms"
        for step in range(1, steps + 1)
    ]
    bpb = 1.2 + seed % 97 / 1e5
    lines += [
        f"stopping_early: wallclock_cap train_time:{min(steps * 43, 600000)}ms step:{steps}/20000",
        "Code size: 47642 bytes",
        f"Serialized model int8+zlib: {15_700_000 + seed} bytes",
        f"Total submission size int8+zlib: {15_747_642 + seed} bytes",
        f"final_int8_zlib_roundtrip val_loss:{bpb * 1.68846:.4f} val_bpb:{bpb:.4f} eval_time:1356ms",
        f"final_int8_zlib_roundtrip_exact val_loss:{bpb * 1.68846:.8f} val_bpb:{bpb:.8f}",
    ]
    return "\n".join(lines) + "\n"


def make_folders(root: Path, count: int, megabytes: int) -> int:
    """Write `count` record folders of together about `megabytes`; their bytes."""
    steps = max(10, (megabytes * 1_000_000 // (count * len(SEEDS)) - 45 * DUMP_LINES) // 72)
    logs = {seed: log_text(seed, steps) for seed in SEEDS}
    scores = [1.2 + seed % 97 / 1e5 for seed in SEEDS]
    submission = {"val_bpb": round(sum(scores) / len(scores), 6), "seeds": list(SEEDS), "bytes_total": 15_748_979}
    written = 0
    for number in range(count):
        folder = root / f"2026-01-01_entry{number:05d}"
        folder.mkdir()
        files = {f"train_seed{seed}.log": text for seed, text in logs.items()}
        files |= {"submission.json": json.dumps(submission), "README.md": "# entry\n", "train_gpt.py": "x = 1\n"}
        for name, text in files.items():
            written += (folder / name).write_text(text)
    return written


def read_bytes(folders: list[Path]) -> float:
    """Seconds to read all files and do nothing with them."""
    start = time.perf_counter()
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file():
                path.read_bytes()
    return time.perf_counter() - start


def timed(folders: list[Path], processes: int) -> float:
    """Seconds to audit all folders."""
    start = time.perf_counter()
    read = sum(not isinstance(one, str) for one in audit_all(folders, processes))
    if read != len(folders):
        raise SystemExit(f"{len(folders) - read} folders could not be read")
    return time.perf_counter() - start


def command(*words: str) -> tuple[float, int]:
    """Seconds that a command of golf takes, all of it, and how many lines it prints."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", "from runner.cli.entry import main; main()", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"golf {' '.join(words[:2])} ended with {done.returncode}")
    return time.perf_counter() - start, done.stdout.count("\n")


def read_folders(folders: list[Path], processes: int) -> dict[str, float]:
    """Seconds for the bytes of all folders alone, for their audits by one process and by several."""
    plain = read_bytes(folders)
    one, several = timed(folders, 1), timed(folders, processes)
    return {
        "bytes_only_s": round(plain, 2),
        "one_process_s": round(one, 2),
        f"{processes}_processes_s": round(several, 2),
        "speedup": round(one / several, 2),
    }


def real(path: Path, processes: int) -> dict[str, float]:
    """The record folders under `path`: their audits, and golf's two commands on them."""
    folders = find_records(path)
    size = sum(one.stat().st_size for folder in folders for one in folder.rglob("*") if one.is_file())
    found = {"folders": len(folders), "megabytes": round(size / 1e6, 1), **read_folders(folders, processes)}
    audit, _ = command("audit", "--all", str(path))
    review, reviewed = command("review", "--json", *(str(folder) for folder in folders[::8]))
    return {**found, "golf_audit_all_s": round(audit, 2), "golf_review_s": round(review, 2), "reviews": reviewed}


def long_log(root: Path) -> tuple[float, float, int]:
    """Seconds, MB of memory and lines of one long log, read in a process of its own."""
    path, block = root / "train.log", "".join(log_text(1337, 2000).splitlines(keepends=True)[-2010:-6])
    with path.open("w") as handle:
        handle.write("model_params:17059912\nseed:1337\n")
        lines = 2
        while handle.tell() < LONG_LOG_MB * 1_000_000:
            handle.write(block)
            lines += block.count("\n")
    code = (
        "import re, sys; from pathlib import Path; from runner.audit.reading.logs import read_log; "
        "read_log(Path(sys.argv[1])); status = Path('/proc/self/status').read_text(); "
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', status)[1]) / 1024)"  # ru_maxrss would be its parent's, if larger
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    return time.perf_counter() - start, float(done.stdout), lines


def main() -> None:
    """Generate, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folders", type=int, default=2000)
    parser.add_argument("--megabytes", type=int, default=250)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--real", type=Path, metavar="PATH")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if options.real is None:
            size = make_folders(Path(place), options.folders, options.megabytes)
            folders = find_records(Path(place))
            many = {"folders": len(folders), "megabytes": round(size / 1e6, 1)}
            many |= read_folders(folders, options.processes)
        else:
            many = real(options.real, options.processes)
    with tempfile.TemporaryDirectory() as place:
        seconds, memory, lines = long_log(Path(place))
    found = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        **many,
        "long_log_mb": LONG_LOG_MB,
        "long_log_lines": lines,
        "long_log_s": round(seconds, 2),
        "long_log_memory_mb": round(memory, 1),
        "own_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    for name, value in found.items():
        print(f"{name:24} {value}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
