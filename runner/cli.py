"""The command line: verbs and paths; every knob lives in the job's YAML.

The composition root, and the only file that may import the reporter. Heavy modules are imported inside the
verbs, so that `golf --help` answers at once. Exit codes: 0 passed, 1 rejected, 2 the user's error (nothing
ran), 3 unverified, 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from runner.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from runner.assess import Walk
    from runner.audit.facts import Audit
    from runner.backends import Backend
    from runner.bundle import Script
    from runner.job_spec import JobSpec
    from runner.jobdata import DataRequest
    from runner.node_check import CheckOrder
    from runner.plan import Plan
    from runner.record_folder import Record
    from runner.results import Check

app = typer.Typer(
    name="golf",
    help="One job YAML in, a verified multi-seed Parameter Golf record out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Corpora, tokenizers and token shards.", no_args_is_help=True)
app.add_typer(data_app, name="data")
model_app = typer.Typer(help="What a job's model consists of.", no_args_is_help=True)
app.add_typer(model_app, name="model")
artifact_app = typer.Typer(help="What an artifact consists of.", no_args_is_help=True)
app.add_typer(artifact_app, name="artifact")
export_app = typer.Typer(help="A record for somewhere else.", no_args_is_help=True)
app.add_typer(export_app, name="export")
ledger_app = typer.Typer(help="What was ever launched.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")

EXIT_CODES = {"passed": 0, "rejected": 1, "unverified": 3}
INTERRUPTED = 130

JobPath = Annotated[Path, typer.Argument(metavar="JOB", help="The job's YAML file.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder under runs/, or its job's name.")]
OptionalRun = Annotated[
    Optional[str],  # noqa: UP045
    typer.Argument(metavar="RUN", help="A run's folder under runs/, or its job's name; all when left out."),
]
There = Annotated[
    str, typer.Option("--address", metavar="HOST:PORT", help="The cluster's dashboard, usually 127.0.0.1:8265.")
]
MaybeThere = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--address", metavar="HOST:PORT", help="Dashboard of a cluster that keeps runs; else here."),
]
Seeds = Annotated[
    Optional[str],  # noqa: UP045  (typer reads the annotation at run time)
    typer.Option("--seeds", metavar="1,2,3", help="Run these seeds instead of the job's."),
]
Profile = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--profile", metavar="NAME", help="The same job at another size: small, a minute on a laptop."),
]
Address = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--address", metavar="HOST:PORT", help="Ray cluster to run on; this machine when left out."),
]
Local = Annotated[bool, typer.Option("--local", help="Run in this process, one seed after the other, without Ray.")]
RecordPath = Annotated[Path, typer.Argument(metavar="RECORD", help="A record's folder.")]
OtherData = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--data", metavar="DIR", help="Folder of its shards; an embedded corpus needs none."),
]
OtherTokenizer = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--tokenizer", metavar="FILE", help="What made those shards; the record's own when left out."),
]
Output = Annotated[
    Path, typer.Option("--output", metavar="DIR", help="Where runs/ and records/ are kept (default: here).")
]


@app.command()
def run(
    path: JobPath,
    seeds: Seeds = None,
    profile: Profile = None,
    local: Local = False,
    address: Address = None,
    output: Output = Path(),
) -> None:
    """Train, score and verify every seed of JOB, judge them together and write the record."""
    job = _load(path, seeds, profile)
    from runner.bundle import script_of

    _drive(job, script_of(job), output, local=local, address=address)


@app.command()
def submit(path: JobPath, address: There, seeds: Seeds = None, output: Output = Path()) -> None:
    """Start one driver for JOB on the cluster, which goes on without this machine. Its data must be on the nodes."""
    from runner.bundle import script_of

    job = _load(path, seeds)
    script = script_of(job)
    remote = _remote(address)
    client, place = remote.connect_jobs(address), _there(output)
    _submitted(client, remote.submit(client, job, script, place), job.name, address, output)


@app.command()
def dashboard(address: There) -> None:
    """Where the cluster's dashboard is, how to reach it, and the drivers that were submitted there."""
    remote = _remote(address)
    found = remote.settings(address)
    if found["tunnel"]:
        typer.echo(f"it listens on the head node's loopback alone: {found['tunnel']}")
    typer.echo("it asks for the cluster's token: ~/.ray/auth_token of its nodes", err=True)
    client = remote.connect_jobs(address)
    typer.echo(found["url"])
    for name, state in remote.drivers(client):
        typer.echo(f"{state:<10} {name}")


