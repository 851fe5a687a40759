"""Random streams: one per (seed, purpose, day), so that no call can shift another's numbers."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import exp, sqrt
from statistics import NormalDist
from typing import TypeVar

from numpy.random import Generator, Philox

T = TypeVar("T")
_NORMAL = NormalDist()
_INVERSION_LIMIT = 60.0


def stream(*parts: object) -> Generator:
    """The generator that belongs to these parts, the same in every process."""
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=16).digest()
    return Generator(Philox(key=int.from_bytes(digest, "big")))


class Dice:
    """A row of uniform numbers in [0, 1), used one after the other. Raises IndexError when it is used up."""

    __slots__ = ("_at", "_values")

    def __init__(self, values: Sequence[float]) -> None:
        self._values = values
        self._at = 0

    def roll(self) -> float:
        """The next number."""
        value = self._values[self._at]
        self._at += 1
        return value

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.roll() < probability

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.roll()

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[int(self.roll() * len(options))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys, by weight."""
        left = self.roll() * sum(weights.values())
        for option, weight in weights.items():
            left -= weight
            if left < 0:
                return option
        return next(reversed(list(weights)))

    def lognormal(self, median: float, log_sd: float) -> float:
        """Lognormal with this median."""
        return median * exp(log_sd * _NORMAL.inv_cdf(min(max(self.roll(), 1e-12), 1 - 1e-12)))

    def poisson(self, mean: float) -> int:
        """Poisson by inversion, so that a higher mean never gives a lower number for the same roll."""
        return poisson_quantile(self.roll(), mean)


def poisson_quantile(probability: float, mean: float) -> int:
    """The Poisson quantile; normal with continuity correction above 60."""
    if mean > _INVERSION_LIMIT:
        inner = min(max(probability, 1e-12), 1 - 1e-12)
        return max(0, round(mean + sqrt(mean) * _NORMAL.inv_cdf(inner)))
    term = exp(-mean)
    cumulative, count = term, 0
    while cumulative < probability and term > 0.0:
        count += 1
        term *= mean / count
        cumulative += term
    return count


def dice(count: int, *parts: object) -> Dice:
    """Dice with `count` numbers of the stream of `parts`."""
    return Dice(stream(*parts).random(count).tolist())


def dice_rows(rows: int, count: int, *parts: object) -> list[Dice]:
    """`rows` independent dice; row i is the same whatever the number of rows."""
    return [Dice(row) for row in stream(*parts).random((rows, count)).tolist()]
