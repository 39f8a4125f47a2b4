"""What one job needs beyond any: a node of its kind, packages, a size under the cap, data; and the hub that brings
them. Looks, and fetches nothing."""

from __future__ import annotations

from pathlib import Path

from runner.backends.nodes import Node, this_node
from runner.data.fetch import MANIFEST, ROOT, Source
from runner.doctor.findings import Finding
from runner.errors import DataError, UserError
from runner.job.absent_data import absent
from runner.job.profiles import SCRIPT_BYTES
from runner.job.spec import JobSpec
from runner.node.node_check import script_imports
from runner.node.packages import package_problems
from runner.plan.plan import data_request, make_outline, require_size
from runner.script.bundle import script_of

OURS = ("numpy", "sentencepiece", "torch", "zstandard")
"""What our own script cannot do without, whatever its job."""


def hardware_found(job: JobSpec, nodes: list[Node] | None = None, where: str = "this machine") -> Finding:
    """Whether a node that is there can take a seed."""
    nodes = [this_node()] if nodes is None else nodes
    try:
        outline = make_outline(job, SCRIPT_BYTES, nodes)
    except UserError as error:
        return Finding("hardware", "bad", str(error), f"golf plan {job.name} shows what it takes", needed=True)
    return Finding(
        "hardware", "good", f"{where} can take a seed: {outline.need} of {outline.hardware.name}", needed=True
    )


def script_found(job: JobSpec) -> list[Finding]:
    """The packages of its script, as the script would find them, and its size.

    Ours is not made for that, which takes a second: what it imports is known, and about how large it is.
    """
    if job.script is None:
        coder = ("brotli",) if job.config.export.compressor == "brotli" else ()
        return [_packages((*OURS, *coder), job.requires), *_size(job, SCRIPT_BYTES)]
    try:
        script = script_of(job)
    except UserError as error:
        return [Finding("script", "bad", str(error), "mend the job", needed=True)]
    imports = script_imports(script.source.decode("utf-8", "replace"), {Path(name).stem for name in script.files})
    return [_packages(imports, job.requires), *_size(job, script.code_bytes)]


def _size(job: JobSpec, code_bytes: int) -> list[Finding]:
    """What is wrong with its size, if anything."""
    try:
        require_size(job, code_bytes)
    except UserError as error:
        return [Finding("size", "bad", str(error), "", needed=True)]
    return []


def _packages(imports: tuple[str, ...], requires: tuple[str, ...]) -> Finding:
    problems = package_problems(imports, requires)
    if problems:
        return Finding("packages", "bad", "; ".join(problems), "install them where golf runs", needed=True)
    named = ", ".join([*imports, *requires]) or "none beyond Python's own"
    return Finding("packages", "good", f"what its script needs is here: {named}", needed=True)


def data_found(job: JobSpec) -> Finding:
    """Whether its data lie here. What is in them, `golf data info` reads."""
    request = data_request(job)
    lacking = absent(request)
    place = f"corpus {request.corpus}" if request.corpus else str(request.folder)
    if lacking:
        found, _, advice = lacking.partition("; ")
        return Finding("data", "bad", f"{place}: {found}", advice, needed=True)
    return Finding("data", "good", f"{place} is here; golf data info reads what is in it", needed=True)


def hub_found(source: Source | None = None) -> Finding:
    """Whether `golf data fetch` would reach the challenge's repository."""
    try:
        stated = (source or Source()).stated(f"{ROOT}/{MANIFEST}")
    except DataError as error:
        found, _, advice = str(error).partition("; ")
        return Finding("Hugging Face", "bad", found, advice)
    return Finding("Hugging Face", "good", f"answers: the manifest has {stated.size or 0:,} bytes")
