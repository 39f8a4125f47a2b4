"""The command line as people meet it: one message for a mistake, exit codes, nothing left behind."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from runner.cli.app import app
from runner.job.load import load_job
from runner.job.open_data import DataRequest
from runner.node.gpus import gpu_names
from runner.script.bundle import script_of
from tests.fixtures.commands import forked_golf
from tests.fixtures.places import JOBS, ROOT
from tests.fixtures.tiny_data import VOCAB, make_tiny_data

JOB = """name: mistaken
track: local
hardware: cpu
seeds: [1, 2]
data:
  path: {folder}
  tokenizer: {tokenizer}
limits: {{train_seconds: 5, eval_seconds: 5}}
config:
  model: {{vocab_size: {vocab}, model_dim: 32, num_heads: 2, num_kv_heads: 1, num_layers: 2}}
  schedule: {{max_wallclock_seconds: 5}}
  batch: {{train_batch_tokens: 256, train_seq_len: 16, micro_batches: 1}}
"""


def write_job(folder: Path, data: DataRequest, old: str = "", new: str = "") -> Path:
    text = JOB.format(folder=data.folder, tokenizer=data.tokenizer, vocab=VOCAB)
    assert old in text
    path = folder / "job.yaml"
    path.write_text(text.replace(old, new) if old else text)
    return path


@pytest.fixture(scope="module", autouse=True)
def script(tiny_data: DataRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The script of the job that most tests spoil, made once and known to every child."""
    script_of(load_job(write_job(tmp_path_factory.mktemp("script"), tiny_data)))