@app.command()
def resume(
    run_name: RunName,
    address: Address = None,
    output: Output = Path(),
    there: Annotated[
        bool, typer.Option("--submit", help="By a driver on the cluster; --address is its dashboard's.")
    ] = False,
) -> None:
    """Go on with a run: seeds that have ended are kept, the others run, by the script that the run began with."""
    import json

    if there:
        if address is None:
            raise UserError("--submit: needs --address, the cluster's dashboard")
        remote = _remote(address)
        client, place = remote.connect_jobs(address), _there(output)
        _submitted(client, remote.resume_there(client, run_name, place), run_name, address, output)
        return

    from runner.bundle import stored_script
    from runner.job import job_from_mapping, with_seeds
    from runner.ledger import check_chain, seeds_of
    from runner.runs import driver_of, find_run

    run = find_run(output, run_name)
    job = job_from_mapping(json.loads(run.job.read_text(encoding="utf-8")), source=str(run.job))
    job = with_seeds(job, seeds_of(check_chain(run.ledger, unfinished_ok=True)))  # its driver may live and write
    driver = driver_of(run)
    where = address or (driver.address if driver else "") or None
    local = bool(driver and driver.local and not address)
    _drive(job, stored_script(run, job.files), output, local=local, address=where, only=run.path.name)


@app.command()
def status(run_name: OptionalRun = None, address: MaybeThere = None, output: Output = Path()) -> None:
    """Where every run, or one of them, stands."""
    if address is not None:
        _ask(address, ["status", *([run_name] if run_name else [])], output)
    from runner.runs import all_runs, find_run
    from runner.status import status_table

    runs = all_runs(output) if run_name is None else [find_run(output, run_name)]
    if not runs:
        typer.echo(f"no run under {output / 'runs'}")
    else:
        _console().print(status_table(runs))


@app.command()
def logs(
    run_name: Annotated[
        str, typer.Argument(metavar="RUN[/SEED]", help="A run, one of its seeds, or a submitted driver.")
    ],
    until_end: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the run ends.")] = False,
    address: MaybeThere = None,
    output: Output = Path(),
) -> None:
    """What the scripts of a run print, as it comes."""
    if address is not None:
        remote = _remote(address)
        if remote.is_driver(run_name):
            typer.echo(remote.said(remote.connect_jobs(address), run_name), nl=False)
            return
        _ask(address, ["logs", *(["-f"] if until_end else []), run_name], output)
    from runner.follow import follow
    from runner.printable import printable_bytes
    from runner.runs import find_run

    name, slash, seed = run_name.partition("/")
    if slash and not seed.isdecimal():
        raise UserError(f"{run_name}: after the slash stands a seed, a whole number")

    def write(line: bytes) -> None:
        # A script's escapes could rewrite what the terminal shows; a file or a pipe gets every byte as it was.
        sys.stdout.buffer.write(printable_bytes(line) if sys.stdout.isatty() else line)
        sys.stdout.buffer.flush()

    follow(find_run(output, name), int(seed) if slash else None, write, until_end=until_end)


@app.command()
def stop(run_name: RunName, address: MaybeThere = None, output: Output = Path()) -> None:
    """Stop a run: its attempts are killed and noted as interrupted, `golf resume` goes on with it."""
    if address is not None:
        _ask(address, ["stop", run_name], output)
    from runner.runs import find_run
    from runner.stop import stop_run

    run = find_run(output, run_name)
    stopped = stop_run(run)
    said = "stopped; golf resume goes on with it" if stopped else "nobody was at work on it"
    typer.echo(f"{run.path.name}: {said}")


