"""The command line: verbs and paths; every knob lives in the job's YAML.

The composition root, and the only file that may import the reporter; verbs that need no reporter are in
`runner/verbs/`. Heavy modules are imported inside the verbs, so that `golf --help` answers at once. Exit codes:
0 passed, 1 rejected, 2 the user's error (nothing ran), 3 unverified, 70 a fault of golf's own, 130 interrupted.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, Optional

import typer

from runner.any_encoding import print_in_any_encoding
from runner.errors import UserError
from runner.interrupt import INTERRUPTED, catch_signals, stopped
from runner.plain_json import json_text
from runner.printable import control_in, cut, print_line, printable, shortened
from runner.verbs import artifacts, authoring, clusters, data, doctor, jobs, ledgers, looking, sweeps, watching
from runner.verbs.loading import duel_jobs, load, opened, parsed_seeds, terminal
from runner.verbs.options import (
    Address,
    AsJson,
    Author,
    FewSeeds,
    GithubId,
    JobPath,
    Local,
    OneVariant,
    OtherData,
    OtherTokenizer,
    Output,
    Port,
    Profile,
    RecordPath,
    RunName,
    Seeds,
    Unverified,
)

if TYPE_CHECKING:
    from reports.across.table import Found
    from runner.audit.facts import Audit
    from runner.drive.assess import JudgedRun
    from runner.drive.execute import Where
    from runner.job.spec import JobSpec
    from runner.record.folder import Record
    from runner.results.verdicts import Check
    from runner.script.bundle import Script
    from runner.search.variants import Family, Variant

app = typer.Typer(
    name="golf",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.add_typer(jobs.model_app, name="model")
app.add_typer(artifacts.app, name="artifact")
export_app = typer.Typer(help="A record for somewhere else.", no_args_is_help=True)
app.add_typer(export_app, name="export")
app.add_typer(ledgers.app, name="ledger")
app.add_typer(sweeps.app, name="sweep")

FAULT = 70
"""Exit code of a fault of golf's own; 1 would say rejected."""
OUR_FAULT = "this is a fault of golf's own and no verdict; please report it with the lines above"
EXIT_CODES = {"passed": 0, "rejected": 1, "unverified": 3, "repacked": 0}

WORST = ("passed", "repacked", "unverified", "rejected")
"""Verdicts, the worst one last: of several runs that decides."""


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"golf {version('golf')}")
        raise typer.Exit


@app.callback()
def golf(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which golf this is.")
    ] = False,
) -> None:
    """One job YAML in, a verified multi-seed Parameter Golf record out."""


@app.command()
def run(
    path: JobPath,
    seeds: Seeds = None,
    profile: Profile = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
    variant: OneVariant = None,
) -> None:
    """Train, score and judge JOB's seeds. A record of them is written. Of a job with variants, all are run; one that
    is `against:` another is run pair by pair, as by `golf duel`."""
    from runner.drive.execute import Where
    from runner.script.bundle import script_of
    from runner.search.sweeps.folder import require_no_trial

    require_no_trial(output)
    where = Where(local, address)
    file = opened(path, seeds, profile)
    if file.whole.against is not None and variant is None:
        wanted = file.whole.seeds if seeds is None else parsed_seeds(seeds)
        _drive_duel(load(file.whole.against), file.whole, profile, wanted, None, output, where)
    family = file.family
    if family is not None and variant is None:
        _drive_family(family, output, where)
    if family is not None and variant is not None and (chosen := family.chosen(variant)).repack:
        _drive_family(family.alone(chosen), output, where)
    job = file.one(variant)
    _drive(job, script_of(job), output, where)


