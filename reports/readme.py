"""README.md of a record, from its data alone: the same data gives the same bytes, always.

The words stand in templates/README.md.j2, tables and figures are made here. Everything that is not markdown of
ours is escaped when the template puts it in. Writes no file.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.answers import answer_lines
from reports.markdown import Markdown, code, escaped, fenced, one_line, table
from reports.numbers import MISSING, NOT_DEFINED, cell, fixed, known, mean_and_std
from reports.published import reference_of
from reports.published_section import beside_section
from reports.statistics_section import statistics_section
from reports.tables import figure, seed_table, summary_table
from runner.listing import MOST, SHOWN, few, some
from runner.results import Host, RecordData, RunResult

ENVIRONMENT = Environment(
    loader=PackageLoader("reports"),
    autoescape=False,
    finalize=escaped,
    undefined=StrictUndefined,
    trim_blocks=False,
    keep_trailing_newline=True,
)

COLUMNS: dict[str, tuple[str, int]] = {
    "steps": ("steps", 0),
    "step_avg_ms": ("ms/step", 2),
    "live_val_bpb": ("live bpb", 4),
    "val_loss": ("loss", 6),
    "val_bpb": ("bpb", 6),
    "artifact_bytes": ("artifact B", 0),
    "total_bytes": ("total B", 0),
    "headroom_bytes": ("headroom B", 0),
    "train_seconds": ("train s", 2),
    "eval_seconds": ("eval s", 2),
    "peak_memory_mib": ("peak MiB", 0),
}
"""Column of the seed table -> its head in the README and how many decimals it shows."""


ONE_OF = {"registrations": "registration", "launches": "launch"}
"""What the ledger counts -> what one of them is called."""


def render_readme(data: RecordData) -> str:
    """README.md as text."""
    return ENVIRONMENT.get_template("README.md.j2").render(_view(data))


def _view(data: RecordData) -> dict[str, Any]:
    seeds = seed_table(data)
    summary = summary_table(seeds)
    hosts = [result.host for result in data.results if result.host is not None]
    scored = int(figure(summary, "n", "val_bpb"))
    reference = reference_of(data)
    bad = [result for result in data.results if result.status != "completed"]
    headline = mean_and_std(figure(summary, "mean", "val_bpb"), figure(summary, "std", "val_bpb"))
    return {
        "name": data.name,
        "track": code(data.track),
        "verdict": data.verdict,
        "headline": headline if scored else None,
        "basis": basis(scored, len(data.results)),
        "hardware": hardware(hosts),
        "opening": opening(data),
        "byline": byline(data),
        "blurb": data.job.get("blurb") or "",
        "results_table": results_table(data, seeds, summary),
        "strict_sentence": strict_sentence(seeds),
        "idle_sentence": idle_sentence(data.results),
        "nodes_table": nodes_table(data.results),
        "resumed_sentence": resumed_sentence(data.results),
        "failures": [
            {"seed": result.seed, "status": result.status, "reason": fenced(result.reason or "no reason was given")}
            for result in few(bad)
        ],
        "bad": len(bad),
        "seeds": len(data.results),
        "shown": len(few(data.results)),
        "reasons": few(data.verdict.reasons),
        "checks_table": checks_table(data),
        "yardsticks_table": yardsticks_table(data, seeds) if data.yardsticks else "",
        "learned": learned(data, seeds),
        "statistics": statistics_section(data.comparison) if data.comparison else None,
        "beside": beside_section(data, reference) if reference else None,
        "data_sentence": data_sentence(data),
        "files_table": files_table(data),
        "size_sentence": size_sentence(data, seeds),
        "command": Markdown(reproduce_command(data)),
        "torchrun": Markdown(torchrun_command(data, hosts)),
        "environment_table": environment_table(data, hosts),
        "ledger": ", ".join(counted(kind, number) for kind, number in data.ledger.items()),
    }


def basis(scored: int, seeds: int) -> str:
    """What the headline rests on."""
    of = "" if scored == seeds else f" of {seeds}"
    if scored == seeds == 1:
        return "one seed"
    return f"mean ± sample standard deviation, {scored}{of} seeds"


def opening(data: RecordData) -> str:
    """The sentence before the reasons of a verdict that is not passed."""
    if data.verdict.status == "rejected":
        return "This run does not count as a record, because a required check fails:"
    return "Nothing failed, but this run does not count as a record until what is unknown is known:"


def byline(data: RecordData) -> Markdown:
    """Who and when."""
    author = data.job.get("author") or ""
    github = data.job.get("github_id") or ""
    who = " ".join(part for part in (escaped(author), f"({escaped(github)})" if github else "") if part)
    return Markdown(" · ".join(part for part in (who, escaped(data.date)) if part) or "No author given.")


def hardware(hosts: Iterable[Host]) -> Markdown:
    """Profile, processes and device of every seed, once each."""
    kinds = [
        f"{code(host.hardware)} ({escaped(host.device)}, {host.nproc} "
        f"{'process' if host.nproc == 1 else 'processes'} per seed)"
        for host in hosts
    ]
    return Markdown(" and ".join(dict.fromkeys(kinds)) or "unknown hardware")


def results_table(data: RecordData, seeds: pd.DataFrame, summary: pd.DataFrame) -> Markdown:
    """One row per seed, then mean and sample standard deviation."""
    rows: list[list[object]] = [
        [row["seed"], *(cell(row[name], digits, data.limits.get(name)) for name, (_, digits) in COLUMNS.items())]
        for row in few(seeds.to_dict("records"))
    ]
    if len(seeds) > MOST:
        least, most = seeds.min(numeric_only=True), seeds.max(numeric_only=True)
        rows.append(["…", *("" for _ in COLUMNS)])
        rows += [
            [title, *(cell(found[name], digits) for name, (_, digits) in COLUMNS.items())]
            for title, found in (("least", least), ("most", most))
        ]
    means = [fixed(figure(summary, "mean", name), digits) for name, (_, digits) in COLUMNS.items()]
    rows.append([Markdown("**mean**"), *means])
    rows.append([Markdown("**std**"), *(_std(summary, name, digits) for name, (_, digits) in COLUMNS.items())])
    return table("r" * (len(COLUMNS) + 1), ["seed", *(head for head, _ in COLUMNS.values())], rows)


def _std(summary: pd.DataFrame, column: str, digits: int) -> str:
    std = figure(summary, "std", column)
    if known(std) is None:
        return MISSING if figure(summary, "n", column) == 0 else NOT_DEFINED
    return fixed(std, digits)


def strict_sentence(seeds: pd.DataFrame) -> str:
    """The strict clocks, in the order of the seeds; empty where none was seen."""
    if len(seeds) > MOST:
        return ""  # a column of results.csv
    phases = {"Training": "strict_train_seconds", "evaluation": "strict_eval_seconds"}
    if seeds[list(phases.values())].isna().all(axis=None):
        return ""
    taken = [
        f"{phase} took {' / '.join(fixed(value, 2) for value in seeds[name])} s" for phase, name in phases.items()
    ]
    return (
        f"{' and '.join(taken)}, seed by seed, by the strict clock: warm-up and mid-run validation count "
        "as training, the whole process as evaluation."
    )


def resumed_sentence(results: Sequence[RunResult]) -> str:
    """Which seeds were killed and went on, and that all their lives count; empty where none was."""
    lives = {result.seed: len(result.train.earlier) + 1 for result in results if result.train is not None}
    resumed = [f"{seed} ({count} lives)" for seed, count in lives.items() if count > 1]
    if not resumed:
        return ""
    return (
        f"Killed and resumed from a checkpoint: seed {some(resumed, ', ')}. The training time counts every life, "
        "work that was lost included, at its upper bound."
    )


def idle_sentence(results: Sequence[RunResult]) -> str:
    """How long nodes stood idle between two seeds; empty where no node ran two in a row."""
    known = [result.idle_seconds for result in results if result.idle_seconds]
    if len(known) > MOST:
        middle, most = fixed(statistics.median(known), 1), fixed(max(known), 1)
        return f"Between two seeds their node stood idle, {len(known):,} times: median {middle} s, at most {most} s."
    idle = [
        f"{fixed(result.idle_seconds, 1)} s before seed {result.seed}" for result in results if result.idle_seconds
    ]
    return f"Between two seeds their node stood idle: {', '.join(idle)}." if idle else ""


def nodes_table(results: Sequence[RunResult]) -> Markdown | None:
    """What preflight found on each node, speed included; None where nobody looked."""
    reports = {result.preflight.node: result.preflight for result in results if result.preflight is not None}
    if not reports:
        return None
    names = ("gemm_tflops", "memory_gb_per_s", "all_reduce_gb_per_s", "loader_tokens_per_s")
    rows: list[list[object]] = []
    for report in few(list(reports.values())):
        gpus = [f"{gpu.name}, {gpu.memory_mib:,} MiB, driver {gpu.driver}" for gpu in report.gpus]
        kinds = [f"{gpus.count(kind)}x {kind}" for kind in dict.fromkeys(gpus)]
        speeds = [cell(getattr(report.probe, name, None), 1) for name in names[:3]]
        tokens = report.probe.loader_tokens_per_s / 1e6 if report.probe else None
        rows.append([report.host, "; ".join(kinds) or "none", *speeds, fixed(tokens, 0)])
    if len(reports) > MOST:
        rows.append([f"and {len(reports) - SHOWN:,} more", "", "", "", "", ""])
    heads = ["node", "GPUs", "GEMM TFLOP/s", "memory GB/s", "all-reduce GB/s", "loader M tokens/s"]
    return table("llrrrr", heads, rows)


def checks_table(data: RecordData) -> Markdown:
    """Question, what was measured, what was allowed, and the answer."""
    rows = [[line.title, line.measured, line.limit, line.result] for line in answer_lines(data.verdict.checks)]
    return table("llll", ["question", "measured", "limit", "result"], rows)


def yardsticks_table(data: RecordData, seeds: pd.DataFrame) -> Markdown:
    """What simple methods reach on the same text."""
    rows = [
        [
            item.name,
            fixed(item.bpb, 4),
            fixed(item.nats_per_token, 4),
            f"{_beaten(item.bpb, seeds)} of {len(seeds)}",
            item.detail,
        ]
        for item in data.yardsticks
    ]
    rows.append(["this model, mean", fixed(seeds["val_bpb"].mean(), 4), fixed(seeds["val_loss"].mean(), 4), "", ""])
    return table("lrrrl", ["yardstick", "bpb", "nats/token", "beaten by seeds", "how"], rows)


def learned(data: RecordData, seeds: pd.DataFrame) -> str:
    """Whether every seed is better than every yardstick, by the unrounded numbers."""
    if seeds["val_bpb"].isna().all():
        return "No seed was scored, so it is not known."
    lost = [item.name for item in data.yardsticks if _beaten(item.bpb, seeds) < len(seeds)]
    if not lost:
        return "Every seed is better than every yardstick on the same validation text."
    return "At least one seed is no better than: " + ", ".join(lost) + "."


def _beaten(bpb: float, seeds: pd.DataFrame) -> int:
    return int((seeds["val_bpb"] < bpb).sum())


def data_sentence(data: RecordData) -> str:
    """What was trained and scored on."""
    facts = data.data
    scores = [result.final_score for result in data.results if result.final_score is not None]
    scored = {(score.tokens, score.bytes) for score in scores if score.tokens is not None and score.bytes is not None}
    told = "".join(
        f" The score covers {tokens:,} tokens, which stand for {size:,} bytes." for tokens, size in sorted(scored)
    )
    return (
        f"{facts.name}: {facts.train_tokens:,} training tokens; {facts.val_tokens:,} validation tokens in "
        f"{facts.val_bytes:,} bytes; vocabulary of {facts.vocab_size:,}.{told}"
    )


def files_table(data: RecordData) -> Markdown:
    """The data's files and their hashes."""
    return table("ll", ["file", "sha256"], [[code(name), code(sha256)] for name, sha256 in data.data.files.items()])


