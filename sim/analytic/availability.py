"""Availability of repairable redundancy: k of n, and a primary with a standby. No work is served here.

Times in seconds, all exponential. Queues in front of machines that fail are in `phased`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sim.analytic.chains import birth_death, mean_time_to, steady


@dataclass(frozen=True, slots=True)
class Availability:
    """How much of the time something works.

    unavailability: share of time down; kept beside its complement, which has no digits for it.
    outages_per_s: long-run rate of outages beginning. outage_mean_s: mean length of one.
    mttf_s: mean time from everything in order to the first outage.
    """

    unavailability: float
    outages_per_s: float
    outage_mean_s: float
    mttf_s: float

    @property
    def availability(self) -> float:
        """Share of time up."""
        return 1 - self.unavailability


def k_of_n(n: int, k: int, mttf_s: float, mttr_s: float, crews: int | None = None) -> Availability:
    """n like units of which k must be up; each fails and is repaired on its own, also during an outage.

    mttf_s, mttr_s: mean up time and repair time of one unit. crews: repairs at a time (None: as many as needed).
    Source: Trivedi, Probability and Statistics with Reliability (2nd ed. 2001), chapter 8; the mean first
    passage up a birth-death chain step by step, E_i = (1 + d_i E_{i-1}) / b_i.

    >>> round(k_of_n(3, 2, 99.0, 1.0).availability, 9)      # 0.99³ + 3 x 0.99² x 0.01
    0.999702
    """
    assert 1 <= k <= n, (k, n)
    assert 0 < mttf_s < math.inf, mttf_s
    assert 0 < mttr_s < math.inf, mttr_s
    repairers = n if crews is None else crews
    assert repairers >= 1, repairers
    failing = [(n - down) / mttf_s for down in range(n)]
    mending = [min(down, repairers) / mttr_s for down in range(1, n + 1)]
    shares = birth_death(failing, mending)
    enough = n - k + 1  # so many down are an outage
    unavailability = float(shares[enough:].sum())
    outages = float(shares[enough - 1]) * failing[enough - 1]
    step_s = total_s = 0.0
    for down in range(enough):
        step_s = (1 + (mending[down - 1] * step_s if down else 0.0)) / failing[down]
        total_s += step_s
    return Availability(unavailability, outages, unavailability / outages, total_s)


def with_common_causes(n: int, k: int, mttf_s: float, mttr_s: float, common: float) -> Availability:
    """k of n, where each unit has a clock of its own, and a share `common` of what the clocks bring takes all units.

    A unit's clock stands still until what it brought is mended; several may hold one unit down. This is what a fault
    with `each` and `common` does in a network. A unit itself fails more often than its clock rings: the beta of a
    beta-factor model (Fleming, 1974), the share of a unit's failures that are common, is n common / (1 + (n - 1)
    common).

    The clocks are independent. With d = mttr / (mttf + mttr), none has a common cause under way for (1 - common d)^n
    of the time, and of that time each has its own unit down for d (1 - common) / (1 - common d):

    >>> pair = with_common_causes(2, 1, 8.0, 2.0, 0.5)
    >>> round(pair.unavailability, 9) == round(1 - 0.9**2 * (1 - (0.1 / 0.9) ** 2), 9)
    True
    >>> round(with_common_causes(3, 2, 99.0, 1.0, 0.0).availability, 9)
    0.999702
    """
    assert 1 <= k <= n, (k, n)
    assert 0 <= common <= 1, common

    def moves(down: tuple[int, int]) -> Iterable[tuple[float, tuple[int, int]]]:
        own, of_all = down
        rings = (n - own - of_all) / mttf_s
        return [
            (rate, to)
            for rate, to in (
                (rings * (1 - common), (own + 1, of_all)),
                (rings * common, (own, of_all + 1)),
                (own / mttr_s, (own - 1, of_all)),
                (of_all / mttr_s, (own, of_all - 1)),
            )
            if rate > 0
        ]

    def fails(down: tuple[int, int]) -> bool:
        return down[1] > 0 or n - down[0] < k

    shares = steady(moves, (0, 0))
    unavailability = shares.probability(fails)
    outages = shares.mean(
        lambda down: 0.0 if fails(down) else math.fsum(rate for rate, to in moves(down) if fails(to))
    )
    return Availability(unavailability, outages, unavailability / outages, mean_time_to(moves, (0, 0), fails))


_Pair = Literal["both", "failing over", "single", "stuck", "none"]
_UP: tuple[_Pair, ...] = ("both", "single")


def primary_standby(
    mttf_s: float, mttr_s: float, failover_s: float, coverage: float = 1.0, manual_s: float = math.inf
) -> Availability:
    """A primary with one hot standby that takes over in `failover_s`; up while one of them acts as primary.

    mttf_s, mttr_s: of each of the two, whatever its role; both can be under repair at once.
    failover_s: mean time without service from the primary's failure to the standby's acting; it ends early when
        the old primary is back, and for nothing when the standby fails meanwhile.
    coverage: share of failovers that succeed; the others wait for a hand, `manual_s` in the mean, or for the old
        primary's repair. manual_s is needed only where coverage < 1.

    Source: Trivedi (2001), chapter 8 (imperfect coverage and failover delay).

    >>> pair = primary_standby(mttf_s=30 * 86400, mttr_s=600, failover_s=30)
    >>> round(pair.outage_mean_s, 1), round(pair.unavailability * 1e6, 1)
    (28.7, 11.1)
    """
    assert 0 <= coverage <= 1, coverage
    assert all(0 < t < math.inf for t in (mttf_s, mttr_s, failover_s)), (mttf_s, mttr_s, failover_s)
    assert coverage == 1 or manual_s < math.inf, "failovers that fail need the mean time of a manual one"
    fails, mends, takes_over = 1 / mttf_s, 1 / mttr_s, 1 / failover_s

    def moves(pair: _Pair) -> Iterable[tuple[float, _Pair]]:
        if pair == "both":
            return [(fails, "failing over"), (fails, "single")]
        if pair == "failing over":
            failed = (1 - coverage) * takes_over
            return [(coverage * takes_over, "single"), (failed, "stuck"), (mends, "both"), (fails, "none")]
        if pair == "single":
            return [(mends, "both"), (fails, "none")]
        if pair == "stuck":
            return [(1 / manual_s, "single"), (mends, "both"), (fails, "none")]
        return [(2 * mends, "single")]

    start: _Pair = "both"
    shares = steady(moves, start)
    unavailability = shares.probability(lambda pair: pair not in _UP)
    outages = shares.mean(
        lambda pair: math.fsum(rate for rate, to in moves(pair) if to not in _UP) if pair in _UP else 0.0
    )
    mttf = mean_time_to(moves, start, lambda pair: pair not in _UP)
    return Availability(unavailability, outages, unavailability / outages, mttf)