@ledger_app.command("verify")
def ledger_verify(
    name: Annotated[str, typer.Argument(metavar="RUN|FILE", help="A run, a record folder, or a ledger.jsonl.")],
    output: Output = Path(),
) -> None:
    """Check a ledger's chain and all that it vouches for; exit code 1 where something is wrong."""
    from runner.ledger_check import audit_ledger, audit_run
    from runner.paths import RunFolder
    from runner.record_check import audit_record
    from runner.runs import find_run

    path = Path(name)
    if path.is_dir() and (path / "seeds").is_dir():
        audit = audit_run(RunFolder(path))
    elif (path / "results.json").is_file():
        audit = audit_record(path)
    elif path.is_dir() or path.is_file():
        audit = audit_ledger(path / "ledger.jsonl" if path.is_dir() else path)
    else:
        audit = audit_run(find_run(output, name))
    for line in [*audit.lines, *(f"WRONG {problem}" for problem in audit.problems)]:
        typer.echo(line)
    raise typer.Exit(1 if audit.problems else 0)


@app.command("plan")
def plan_verb(path: JobPath, seeds: Seeds = None, profile: Profile = None, address: Address = None) -> None:
    """Show what `golf run` would do (seeds, nodes, parameters, size, time) and start nothing."""
    from runner.bundle import script_of
    from runner.claim_plan import plan_rows
    from runner.nodes import inventory, room_here
    from runner.past_sizes import forecast_from_past
    from runner.plan import make_plan, plan_table, preflight

    console = _console()
    job = _load(path, seeds, profile)
    script = script_of(job)
    code_bytes = script.code_bytes
    data = preflight(job, code_bytes, console.print)
    past = forecast_from_past(Path(), job, code_bytes) if job.script is None else None
    if address is None:
        plan = make_plan(job, data, code_bytes, [room_here()])
        console.print(plan_table(plan, "this machine", past, plan_rows(plan, Path(), script.sha256)))
        return
    from runner.ray_environment import prepare_environment

    prepare_environment(address)
    from runner.cluster import cluster_rooms, connect

    connect(address)
    nodes = cluster_rooms()
    plan = make_plan(job, data, code_bytes, nodes)
    where = f"{address}: {inventory(nodes)}"
    console.print(plan_table(plan, where, past, plan_rows(plan, Path(), script.sha256)))


@app.command()
def bundle(
    path: JobPath,
    profile: Profile = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="File to write.")] = Path(
        "train_gpt.py"
    ),
    flat: Annotated[bool, typer.Option("--flat", help="Write the readable twin instead of the packed file.")] = False,
) -> None:
    """Turn JOB into the one file that runs, is counted against the cap, and is shipped."""
    from runner.bundle import make_script
    from runner.files import require_writable, sha256_bytes, write_atomic

    script = make_script(_ours(_load(path, None, profile)).config)
    content = script.flat.encode() if flat else script.source
    require_writable(output.parent)
    write_atomic(output, content)
    typer.echo(f"{output}: {len(content):,} bytes, sha256 {sha256_bytes(content)}")


@model_app.command("summary")
def model_summary(path: JobPath, profile: Profile = None) -> None:
    """Tensors, parameters, schemes, bytes, FLOPs and memory of JOB's model."""
    from runner.bundle import make_script
    from runner.model_summary import summary_tables

    job = _ours(_load(path, None, profile))
    console = _console()
    for table in summary_tables(job, len(make_script(job.config).source)):
        console.print(table)
        console.print()


@model_app.command("diff")
def model_diff(
    path: JobPath,
    other: Annotated[Path, typer.Argument(metavar="JOB", help="The job to compare it with.")],
    profile: Profile = None,
) -> None:
    """What changes from one JOB to another: configuration, tensors, parameters and bytes."""
    from runner.bundle import make_script
    from runner.model_diff import Side, diff_tables

    paths = path, other
    jobs = [_ours(_load(place, None, profile)) for place in paths]
    titles = [job.name for job in jobs] if jobs[0].name != jobs[1].name else [str(place) for place in paths]
    one, two = (
        Side(title, job, len(make_script(job.config).source)) for title, job in zip(titles, jobs, strict=True)
    )
    tables = diff_tables(one, two)
    if not tables:
        typer.echo(f"{path} and {other} run the same")
    console = _console()
    for table in tables:
        console.print(table)
        console.print()


