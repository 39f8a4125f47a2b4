"""The part of the probe that says how fast a CPU thread trains; the other is run on nodes."""

from __future__ import annotations

import torch

from golf_model.process.probe import training_tflops


def test_a_thread_trains_at_a_speed_that_a_thread_can_have() -> None:
    assert 1e-4 < training_tflops(torch.float32) < 10
