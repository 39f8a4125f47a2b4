"""Attacks by hand: small ones on what reads a stranger's folder, job, log or artifact; each says `right`, or raises.

They are run in a process with little memory and time (tests.adversary.bounded), and each by itself as a test.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

from runner.errors import UserError
from tests.adversary.subjects import TAKEN, TOLD, World, WrongAccept, fresh, sign, verified
from tests.fixtures.places import ROOT

RIGHT = "right"
FILES = (
    "results.json",
    "SHA256SUMS",
    "ledger.jsonl",
    "train_gpt.py",
    "train_gpt_flat.py",
    "README.md",
    "train_seed1.log",
)


def golf(world: World, *words: str | Path, most_mib: int = 1024) -> tuple[int, str]:
    """(exit code, what it printed) of the real command, held to so much memory by its kernel."""
    free = "import resource; all = resource.RLIM_INFINITY; resource.setrlimit(resource.RLIMIT_AS, (all, all))"
    held = f"resource.setrlimit(resource.RLIMIT_DATA, ({most_mib << 20}, {most_mib << 20}))"
    program = f"{free}; {held}; import sys; from runner.cli.entry import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        cwd=world.work,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GOLF_CACHE": str(world.work / "cache"), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=100,
        check=False,
    )
    return done.returncode, done.stdout


def require(fine: bool, words: str) -> str:
    """`right`, or WrongAccept."""
    if not fine:
        raise WrongAccept(words)
    return RIGHT


def is_told(folder: Path, *, also: Callable[[], object] = bool) -> str:
    """A record that must be refused, or told to be wrong."""
    try:
        answer = verified(folder)
    except UserError as error:
        also()
        return require(len(str(error)) < 1000, "a message that nobody can read")
    return require(answer != TAKEN, f"{folder.name} verifies")


def in_place_of_each_file(world: World, put: Callable[[Path], None]) -> str:
    """Something that is no file, in the place of each file of a record: refused or told, never waited for."""
    from runner.audit.audit import audit_or_error
    from runner.record.comparison_sources import arm_of
    from runner.record.find import record_or_problem

    for name in FILES:
        folder = fresh(world, world.record)
        (folder / name).unlink()
        put(folder / name)
        is_told(folder)
        audit_or_error(folder)
        record_or_problem(folder)
        try:
            arm_of(str(folder), "A")
        except UserError:
            continue
    return RIGHT


def a_socket(place: Path) -> None:
    """Bound where it stands; its path may be longer than a socket's can be."""
    here = Path.cwd()
    os.chdir(place.parent)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(place.name)
    os.chdir(here)


def links_out(world: World) -> str:
    """Files of a record that are links to the same file elsewhere, and folders of it that are."""
    for name in FILES:
        folder = fresh(world, world.record)
        (folder / name).unlink()
        (folder / name).symlink_to(world.record / name)
        is_told(folder)
    folder = fresh(world, world.record)
    (folder / "files").symlink_to(world.shards)
    return is_told(folder)


def nested_folders(world: World) -> str:
    """1,500 folders inside one another, in a record and above one."""
    from runner.audit.audit import audit_or_error
    from runner.audit.reading.folder import find_records
    from runner.record.find import find_record_folders

    folder = fresh(world, world.record)
    place = folder / "files"
    descend(place, 1500)
    try:
        is_told(folder)
        audit_or_error(folder)
        find_records(place)
        find_record_folders([place])
        code, said = golf(world, "ledger", "verify", folder)
        return require(code in (1, 2) and "Traceback" not in said, said[-300:])
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=False)


def descend(place: Path, levels: int) -> None:
    """Folders inside one another, deeper than a path can be long."""
    place.mkdir()
    held = os.open(place, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=held)
        inner = os.open("d", os.O_RDONLY, dir_fd=held)
        os.close(held)
        held = inner
    os.close(held)


