"""The script as a whole: phases, exit codes, official lines, one process and two."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from golf_model.config.average import AverageConfig
from golf_model.config.batch import BatchConfig
from golf_model.config.eval import EvalConfig
from golf_model.config.export import ExportConfig
from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import StepConfig
from golf_model.config.log import LogConfig
from golf_model.config.model import BigramConfig, ModelConfig
from golf_model.config.optim import OptimConfig
from golf_model.config.qat import QatConfig
from golf_model.config.rounding import GptqConfig
from golf_model.config.runtime import RuntimeConfig
from golf_model.config.schedule import ScheduleConfig
from golf_model.main import main
from golf_model.process.devices import why_no_compiler
from golf_model.process.errors import ScriptError
from golf_model.process.files import write_durably
from golf_model.script_parts import config_as_source
from runner.job.open_data import DataRequest
from tests.fixtures.config_classes import CONFIG_IMPORTS
from tests.fixtures.tiny_data import VOCAB

CONFIG = GolfConfig(
    model=ModelConfig(
        vocab_size=VOCAB, num_layers=2, model_dim=32, num_heads=2, num_kv_heads=1, bigram=BigramConfig(64, 8)
    ),
    optim=OptimConfig(muon_dtype="float32"),
    schedule=ScheduleConfig(kind="steps", iterations=10, warmdown_iters=4, warmup_steps=1),
    batch=BatchConfig(train_batch_tokens=256, train_seq_len=16, val_batch_tokens=512, micro_batches=2),
    export=ExportConfig(passthrough_numel=512),
    log=LogConfig(train_log_every=5, val_loss_every=5),
    runtime=RuntimeConfig(precision="float32"),
)
ARTIFACT = "final_model.ptz"

RunScript = Callable[..., int]


@pytest.fixture(scope="module")
def run_script(tiny_data: DataRequest) -> RunScript:
    """Run `main` in a folder with the tiny data set and the given variables; returns the exit code."""

    def run(folder: Path, config: GolfConfig = CONFIG, **variables: str) -> int:
        folder.mkdir(parents=True, exist_ok=True)
        script = folder / "train_gpt.py"
        script.write_text("the script\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "GOLF_EVENTS"):
                patch.delenv(name, raising=False)
            given = {
                "SEED": "7",
                "RUN_ID": "run",
                "DATA_PATH": str(tiny_data.folder),
                "TOKENIZER_PATH": str(tiny_data.tokenizer),
            }
            for name, value in (given | variables).items():
                patch.setenv(name, value)
            return main(config, script)

    return run


@pytest.fixture(scope="module")
def plain(run_script: RunScript, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of both phases; to be read."""
    folder = tmp_path_factory.mktemp("plain")
    assert run_script(folder) == 0
    return folder


