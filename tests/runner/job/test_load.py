"""Reading jobs: the value that comes out, and every mistake with file, line, field and suggestion."""

from __future__ import annotations

import copy
import inspect
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from golf_model.config.golf_config import GolfConfig
from runner.errors import UserError
from runner.job.claim import BaselineSpec, ClaimSpec
from runner.job.load import DataSpec, JobSpec, LimitsSpec, job_from_mapping, job_hash, load_job, resolved, with_seeds
from runner.job.reference import Figures, OverallFigures, ReferenceSeed, ReferenceSpec
from runner.job.spec import BESIDE_THE_RUN
from runner.job.tracks import HARDWARE
from runner.record.comparison_sources import arm_of_folder
from runner.yaml_lines import load_yaml
from tests.fixtures.odd_values import ODD, drawn_place

GOOD = """\
name: small
track: local
seeds: [1, 2, 3]
data:
  corpus: asv
limits:
  train_seconds: 60
  eval_seconds: 30.5
config:
  model:
    num_layers: 3
    bigram: {buckets: 512}
  optim:
    adam_eps: 1e-8
    muon_momentum: 1
  schedule:
    max_wallclock_seconds: 50
  runtime:
    compile: on
"""


def parse(text: str, folder: Path | None = None) -> JobSpec:
    data, lines = load_yaml(text, "job.yaml")
    return job_from_mapping(data, source="job.yaml", lines=lines, folder=folder, read_baseline=arm_of_folder)


def complaint(text: str) -> str:
    with pytest.raises(UserError) as caught:
        parse(text)
    return str(caught.value)


