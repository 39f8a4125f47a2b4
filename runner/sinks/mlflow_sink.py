"""MLflow: one run for the job, below it one for each attempt of a seed; a server, or files where there is none."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from runner.sinks.sink import Order
from runner.sinks.tail import Point
from runner.sinks.told import Facts, words_of

MOST_METRICS = 1000
"""In one request; a bound of MLflow's."""
MOST_PARAMS = 100
MOST_VALUE = 500
PARENT = "mlflow.parentRunId"


class MlflowSink:
    """Metrics over steps, configuration as parameters of the job's run, ends as tags."""

    def __init__(self, order: Order) -> None:
        self.spec = order.spec
        variable = self.spec["uri_env"]
        if variable:
            self.place = f"the server that {variable} names"
            uri = os.environ[variable].strip()
        else:
            self.place = f"mlflow server --backend-store-uri {order.folder}"
            uri = Path(order.folder).absolute().as_uri()
        self.client = MlflowClient(tracking_uri=uri)
        self.experiment = ""
        self.job = ""
        self.run = ""
        self.runs: dict[int, str] = {}
        """Seed -> run of its running attempt."""

    def opened(self, facts: Facts) -> None:
        name = self.spec["experiment"]
        known = self.client.get_experiment_by_name(name)
        self.experiment = known.experiment_id if known else self.client.create_experiment(name)
        self.run = facts["run"]
        self.job = self._begin(self.run, {"track": facts["track"], "hardware": facts["hardware"]})
        config = [Param(name, str(value)[:MOST_VALUE]) for name, value in facts["config"].items()]
        for begin in range(0, len(config), MOST_PARAMS):
            self.client.log_batch(self.job, params=config[begin : begin + MOST_PARAMS])

    def started(self, facts: Facts) -> None:
        seed, attempt = facts["seed"], facts["attempt"]
        self._end(seed, "KILLED")
        name = f"seed-{seed}" + (f"-attempt-{attempt}" if attempt > 1 else "")
        tags = {PARENT: self.job, "seed": str(seed), "attempt": str(attempt)}
        self.runs[seed] = self._begin(name, tags)

    def points(self, seed: int, points: Sequence[Point]) -> None:
        now = round(time.time() * 1000)
        metrics = [Metric(name, value, now, point.step) for point in points for name, value in point.figures.items()]
        for begin in range(0, len(metrics), MOST_METRICS):
            self.client.log_batch(self.runs[seed], metrics=metrics[begin : begin + MOST_METRICS])

    def done(self, facts: Facts) -> None:
        run = self.runs.get(facts["seed"])
        if run is None:
            return
        for name, value in facts["figures"].items():
            self.client.log_metric(run, f"final/{name}", value)
        self.client.set_tag(run, "golf.status", facts["status"])
        if facts["reason"]:
            self.client.set_tag(run, "golf.reason", facts["reason"])
        self._end(facts["seed"], "FINISHED" if facts["status"] == "completed" else "FAILED")

    def verdict(self, facts: Facts) -> None:
        for name, value in facts["figures"].items():
            self.client.log_metric(self.job, name, value)
        self.client.set_tag(self.job, "golf.verdict", facts["status"])
        self.client.set_tag(self.job, "golf.reasons", words_of(facts, self.run))
        self.client.set_terminated(self.job, "FINISHED")
        self.job = ""

    def warning(self, facts: Facts) -> None:
        self.client.set_tag(self.job, "golf.budget", facts["words"])

    def close(self) -> str:
        for seed in list(self.runs):
            self._end(seed, "KILLED")
        if self.job:
            self.client.set_terminated(self.job, "KILLED")
        return self.place

    def _begin(self, name: str, tags: dict[str, str]) -> str:
        return str(self.client.create_run(self.experiment, run_name=name, tags=tags).info.run_id)

    def _end(self, seed: int, status: str) -> None:
        run = self.runs.pop(seed, None)
        if run is not None:
            self.client.set_terminated(run, status)