@app.command()
def duel(
    baseline: Annotated[Path, typer.Argument(metavar="A", help="The job to be beaten.")],
    candidate: Annotated[Path, typer.Argument(metavar="B", help="The job that is claimed to beat it.")],
    pairs: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--pairs", metavar="N", help="How many (default: 5). B's seeds first, then 1, 2, 3 ..."),
    ] = None,
    seeds: Seeds = None,
    policy: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--policy", help="readme or progression; that of B's claim when left out, else readme."),
    ] = None,
    profile: Profile = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
) -> None:
    """Run two jobs alternately on one node. Does B beat A, pair by pair?

    The order is ABBA, and a record of each is written. The same command goes on where it was killed. Exit code 0 B
    does, 1 not shown, 3 undecided.
    """
    from runner.drive.execute import Where

    if pairs is not None and seeds is not None:
        raise UserError("--pairs says how many seeds, --seeds says which: choose one")
    wanted: int | list[int] = parsed_seeds(seeds) if seeds is not None else 5 if pairs is None else pairs
    _drive_duel(load(baseline), load(candidate), profile, wanted, policy, output, Where(local, address))


@app.command()
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


app.command("submit")(clusters.submit)
app.command("dashboard")(clusters.dashboard)


@app.command()
def resume(
    run_name: RunName,
    address: Address = None,
    output: Output = Path(),
    local: Local = False,
    there: Annotated[bool, typer.Option("--submit", help="By a driver on the cluster at --address.")] = False,
) -> None:
    """Go on with a run, by the script that it began with. Seeds that have ended are kept."""
    if there:
        if address is None:
            raise UserError("--submit: needs --address, the cluster's")
        if local:
            raise UserError("--local runs without Ray, --submit on a Ray cluster: choose one")
        remote = clusters.remote_of(address)
        client, place = remote.connect_jobs(address), clusters.there(output)
        clusters.tell_submitted(client, remote.resume_there(client, run_name, place), run_name, address, output)
        return

    from runner.drive.execute import Where
    from runner.folder.duels import open_turns
    from runner.folder.ledger import check_chain, seeds_of
    from runner.folder.runs import driver_of, find_run, noted_job
    from runner.job.load import job_from_mapping, with_seeds
    from runner.script.bundle import stored_script
    from runner.search.sweeps.folder import require_no_trial

    require_no_trial(output)
    run = find_run(output, run_name)
    job = job_from_mapping(noted_job(run), source=str(run.job))
    # Its driver may live and write, or may have died before it registered a seed.
    entries = check_chain(run.ledger, unfinished_ok=True) if run.ledger.exists() else []
    if turns := open_turns(entries):
        raise UserError(
            f"{run.path.name}: seed {turns[0][0]} is one of a pair with {turns[0][1]}, and its turn is not over; the "
            "same golf duel (or golf run of the job with against:) goes on with both"
        )
    registered = seeds_of(entries)
    job = with_seeds(job, registered) if registered else job
    driver = driver_of(run)
    here = Where(driver.local, driver.address or None) if driver else Where()
    where = Where(local, address) if local or address is not None else here
    _drive(job, stored_script(run, job.files), output, where, only=run.path.name)


@app.command()
def repack(
    run_name: RunName,
    sets: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--set", metavar="export.FIELD=VALUE", help="How to pack; may be given again."),
    ] = None,
    grid: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--grid", metavar="export.FIELD=V,V", help="One export for each value; may be given again."),
    ] = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
) -> None:
    """Pack RUN's kept weights by another export. They are scored in a fresh process and judged again.

    Nothing is trained, and nothing of it is ever a record of a timed track: packing was off its clock.
    """
    from reports.terminal.repack import Packed, terminal_repack
    from runner.drive.execute import KeptPlace, Where, execute
    from runner.folder.runs import find_run
    from runner.script.bundle import script_of
    from runner.search.repack import exports, kept_source, packing, reference

    where, console = Where(local, address), terminal()
    source = kept_source(find_run(output, run_name))
    wanted, plain = exports(source, sets or [], grid or []), reference(source)
    every = [*([plain] if plain else []), *wanted]
    place = KeptPlace(where, console, [one.job for one in every])
    done: dict[str, JudgedRun] = {}
    for one in every:
        print_line(console, f"{one.name}:")
        script = script_of(one.job)
        lay = packing(source, one.job, script)
        done[one.name] = execute(one.job, script, output, where, console, lay=lay, place=place)
    folders = {name: recorded(run, output) for name, run in done.items()}
    fp16 = done[plain.name].data if plain else None
    console.print(
        terminal_repack(source.run.path.name, [Packed(one.name, done[one.name].data) for one in wanted], fp16)
    )
    for name, folder in folders.items():
        print_line(console, f"{name}: {folder}")
    raise typer.Exit(int(any(done[one.name].data.verdict.reasons for one in wanted)))


