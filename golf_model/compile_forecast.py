"""Whether compiling pays on a CPU: a forecast from the configuration alone.

Nothing is measured for it, so each seed of a job, each process of a seed and each repetition decides alike: what is
compiled rounds otherwise than what is not, and seeds must have equal conditions. It errs towards off: a seed is taken
for shorter, and what compiling saves for less, than either usually is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from golf_model.config.golf_config import GolfConfig
from golf_model.shapes import parameter_shapes

SAVED = 0.11
"""Of a step's time, that compiled code saves at least: .77 to .89 of it were left (2 shared cores, 2026-11)."""
FIXED_S, BLOCK_S = 60.0, 25.0
"""What compiling takes on one thread, however few blocks there are, and for each: measured on the same cores."""
PEAK_FLOPS = 5e10
"""More than a process reaches on a CPU, each second; bounds how short a step can be."""


@dataclass(frozen=True)
class CompileForecast:
    """What a seed would save by compiling, and what it takes, in seconds."""

    train_s: float
    saves_s: float
    takes_s: float

    @property
    def pays(self) -> bool:
        """Whether it saves more than it takes."""
        return self.saves_s > self.takes_s

    @property
    def line(self) -> str:
        """For the log."""
        chosen = "on" if self.pays else "off"
        return (
            f"compile:auto train_at_least:{self.train_s:.0f}s saves:{self.saves_s:.0f}s "
            f"takes:{self.takes_s:.0f}s chosen:{chosen}"
        )


def compile_forecast(config: GolfConfig) -> CompileForecast:
    """The forecast of a seed: as long as its clock, unless its steps end before."""
    schedule, model = config.schedule, config.model
    matrices = sum(
        prod(shape)
        for name, shape in parameter_shapes(model).items()
        if len(shape) == 2 and not name.startswith("bigram.embed")
    )
    train_s = schedule.iterations * config.batch.train_batch_tokens * 6.0 * matrices / PEAK_FLOPS
    if schedule.kind == "wallclock":
        train_s = min(train_s, schedule.max_wallclock_seconds)
    graphs = 1 + (config.qat.active != "off") + (model.loop.times > 0)
    takes_s = graphs * (FIXED_S + BLOCK_S * model.num_layers)
    return CompileForecast(train_s, SAVED * train_s, takes_s)
