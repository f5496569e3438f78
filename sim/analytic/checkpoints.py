"""Work that begins again after a crash, whole or from its last checkpoint. No queue is involved.

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


def checkpointed_mean_s(
    work_s: float, parts: int, mttf_s: float, checkpoint_s: float = 0.0, restart_s: float = 0.0
) -> float:
    """Mean time of work of constant length in equal parts, each with a checkpoint at its end.

    checkpoint_s: what a checkpoint takes. restart_s: what goes before the work of a part after a crash, and may be hit
    by one too. Source: Daly, Future Generation Computer Systems 22 (2006), equation 13; the optimum is near parts of
    sqrt(2 checkpoint_s mttf_s): Young, Communications of the ACM 17 (1974).

    >>> [round(checkpointed_mean_s(20, parts, 10, 0.5, 1)) for parts in (1, 4, 20)]
    [75, 32, 36]
    """
    assert work_s > 0, work_s
    assert parts >= 1, parts
    assert min(checkpoint_s, restart_s) >= 0, (checkpoint_s, restart_s)
    part_s = work_s / parts + checkpoint_s
    return parts * math.exp(restart_s / mttf_s) * restarted_mean_s(math.exp(-part_s / mttf_s), mttf_s)