app.command("status")(watching.status)
app.command("top")(looking.top)
app.command("logs")(watching.logs)
app.command("stop")(watching.stop)
app.command("calibrate", cls=sweeps.TwoLists)(sweeps.calibrate)
app.command("doctor")(doctor.doctor)
app.command("new")(authoring.new)
app.command("plan")(jobs.plan)
app.command("bundle")(jobs.bundle)
app.command("eval")(artifacts.score)


@app.command()
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
    opened, checks = _verified(record)
    source = source_of(opened, artifacts, data, tokenizer)
    checks += artifact_checks(opened, source, lambda line: None, why_not_run(checks, run=run))
    if as_json:
        typer.echo(json_text(answer_facts(record, checks)))
    else:
        console.print(answers(checks, "Nothing speaks against it."))
    raise typer.Exit(int(any(check.status == "fail" for check in checks)))


def _verified(folder: Path) -> tuple[Record, list[Check]]:
    """A record, and every answer that its own files give."""
    from reports.record.rebuild import page_check
    from runner.record.folder import open_record
    from runner.record.verify import verify_record

    record = open_record(folder)
    return record, [*verify_record(record), page_check(folder, record.data)]


@app.command()
def reproduce(
    record: RecordPath,
    seeds: Annotated[
        Optional[list[int]],  # noqa: UP045
        typer.Option("--seed", metavar="N", help="Run this seed only; may be given again. All when left out."),
    ] = None,
    data: OtherData = None,
    tokenizer: OtherTokenizer = None,
    hardware: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--hardware", metavar="PROFILE", help="Another kind of node than the record's, e.g. auto."),
    ] = None,
    local: Local = False,
    address: Address = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", metavar="DIR", help="Where the new run is kept (default: reproduced/<record>)."),
    ] = None,
) -> None:
    """Run RECORD's seeds again by its own files, and compare.

    Exit code 1 where the new run is not like the record, 3 where that cannot be told.
    """
    from reports.terminal.verify import likeness
    from runner.drive.execute import Where, execute
    from runner.record.folder import open_record
    from runner.record.reproduce import compare, job_again, stored_script

    opened = open_record(record)
    script = stored_script(opened)
    job = job_again(opened, seeds, hardware, data, tokenizer)
    root = output or Path("reproduced") / record.resolve().name
    done = execute(job, script, root, Where(local, address), terminal())
    folder = recorded(done, root)
    checks = compare(opened.data, done.data)
    statuses = {check.status for check in checks}
    terminal().print(likeness(checks), f"The new record: {folder}", highlight=False)
    raise typer.Exit(1 if "fail" in statuses else 3 if "unknown" in statuses else 0)


@export_app.command("pr")
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

    opened, checks = _verified(record)
    goes = destination(opened, checks, unverified=unverified, few_seeds=few_seeds)
    data, others = with_author(record, names_of(opened.data, author, github_id))
    require_checkout(repo, goes.track)
    title = pr_title(data, non_record=bool(goes.non_record))
    made = export(record, repo, goes.track, title, others)
    print(f"# {title}\n\n{pr_text(data, non_record=goes.non_record)}")
    print(f"golf: {made.place} is committed on branch {made.branch}; look at it, then", file=sys.stderr)
    print(f"golf:   git -C {repo} push --set-upstream origin {made.branch}", file=sys.stderr)