def odd_results(world: World) -> str:
    """results.json that is deep, wide, endless, contradicts itself, or holds numbers that are none."""
    honest = json.loads((world.record / "results.json").read_text())
    text = json.dumps(honest)
    inside = text.replace('"results": [', '"results": [MORE', 1)
    odd = (
        "[" * 100_000,
        '{"a":' * 100_000,
        "{" + '"results":[' + ",".join(["{}"] * 300_000) + "]}",
        inside.replace("MORE", "{}," * 300_000),
        inside.replace("MORE", "[]," * 300_000),
        text.replace('"job": {', '"job": {"deep": ' + "[" * 150 + "]" * 150 + ", ", 1),
        text.replace('"job": {', '"job": {"wide": [' + ",".join(["0"] * 400_000) + "], ", 1),
        text.replace('"job": {', '"job": {' + "".join(f'"k{n}":0,' for n in range(60_000)), 1),
        text.replace('"name": "kept"', '"name": "better", "name": "kept"', 1),
        text.replace('"schema_version": 1', '"schema_version": 1e999', 1),
        text.replace('"schema_version": 1', '"schema_version": NaN', 1),
        text.replace('"schema_version": 1', '"schema_version": ' + "9" * 5000, 1),
        text.replace('"name": "kept"', '"name": "\\ud800"', 1),
        text.replace('"name": "kept"', '"name": "\\u0000"', 1),
        text.replace('"name": "kept"', f'"name": "{"n" * 4000}"', 1),
        "\0" * 1000,
        "",
    )
    for number, content in enumerate(odd):
        folder = fresh(world, world.record)
        (folder / "results.json").write_text(content)
        is_told(folder)
        sign(folder)
        require(verified_or_refused(folder) != TAKEN, f"odd results {number} verify")
    return RIGHT


def verified_or_refused(folder: Path) -> str:
    """The answer of verify, `told` where it refuses."""
    try:
        return verified(folder)
    except UserError:
        return TOLD


def flat_twin(world: World) -> str:
    """A readable twin of 40 MB, and one of a million names: parsed, it would take gigabytes."""
    for text in ("x=1\n" * 10_000_000, "a," * 500_000, "(" * 90_000, "-" * 500_000 + "1", "a" + ".a" * 400_000):
        folder = fresh(world, world.record)
        (folder / "train_gpt_flat.py").write_text(text)
        sign(folder)
        is_told(folder)
    return RIGHT


def artifact_bombs(world: World) -> str:
    """A file that unfolds to many times what any submission holds, and a pipe."""
    bomb = zlib.compressobj(1)
    content = bomb.compress(b"PK" + b"\0" * 998)
    for _ in range(400):
        content += bomb.compress(b"\0" * (1 << 20))
    place = world.work / "bomb.ptz"
    place.write_bytes(content + bomb.flush())
    code, said = golf(world, "artifact", "inspect", place)
    require(code == 2 and "Traceback" not in said, said[-300:])
    place.unlink()
    os.mkfifo(place)
    code, said = golf(world, "artifact", "inspect", place)
    return require(code == 2 and "but a pipe" in said, said[-300:])


def pattern_lines(world: World) -> str:
    """A line of 60,000 characters against patterns that a backtracking matcher would never finish."""
    from runner.logs.patterns import bounded_pattern

    for pattern in (r".*.*.*.*x", r"^(a+)+$", r"(a|aa)*b", r"(.*)(.*)(.*)(.*)(.*)y(?P<val_loss>1)(?P<val_bpb>2)"):
        bounded_pattern(pattern).search("a" * 60_000)
    return RIGHT


def yaml_bombs(world: World) -> str:
    """Jobs whose aliases unfold without end, that are deep, or as long as a job may be."""
    from runner.job.load import load_job

    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    odd = (
        laughs,
        "a: &a [*a]\n",
        "[" * 5000,
        "a: [" + "0," * 490_000 + "0]",
        "- " * 3000 + "a",
        "name: !!python/object/apply:os.system ['touch ran']\n",
        "seeds: [" + "9" * 5000 + "]",
        "name: " + "n" * 4000,
        "\0",
        "\ufeff" * 10,
    )
    place = world.work / "job.yaml"
    for text in odd:
        place.write_text(text)
        try:
            load_job(place)
        except UserError:
            continue
        raise WrongAccept(f"{text[:40]!r} is a job")
    for other in (Path("/dev/zero"), world.work, Path("x" * 4000), Path("a\0b")):
        try:
            load_job(other)
        except UserError:
            continue
        raise WrongAccept(f"{other} is a job")
    return RIGHT


