"""What failures take, in closed form: availability of repairable redundancy, k of n, and work that begins again after
a crash. Times in seconds, all exponential; no work is served here, and there is no queue.

Crashes of work are a Poisson process while there is work; none comes while nothing is done.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.analytic.stations import birth_death


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


def restarted_mean_s(survives: float, mttf_s: float, away_s: float = 0.0) -> float:
    """Mean time of a piece of work that begins anew, drawn anew, after each crash.

    survives: probability that one try is over before a crash: exp(-S / mttf_s) for a constant length S, else the
    Laplace transform of the length at 1 / mttf_s. mttf_s: mean time to a crash, of work under way. away_s: mean time
    from a crash to the next try.

    There are (1 - p) / p crashes on average, one in every mttf_s of work. Source: Duda, Information Processing
    Letters 16 (1983).

    >>> round(restarted_mean_s(math.exp(-1 / 2), 2.0, 0.5), 4)      # 2.5 (exp(1 / 2) - 1)
    1.6218
    """
    assert 0 < survives <= 1, survives
    assert 0 < mttf_s < math.inf, mttf_s
    assert 0 <= away_s < math.inf, away_s
    return (mttf_s + away_s) * (1 - survives) / survives
