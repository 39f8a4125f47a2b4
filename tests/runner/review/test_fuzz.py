"""Scripts that nobody would write: no crash, no hang, nothing executed, whatever a text holds."""

from __future__ import annotations

import base64
import lzma
import random
import time
import zlib
from pathlib import Path

import pytest

from runner.errors import UserError
from runner.review.answers import CLASSES, Answer
from runner.review.script_review import review_script
from runner.review.targets import Target

INNER = (
    b"import os\nRATE = float(os.environ.get('RATE', '0.5'))\n\n\ndef score(x):\n    return f'{x:>{3}} {RATE!r}'\n"
)
MARK = "golf_fuzz_mark"
SEEDS = (
    INNER,
    b"import lzma as L,base64 as B\nexec(L.decompress(B.b85decode(%r)))\n" % base64.b85encode(lzma.compress(INNER)),
    b"import zlib\nd = bytes.fromhex(%r)\nk = bytes(i * 7 %% 256 for i in range(9))\n"
    b"exec(zlib.decompress(bytes(c ^ k[i %% 9] for i, c in enumerate(d))))\n" % zlib.compress(INNER).hex(),
    b"import sys, types\n\n\ndef go(name, text):\n    m = types.ModuleType(name)\n    exec(text, m.__dict__)\n\n\n"
    b"go('a', 'import os\\nX = 1' * 2)\nopen('" + MARK.encode() + b"', 'w').write('ran')\n",
    b"x = f\"{d[\"a\"]:{w}} {'b' if c else f\"{e!r}\"}\"\nimport subprocess\nsubprocess.run(['python', 'b.py'])\n",
)
PIECES = (
    *(b"exec(", b")", b"(", b"[", b"{", b"}", b'"', b"'", b"f'", b"'''", b"\\", b"\n", b"\x00", b"\xff"),
    *(b"lambda: ", b"**", b"* 10 ** 9", b"<< 9999", b"#", b"for i in range(10 ** 12):\n    ", b"while 1:\n    "),
    *(b"import ", b"eval(", b"0x", b"1_0", b"\xe2\x80\xae", b"if x:\n", b"else:\n", b"\t", b"async ", b"yield "),
)


def mutated(chance: random.Random, content: bytes) -> bytes:
    """A text with one to four spots changed."""
    made = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(made) + 1)
        how = chance.random()
        if how < 0.4:
            made[at:at] = chance.choice(PIECES)
        elif how < 0.6:
            del made[at : at + chance.randint(1, 40)]
        elif how < 0.8 and made:
            made[min(at, len(made) - 1)] = chance.randrange(256)
        else:
            end = chance.randrange(len(made) + 1)
            made[at:at] = made[min(at, end) : max(at, end)]
    return bytes(made)


@pytest.mark.parametrize("seed", range(10))
def test_no_text_stops_a_review_or_is_run(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    chance = random.Random(seed)
    script = tmp_path / "train_gpt.py"
    for _ in range(30):
        script.write_bytes(mutated(chance, chance.choice(SEEDS)))
        started = time.process_time()
        review = review_script(Target(script, script, tmp_path), rules=lambda *_: {"slot": Answer("nothing-found")})[
            0
        ]
        assert list(review.classes) == list(CLASSES)
        assert time.process_time() - started < 20
    assert [path.name for path in tmp_path.iterdir()] == ["train_gpt.py"]


@pytest.mark.parametrize(
    "content",
    [
        b"(" * 50_000,
        b"x = " + b"-" * 50_000 + b"1\n",
        b"x = " + b"+".join([b"1"] * 50_000) + b"\n",
        b"if x:\n" + b"".join(b" " * i + b"if x:\n" for i in range(1, 99)) + b" " * 99 + b"pass\n",
        b"x = " + b"f'{" * 3_000 + b"1" + b"}'" * 3_000 + b"\n",
        b"x = " + b"9" * 100_000 + b"\n",
        b"\x00" * 1_000,
        b"# -*- coding: rot13 -*-\nvzcbeg bf\n",
        b"# -*- coding: nobody -*-\nx = 1\n",
        b"exec('exec(' * 5000)\n",
        b"a = 'b'\n" * 20_000,
    ],
    ids=["open", "minus", "sum", "if", "f-strings", "digits", "nul", "rot13", "no codec", "exec", "long"],
)
def test_shapes_that_break_parsers_are_told(tmp_path: Path, content: bytes) -> None:
    script = tmp_path / "train_gpt.py"
    script.write_bytes(content)
    started = time.process_time()
    review = review_script(Target(script, script), rules=lambda *_: {})[0]
    assert review.texts[0].size == len(content)
    assert time.process_time() - started < 30


def test_a_file_that_is_larger_than_is_read_is_the_users_error(tmp_path: Path) -> None:
    script = tmp_path / "train_gpt.py"
    with script.open("wb") as file:
        file.truncate(300 << 20)
    with pytest.raises(UserError, match="at most"):
        review_script(Target(script, script), rules=lambda *_: {})
