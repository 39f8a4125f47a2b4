"""An import, cut off: what it finds, what it may not reach, and how it ends when the script would not."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import pytest

from runner.review.facts import Imported
from runner.review.run.run_context import run_context
from runner.review.smoke.smoke import smoke_test
from runner.review.source.unwrap import read_source
from runner.review.targets import target_of
from tests.fixtures.systems import needs_namespaces

pytestmark = needs_namespaces
SETTINGS = """import os


class Hyperparameters:
    num_layers = int(os.environ.get("NUM_LAYERS", "9"))
    model_dim = 512
    vocab_size = 8192


if __name__ == "__main__":
    raise SystemExit("the import ran main")
"""


def smoke(tmp_path: Path, text: str, seconds: float = 60, **files: str) -> Imported:
    folder = tmp_path / "entry"
    folder.mkdir()
    (folder / "train_gpt.py").write_text(text)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    target = target_of(folder)
    reviewed = read_source(target.script)
    return smoke_test(target, reviewed, run_context(reviewed, folder=folder), seconds)


def test_an_import_says_what_the_script_is_by_default_and_what_the_folder_says_otherwise(tmp_path: Path) -> None:
    claim = json.dumps({"val_bpb": 1.2, "num_layers": 10, "vocab_size": 8192})
    found = smoke(tmp_path, SETTINGS, submission__json=claim)
    assert found.ok
    assert found.line == f"import OK in {found.seconds:.2f} s, dim 512, layers 9, vocab 8192, code {len(SETTINGS)} B"
    assert found.differs == ("layers 9 by default, submission.json says 10: the run must have set NUM_LAYERS",)
    assert found.events == ()


def test_packages_of_gpus_are_stood_in_for_and_named(tmp_path: Path) -> None:
    head = (
        "from flash_attn_interface import flash_attn_func as attend\nimport triton\nimport triton.language as tl\n"
        "import a_package_of_nobody.deep as deep\n\n\n@triton.autotune(configs=[triton.Config({})], key=['n'])\n"
        "@triton.jit\ndef kernel(x, n: tl.constexpr):\n    return x\n\n\nclass Layer(deep.Base):\n    pass\n\n\n"
    )
    found = smoke(tmp_path, head + SETTINGS)
    assert found.why_not == ""
    assert set(found.stubs) == {"flash_attn_interface", "triton", "a_package_of_nobody"}


def test_a_shell_that_only_newer_pythons_read_is_imported_too(tmp_path: Path) -> None:
    inner = SETTINGS + 'NAMES = {"a": 1}\nSHOWN = f"{NAMES["a"]}"\nassert SHOWN == "1"\n'
    packed = base64.b64encode(zlib.compress(inner.encode())).decode()
    found = smoke(tmp_path, f"import base64, zlib\nexec(zlib.decompress(base64.b64decode('{packed}')))\n")
    assert found.why_not == ""
    assert found.settings == {"layers": "9", "dim": "512", "vocab": "8192"}


def test_neither_network_nor_files_nor_variables_of_this_machine_are_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("mine")
    monkeypatch.setenv("A_SECRET_TOKEN", "mine")
    text = (
        "import os, socket\n"
        f"assert not os.path.exists({str(secret)!r})\nassert 'A_SECRET_TOKEN' not in os.environ\n"
        "try:\n    socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError:\n    pass\n"
        "else:\n    raise SystemError\n"
    )
    found = smoke(tmp_path, text + SETTINGS)
    assert found.why_not == ""
    assert any("192.0.2.1" in event for event in found.events)


def test_nothing_that_it_writes_stays(tmp_path: Path) -> None:
    found = smoke(
        tmp_path, "open('/tmp/golf-left-behind', 'w').write('x')\nopen('here', 'w').write('x')\n" + SETTINGS
    )
    assert found.ok
    assert not Path("/tmp/golf-left-behind").exists()
    assert sorted(path.name for path in (tmp_path / "entry").iterdir()) == ["train_gpt.py"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1\nraise ValueError('no data here')\n", "line 2: ValueError: no data here"),
        ("import os\nos._exit(0)\n", "it ended without a word"),
        ("raise SystemExit(3)\n", "line 1: SystemExit: 3"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "it ended without a word"),
        ("x = bytearray(32 << 30)\n", "line 1: MemoryError: "),
    ],
)
def test_an_import_that_fails_says_how(tmp_path: Path, text: str, why: str) -> None:
    found = smoke(tmp_path, text)
    assert not found.ok
    assert found.why_not.startswith(why)


def test_an_import_that_never_ends_is_cut(tmp_path: Path) -> None:
    found = smoke(tmp_path, "while True:\n    pass\n", seconds=2)
    assert not found.ok
    assert "ended without a word" in found.why_not


def test_what_it_claims_about_itself_is_bounded(tmp_path: Path) -> None:
    forged = "import os\nopen('.golf-smoke.json', 'w').write('{\"ok\": 1, \"settings\": [')\nos._exit(0)\n"
    assert not smoke(tmp_path, forged).ok
