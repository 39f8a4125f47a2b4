"""What is asked of records: are they true, does one beat another, which node was slow, a pull request of one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from runner.errors import UserError
from runner.plain_json import json_text
from runner.verbs.loading import terminal
from runner.verbs.options import AsJson, Author, FewSeeds, GithubId, OtherData, OtherTokenizer, RecordPath, Unverified

if TYPE_CHECKING:
    from runner.record.folder import Record
    from runner.results.verdicts import Check


def verify(
    record: RecordPath,
    artifacts: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--artifacts", metavar="DIR", help="Where its artifacts are; beside it when left out."),
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Score its artifacts again by its script, cut off from this machine.")
    ] = False,
    data: OtherData = None,
    tokenizer: OtherTokenizer = None,
    as_json: AsJson = False,
) -> None:
    """Check RECORD by its own files. Hashes, sizes, pages, script, verdict, ledger, logs; nothing of it is executed.

    Exit code 1 where something is wrong. With --run, and where every hash holds, its script scores its artifacts
    again: those below --artifacts, or of the run that lies beside the record.
    """
    from reports.terminal.verify import answer_facts, answers
    from runner.record.rescore_record import artifact_checks, source_of, why_not_run

    console = terminal()
    opened, checks = every_answer(record)
    source = source_of(opened, artifacts, data, tokenizer)
    checks += artifact_checks(opened, source, lambda line: None, why_not_run(checks, run=run))
    if as_json:
        typer.echo(json_text(answer_facts(record, checks)))
    else:
        console.print(answers(checks, "Nothing speaks against it."))
    raise typer.Exit(int(any(check.status == "fail" for check in checks)))


def every_answer(folder: Path) -> tuple[Record, list[Check]]:
    """A record, and every answer that its own files give."""
    from reports.record.rebuild import page_check
    from runner.record.folder import open_record
    from runner.record.verify import verify_record

    record = open_record(folder)
    return record, [*verify_record(record), page_check(folder, record.data)]


def export_pr(
    record: RecordPath,
    repo: Annotated[Path, typer.Option("--repo", metavar="CHECKOUT", help="The challenge's repository, clean.")],
    author: Author = None,
    github_id: GithubId = None,
    unverified: Unverified = False,
    few_seeds: FewSeeds = False,
) -> None:
    """Commit RECORD on a branch of CHECKOUT, print the PR's text. Nothing is pushed."""
    from reports.record.authored import with_author
    from reports.record.pr_text import pr_text, pr_title
    from runner.record.checkout import export, require_checkout
    from runner.record.export_pr import destination, names_of

    opened, checks = every_answer(record)
    goes = destination(opened, checks, unverified=unverified, few_seeds=few_seeds)
    data, others = with_author(record, names_of(opened.data, author, github_id))
    require_checkout(repo, goes.track)
    title = pr_title(data, non_record=bool(goes.non_record))
    made = export(record, repo, goes.track, title, others)
    print(f"# {title}\n\n{pr_text(data, non_record=goes.non_record)}")
    print(f"golf: {made.place} is committed on branch {made.branch}; look at it, then", file=sys.stderr)
    print(f"golf:   git -C {repo} push --set-upstream origin {made.branch}", file=sys.stderr)


def compare(
    baseline: Annotated[
        str,
        typer.Argument(metavar="A", help="What is to be beaten: a record folder, a file of scores, or 1.081,1.0808."),
    ],
    candidate: Annotated[str, typer.Argument(metavar="B", help="What is claimed to beat it: the same kinds.")],
    policy: Annotated[str, typer.Option("--policy", help="readme, progression or target.")] = "readme",
    nats_per_bpb: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option("--nats-per-bpb", metavar="X", help="val_loss / val_bpb of B's tokenizer, where B has none."),
    ] = None,
    gain: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--gain", metavar="X", help="Also: seeds that show a true gain of X nats/token in 80 % of cases."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Does B beat A? Exit code 0 it does, 1 not shown, 3 undecided."""
    from reports.terminal.comparison import terminal_comparison
    from runner.compare.compare import POLICIES
    from runner.compare.compare import compare as compared
    from runner.job.problems import choice_message
    from runner.record.comparison_sources import arm_of, require_score

    if policy not in POLICIES:
        raise UserError(f"--policy: {choice_message(policy, POLICIES)}")
    for option, what, value in (("--nats-per-bpb", "ratio", nats_per_bpb), ("--gain", "gain", gain)):
        if value is not None:
            require_score(value, option, what)
    found = compared(
        arm_of(baseline, "A"),
        arm_of(candidate, "B", nats_per_bpb),
        next(name for name in POLICIES if name == policy),
        gain,
    )
    differ = told_apart(baseline, candidate)
    if as_json:
        told = {} if differ is None else {"differences": differ}
        typer.echo(json_text({**found.model_dump(mode="json"), **told}))
    else:
        terminal().print(terminal_comparison(found, differ))
    raise typer.Exit({"holds": 0, "not shown": 1, "undecided": 3}[found.outcome])


def told_apart(baseline: str, candidate: str) -> list[str] | None:
    """In which fields two records of ours differ; None where one of both is none."""
    from runner.record.find import record_or_problem
    from runner.record.variants import differences_of

    folders = Path(baseline), Path(candidate)
    if not all((folder / "results.json").is_file() for folder in folders):
        return None
    one, other = map(record_or_problem, folders)
    return None if isinstance(one, str) or isinstance(other, str) else differences_of(one, other)


def fleet(
    folders: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Argument(metavar="[FOLDER...]", help="Folders of runs or records (default: here)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Which nodes were slow or off in past runs. Speed probe, ms/step and bpb of each against the others of its kind,
    with 95 % intervals. Reads ledgers and results; starts nothing.
    """
    from reports.terminal.fleet import terminal_fleet
    from runner.fleet.fleet import fleet_of

    found = fleet_of(folders or [Path()])
    if as_json:
        typer.echo(json_text(found.model_dump(mode="json")))
    else:
        terminal().print(terminal_fleet(found))