@app.command("eval")
def eval_verb(
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

    from golf_model.config import EvalConfig
    from runner.job_errors import choice_message
    from runner.plan import open_job_data
    from runner.rescore import other_data, report_lines, rescore, with_rule

    rules = get_args(get_type_hints(EvalConfig)["rule"])
    if rule is not None and rule not in rules:
        raise UserError(f"--rule: {choice_message(rule, rules)}")
    job = _ours(_load(path, None, profile))
    config = with_rule(job.config, rule=rule, window=window, stride=stride)
    folder, pieces = other_data(data, tokenizer, job.data.tokenizer)
    if folder is None or pieces is None:
        dataset = open_job_data(job, typer.echo)
        folder, pieces = dataset.folder, dataset.tokenizer
    found = rescore(config, artifact, folder, pieces, job.threads, typer.echo)
    for line in report_lines(found):
        typer.echo(line)


@artifact_app.command("inspect")
def artifact_inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An artifact: golf's format or an original's.")],
    script: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--script", metavar="FILE", help="The script that is counted with it."),
    ] = None,
    cap: Annotated[int, typer.Option("--cap", metavar="BYTES", min=1, help="Most bytes of both.")] = 16_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that was found, as one JSON object.")] = False,
) -> None:
    """Tensors, schemes, bits, bytes, entropy, checksum and slack to the cap of FILE; nothing in it is executed."""
    import json

    from runner.artifact_report import fact_lines, inspect_file, tensor_table

    if script is not None and not script.is_file():
        raise UserError(f"--script {script}: no such file")
    facts = inspect_file(path)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    _console().print(tensor_table(facts))
    for line in fact_lines(facts, path, cap, None if script is None else script.stat().st_size):
        typer.echo(line)


@app.command()
def verify(
    record: RecordPath,
    artifacts: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--artifacts", metavar="DIR", help="Where its artifacts are; runs its script to score them."),
    ] = None,
    data: OtherData = None,
    tokenizer: OtherTokenizer = None,
) -> None:
    """Check RECORD by its own files: hashes, sizes, pages, script, verdict, ledger, logs, and scores where it can.

    Exit code 1 where something is wrong. Scores are made again where --artifacts points, or where the run that made
    the record lies beside it.
    """
    from reports.verify_terminal import answers
    from runner.rescore_record import artifact_checks, source_of

    console = _console()
    opened, checks = _verified(record)
    source = source_of(opened, artifacts, data, tokenizer)
    checks += artifact_checks(opened, source, lambda line: None)
    console.print(answers(checks, "Nothing speaks against it."))
    raise typer.Exit(int(any(check.status == "fail" for check in checks)))


def _verified(folder: Path) -> tuple[Record, list[Check]]:
    """A record, and every answer that its own files give."""
    from reports.rebuild import page_check
    from runner.record_folder import open_record
    from runner.verify_record import verify_record

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
    """Run RECORD's seeds again, by the script and the job in its folder alone, and compare.

    Exit code 1 where the new run is not like the record, 3 where that cannot be told.
    """
    from reports.verify_terminal import answers
    from runner.record_folder import open_record
    from runner.reproduce import compare, job_again, stored_script

    opened = open_record(record)
    script = stored_script(opened)
    job = job_again(opened, seeds, hardware, data, tokenizer)
    root = output or Path("reproduced") / record.resolve().name
    done, folder = _carry_out(job, script, root, local=local, address=address)
    checks = compare(opened.data, done.data)
    told = answers(checks, "Like the record, as far as these questions go.")
    _console().print(told, f"The new record: {folder}", highlight=False)
    statuses = {check.status for check in checks}
    raise typer.Exit(1 if "fail" in statuses else 3 if "unknown" in statuses else 0)


