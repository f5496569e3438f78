"""Common causes in a redundant group, and work with checkpoints: what drills are held against."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sim.analytic.availability import Availability, restarted_mean_s
from tests.closed_forms.chains import mean_time_to, steady


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