def test_a_file_becomes_a_typed_frozen_value(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(GOOD)
    job = load_job(tmp_path / "job.yaml")
    assert (job.name, job.seeds, job.hardware, job.nproc, job.stall_seconds) == ("small", (1, 2, 3), "auto", 0, 300.0)
    assert (job.config.model.num_layers, job.config.model.bigram.buckets) == (3, 512)
    assert (job.config.optim.adam_eps, job.config.runtime.compile) == (1e-8, "on")
    assert repr(job.config.optim.muon_momentum) == "1.0"
    with pytest.raises(ValueError, match="frozen"):
        setattr(job, "name", "other")  # noqa: B010  # as a caller without a type checker would


def test_what_is_not_given_is_the_configurations_default() -> None:
    job = parse(GOOD[: GOOD.index("config:")] + "config:\n  schedule: {kind: steps}\n")
    assert job.config.model == GolfConfig().model


def test_paths_start_from_the_jobs_folder(tmp_path: Path) -> None:
    text = GOOD.replace("corpus: asv", f"path: shards\n  tokenizer: {tmp_path}/elsewhere/t.model")
    job = parse(text, tmp_path / "jobs")
    assert job.data.path == tmp_path / "jobs" / "shards"
    assert job.data.tokenizer == tmp_path / "elsewhere" / "t.model"
    assert parse(text).data.path == Path.cwd() / "shards"


def edit(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


PUBLISHED = """\
reference:
  source: "PR #9999"
  hardware: 8xH100 80GB SXM
  data: fineweb10B_sp1024
  claimed: {bpb: 1.1361, bytes_total: 15826438}
  seeds:
    - seed: 1337
      logged: {bpb: 1.1354, steps: 9126, train_seconds: 600}
    - seed: 42
"""
"""Begins on line 20, after GOOD."""


def published(old: str, new: str) -> str:
    assert old in PUBLISHED
    return GOOD + PUBLISHED.replace(old, new, 1)


MISTAKES: dict[str, tuple[str, str]] = {
    "misspelt key": (edit("track:", "trakc:"), "2: trakc: unknown key (did you mean 'track'?)"),
    "missing key": (edit("track: local\n", ""), "1: track: is required; add it"),
    "unlike any key": (
        edit("corpus: asv", "corpus: asv\n  zzz: 1"),
        "6: data.zzz: unknown key; known here: corpus, path, tokenizer",
    ),
    "misspelt deep key": (
        edit("num_layers", "num_layer"),
        "11: config.model.num_layer: unknown key (did you mean 'num_layers'?)",
    ),
    "key one level up": (
        edit("  model:\n", "  iterations: 5\n  model:\n"),
        "10: config.iterations: unknown key (did you mean config.schedule.iterations?)",
    ),
    "quoted number": (
        edit("num_layers: 3", "num_layers: '3'"),
        "11: config.model.num_layers: must be a whole number, not the text '3'; remove the quotes",
    ),
    "quoted float": (
        edit("adam_eps: 1e-8", "adam_eps: '600'"),
        "14: config.optim.adam_eps: must be a number, not the text '600'; remove the quotes",
    ),
    "word for a float": (
        edit("adam_eps: 1e-8", "adam_eps: tiny"),
        "14: config.optim.adam_eps: must be a number, not the text 'tiny'",
    ),
    "true for a number": (
        edit("num_layers: 3", "num_layers: true"),
        "11: config.model.num_layers: must be a whole number, not true",
    ),
    "true for a float": (
        edit("adam_eps: 1e-8", "adam_eps: true"),
        "14: config.optim.adam_eps: must be a number, not true",
    ),
    "float for an int": (
        edit("num_layers: 3", "num_layers: 3.5"),
        "11: config.model.num_layers: must be a whole number, not 3.5",
    ),
    "whole float for an int": (
        edit("num_layers: 3", "num_layers: 3.0"),
        "11: config.model.num_layers: must be a whole number, not 3.0",
    ),
    "empty value": (
        edit("num_layers: 3", "num_layers:"),
        "11: config.model.num_layers: must be a whole number, not empty (null)",
    ),
    "yes for a flag": (
        GOOD + "yardsticks: yes\n",
        "20: yardsticks: must be true or false, not the text 'yes'; write true",
    ),
    "number for text": (GOOD + "blurb: 5\n", "20: blurb: must be text, not 5; write it in quotes"),
    "list for a mapping": (
        edit("{buckets: 512}", "[512]"),
        "12: config.model.bigram: must be a mapping, not a list",
    ),
    "mapping for a list": (edit("[1, 2, 3]", "{a: 1}"), "3: seeds: must be a list, not a mapping"),
    "unknown choice": (
        edit("compile: on", "compile: onn"),
        "19: config.runtime.compile: the text 'onn' is not one of auto, on, off (did you mean 'on'?)",
    ),
    "flag for a choice": (
        edit("compile: on", "compile: true"),
        "19: config.runtime.compile: must be one of auto, on, off, not true",
    ),
    "unknown corpus": (
        edit("corpus: asv", "corpus: avs"),
        "5: data.corpus: the text 'avs' is not one of asv (did you mean 'asv'?)",
    ),
    "unknown track": (
        edit("track: local", "track: locl"),
        "2: track: the text 'locl' is not one of 10min_16mb, non_record_16mb, local (did you mean 'local'?)",
    ),
    "unknown hardware": (
        GOOD + "hardware: gpuu\n",
        f"20: hardware: the text 'gpuu' is not one of {', '.join(HARDWARE)} (did you mean 'gpu'?)",
    ),
    "value that cannot work": (
        edit("{buckets: 512}", "\n      buckets: 1"),
        "13: config.model.bigram.buckets: 1 cannot work: 0 (off) or at least 2",
    ),
    "fields that contradict": (
        edit("num_layers: 3", "num_heads: 7"),
        "10: config.model.model_dim: must be a multiple of num_heads=7",
    ),
    "more layers than can be listed": (
        edit("num_layers: 3", "num_layers: 1000000000"),
        "11: config.model.num_layers: 1,000,000,000 are too many; at most 10,000",
    ),
    "variable that is no name": (
        edit("track: local", "track: local\nenv: {A=B: c}"),
        (
            "3: env.'A=B': the text 'A=B' must consist of capital letters, digits and '_', the first a letter, "
            "as in NUM_LAYERS"
        ),
    ),
    "variable in lower case": (
        edit("track: local", "track: local\nenv: {num_layers: '10'}"),
        (
            "3: env.num_layers: the text 'num_layers' must consist of capital letters, digits and '_', "
            "the first a letter, as in NUM_LAYERS"
        ),
    ),
    "number with zeros in front": (
        edit("[1, 2, 3]", "[012]"),
        ("3: seeds.0: must be a whole number, not the text '012'; zeros in front or quotes make it a text: write 12"),
    ),
    "seed twice": (
        edit("[1, 2, 3]", "\n  - 1\n  - 2\n  - 1"),
        "6: seeds.2: seed 1 stands twice; give each seed once",
    ),
    "no seeds": (
        edit("[1, 2, 3]", "[]"),
        "3: seeds: give at least one",
    ),
    "negative seed": (edit("[1, 2, 3]", "[1, -1]"), "3: seeds.1: must be greater than or equal to 0; it is -1"),
    "seed too large": (
        edit("[1, 2, 3]", "[2147483648]"),
        "3: seeds.0: must be less than or equal to 2147483647; it is 2147483648",
    ),
    "name with a slash": (
        edit("name: small", "name: ../x"),
        (
            "1: name: the text '../x' must consist of letters, digits, '.', '_' or '-', at most 64, "
            "the first a letter or digit"
        ),
    ),
    "two sources of data": (
        edit("corpus: asv", "corpus: asv\n  path: x"),
        "6: data.path: the text 'x' cannot work: give either corpus or path, not both",
    ),
    "no source of data": (edit("\n  corpus: asv", " {}"), "4: data.corpus: give corpus: asv, or path: FOLDER"),
    "path alone": (edit("corpus: asv", "path: x"), "4: data.tokenizer: is required where path is given"),
    "limit of zero": (
        edit("train_seconds: 60", "train_seconds: 0"),
        "7: limits.train_seconds: must be greater than 0; it is 0",
    ),
    "limit not given": (
        edit("  eval_seconds: 30.5\n", ""),
        "6: limits.eval_seconds: is required: track local leaves this limit to the job",
    ),
    "misspelt published figure": (
        published("{bpb: 1.1354", "{bbp: 1.1354"),
        "27: reference.seeds.0.logged.bbp: unknown key (did you mean 'bpb'?)",
    ),
    "published figure without its word": (
        published("- seed: 42", "- seed: 42\n      bpb: 1.1"),
        "29: reference.seeds.1.bpb: unknown key (did you mean reference.seeds.1.logged.bpb?)",
    ),
    "published parameters of one seed": (
        published("steps: 9126", "parameters: 9126"),
        ("27: reference.seeds.0.logged.parameters: unknown key (did you mean reference.logged.parameters?)"),
    ),
    "unlike any published figure": (
        published("steps: 9126", "zzz: 1"),
        (
            "27: reference.seeds.0.logged.zzz: unknown key; known here: bpb, pre_quant_bpb, plain_bpb, bytes_total, "
            "artifact_bytes, steps, step_avg_ms, train_seconds, eval_seconds, peak_memory_mib"
        ),
    ),
    "published figure of zero": (
        published("bpb: 1.1354", "bpb: 0"),
        "27: reference.seeds.0.logged.bpb: must be greater than 0; it is 0",
    ),
    "negative published bytes": (
        published("15826438", "-1"),
        "24: reference.claimed.bytes_total: must be greater than 0; it is -1",
    ),
    "published figure in quotes": (
        published("15826438", "'15826438'"),
        "24: reference.claimed.bytes_total: must be a whole number, not the text '15826438'; remove the quotes",
    ),
    "published seed twice": (
        published("seed: 42", "seed: 1337"),
        "28: reference.seeds.1.seed: seed 1337 stands twice; give all its figures in one place",
    ),
    "published figures of no seed": (
        published("seed: 42", "claimed: {bpb: 1.1}"),
        "28: reference.seeds.1.seed: is required; add it",
    ),
    "reference to nothing": (
        published('"PR #9999"', '""'),
        "21: reference.source: the text '' cannot work: say where it was published, e.g. PR #372",
    ),
    "published data without a name": (
        published("data: fineweb10B_sp1024", "data: ''"),
        "23: reference.data: the text '' cannot work: name its data set, e.g. fineweb10B_sp1024",
    ),
    "published hardware without a count": (
        published("8xH100", "H100"),
        ("22: reference.hardware: the text 'H100 80GB SXM' cannot work: begin with how many, e.g. 8xH100 80GB SXM"),
    ),
    "published run without hardware": (
        published("  hardware: 8xH100 80GB SXM\n", ""),
        "20: reference.hardware: is required; add it",
    ),
    "training beyond its clock": (
        edit("max_wallclock_seconds: 50", "max_wallclock_seconds: 61"),
        (
            "17: config.schedule.max_wallclock_seconds: 61 s is more than the training clock of 60 s; "
            "lower it, or raise that limit"
        ),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_mistake_gives_one_line_with_file_line_field_and_advice(name: str) -> None:
    text, said = MISTAKES[name]
    assert complaint(text) == f"job.yaml:{said}"


def test_all_mistakes_are_told_at_once_in_the_files_order() -> None:
    text = edit("num_layers: 3", "num_layer: 3").replace("local", "loca").replace("[1, 2, 3]", "['1', 2]")
    assert [line.split(": ")[0:2] for line in complaint(text + "blubr: x\n").splitlines()] == [
        ["job.yaml:2", "track"],
        ["job.yaml:3", "seeds.0"],
        ["job.yaml:11", "config.model.num_layer"],
        ["job.yaml:20", "blubr"],
    ]


@pytest.mark.parametrize("text", ["", "just words", "- 1", "3"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    assert complaint(text).startswith("job.yaml:1: job: must be a mapping")


def test_files_that_cannot_be_jobs_are_refused_with_their_path(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"name: \xff")
    (tmp_path / "large.yaml").write_bytes(b"#" * 1_000_001)
    for name, said in [
        ("none.yaml", "no such file"),
        (".", "not a file"),
        ("binary.yaml", "not UTF-8"),
        ("large.yaml", "at most 1,000,000 are read"),
    ]:
        with pytest.raises(UserError, match=said) as caught:
            load_job(tmp_path / name)
        assert str(caught.value).startswith(str(tmp_path / name))


def test_a_data_path_makes_no_detour_through_the_jobs_folder_unless_a_link_makes_it_another_place(
    tmp_path: Path,
) -> None:
    # A script that is cut off from the job's folder finds its data all the same.
    text = GOOD.replace("corpus: asv", "path: ../shards\n  tokenizer: ../t.model")
    (tmp_path / "elsewhere" / "jobs").mkdir(parents=True)
    assert parse(text, tmp_path / "jobs").data.path == tmp_path / "shards"
    (tmp_path / "jobs").symlink_to(tmp_path / "elsewhere" / "jobs")
    assert parse(text, tmp_path / "jobs").data.path == tmp_path / "jobs" / ".." / "shards"


def test_resolved_writes_every_field_and_reads_back_equal() -> None:
    job = parse(GOOD)
    written = json.loads(json.dumps(resolved(job)))
    assert written["config"]["model"]["bigram"] == {
        "buckets": 512,
        "dim": 128,
        "embed_dtype": "float32",
        "placement": "before_blocks",
    }
    assert set(written) == set(JobSpec.model_fields) - {
        "script",
        "files",
        "requires",
        "outputs",
        "launch",
        "against",
        "variants",
        *BESIDE_THE_RUN,
    }
    assert job_from_mapping(written, source="job.json") == job


def test_a_published_run_is_read_and_what_it_does_not_say_stays_unsaid() -> None:
    job = parse(GOOD + PUBLISHED)
    assert job.reference is not None
    assert (job.reference.claimed.bpb, job.reference.logged.bpb, job.reference.note) == (1.1361, None, "")
    assert [entry.seed for entry in job.reference.seeds] == [1337, 42]
    assert job.reference.seeds[0].logged.train_seconds == 600.0
    assert parse(GOOD).reference is None
    assert job_from_mapping(json.loads(json.dumps(resolved(job))), source="job.json") == job


def test_a_published_run_decides_no_result() -> None:
    without, with_one = parse(GOOD), parse(GOOD + PUBLISHED)
    assert job_hash(without, "script", {"a": "1"}) == job_hash(with_one, "script", {"a": "1"})


def test_other_seeds_are_checked_like_those_of_a_file() -> None:
    job = parse(GOOD)
    assert with_seeds(job, [7, 8]).seeds == (7, 8)
    assert with_seeds(job, [7, 8]).config == job.config
    with pytest.raises(UserError, match=r"--seeds:1: seeds.1: seed 7 stands twice"):
        with_seeds(job, [7, 7])


def test_hash_is_the_same_whatever_the_name_seeds_texts_and_folder(tmp_path: Path) -> None:
    text = GOOD.replace("corpus: asv", "path: x\n  tokenizer: y")
    other = text.replace("small", "large").replace("[1, 2, 3]", "[4]") + "author: me\nyardsticks: true\n"
    files = {"b": "2", "a": "1"}
    first = job_hash(parse(text), "script", files)
    assert first == job_hash(parse(other, tmp_path), "script", dict(sorted(files.items())))
    assert len(first) == 8
    assert set(first) <= set("0123456789abcdef")


def test_hash_changes_with_all_that_decides_results() -> None:
    base = parse(GOOD)
    changed = [
        job_hash(base, "script", {"a": "1"}),
        job_hash(base, "another", {"a": "1"}),
        job_hash(base, "script", {"a": "2"}),
        job_hash(base.model_copy(update={"track": "non_record_16mb"}), "script", {"a": "1"}),
        *(
            job_hash(parse(text), "script", {"a": "1"})
            for text in (
                edit("num_layers: 3", "num_layers: 4"),
                edit("train_seconds: 60", "train_seconds: 61"),
                GOOD + "threads: 2\n",
                GOOD + "nproc: 2\n",
                GOOD + "hardware: cpu\n",
            )
        ),
    ]
    assert len(set(changed)) == len(changed)


def test_every_field_has_a_line_of_documentation() -> None:
    for kind in (
        JobSpec,
        DataSpec,
        LimitsSpec,
        ClaimSpec,
        BaselineSpec,
        ReferenceSpec,
        ReferenceSeed,
        OverallFigures,
        Figures,
    ):
        text = inspect.getsource(kind)
        for name in kind.__annotations__:
            after = text[text.index(f"\n    {name}: ") + 1 :].split("\n")[1]
            assert after.startswith('    """'), f"{kind.__name__}.{name}"


# ---- fuzz ----


def outcome(act: Callable[[], JobSpec]) -> None:
    """Either a job that can be written out again, or one message whose every line names the file."""
    try:
        job = act()
    except UserError as error:
        lines = str(error).splitlines()
    else:
        lines = []
        assert json.loads(json.dumps(resolved(job), allow_nan=False))["name"] == job.name
    assert [line for line in lines if not line.startswith("job.yaml:")] == []


CLAIM = "claim: {baseline: {val_bpb: [1.1, 1.2], nats_per_bpb: 2.5}, gain: 0.01}\n"
RESOLVED = resolved(parse(GOOD + PUBLISHED + CLAIM))


@pytest.mark.parametrize("named", ["\x1e", "a\u2028b", "\x1b[2J"])
def test_a_base_whose_name_would_break_or_clear_the_line_is_told_on_one_line(named: str) -> None:
    with pytest.raises(UserError, match=r"^job\.yaml:1: base: .*no such file; give the path of a job$") as caught:
        job_from_mapping({**RESOLVED, "base": named}, source="job.yaml")
    assert str(caught.value).isprintable()


@given(st.data())
def test_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    mutated = copy.deepcopy(RESOLVED)
    for _ in range(data.draw(st.integers(1, 3))):
        parent, last = drawn_place(data, mutated)
        if isinstance(parent, dict) and data.draw(st.booleans()):
            parent[data.draw(st.text(max_size=8))] = parent.pop(last)
        else:
            parent[last] = data.draw(ODD)
    outcome(lambda: job_from_mapping(mutated, source="job.yaml"))


@given(st.data())
def test_any_damage_to_the_text_is_read_or_refused(data: st.DataObject) -> None:
    text = GOOD + PUBLISHED + CLAIM
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 8)))
        text = (
            text[:start]
            + data.draw(st.text(st.sampled_from("ab1 \n\t:-[]{}'\"&*!|>#,.e\\"), max_size=6))
            + text[end:]
        )
    outcome(lambda: parse(text))


def test_every_knob_of_the_configuration_survives_yaml() -> None:
    def spread(value: Any) -> Any:
        return {f.name: spread(getattr(value, f.name)) for f in fields(value)} if is_dataclass(value) else value

    whole = {**RESOLVED, "config": {**spread(GolfConfig()), "schedule": {"kind": "steps"}}}
    job = parse(yaml.safe_dump(whole))
    assert job.config.model == GolfConfig().model
    assert job.config.optim == GolfConfig().optim


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("must_beat: bigram", "needs yardsticks: true"),
        ("env: {SEED: '5'}", "belongs to the script's contract"),
        ("env: {GOLF_PHASE: eval}", "belongs to the script's contract"),
        ("env: {nccl: '1'}", "env"),
    ],
)
def test_fields_that_contradict_the_contract_are_refused(line: str, part: str) -> None:
    assert part in complaint(f"{GOOD}{line}\n")


def test_a_vocabulary_that_shards_cannot_hold_is_refused_with_its_line() -> None:
    text = edit("num_layers: 3", "vocab_size: 65537")
    with pytest.raises(UserError) as caught:
        parse(text)
    line = next(number for number, part in enumerate(text.splitlines(), 1) if "65537" in part)
    assert f":{line}: config.model.vocab_size: 65,537 ids are more than a shard's 16 bits a token can name" in str(
        caught.value
    )
