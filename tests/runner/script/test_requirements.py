"""What a script imports, with the versions of the nodes."""

from __future__ import annotations

from runner.results.nodes import Host
from runner.script.requirements import imported_modules, imported_packages, requirements

SCRIPT = """
import os, torch
from numpy import array
from .beside import x
import side
try:
    import flash_attn
except ImportError:
    pass
def late():
    import brotli
    import lzma
"""


def host(**versions: str) -> Host:
    return Host(node="a", hardware="cpu", device="A CPU", cpus=2, nproc=1, versions=versions)


def test_what_stands_at_the_top_is_needed_and_the_rest_dispensable() -> None:
    assert imported_modules(SCRIPT, ["side"]) == {"torch": True, "numpy": True, "flash_attn": False, "brotli": False}
    assert "flash-attn" in imported_packages(SCRIPT)


def test_dispensable_packages_are_listed_only_where_they_were() -> None:
    found = requirements(SCRIPT, ["side"], [], [host(torch="2.13.0", numpy="2.4.6", brotli="1.2.1")])
    assert found == {"brotli": "1.2.1", "numpy": "2.4.6", "torch": "2.13.0"}


def test_nodes_that_differ_and_versions_that_nobody_noted_are_unknown() -> None:
    found = requirements("import torch, numpy\n", [], [], [host(torch="2.13.0"), host(torch="2.12.0")])
    assert found == {"numpy": None, "torch": None}
    assert requirements("import torch\n", [], [], []) == {"torch": None}


def test_what_the_job_requires_is_listed_with_the_version_it_names() -> None:
    found = requirements("", [], ["flash-attn==2.8.1", "einops"], [host(einops="0.8.0")])
    assert found == {"einops": "0.8.0", "flash-attn": "2.8.1"}


def test_a_script_that_is_no_python_imports_nothing_that_we_know_of() -> None:
    assert imported_modules("def (") == {}
    assert imported_modules("\x00") == {}
    assert imported_modules("-" * 100_000 + "1") == {}
    assert imported_modules("x" + ".a" * 100_000) == {}