def device_names(world: World) -> str:
    """A device whose name has 47 kB, in a log."""
    from runner.logs.log_facts import LogReader

    reader = LogReader()
    reader.feed(b"device:cuda:0 name:" + b"H" * 47_000 + b" precision:bfloat16\n")
    return require(len(str(reader.facts.get("device", ""))) <= 200, "a name of 47 kB is kept")


def verify_runs_nothing(world: World) -> str:
    """A received folder with a run beside the record, by the same script, which no verb that reads may run."""
    ran = world.work / "RAN"
    received = world.work / "received"
    shutil.rmtree(received, ignore_errors=True)
    kept = world.base / "kept"
    shutil.copytree(kept, received)
    record = next((received / "records" / "local").iterdir())
    evil = f"open({str(ran)!r}, 'w').close()\n"
    for place in (record / "train_gpt.py", record / "train_gpt_flat.py", *received.glob("runs/*/train_gpt.py")):
        place.write_text(evil)
    for honest in (False, True):
        if honest:
            sign(record)
        run = next(received.glob("runs/*"))
        for words in (
            ("verify", record),
            ("verify", record, "--run"),
            ("verify", record, "--artifacts", run),
            ("report", record),
            ("audit", record),
            ("compare", record, record),
            ("ledger", "verify", record),
            ("export", "pr", record, "--repo", world.work),
        ):
            code, said = golf(world, *words, most_mib=4096)
            require("Traceback" not in said and not ran.exists(), f"golf {words[0]} ended with {code}: {said[-300:]}")
    return RIGHT


def nested_repository(world: World) -> str:
    """A record that lists what git would run: told, whatever it is called."""
    for name in (
        ".git/hooks/post-commit",
        ".GIT/config",
        "git~1/config",
        ".gitattributes",
        ".gitmodules",
        ".g\u200cit/x",
    ):
        folder = fresh(world, world.record)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("[core]\n\tfsmonitor = touch RAN\n")
        sign(folder)
        is_told(folder)
    return RIGHT


def odd_lists(world: World) -> str:
    """SHA256SUMS that names files twice, outside, or by what is no name."""
    honest = (world.record / "SHA256SUMS").read_text()
    first = honest.splitlines()[0]
    for more in (
        first,
        f"{'0' * 64}  {first[66:]}",
        f"{'0' * 64}  ../../etc/passwd",
        "hello",
        f"{'0' * 64}  " + "n" * 4000,
    ):
        folder = fresh(world, world.record)
        (folder / "SHA256SUMS").write_text(f"{honest}{more}\n")
        is_told(folder)
    return RIGHT


ATTACKS: dict[str, Callable[[World], str]] = {
    "device for a file": lambda world: in_place_of_each_file(world, lambda place: place.symlink_to("/dev/zero")),
    "pipe for a file": lambda world: in_place_of_each_file(world, os.mkfifo),
    "socket for a file": lambda world: in_place_of_each_file(world, a_socket),
    "folder for a file": lambda world: in_place_of_each_file(world, Path.mkdir),
    "links out": links_out,
    "1,500 folders": nested_folders,
    "odd results": odd_results,
    "flat twin": flat_twin,
    "artifact bombs": artifact_bombs,
    "pattern lines": pattern_lines,
    "yaml bombs": yaml_bombs,
    "device names": device_names,
    "verify runs nothing": verify_runs_nothing,
    "nested repository": nested_repository,
    "odd lists": odd_lists,
}
"""What is tried -> how; each answers RIGHT, or raises."""