def size_sentence(data: RecordData, seeds: pd.DataFrame) -> str:
    """The cap, the largest submission, and what was expected."""
    cap = int(data.limits["cap_bytes"])
    totals = [row["total_bytes"] for row in seeds.to_dict("records") if row["total_bytes"] is not None]
    told = [f"The cap is {cap:,} B."]
    if totals:
        told.append(f"The largest seed takes {max(totals):,} B, script and artifact together.")
    if data.forecast is not None:
        low, high = data.forecast.low, data.forecast.high
        told.append(f"Before the run it was expected to take {low:,} to {high:,} B ({data.forecast.basis}).")
    if data.model_params is not None:
        told.append(f"The model has {data.model_params:,} parameters.")
    return " ".join(told)


def reproduce_command(data: RecordData) -> str:
    """The command that runs these seeds again, for a job file that holds the same job."""
    if len(data.results) > MOST:
        return "golf run JOB.yaml"  # the job says which
    seeds = ",".join(str(result.seed) for result in data.results)
    return "golf run JOB.yaml" + (f" --seeds {seeds}" if seeds else "")


def torchrun_command(data: RecordData, hosts: list[Host]) -> str:
    """The bare script's command for the first seed."""
    threads = data.job.get("threads")
    variables = [f"SEED={result.seed}" for result in data.results[:1]]
    variables += ["DATA_PATH=FOLDER", "TOKENIZER_PATH=FILE"]
    variables += [f"OMP_NUM_THREADS={threads}"] if isinstance(threads, int) else []
    nproc = hosts[0].nproc if hosts else 1
    return f"{' '.join(variables)} \\\n  torchrun --standalone --nproc_per_node={nproc} train_gpt.py"


def counted(kind: str, number: int) -> str:
    """`1 registration`, `3 launches`, `2 completed`."""
    return f"{number:,} {ONE_OF.get(kind, kind) if number == 1 else kind}"


def environment_table(data: RecordData, hosts: list[Host]) -> Markdown:
    """Versions of the seeds' nodes and of the referee, and the script's hash."""
    nodes = dict.fromkeys(_versions(host.versions) for host in hosts)
    scripts = dict.fromkeys(result.script_sha256 for result in data.results)
    rows: list[list[object]] = [["script sha256", code(sha256)] for sha256 in scripts]
    referee = _versions(data.versions)
    rows += [["versions where it ran" + (" and was judged" if own == referee else ""), own] for own in nodes]
    rows += [] if referee in nodes else [["versions of the referee", referee]]
    return table("ll", ["what", "value"], rows)


def _versions(versions: dict[str, str]) -> str:
    return one_line(", ".join(f"{name} {version}" for name, version in versions.items()))
