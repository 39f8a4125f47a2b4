"""Where on the hub the challenge's tokenised data lie, variant by variant."""

from __future__ import annotations

from dataclasses import dataclass

REPOSITORY = "willdepueoai/parameter-golf"
"""The challenge's own."""


@dataclass(frozen=True)
class Hosted:
    """A repository that has a variant, and what it calls it."""

    repository: str
    name: str
    """As in `fineweb10B_<name>`."""
    sidecars: bool = False
    """Its text was rewritten: beside each validation shard lies one that tells the bytes of the original."""


OTHERS = {
    "sp4096": Hosted("kevclark/parameter-golf", "sp4096"),
    "sp8192": Hosted("kevclark/parameter-golf", "sp8192"),
    # All 50,000 validation documents; shards that its own preparation script makes hold only the first 10,000.
    "caseops": Hosted("romeerp/parameter-golf-caseops-v1", "sp8192_lossless_caps_caseops_v1_reserved", sidecars=True),
}
"""Variant -> where merged records (#1394, #1855) took it from, since the challenge's own repository lacks it."""


def hosted_as(variant: str) -> Hosted:
    """Where a variant lies; variant: its short name, or the whole one that its folder has."""
    whole = {hosted.name: hosted for hosted in OTHERS.values()}
    return OTHERS.get(variant) or whole.get(variant) or Hosted(REPOSITORY, variant)


def short_name(name: str) -> str:
    """What to ask for to get the data in a folder `fineweb10B_<name>`."""
    return next((short for short, hosted in OTHERS.items() if hosted.name == name), name)
