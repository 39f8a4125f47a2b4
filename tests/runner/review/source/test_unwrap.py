"""Shells opened as data: every codec, pieces, files beside, modules in strings; what is not known is unread."""

from __future__ import annotations

import base64
import bz2
import gzip
import lzma
import zlib
from pathlib import Path

import pytest

from runner.review.source.unwrap import Reviewed, read_source

INNER = "import os\n\n\ndef score(tokens):\n    return sum(tokens) / len(tokens)\n\n\nprint(score([1, 2, 3]))\n"


def reviewed(tmp_path: Path, text: str | bytes, **beside: bytes) -> Reviewed:
    for name, content in beside.items():
        (tmp_path / name.replace("__", ".")).write_bytes(content)
    script = tmp_path / "train_gpt.py"
    script.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_source(script)


def b85(content: bytes) -> str:
    return base64.b85encode(content).decode()


LZMA = b85(lzma.compress(INNER.encode()))
RAW = b85(lzma.compress(INNER.encode(), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2}]))
ZLIB = base64.b64encode(zlib.compress(INNER.encode()))
BZ2 = b85(bz2.compress(INNER.encode()))
GZIP = base64.a85encode(gzip.compress(INNER.encode()))
BOTH = lzma.compress(zlib.compress(INNER.encode())).hex()
SHELLS = {
    "lzma": (f"import lzma as L, base64 as B\nexec(L.decompress(B.b85decode({LZMA!r})))", "base85 lzma"),
    "raw lzma": (
        f"""import lzma as L,base64 as B
D={RAW!r}
exec(L.decompress(B.b85decode(D),format=L.FORMAT_RAW,filters=[{{'id':L.FILTER_LZMA2}}]).decode('utf-8'))""",
        "base85 lzma",
    ),
    "zlib": (
        f"from base64 import b64decode\nfrom zlib import decompress as z\nexec(z(b64decode({ZLIB!r})))",
        "base64 zlib",
    ),
    "bz2 in pieces": (
        f"import bz2, base64\nD = ({BZ2[:40]!r}\n{BZ2[40:]!r})\nexec(bz2.decompress(base64.b85decode(''.join([D]))))",
        "base85 bz2",
    ),
    "gzip by a name": (
        f"import gzip, base64\nc = gzip.decompress(base64.a85decode({GZIP!r}))\nexec(c)",
        "ascii85 gzip",
    ),
    "chained": (
        f"import zlib, lzma\nexec(zlib.decompress(lzma.decompress(bytes.fromhex({BOTH!r}))))",
        "lzma zlib",
    ),
}


@pytest.mark.parametrize(("shell", "steps"), SHELLS.values(), ids=SHELLS)
def test_a_shell_is_opened_whatever_its_codec(tmp_path: Path, shell: str, steps: str) -> None:
    found = reviewed(tmp_path, shell)
    assert [layer.text for layer in found.opened] == [INNER]
    assert found.opened[0].name == "train_gpt.py#decoded"
    assert found.opened[0].size == len(INNER)
    assert found.opened[0].steps == tuple(steps.split())
    assert found.complete


def test_a_brotli_shell_is_opened_where_brotli_is_installed(tmp_path: Path) -> None:
    brotli = pytest.importorskip("brotli")
    packed = b85(brotli.compress(INNER.encode()))
    found = reviewed(tmp_path, f"import brotli as B, base64 as b\nexec(B.decompress(b.b85decode({packed!r})))")
    assert [layer.text for layer in found.opened] == [INNER]


def test_a_shell_in_a_shell_gives_two_layers_each_at_its_line(tmp_path: Path) -> None:
    inner = f"\n\nimport zlib, base64\nexec(zlib.decompress(base64.b64decode({ZLIB!r})))"
    shell = f"import zlib\nexec(zlib.decompress(bytes.fromhex({zlib.compress(inner.encode()).hex()!r})))"
    found = reviewed(tmp_path, shell)
    assert [(layer.name, layer.parent, layer.line) for layer in found.texts] == [
        ("train_gpt.py", None, 0),
        ("train_gpt.py#decoded", 0, 2),
        ("train_gpt.py#decoded#decoded", 1, 4),
    ]