@export_app.command("pr")
def export_pr(
    record: RecordPath,
    repo: Annotated[Path, typer.Option("--repo", metavar="CHECKOUT", help="The challenge's repository, clean.")],
) -> None:
    """Commit a passed RECORD on a new branch of CHECKOUT and print the pull request's text. Nothing is pushed."""
    from reports.pr_text import pr_text, pr_title
    from runner.export_pr import export, require_checkout, require_passed

    opened, checks = _verified(record)
    track = require_passed(opened, checks)
    require_checkout(repo, track)
    title = pr_title(opened.data)
    made = export(opened, repo, track, title)
    print(f"# {title}\n\n{pr_text(opened.data)}")
    print(f"golf: {made.place} is committed on branch {made.branch}; look at it, then", file=sys.stderr)
    print(f"golf:   git -C {repo} push --set-upstream origin {made.branch}", file=sys.stderr)


@app.command()
def audit(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Record folders, ours or anyone's.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line for each folder.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A review comment, ready to paste.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Read every record folder under PATH, in parallel.")] = False,
    table: Annotated[
        Path, typer.Option("--table", metavar="FILE", help="With --all: where its table goes, .csv or .parquet.")
    ] = Path("audit.csv"),
) -> None:
    """Read record folders, execute nothing, and say what is true: facts, claims, and where they disagree."""
    from reports.audit_markdown import markdown_audit
    from reports.audit_table import audit_frame, require_table, summary, write_table
    from reports.audit_terminal import terminal_audit
    from runner.audit.audit import audit_all, audit_or_error, with_shared_runs
    from runner.audit.folder import find_records
    from runner.files import require_writable

    console = _console()
    if every:
        require_table(table)
        require_writable(table.parent)
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
            print(f"golf: {one}", file=sys.stderr)
        elif as_json:
            print(one.model_dump_json(), flush=True)
        elif markdown:
            print(markdown_audit(one))
        elif not every:
            console.print(terminal_audit(one))
    if every:
        write_table(audit_frame(found), table)
        if not as_json and not markdown:
            console.print(summary(found))
            console.print(f"table: {table}")
    raise typer.Exit(_audit_code([one for _, one in found]))


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
) -> None:
    """One RECORD: its README and tables again, from its results.json. Several, or with --format: tables across them.

    Tables of seeds, of jobs and across jobs, verdicts beside them: n, mean, std, 95 % t interval, both units.
    """
    if len(records) == 1 and format is None and output is None and (records[0] / "results.json").is_file():
        from reports.rebuild import rebuild

        changed = [name for name, other in rebuild(records[0]).items() if other]
        typer.echo(f"{records[0]}: {', '.join(changed) + ' made anew' if changed else 'as it was'}")
        return
    from reports.across import Found, across_frame
    from reports.across_pages import FORMATS, chosen_format
    from reports.markdown import one_line
    from runner.files import require_writable, write_atomic
    from runner.record_folders import find_record_folders, record_or_problem

    chosen = chosen_format(format, output)
    if output is not None:
        require_writable(output.parent)
    found = [Found(folder, record_or_problem(folder)) for folder in find_record_folders(records)]
    made = FORMATS[chosen](across_frame(found))
    for one in found:
        if isinstance(one.data, str):
            print(f"golf: {one_line(one.data)}", file=sys.stderr)
    if output is None:
        typer.echo(made.decode(), nl=False)
    else:
        write_atomic(output, made)
        typer.echo(f"{output}: {len(found):,} folders")
    raise typer.Exit(2 if any(isinstance(one.data, str) for one in found) else 0)


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
    as_json: Annotated[bool, typer.Option("--json", help="Everything that was found, as one JSON object.")] = False,
) -> None:
    """Does B beat A? Exit code 0 the claim holds, 1 it is not shown, 3 it cannot be decided."""
    from reports.comparison_terminal import terminal_comparison
    from runner.arms import arm_of, require_score
    from runner.compare import POLICIES, compare
    from runner.job_errors import choice_message

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
    if as_json:
        typer.echo(found.model_dump_json())
    else:
        _console().print(terminal_comparison(found))
    raise typer.Exit({"holds": 0, "not shown": 1, "undecided": 3}[found.outcome])


