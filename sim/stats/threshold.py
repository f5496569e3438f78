"""From which value on something mostly happens: decisions by as few yes-or-no outcomes as it takes, and the search by
them.

Outcomes are independent episodes, each beside its baseline run. The search is a bisection whose every step may be
wrong or stay undecided; what a step costs is the caller's matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

SELDOM, MOSTLY = 0.25, 0.75
"""A share of at most the first is told from one of at least the second; between them either answer is right."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Wald's sequential probability ratio test of a share, at most SELDOM or at least MOSTLY.

    error: the greatest probability that a share of at most SELDOM is called mostly, and the other way round. The
    ratio's bounds are error and 1/error, which keep it whatever the number of outcomes (Wald, Sequential Analysis,
    1947, 3.3); stopping earlier, undecided, only makes it less.

    >>> Decision(0.01).least, Decision(0.01).verdict(5, 5), Decision(0.01).verdict(3, 6)
    (5, True, None)
    """

    error: float

    def __post_init__(self) -> None:
        assert 0 < self.error < 0.5, self.error

    def verdict(self, hits: int, n: int) -> bool | None:
        """True: mostly hits. False: seldom. None: more outcomes are needed."""
        assert 0 <= hits <= n
        # As SELDOM and MOSTLY add up to 1, a hit weighs as much as a miss, and only their difference counts.
        ahead = 2 * hits - n
        if abs(ahead) < self.least:
            return None
        return ahead > 0

    @property
    def least(self) -> int:
        """The fewest outcomes that decide, when all are alike: by as many must one kind be ahead of the other."""
        return math.ceil(-math.log(self.error) / math.log(MOSTLY / SELDOM) - 1e-9)


@dataclass(frozen=True, slots=True)
class Tried:
    """One value that was tried. hits of n: how often it happened. verdict: whether mostly; None when undecided."""

    at: float
    hits: int
    n: int
    verdict: bool | None


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where it begins: above `below` and not above `above`.

    below: the greatest value at which it seldom happens; None where it mostly happens, or cannot be told, even at the
    lowest. above: the least at which it mostly does; None where it does not, or cannot be told, at the highest.
    error: probability that this is wrong, provided that a greater value never makes it happen less.
    """

    below: float | None
    above: float | None
    tried: tuple[Tried, ...]
    error: float

    @property
    def is_contradicted(self) -> bool:
        """Whether it mostly happens at one value and seldom at a greater one: a verdict is wrong, or what is said of
        greater values is."""
        mostly = min((one.at for one in self.tried if one.verdict is True), default=math.inf)
        return any(one.verdict is False and one.at > mostly for one in self.tried)


def decisions_at_most(low: float, high: float, within: float) -> int:
    """The most decisions that a search takes: both ends, and for each side of what stays undecided a bisection.

    >>> decisions_at_most(0.5, 1.5, 0.05)
    12
    """
    assert low < high, (low, high)
    assert within > 0, within
    return 2 + 2 * max(math.ceil(math.log2((high - low) / within) - 1e-9), 0)


def threshold(
    attempt: Callable[[float], Tried],
    low: float,
    high: float,
    within: float,
    error: float,
    known: Iterable[Tried] = (),
) -> Threshold:
    """Search between two values until both ends are decided and lie no further than `within` apart.

    attempt: tries one value; each of its verdicts is wrong with a probability of at most error / decisions_at_most, so
    that all are right together (Bonferroni). known: values already tried.

    An undecided value lies in the transition itself. It is not tried again: the ends then close in on it from both
    sides, each to within `within`, and the interval stays as wide as what cannot be decided.
    """
    tried = {one.at: one for one in known}
    while (following := _next(tried, low, high, within)) is not None:
        tried[following] = attempt(following)
    below, _, above = _sides(tried)
    return Threshold(below, above, tuple(sorted(tried.values(), key=lambda one: one.at)), error)


def _sides(tried: dict[float, Tried]) -> tuple[float | None, list[float], float | None]:
    """The greatest value at which it seldom happens, undecided ones between, the least at which it mostly does.

    Verdicts that contradict each other, of which one is wrong, are taken as undecided between them.
    """
    seldom = [one.at for one in tried.values() if one.verdict is False]
    mostly = [one.at for one in tried.values() if one.verdict is True]
    below = max((at for at in seldom if not mostly or at < min(mostly)), default=None)
    above = min((at for at in mostly if not seldom or at > max(seldom)), default=None)
    inside = sorted(at for at in tried if (below is None or at > below) and (above is None or at < above))
    return below, inside, above


def _next(tried: dict[float, Tried], low: float, high: float, within: float) -> float | None:
    """An end of which nothing is known; else the middle of the wider gap that is still too wide; None without one."""
    below, inside, above = _sides(tried)
    if below is None and low not in tried:
        return low
    if above is None and high not in tried:
        return high
    points = [*([] if below is None else [below]), *inside, *([] if above is None else [above])]
    gaps = [
        *([(points[0], points[1])] if below is not None and len(points) > 1 else []),
        *([(points[-2], points[-1])] if above is not None and len(points) > 1 else []),
    ]
    start, end = max(gaps, key=lambda gap: gap[1] - gap[0], default=(low, low))
    return (start + end) / 2 if end - start > within * (1 + 1e-9) else None
