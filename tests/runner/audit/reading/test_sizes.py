"""Sizes in dialects that no row of the tables knows, one line at a time."""

from __future__ import annotations

import pytest

from runner.audit.reading.sizes import sizes_in, speaks_of_sizes

MODEL, CODE, TOTAL = 15_900_000.0, 60_000.0, 15_960_000.0
COUNTED = {"model_bytes": MODEL, "code_bytes": CODE, "total_bytes": TOTAL}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("int8_zlib:15900000 code:60000 total:15960000 payload_ratio:3.53x", COUNTED),
        ("model:15900000 code:60000 total:15960000 (15.96 MB)", COUNTED),
        ("code:60000 model:15900000 total:15960000 limit:16000000 OK", COUNTED),
        ("compressed_model_bytes:15900000 code_bytes:60000 total_artifact_bytes:15960000", COUNTED),
        ("artifact:15900000 bytes (15.9MB) code:60000 total:15960000 bytes", COUNTED),
        ("model_int8_zlib:15,900,000 bytes  code:60,000 bytes  total:15,960,000 bytes  limit:16000000", COUNTED),
        ("serialized_model_int8_zlib:15900000 bytes (payload:17178912 raw_pickle:17188361)", {"model_bytes": MODEL}),
        ("Serialized model+table fp16+lzma: 15900000 bytes", {"model_bytes": MODEL}),
        ("Serialized model int6+zlib:15900000bytes (payload:22690080)", {"model_bytes": MODEL}),
        ("total_submission_size_int8_zlib:15960000 bytes", {"total_bytes": TOTAL}),
        ("q:15900000B", {"model_bytes": MODEL}),
        ("code:60000B", {"code_bytes": CODE}),
        ("model:106181533B", {"plain_model_bytes": 106_181_533.0}),
        ("total:15960000B", {"bare_total_bytes": TOTAL}),
        ("Artifact: 15,960,000 bytes (15.22 MB)", {"bare_total_bytes": TOTAL, "lone_artifact": TOTAL}),
        ("  Artifact size:      15,960,000 bytes", {"bare_total_bytes": TOTAL, "lone_artifact": TOTAL}),
        ("Serialized model: 9181 bytes Code: 712 Total: 9893", {"plain_model_bytes": 9181.0, "code_bytes": 712.0}),
        ("raw model:98434727 code:40698 total:98475425", {"code_bytes": 40_698.0}),
    ],
)  # fmt: skip
def test_pairs_of_words_and_numbers(line: str, found: dict[str, float]) -> None:
    assert speaks_of_sizes(line.lower())
    told = sizes_in(line)
    assert {name: told.get(name) for name in found} == found


@pytest.mark.parametrize(
    "line",
    [
        "peak memory allocated: 7725 MiB reserved: 8164 MiB",
        "Size limit: 16000000 bytes",
        "Remaining budget: 906032 bytes",
        "artifact_headroom: 464586 bytes remaining",
        "saved_model:out/toy.npz bytes:36000000",
        "target_artifact_bytes:16000000 headroom:199201",
        "submission_size_cap: 16000000",
        "baseline_tensor_bytes: 96719732",
        "val_bytes_files: ./data/fineweb_val_bytes_*.bin",
        "total_tokens:4749312 step:4000",
        "artifact int6: 15697770 bytes + 83709 code = 15781479 total"[28:],
    ],
)
def test_what_is_no_size_of_the_entry(line: str) -> None:
    told = sizes_in(line)
    assert not told.keys() & {"model_bytes", "code_bytes", "total_bytes", "bare_total_bytes", "total_low"}


@pytest.mark.parametrize(
    ("line", "low", "high"),
    [
        ("Total submission size: 15.90 MiB", 15.895 * 2**20, 15.905 * 2**20),
        ("Total submission size: 16.3 MB", 16.25e6, 16.35 * 2**20),
    ],
)
def test_megabytes_are_a_range_of_both_readings(line: str, low: float, high: float) -> None:
    found = sizes_in(line)
    assert [found["total_low"], found["total_high"]] == pytest.approx([low, high])
