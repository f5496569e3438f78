"""Work that begins again after a crash. No queue is involved.

Crashes are a Poisson process while there is work; none comes while nothing is done.
"""

from __future__ import annotations

import math


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
