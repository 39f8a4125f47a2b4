"""In namespaces of its own a process sees, changes and reaches what its bounds say, and ends as its command ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from runner.node.isolation.bounds import Bounds
from runner.node.isolation.enter import command_in
from runner.node.isolation.held import run_within, trial
from runner.node.isolation.places import SHARED_PLACES, interpreter_places
from runner.results.phases import Isolation
from tests.fixtures.plants import PLANTS
from tests.fixtures.systems import needs_namespaces

pytestmark = needs_namespaces


def test_where_the_system_gives_namespaces_a_trial_has_them() -> None:
    assert trial(("namespaces",)) == Isolation(layer="namespaces")


@pytest.fixture
def bounds(tmp_path: Path) -> Bounds:
    """Of a process that works in a folder of its own, and has the shared places for itself."""
    (tmp_path / "work").mkdir()
    return Bounds(
        hide=["/root", "/home"],
        keep=[str(path) for path in interpreter_places()],
        write=[str(tmp_path / "work")],
        private=[str(path) for path in SHARED_PLACES],
    )


def told(bounds: Bounds, program: str) -> str:
    """What a Python program prints within bounds."""
    folder = Path(bounds.write[0])
    held, done = run_within(bounds, [sys.executable, "-c", program], folder)
    assert held == Isolation(layer="namespaces", network=bounds.network), held
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hidden_folders_are_empty_hidden_files_have_nothing_and_what_is_kept_is_there(
    bounds: Bounds, tmp_path: Path
) -> None:
    for name in ("seen/file", "hidden/file", "hidden/kept/file"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("content")
    (tmp_path / "file").write_text("content")
    bounds = bounds.but(
        keep=[*bounds.keep, str(tmp_path / "seen"), str(tmp_path / "hidden" / "kept"), str(tmp_path / "file")],
        hide=[*bounds.hide, str(tmp_path / "hidden"), str(tmp_path / "file")],
    )
    program = (
        "import os; os.chdir('..')\n"
        "print(sorted(os.listdir('.')), os.listdir('hidden'))\n"
        "print([open(name).read() for name in ('seen/file', 'hidden/kept/file', 'file')])"
    )
    assert told(bounds, program) == ("['file', 'hidden', 'seen', 'work'] ['kept']\n['content', 'content', '']\n")
    assert (tmp_path / "hidden" / "file").read_text() == "content"


def test_of_a_kept_link_below_a_hidden_folder_both_ends_are_kept(bounds: Bounds, tmp_path: Path) -> None:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "real" / "inner" / "file").write_text("content")
    (tmp_path / "near").symlink_to("real")
    (tmp_path / "venv").symlink_to(tmp_path / "near" / "inner")
    bounds = bounds.but(keep=[*bounds.keep, str(tmp_path / "venv" / "file")])
    assert told(bounds, f"print(open({str(tmp_path / 'venv' / 'file')!r}).read())") == "content\n"


def test_links_that_go_in_a_circle_are_told_as_the_reason(bounds: Bounds, tmp_path: Path) -> None:
    folder = Path(bounds.write[0])
    bounds = bounds.but(write=[*bounds.write, str(tmp_path / "file")], layers=("namespaces",))
    os.mkfifo(tmp_path / "file")
    held, _ = run_within(bounds.but(keep=[*bounds.keep, "/proc/1/root/nowhere"]), [sys.executable], folder)
    assert held.layer == "namespaces"  # what is not there need not be kept
    held, _ = run_within(bounds.but(private=["/proc"]), [sys.executable, "-c", ""], folder)
    assert held.layer == "none"
    assert held.refused["namespaces"]


def test_only_what_may_be_changed_can_be_changed(bounds: Bounds, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "shard").write_text("text")
    os.mkfifo(tmp_path / "events")
    reader = os.open(tmp_path / "events", os.O_RDONLY | os.O_NONBLOCK)
    bounds = bounds.but(keep=[*bounds.keep, str(tmp_path / "data")], write=[*bounds.write, str(tmp_path / "events")])
    outside = [str(tmp_path / "data" / "shard"), "/etc/golf-test", "/usr/golf-test", f"{sys.prefix}/golf-test"]
    outside += ["/var/golf-test", "/run/golf-test", "/root/golf-test", "/golf-test", "/proc/sys/kernel/domainname"]
    program = (
        "import os\n"
        f"for path in {outside!r}:\n"
        "    try:\n        open(path, 'a'); print('changed', path)\n"
        "    except OSError: pass\n"
        f"try: os.setxattr({outside[0]!r}, 'user.w', b'w'); print('marked')\nexcept OSError: pass\n"
        "for path in ('golf-own', *('%s/golf-own' % p for p in ('/tmp', '/var/tmp', '/dev/shm'))): open(path, 'w')\n"
        f"open({str(tmp_path / 'events')!r}, 'w').write('event')\n"
    )
    assert told(bounds, program) == ""
    assert os.read(reader, 100) == b"event"
    os.close(reader)
    assert (tmp_path / "data" / "shard").read_text() == "text"
    assert (tmp_path / "work" / "golf-own").exists()
    assert not any((place / "golf-own").exists() for place in SHARED_PLACES)


def test_no_code_can_be_left_for_the_next_python(bounds: Bounds) -> None:
    planted = [Path(place) / name for _, place, name in map(str.split, told(bounds, PLANTS).splitlines())]
    assert [path for path in planted if path.exists()] == []
    # What lies in a private place, as a checkout below /tmp does, can be written there, and goes with the phase.
    assert [path for path in planted if not any(path.is_relative_to(place) for place in SHARED_PLACES)] == []


LEAVE_AND_FIND = {
    "System V memory": (
        "import ctypes; libc = ctypes.CDLL(None); n = libc.shmget(KEY, 4096, 0o1600); assert n >= 0",
        "import ctypes; print('found' if ctypes.CDLL(None).shmget(KEY, 0, 0o600) >= 0 else 'nothing')",
    ),
    "System V messages": (
        (
            "import ctypes; libc = ctypes.CDLL(None); n = libc.msgget(KEY, 0o1600)\n"
            "assert n >= 0 and libc.msgsnd(n, ctypes.create_string_buffer(b'\\1' * 64), 8, 0) == 0"
        ),
        "import ctypes; print('found' if ctypes.CDLL(None).msgget(KEY, 0o600) >= 0 else 'nothing')",
    ),
    "POSIX memory": (
        (
            "from multiprocessing.shared_memory import SharedMemory as S; S('golf-KEY', True, 64)\n"
            "from multiprocessing import resource_tracker as t; import os; os.kill(t._resource_tracker._pid, 9)"
        ),
        "import os; print('found' if os.path.exists('/dev/shm/golf-KEY') else 'nothing')",
    ),
    "POSIX messages": (
        "import ctypes; libc = ctypes.CDLL(None)\nassert libc.mq_open(b'/golf-KEY', 0o102, 0o600, None) >= 0",
        "import ctypes; print('found' if ctypes.CDLL(None).mq_open(b'/golf-KEY', 0) >= 0 else 'nothing')",
    ),
    "a key ring": (
        "import ctypes; libc = ctypes.CDLL(None); print(libc.syscall(248, b'user', b'golf-KEY', b'w', 1, -4))",
        (
            "import ctypes; libc = ctypes.CDLL(None)\n"
            "print('nothing' if libc.syscall(249, b'user', b'golf-KEY', None, 0) < 0 else 'found')"
        ),
    ),
    "a process with a socket": (
        (
            "import os, socket, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid(); s = socket.socket(socket.AF_UNIX); s.bind('\\0golf-KEY'); s.listen(); time.sleep(60)\n"
            "time.sleep(0.3)"
        ),
        (
            "import socket; s = socket.socket(socket.AF_UNIX)\n"
            "print('nothing' if s.connect_ex('\\0golf-KEY') else 'found')"
        ),
    ),
    "a descriptor over a socket": (
        (
            "import os, socket, time\n"
            "memory = os.memfd_create('golf-KEY'); os.write(memory, b'weights')\n"
            "for name in ('\\0golf-fd-KEY', '/tmp/golf-fd-KEY', 'golf-fd-KEY'):\n"
            "    if os.fork() == 0:\n"
            "        os.setsid(); door = socket.socket(socket.AF_UNIX); door.bind(name); door.listen()\n"
            "        socket.send_fds(door.accept()[0], [b'x'], [memory])\n"
            "time.sleep(0.3)"
        ),
        (
            "import os, socket\n"
            "names = ('\\0golf-fd-KEY', '/tmp/golf-fd-KEY', 'golf-fd-KEY')\n"
            "open_ = [name for name in names if socket.socket(socket.AF_UNIX).connect_ex(name) == 0]\n"
            "ends = [f'/proc/self/fd/{number}' for number in range(9)]\n"
            "held = [os.readlink(end) for end in ends if os.path.exists(end)]\n"
            "print('found' if open_ or any('memfd' in where for where in held) else 'nothing')"
        ),
    ),
    "a file in /tmp": (
        "open('/tmp/golf-KEY', 'w'); open('/var/tmp/golf-KEY', 'w')",
        (
            "import os; print('found' if {'/tmp/golf-KEY', '/var/tmp/golf-KEY'} & set(map(str, os.listdir('/tmp'))) "
            "or os.path.exists('/var/tmp/golf-KEY') else 'nothing')"
        ),
    ),
}


@pytest.mark.parametrize("way", LEAVE_AND_FIND)
def test_what_one_process_leaves_the_next_does_not_find(bounds: Bounds, way: str) -> None:
    key = str(0x60000000 + os.getpid())
    leave, find = (text.replace("KEY", key) for text in LEAVE_AND_FIND[way])
    told(bounds, leave)
    assert told(bounds, find) == "nothing\n"


def test_no_descriptor_of_golf_is_handed_on_but_its_output(bounds: Bounds, tmp_path: Path) -> None:
    kept = os.memfd_create("golf", 0)  # as careless a one as there can be: it survives an exec
    try:
        program = (
            "import os\nwhere = {}\n"
            "for fd in range(200):\n"
            "    try: where[fd] = os.readlink(f'/proc/self/fd/{fd}').split(':')[0]\n"
            "    except OSError: pass\n"
            "print(where)"
        )
        assert told(bounds, program) == "{0: '/dev/null', 1: 'pipe', 2: 'pipe'}\n"
    finally:
        os.close(kept)


def test_no_process_outside_can_be_seen_and_the_first_one_inside_not_looked_into(bounds: Bounds) -> None:
    program = (
        "import ctypes, os\n"
        "print(sorted(name for name in os.listdir('/proc') if name.isdigit()), os.getpid(), os.getsid(0))\n"
        "for name in ('environ', 'mem', 'fd/1', 'root/etc', 'cwd/x'):\n"
        "    try: open(f'/proc/1/{name}', 'rb').read(10); print('read', name)\n"
        "    except OSError: pass\n"
        "print(ctypes.CDLL(None).ptrace(16, 1, None, None))"
    )
    assert told(bounds, program) == "['1', '2'] 2 2\n-1\n"


def test_bounds_cannot_be_undone_from_inside(bounds: Bounds, tmp_path: Path) -> None:
    (tmp_path / "inside").write_text("content")
    program = (
        "import ctypes, os\n"
        f"libc, place = ctypes.CDLL(None), {os.fsencode(tmp_path)!r}\n"
        "print(libc.umount2(b'/tmp', 2), libc.unshare(0x10020000), libc.umount2(b'/tmp', 2), os.listdir(place))\n"
        "print(libc.mount(b'none', b'/', None, 32 | 4096, None), os.path.exists('/dev/vda'))\n"
        "print(open('/proc/self/status').read().split('CapBnd:')[1].split()[0])"
    )
    lines = told(bounds, program).splitlines()
    assert lines[0].startswith("-1 ")
    assert lines[0].endswith(" -1 [b'work']")
    assert lines[1] == "-1 False"


def test_only_the_own_loopback_can_be_reached_unless_the_network_is_opened(bounds: Bounds) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = (
            "import socket\n"
            "with socket.create_server(('127.0.0.1', 0)) as own:\n"
            "    socket.create_connection(own.getsockname()).close()\n"
            f"print(socket.socket().connect_ex({server.getsockname()!r}))"
        )
        assert told(bounds, program) == "111\n"
        assert told(bounds.but(network=True), program) == "0\n"


def test_sockets_of_the_nodes_services_are_covered_wherever_they_lie(bounds: Bounds, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    place = tmp_path / "data" / "service one"
    bounds = bounds.but(keep=[*bounds.keep, str(tmp_path / "data")])
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(place))
        service.listen()
        program = f"import socket; print(socket.socket(socket.AF_UNIX).connect_ex({str(place)!r}))"
        assert told(bounds, program) == "111\n"  # refused: nobody listens at what covers it
        assert told(bounds.but(network=True), program) == "111\n"


def test_no_socket_leads_past_the_network_namespace_and_those_that_programs_need_are_there(bounds: Bounds) -> None:
    program = (
        "import ctypes, socket\n"
        "def number(family):\n"
        "    try: socket.socket(family, 1 if family < 16 else socket.SOCK_RAW).close()\n"
        "    except OSError as error: return error.errno\n"
        "print([number(one) for one in (1, 2, 10, 16)], [number(one) for one in (17, 30, 38, 40, 42, 44)])\n"
        "socket.socketpair()\n"
        "print(ctypes.CDLL(None).syscall(425, 4, bytes(120)))"
    )
    assert told(bounds, program) == "[None, None, None, None] [97, 97, 97, 97, 97, 97]\n-1\n"


@pytest.mark.parametrize(
    ("program", "code"), [("import os; os._exit(3)", 3), ("import os; os.kill(os.getpid(), 11)", -11)]
)
def test_it_ends_as_its_command_ends(bounds: Bounds, program: str, code: int) -> None:
    held, done = run_within(bounds, [sys.executable, "-c", program], Path(bounds.write[0]))
    assert (held.layer, done.returncode) == ("namespaces", code)


def test_a_signal_reaches_the_command_and_its_orphans_die_with_it(bounds: Bounds, tmp_path: Path) -> None:
    program = (
        "import os, signal, sys, time\n"
        "if os.fork() == 0:\n    os.setsid(); time.sleep(60)\n"
        "def leave(*_): open('left', 'w').close(); os._exit(5)\n"
        "signal.signal(signal.SIGTERM, leave)\nopen('up', 'w').close()\ntime.sleep(60)"
    )
    started = subprocess.Popen(command_in([sys.executable, "-c", program], bounds), cwd=bounds.write[0])
    below = _until_up(started, tmp_path)
    started.send_signal(signal.SIGTERM)
    assert started.wait(10) == 5
    assert (tmp_path / "work" / "left").exists()
    assert psutil.wait_procs(below, timeout=5)[1] == []


def test_all_of_it_dies_with_the_process_outside(bounds: Bounds, tmp_path: Path) -> None:
    program = "import os, time\nif os.fork() == 0:\n    os.setsid()\nopen('up', 'w').close()\ntime.sleep(60)"
    started = subprocess.Popen(command_in([sys.executable, "-c", program], bounds), cwd=bounds.write[0])
    below = _until_up(started, tmp_path)
    started.kill()
    started.wait()
    assert psutil.wait_procs(below, timeout=5)[1] == []


def _until_up(started: subprocess.Popen[bytes], folder: Path) -> list[psutil.Process]:
    give_up = time.monotonic() + 20
    while not (folder / "work" / "up").exists():
        assert time.monotonic() < give_up
        time.sleep(0.05)
    time.sleep(0.1)
    return psutil.Process(started.pid).children(recursive=True)