def _audit_code(audits: Sequence[Audit | str]) -> int:
    """2 if a folder could not be read, else 1 if one has an error, else 0."""
    if any(isinstance(one, str) for one in audits):
        return 2
    return int(
        any(finding.severity == "error" for one in audits if not isinstance(one, str) for finding in one.findings)
    )


@data_app.command("prepare")
def data_prepare(path: JobPath) -> None:
    """Make or check the data that JOB names, and say where it is."""
    from runner.plan import open_job_data

    typer.echo(open_job_data(_load(path), typer.echo).folder)


@data_app.command("info")
def data_info_verb(
    path: JobPath,
    recount: Annotated[
        bool, typer.Option("--recount", help="Count the bytes again by decoding the shards (slow on large data).")
    ] = False,
) -> None:
    """Tokens, documents, bytes, tokens per byte and the nats-per-bpb constant of JOB's data."""
    from runner.data.dataset import data_info
    from runner.plan import info_table, open_job_data

    _console().print(info_table(data_info(open_job_data(_load(path), typer.echo), recount)))


@data_app.command("fetch")
def data_fetch(
    variant: Annotated[str, typer.Option("--variant", help="Tokenizer variant of the shards, e.g. sp1024.")],
    shards: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--shards", min=1, help="Training shards to bring; all when left out."),
    ] = None,
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Where to put them.")] = Path("data"),
) -> None:
    """Bring the challenge's FineWeb shards and tokenizer; continues where an earlier fetch stopped."""
    from runner.data.fetch import fetch

    fetched = fetch(variant, shards, output, progress=typer.echo)
    typer.echo(f"{fetched}")


def _remote(address: str) -> ModuleType:
    """The module that speaks to a cluster's dashboard, with Ray told who we are."""
    from runner.ray_environment import prepare_environment

    prepare_environment(address)
    from runner import remote

    return remote


def _there(output: Path) -> str:
    """Where runs are kept on the head node."""
    from runner.remote import HOME

    if output == Path():
        return HOME
    if not output.is_absolute():
        raise UserError(f"--output {output}: with a cluster's dashboard, give a whole path on its head node")
    return str(output)


def _submitted(client: object, name: str, job: str, address: str, output: Path) -> None:
    """Tell that a driver is at work, or what it said if it has ended at once, with its exit code."""
    remote = _remote(address)
    typer.echo(f"{name} is submitted; waiting until it is at work ...", err=True)
    code = remote.settled(client, name)
    if code is not None:
        typer.echo(remote.said(client, name), nl=False)
        raise typer.Exit(code)
    place = "" if output == Path() else f" --output {output}"
    typer.echo(f"{name} runs on the cluster and needs this machine no more")
    typer.echo(f"  golf status --address {address}{place}    golf logs -f {job} --address {address}{place}")
    typer.echo(f"  golf logs {name} --address {address}    shows what it prints itself")


def _ask(address: str, words: list[str], output: Path) -> NoReturn:
    """Run a verb on the cluster's head node and end with its exit code."""
    remote = _remote(address)
    raise typer.Exit(remote.ask(remote.connect_jobs(address), words, _there(output)))


def _drive(
    job: JobSpec, script: Script, output: Path, *, local: bool, address: str | None, only: str | None = None
) -> None:
    """Run a job to its record, show it, and end with its verdict's exit code."""
    from reports.summary import terminal_summary

    done, folder = _carry_out(job, script, output, local=local, address=address, only=only)
    _console().print(terminal_summary(done.data, folder))
    raise typer.Exit(EXIT_CODES[done.data.verdict.status])


