"""Landlock by itself, as in a container that refuses namespaces: the files, ports, sockets and processes it keeps."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from runner.node.isolation.bounds import Bounds
from runner.node.isolation.held import run_within, trial
from runner.node.isolation.landlock import readable
from runner.node.isolation.places import SHARED_PLACES, interpreter_places
from tests.fixtures.plants import PLANTS
from tests.fixtures.systems import landlock_abi

pytestmark = pytest.mark.skipif(landlock_abi() < 1, reason="this system has no Landlock")
needs_ports = pytest.mark.skipif(landlock_abi() < 4, reason="this kernel's Landlock knows no ports")
needs_scopes = pytest.mark.skipif(landlock_abi() < 6, reason="this kernel's Landlock knows no scopes")


def test_where_the_system_has_landlock_a_trial_has_it_in_the_kernels_version() -> None:
    found = trial(("landlock",))
    assert (found.layer, found.landlock_abi) == ("landlock", landlock_abi())


@pytest.fixture
def bounds(tmp_path: Path) -> Bounds:
    """Of one process that works in a folder of its own, beside a hidden one, where namespaces are refused."""
    for name in ("work", "hidden", "hidden/kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("content")
    return Bounds(
        hide=[str(tmp_path)],
        keep=[*map(str, interpreter_places()), str(tmp_path / "hidden" / "kept")],
        write=[str(tmp_path / "work")],
        private=[str(path) for path in SHARED_PLACES if not tmp_path.is_relative_to(path)],
        loopback=False,
        layers=("landlock",),
    )


def told(bounds: Bounds, program: str) -> list[str]:
    """Lines that a Python program prints within bounds that Landlock holds, and nothing else."""
    held, done = run_within(bounds, [sys.executable, "-c", program], Path(bounds.write[0]))
    assert (held.layer, held.second_uid, held.landlock_abi) == ("landlock", False, landlock_abi()), held
    assert held.refused == {"namespaces": "not tried", "uid": "not tried"}
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def trying(*attempts: str) -> str:
    """A program that prints for each attempt `done`, or how it was refused."""
    return "import ctypes, os, signal, socket\n" + "".join(
        f"try:\n    {attempt}; print('done')\nexcept OSError as error: print(os.strerror(error.errno))\n"
        for attempt in attempts
    )


DENIED = "Permission denied"


def test_what_is_hidden_cannot_be_read_and_what_is_kept_in_it_can(bounds: Bounds, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "hidden" / "file")
    places = [tmp_path / name for name in ("hidden/file", "link", "hidden/kept/file", "work/file")]
    found = told(bounds, trying(*(f"open({str(place)!r}).read()" for place in places)))
    assert found == [DENIED, DENIED, "done", "done"]


def test_of_a_kept_link_its_end_can_be_read(bounds: Bounds, tmp_path: Path) -> None:
    (tmp_path / "venv").symlink_to("hidden")
    bounds = bounds.but(keep=[*bounds.keep, str(tmp_path / "venv" / "file")])
    assert told(bounds, trying(f"open({str(tmp_path / 'venv' / 'file')!r}).read()")) == ["done"]


def test_only_what_may_be_changed_can_be_written_cut_made_or_moved(bounds: Bounds, tmp_path: Path) -> None:
    shard = str(tmp_path / "hidden" / "kept" / "file")
    attempts = [
        f"open({shard!r}, 'a')",
        f"open({shard!r}, 'r+')",
        f"os.truncate({shard!r}, 1)",
        f"os.unlink({shard!r})",
        f"os.rename({shard!r}, 'file')",
        f"os.link({shard!r}, 'linked')",
        f"os.mkdir({str(tmp_path / 'made')!r})",
        f"open({str(tmp_path / 'made')!r}, 'w')",
        f"os.mkfifo({str(tmp_path / 'hidden' / 'pipe')!r})",
        "open('own', 'w').write('x')",
        "os.truncate('own', 0)",
    ]
    found = told(bounds, trying(*attempts))
    assert found[-2:] == ["done", "done"]
    assert set(found[:-2]) <= {DENIED, "Invalid cross-device link"}, found
    assert Path(shard).read_text() == "content"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hidden", "work"]


def test_no_code_can_be_left_for_the_next_python(bounds: Bounds) -> None:
    assert told(bounds, PLANTS) == []


def test_a_second_name_of_the_same_folder_leads_no_further(bounds: Bounds, tmp_path: Path) -> None:
    hidden = str(tmp_path / "hidden" / "file")
    ways = [f"/proc/self/root{hidden}", "/proc/self/cwd/../hidden/file", f"/dev/fd/../..{hidden}"]
    program = trying(*(f"open({way!r}).read()" for way in ways))
    assert "done" not in told(bounds, program)


@needs_ports
def test_one_process_by_itself_reaches_no_port_unless_the_network_is_opened(bounds: Bounds) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = trying(
            f"socket.create_connection({server.getsockname()!r}, 5)", "socket.create_server(('127.0.0.1', 0))"
        )
        assert told(bounds, program) == [DENIED, DENIED]
        assert told(bounds.but(network=True), program) == ["done", "done"]
        # torchrun's processes must meet on loopback, and no rule can name that alone.
        assert told(bounds.but(loopback=True), program) == ["done", "done"]


@needs_scopes
def test_an_abstract_socket_and_a_process_outside_are_out_of_reach(bounds: Bounds) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0golf-{os.getpid()}")
        server.listen()
        program = trying(
            f"socket.socket(socket.AF_UNIX).connect({server.getsockname().decode()!r})",
            f"os.kill({os.getpid()}, 0)",
            "own = socket.socket(socket.AF_UNIX); own.bind('\\0golf-own'); own.listen(); "
            "socket.socket(socket.AF_UNIX).connect('\\0golf-own')",
        )
        refused = os.strerror(1)
        assert told(bounds, program) == [refused, refused, "done"]


@needs_scopes
def test_a_descriptor_that_training_keeps_in_a_process_of_its_own_is_not_handed_to_the_next(bounds: Bounds) -> None:
    name = f"\\0golf-fd-{os.getpid()}"
    keeps = (
        "import os, socket, time\n"
        "memory = os.memfd_create('kept'); os.write(memory, b'weights')\n"
        f"door = socket.socket(socket.AF_UNIX); door.bind('{name}'); door.listen()\n"
        "if os.fork() == 0:\n"
        "    os.setsid(); [os.dup2(os.open('/dev/null', 2), end) for end in (0, 1, 2)]; door.settimeout(5)\n"
        "    socket.send_fds(door.accept()[0], [b'x'], [memory])\n"
    )
    assert told(bounds, keeps) == []
    assert told(bounds, trying(f"socket.socket(socket.AF_UNIX).connect('{name}')")) == [os.strerror(1)]


def test_another_process_cannot_be_looked_into(bounds: Bounds) -> None:
    here = f"/proc/{os.getpid()}"
    found = told(bounds, trying(*(f"open('{here}/{name}', 'rb').read(10)" for name in ("environ", "mem", "fd/0"))))
    assert "done" not in found


def test_it_cannot_be_undone_from_inside_and_holds_for_what_is_started(bounds: Bounds, tmp_path: Path) -> None:
    hidden = str(tmp_path / "hidden" / "file")
    program = (
        "import ctypes, subprocess\n"
        "libc = ctypes.CDLL(None)\n"
        # In a user namespace of its own it would be root, and still may mount nothing.
        "libc.unshare(0x10020000); print(libc.mount(b'none', b'/mnt', b'tmpfs', 0, None))\n"
        f"print(libc.mount({os.fsencode(tmp_path)!r}, b'/mnt', None, 4096, None))\n"
        f"print(subprocess.run(['cat', {hidden!r}], capture_output=True).returncode)\n"
    )
    assert told(bounds, program) == ["-1", "-1", "1"]


def test_what_is_readable_is_everything_beside_what_is_hidden(tmp_path: Path) -> None:
    for name in ("a/b/hidden", "a/b/seen", "a/c"):
        (tmp_path / name).mkdir(parents=True)
    bounds = Bounds(hide=[str(tmp_path / "a" / "b" / "hidden")], keep=[], write=[], private=[])
    found = [path for path in readable(bounds) if path.startswith(f"{tmp_path}/")]
    assert found == [str(tmp_path / "a" / "b" / "seen"), str(tmp_path / "a" / "c")]
    whole = readable(Bounds(hide=[], keep=[], write=[], private=[]))
    assert whole == ["/"]
