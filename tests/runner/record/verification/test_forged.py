"""A record is changed, everything computed is made to fit again, and `golf verify` says what is wrong and where."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import runner.record.verify
from reports.record.rebuild import page_check
from runner.record.folder import open_record
from runner.record.verification import seed_logs
from runner.record.verify import verify_record
from runner.results.verdicts import Check
from runner.script.bundle import pack_twin
from tests.fixtures.forged_record import (
    Edit,
    at,
    chain,
    forge,
    forge_leaf,
    leaves,
    ledger_of,
    loaded,
    put,
)

Plain = dict[str, Any]


@pytest.fixture(autouse=True)
def one_packing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin is the same in every forgery, and packing it takes half of a verification."""
    monkeypatch.setattr(runner.record.verify, "pack_twin", cache(pack_twin))


@pytest.fixture
def record(kept_record: Path, tmp_path: Path) -> Path:
    """A copy of an honest record, far from its run folder."""
    return Path(shutil.copytree(kept_record, tmp_path / kept_record.name))


def failing(folder: Path) -> dict[str, Check]:
    """Checks that fail, by name."""
    return {check.name: check for check in verify_record(open_record(folder)) if check.status == "fail"}


# edits of results, as an attempt left them -----------------------------------------------------------------------


def better(content: Plain, folder: Path) -> None:
    for one in content["results"]:
        for name in ("train_score", "eval_score", "final_score"):
            one[name] |= {field: one[name][field] * 0.9 for field in ("val_loss", "val_bpb")}


def better_and_logs(content: Plain, folder: Path) -> None:
    """Every line with a whole score says the same; only the rounded ones are forgotten."""
    better(content, folder)
    for one in content["results"]:
        log, new = folder / f"train_seed{one['seed']}.log", one["final_score"]
        line = rf"\1 val_loss:{new['val_loss']!r} val_bpb:{new['val_bpb']!r}"
        text = re.sub(
            r"((?:final_)?score rule:\S+ tokens:\d+ bytes:\d+) val_loss:\S+ val_bpb:\S+", line, log.read_text()
        )
        log.write_text(text)


def without_hashes_of_logs(content: Plain, folder: Path) -> None:
    better_and_logs(content, folder)
    for one in content["results"]:
        del one["evidence"]


def faster(content: Plain, folder: Path) -> None:
    for one in content["results"]:
        for name in ("clock", "strict_clock"):
            one["train"][name] = {end: value / 3 for end, value in one["train"][name].items()}
        one["log"]["train_seconds"] = one["train"]["clock"]["low"]


def field(*place: str | int, value: Any) -> Edit:
    """Put a value into a place of every result."""

    def edit(content: Plain, folder: Path) -> None:
        for one in content["results"]:
            put(one, place, value)

    return edit


def smaller(content: Plain, folder: Path) -> None:
    for one in (*content["results"], *content["verifications"]):
        if "artifact" in one:
            one["artifact"]["bytes"] //= 2
        else:
            one["artifact_bytes"] //= 2


def smaller_parts(content: Plain, folder: Path) -> None:
    for one in content["results"]:
        one["log"] |= {"model_params": 1, "model_bytes": 1, "code_bytes": 1}


def readings(content: Plain, folder: Path) -> None:
    for one in content["results"]:
        one["train"] |= {
            "reads_watched": True,
            "frozen_seconds": 99.0,
            "first_train_read": 0.5,
            "last_train_read": 1.0,
        }


def dates(content: Plain, folder: Path) -> None:
    content["date"] = "2025-01-01"
    for one in content["results"]:
        one |= {"started_at": "2025-01-01T00:00:00Z", "finished_at": "2025-01-01T00:00:01Z"}


def one_seed_less(content: Plain, folder: Path) -> None:
    gone = content["results"].pop()["seed"]
    for name in ("verifications", "launches", "curves"):
        content[name] = [one for one in content[name] if one["seed"] != gone]
    content["job"]["seeds"].remove(gone)
    content["ledger"] |= {"launches": 1, "completed": 1}
    (folder / f"train_seed{gone}.log").unlink()
    entries = [entry for entry in ledger_of(folder) if entry.get("seed") != gone]
    for entry in entries:
        if entry["kind"] == "registered":
            entry["seeds"].remove(gone)
    chain(folder, entries)


def raised(content: Plain, folder: Path) -> None:
    content["limits"]["train_seconds"] = content["job"]["limits"]["train_seconds"] = 1000.0


