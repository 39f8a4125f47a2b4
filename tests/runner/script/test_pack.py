"""Packed scripts run like the script itself, and are read back without running."""

from __future__ import annotations

import base64
import bz2
import hashlib
import lzma
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import UserError
from runner.script.pack import MAX_FLAT_BYTES, MAX_PACKED_BYTES, pack, unpack

FILLER = "".join(f"# line {number} of a comment that makes packing worth while\n" for number in range(200))


def script(code: str, head: str = "# head, first line\n# head, second line\n") -> str:
    return f"{head}\n{FILLER}{code}"


def run(folder: Path, flat: str, *options: str) -> subprocess.CompletedProcess[str]:
    path = folder / "train_gpt.py"
    path.write_bytes(pack(flat))
    assert b"_packed" in path.read_bytes()
    return subprocess.run([sys.executable, *options, path.name], capture_output=True, text=True, cwd=folder)


def test_packed_script_keeps_its_file_name_and_main_semantics(tmp_path: Path) -> None:
    done = run(tmp_path, script("print(__file__)\nif __name__ == '__main__':\n    raise SystemExit(5)\n"), "-I")
    assert (done.stdout, done.stderr, done.returncode) == (f"{tmp_path / 'train_gpt.py'}\n", "", 5)


def test_importing_a_packed_script_does_not_run_its_main(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_bytes(
        pack(script("X = 3\nif __name__ == '__main__':\n    raise SystemExit(5)\n"))
    )
    code = "import train_gpt; print(train_gpt.X, train_gpt.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("3 train_gpt\n", 0)


def test_getsource_gives_functions_and_classes_of_a_packed_script(tmp_path: Path) -> None:
    function = "def f(x):\n    # a comment inside\n    return x\n"
    kind = "class A:\n    def g(self):\n        return 'g'\n"
    checks = "print(inspect.getsource(f) + inspect.getsource(A) + inspect.getsource(A.g))\n"
    done = run(tmp_path, script(f"import inspect\n\n\n{function}\n\n{kind}\n\n{checks}"))
    assert done.stderr == ""
    assert done.stdout == function + kind + "".join(kind.splitlines(keepends=True)[1:]) + "\n"


def test_tracebacks_show_the_real_line_and_only_the_scripts_frames(tmp_path: Path) -> None:
    flat = script("def broken():\n    raise ValueError('of the test')  # the guilty line\n\n\nbroken()\n")
    line = flat.split("\n").index("broken()") + 1
    done = run(tmp_path, flat)
    assert done.returncode == 1
    assert "    raise ValueError('of the test')  # the guilty line\n" in done.stderr
    assert f'train_gpt.py", line {line}, in <module>\n    broken()\n' in done.stderr
    assert "exec(" not in done.stderr
    assert done.stderr.endswith("ValueError: of the test\n")
    assert len(done.stderr) < 1000


def test_formatted_tracebacks_show_the_real_line_after_the_cache_was_checked(tmp_path: Path) -> None:
    attempt = "try:\n    1 / 0  # guilty\nexcept ZeroDivisionError:\n"
    show = "    linecache.checkcache()\n    print(traceback.format_exc())\n"
    done = run(tmp_path, script(f"import linecache\nimport traceback\n{attempt}{show}"))
    assert "1 / 0  # guilty" in done.stdout


def test_packed_file_begins_with_the_head_and_the_twins_sha256() -> None:
    flat = script("print(1)\n")
    lines = pack(flat).decode().split("\n")
    assert lines[:2] == ["# head, first line", "# head, second line"]
    assert lines[3] == f"# {hashlib.sha256(flat.encode()).hexdigest()}"


def test_packing_is_deterministic_and_smaller() -> None:
    flat = script("print(1)\n")
    assert pack(flat) == pack(flat)
    assert len(pack(flat)) < len(flat) / 3


def test_a_source_that_packing_would_enlarge_stays_plain() -> None:
    assert pack("print(1)\n") == b"print(1)\n"
    assert unpack(b"print(1)\n") == "print(1)\n"


@settings(max_examples=settings().max_examples // 6)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_unpack_returns_what_was_packed(text: str) -> None:
    assert unpack(pack(script(text))) == script(text)


def test_refuses_to_pack_what_could_not_be_unpacked() -> None:
    with pytest.raises(UserError, match="can be packed"):
        pack("#" * (MAX_FLAT_BYTES + 1))


def bomb(size: int, *, older: bool) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9}]
    packed = lzma.compress(bytes(size), lzma.FORMAT_RAW, filters=filters) if older else bz2.compress(bytes(size))
    kind = "import lzma\n" * older
    return f'import base64\n{kind}_packed = "{base64.b85encode(packed).decode()}"\n'.encode()


@pytest.mark.parametrize("older", [False, True])
def test_a_decompression_bomb_stops_at_the_bound(older: bool) -> None:
    with pytest.raises(UserError, match="expands beyond"):
        unpack(bomb(50_000_000, older=older))
    with pytest.raises(UserError, match="expands beyond"):
        unpack(bomb(MAX_FLAT_BYTES + 1, older=older))


def test_scripts_of_before_are_read_and_run_as_well(tmp_path: Path) -> None:
    flat = script("print(__name__)\n")
    (tmp_path / "train_gpt.py").write_bytes(pack(flat, older=True))
    done = subprocess.run([sys.executable, "train_gpt.py"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("__main__\n", "")
    assert unpack(pack(flat, older=True)) == flat
    assert b"import lzma" in pack(flat, older=True)
    assert b"import lzma" not in pack(flat)


def test_refuses_files_that_are_too_large_or_not_text() -> None:
    with pytest.raises(UserError, match="at most"):
        unpack(b"#" * (MAX_PACKED_BYTES + 1))
    with pytest.raises(UserError, match=r"not UTF-8 text \(byte 1\)"):
        unpack(b"#\xff")


def test_refuses_other_code_around_the_literal() -> None:
    honest = pack(script("print(1)\n"))
    with pytest.raises(UserError, match="other code"):
        unpack(honest + b"import os\n")
    with pytest.raises(UserError, match="other code"):
        unpack(honest.replace(b"# head, first", b"# head, other"))


@pytest.mark.parametrize("keep", [0, 1, 2, 10, 100, -2, -1])
def test_refuses_a_cut_literal(keep: int) -> None:
    honest = pack(script("print(1)\n")).decode()
    before, payload, after = honest.split('"', 2)
    with pytest.raises(UserError, match=r"damaged|truncated"):
        unpack(f'{before}"{payload[:keep]}"{after}'.encode())


@settings(max_examples=settings().max_examples // 3)
@given(st.data())
def test_flipped_characters_are_found_or_harmless(data: st.DataObject) -> None:
    flat = script("print(1)\n")
    packed = bytearray(pack(flat))
    for _ in range(data.draw(st.integers(1, 3))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = unpack(bytes(packed))
    except UserError:
        return
    assert read in (flat, packed.decode())  # the latter where no literal is recognised any more
