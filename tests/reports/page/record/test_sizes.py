"""Where the bytes went: tiles that add up to the cap, classes by name, what is over it said first."""

from __future__ import annotations

import pytest

from reports.page.record.sizes import class_of, sizes_section, tiles_of
from reports.page.section import Picture, Table, Words
from reports.tables import seed_rows
from tests.fixtures.full_record import told_record
from tests.fixtures.pictured_record import pictured_record
from tests.fixtures.results import failed_result, failed_verification, record, run_result, verification


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("tok_emb.weight", "embedding"),
        ("lm_head.weight", "embedding"),
        ("bigram.proj.weight", "embedding"),
        ("blocks.*.mlp.proj.weight", "MLP"),
        ("blocks.*.attn.proj.weight", "attention"),
        ("blocks.*.attn.c_q.weight", "attention"),
        ("qkv_bank", "attention"),
        ("skip_weights", "rest"),
    ],
)
def test_the_class_of_a_tensor_is_told_by_its_name(name: str, group: str) -> None:
    assert class_of(name) == group


def test_tiles_add_up_to_script_artifact_and_headroom() -> None:
    data = pictured_record()
    tiles = tiles_of(seed_rows(data)[0])
    assert sum(tile.bytes for tile in tiles) == 21_345 + 1_531_357
    assert {tile.group for tile in tiles} == {"script", "embedding", "MLP", "attention", "scales", "rest"}
    picture = next(part for part in sizes_section(data).parts if isinstance(part, Picture))
    (trace,) = picture.figure["data"]
    values = dict(zip(trace["ids"], trace["values"], strict=True))
    assert values["root"] == 16_000_000
    assert values["root"] == sum(value for name, value in values.items() if name != "root" and " " not in name)
    assert values["headroom"] == 16_000_000 - 21_345 - 1_531_357


def test_hover_and_table_tell_bits_per_value() -> None:
    picture = next(part for part in sizes_section(pictured_record()).parts if isinstance(part, Picture))
    (trace,) = picture.figure["data"]
    told = dict(zip(trace["labels"], trace["hovertext"], strict=True))
    assert told["blocks.*.mlp.fc.weight"].endswith("1,000,000 values in 2 tensors, int6: 6.000 bits per value")
    rows = {str(row[1]): [*row] for row in picture.table.rows}
    assert rows["tok_emb.weight"][4:] == ["160,000", "1.00%", "8.000"]
    assert rows["header, checksum and other"][6] == "–"


def test_an_artifact_that_nobody_looked_into_is_one_tile_and_that_is_said() -> None:
    parts = sizes_section(told_record()).parts
    assert Words("Not in this record: what the artifact's bytes hold.", "muted") in parts
    assert [tile.name for tile in tiles_of(seed_rows(told_record())[0])] == ["script", "artifact"]


def test_over_the_cap_is_said_first_and_leaves_no_headroom() -> None:
    data = record([run_result(1337)], [verification(1337, artifact_bytes=16_000_000)], seeds=(1337,))
    first, picture, table = (part for part in sizes_section(data).parts if part != parts_note())
    assert first == Words("Seed 1337 is OVER the cap by 21,345 bytes.", "bad")
    assert isinstance(picture, Picture)
    assert "headroom" not in picture.figure["data"][0]["ids"]
    assert isinstance(table, Table)
    assert table.rows[0][3] == "16,021,345"


def parts_note() -> Words:
    return Words("Not in this record: what the artifact's bytes hold.", "muted")


def test_what_was_not_counted_is_unknown() -> None:
    data = record([failed_result(42)], [failed_verification(42)], seeds=(42,))
    words, table = sizes_section(data).parts
    assert words == Words("No artifact of this record was counted.", "open")
    assert isinstance(table, Table)
    assert list(table.rows[0]) == ["42", "21,345", "unknown", "unknown", "unknown"]
