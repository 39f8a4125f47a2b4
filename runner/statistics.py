"""Statistics over seeds: means and their intervals, one-sided tests of a gain, their power, seeds that are needed.

Pure functions over plain floats, in any one unit; a lower score is better and a gain is baseline minus candidate.
docs/statistics.md has formulas, assumptions and sources. Which test a claim asks for, and whether it may be asked at
all, is compare.py's question.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache

from runner.strict import Strict

CONFIDENCE = 0.95
"""Of every interval, two-sided."""
WANTED_POWER = 0.8
MOST_SEEDS = 200
"""Seeds are not counted further than this."""
NODES = 64
"""Points of the quadrature behind the power of Welch's test."""


class Sample(Strict):
    """What is known of one arm's mean, in the unit of its values."""

    n: int
    mean: float
    std: float | None
    """Sample standard deviation, of n - 1; None below two values."""
    standard_error: float | None
    """Of the mean."""
    low: float | None
    """Lower end of the mean's 95 % t interval."""
    high: float | None
    """Its upper end."""
    min: float
    max: float


class GainTest(Strict):
    """A one-sided test whether the true gain is more than `margin`."""

    gain: float
    """Baseline's mean, or the number to beat, minus the candidate's mean."""
    margin: float
    t: float
    df: float
    """Degrees of freedom: Satterthwaite's, or n - 1 against a number."""
    p: float
    """Probability of so large a t where the true gain is just the margin."""
    low: float
    """Lower end of the gain's 95 % interval, two-sided."""
    high: float
    """Its upper end."""


class PairedTest(Strict):
    """A two-sided test whether two arms differ, seed by seed."""

    n: int
    """Pairs."""
    delta: float
    """Mean of candidate minus baseline: below 0 the candidate is better."""
    t: float
    df: float
    p: float
    """Probability of so large a t, of either sign, where there is no difference."""
    low: float
    """Lower end of the difference's 95 % interval."""
    high: float
    """Its upper end."""


def describe(values: Sequence[float]) -> Sample:
    """n, mean, sample deviation, standard error, 95 % t interval, extremes. ValueError without a value."""
    if not values:
        raise ValueError("no value, no mean")
    n, mean = len(values), math.fsum(values) / len(values)
    std = None if n < 2 else statistics.stdev(values)
    error = None if std is None else std / math.sqrt(n)
    half = None if error is None else t_quantile(n - 1) * error
    return Sample(
        n=n,
        mean=mean,
        std=std,
        standard_error=error,
        low=None if half is None else mean - half,
        high=None if half is None else mean + half,
        min=min(values),
        max=max(values),
    )


@cache
def t_quantile(df: float) -> float:
    """How many standard errors a 95 % interval reaches to each side."""
    from scipy import special  # what scipy.stats.t is made of, and four times as fast to import

    return float(special.stdtrit(df, (1 + CONFIDENCE) / 2))


def prediction_interval(values: Sequence[float]) -> tuple[float, float]:
    """Where 95 % of further values lie (Student's t). statistics.StatisticsError of fewer than two."""
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    half = t_quantile(len(values) - 1) * deviation * math.sqrt(1 + 1 / len(values))
    return mean - half, mean + half


def welch(baseline: Sequence[float], candidate: Sequence[float], margin: float = 0.0) -> GainTest:
    """Welch's test with sample deviations, one-sided: the candidate's true mean is lower by more than `margin`.

    ValueError below two values in an arm, and where neither arm has any spread. Source: B. L. Welch, Biometrika 34
    (1947); degrees of freedom by F. E. Satterthwaite, Biometrics Bulletin 2 (1946).
    """
    one, two = describe(baseline), describe(candidate)
    if one.std is None or two.std is None:
        raise ValueError("Welch's test takes two values in each arm")
    parts = one.std**2 / one.n, two.std**2 / two.n
    variance = sum(parts)
    if variance == 0:
        raise ValueError("without any spread there is no test")
    df = variance**2 / (parts[0] ** 2 / (one.n - 1) + parts[1] ** 2 / (two.n - 1))
    return _test(one.mean - two.mean, margin, math.sqrt(variance), df)


def one_sample(candidate: Sequence[float], target: float, margin: float = 0.0) -> GainTest:
    """Student's test, one-sided: the candidate's true mean is below the number `target` by more than `margin`.

    ValueError below two values, and where they have no spread.
    """
    found = describe(candidate)
    if found.standard_error is None:
        raise ValueError("a test takes two values")
    if found.standard_error == 0:
        raise ValueError("without any spread there is no test")
    return _test(target - found.mean, margin, found.standard_error, found.n - 1)


def _test(gain: float, margin: float, error: float, df: float) -> GainTest:
    from scipy import special

    t, half = (gain - margin) / error, t_quantile(df) * error
    return GainTest(
        gain=gain, margin=margin, t=t, df=df, p=float(special.stdtr(df, -t)), low=gain - half, high=gain + half
    )