@app.command()
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
    from runner.audit.audit import audit_all, audit_or_error, with_shared_runs
    from runner.audit.reading.folder import find_records
    from runner.files import require_writable
    from runner.verbs.reviews import review_of

    console = terminal()
    as_page = format is not None or (output is not None and output.suffix == ".html")
    if as_page and (format not in (None, "html") or as_json or markdown or with_review):
        raise UserError("--format: html is the one there is, and it goes with none of --json, --markdown, --review")
    if output is not None:
        if not as_page:
            require_table(output)
        require_writable(output.parent)
    if every:
        folders = [folder for root in paths for folder in find_records(root)]
        if not folders:
            raise UserError(f"{', '.join(map(str, paths))}: no record folder lies there")
        audits = iter(with_shared_runs(list(audit_all(folders))))
    else:
        folders, audits = list(paths), map(audit_or_error, paths)
    found = []
    for folder, one in zip(folders, audits, strict=True):
        found.append((folder, one))
        if isinstance(one, str):
            print(f"golf: {printable(one)}", file=sys.stderr)
        elif as_page:
            continue
        elif as_json:
            print(one.model_dump_json() if not with_review else _with_review(one, folder), flush=True)
        elif markdown:
            print(markdown_audit(one))
            if with_review and (code := review_of(folder)) is not None:
                print(markdown_review(code))
        elif not every:
            console.print(terminal_audit(one))
            if (code := review_of(folder)) is not None:
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


def _with_review(audit: Audit, folder: Path) -> str:
    """An audit's JSON with the review of the folder's script, null where it has none."""
    import json

    from runner.verbs.reviews import review_of

    code = review_of(folder)
    return json.dumps({**audit.model_dump(mode="json"), "review": None if code is None else code.as_json()})


def _audit_code(audits: Sequence[Audit | str]) -> int:
    """2 if a folder could not be read, else 1 if one has an error, else 0."""
    if any(isinstance(one, str) for one in audits):
        return 2
    return int(
        any(finding.severity == "error" for one in audits if not isinstance(one, str) for finding in one.findings)
    )


@app.command("review")
def review_verb(
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
        if as_json:
            print(json.dumps(one.as_json()), flush=True)
        elif markdown:
            print(markdown_review(one))
        else:
            console.print(terminal_review(one))
            console.print()
    raise typer.Exit(2 if unreadable else int(accused))


@app.command()
def report(
    records: Annotated[
        list[Path], typer.Argument(metavar="RECORD...", help="Record folders, or folders of them such as records/.")
    ],
    format: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--format", help="md, html, csv or parquet; by the output's ending when left out, else md."),
    ] = None,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--output", metavar="FILE", help="Where to write it; the terminal when left out."),
    ] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="The table of a job's variants, as they were run.")
    ] = False,
) -> None:
    """One RECORD: its README and tables again, from its results.json. Several, or with --format: tables across them.

    --format html is one page with pictures: of one record, or of many, anybody's among them.

    Tables of seeds, of jobs and across jobs, verdicts beside them: n, mean, std, 95 % t interval, both units.
    """
    if variants:
        from reports.sections.variants import variants_markdown
        from reports.terminal.variants import terminal_variants
        from runner.record.find import variant_tables

        if output is not None or format not in (None, "md"):
            raise UserError("--variants: goes to the terminal, or with --format md as markdown")
        for one_table in variant_tables(records):
            if format is None:
                terminal().print(terminal_variants(one_table))
            else:
                typer.echo(variants_markdown(one_table))
        return
    if len(records) == 1 and format is None and output is None and (records[0] / "results.json").is_file():
        from reports.record.rebuild import rebuild

        changed = [name for name, other in rebuild(records[0]).items() if other]
        typer.echo(f"{records[0]}: {', '.join(changed) + ' made anew' if changed else 'as it was'}")
        return
    from reports.across.pages import FORMATS, PAGE, chosen_format
    from reports.across.table import Found, across_frame
    from reports.markdown import one_line
    from runner.files import require_writable, write_atomic
    from runner.listing import counted
    from runner.record.find import find_record_folders, record_or_problem
    from runner.serving.gather import folders_of

    chosen = chosen_format(format, output)
    if output is not None:
        require_writable(output.parent)
    if chosen == PAGE:
        folders = folders_of(records)
        made, found = _page_of(folders, records)
    else:
        folders = find_record_folders(records)
        found = [Found(folder, record_or_problem(folder)) for folder in folders]
        made = FORMATS[chosen](across_frame(found))
    for one in found:
        if isinstance(one.data, str):
            print(f"golf: {one_line(one.data)}", file=sys.stderr)
    if output is None:
        typer.echo(made.decode(), nl=False)
    else:
        write_atomic(output, made)
        typer.echo(f"{output}: {counted(len(folders), 'folder')}")
    raise typer.Exit(2 if any(isinstance(one.data, str) for one in found) else 0)


