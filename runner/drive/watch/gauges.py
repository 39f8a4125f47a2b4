"""Gauges of running seeds for Ray's metrics, and so for Prometheus and Grafana; deploy/grafana/golf.json shows them.

Set by the driver from what it hears, tagged with job, seed and attempt. Loss, bpb, steps and speed are what the
script's log says. Exported on the metrics port of the node that the driver runs on, as `ray_golf_...`.
"""

from __future__ import annotations

import time

from ray.util.metrics import Gauge

from runner.drive.collect import Collector
from runner.plan.plan import Plan

TAGS = ("job", "seed", "attempt")
GAUGES = {
    "golf_step": "Training steps made.",
    "golf_train_loss": "Training loss, nats per token.",
    "golf_val_bpb": "Last mid-run or final validation, bits per byte.",
    "golf_tokens_per_second": "Training tokens per second since training began.",
    "golf_train_seconds": "Training clock as the log tells it, seconds.",
    "golf_train_limit_seconds": "Its limit, seconds.",
    "golf_predicted_bytes": "Upper end of the size predicted for script and artifact, bytes.",
    "golf_cap_bytes": "The cap on both, bytes.",
    "golf_gpu_memory_mib": "Used memory of the fullest GPU of the node, MiB.",
    "golf_gpu_utilisation": "Utilisation of the least used GPU of the node, percent.",
}


EVERY_S = 1.0
"""Seconds between two settings of one attempt's gauges; Ray exports them more rarely than that."""


class Gauges:
    """Called with a collector after every message of its attempt."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.gauges = {name: Gauge(name, description=text, tag_keys=TAGS) for name, text in GAUGES.items()}

        self.set_at: dict[int, float] = {}
        """Seed -> when its gauges were set last, while it runs."""

    def __call__(self, collector: Collector) -> None:
        spec, now = collector.spec, time.monotonic()
        if collector.result is not None:
            self.set_at.pop(spec.seed, None)
        elif now - self.set_at.get(spec.seed, -EVERY_S) < EVERY_S:
            return
        else:
            self.set_at[spec.seed] = now
        tags = {"job": spec.job, "seed": str(spec.seed), "attempt": str(spec.attempt)}
        for name, value in self.values(collector).items():
            if value is not None:
                self.gauges[name].set(float(value), tags)

    def values(self, collector: Collector) -> dict[str, float | None]:
        """What is known; None for what is not."""
        facts, fresh = collector.readers["train"].facts, collector.readers["eval"]
        scored = fresh.final_scores[-1].val_bpb if fresh.final_scores else None
        forecast, use = self.plan.forecast, collector.gpu_use
        steps, seconds = facts.get("steps"), facts.get("train_seconds")
        batch = self.plan.job.config.batch.train_batch_tokens if self.plan.job.script is None else None
        return {
            "golf_step": steps,
            "golf_train_loss": facts.get("train_loss"),
            "golf_val_bpb": scored if scored is not None else facts.get("live_val_bpb"),
            "golf_tokens_per_second": steps * batch / seconds if batch and steps and seconds else None,
            "golf_train_seconds": seconds,
            "golf_train_limit_seconds": self.plan.limits.train_seconds,
            "golf_predicted_bytes": forecast.high if forecast else None,
            "golf_cap_bytes": self.plan.limits.cap_bytes,
            "golf_gpu_memory_mib": use.memory_mib if use else None,
            "golf_gpu_utilisation": use.utilisation if use else None,
        }