def paired(baseline: Sequence[float], candidate: Sequence[float]) -> PairedTest:
    """Student's paired test, two-sided, of candidate minus baseline; the two are of the same seeds, in one order.

    ValueError below two pairs, and where the differences have no spread.
    """
    from scipy import special

    found = describe([two - one for one, two in zip(baseline, candidate, strict=True)])
    if found.standard_error is None or found.low is None or found.high is None:
        raise ValueError("a paired test takes two pairs")
    if found.standard_error == 0:
        raise ValueError("without any spread there is no test")
    t = found.mean / found.standard_error
    p = 2 * float(special.stdtr(found.n - 1, -abs(t)))
    return PairedTest(n=found.n, delta=found.mean, t=t, df=found.n - 1, p=p, low=found.low, high=found.high)


def holm(ps: Sequence[float]) -> list[float]:
    """Each p as it is where that many were tried: below alpha with a chance of at most alpha for any true null.

    S. Holm, Scandinavian Journal of Statistics 6 (1979); in the order of `ps`.
    """
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        least = max(least, min(1.0, (len(ps) - rank) * ps[index]))
        adjusted[index] = least
    return adjusted


def welch_power(excess: float, stds: tuple[float, float], sizes: tuple[int, int], alpha: float) -> float:
    """Probability that Welch's one-sided test ends below `alpha`, exact for normal scores.

    excess: true gain minus margin; stds, sizes: of baseline and candidate, each of at least two values.

    Given the share b of the first arm in both sums of squares, the degrees of freedom are fixed and t is a noncentral
    t up to a factor; b is distributed as Beta(df1 / 2, df2 / 2), over which a Gauss-Jacobi sum takes the mean.
    Source: the conditioning of B. K. Moser, G. R. Stevens and C. L. Watts, Communications in Statistics 18 (1989).
    """
    from scipy import special, stats

    if min(sizes) < 2 or max(stds) <= 0:
        raise ValueError("power takes two values in each arm, and a spread")
    one, two = sizes[0] - 1, sizes[1] - 1
    # Weight (1 - x)^(two/2 - 1) (1 + x)^(one/2 - 1) on [-1, 1]: the density of b = (1 + x) / 2 up to a factor.
    points, weights = special.roots_jacobi(NODES, two / 2 - 1, one / 2 - 1)
    b = (1 + points) / 2
    variances = stds[0] ** 2 / sizes[0], stds[1] ** 2 / sizes[1]
    truth = sum(variances)
    seen = variances[0] * b / one, variances[1] * (1 - b) / two  # estimates, up to the factor that they share
    total = seen[0] + seen[1]
    df = total**2 / (seen[0] ** 2 / one + seen[1] ** 2 / two)
    bound = stats.t.isf(alpha, df) * ((one + two) * total / truth) ** 0.5
    beyond = stats.nct.sf(bound, one + two, _shift(excess / math.sqrt(truth)))
    return _probability((weights * beyond).sum() / weights.sum())


def one_sample_power(excess: float, std: float, size: int, alpha: float) -> float:
    """The same for `one_sample`: a noncentral t with n - 1 degrees of freedom, exact for normal scores."""
    from scipy import stats

    if size < 2 or std <= 0:
        raise ValueError("power takes two values, and a spread")
    return _probability(stats.nct.sf(stats.t.isf(alpha, size - 1), size - 1, _shift(excess * math.sqrt(size) / std)))


def seeds_per_arm(excess: float, stds: tuple[float, float], alpha: float, power: float = WANTED_POWER) -> int | None:
    """Fewest seeds in each of two arms that reach `power`; None where MOST_SEEDS do not.

    Power grows with n here, so what lies between is halved.
    """

    def enough(n: int) -> bool:
        return welch_power(excess, stds, (n, n), alpha) >= power

    numbers = range(2, MOST_SEEDS + 1)
    place = bisect_left(numbers, True, key=enough) if excess > 0 else len(numbers)
    return numbers[place] if place < len(numbers) else None


def candidate_seeds(
    excess: float, stds: tuple[float, float], baseline: int, alpha: float, power: float = WANTED_POWER
) -> int | None:
    """Fewest seeds of the candidate against a baseline that stays as it is; None where MOST_SEEDS do not reach it."""
    return fewest(lambda n: welch_power(excess, stds, (baseline, n), alpha), excess, power)


def target_seeds(excess: float, std: float, alpha: float, power: float = WANTED_POWER) -> int | None:
    """Fewest seeds against a number; None where MOST_SEEDS do not reach it."""
    return fewest(lambda n: one_sample_power(excess, std, n, alpha), excess, power)


def fewest(power_of: Callable[[int], float], excess: float, power: float) -> int | None:
    """Smallest n from 2 on whose power is at least `power`; None up to MOST_SEEDS, and for no gain over the margin.

    Counted one by one, because against a small baseline that stays as it is power may fall again: the degrees of
    freedom go towards the baseline's.
    """
    if excess <= 0:
        return None
    return next((n for n in range(2, MOST_SEEDS + 1) if power_of(n) >= power), None)


def chance(probability: float) -> str:
    """How often, for people: two decimals where they do not look like certainty."""
    if probability < 0.005:
        return "almost never"
    return "almost surely" if probability >= 0.995 else f"with a probability of {probability:.2f}"


def _shift(noncentrality: float) -> float:
    """Beyond what decides anything the noncentral t is not defined by scipy."""
    return min(1e6, max(-1e6, noncentrality))


def _probability(value: float) -> float:
    """Rounding may carry a probability past its ends."""
    return min(1.0, max(0.0, float(value)))
