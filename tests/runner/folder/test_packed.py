"""What an artifact's bytes hold: parts are measured, shares inside them add up, small files are left alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.folder.packed import MOST_KINDS, Noted, packed, packed_of, remembered, shares
from runner.record.artifact_report import inspect_file
from runner.results.verdicts import Packed, PackedKind
from tests.fixtures.places import ROOT


def tensor(name: str, shape: list[int], size: int, entropy: float | None = None) -> dict[str, Any]:
    """What the reading process says of a tensor, as far as it matters here."""
    return {
        "name": name,
        "shape": shape,
        "scheme": "float32" if entropy is None else "int6",
        "entropy": entropy,
        "bytes": size,
    }


def test_integers_share_their_part_by_entropy_and_scales_and_floats_have_their_own() -> None:
    found = packed_of(
        {
            "format": "golf 1",
            "bytes": 1000,
            "parts": [["integers", "rans", 700], ["scales", "zlib", 120], ["floats", "lzma", 80]],
            "tensors": [
                tensor("blocks.0.mlp.fc.weight", [10, 80], 400 + 20, 4.0),
                tensor("blocks.1.mlp.fc.weight", [10, 80], 400 + 20, 4.0),
                tensor("tok_emb.weight", [10, 80], 200 + 20, 2.0),
                tensor("gain", [5], 20),
            ],
        }
    )
    shown = [(one.name, one.tensors, one.values, one.bytes, one.scale_bytes) for one in found.kinds]
    assert shown == [
        ("blocks.*.mlp.fc.weight", 2, 1600, 560, 80),
        ("tok_emb.weight", 1, 800, 140, 40),
        ("gain", 1, 5, 80, 0),
    ]
    assert found.rest_bytes == 100


def test_a_file_without_parts_is_shared_out_whole_and_of_very_many_kinds_the_largest_stay() -> None:
    tensors = [tensor(f"t{number}", [8], number + 1) for number in range(MOST_KINDS + 5)]
    found = packed_of({"format": "torch", "bytes": 10_000, "parts": [], "tensors": tensors})
    assert len(found.kinds) == MOST_KINDS
    assert "t0" not in {one.name for one in found.kinds}
    assert sum(one.bytes for one in found.kinds) + found.rest_bytes == 10_000


@given(st.integers(0, 10**8), st.lists(st.floats(0, 1e9), max_size=20))
def test_shares_add_up_to_the_whole(total: int, weights: list[float]) -> None:
    found = shares(total, weights)
    assert len(found) == len(weights)
    assert min(found, default=0) >= 0
    assert sum(found) == (total if sum(weights) > 0 else 0)


@pytest.mark.parametrize("cap", [16_000_000, 1])
def test_a_file_that_is_small_or_no_artifact_is_unknown(cap: int, tmp_path: Path) -> None:
    path = tmp_path / "final_model.ptz"
    path.write_bytes(b"nothing that is an artifact")
    assert packed(path, cap, inspect_file) is None


def test_what_was_found_is_remembered_by_the_artifacts_hash_and_size(tmp_path: Path) -> None:
    note, looks = tmp_path / "packed.json", []
    kind = PackedKind(name="w", scheme="int6", tensors=1, values=10, bytes=7, scale_bytes=2)

    def look() -> Packed:
        looks.append(1)
        return Packed(format="golf", kinds=[kind], rest_bytes=1)

    first = remembered(note, "a" * 64, 10, look)
    assert remembered(note, "a" * 64, 10, look) == first == look()
    assert len(looks) == 2  # the first one and the one of this test
    remembered(note, "b" * 64, 10, look)
    remembered(note, "b" * 64, 11, look)  # its parts are not all of it
    assert len(looks) == 4


@pytest.mark.parametrize("content", ["", "[]", '{"version": 1}', '{"artifact_sha256": 3, "packed": null}', "[" * 99])
def test_a_note_that_is_none_is_made_anew(tmp_path: Path, content: str) -> None:
    note = tmp_path / "packed.json"
    note.write_text(content)
    assert remembered(note, "a" * 64, 10, lambda: None) is None
    assert Noted.model_validate_json(note.read_text()) == Noted(artifact_sha256="a" * 64, packed=None)


@pytest.mark.slow
def test_an_artifact_of_golfs_own_is_read_to_its_last_byte() -> None:
    path = ROOT / "tests" / "fixtures" / "artifact-v1.golf"
    found = packed(path, 1000, inspect_file)
    assert found is not None
    assert sum(one.bytes + one.scale_bytes for one in found.kinds) + found.rest_bytes == path.stat().st_size
    assert found.rest_bytes > 0


def test_who_asks_while_another_thread_looks_waits_for_what_it_finds(tmp_path: Path) -> None:
    note, began, go_on, looks = tmp_path / "packed.json", Event(), Event(), []

    def look() -> Packed:
        looks.append(1)
        began.set()
        go_on.wait(10)
        return Packed(format="golf", kinds=[], rest_bytes=10)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(remembered, note, "a" * 64, 10, look)
        began.wait(10)
        other = pool.submit(remembered, note, "a" * 64, 10, look)
        go_on.set()
        assert one.result() == other.result()
    assert len(looks) == 1
