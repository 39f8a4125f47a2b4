"""What reads anybody's folders and scripts: the audit of a record folder, the review of a script."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from runner.errors import UserError
from runner.printable import printable
from runner.verbs.loading import terminal

if TYPE_CHECKING:
    from runner.audit.facts import Audit
    from runner.review.facts import ScriptReview


def audit(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Record folders, ours or anyone's.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each folder.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A review comment, ready to paste.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Read every record folder under PATH, in parallel.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "--table", metavar="FILE", help="Write a table of all, .csv or .parquet, or the page: .html."
        ),
    ] = None,
    format: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--format", help="html: one page with pictures, every finding on it; goes to --output."),
    ] = None,
    with_review: Annotated[
        bool, typer.Option("--review", help="Read its script's code, too, as golf review does.")
    ] = False,
) -> None:
    """Say where anybody's record folders disagree with their logs. Nothing is executed."""
    from reports.audit.markdown import markdown_audit
    from reports.audit.table import audit_frame, require_table, summary, write_table
    from reports.audit.terminal import terminal_audit
    from reports.review.markdown import markdown_review
    from reports.review.terminal import line_of, terminal_review
    from runner.audit.audit import with_shared_runs
    from runner.audit.reading.folder import find_records
    from runner.files import require_writable
    from runner.verbs.reviews import audits_with_code

    console = terminal()
    as_page = format is not None or (output is not None and output.suffix == ".html")
    if as_page and (format not in (None, "html") or as_json or markdown or with_review):
        raise UserError("--format: html is the one there is, and it goes with none of --json, --markdown, --review")
    if output is not None:
        if not as_page:
            require_table(output)
        require_writable(output.parent)
    folders = [folder for root in paths for folder in find_records(root)] if every else paths
    if not folders:
        raise UserError(f"{', '.join(map(str, paths))}: no record folder lies there")
    shown_one_by_one = not (every or as_json or markdown or as_page)
    read = audits_with_code(folders, read_code=shown_one_by_one or (with_review and (as_json or markdown)))
    if every:
        whole = list(read)
        read = zip(with_shared_runs([one for one, _ in whole]), (code for _, code in whole), strict=True)
    found = []
    for folder, (one, code) in zip(folders, read, strict=True):
        found.append((folder, one))
        if isinstance(one, str):
            print(f"golf: {printable(one)}", file=sys.stderr)
        elif as_page:
            continue
        elif as_json:
            print(one.model_dump_json() if not with_review else _with_review(one, code), flush=True)
        elif markdown:
            print(markdown_audit(one))
            if code is not None:
                print(markdown_review(code))
        elif shown_one_by_one:
            console.print(terminal_audit(one))
            if code is not None:
                console.print(terminal_review(code) if with_review else line_of(code))
    if every and not as_json and not markdown and not as_page:
        console.print(summary(found))
    if as_page:
        _show_audits(found, output)
    elif output is not None:
        write_table(audit_frame(found), output)
        if not as_json and not markdown:
            console.print(f"table: {output}")
    raise typer.Exit(_audit_code([one for _, one in found]))


def _show_audits(found: Sequence[tuple[Path, Audit | str]], output: Path | None) -> None:
    """The page of one audited folder or of many, into its file or to standard output."""
    from reports.page.many.page import audits_page
    from runner.files import write_atomic
    from runner.listing import counted
    from runner.serving.gather import matrices_of

    made = audits_page(found, matrices_of(found))
    if output is None:
        sys.stdout.buffer.write(made.encode("utf-8", "replace"))
        return
    write_atomic(output, made.encode("utf-8", "replace"))
    typer.echo(f"{output}: {counted(len(found), 'folder')}")


def _with_review(audit: Audit, code: ScriptReview | None) -> str:
    """An audit's JSON with the review of the folder's script, null where it has none."""
    import json

    return json.dumps({**audit.model_dump(mode="json"), "review": None if code is None else code.as_json()})


def _audit_code(audits: Sequence[Audit | str]) -> int:
    """2 if a folder could not be read, else 1 if one has an error, else 0."""
    if any(isinstance(one, str) for one in audits):
        return 2
    return int(
        any(finding.severity == "error" for one in audits if not isinstance(one, str) for finding in one.findings)
    )


def review(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Scripts, record folders, or jobs: whose script is read.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each script.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A comment for a pull request.")] = False,
    env: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--env", metavar="NAME=VALUE", help="A setting that the run had; may be given again."),
    ] = None,
    log: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--log", metavar="FILE", help="The log of the run; those of the folder when left out."),
    ] = None,
    readme: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--readme", metavar="FILE", help="What names the run's command; the folder's when left out."),
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Import the script, too: this executes it, cut off from this machine.")
    ] = False,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove", help="Run the script on made-up text, too, and see what breaks a rule: this executes it."
        ),
    ] = False,
) -> None:
    """Say what a training script's code may break the rules by. Nothing is executed, but for --smoke and --prove.

    Exit code 1 where a script violates a rule, 2 where one could not be read, else 0, which is no proof.
    """
    import json

    from reports.review.markdown import markdown_review
    from reports.review.terminal import terminal_review
    from runner.verbs.reviews import environment_of, reviews, target

    given = environment_of(env or [])
    console = terminal()
    accused = unreadable = False
    targets = []
    for path in paths:
        try:
            targets.append(target(path, given, toy=prove))
        except UserError as error:
            print(f"golf: {printable(str(error))}", file=sys.stderr)
            unreadable = True
    for one in reviews(targets, log, readme, smoke, prove=prove):
        if isinstance(one, str):
            print(f"golf: {printable(one)}", file=sys.stderr)
            unreadable = True
            continue
        accused = accused or bool(one.of("violates"))
        unreadable = unreadable or bool(one.texts and one.texts[0].unread)
        if as_json:
            print(json.dumps(one.as_json()), flush=True)
        elif markdown:
            print(markdown_review(one))
        else:
            console.print(terminal_review(one))
            console.print()
    raise typer.Exit(2 if unreadable else int(accused))
