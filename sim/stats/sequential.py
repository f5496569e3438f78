"""Is a share nearer to all or to none, decided by as few yes-or-no outcomes as it takes.

Outcomes are independent episodes, each beside its baseline run. What is searched for with such decisions is in
`threshold`.
"""

from __future__ import annotations

import math
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
