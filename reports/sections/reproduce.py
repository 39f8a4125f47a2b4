"""The README's section "How to reproduce": commands, what must come out the same, versions and hashes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reports.markdown import Markdown, code, one_line, table
from runner.listing import MOST
from runner.results.nodes import Host
from runner.results.record import RecordData

PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.,:/=+-]{1,80}")
"""A variable's value that needs no quotes in a shell and no care on a page; of another only the name is shown."""
MOST_VARIABLES, LONGEST_VARIABLE = 40, 120
"""Of what a job sets that is shown; results.json has all of it."""
SAME_BITS = (
    "Training follows the step count on the CPU: with the same versions, threads and processes each seed's artifact "
    "must come out with the same hash."
)
NEARLY_SAME = (
    "Training follows the step count on a GPU, whose sums are not in a fixed order: artifacts need not be equal, and "
    "a seed's score must lie within the spread of the seeds."
)
BY_THE_CLOCK = (
    "Training follows the clock: how many steps a machine makes is its own affair, so artifacts are not expected to "
    "be equal, and a seed's score is held against the spread of the seeds."
)
NOT_KNOWN = (
    "What decides when the script stops is its own affair, so artifacts are not expected to be equal, and a seed's "
    "score is held against the spread of the seeds."
)


def reproduce_section(data: RecordData) -> dict[str, Any]:
    """What the template needs for the section."""
    hosts = [result.host for result in data.results if result.host is not None]
    return {
        "expected": expected(data, hosts),
        "data": data_source(data),
        "golf": Markdown(reproduce_command(data)),
        "command": Markdown(run_command(data)),
        "torchrun": Markdown(bare_command(data, hosts)),
        "environment_table": environment_table(data, hosts),
    }


def expected(data: RecordData, hosts: Sequence[Host]) -> str:
    """How alike two runs of a seed must be."""
    schedule = (data.job.get("config") or {}).get("schedule") or {}
    if schedule.get("kind") == "steps":
        return SAME_BITS if hosts and all(host.hardware == "cpu" for host in hosts) else NEARLY_SAME
    return BY_THE_CLOCK if schedule else NOT_KNOWN


def data_source(data: RecordData) -> Markdown:
    """Where the data come from."""
    corpus = (data.job.get("data") or {}).get("corpus")
    if corpus:
        return Markdown(f"The data are the embedded corpus {code(corpus)}, which golf makes on first use.")
    variant = data.data.official_tokenizer
    fetch = f" {code(f'golf data fetch --variant {variant}')} brings the challenge's." if variant else ""
    return Markdown(f"The data are not in this folder; the hashes of its files stand above.{fetch}")


def reproduce_command(data: RecordData) -> str:
    """What verifies this folder, and runs a seed of it again."""
    seed = f" --seed {data.results[0].seed}" if data.results else ""
    corpus = (data.job.get("data") or {}).get("corpus")
    place = "" if corpus else " --data FOLDER --tokenizer FILE"
    return f"golf verify .\ngolf reproduce .{seed}{place}"


def run_command(data: RecordData) -> str:
    """The command that runs these seeds again, for a job file that holds the same job."""
    if len(data.results) > MOST:
        return "golf run JOB.yaml"  # the job says which
    seeds = ",".join(str(result.seed) for result in data.results)
    return "golf run JOB.yaml" + (f" --seeds {seeds}" if seeds else "")


def bare_command(data: RecordData, hosts: Sequence[Host]) -> str:
    """The bare script's command for the first seed."""
    threads = data.job.get("threads")
    variables = [f"SEED={result.seed}" for result in data.results[:1]]
    variables += ["DATA_PATH=FOLDER", "TOKENIZER_PATH=FILE"]
    variables += [f"OMP_NUM_THREADS={threads}"] if isinstance(threads, int) else []
    for name, value in (data.job.get("env") or {}).items():
        variables.append(f"{name}={value if PLAIN_VALUE.fullmatch(str(value)) else 'VALUE'}")
    if data.job.get("launch") == "python":
        return f"{' '.join(variables)} \\\n  python train_gpt.py"
    nproc = hosts[0].nproc if hosts else 1
    return f"{' '.join(variables)} \\\n  torchrun --standalone --nproc_per_node={nproc} train_gpt.py"


def environment_table(data: RecordData, hosts: Sequence[Host]) -> Markdown:
    """Versions of the seeds' nodes and of the referee, and the script's hash."""
    nodes = dict.fromkeys(_versions(host.versions) for host in hosts)
    scripts = dict.fromkeys(result.script_sha256 for result in data.results)
    rows: list[list[object]] = [["script sha256", code(sha256)] for sha256 in scripts]
    referee = _versions(data.versions)
    rows += [["versions where it ran" + (" and was judged" if own == referee else ""), own] for own in nodes]
    rows += [] if referee in nodes else [["versions of the referee", referee]]
    rows += [[title, told] for title, told in variables_told(data)]
    return table("ll", ["what", "value"], rows)


def variables_told(data: RecordData) -> list[tuple[str, Markdown]]:
    """What the job set in the environment of its script, and of its evaluation alone."""
    outputs = data.job.get("outputs")
    tables = (
        ("variables that the job sets", data.job.get("env")),
        ("variables of its evaluation", outputs.get("eval_env") if isinstance(outputs, dict) else None),
    )
    found = []
    for title, settings in tables:
        if isinstance(settings, dict) and settings:
            shown = [code(_short(f"{name}={value}")) for name, value in list(settings.items())[:MOST_VARIABLES]]
            more = ["the others in results.json"] if len(settings) > len(shown) else []
            found.append((title, Markdown(", ".join([*shown, *more]))))
    return found


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_VARIABLE else f"{text[: LONGEST_VARIABLE - 3]}..."


def _versions(versions: dict[str, str]) -> str:
    return one_line(", ".join(f"{name} {version}" for name, version in versions.items()))
