"""What every sink can be asked, and which there are. Libraries are imported by the sink's own process alone."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from runner.sinks.spec import SinksSpec
from runner.sinks.tail import Point
from runner.sinks.told import Facts


class SinkError(Exception):
    """Why a sink cannot show something, in words without a secret."""


class Sink(Protocol):
    """A place where a run is shown. Each method may raise anything: the run does not hear of it."""

    def opened(self, facts: Facts) -> None:
        """The run begins."""

    def started(self, facts: Facts) -> None:
        """An attempt begins."""

    def points(self, seed: int, points: Sequence[Point]) -> None:
        """Steps of a seed's running attempt."""

    def done(self, facts: Facts) -> None:
        """An attempt has ended."""

    def verdict(self, facts: Facts) -> None:
        """The run is judged."""

    def warning(self, facts: Facts) -> None:
        """The budget has something to say."""

    def close(self) -> str:
        """Send what is left; where all of it is, in a few words."""


@dataclass(frozen=True)
class Order:
    """One sink of a job, as its process is told it: plain data, names of variables and none of what they hold."""

    kind: str
    """tensorboard, wandb, mlflow or webhook."""
    spec: dict[str, Any]
    folder: str = ""
    """Where it writes, for those that do."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"webhook {self.spec['url_env']}" if self.kind == "webhook" else self.kind

    @property
    def variables(self) -> tuple[str, ...]:
        """Those whose values are secrets."""
        named = (self.spec.get(key) for key in ("key_env", "uri_env", "url_env", "token_env"))
        return tuple(name for name in named if name)


MODULES = {"tensorboard": "tensorboardX", "wandb": "wandb", "mlflow": "mlflow"}
"""Kind of sink -> what it imports."""

SETTINGS: dict[str, dict[str, str]] = {
    "wandb": {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true", "WANDB_CONSOLE": "off"},
    "mlflow": {
        **dict.fromkeys(("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "MLFLOW_ALLOW_FILE_STORE"), "true"),
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    },
}
"""Kind of sink -> variables that its library looks at when it is imported: it reports nothing to its makers."""


def orders(spec: SinksSpec | None, output: Path) -> Iterator[Order]:
    """The sinks of a job. output: where runs are kept, and what sinks write unless the job says where."""
    if spec is None:
        return
    for kind in MODULES:
        one = getattr(spec, kind)
        if one is not None:
            folder = one.folder or (output / "sinks" / kind).absolute()
            yield Order(kind, one.model_dump(mode="json", exclude={"folder"}), str(folder))
    for hook in spec.webhooks:
        yield Order("webhook", hook.model_dump(mode="json"))


def lacking(order: Order, environment: Mapping[str, str] = os.environ) -> str:
    """Why a sink cannot work here, as far as that is known without asking anybody; '' for nothing."""
    module = MODULES.get(order.kind)
    if module is not None and importlib.util.find_spec(module) is None:
        return f"needs a package: pip install 'golf[{order.kind}]'"
    asked = [order.spec.get(key) for key in ("uri_env", "url_env", "token_env")]
    missing = [name for name in asked if name and not environment.get(name, "").strip()]
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set" if missing else ""


def told_orders(spec: SinksSpec | None, output: Path) -> Iterator[str]:
    """Each sink in a line, for `golf plan`."""
    for order in orders(spec, output):
        why = lacking(order)
        there = order.folder or f"as {order.spec['kind']}"
        yield f"{order.name}: {f'off: {why}' if why else there}"
