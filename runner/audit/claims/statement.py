"""What a record claims: one statement, from submission.json first and README second, that the logs are held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runner.audit.claims.readme import Readme
from runner.audit.claims.seed_claims import SeedClaim
from runner.audit.claims.shown import Shown
from runner.audit.claims.submission import Submission
from runner.audit.facts import Claims

PLAUSIBLE_BPB = (0.0, 1.7)
"""A `val_loss` in nats per token lies above; some authors put bits per byte under that key."""

SCORE_DIGITS = 2
"""A score with fewer decimals has lost its zeros."""
NEAR_BPB = 0.02
"""A score in README that is further from the headline is about something else."""


@dataclass(frozen=True)
class Statement:
    """A record's claims, each with the place that makes it."""

    submission: Submission
    readme: Readme
    headline: Shown | None

    @property
    def readme_is_its_own(self) -> bool:
        """Whether README speaks of scores like the claimed one; else it may be another submission's."""
        if self.headline is None or not self.readme.bpbs:
            return True
        return any(abs(bpb - self.headline) < NEAR_BPB for bpb in self.readme.bpbs)

    @property
    def n_seeds(self) -> int | None:
        """How many seeds the headline is over."""
        return self.submission.n_seeds if self.submission.n_seeds is not None else self.readme.n_seeds

    @property
    def means(self) -> tuple[Shown, ...]:
        """Every number that is said to be a mean, the headline first."""
        first = (self.headline,) if self.headline is not None else ()
        rest = (*self.submission.means, *self.readme.means)
        return (*first, *(number for number in rest if number.digits >= 3))

    @property
    def is_of_several(self) -> bool:
        """Whether the record speaks of several seeds or of a mean, and not of one submitted run alone."""
        near = [mean for mean in self.means[1:] if self.headline is not None and abs(mean - self.headline) < NEAR_BPB]
        return (self.n_seeds or 1) > 1 or bool(near)

    @property
    def counted_seeds(self) -> frozenset[int]:
        """The seeds that submission.json says count."""
        return frozenset(seed for tag in self.submission.seeds if (seed := seed_in_tag(tag)) is not None)

    @property
    def counted_claims(self) -> tuple[SeedClaim, ...]:
        """Claims about single seeds that count: submission.json's, or README's where it makes none."""
        if not self.submission.per_seed:
            return self.readme.per_seed if self.readme_is_its_own else ()
        tags = set(self.submission.seeds)
        matching = tuple(claim for claim in self.submission.per_seed if claim.tag in tags)
        return matching or self.submission.per_seed

    def as_claims(self) -> Claims:
        """The three figures that an audit prints."""
        total = self.submission.total
        return Claims(
            val_bpb=None if self.headline is None else float(self.headline),
            bytes_total=None if total is None else round(total),
            n_seeds=self.n_seeds,
        )


def seed_in_tag(tag: str) -> int | None:
    """The seed in `42`, `seed_42` or `2024_5pct`."""
    digits = "".join(char if char.isdigit() else " " for char in tag).split()
    return int(digits[0]) if digits else None


def state(submission: Submission, readme: Readme) -> Statement:
    """Put the two together."""
    headline = submission.headline
    if (
        headline is None
        and submission.val_loss is not None
        and PLAUSIBLE_BPB[0] < submission.val_loss < PLAUSIBLE_BPB[1]
    ):
        headline = submission.val_loss
    if headline is None and not submission.says_none:
        headline = readme.headline
    if headline is not None and headline.digits < SCORE_DIGITS:
        # 1.3 in a JSON file is 1.3000: nobody gives a score with one decimal, and it shall not stand for 1.34
        headline = headline.at(headline.where)
        headline.digits = 4
    return Statement(submission, readme, headline)


def claims_by_seed(claims: Sequence[SeedClaim]) -> list[tuple[int, list[SeedClaim]]]:
    """Claims of each seed: one that is told of twice (rerun, other settings) is right if either is."""
    found: dict[int, list[SeedClaim]] = {}
    for one in claims:
        found.setdefault(one.seed, []).append(one)
    return list(found.items())