def _page_of(folders: Sequence[Path], named: Sequence[Path]) -> tuple[bytes, list[Found]]:
    """The page on one folder or many, anybody's among them, and those of them that could not be read.

    named: what the user named, where sweeps may lie beside the records.
    """
    from reports.across.table import Found
    from reports.page.many.page import many_page, sound
    from reports.page.report import record_page
    from runner.results.record import RecordData
    from runner.search.sweeps.beside import sweeps_beside
    from runner.serving.gather import gathered, matrices_of

    found = sound(gathered(folders))
    unread = [Found(folder, data) for folder, data in found if isinstance(data, str)]
    folder, first = found[0]
    if len(found) == 1 and isinstance(first, RecordData):
        return record_page(first, folder), unread
    return many_page("Records", found, matrices_of(found), sweeps_beside(named)).encode("utf-8", "replace"), unread


@app.command("compare")
def compare_verb(
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
    from runner.compare.compare import POLICIES, compare
    from runner.job.problems import choice_message
    from runner.record.comparison_sources import arm_of, require_score

    if policy not in POLICIES:
        raise UserError(f"--policy: {choice_message(policy, POLICIES)}")
    for option, value in (("--nats-per-bpb", nats_per_bpb), ("--gain", gain)):
        if value is not None:
            require_score(value, option)
    found = compare(
        arm_of(baseline, "A"),
        arm_of(candidate, "B", nats_per_bpb),
        next(name for name in POLICIES if name == policy),
        gain,
    )
    differ = _told_apart(baseline, candidate)
    if as_json:
        told = {} if differ is None else {"differences": differ}
        typer.echo(json_text({**found.model_dump(mode="json"), **told}))
    else:
        terminal().print(terminal_comparison(found, differ))
    raise typer.Exit({"holds": 0, "not shown": 1, "undecided": 3}[found.outcome])


def _told_apart(baseline: str, candidate: str) -> list[str] | None:
    """In which fields two records of ours differ; None where one of both is none."""
    from runner.record.find import record_or_problem
    from runner.record.variants import differences_of

    folders = Path(baseline), Path(candidate)
    if not all((folder / "results.json").is_file() for folder in folders):
        return None
    one, other = map(record_or_problem, folders)
    return None if isinstance(one, str) or isinstance(other, str) else differences_of(one, other)


@app.command("schema")
def schema(
    kind: Annotated[
        Literal["job", "sweep", "record", "submission"],
        typer.Argument(metavar="KIND", help="job, sweep, record (results.json), or submission (submission.json)."),
    ],
) -> None:
    """The JSON Schema of a KIND of file, for editors and programs. Goes to standard output."""
    if kind == "submission":
        from importlib.resources import files

        typer.echo((files("reports.record") / "submission.schema.json").read_text(encoding="utf-8"), nl=False)
        return
    from runner.authoring.schema import KINDS, schema_text

    typer.echo(schema_text(KINDS[kind]()), nl=False)


@sweeps.app.command("report")
def sweep_report(
    name: sweeps.SweepName = None,
    page: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--page", metavar="FILE", help="The HTML file to write (default: report.html of the sweep)."),
    ] = None,
    output: Output = Path(),
) -> None:
    """SWEEP as one HTML page. Trials, history, importance, parallel coordinates, slices."""
    from reports.page.many.sweep import sweep_page
    from runner.files import require_writable, write_atomic
    from runner.search.sweeps.plots import plots_of
    from runner.search.sweeps.table import summary_lines

    folder, facts = sweeps.known(name, output)
    place = page or folder.path / "report.html"
    require_writable(place.parent)
    write_atomic(place, sweep_page(facts, plots_of(folder.journal), list(summary_lines(facts))))
    typer.echo(f"{place}: {len(facts.trials):,} trials")