def _carry_out(
    job: JobSpec, script: Script, output: Path, *, local: bool, address: str | None, only: str | None = None
) -> tuple[Walk, Path]:
    """Run a job to its record. only: the run folder that this must lead to, where a run is to go on."""
    from reports.record import RecordFiles, write_record
    from runner.alone import machine_alone
    from runner.backends import LocalBackend
    from runner.files import require_writable
    from runner.nodes import room_here
    from runner.plan import check_order, make_plan, preflight
    from runner.run import require_run, run_name, sole_driver, walk

    if local and address:
        raise UserError("--local runs without Ray, --address names a Ray cluster: choose one")
    console = _console()
    data = preflight(job, script.code_bytes, console.print)
    require_writable(output)
    make_backend: Callable[[Plan, CheckOrder], Callable[[DataRequest], Backend]]
    if local:
        rooms = [room_here()]
        make_backend = lambda plan, check: partial(LocalBackend, check=check)  # noqa: E731
    else:
        from runner.ray_environment import prepare_environment

        prepare_environment(address)
        from runner.cluster import OwnDesk, SharedDesk, cluster_rooms, connect
        from runner.schedule import RayBackend

        with console.status("starting Ray ..." if address is None else f"connecting to {address} ..."):
            connect(address)
        _catch_signals()  # Ray installs handlers of its own
        desk = SharedDesk() if address else OwnDesk()
        rooms, make_backend = cluster_rooms(), partial(RayBackend.of_plan, desk=desk)
    plan = make_plan(job, data, script.code_bytes, rooms)
    if only is not None:
        require_run(plan, script, only)
    way: dict[str, str | bool] = {"address": address or "", "local": local}
    observe = None
    if address is not None:
        from runner.gauges import Gauges

        observe = Gauges(plan)
    watching: AbstractContextManager[None] = nullcontext()
    if address is not None:
        from runner.cluster import head_address
        from runner.head_watch import head_watched

        watching = head_watched(head_address(), run_name(plan, script))
    with machine_alone(plan.need.alone and address is None, console.print), watching:
        done = walk(plan, script, output, console, make_backend(plan, check_order(plan, script)), way, observe)
    files = RecordFiles(
        script=done.script.source,
        flat_script=done.script.flat or None,
        files=done.script.files,
        logs=done.logs,
        ledger=done.folder.ledger,
        tokenizer=done.tokenizer,
    )
    with sole_driver(done.folder):
        return done, write_record(done.data, files, output)


def _console() -> Console:
    """The terminal; where there is none, lines of 100 columns, so that no table is cut in a log."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=100)


def _ours(job: JobSpec) -> JobSpec:
    """A job whose script is made from its configuration; UserError for one that brings its own."""
    if job.script is not None:
        raise UserError(
            f"{job.name}: its script is {job.script.name}; only a job with config: has a model to look at"
        )
    return job


def _load(path: Path, seeds: str | None = None, profile: str | None = None) -> JobSpec:
    """The job under a profile, with the seeds of the command line where they were given."""
    from runner.job import load_job, with_seeds
    from runner.profiles import with_profile

    job = with_profile(load_job(path), profile)
    if seeds is None:
        return job
    try:
        chosen = [int(part) for part in seeds.split(",")]
    except ValueError:
        raise UserError(f"--seeds {seeds!r}: whole numbers with commas between them, e.g. 1337,42,2024") from None
    return with_seeds(job, chosen)


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived; not KeyboardInterrupt, which the command-line library turns into exit code 1."""


stopped: list[int] = []
"""The signal that stopped us: Ray's own code may turn `Interrupted` into another exception on its way up."""


def _stop(number: int, frame: FrameType | None) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # one is enough: cleaning up must not be cut short
    stopped.append(number)
    raise Interrupted


def _catch_signals() -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _stop)


def main() -> None:
    """Entry point: user errors become one message and exit code 2, an interrupt 130."""
    _catch_signals()
    try:
        app()
    except UserError as error:
        print(f"golf: {error}", file=sys.stderr)
        sys.exit(2)
    except BaseException as error:
        if stopped:
            print("golf: interrupted; finished seeds are kept and the same command continues", file=sys.stderr)
            sys.exit(INTERRUPTED)
        if not isinstance(error, OSError):
            raise
        print(
            f"golf: {error}. Finished seeds, if any, are kept; mend this and run the command again", file=sys.stderr
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