RESULTS: dict[str, tuple[Edit, str, str]] = {
    "scores": (better, "log", "2.764"),
    "scores and lines": (better_and_logs, "log_files", "train_seed1.log.0.sha256"),
    "scores, lines, no hashes": (
        without_hashes_of_logs,
        "log_facts",
        "results.0.eval_score is 2.487608 bpb, its log also prints 2.76400884",
    ),
    "clock": (faster, "clocks", "results.0.train.strict_clock.low is 0.0"),
    "steps": (field("log", "steps", value=9_999), "log_facts", "results.0.log.steps is 9999, by its log 5"),
    "artifact": (smaller, "sizes", "results.0.artifact.bytes is 8, by its log 17"),
    "sizes in the log": (smaller_parts, "log_facts", "results.0.log.model_params is 1, by its log "),
    "device": (field("host", "device", value="A Finer CPU"), "log_facts", "results.0.host.device is A Finer CPU"),
    "torch": (field("host", "versions", "torch", value="9.9"), "log_head", "results.0.host.versions.torch is 9.9"),
    "readings": (readings, "clocks", "results.0.train.frozen_seconds is 99.0"),
    "dates": (dates, "times", "results.0.started_at is 2025-01-01T00:00:00Z, by the ledger 20"),
    "a seed less": (one_seed_less, "published", "vouches for another"),
    "limit": (raised, "run", "run is kept-"),
    "processes": (field("host", "nproc", value=8), "machines", "results.0.host.nproc is 8, by the job 1"),
    "kept apart": (field("eval", "isolated", value=False), "isolation", "results.0.eval.isolated is "),
    "network": (
        field("train", "isolation", "network", value=True),
        "isolation",
        "results.0.train.isolation.network is True, by the job False",
    ),
    "no training": (field("train", value=None), "sizes", "of training, evaluation, artifact and host something"),
    "no exit code": (field("eval", "returncode", value=None), "sizes", "of training, evaluation, artifact and host"),
    "no artifact": (field("artifact", value=None), "sizes", "of training, evaluation, artifact and host something"),
    "no host": (field("host", value=None), "sizes", "of training, evaluation, artifact and host something"),
    "no pause": (
        field("train", "paused_seconds", value=None),
        "clocks",
        "results.0.train.paused_seconds is not told",
    ),
    "an event": (field("eval", "events", "begin", value=1.0), "clocks", "results.0.eval.events: begin, which"),
    "idle": (field("train", "busy_after_seconds", value=1.5), "clocks", "results.0.train.busy_after_seconds is told"),
    "frozen": (field("eval", "frozen_seconds", value=1.5), "clocks", "results.0.eval.frozen_seconds: an evaluation"),
    "vouched": (field("host", "gpus_vouched", value=True), "machines", "there are no GPUs to vouch for"),
    "status": (field("status", value="failed"), "attempts", "results.0.status is failed, by the ledger completed"),
}
"""Edit, a check that tells it even of who lets the ledger vouch anew, and what it says."""


@pytest.mark.parametrize("name", RESULTS)
def test_a_changed_result_is_told_however_well_the_rest_was_made_to_fit(record: Path, name: str) -> None:
    edit, check, told = RESULTS[name]
    forge(record, edit, publish=name != "a seed less")
    found = failing(record)
    assert check in found, found
    assert told in found[check].measured


@pytest.mark.parametrize("name", ["scores and lines", "clock", "a seed less", "limit"])
def test_the_ledgers_last_entry_tells_what_was_changed_after_it(record: Path, name: str) -> None:
    forge(record, RESULTS[name][0], page=True)
    assert "vouches for another" in failing(record)["published"].measured
    assert page_check(record, open_record(record).data).status == "pass"


WHOLE = {"layer": "namespaces", "second_uid": False, "landlock_abi": 0, "refused": {}}
REPORT = {
    "node": "local",
    "host": "vm",
    "hardware": "cpu",
    "gpus": [],
    "memory_mib": 9_000,
    "disk_free_gib": 9.0,
    "torch": None,
    "problems": [],
}


def layers(where: str, layer: Plain, *, trial: str) -> Edit:
    """Say what kept a phase of every seed apart, and what its node's trial gave."""

    def edit(content: Plain, folder: Path) -> None:
        for one in content["results"]:
            one[where]["isolation"] |= layer
            one[where]["isolated"] = True if layer["layer"] == "namespaces" else None
            one["preflight"] = REPORT | {"isolation": WHOLE | {"layer": trial}}

    return edit


