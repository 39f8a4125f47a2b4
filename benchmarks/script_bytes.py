"""What shaped steps and the trellis add to a packed script, and what each of its modules takes.

    python benchmarks/script_bytes.py [JOB]

A module's figure is what the packed script loses without its lines; compression makes the sum differ from the whole.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from golf_model.config.golf_config import GolfConfig
from golf_model.config.grids import ShapedStepsConfig
from golf_model.config.qat import QatConfig
from golf_model.script_parts import unused_modules
from runner.job.load import load_job
from runner.script.bundle import make_script
from runner.script.compact import compact
from runner.script.pack import pack
from runner.script.short_names import renamed

JOB = Path(__file__).resolve().parents[1] / "jobs" / "fit16.yaml"
ALL = ShapedStepsConfig(matrices="predicted", columns="cholesky", rows="fisher", auto=True)
WAYS: dict[str, tuple[str, ShapedStepsConfig]] = {
    "plain": ("gptq", ShapedStepsConfig()),
    "shaped steps": ("gptq", ALL),
    "trellis": ("trellis", ShapedStepsConfig()),
    "both": ("trellis", ALL),
}


def exported(config: GolfConfig, rounding: str, steps: ShapedStepsConfig) -> GolfConfig:
    """The configuration with that rounding and those steps."""
    export = replace(config.export, rounding=rounding, steps=steps)  # type: ignore[arg-type]
    return replace(config, export=export, qat=QatConfig())


def script_growth(job: Path, rounding: str, steps: ShapedStepsConfig) -> int:
    """Bytes that a job's packed script has more with that rounding and those steps than with plain ones."""
    config = load_job(job).config
    plain, ours = (exported(config, *way) for way in (WAYS["plain"], (rounding, steps)))
    return make_script(ours).code_bytes - make_script(plain).code_bytes


def by_module(flat: str) -> dict[str, int]:
    """Bytes that the packed script loses without each module."""
    lines, short = flat.split("\n"), renamed(compact(flat)).split("\n")
    begins = [number for number, line in enumerate(lines) if line.startswith("# ---- ")]
    whole = len(pack("\n".join(short)))
    return {
        lines[begin].split()[2]: whole - len(pack("\n".join(short[:begin] + short[end:])))
        for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True)
    }


def main() -> None:
    """Print both tables."""
    config = load_job(Path(sys.argv[1]) if len(sys.argv) > 1 else JOB).config
    sizes = {way: make_script(exported(config, *given)).code_bytes for way, given in WAYS.items()}
    for way, size in sizes.items():
        print(f"{way:16}{size:>8,} B  {size - sizes['plain']:>+7,}")
    plain, both = (exported(config, *WAYS[way]) for way in ("plain", "both"))
    sections = by_module(make_script(both).flat)
    for module in sorted(unused_modules(plain) - unused_modules(both)):
        file = f"golf_model/{module.replace('.', '/')}.py"
        print(f"{file:44}{sections[file]:>7,} B")


if __name__ == "__main__":
    main()
