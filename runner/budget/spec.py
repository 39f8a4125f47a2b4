"""`budget:` of a job. What it allows has no say in what a run is: raising it goes on with the same run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from golf_model.config.checks import require
from runner.strict import Strict

Amount = Annotated[float, Field(gt=0, le=1_000_000)]


class BudgetSpec(Strict):
    """What all launches of the run may spend, those that were killed included."""

    dollars: Amount | None = None
    """Most dollars; needs a price."""
    hours: Amount | None = None
    """Most node-hours: how long attempts hold a node, all of them together, in hours."""
    dollars_per_hour: Amount | None = None
    """Price of one node for an hour, in dollars; left out, the hardware profile's."""
    warn_at: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Share of it at which the run says so."""

    @model_validator(mode="after")
    def _limits_something(self) -> BudgetSpec:
        require(self.dollars is not None or self.hours is not None, "dollars", "give dollars, hours, or both")
        priced = self.dollars_per_hour is None or self.dollars is not None
        require(priced, "dollars_per_hour", "is the price for a limit in dollars; give that, too")
        return self