def test_a_payload_beside_the_script_is_read(tmp_path: Path) -> None:
    shell = (
        "import lzma, pathlib\n_s = lzma.decompress(pathlib.Path(__file__).with_suffix('.py.lzma').read_bytes())\n"
        "exec(compile(_s, __file__, 'exec'))"
    )
    found = reviewed(tmp_path, shell, train_gpt__py__lzma=lzma.compress(INNER.encode()))
    assert [layer.text for layer in found.texts[1:]] == [INNER]
    assert found.complete


def test_a_payload_outside_the_folder_is_unread(tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text(INNER)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "train_gpt.py").write_text("exec(open('../secret.py').read())\n")
    found = read_source(tmp_path / "in" / "train_gpt.py")
    assert len(found.texts) == 1
    assert [(one.line, one.why) for one in found.unread] == [
        (1, "exec of code that is not known: ../secret.py is not beside the script")
    ]


def test_a_stub_that_executes_a_file_beside_it_leads_to_that_file(tmp_path: Path) -> None:
    found = reviewed(
        tmp_path,
        "import os\nd = os.path.dirname(os.path.abspath(__file__))\nexec(open(os.path.join(d, 'inner.py')).read())\n",
        inner__py=INNER.encode(),
    )
    assert [layer.text for layer in found.texts[1:]] == [INNER]
    assert found.complete


def test_pieces_written_to_a_temporary_folder_and_run_are_followed(tmp_path: Path) -> None:
    payload = base64.b64encode(zlib.compress(f"# one\n@@{INNER}".encode()))
    shell = (
        "import base64, os, runpy, tempfile, zlib\n"
        f"parts = zlib.decompress(base64.b64decode({payload!r})).decode().split('@@')\n"
        "d = tempfile.mkdtemp()\np = os.path.join(d, 'job.py')\n"
        "with open(p, 'w') as f:\n    f.write(parts[1])\n"
        "runpy.run_path(p, run_name='__main__')\n"
    )
    found = reviewed(tmp_path, shell)
    assert [(layer.name, layer.text) for layer in found.texts[1:]] == [("train_gpt.py#job.py", INNER)]
    assert found.complete


def test_a_cipher_over_constants_is_undone(tmp_path: Path) -> None:
    key = bytes((i * 7 + 3) % 256 for i in range(16))
    hidden = bytes(c ^ key[i % 16] for i, c in enumerate(zlib.compress(INNER.encode())))
    shell = (
        "import zlib\nk = bytes((i * 7 + 3) % 256 for i in range(16))\n"
        f"d = bytes.fromhex({hidden.hex()!r})\n"
        "exec(zlib.decompress(bytes(c ^ k[i % 16] for i, c in enumerate(d))))\n"
    )
    found = reviewed(tmp_path, shell)
    assert [layer.text for layer in found.opened] == [INNER]
    assert found.opened[0].steps == ("computed", "zlib")


def test_modules_that_a_helper_installs_from_strings_are_layers(tmp_path: Path) -> None:
    shell = (
        "import sys, types\n\n\ndef install(name, source):\n    module = types.ModuleType(name)\n"
        "    sys.modules[name] = module\n    exec(compile(source, name, 'exec'), module.__dict__)\n\n\n"
        f"install('tables', {INNER!r})\n"
    )
    found = reviewed(tmp_path, shell)
    assert [(layer.name, layer.text, layer.runs) for layer in found.texts[1:]] == [
        ("train_gpt.py#tables", INNER, True)
    ]
    assert found.complete


def test_modules_beside_are_followed_through_each_other(tmp_path: Path) -> None:
    found = reviewed(
        tmp_path,
        "import one\nimport torch\n",
        one__py=b"def f():\n    from two import g\n    return g\n",
        two__py=b"import one\n\n\ndef g():\n    return 1\n",
        never__py=b"x = 1\n",
    )
    assert [(layer.name, layer.kind, layer.parent) for layer in found.texts] == [
        ("train_gpt.py", "file", None),
        ("one.py", "beside", 0),
        ("two.py", "beside", 1),
    ]


def test_a_launcher_leads_to_the_script_that_it_launches(tmp_path: Path) -> None:
    found = reviewed(
        tmp_path,
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'torch.distributed.run', 'real.py'])\n",
        real__py=INNER.encode(),
    )
    assert [layer.name for layer in found.texts] == ["train_gpt.py", "real.py"]