@pytest.mark.parametrize(
    ("layer", "trial", "told"),
    [
        (WHOLE, "landlock", "results.0.eval.isolation.layer is namespaces, its node's trial gave landlock"),
        ({**WHOLE, "refused": {"namespaces": "no"}}, "namespaces", "where namespaces held, nothing else is tried"),
        ({**WHOLE, "layer": "landlock", "landlock_abi": 4}, "landlock", "nothing tells why no better layer held"),
        (
            {**WHOLE, "layer": "landlock", "refused": {"namespaces": "no"}},
            "landlock",
            "results.0.eval.isolation.landlock_abi is 0, its layer landlock",
        ),
    ],
)
def test_a_phase_is_kept_apart_no_better_than_its_node_could(
    record: Path, layer: Plain, trial: str, told: str
) -> None:
    forge(record, layers("eval", layer, trial=trial), publish=True)
    assert told in failing(record)["isolation"].measured


# edits of what was worked out --------------------------------------------------------------------------------------

WORKED_OUT: dict[tuple[str, ...], tuple[Any, str]] = {
    ("limits", "train_seconds"): (1e6, "follows"),
    ("limits", "cap_bytes"): (1e9, "follows"),
    ("data", "files", "fineweb_val_000000.bin"): ("0" * 64, "log_head"),
    ("data", "files", "tokenizer.model"): ("0" * 64, "log_head"),
    ("data", "name"): ("fineweb10B_sp1024", "data"),
    ("data", "official_tokenizer"): ("sp1024", "data"),
    ("data", "val_tokens"): (62_021_846, "log_head"),
    ("data", "val_bytes"): (151_080_633, "data"),
    ("data", "recounted_bytes"): (1, "data"),
    ("data", "val_documents"): (50_000, "data"),
    ("model_params",): (17_059_912, "follows"),
    ("requirements",): ({"torch": "9.9"}, "follows"),
    ("curves",): ([], "curves"),
    ("launches",): ([], "attempts"),
    ("stopped",): ("the same failure twice", "attempts"),
    ("ledger",): ({"launches": 1}, "registered"),
    ("gpus_per_seed",): (8, "machines"),
    ("dollars_per_hour",): (0.01, "machines"),
    ("attributions",): ([], "follows"),
    ("changes",): (None, "follows"),
    ("yardsticks",): ([{"name": "bigram", "bpb": 9.9, "detail": "x"}], "follows"),
    ("forecast",): (None, "follows"),
    ("forecast", "high"): (1, "follows"),
    ("score_alone",): (["  outputs:"], "follows"),
    ("run",): ("kept-00000000", "run"),
    ("name",): ("another", "run"),
    ("track",): ("non_record_16mb", "verdict"),
    ("schema_version",): (2, "run"),
    ("left_out", "replaced"): (["seed 1 attempt 9"], "attempts"),
}


@pytest.mark.parametrize("place", WORKED_OUT, ids=".".join)
def test_what_was_worked_out_is_worked_out_again(record: Path, place: tuple[str, ...]) -> None:
    value, check = WORKED_OUT[place]

    def edit(content: Plain, folder: Path) -> None:
        put(content, place, value)

    forge(record, edit, publish=True, verdict=place != ("track",))
    found = failing(record)
    assert check in found, found
    assert "published" not in found


def test_a_log_of_more_lines_than_are_looked_at_is_unknown_and_its_hash_still_told(
    record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed_logs, "MOST_LINES", 5)
    asked = ("log", "log_facts", "log_head", "curves")
    found = {check.name: check for check in verify_record(open_record(record))}
    assert {found[name].status for name in asked} == {"unknown"}
    assert "train_seed1.log tells something on more than" in found["log_facts"].measured
    assert found["log_files"].status == "pass"
    log = record / "train_seed1.log"
    log.write_bytes(log.read_bytes()[:-9] + b"otherwise")
    assert "train_seed1.log" in failing(record)["log_files"].measured


def test_versions_of_the_referee_stand_in_one_place_and_the_ledger_vouches_for_them(record: Path) -> None:
    forge(record, lambda content, _: put(content, ("versions",), {"python": "3.12.0", "torch": "9.9"}))
    assert set(failing(record)) == {"published"}


# what an older golf could not know ---------------------------------------------------------------------------------


def test_a_record_of_before_is_read_and_what_it_cannot_show_is_unknown(record: Path) -> None:
    def older(content: Plain, folder: Path) -> None:
        del content["left_out"], content["referee_sha256"]
        for one in content["results"]:
            del one["evidence"]
        chain(folder, [entry for entry in ledger_of(folder) if entry["kind"] != "published"])

    forge(record, older)
    found = {check.name: check.status for check in verify_record(open_record(record))}
    assert {name for name, status in found.items() if status != "pass"} == {"published", "log_files"}
    assert (found["published"], found["log_files"]) == ("unknown", "unknown")


