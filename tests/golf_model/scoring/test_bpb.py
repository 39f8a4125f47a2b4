"""Bytes of text per token: the tables against the text itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import sentencepiece as spm
import torch

from golf_model.process.errors import ScriptError
from golf_model.scoring.bpb import bits_per_byte, build_byte_tables, read_pieces, spelled_space
from runner.job.open_data import DataRequest
from tests.fixtures.spelled_space import LINES, SPELLING_VOCAB, spelling_tokenizer
from tests.fixtures.tiny_data import VOCAB, sentences


def test_table_counts_the_bytes_of_real_text(tiny_data: DataRequest) -> None:
    tokenizer = Path(str(tiny_data.tokenizer))
    processor = spm.SentencePieceProcessor(model_file=str(tokenizer))
    tables = build_byte_tables(read_pieces(tokenizer, VOCAB), VOCAB)
    lines = [*sentences(20, 9), "naïve café 日本 \U0001f642", "x"]
    for line in lines:
        ids = torch.tensor([processor.bos_id(), *processor.encode(line)])
        assert int(tables.sizes(ids)[1:].sum()) == len(line.encode("utf-8")), line


def test_shared_tokenizers_count_the_bytes_of_text_too(shared: Path) -> None:
    line = "The quick brown fox — naïve, 42 times — jumps over 日本."
    for vocab in (1024, 4096, 8192):
        tokenizer = shared / "data" / "tokenizers" / f"fineweb_{vocab}_bpe.model"
        processor = spm.SentencePieceProcessor(model_file=str(tokenizer))
        tables = build_byte_tables(read_pieces(tokenizer, vocab), vocab)
        ids = torch.tensor([processor.bos_id(), *processor.encode(line)])
        assert int(tables.sizes(ids)[1:].sum()) == len(line.encode("utf-8"))


def test_tokenizer_of_another_size_is_refused(tiny_data: DataRequest) -> None:
    with pytest.raises(ScriptError, match=f"{VOCAB} pieces, but the model's vocab_size is 1024"):
        read_pieces(Path(str(tiny_data.tokenizer)), 1024)


def test_missing_or_foreign_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="set TOKENIZER_PATH"):
        read_pieces(tmp_path / "none.model", 1024)
    (tmp_path / "text.model").write_text("not a model")
    with pytest.raises(ScriptError, match="not a SentencePiece model"):
        read_pieces(tmp_path / "text.model", 1024)


def test_one_nat_per_one_byte_token_is_one_over_ln2_bits() -> None:
    assert bits_per_byte(1.0, 10, 10) == pytest.approx(1.4426950408889634)
    assert bits_per_byte(1.0, 10, 40) == pytest.approx(1.4426950408889634 / 4)


@pytest.mark.parametrize("every", [True, False])
def test_a_space_that_is_spelled_in_byte_tokens_is_one_byte(tmp_path: Path, every: bool) -> None:
    tokenizer = tmp_path / "t.model"
    tokenizer.write_bytes(spelling_tokenizer(every=every))
    processor = spm.SentencePieceProcessor(model_file=str(tokenizer))
    tables = build_byte_tables(read_pieces(tokenizer, SPELLING_VOCAB), SPELLING_VOCAB)
    ids = torch.tensor([token for row in processor.encode(LINES, add_bos=True) for token in row])
    assert int(tables.sizes(ids)[1:].sum()) == sum(len(line) for line in LINES)
    first, second, third = tables.spelled
    assert tables.sizes(torch.tensor([first, second, third, first, second])).tolist() == [1, 0, 0, 1, 1]


def test_the_challenges_tokenizers_spell_no_space(shared: Path, tiny_data: DataRequest) -> None:
    for vocab in (1024, 4096, 8192):
        tokenizer = shared / "data" / "tokenizers" / f"fineweb_{vocab}_bpe.model"
        assert build_byte_tables(read_pieces(tokenizer, vocab), vocab).spelled == ()
    own = build_byte_tables(read_pieces(Path(str(tiny_data.tokenizer)), VOCAB), VOCAB)
    assert own.spelled == ()
    assert spelled_space([("<0xE2>", "byte"), ("<0x96>", "byte"), ("x", "normal")]) == ()
    assert spelled_space([("<0x96>", "byte"), ("<0x81>", "byte"), ("<0xE2>", "byte")]) == (2, 0, 1)
