"""What an inverse distribution function is as plain numbers: `kind`, three parameters, a table.

The kernel (`inverse`) and the builders (`quantiles`, `moments`, `tables`, `distributions`) agree on this file and
on nothing else. u is the uniform draw.

| kind | value | a | b | c | table |
|---|---|---|---|---|---|
| CONSTANT | a | value | | | |
| UNIFORM | a + (b - a) u | least | greatest | | |
| EXPONENTIAL | -a ln(1 - u) | mean | | | |
| LOGNORMAL | exp(a + b y), y the normal score of u | mu | sigma | | |
| WEIBULL | a (-ln(1 - u))^b | scale | 1 / shape | | |
| PARETO | a (1 - c u)^-b | least | 1 / alpha | share below the cut, 1 without | |
| HYPEREXPONENTIAL | exponential with mean b if u < a, else c, of u rescaled | share | mean | mean | |
| GEOMETRIC | least k >= 1 with 1 - (1 - p)^k >= u | ln(1 - p) | | | |
| UNIFORM_COUNT | a + floor(b u) | least | how many | | |
| STEP | value of the first level above u | | | | levels, then values |
| LINEAR | linear between (level, value) | | | | levels, then values |
| SCORE | exp of a cubic between knots in y | mean | scv | | (ln value, slope) by knot |
| PIECES | another kind, of u rescaled | | | | rows of PIECE_WIDTH numbers |

All but HYPEREXPONENTIAL and PIECES of several rows rise with u.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

CONSTANT = 0
UNIFORM = 1
EXPONENTIAL = 2
LOGNORMAL = 3
WEIBULL = 4
PARETO = 5
HYPEREXPONENTIAL = 6
GEOMETRIC = 7
UNIFORM_COUNT = 8
STEP = 9
LINEAR = 10
SCORE = 11
PIECES = 12

LAST_WITHOUT_TABLE = UNIFORM_COUNT

# SCORE: knots at y = SCORE_LOW + i / SCORE_PER_UNIT; slopes are per cell. The least and greatest draw have
# y = -8.21 and 8.21, so nothing is ever extrapolated.
SCORE_LOW = -8.25
SCORE_PER_UNIT = 16
SCORE_KNOTS = 265

# PIECES: u in [FROM, TO) becomes v = BASE + (u - FROM) SPAN of the inner kind, whose value is held inside
# [LEAST, GREATEST]. OFFSET is counted from the start of this table.
PIECE_TO = 0
PIECE_FROM = 1
PIECE_BASE = 2
PIECE_SPAN = 3
PIECE_LEAST = 4
PIECE_GREATEST = 5
PIECE_KIND = 6
PIECE_A = 7
PIECE_B = 8
PIECE_C = 9
PIECE_OFFSET = 10
PIECE_LENGTH = 11
PIECE_WIDTH = 12


@dataclass(frozen=True, slots=True, eq=False)
class Inverse:
    """An inverse distribution function as plain numbers; times in seconds, counts in ones.

    kind, a, b, c, table: see the top of this file; what a kind does not use is 0 or empty. Equal numbers are equal
    distributions, and hash alike.
    """

    kind: int
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    table: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        table = np.array(self.table, dtype=np.float64)
        table.flags.writeable = False
        object.__setattr__(self, "table", table)

    def mean(self) -> float:
        """The mean, in seconds (or ones); inf where it diverges."""
        from sim.draws.moments import mean_and_variance  # reads this class

        return mean_and_variance(self)[0]

    def scv(self) -> float:
        """The squared coefficient of variation, variance over squared mean; inf where either diverges."""
        from sim.draws.moments import mean_and_variance  # reads this class

        mean, variance = mean_and_variance(self)
        if not math.isfinite(variance):
            return math.inf
        return variance / mean**2 if mean else 0.0

    def quantile(self, u: float) -> float:
        """The least value that a share `u`, in [0, 1], does not exceed, in seconds (or ones)."""
        from sim.draws.quantiles import quantile  # reads this class

        if not 0.0 <= u <= 1.0:
            raise ValueError(f"a quantile is taken at a level in [0, 1], got {u}")
        return float(quantile(self, np.array([u]), np.array([1.0 - u]))[0])

    def _key(self) -> tuple[int, float, float, float, bytes]:
        return self.kind, self.a, self.b, self.c, self.table.tobytes()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Inverse) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())
