"""How large the artifact will be, said at half and at nine tenths of training from the weights as they are then.

The weights are copied and packed by a thread, so that training does not wait; what it found is logged some steps
later.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from golf_model.artifact.artifact import pack_model
from golf_model.artifact.fit import SizeModel, find_step
from golf_model.artifact.fit_rows import RowSizeModel, bounds_of
from golf_model.config.golf_config import GolfConfig
from golf_model.process.errors import ScriptError
from golf_model.process.runlog import RunLog
from golf_model.training.averaging import WeightAverage

FORECAST_AT = (0.5, 0.9)
"""Shares of the training at which the size is forecast."""
MOST_TO_MEASURE = 1 << 20
"""Weights from which on a forecast does not try all coders of `auto`: it takes long, and rans is the smallest."""


def forecast_line(state: Mapping[str, Tensor], config: GolfConfig, code_bytes: int) -> str:
    """What script and artifact of these weights would take, for the log."""
    export = config.export
    try:
        if export.solves_step:
            sizes = SizeModel(state, config.model, export, code_bytes)
            found = find_step(sizes.total, export.step, sizes.weights)
            fits = "" if found.total <= export.step.cap_bytes else f" OVER the cap of {export.step.cap_bytes}"
            return f"artifact:{found.total - code_bytes:.0f} total:{found.total:.0f} step:{found.size:.6g}{fits}"
        if export.solves_factor:
            rows = RowSizeModel(state, config.model, export, code_bytes)
            factor = find_step(rows.total, bounds_of(export), rows.weights)
            fits = "" if factor.total <= export.step.cap_bytes else f" OVER the cap of {export.step.cap_bytes}"
            told = f"total:{factor.total:.0f} row_factor:{factor.size:.6g}{fits}"
            return f"artifact:{factor.total - code_bytes:.0f} {told}"
        many = sum(value.numel() for value in state.values()) > MOST_TO_MEASURE
        coder = "rans" if export.compressor == "auto" and many else export.compressor
        size = len(pack_model(state, config.model, replace(export, compressor=coder)).blob)
        return f"artifact:{size} total:{size + code_bytes}"
    except ScriptError as error:
        return f"unknown ({error})"


class SizeForecaster:
    """Forecasts of one run, made by its main process."""

    def __init__(self, config: GolfConfig, code_bytes: int, log: RunLog) -> None:
        self.config, self.code_bytes, self.log = config, code_bytes, log
        self.due = list(FORECAST_AT)
        self.found: list[str] = []
        self.thread: threading.Thread | None = None

    def watch(self, share: float, weights: Mapping[str, Tensor], average: WeightAverage | None) -> None:
        """After every optimizer step: share of the training that is done, the live weights and their average."""
        self.speak()
        if not self.due or share < self.due[0] or self.thread is not None or not self.log.is_main:
            return
        percent = round(100 * self.due[0])
        while self.due and share >= self.due[0]:
            self.due.pop(0)
        packed = average.weights() if average is not None and average.is_ready else weights
        state = {name: value.detach().to("cpu", weights[name].dtype, copy=True) for name, value in packed.items()}

        def forecast() -> None:
            with torch.inference_mode():
                self.found.append(f"forecast at:{percent}% {forecast_line(state, self.config, self.code_bytes)}")

        self.thread = threading.Thread(target=forecast, daemon=True)
        self.thread.start()

    def speak(self, *, wait: bool = False) -> None:
        """Log what has been found; `wait`: also what is still being looked for."""
        if self.thread is not None and (wait or not self.thread.is_alive()):
            self.thread.join()
            self.thread = None
        while self.found:
            self.log.line(self.found.pop(0))
