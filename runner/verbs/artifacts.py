"""Verbs of an artifact: `eval`, `artifact inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from runner.errors import UserError
from runner.verbs.loading import load, ours, terminal
from runner.verbs.options import AsJson, Profile

app = typer.Typer(help="What an artifact consists of.", no_args_is_help=True)


@app.command("inspect")
def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An artifact: golf's format or an original's.")],
    script: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--script", metavar="FILE", help="The script that is counted with it."),
    ] = None,
    cap: Annotated[int, typer.Option("--cap", metavar="BYTES", min=1, help="Most bytes of both.")] = 16_000_000,
    as_json: AsJson = False,
) -> None:
    """Tensors, bits, bytes, entropy and room left of FILE. Nothing in it is executed."""
    import json

    from runner.record.artifact_report import fact_lines, inspect_file, tensor_table

    if script is not None and not script.is_file():
        raise UserError(f"--script {script}: no such file")
    facts = inspect_file(path)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    terminal().print(tensor_table(facts))
    for line in fact_lines(facts, path, cap, None if script is None else script.stat().st_size):
        typer.echo(line)


def score(
    artifact: Annotated[Path, typer.Argument(metavar="ARTIFACT", help="Compressed weights, e.g. final_model.ptz.")],
    path: Annotated[Path, typer.Option("--job", metavar="JOB", help="The job whose script wrote it.")],
    profile: Profile = None,
    rule: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--rule", help="Scoring rule, e.g. plain, sliding, streaming; the job's when left out."),
    ] = None,
    window: Annotated[Optional[int], typer.Option("--window", help="Tokens of a window.")] = None,  # noqa: UP045
    stride: Annotated[Optional[int], typer.Option("--stride", help="Targets from window to window.")] = None,  # noqa: UP045
    data: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--data", metavar="DIR", help="Folder of other shards."),
    ] = None,
    tokenizer: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--tokenizer", metavar="FILE", help="What made those shards; the job's when left out."),
    ] = None,
) -> None:
    """Score ARTIFACT again, by any rule and on any shards."""
    from typing import get_args, get_type_hints

    from golf_model.config.eval import EvalConfig
    from runner.job.problems import choice_message
    from runner.plan.plan import open_job_data
    from runner.record.rescore import other_data, report_lines, rescore, with_rule

    rules = get_args(get_type_hints(EvalConfig)["rule"])
    if rule is not None and rule not in rules:
        raise UserError(f"--rule: {choice_message(rule, rules)}")
    job = ours(load(path, None, profile))
    config = with_rule(job.config, rule=rule, window=window, stride=stride)
    folder, pieces = other_data(data, tokenizer, job.data.tokenizer)
    if folder is None or pieces is None:
        dataset = open_job_data(job, typer.echo)
        folder, pieces = dataset.folder, dataset.tokenizer
    found = rescore(config, artifact, folder, pieces, job.threads, typer.echo)
    for line in report_lines(found):
        typer.echo(line)
