"""README.md of a record, from its data alone: the same data gives the same bytes, always.

The words stand in templates/README.md.j2, tables and figures are made here. Everything that is not markdown of
ours is escaped when the template puts it in. Writes no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.answers import answer_lines, notes
from reports.markdown import Markdown, code, escaped, fenced, table
from reports.numbers import cell, fixed, mean_and_std
from reports.prose import prose
from reports.record.names import tokenizer_file
from reports.sections.apart import apart
from reports.sections.changes import attributions_table, changes_section, tried_section
from reports.sections.cost import cost_section
from reports.sections.duel import duel_section
from reports.sections.ledger import ledger_sentences
from reports.sections.model import model_section
from reports.sections.published import reference_of
from reports.sections.published_runs import beside_section
from reports.sections.repacked import OPENING, repacked_section
from reports.sections.reproduce import reproduce_section
from reports.sections.results import (
    costs_table,
    gap_sentence,
    idle_sentence,
    narrowed_sentence,
    resumed_sentence,
    rule_sentence,
    scored_apart_sentence,
    scores_table,
    strict_sentence,
)
from reports.sections.statistics import statistics_section
from reports.sections.variants import variants_section
from reports.tables import figure, incomplete, never_ran, seed_table, seeds_asked, summary_table
from reports.text_words import on_text, text_mark
from runner.listing import MOST, SHOWN, few, listed
from runner.results.nodes import GpuFacts, Host
from runner.results.record import RecordData
from runner.results.runs import RunResult

ENVIRONMENT = Environment(
    loader=PackageLoader("reports"),
    autoescape=False,
    finalize=escaped,
    undefined=StrictUndefined,
    trim_blocks=False,
    keep_trailing_newline=True,
)


MEASURED = "What was measured all the same"


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
    mean = figure(summary, "mean", "val_bpb")
    headline = mean_and_std(mean, figure(summary, "std", "val_bpb"))
    return {
        "name": data.name,
        "on_text": on_text(data),
        "on": on_text(data, mark=False),
        "track": code(data.track),
        "verdict": data.verdict,
        "headline": headline if scored else None,
        "beside_it": beside_it(data),
        "basis": basis(scored, seeds_asked(data)),
        "hardware": hardware(hosts),
        "opening": opening(data),
        "byline": byline(data),
        "blurb": data.job.get("blurb") or "",
        "method": method(data),
        "scores_table": scores_table(data, seeds, summary),
        "costs_table": costs_table(data, seeds, summary),
        "said_of_results": said_of_results(data, seeds),
        "curves": bool(data.curves),
        "nodes_table": nodes_table(data.results),
        "failures": [
            {"seed": result.seed, "status": result.status, "reason": fenced(result.reason or "no reason was given")}
            for result in few(bad)
        ],
        "bad": len(bad),
        "stopped": data.stopped,
        "never": listed(never_ran(data)),
        "seeds": len(data.results),
        "shown": len(few(data.results)),
        "reasons": few(data.verdict.reasons),
        "checks_table": checks_table(data),
        "notes": [*few(notes(data.verdict.checks)), *apart(data.results)],
        "score_alone": fenced("\n".join(data.score_alone)) if data.score_alone else None,
        "review": few(data.review),
        "changes": changes_section(data),
        "model": model_section(data),
        "attributions_table": attributions_table(data.attributions) if data.attributions else "",
        "tried": tried_section(data, mean),
        "repacked": repacked_section(data, data.repacked) if data.repacked else None,
        "variants": variants_section(data.variant_table) if data.variant_table else None,
        "yardsticks_table": yardsticks_table(data, seeds) if data.yardsticks else "",
        "learned": learned(data, seeds),
        "statistics": statistics_section(data.comparison) if data.comparison else None,
        "duel": duel_section(data.duel) if data.duel else None,
        "beside": beside_section(data, reference) if reference else None,
        "data_sentence": data_sentence(data),
        "tokenizer_sentence": tokenizer_sentence(data),
        "files_table": files_table(data),
        "size_sentence": size_sentence(data, seeds),
        "cost": cost_section(data),
        "ledger": [Markdown(sentence) for sentence in ledger_sentences(data)],
        "reproduce": reproduce_section(data),
    }


def said_of_results(data: RecordData, seeds: pd.DataFrame) -> list[str]:
    """What must be known beside the tables of results, a paragraph each."""
    said = [
        gap_sentence(data),
        rule_sentence(data),
        strict_sentence(seeds),
        narrowed_sentence(data.results),
        idle_sentence(data.results),
        resumed_sentence(data.results),
        scored_apart_sentence(data.results),
    ]
    return [sentence for sentence in said if sentence]


def beside_it(data: RecordData) -> str:
    """What the figure of a verdict that is not passed is."""
    if data.repacked is not None:
        return "What a fresh process scored"
    return "What the script claims, and no check confirms" if data.only_claimed else MEASURED


def basis(scored: int, seeds: int) -> str:
    """What the headline rests on."""
    of = "" if scored == seeds else f" of {seeds}"
    if scored == seeds == 1:
        return "one seed"
    return f"mean ± sample standard deviation, {scored}{of} seeds"


def opening(data: RecordData) -> str:
    """The sentence before the reasons of a verdict that is not passed."""
    if missing := incomplete(data):
        told = f"Incomplete: seed {listed(missing)} never ran. Until {'they have' if len(missing) > 1 else 'it has'}"
        return f"{told}, this run does not count as a record:"
    if data.verdict.status == "repacked":
        return OPENING + (" Of its checks, not all pass:" if data.verdict.reasons else " All its checks pass.")
    if data.verdict.status == "rejected":
        return "This run does not count as a record, because a required check fails:"
    return "Nothing failed, but this run does not count as a record until what is unknown is known:"


def byline(data: RecordData) -> Markdown:
    """Who and when."""
    author = data.job.get("author") or ""
    github = data.job.get("github_id") or ""
    who = " ".join(part for part in (escaped(author), f"({escaped(github)})" if github else "") if part)
    return Markdown(" · ".join(part for part in (who, escaped(data.date)) if part) or "No author given.")


def method(data: RecordData) -> Markdown:
    """What the author says of it, as a part of a page; empty where they say nothing."""
    told = data.job.get("method")
    return prose(str(told.get("text") or "")) if isinstance(told, dict) else Markdown()


def hardware(hosts: Iterable[Host]) -> Markdown:
    """Profile, processes and device of every seed, once each."""
    kinds = [
        f"{code(host.hardware)} ({escaped(host.device)}, {host.nproc} "
        f"{'process' if host.nproc == 1 else 'processes'} per seed)"
        for host in hosts
    ]
    return Markdown(" and ".join(dict.fromkeys(kinds)) or "unknown hardware")


def nodes_table(results: Sequence[RunResult]) -> Markdown | None:
    """What preflight found on each node, speed included; None where it saw no GPU and measured nothing."""
    trained = [result.training.preflight for result in results if result.training is not None]
    found = [*trained, *(result.preflight for result in results)]
    reports = {report.node: report for report in found if report is not None}
    if not any(report.gpus or report.probe for report in reports.values()):
        return None
    names = ("gemm_tflops", "memory_gb_per_s", "all_reduce_gb_per_s", "loader_tokens_per_s")
    rows: list[list[object]] = []
    for report in few(list(reports.values())):
        gpus = [f"{gpu.name}, {memory_of(gpu)}driver {gpu.driver}" for gpu in report.gpus]
        kinds = [f"{gpus.count(kind)}x {kind}" for kind in dict.fromkeys(gpus)]
        speeds = [cell(getattr(report.probe, name, None), 1) for name in names[:3]]
        tokens = report.probe.loader_tokens_per_s / 1e6 if report.probe else None
        rows.append([report.host, "; ".join(kinds) or "none", *speeds, fixed(tokens, 0)])
    if len(reports) > MOST:
        rows.append([f"and {len(reports) - SHOWN:,} more", "", "", "", "", ""])
    heads = ["node", "GPUs", "GEMM TFLOP/s", "memory GB/s", "all-reduce GB/s", "loader M tokens/s"]
    return table("llrrrr", heads, rows)


def memory_of(gpu: GpuFacts) -> str:
    """A GPU's memory and a comma; nothing where its driver does not tell."""
    return "" if gpu.memory_mib is None else f"{gpu.memory_mib:,} MiB, "


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
        f"{facts.val_bytes:,} bytes; vocabulary of {facts.vocab_size:,}.{told}{whose_text(data)}"
    )