def test_a_forecast_of_another_golf_is_unknown_and_one_of_this_golf_is_wrong(record: Path) -> None:
    def edit(content: Plain, folder: Path) -> None:
        content["forecast"]["expected"] += 1
        content["referee_sha256"] = "of another"

    forge(record, edit, publish=True)
    (check,) = [one for one in verify_record(open_record(record)) if one.name == "follows"]
    assert check.status == "unknown"
    assert "another golf made this record" in check.measured


def test_an_entry_of_the_ledger_that_is_taken_out_is_missed(record: Path) -> None:
    chain(record, [entry for entry in ledger_of(record) if entry["kind"] != "published"])
    assert failing(record)["published"].measured.startswith("no entry does")


def test_an_entry_after_the_last_one_is_told(record: Path) -> None:
    entries = ledger_of(record)
    chain(record, [*entries, {"time": entries[-1]["time"], "kind": "withdrawn", "seed": 3, "attempt": 1}])
    assert failing(record)["published"].measured == f"entry {len(entries)} does, and 1 came after it"


# every leaf of results.json ------------------------------------------------------------------------------------

ADDED_LATER = {"job.author", "job.github_id"}
"""Names that an export fills in; they decide nothing."""
IN_ONE_PLACE = {
    *("job.keep_weights", "job.blurb", "job.notes", "job.probe", "job.allow_over_cap", "job.stall_seconds"),
    *(f"results.0.{phase}.{name}" for phase in ("train", "eval") for name in ("reads_watched", "peak_rss_mib")),
    *("results.0.host.node", "results.0.host.cpus"),
    *("results.0.train.started_afresh", "results.0.eval.started_afresh"),
    *("verifications.0.carried_bytes", "verifications.0.weights_sha256"),
    *("data.train_tokens", "data.sidecar_bytes"),
    *(f"data.overlap.{name}" for name in ("shared_tokens", "passages", "least_tokens")),
    *("left_out.unledgered", "left_out.elsewhere", "left_out.same_script", "referee_sha256"),
}
"""What only the referee saw, and wrote down once: the ledger's last entry vouches for it, and nothing else does."""


def in_one_place(place: str) -> bool:
    """Whether nothing but the ledger's last entry vouches for it; of versions, those that no line of a log names."""
    apart = re.match(r"results\.0\.(train|eval|preflight)\.isolation\.", place) is not None
    return place in ADDED_LATER | IN_ONE_PLACE or apart or place.startswith(("versions.", "results.0.host.versions."))


def untold(record: Path, work: Path, places: list[tuple[str | int, ...]], *, publish: bool) -> Iterator[str]:
    """Places where another value is not told."""
    for place in places:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(record, work)
        # What golf does not take at all is told by a message.
        if forge_leaf(work, place, publish=publish) and not failing(work):
            yield ".".join(map(str, place))


def few(record: Path) -> list[tuple[str | int, ...]]:
    """Every 23rd place, so that a run takes seconds."""
    return list(leaves(loaded(record)))[::23]


def test_some_places_of_the_results_are_told_by_the_ledgers_last_entry(record: Path, tmp_path: Path) -> None:
    assert len(few(record)) > 12
    assert set(untold(record, tmp_path / "work", few(record), publish=False)) <= ADDED_LATER


def test_some_places_of_the_results_are_told_by_what_else_the_record_says(record: Path, tmp_path: Path) -> None:
    found = set(untold(record, tmp_path / "work", few(record), publish=True))
    assert {place for place in found if not in_one_place(place)} == set()


@pytest.mark.slow
@pytest.mark.parametrize("publish", [False, True])
def test_every_place_of_the_results_is_told(record: Path, tmp_path: Path, publish: bool) -> None:
    places = list(leaves(loaded(record)))
    assert len(places) > 300
    found = set(untold(record, tmp_path / "work", places, publish=publish))
    if publish:
        assert {place for place in found if not in_one_place(place)} == set()
        assert found >= ADDED_LATER
    else:
        assert found == ADDED_LATER


def test_the_place_that_is_walked_to_is_the_one_that_changes(record: Path) -> None:
    content = loaded(record)
    for place in leaves(content):
        put(content, place, "here")
        assert at(content, place) == "here"
