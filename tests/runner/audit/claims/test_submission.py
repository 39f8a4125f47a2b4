"""submission.json in the shapes that people write it in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.audit.claims.seed_claims import seeds_in_words
from runner.audit.claims.submission import LARGEST, Submission, read_submission


def read(tmp_path: Path, content: object) -> Submission:
    path = tmp_path / "submission.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_submission(path, path.name)


@pytest.mark.parametrize(
    ("content", "headline"),
    [
        ({"val_bpb": 1.15385454}, 1.15385454),
        ({"val_bpb": "1.1538"}, 1.1538),
        ({"val_bpb": {"mean": 1.1538, "std": 0.001}}, 1.1538),
        ({"mean_val_bpb": 1.1}, 1.1),
        ({"val_bpb": 1.0992, "val_bpb_mean": 1.1027}, 1.0992),
        ({"results": {"seed_42": {"val_bpb": 1.2}, "mean_bpb": 1.1}}, 1.1),
        ({"metrics": {"val_bpb": 1.1}, "baseline": {"val_bpb": 1.2}}, 1.1),
        ({"comparison": {"val_bpb": 1.2}}, None),
        ({"pre_quant_val_bpb": 1.2, "three_seed_mean_bpb": 1.1}, 1.1),
        ({"val_bpb": None, "val_loss": 1.9}, None),
        ({"val_bpb": True}, None),
        ({"val_bpb": -1}, None),
    ],
)
def test_the_headline(content: dict[str, Any], headline: float | None, tmp_path: Path) -> None:
    assert read(tmp_path, content).headline == headline


@pytest.mark.parametrize(
    ("content", "seeds", "count"),
    [
        ({"seeds": [1337, 42]}, ("1337", "42"), 2),
        ({"seeds": {"1337": 1.1, "42": {"val_bpb": 1.2}}}, ("1337", "42"), 2),
        ({"seeds": "1337, 42, 7"}, ("1337", "42", "7"), 3),
        ({"seeds": 3}, (), 3),
        ({"num_seeds": 3}, (), 3),
        ({"seed_results": {"1337": {"val_bpb": 1.1}, "42": {"val_bpb": 1.2}}}, ("1337", "42"), 2),
        ({"results": {"seed_1337": {"bpb": 1.1}, "mean_bpb": 1.1}}, ("seed_1337",), 1),
        ({"seed_results": [{"seed": 1337, "val_bpb": 1.1}, {"seed": 42, "val_bpb": 1.2}]}, ("1337", "42"), 2),
        ({"seeds": {"42": 1.1, "2024_3pct": 1.2, "2024_5pct": 1.3}, "submittable_seeds": ["42", "2024_5pct"]},
         ("42", "2024_5pct"), 2),
        ({"val_bpb_seeds": [1.1, 1.2]}, (), 2),
        ({"blurb": "Mean of 3 seeds: 1.14"}, (), 3),
        ({"blurb": "a 3-seed mean is pending"}, (), None),
        ({}, (), None),
    ],
)  # fmt: skip
def test_seeds_in_any_shape(
    content: dict[str, Any], seeds: tuple[str, ...], count: int | None, tmp_path: Path
) -> None:
    found = read(tmp_path, content)
    assert (found.seeds, found.n_seeds) == (seeds, count)


def test_what_is_said_of_a_seed(tmp_path: Path) -> None:
    content = {
        "seed_results": {"42": {"val_bpb": 1.1, "prequant_bpb": 1.2, "steps": "7,000", "artifact_bytes": 15_990_398}}
    }
    (claim,) = read(tmp_path, content).per_seed
    assert (claim.seed, claim.bpbs, claim.steps, claim.bytes) == (42, (1.1,), (7000.0,), (15_990_398.0,))
    assert claim.where == "submission.json:seed_results.42"


def test_superseded_seeds_are_not_claimed(tmp_path: Path) -> None:
    content = {"seeds": {"42": 1.1}, "superseded_seeds_v1": {"42": 1.3}}
    assert [claim.bpbs for claim in read(tmp_path, content).per_seed] == [(1.1,)]


@pytest.mark.parametrize(
    ("content", "total"),
    [
        ({"bytes_total": 15_990_398}, 15_990_398),
        ({"bytes_total": "15,990,398 bytes"}, 15_990_398),
        ({"artifact_size_bytes": 15_547_461}, 15_547_461),
        ({"total_artifact_size": 15_547_461}, 15_547_461),
        ({"artifact_size": "15.9MB"}, None),
        ({"bytes_code": 50_000, "code_total_bytes": 50_000}, None),
    ],
)
def test_sizes(content: dict[str, Any], total: int | None, tmp_path: Path) -> None:
    found = read(tmp_path, content).total
    assert (None if found is None else int(found)) == total


def test_a_comma_too_many_is_a_problem_and_the_claims_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, '{"val_bpb": 1.2098, "seeds": [1337, 42,],\n}')
    assert found.problem
    assert (found.headline, found.n_seeds) == (1.2098, 2)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        '{"val_bpb": 1.15, "a" }',
        "[1, 2]",
        "7",
        "null",
        "[" * 100_000,
        '{"a": ' * 5000,
        "\x00\x01",
        '{"n": ' + "9" * 5000 + "}",
    ],
)
def test_what_cannot_be_read_says_why(content: str, tmp_path: Path) -> None:
    found = read(tmp_path, content)
    assert found.problem
    assert found.headline is None


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    assert "larger than" in (read(tmp_path, '{"blurb": "' + "x" * LARGEST + '"}').problem or "")


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_a_byte_order_mark_is_no_problem(mark: bytes, tmp_path: Path) -> None:
    path = tmp_path / "submission.json"
    path.write_bytes(mark + b'{"val_bpb": 1.1}')
    assert read_submission(path, path.name).headline == 1.1


def test_numbers_keep_the_decimals_they_were_printed_with(tmp_path: Path) -> None:
    headline = read(tmp_path, '{"val_bpb": 1.1200}').headline
    assert headline is not None
    assert headline.digits == 4
    assert headline.stands_for(1.12004)
    assert not headline.stands_for(1.1201)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("**3-seed mean BPB: 1.0898**", 3),
        ("mean over three seeds", 3),
        ("Mean val_bpb: 0.7853 (3 submittable seeds)", None),
        ("We need 3 seeds for a mean", None),
        ("seed 42", None),
    ],
)
def test_how_many_seeds_a_text_speaks_of(text: str, count: int | None) -> None:
    assert seeds_in_words(text) == count