def whose_text(data: RecordData) -> str:
    """By what the text was found to be the challenge's, or that it was not; empty where nobody asked."""
    asked = [check for check in data.verdict.checks if check.name == "validation_text"]
    if not asked:
        return ""
    why = f": {asked[0].detail}" if asked[0].detail else ""
    if mark := text_mark(data):
        return f" It is {mark}{why}."
    return f" It is the challenge's validation text{why}."


def tokenizer_sentence(data: RecordData) -> Markdown | None:
    """Whose tokenizer it was; None where nobody noted which file that is."""
    if not data.data.tokenizer:
        return None
    if data.data.official_tokenizer:
        return Markdown(f"The tokenizer is the challenge's own, {code(data.data.official_tokenizer)}, by its hash.")
    return Markdown(
        "The tokenizer is none of the challenge's own; it lies in this folder as "
        f"{code(tokenizer_file(data.data.tokenizer))}."
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
        low, high, likely = data.forecast.low, data.forecast.high, data.forecast.expected
        about = f"{low:,} to {high:,} B" if likely is None else f"about {likely:,} B, between {low:,} and {high:,} B"
        told.append(f"Before the run it was expected to take {about} ({data.forecast.basis}).")
    if data.model_params is not None:
        told.append(f"The model has {data.model_params:,} parameters.")
    return " ".join(told)