@sweeps.app.command("best")
def sweep_best(
    name: sweeps.SweepName = None,
    promote: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--promote", metavar="N", min=1, help="Run the N best as jobs of their own, to records."),
    ] = None,
    seeds: Seeds = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
) -> None:
    """SWEEP's best trials. With --promote run anew on fresh --seeds. Exit code: the worst verdict's."""
    from reports.terminal.summary import terminal_summary
    from runner.drive.execute import Where, execute, open_place
    from runner.script.bundle import script_of
    from runner.search.sweeps.promote import chosen, note_record, write_jobs
    from runner.search.sweeps.table import curse_lines, ranked_table

    folder, facts = sweeps.known(name, output)
    if promote is None:
        terminal().print(ranked_table(facts))
        for line in curse_lines(facts):
            typer.echo(line)
        return
    if seeds is None:
        raise UserError(f"--promote {promote}: give fresh seeds with --seeds, e.g. --seeds 1337,42,314")
    fresh = parsed_seeds(seeds)
    trials = chosen(facts, promote, fresh)
    where = Where(local, address)
    place = open_place(where, terminal())
    codes = []
    for trial, path in zip(trials, write_jobs(folder, facts, trials, fresh), strict=True):
        typer.echo(f"trial {trial.number}: {path}")
        job = load(path)
        done = execute(job, script_of(job), output, where, terminal(), place=place)
        record = recorded(done, output)
        note_record(folder, trial.number, done.data, record)
        terminal().print(terminal_summary(done.data, record))
        codes.append(EXIT_CODES[done.data.verdict.status])
    for line in curse_lines(sweeps.known(folder.path.name, output)[1]):
        typer.echo(line)
    raise typer.Exit(max(codes, key=lambda code: (code == EXIT_CODES["rejected"], code)))


@app.command()
def serve(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What holds runs/ and records/ (default: here).")
    ] = Path(),
    port: Port = 8765,
) -> None:
    """Show DIR's runs and records in a browser of this machine, live. Nothing can be changed from there.

    Listens on 127.0.0.1 alone, behind a token that it prints as part of the address.
    """
    from reports.page.live import draw
    from runner.verbs.serving import serve_until_interrupted

    serve_until_interrupted(folder, port, draw, typer.echo)


def _drive(job: JobSpec, script: Script, output: Path, where: Where, only: str | None = None) -> None:
    """Run a job to its record, show it, and end with its verdict's exit code."""
    from reports.terminal.next_steps import next_steps
    from reports.terminal.summary import terminal_summary
    from runner.drive.execute import execute
    from runner.plan.step_time import few_steps
    from runner.record.find import to_compare_with

    done = execute(job, script, output, where, terminal(), only)
    folder = recorded(done, output)
    console = terminal()
    console.print(terminal_summary(done.data, folder))
    if done.data.verdict.status != "passed" and (said := few_steps(job, done.data.results)):
        print_line(console, said)
    for line in next_steps(done.data, folder, console.width, to_compare_with(folder, done.data)):
        print_line(console, line)
    raise typer.Exit(EXIT_CODES[done.data.verdict.status])


