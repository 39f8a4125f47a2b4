"""Somebody else's script: its bytes run unchanged, its clocks come from its lines, its claims are held to them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runner.backends.backend import LocalBackend
from runner.backends.nodes import Node
from runner.drive.assess import JudgedRun
from runner.drive.run import run_plan
from runner.errors import UserError
from runner.files import sha256_bytes
from runner.job.external_script import OutputsSpec, counted_bytes, is_code
from runner.job.load import job_from_mapping, job_hash, resolved
from runner.job.open_data import DataRequest, open_requested
from runner.job.spec import JobSpec
from runner.logs.log_facts import LogReader
from runner.node.sightings import line_patterns
from runner.plan.plan import make_plan, preflight
from runner.results.frozen import Interval
from runner.script.bundle import script_of
from tests.fixtures.foreign_script import write_foreign
from tests.runner.drive.test_run import Screen, checks


def foreign_job(data: DataRequest, folder: Path, **changes: Any) -> JobSpec:
    write_foreign(folder)
    mapping = {
        "name": "theirs",
        "track": "local",
        "hardware": "cpu",
        "seeds": [1],
        "script": "their_train.py",
        "launch": "python",
        "data": {"path": data.folder, "tokenizer": data.tokenizer},
        "limits": {"train_seconds": 5, "eval_seconds": 5},
        **changes,
    }
    return job_from_mapping(mapping, source="job.yaml", folder=folder)


def run_foreign(job: JobSpec, data: DataRequest, output: Path) -> JudgedRun:
    script = script_of(job)
    plan = make_plan(job, open_requested(data), script.code_bytes, [Node(2, 0)])
    return run_plan(plan, script, output, Screen().console, LocalBackend)


def problem(**changes: Any) -> str:
    base = {"name": "x", "track": "local", "seeds": [1], "script": "a.py", "data": {"corpus": "asv"}}
    limits = {"limits": {"train_seconds": 5, "eval_seconds": 5}}
    with pytest.raises(UserError) as caught:
        job_from_mapping({**base, **limits, **changes}, source="job.yaml")
    return str(caught.value)


def test_a_foreign_script_runs_unchanged_to_a_record_that_claims_nothing_it_did_not_see(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    job = foreign_job(tiny_data, tmp_path)
    done = run_foreign(job, tiny_data, tmp_path)
    (result,) = done.data.results
    assert (result.status, result.reason) == ("completed", "")
    assert done.folder.script.read_bytes() == (tmp_path / "their_train.py").read_bytes()
    assert result.script_sha256 == sha256_bytes(done.folder.script.read_bytes())
    assert result.artifact is not None
    assert result.artifact.file == "final_model.int8.ptz"  # of the two, the one written last
    assert result.final_score is not None
    assert (result.final_score.rule, result.final_score.val_bpb) == ("final_int8_zlib_roundtrip", 1.2500005)
    assert result.train is not None
    clock = result.train.clock
    assert clock is not None
    assert clock.low < result.log.train_seconds + 0.5  # type: ignore[operator]
    assert 1.0 <= clock.high < result.train.wall_seconds
    assert checks(done, "train_clock") == checks(done, "eval_clock") == checks(done, "log_clock") == {"pass"}
    assert checks(done, "bytes_total") == checks(done, "hardware") == {"pass"}
    assert checks(done, "process_agreement") == {"unknown"}
    assert checks(done, "bpb_arithmetic") == {"pass"}
    assert done.data.verdict.status == "unverified"
    assert str(tmp_path) not in done.data.model_dump_json()
    assert "config" not in done.data.job


def test_a_script_that_logs_less_time_than_it_takes_is_flagged(tiny_data: DataRequest, tmp_path: Path) -> None:
    env = {"HOW": "shrinks", "PACE": "0.2"}
    done = run_foreign(foreign_job(tiny_data, tmp_path, env=env), tiny_data, tmp_path)
    assert checks(done, "log_clock") == {"fail"}
    assert done.data.verdict.status == "rejected"


def test_a_script_is_not_asked_what_its_clock_says(tiny_data: DataRequest, tmp_path: Path) -> None:
    job = foreign_job(tiny_data, tmp_path, env={"HOW": "announces", "PACE": "0.01"})
    done = run_foreign(job, tiny_data, tmp_path)
    assert "pipe: None\n" in done.folder.attempts(1)[0].log("train").read_text()
    train = done.data.results[0].train
    assert train is not None
    assert train.events == {}
    assert train.clock is not None


def test_training_over_the_limit_is_seen_without_any_event(tiny_data: DataRequest, tmp_path: Path) -> None:
    limits = {"train_seconds": 0.5, "eval_seconds": 5}
    job = foreign_job(tiny_data, tmp_path, env={"PACE": "0.1"}, limits=limits)
    assert checks(run_foreign(job, tiny_data, tmp_path), "train_clock") == {"fail"}


def test_a_switch_for_scoring_alone_makes_a_fresh_process(tiny_data: DataRequest, tmp_path: Path) -> None:
    outputs = {"eval_env": {"EVAL_ONLY": "1"}, "artifact": "final_model.int8.*"}
    done = run_foreign(foreign_job(tiny_data, tmp_path, outputs=outputs), tiny_data, tmp_path)
    (result,) = done.data.results
    assert result.status == "completed", result.reason
    assert result.eval_score == result.train_score == result.final_score
    assert result.eval is not None
    assert result.eval.returncode == 0
    assert result.eval.clock == Interval(low=0.0, high=result.eval.wall_seconds)
    assert checks(done, "eval_clock") == {"pass"}
    assert b"step:" not in done.folder.attempts(1)[0].log("eval").read_bytes()


def test_a_crash_is_a_result_with_the_scripts_last_lines(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = run_foreign(foreign_job(tiny_data, tmp_path, env={"HOW": "crashes"}), tiny_data, tmp_path)
    (result,) = done.data.results
    assert result.status == "failed"
    assert "exit code 7" in result.reason
    assert "stopping_early" in result.reason


def test_files_travel_with_the_script_and_code_among_them_is_counted(tiny_data: DataRequest, tmp_path: Path) -> None:
    (tmp_path / "side.py").write_text('WORD = "from the side"\n')
    (tmp_path / "names.json").write_text("{}")
    job = foreign_job(tiny_data, tmp_path, files=["side.py", "names.json"])
    done = run_foreign(job, tiny_data, tmp_path)
    assert b"from the side" in done.folder.attempts(1)[0].log("train").read_bytes()
    sizes = [(tmp_path / name).stat().st_size for name in ("their_train.py", "side.py")]
    assert done.data.verifications[0].code_bytes == done.data.results[0].code_bytes == sum(sizes)
    assert checks(done, "one_script") == {"pass"}
    before = job_hash(job, script_of(job).sha256, {})
    (tmp_path / "names.json").write_text("[]")
    assert job_hash(job, script_of(job).sha256, {}) != before


def test_data_files_that_could_hold_weights_leave_the_size_unknown(tiny_data: DataRequest, tmp_path: Path) -> None:
    (tmp_path / "table.bin").write_bytes(bytes(17_000_000))
    done = run_foreign(foreign_job(tiny_data, tmp_path, files=["table.bin"], env={"PACE": "0"}), tiny_data, tmp_path)
    assert checks(done, "bytes_total") == {"unknown"}
    (told,) = [check for check in done.data.verdict.checks if check.name == "bytes_total"]
    assert "17,000,000 B of data files beside the script are not counted" in told.detail
    assert done.data.verifications[0].code_bytes == (tmp_path / "their_train.py").stat().st_size
    assert done.data.verdict.status == "unverified"


def test_what_counts_as_code() -> None:
    assert [name for name in ("a.py", "k.cu", "x.so", "run", "v.json", "t.model") if is_code(name)] == [
        "a.py",
        "k.cu",
        "x.so",
        "run",
    ]
    assert counted_bytes(b"12345", {"a.py": b"67", "b.txt": b"890"}) == 7


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"config": {"model": {"num_layers": 3}}}, "config: a mapping cannot work: configures our script"),
        ({"files": ["../x.py"]}, "files.0: "),
        ({"files": ["a.py", "a.py"]}, "files.1: a.py stands twice"),
        (
            {"requires": ["flash-attn>=2"]},
            "must be a package's name, or name==version",
        ),
        ({"requires": [" "]}, "requires.0"),
        (
            {"outputs": {"stop": "(?=a)b"}},
            "outputs.stop: the text '(?=a)b' cannot work: cannot be run in bounded time",
        ),
        ({"outputs": {"score": "["}}, "outputs.score: the text '[' cannot work: is no regular expression"),
        (
            {"outputs": {"score": "val_loss"}},
            "outputs.score: the text 'val_loss' cannot work: needs the group",
        ),
        ({"outputs": {"step": ""}}, "outputs.step: the text '' cannot work: is empty, which fits every line"),
        ({"outputs": {"score": ""}}, "outputs.score: the text '' cannot work: is empty, which fits every line"),
        ({"outputs": {"warmup": "("}}, "outputs.warmup: the text '(' cannot work: is no regular expression"),
        ({"outputs": {"train_start": "(a)\\1"}}, "outputs.train_start: "),
        ({"outputs": {"train_end": "a{2000}"}}, "repetitions of more than 1,000"),
        (
            {"outputs": {"train_time": "took (\\S+)"}},
            "cannot work: needs one of the groups (?P<ms>...), (?P<s>...)",
        ),
        (
            {"outputs": {"sizes": "total (\\d+)"}},
            "needs one of the groups (?P<artifact_bytes>...), (?P<code_bytes>...), (?P<total_bytes>...)",
        ),
        (
            {"outputs": {"seed": "seed (\\d+)"}},
            "outputs.seed: the text 'seed (\\\\d+)' cannot work: needs the group (?P<seed>",
        ),
        ({"outputs": {"announce": "yes"}}, "outputs.announce: "),
        ({"outputs": {"train_begin": "x"}}, "outputs.train_begin: "),
        (
            {"outputs": {"artifact": "/tmp/x"}},
            "outputs.artifact: the text '/tmp/x' cannot work: must be a",
        ),
        ({"env": {"GOLF_PHASE": "x"}}, "env.GOLF_PHASE"),
        ({"launch": "python", "nproc": 2}, "launch: python is one process"),
        ({"script": None, "files": ["a.py"]}, "belongs to a script of your own"),
    ],
)
def test_a_mistaken_job_is_told_where(changes: dict[str, Any], said: str) -> None:
    assert said in problem(**changes)


def test_a_missing_script_and_one_over_the_cap_are_refused(tiny_data: DataRequest, tmp_path: Path) -> None:
    job = foreign_job(tiny_data, tmp_path)
    with pytest.raises(UserError, match="over the cap"):
        preflight(job, 16_000_001, print)
    (tmp_path / "their_train.py").unlink()
    with pytest.raises(UserError, match=r"their_train\.py: no such file"):
        script_of(job)


def test_a_resolved_foreign_job_reads_back_equal(tiny_data: DataRequest, tmp_path: Path) -> None:
    job = foreign_job(tiny_data, tmp_path, env={"NUM_LAYERS": "9"}, requires=["zstandard"])
    written = json.loads(json.dumps(resolved(job)))
    assert job_from_mapping(written, source="job.json") == job


def test_a_pattern_may_be_empty_where_a_script_prints_no_such_line() -> None:
    names = ("trained", "stop", "warmup", "train_time", "train_start", "train_end", "sizes")
    outputs = OutputsSpec(**dict.fromkeys(names, ""))  # type: ignore[arg-type]
    patterns = line_patterns(outputs)
    absent = (patterns.stop, patterns.warmup, patterns.train_time, patterns.train_start, patterns.train_end)
    assert absent == (None,) * 5
    assert patterns.trained.search("step:1/2 anything")


PUBLISHED = [
    # folder, what its last score line reports
    ("pr102", 1.15385454),
    ("pr1606", None),
    ("main-2026_03_20_10L_Int5MLP_MuonWD04_SW", None),
    ("pr150", 1.13925574),
    ("pr442", None),
]


@pytest.mark.parametrize(("name", "bpb"), PUBLISHED)
def test_the_default_patterns_read_published_logs(shared: Path, name: str, bpb: float | None) -> None:
    expected = {
        run["log"]: run["final_val_bpb"]
        for line in (shared / "corpus" / "expected.jsonl").read_text().splitlines()
        if (entry := json.loads(line))["id"] == name
        for run in entry["runs"]
        if run["role"] == "primary"
    }
    assert expected
    for log, final in expected.items():
        reader = LogReader(pattern=re.compile(OutputsSpec().score))
        reader.feed((shared / "corpus" / "folders" / name / log).read_bytes() + b"\n")
        assert reader.final_scores[-1].val_bpb == final
        assert bpb in (None, final)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b" \n", "is empty"),
        (b"import os\nprint('hi'\n", "train.py:2: does not compile under Python"),
        (b"return 1\n", "train.py:1: does not compile under Python"),
        (b"x = 1\0\n", "does not compile under Python"),
        (b"-" * 100_000 + b"1", "nested too deep"),
        (bytes(range(128, 256)), "does not compile under Python"),
    ],
)
def test_a_script_that_no_python_can_run_is_refused_before_a_node_is_paid_for_it(
    source: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_bytes(source)
    mapping = {"name": "x", "track": "local", "seeds": [1], "script": "train.py", "data": {"corpus": "asv"}}
    limits = {"limits": {"train_seconds": 5, "eval_seconds": 5}}
    with pytest.raises(UserError, match=re.escape(said)):
        script_of(job_from_mapping({**mapping, **limits}, source="job.yaml", folder=tmp_path))


def test_a_broken_module_beside_a_script_is_refused_and_an_empty_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import parts\n")
    mapping = {"name": "x", "track": "local", "seeds": [1], "script": "train.py", "data": {"corpus": "asv"}}
    rest = {"limits": {"train_seconds": 5, "eval_seconds": 5}, "files": ["parts/__init__.py"]}
    job = job_from_mapping({**mapping, **rest}, source="job.yaml", folder=tmp_path)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "__init__.py").write_text("")
    assert script_of(job).files == {"parts/__init__.py": b""}
    (tmp_path / "parts" / "__init__.py").write_text("def f(:\n")
    with pytest.raises(UserError, match=r"parts/__init__.py:1: does not compile"):
        script_of(job)