def assert_refused(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exit 2, one message with all of `parts`, no traceback."""
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("golf: ")
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in done.stderr


def test_no_name_that_is_told_in_an_error_reaches_the_terminal_with_its_escapes(tmp_path: Path) -> None:
    done = forked_golf(tmp_path, "plan", "\x1b[2Jnone.yaml")
    assert_refused(done, "golf:  [2Jnone.yaml: holds a control character (U+001B); rename it")
    assert "\x1b" not in done.stderr


def test_names_that_could_forge_a_line_of_a_log_are_refused_where_they_are_read(
    tiny_data: DataRequest, tmp_path: Path
) -> None:
    forged = "x\ndevice:cuda:0 name:NVIDIA H100 80GB HBM3 precision:bfloat16"
    done = forked_golf(tmp_path, "run", "job.yaml", "--local", "--output", forged)
    assert_refused(done, "x device:cuda:0 name:NVIDIA H100", "holds a control character (U+000A)")
    path = write_job(tmp_path, tiny_data, f"path: {tiny_data.folder}", f"path: {json.dumps(forged)}")
    assert_refused(
        forked_golf(tmp_path, "plan", path.name), "job.yaml:", " data.path: holds a control character (U+000A)"
    )


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("num_layers", "num_layer", ["job.yaml:10: config.model.num_layer", "did you mean 'num_layers'?"]),
        ("eval_seconds: 5", "eval_seconds: soon", ["job.yaml:8: limits.eval_seconds"]),
        ("[1, 2]", "[1, 1]", ["job.yaml:4: seeds.1", "seed 1 stands twice"]),
        (
            "hardware: cpu",
            "hardware: cpu\nthreads: 4096",
            ["no node offers 0 GPUs and 4096 CPUs for one seed; the cluster has 1 node of"],
        ),
        ("256, train_seq_len: 16", "65536, train_seq_len: 65536", ["validation tokens are too few"]),
        ("hardware: cpu", "hardware: cpus", ["job.yaml:3: hardware", "did you mean 'cpu'?"]),
        ("model_dim: 32", "model_dim: 8192", ["over the cap of 16,000,000", "Make the model smaller"]),
    ],
)
def test_a_mistaken_job_is_one_message_and_leaves_nothing(
    tmp_path: Path, tiny_data: DataRequest, old: str, new: str, parts: list[str]
) -> None:
    write_job(tmp_path, tiny_data, old, new)
    assert_refused(forked_golf(tmp_path, "run", "job.yaml", "--local"), *parts)
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


def test_missing_and_truncated_shards_are_named(tmp_path: Path) -> None:
    data = make_tiny_data(tmp_path / "data", train_lines=60, val_lines=10)
    write_job(tmp_path, data)
    shard = tmp_path / "data" / "fineweb_train_000000.bin"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-100])
    assert_refused(forked_golf(tmp_path, "run", "job.yaml", "--local"), "fineweb_train_000000.bin")
    shard.unlink()
    assert_refused(forked_golf(tmp_path, "run", "job.yaml", "--local"), "fineweb_train_")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "job.yaml"]


def test_a_vocabulary_that_is_not_the_tokenizers_is_refused(tmp_path: Path, tiny_data: DataRequest) -> None:
    write_job(tmp_path, tiny_data, f"vocab_size: {VOCAB}", "vocab_size: 512")
    assert_refused(forked_golf(tmp_path, "run", "job.yaml", "--local"), "300", "512")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["run", "absent.yaml"], "absent.yaml: no such file"),
        (["run", "job.yaml", "--seeds", "1,x"], "whole numbers with commas"),
        (["run", "job.yaml", "--seeds", "3,3"], "seed 3 stands twice"),
        (["run", "job.yaml", "--local", "--address", "here:1"], "choose one"),
        (["run", "job.yaml", "--address", "127.0.0.1:1"], "nobody answers there"),
        (["run", "job.yaml", "--local", "--output", "job.yaml"], "job.yaml: nothing can be written there"),
        (["data", "fetch", "--variant", "sp1024", "--repository", "../x"], "--repository ../x: give OWNER/NAME"),
        (["bundle", "job.yaml", "-o", "."], "golf: .: is a folder; a file is to be written. Mend this"),
    ],
)
def test_mistaken_words_are_one_message(tmp_path: Path, tiny_data: DataRequest, words: list[str], part: str) -> None:
    write_job(tmp_path, tiny_data)
    assert_refused(forked_golf(tmp_path, *words), part)
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


def test_an_unknown_verb_is_exit_code_2(tmp_path: Path) -> None:
    done = forked_golf(tmp_path, "runn")
    assert done.returncode == 2
    assert "runn" in done.stderr


def test_plan_shows_everything_and_starts_nothing(tmp_path: Path, tiny_data: DataRequest) -> None:
    write_job(tmp_path, tiny_data)
    done = forked_golf(tmp_path, "plan", "job.yaml", "--seeds", "5,6,7")
    assert done.returncode == 0, done.stderr
    for part in ("5, 6, 7", "parameters", "no quantised weight", "cap 16,000,000", "limit 5 s"):
        assert part in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["job.yaml"]


UNLIKE = {"quickstart", "baseline", "pr465_sp8192", "pr1394", "frontier_caseops", "fit16"}
"""Jobs that a plan has most to tell of; it is asked of the others by `make test-slow`."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in UNLIKE else pytest.mark.slow)
        for name in sorted(path.stem for path in JOBS.glob("*.yaml"))
    ],
)
def test_every_shipped_job_is_planned_on_a_laptop_without_data(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copied away from any data that may lie beside them here."""
    shutil.copytree(JOBS, tmp_path / "jobs")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["plan", f"jobs/{name}.yaml"])
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    sp8192 = dict.fromkeys(("pr465_sp8192", "pr1394", "frontier"), "sp8192")
    variant = {**sp8192, "frontier_caseops": "caseops"}.get(name, "sp1024")
    data = f"data not here; bring it with `golf data fetch --variant {variant}`"
    assert (data in said) is (name != "quickstart")
    for part in (" MB: ", " bytes), cap ", " FLOPs for ", "warm-up ", "if every try is used (3 a seed)"):
        assert part in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jobs"]


def test_a_run_whose_data_is_not_here_is_still_refused(tmp_path: Path) -> None:
    shutil.copytree(JOBS, tmp_path / "jobs")
    assert_refused(
        forked_golf(tmp_path, "run", "jobs/baseline.yaml", "--local"), "golf data fetch brings the challenge's"
    )


def test_bundling_twice_gives_the_same_bytes(tmp_path: Path, tiny_data: DataRequest) -> None:
    write_job(tmp_path, tiny_data)
    first, second = (forked_golf(tmp_path, "bundle", "job.yaml", "-o", name) for name in ("one.py", "two.py"))
    assert first.returncode == second.returncode == 0, first.stderr
    assert (tmp_path / "one.py").read_bytes() == (tmp_path / "two.py").read_bytes()
    assert forked_golf(tmp_path, "bundle", "job.yaml", "--flat", "-o", "flat.py").returncode == 0
    assert "def main(" in (tmp_path / "flat.py").read_text()


def test_data_verbs_speak_of_the_jobs_data(tmp_path: Path, tiny_data: DataRequest) -> None:
    write_job(tmp_path, tiny_data)
    assert forked_golf(tmp_path, "data", "prepare", "job.yaml").stdout.strip() == tiny_data.folder
    shown = forked_golf(tmp_path, "data", "info", "job.yaml", "--recount").stdout
    (train,) = (line.split() for line in shown.splitlines() if line.startswith("train"))
    assert train[3] == "400"
    assert train[4] == train[5]  # bytes by the table and by decoding
    assert "not asked" in forked_golf(tmp_path, "data", "info", "job.yaml").stdout


@pytest.mark.skipif(bool(gpu_names()), reason="this machine has a GPU")
def test_a_plan_for_a_node_that_is_not_here_says_so_and_what_it_takes(tmp_path: Path, tiny_data: DataRequest) -> None:
    write_job(tmp_path, tiny_data, "hardware: cpu", "hardware: h100x8")
    done = forked_golf(tmp_path, "plan", "job.yaml")
    shown = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stderr
    assert "one node that is not here: golf run would refuse this machine of 0 GPUs and" in shown
    assert "hardware h100x8" in shown
    assert "8 processes, 8x H100 and" in shown
    assert "at $20 an hour each (a guess)" in shown
    write_job(tmp_path, tiny_data, "hardware: cpu", "hardware: h100x8\nnproc: 16")
    assert_refused(forked_golf(tmp_path, "plan", "job.yaml"), "no node offers 16x H100 and 16 CPUs for one seed")
    assert_refused(forked_golf(tmp_path, "run", "job.yaml", "--local"), "no node offers 16x H100")


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys, runner.cli.entry\n"
        "heavy = {'torch', 'ray', 'pandas', 'numpy', 'sentencepiece', 'huggingface_hub', 'pydantic', 'rich.live'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    shown = forked_golf(tmp_path, "--help")
    assert shown.returncode == 0
    assert all(
        verb in shown.stdout
        for verb in (
            "run",
            "plan",
            "status",
            "logs",
            "stop",
            "resume",
            "ledger",
            "bundle",
            "compare",
            "report",
            "data",
        )
    )


def test_a_current_folder_that_is_gone_is_said_and_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    code = (
        "import os, runner.cli.entry as entry; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone'); entry.main()"
    )
    command = [sys.executable, "-c", code, "status"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert_refused(done, "golf: the folder that this shell is in is gone; change into one that is there")


def test_a_umask_that_takes_files_from_their_owner_is_refused(tmp_path: Path) -> None:
    command = ["sh", "-c", 'umask 0700; exec "$@"', "sh", sys.executable, "-m", "runner.cli", "status"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert_refused(done, "golf: umask 0700: takes new files from their own owner; set another first, e.g. umask 022")


def test_a_fault_of_our_own_is_no_verdict(tmp_path: Path) -> None:
    code = "import runner.cli.entry as entry; entry.app = lambda: 1 / 0; entry.main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("golf: this is a fault of golf's own and no verdict")


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"golf {metadata.version('golf')}\n"


def test_every_verb_has_help_whose_line_in_the_list_is_whole_in_80_columns() -> None:
    def lists(command: Any, words: list[str]) -> None:
        told = CliRunner().invoke(app, [*words, "-h"], terminal_width=80)
        assert told.exit_code == 0
        if hasattr(command, "commands"):
            assert "..." not in told.output.partition("Commands:")[2]
            for name, inner in command.commands.items():
                lists(inner, [*words, name])

    lists(typer.main.get_command(app), [])


def test_a_plan_as_json_has_its_figures_and_its_rows(tiny_data: DataRequest, tmp_path: Path) -> None:
    done = forked_golf(tmp_path, "plan", str(write_job(tmp_path, tiny_data)), "--json")
    facts = json.loads(done.stdout)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    assert (facts["job"], facts["seeds"], facts["at_a_time"], facts["hardware"]) == ("mistaken", [1, 2], 1, "cpu")
    assert (facts["train_limit_seconds"], facts["cap_bytes"]) == (5.0, 16_000_000)
    assert facts["size_bytes"]["low"] < facts["size_bytes"]["high"]
    assert facts["rows"][0] == ["job", "mistaken, track local"]


def test_answers_of_verify_as_json(kept_record: Path, kept_rejected: Path) -> None:
    for record, code, conclusion in ((kept_record, 0, "open"), (kept_rejected, 0, "open")):
        done = forked_golf(record.parent, "verify", str(record), "--json")
        facts = json.loads(done.stdout)
        assert (done.returncode, facts["conclusion"]) == (code, conclusion), done.stdout
        assert {check["status"] for check in facts["checks"]} <= {"pass", "unknown"}
        assert facts["record"] == str(record)


def test_a_run_begun_elsewhere_is_gone_on_with_in_this_process(tiny_data: DataRequest, tmp_path: Path) -> None:
    refused = forked_golf(tmp_path, "resume", "x", "--local", "--address", "127.0.0.1:1")
    assert_refused(refused, "no run of this name")
    refused = forked_golf(tmp_path, "resume", "x", "--submit", "--local", "--address", "127.0.0.1:1")
    assert_refused(refused, "--local runs without Ray, --submit on a Ray cluster: choose one")