def _drive_family(family: Family, output: Path, where: Where) -> NoReturn:
    """Run all variants of a job to their records, show the one table, and end with the worst verdict's exit code."""
    from reports.terminal.variants import terminal_variants
    from runner.drive.execute import KeptPlace, execute
    from runner.script.bundle import script_of
    from runner.search.campaign import run_family
    from runner.search.repack import kept_source, packing

    console = terminal()
    place = KeptPlace(where, console, [variant.job for variant in family.variants])

    def drive(job: JobSpec) -> JudgedRun:
        done = execute(job, script_of(job), output, where, console, place=place)
        recorded(done, output)
        return done

    def repack(base: JudgedRun, variant: Variant) -> JudgedRun:
        job = variant.job.model_copy(update={"allow_over_cap": True})  # its weights are there: its size is found out
        script = script_of(job)
        lay = packing(kept_source(base.folder), job, script)
        done = execute(job, script, output, where, console, lay=lay, place=place)
        recorded(done, output)
        return done

    def say(line: str) -> None:
        print_line(console, line)

    found = run_family(family, drive, repack, say)
    folders = {name: recorded(one, output) for name, one in found.runs.items()}
    console.print(terminal_variants(found.table))
    for name, folder in folders.items():
        say(f"{name}: {folder}")
    raise typer.Exit(EXIT_CODES[max((one.data.verdict.status for one in found.runs.values()), key=WORST.index)])


def _drive_duel(
    baseline: JobSpec,
    candidate: JobSpec,
    profile: str | None,
    wanted: Sequence[int] | int,
    policy: str | None,
    output: Path,
    where: Where,
) -> NoReturn:
    """Run a duel to two records, show both and the outcome, and end with the outcome's exit code."""
    from reports.terminal.duel import terminal_duel
    from reports.terminal.summary import terminal_summary
    from runner.duel.execute import execute_duel, policy_of
    from runner.duel.pairs import require_pairs
    from runner.search.sweeps.folder import require_no_trial

    require_no_trial(output)
    require_pairs(wanted if isinstance(wanted, int) else len(wanted))
    chosen = policy_of(policy, candidate)
    console = terminal()
    done = execute_duel(duel_jobs(baseline, candidate, profile), wanted, chosen, output, where, console)
    for run in done.values():
        if run.data.results:  # a side whose turn never came has no record
            console.print(terminal_summary(run.data, recorded(run, output)))
    outcome = done["candidate"].data.duel
    assert outcome is not None  # execute_duel has put it there
    console.print(terminal_duel(outcome))
    raise typer.Exit({"holds": 0, "not shown": 1, "undecided": 3}[outcome.outcome])


def recorded(done: JudgedRun, output: Path) -> Path:
    """Write a judged run's record; its folder."""
    from reports.record.write import RecordFiles, write_record
    from runner.drive.run import sole_driver
    from runner.folder.recorded import note_record

    files = RecordFiles(
        script=done.script.source,
        flat_script=done.script.flat or None,
        files=done.script.files,
        logs=done.logs,
        ledger=done.folder.ledger,
        tokenizer=done.tokenizer,
    )
    with sole_driver(done.folder):
        folder = write_record(done.data, files, output)
        note_record(done.folder, done.data.verdict.status, folder)
    return folder


def require_plain_words(words: Sequence[str]) -> None:
    """UserError where a word of the command line has a character by which one line of a log could look like two."""
    for word in words:
        if control := control_in(word):
            raise UserError(f"{cut(word)}: holds a control character ({control}); rename it, or leave it out")


def main() -> None:
    """Entry point: user errors become one message and exit code 2, an interrupt 130, a fault of golf's own 70."""
    print_in_any_encoding()
    catch_signals()
    try:
        require_plain_words(sys.argv[1:])
        app()
    except UserError as error:
        print(f"golf: {shortened(printable(str(error)))}", file=sys.stderr)
        sys.exit(2)
    except BaseException as error:
        if stopped:
            with suppress(OSError):  # the terminal may be what has gone
                print("golf: interrupted; finished seeds are kept and the same command continues", file=sys.stderr)
            sys.exit(INTERRUPTED)
        if isinstance(error, SystemExit):
            raise
        if not isinstance(error, OSError):
            traceback.print_exception(error)
            print(f"golf: {OUR_FAULT}", file=sys.stderr)
            sys.exit(FAULT)
        place = error.filename2 or error.filename  # of a rename, what was to be written, not the file aside
        said = f"{place}: {error.strerror}" if place and error.strerror else str(error)
        print(
            f"golf: {shortened(said)}. Finished seeds, if any, are kept; mend this and run the command again",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
