"""Long-run shares of a finite Markov chain, and the time until one is left. Endless chains are in `levels`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def stationary(generator: Array) -> Array:
    """Long-run shares p with p Q = 0 and sum 1, for a dense irreducible generator Q of shape (n, n).

    Only off-diagonal entries are read, and nothing is ever subtracted, so that each share is right to about
    15 digits, even shares of 1e-30 in a chain of rates from once in ten years to thousands a second.

    Raises AssertionError where Q is not irreducible. Cost n³ / 3.
    Source: Grassmann, Taksar & Heyman, Operations Research 33 (1985) ("GTH").

    >>> stationary(np.array([[-1.0, 1.0], [3.0, -3.0]])).tolist()
    [0.75, 0.25]
    """
    q = np.array(generator, dtype=float)
    n = len(q)
    assert q.shape == (n, n), q.shape
    leaving = np.zeros(n)
    for k in range(n - 1, 0, -1):  # take state k out, letting its visits pass through at once
        leaving[k] = q[k, :k].sum()
        assert leaving[k] > 0, "the chain has a part that it never leaves, or never enters"
        q[:k, :k] += np.outer(q[:k, k] / leaving[k], q[k, :k])
    shares = np.zeros(n)
    shares[0] = 1.0
    for k in range(1, n):  # and put the states back
        shares[k] = shares[:k] @ q[:k, k] / leaving[k]
        if shares[k] > 1e200:  # a rare start must not push the others over the edge
            shares[: k + 1] /= shares[k]
    return shares / math.fsum(shares.tolist())


@dataclass(frozen=True, slots=True)
class PhaseType:
    """Time until a finite chain is left: start in phase i with probability initial[i], move by `generator`.

    initial: shape (n,), summing to at most 1; what is missing has left at once.
    generator: shape (n, n), rates between phases; what a row lacks to 0 is the rate at which the chain is left.
    Source: Neuts, Matrix-Geometric Solutions in Stochastic Models (1981), chapter 2.

    >>> hypo = PhaseType(np.array([1.0, 0.0]), np.array([[-1.0, 1.0], [0.0, -2.0]]))
    >>> round(hypo.tail(1.0), 12) == round(2 * math.exp(-1) - math.exp(-2), 12)
    True
    """

    initial: Array
    generator: Array

    def mean(self) -> float:
        """Mean time in s."""
        return self.moment(1)

    def moment(self, order: int) -> float:
        """E[T^n] = n! initial (-Q)^-n 1, in s^n."""
        value: Array = np.ones(len(self.initial))
        for _ in range(order):
            value = np.asarray(np.linalg.solve(-self.generator, value), dtype=float)
        return math.factorial(order) * float(self.initial @ value)

    def tail(self, t_s: float) -> float:
        """P(T > t_s), by uniformisation: positive terms only, absolute error about 1e-13.

        Cost grows with t times the fastest rate.
        """
        assert t_s >= 0, t_s
        clock = self._clock()
        return _poisson_mixture(self._survivors(_steps(clock * t_s)), clock * t_s)

    def quantile(self, p: float) -> float:
        """The time in s that a share p stays within; 0 where that share leaves at once. 1 - p above 1e-10."""
        assert 0 < p < 1 - 1e-10, p
        if self.initial.sum() <= 1 - p:
            return 0.0
        clock, high = self._clock(), self.mean()
        survivors = self._survivors(_steps(clock * high))
        while _poisson_mixture(survivors, clock * high) > 1 - p:
            high *= 2
            survivors = self._survivors(_steps(clock * high))
        low = 0.0
        while high - low > 1e-13 * high:
            middle = (low + high) / 2
            if _poisson_mixture(survivors, clock * middle) > 1 - p:
                low = middle
            else:
                high = middle
        return high

    def _clock(self) -> float:
        return float(-self.generator.diagonal().min())

    def _survivors(self, steps: int) -> Array:
        """Probability of still being in the chain after 0, 1, ..., steps ticks of the uniformising clock."""
        from scipy.sparse import csr_array  # phases lead to few others, and there may be thousands

        tick = csr_array(self.generator.T / self._clock() + np.eye(len(self.initial)))
        vector, left = self.initial.astype(float), np.zeros(steps + 1)
        for k in range(steps + 1):
            left[k] = vector.sum()
            vector = tick @ vector
        return left


def _steps(ticks_mean: float) -> int:
    """So many ticks that more of them have a probability below 1e-15."""
    return int(ticks_mean + 9 * math.sqrt(ticks_mean) + 40)


def _poisson_mixture(values: Array, mean: float) -> float:
    """Sum of values[k] P(Poisson(mean) = k)."""
    if mean == 0:
        return float(values[0])
    k = np.arange(len(values))
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(k[1:]))))
    return float(values @ np.exp(k * math.log(mean) - mean - log_factorial))
