"""What `golf plan` says of every shipped job with no data and no GPU: all of it, with units, in 80 columns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console

from runner.backends.nodes import node_of
from runner.budget.spec import BudgetSpec
from runner.errors import UserError
from runner.job.hardware import PROFILES
from runner.job.load import job_from_mapping, load_job
from runner.plan.plan import Outline, make_outline
from runner.plan.plan_table import UNVERIFIED, Row, plan_table, rows_of_plan, sink_rows, variable_rows
from runner.plan.run_time import try_time
from runner.plan.step_time import Speed, StepTime, step_time
from runner.results.datasets import DataFacts
from runner.sinks.spec import SinksSpec, WebhookSpec
from tests.fixtures.model_jobs import job
from tests.fixtures.places import JOBS

ABSENT = "not here; bring it with `golf data fetch --variant sp1024`"
FACTS = DataFacts(name="asv", train_tokens=1_221_401, val_tokens=137_277, val_bytes=1, vocab_size=1024, files={})


def shown(rows: list[Row], width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        console.print(plan_table(rows))
    return captured.get()


def speed() -> Speed:
    return {"float32": 0.05}


def rows_for(plan: Outline, data: DataFacts | str = ABSENT) -> tuple[list[Row], StepTime | None]:
    step = step_time(plan.job, plan.hardware, plan.nproc, here=True, measure=speed)
    return rows_of_plan(plan, "here", data, step, try_time(plan, step)), step


@pytest.mark.parametrize("path", sorted(JOBS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_job_has_a_whole_plan_without_data_in_80_columns(path: Path) -> None:
    spec = load_job(path)
    plan = make_outline(spec, 50_000, [node_of(PROFILES["cpu" if spec.hardware == "auto" else spec.hardware])])
    rows, _ = rows_for(plan)
    said = dict(rows)
    titles = ("data", "parameters", "size", "a step", "warm-up", "training", "evaluation", "time")
    assert set(titles) <= set(said)
    assert said["data"] == ABSENT
    assert re.fullmatch(
        r"about [\d.]+ MB: [\d,]+ bytes \([\d,]+ to [\d,]+ bytes\), cap [\d,]+ bytes(; .*)?", said["size"]
    )
    assert re.match(r"[\d.e+]+ FLOPs for [\d,]+ tokens; ", said["a step"])
    assert re.fullmatch(r"about [\d.]+ (s|min|h) for .*; up to [\d.]+ (s|min|h) if every try .*", said["time"])
    assert max(map(len, shown(rows).splitlines())) <= 80


def test_a_plan_names_what_the_script_finds_in_its_environment() -> None:
    mapping = {
        "name": "theirs",
        "track": "local",
        "seeds": [1],
        "script": "a.py",
        "data": {"corpus": "asv"},
        "limits": {"train_seconds": 5, "eval_seconds": 5},
        "env": {"NUM_LAYERS": "9", "WORDS": "w" * 1000},
        "outputs": {"eval_env": {"EVAL_ONLY": "1"}},
    }
    spec = job_from_mapping(mapping, source="job.yaml")
    around = {"HOME": "/home/me", "TZ": "UTC", "HF_TOKEN": "secret", "LD_PRELOAD": "x.so", "PATH": "/bin"}
    assert variable_rows(spec, around) == [
        ("variables", "from the node: PATH, TZ"),
        (
            "",
            (
                "from golf: SEED, DATA_PATH, TOKENIZER_PATH, RUN_ID, OMP_NUM_THREADS, HOME, TMPDIR, "
                "TORCHINDUCTOR_CACHE_DIR, TRITON_CACHE_DIR, CUDA_CACHE_PATH, XDG_CACHE_HOME, GOLF_*, PYTHON*"
            ),
        ),
        ("", f"from the job: NUM_LAYERS=9, WORDS={'w' * 91}..."),
        ("", "for evaluation: EVAL_ONLY=1"),
        ("", "the job's are 1,026 bytes, more than settings take, and count as code"),
    ]
    elsewhere = variable_rows(job(), None)
    assert elsewhere[0] == ("variables", "from the node: what is on golf's list of each node's own")
    assert len(elsewhere) == 2


def test_what_only_the_data_can_tell_is_said_to_be_unknown() -> None:
    rows, _ = rows_for(make_outline(job(hardware="cpu"), 1000, [node_of(PROFILES["cpu"])]))
    place = [title for title, _ in rows].index("data")
    assert rows[place + 1] == (
        "",
        "not known without it: whether the tokenizer fits, how much text there is, how many tokens rule plain scores",
    )
    there, _ = rows_for(make_outline(job(hardware="cpu"), 1000, [node_of(PROFILES["cpu"])]), FACTS)
    assert dict(there)["data"] == "asv: 1,221,401 training and 137,277 validation tokens"
    assert not any("not known without" in text for _, text in there)


def test_somebody_elses_script_has_a_plan_that_claims_to_know_nothing_of_it() -> None:
    mapping = {
        "name": "theirs",
        "track": "10min_16mb",
        "hardware": "h100x8",
        "seeds": [1, 2],
        "data": {"path": "data/my[shards]", "tokenizer": "data/t.model"},
        "script": "train.py",
    }
    plan = make_outline(job_from_mapping(mapping, source="test"), 1000, [node_of(PROFILES["h100x8"])])
    rows, step = rows_for(plan, "not here; bring it to data/my[shards]")
    said = dict(rows)
    assert step is None
    assert not {"a step", "warm-up", "parameters"} & set(said)
    assert said["size"] == "not known beforehand; cap 16,000,000 bytes"
    assert said["time"] == "about 41 min for all seeds; up to 2.0 h if every try is used (3 a seed)"
    assert said["price"].startswith("about $13.67, up to $41.00 if every try is used, on 1 node at $20 an hour")
    assert "my[shards]" in shown(rows)  # never read as markup


@pytest.mark.parametrize("switch", ["", "EVAL_ONLY"])
def test_a_script_that_cannot_score_alone_is_told_before_it_costs_anything(switch: str) -> None:
    mapping = {
        "name": "theirs",
        "track": "local",
        "hardware": "cpu",
        "seeds": [1],
        "limits": {"train_seconds": 6, "eval_seconds": 10},
        "data": {"path": "data/shards", "tokenizer": "data/t.model"},
        "script": "train.py",
        **({"outputs": {"eval_env": {switch: "1"}}} if switch else {}),
    }
    plan = make_outline(job_from_mapping(mapping, source="test"), 1000, [node_of(PROFILES["cpu"])])
    source = "import os\nonly = os.environ.get('SCORE_ONLY')\n"
    rows = rows_of_plan(plan, "this machine", ABSENT, None, try_time(plan, None), source=source)
    texts = [text for _, text in rows]
    assert (UNVERIFIED in texts) is (not switch)
    assert ('    eval_env: {SCORE_ONLY: "1"}' in texts) is (not switch)


def test_a_step_that_takes_minutes_here_is_warned_about_in_the_plan() -> None:
    rows, _ = rows_for(make_outline(job(hardware="cpu"), 1000, [node_of(PROFILES["cpu"])]))
    warnings = [text for title, text in rows if title == "warning"]
    assert warnings == [
        "the 600 s of training hold about 1 step; --profile small rehearses the job in about a minute",
        "a step is longer than golf lets a script be silent, 300 s: raise stall_seconds",
    ]
    assert dict(rows)["time"].endswith("; less where golf ends it as the warning says")


def test_a_plan_shows_the_share_of_the_budget_and_says_where_that_does_not_reach() -> None:
    spec = load_job(JOBS / "baseline.yaml")
    budget = BudgetSpec(dollars=20.0)
    plan = make_outline(
        spec.model_copy(update={"budget": budget, "seeds": (1, 2, 3)}), 50_000, [node_of(PROFILES["h100x8"])]
    )
    said = dict(rows_for(plan)[0])
    assert said["budget"] == (
        "$20: 3 seeds once about $21.01 (1.05 node-hours), 105% of it; up to 315% if every try is used"
    )
    assert (
        said["warning"]
        == "the budget does not reach: the run would stop after 2 seeds of 3; raise budget: in the job"
    )


def test_a_plan_refuses_dollars_without_a_price() -> None:
    spec = job().model_copy(update={"budget": BudgetSpec(dollars=1.0)})
    plan = make_outline(spec, 50_000, [node_of(PROFILES["cpu"])])
    with pytest.raises(UserError, match=r"the price of hardware cpu is not known; give budget"):
        rows_for(plan)


def test_a_plan_names_sinks_and_what_they_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_URL", raising=False)
    sinks = SinksSpec(webhooks=(WebhookSpec(kind="slack", url_env="SLACK_URL"),))
    told = sink_rows(job().model_copy(update={"sinks": sinks}))
    assert told == [("sinks", "webhook SLACK_URL: off: SLACK_URL is not set")]
    monkeypatch.setenv("SLACK_URL", "https://hooks.example/SECRET")
    told = sink_rows(job().model_copy(update={"sinks": sinks}))
    assert told == [("sinks", "webhook SLACK_URL: as slack")]
