"""wrapper: shells that standard decoders open, and arithmetic that makes code."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

from runner.review.answers import Answer
from runner.review.script_review import review_script
from runner.review.targets import target_of

CODE = "\n".join(f"print('val_loss', {number * 7919})" for number in range(20)).encode()


def wrapper(folder: Path, text: str) -> Answer:
    (folder / "train_gpt.py").write_text(text)
    return review_script(target_of(folder / "train_gpt.py"))[0].classes["wrapper"]


def test_a_packed_script_is_nothing_to_speak_of(tmp_path: Path) -> None:
    packed = base64.b85encode(zlib.compress(CODE)).decode()
    text = f'import base64, zlib\nexec(zlib.decompress(base64.b85decode("{packed}")))\n'
    assert wrapper(tmp_path, text).answer == "nothing-found"


def test_code_that_arithmetic_makes_is_no_shell_although_it_was_read(tmp_path: Path) -> None:
    key = bytes((i * 7 + 3) % 256 for i in range(16))
    mixed = base64.b85encode(bytes(c ^ key[i % 16] for i, c in enumerate(zlib.compress(CODE)))).decode()
    text = (
        f'import base64, zlib\nk = bytes((i * 7 + 3) % 256 for i in range(16)); d = base64.b85decode("{mixed}")\n'
        "exec(zlib.decompress(bytes(c ^ k[i % 16] for i, c in enumerate(d))))\n"
    )
    answer = wrapper(tmp_path, text)
    assert answer.answer == "violates"
    assert "arithmetic" in answer.why