@pytest.mark.parametrize(
    ("shell", "why"),
    [
        ("import os\nexec(os.environ['CODE'])\n", "exec of code that is not known"),
        ("import marshal\nexec(marshal.loads(b'abcd'))\n", "compiled code (marshal)"),
        ("def go(text):\n    exec(text)\n", "exec of code that is not known: text is not known"),
        ("import lzma\nexec(lzma.decompress(b'nothing of the kind'))\n", "lzma: "),
        ("e = exec\ne(input())\n", "exec of code that is not known"),
        ("import builtins\ngetattr(builtins, 'ex' + 'ec')(input())\n", "exec of code that is not known"),
        ("class Runner:\n    def go(self, source):\n        return eval(source)\n", "eval of code that is not known"),
    ],
)
def test_what_cannot_be_worked_out_is_unread_and_never_complete(tmp_path: Path, shell: str, why: str) -> None:
    found = reviewed(tmp_path, shell)
    assert any(why in one.why for one in found.unread), found.unread
    assert not found.complete


def test_a_bomb_is_unread_and_takes_no_memory(tmp_path: Path) -> None:
    bomb = b85(zlib.compress(bytes(65 << 20), 1))
    found = reviewed(tmp_path, f"import zlib, base64\nexec(zlib.decompress(base64.b85decode({bomb!r})))")
    assert [one.why for one in found.unread] == [
        "exec of code that is not known: zlib: unfolds to more than 67,108,864 bytes"
    ]


@pytest.mark.parametrize(
    "shell",
    [
        "while True:\n    exec('x' * 10)\n",
        "exec('a' * 10 ** 12)\n",
        "def f(x):\n    return f(x)\n\n\nexec(f(1))\n",
        "exec(''.join(chr(i % 128) for i in range(10 ** 9)))\n",
        "exec('%0999999999d' % 1)\n",
        "exec('{:>999999999}'.format('x'))\n",
        "x = 'ab'\nfor i in range(60):\n    x = x + x\nexec(x)\n",
        "exec(1 << 9999999999)\n",
        "s = 'exec(s)'\nexec(s)\n",
    ],
)
def test_code_that_would_take_for_ever_is_given_up(tmp_path: Path, shell: str) -> None:
    found = reviewed(tmp_path, shell)
    assert len(found.texts) <= 3


def test_nothing_of_a_script_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    writes = f"open({str(mark)!r}, 'w').write('x')"
    shell = f"{writes}\nexec({writes + ' ' * 40!r})\n"
    reviewed(tmp_path, shell)
    assert not mark.exists()


def test_a_file_that_is_no_python_says_why(tmp_path: Path) -> None:
    found = reviewed(tmp_path, "step:1/2 train_loss:3.1 train_time:5ms — done\n")
    assert found.texts[0].tree is None
    assert found.texts[0].reason.startswith("is no Python that can be read: ")
    assert not found.complete


@pytest.mark.parametrize("head", [b"\xef\xbb\xbf", b"# -*- coding: latin-1 -*-\n# \xe9\n"], ids=["mark", "latin-1"])
def test_other_encodings_are_read(tmp_path: Path, head: bytes) -> None:
    assert reviewed(tmp_path, head + INNER.encode()).complete


def test_c_in_a_string_is_named_as_unread(tmp_path: Path) -> None:
    source = "#include <math.h>\n" + "int f(int x) { return x; }\n" * 10
    found = reviewed(tmp_path, f"import ctypes\n\nSOURCE = {source!r}\n")
    assert [(one.line, one.why) for one in found.native] == [(3, "288 characters of C, which are not read")]


def test_model_eval_and_torch_compile_are_no_shells(tmp_path: Path) -> None:
    found = reviewed(tmp_path, "import torch\nmodel = torch.compile(object())\nmodel.eval()\n")
    assert found.complete
    assert len(found.texts) == 1


def test_each_function_may_be_asked_for_a_place(tmp_path: Path) -> None:
    found = reviewed(tmp_path, INNER)
    assert found.place(0, 4) == "train_gpt.py:4"