@pytest.fixture(scope="module")
def trained(run_script: RunScript, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that only trained; to be read."""
    folder = tmp_path_factory.mktemp("trained")
    assert run_script(folder, GOLF_PHASE="train") == 0
    return folder


def log_of(folder: Path) -> str:
    return (folder / "logs" / "run.txt").read_text()


def line_with(log: str, start: str) -> str:
    (line,) = [line for line in log.splitlines() if line.startswith(start)]
    return line


def test_phases_in_two_folders_agree_with_a_plain_run(
    run_script: RunScript, plain: Path, trained: Path, tmp_path: Path
) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    shutil.copy(trained / ARTIFACT, fresh)
    assert run_script(fresh, GOLF_PHASE="eval") == 0

    # The same seed, steps and threads: the same bytes.
    assert (plain / ARTIFACT).read_bytes() == (trained / ARTIFACT).read_bytes()
    scores = {line_with(log_of(folder), "score rule:plain") for folder in (plain, trained, fresh)}
    assert len(scores) == 1
    (score,) = scores
    assert re.fullmatch(r"score rule:plain tokens:\d+ bytes:\d+ val_loss:\d\.\d{9,} val_bpb:\d\.\d{9,}", score)
    for folder in (plain, fresh):
        assert line_with(log_of(folder), "final_score ") == f"final_{score}"
    assert "final_score" not in log_of(trained)


def test_events_come_in_the_order_of_the_phases(plain: Path, trained: Path) -> None:
    training = [
        "warmup_start",
        "train_start",
        *["validation_start", "validation_end"] * 2,
        "train_end",
        "artifact_frozen",
    ]
    assert re.findall(r"^event:(\w+)$", log_of(trained), re.M) == training
    assert re.findall(r"^event:(\w+)$", log_of(plain), re.M) == [*training, "eval_start", "eval_end"]


def test_log_has_the_official_lines_and_true_sizes(plain: Path) -> None:
    log = log_of(plain)
    script, packed = (plain / "train_gpt.py").read_bytes(), (plain / ARTIFACT).stat().st_size
    live = (plain / "final_model.pt").stat().st_size
    assert log.startswith(f"script_sha256:{hashlib.sha256(script).hexdigest()} code_bytes:{len(script)}\n")
    for pattern in (
        r"val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path=.*/tokenizer\.model",
        r"train_loader:dataset:\S+ train_shards:1",
        r"val_loader:shards pattern=.*/fineweb_val_\*\.bin tokens:\d+",
        r"model_params:\d+",
        r"world_size:1 grad_accum_steps:2",
        r"train_batch_tokens:256 train_seq_len:16 iterations:10 warmup_steps:1 max_wallclock_seconds:0\.000",
        r"seed:7",
        r"warmup_step:1/1",
        r"step:10/10 train_loss:\d\.\d{4} train_time:\d+ms step_avg:\d+\.\d\dms",
        r"step:5/10 val_loss:\d\.\d{4} val_bpb:\d\.\d{4} train_time:\d+ms step_avg:\d+\.\d\dms",
        r"step:10/10 val_loss:\d\.\d{4} val_bpb:\d\.\d{4} train_time:\d+ms step_avg:\d+\.\d\dms",
        r"peak memory allocated: \d+ MiB reserved: \d+ MiB",
        rf"Serialized model: {live} bytes",
        rf"Code size: {len(script)} bytes",
        rf"Total submission size: {live + len(script)} bytes",
        rf"Serialized model int8\+golf: {packed} bytes \(payload:\d+ raw:\d+ payload_ratio:\d\.\d\dx\)",
        rf"Total submission size int8\+golf: {packed + len(script)} bytes",
        r"final_int8_golf_roundtrip val_loss:\d\.\d{4} val_bpb:\d\.\d{4} eval_time:\d+ms",
        r"final_int8_golf_roundtrip_exact val_loss:\d\.\d{8} val_bpb:\d\.\d{8}",
    ):
        assert len(re.findall(f"^{pattern}$", log, re.M)) == 1, pattern


FITTED = replace(
    CONFIG,
    average=AverageConfig("ema", ema_decay=0.8),
    qat=QatConfig("training", start_step=4, grid="step", resolve_every=3),
    export=ExportConfig(
        compressor="rans",
        embed="step",
        mlp="step",
        attn="step",
        passthrough_numel=64,
        step=StepConfig(cap_bytes=16_000),
        gptq=GptqConfig(tokens=512),
    ),
)


def test_an_artifact_is_made_to_fit_and_scores_the_same_in_a_fresh_process(
    run_script: RunScript, tmp_path: Path
) -> None:
    trained, fresh = tmp_path / "trained", tmp_path / "fresh"
    assert run_script(trained, FITTED, GOLF_PHASE="train") == 0
    fresh.mkdir()
    shutil.copy(trained / ARTIFACT, fresh)
    assert run_script(fresh, FITTED, GOLF_PHASE="eval") == 0
    log = log_of(trained)
    total = (trained / ARTIFACT).stat().st_size + len((trained / "train_gpt.py").read_bytes())
    assert 0.999 * 16_000 <= total <= 16_000
    assert f"total:{total} {16_000 - total} under the cap of 16000" in line_with(log, "step:0.")
    assert line_with(log, "Total submission size step+golf:") == f"Total submission size step+golf: {total} bytes"
    assert log.index("calibration sequences:32 took:") < log.index("event:train_end")
    assert re.fullmatch(
        r"fake_quantisation step:0\.\d+ written:0\.\d+ \([+-]\d+\.\d\d%\)", line_with(log, "fake_quantisation step:")
    )
    assert len(re.findall(r"^forecast at:(50|90)% artifact:\d+ total:\d+ step:0", log, re.M)) == 2
    assert line_with(log, "score rule:plain") == line_with(log_of(fresh), "score rule:plain")


def test_a_model_that_cannot_be_made_to_fit_is_one_error_and_leaves_no_artifact(
    run_script: RunScript, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = StepConfig(cap_bytes=9_000, coarsest=0.02)
    assert run_script(tmp_path / "run", replace(FITTED, export=replace(FITTED.export, step=step))) == 2
    assert (
        "error: artifact: with the coarsest step allowed, 0.02, script and artifact take" in capsys.readouterr().err
    )
    assert not (tmp_path / "run" / ARTIFACT).exists()


def test_wallclock_run_says_that_it_stopped_early(run_script: RunScript, tmp_path: Path) -> None:
    schedule = ScheduleConfig(max_wallclock_seconds=0.3, iterations=100_000, warmdown_iters=4, warmup_steps=0)
    folder = tmp_path / "run"
    assert run_script(folder, replace(CONFIG, schedule=schedule, log=LogConfig(0, 0)), GOLF_PHASE="train") == 0
    line = line_with(log_of(folder), "stopping_early: wallclock_cap ")
    assert re.fullmatch(r"stopping_early: wallclock_cap train_time:\d+ms step:\d+/100000", line)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"DATA_PATH": "nowhere"}, r"no files match nowhere/fineweb_train_\*\.bin"),
        ({"TOKENIZER_PATH": "nowhere.model"}, "no tokenizer at nowhere.model"),
        ({"ITERATIONS": "5", "VOCAB_SIZE": "9"}, "unset ITERATIONS, VOCAB_SIZE|unset VOCAB_SIZE, ITERATIONS"),
        ({"SEED": "x"}, "SEED='x'"),
        ({"GOLF_PHASE": "eval"}, "no final_model.ptz in"),
    ],
)
def test_users_error_is_one_line_and_exit_code_2(
    run_script: RunScript,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    complaint: str,
) -> None:
    assert run_script(tmp_path / "run", **variables) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert re.search(complaint, line)


def test_tokenizer_that_disagrees_with_the_model_is_the_users_error(
    run_script: RunScript, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(CONFIG, model=replace(CONFIG.model, vocab_size=VOCAB + 1))
    assert run_script(tmp_path / "run", config) == 2
    assert f"{VOCAB} pieces, but the model's vocab_size is {VOCAB + 1}" in capsys.readouterr().err


def test_loss_that_is_no_number_is_exit_code_3_without_an_artifact(run_script: RunScript, tmp_path: Path) -> None:
    config = replace(CONFIG, optim=replace(CONFIG.optim, tied_embed_lr=float("nan")))
    folder = tmp_path / "run"
    assert run_script(folder, config, GOLF_PHASE="train") == 3
    assert line_with(log_of(folder), "nan_loss") == "nan_loss step:2"
    assert not (folder / ARTIFACT).exists()


def test_file_that_cannot_be_written_is_the_users_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / ARTIFACT).mkdir()
    with pytest.raises(ScriptError, match=f"cannot write .*{ARTIFACT}: Is a directory"):
        write_durably(tmp_path / ARTIFACT, b"weights")
    assert [path.name for path in tmp_path.iterdir()] == [ARTIFACT]


@pytest.mark.slow
@pytest.mark.skipif(bool(why_no_compiler(torch.device("cpu"))), reason="no C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it loads its compiler and traces
def test_a_compiled_run_has_its_graphs_before_its_clocks_and_scores_alike_in_a_fresh_process(
    run_script: RunScript, tmp_path: Path
) -> None:
    qat = QatConfig(active="always", min_numel=512)
    config = replace(
        CONFIG,
        model=replace(CONFIG.model, num_layers=1),
        qat=qat,
        eval=EvalConfig(rule="sliding", stride=8, batch_windows=4),
        runtime=replace(CONFIG.runtime, compile="on"),
    )
    folder, fresh, plain = tmp_path / "compiled", tmp_path / "fresh", tmp_path / "plain"
    torch.compiler.reset()
    torch._dynamo.utils.counters.clear()
    assert run_script(folder, config, GOLF_PHASE="train") == 0
    made = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    assert not torch._dynamo.utils.counters["graph_break"]
    assert made <= 5
    fresh.mkdir()
    shutil.copy(folder / ARTIFACT, fresh)
    torch.compiler.reset()
    assert run_script(fresh, config, GOLF_PHASE="eval") == 0
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] <= made + 5
    train, score = log_of(folder), log_of(fresh)
    assert "compile:on" in train
    assert "compile:on" in score
    assert train.index("warmup_step:1/1") < train.index("event:train_start")
    assert score.index("scoring_warmup took:") < score.index("event:eval_start")
    assert line_with(train, "score rule:plain") == line_with(score, "score rule:plain")
    torch.compiler.reset()
    assert run_script(plain, replace(config, runtime=CONFIG.runtime), GOLF_PHASE="train") == 0

    def last_loss(log: str) -> float:
        return float(re.findall(r"^step:10/10 val_loss:(\S+)", log, re.M)[0])

    assert last_loss(train) == pytest.approx(last_loss(log_of(plain)), abs=1e-2)


def test_two_processes_train_what_one_does(plain: Path, tiny_data: DataRequest, tmp_path: Path) -> None:
    """Two processes take one micro-batch each of the two that a single process accumulates."""
    double = tmp_path / "double"
    double.mkdir()
    (double / "train_gpt.py").write_text(
        f"import sys\nfrom pathlib import Path\n{CONFIG_IMPORTS}\n"
        f"from golf_model.main import main\nCONFIG = {config_as_source(CONFIG)}\n"
        "if __name__ == '__main__':\n    sys.exit(main(CONFIG, Path(__file__)))\n"
    )
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "train_gpt.py"]
    variables = {"SEED": "7", "RUN_ID": "run", "DATA_PATH": str(tiny_data.folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        launch,
        cwd=double,
        env=os.environ | variables | {"TOKENIZER_PATH": str(tiny_data.tokenizer)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "world_size:2 grad_accum_steps:1" in done.stdout
    assert done.stdout == log_of(double)

    def live_loss(folder: Path) -> float:
        return float(re.findall(r"^step:10/10 val_loss:(\S+)", log_of(folder), re.M)[0])

    assert live_loss(double) == pytest.approx(live_loss(plain), abs=2e-3)
    counts = [line_with(log_of(folder), "score rule:plain").split()[1:4] for folder in (plain, double)]
    assert counts[0] == counts[1]
