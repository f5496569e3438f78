"""Continuous-time Markov chains written as moves between states, and solved. Endless chains are in `levels`.

A chain is one function: given a state (any hashable value), the moves out of it as (rate per s, next state).

>>> def two_state(up):
...     return [(1 / 100, False)] if up else [(1 / 5, True)]       # fails after 100 s, repaired in 5 s
>>> round(steady(two_state, True).probability(lambda up: up), 12)
0.952380952381
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

State = TypeVar("State", bound=Hashable)
Array = NDArray[np.float64]
Moves = Callable[[State], Iterable[tuple[float, State]]]

# Up to here a dense, subtraction-free elimination takes about a second; beyond, a sparse factorisation is used.
_DENSE_STATES = 700


@dataclass(frozen=True, slots=True)
class Chain(Generic[State]):
    """A finite chain: states[sources[k]] goes to states[targets[k]] at rates[k] per second."""

    states: tuple[State, ...]
    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    rates: Array

    def generator(self) -> Array:
        """Dense generator Q, shape (n, n): Q[i, j] the rate from i to j, rows summing to 0."""
        n = len(self.states)
        q = np.zeros((n, n))
        np.add.at(q, (self.sources, self.targets), self.rates)
        q[np.diag_indices(n)] -= q.sum(axis=1)
        return q


@dataclass(frozen=True, slots=True)
class Steady(Generic[State]):
    """Long-run share of time in each state."""

    states: tuple[State, ...]
    shares: Array

    def mean(self, value: Callable[[State], float]) -> float:
        """Time average of value(state)."""
        values = (value(state) * share for state, share in zip(self.states, self.shares.tolist(), strict=True))
        return math.fsum(values)

    def probability(self, where: Callable[[State], bool]) -> float:
        """Share of time in the states for which `where` holds."""
        shares = zip(self.states, self.shares.tolist(), strict=True)
        return math.fsum(share for state, share in shares if where(state))


def explore(moves: Moves[State], start: State, states_max: int = 200_000) -> Chain[State]:
    """The chain of all states that can be reached from `start`, in breadth-first order.

    Moves of rate 0 and moves to the same state are left out. Asserts that no rate is negative or infinite and
    that there are at most `states_max` states (an endless chain has to be cut by `moves` itself).
    """
    index: dict[State, int] = {start: 0}
    queue = deque([start])
    sources: list[int] = []
    targets: list[int] = []
    rates: list[float] = []
    while queue:
        state = queue.popleft()
        for rate, target in moves(state):
            assert 0 <= rate < math.inf, f"rate {rate} from {state} to {target}"
            if rate == 0 or target == state:
                continue
            if target not in index:
                assert len(index) < states_max, f"more than {states_max} states"
                index[target] = len(index)
                queue.append(target)
            sources.append(index[state])
            targets.append(index[target])
            rates.append(rate)
    return Chain(
        tuple(index), np.array(sources, dtype=np.intp), np.array(targets, dtype=np.intp), np.array(rates, dtype=float)
    )


def steady(moves: Moves[State], start: State, states_max: int = 200_000) -> Steady[State]:
    """Long-run shares of the finite chain reached from `start`; every state must be able to come back to it.

    Raises AssertionError where the chain is not irreducible.
    """
    chain = explore(moves, start, states_max)
    if len(chain.states) <= _DENSE_STATES:
        return Steady(chain.states, stationary(chain.generator()))
    return Steady(chain.states, _stationary_sparse(chain))


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


def _stationary_sparse(chain: Chain[State]) -> Array:
    """The same by sparse LU; about 12 digits relative to the largest share."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import splu

    n = len(chain.states)
    leaving = np.bincount(chain.sources, chain.rates, n)
    every = np.arange(n)
    rows, columns = np.concatenate((chain.targets, every)), np.concatenate((chain.sources, every))
    q = coo_matrix((np.concatenate((chain.rates, -leaving)), (rows, columns)), shape=(n, n)).tocsc()
    # State 0 is given the weight 1; the others then follow from a regular system.
    tail = splu(q[1:, 1:].tocsc()).solve(-q[1:, [0]].toarray().ravel())
    shares: Array = np.concatenate(([1.0], tail))
    assert np.all(shares > -1e-9 * shares.max()), "the chain is not irreducible"
    normalised: Array = np.maximum(shares, 0.0) / math.fsum(np.maximum(shares, 0.0).tolist())
    return normalised


def mean_time_to(moves: Moves[State], start: State, target: Callable[[State], bool]) -> float:
    """Mean time in s from `start` until a state with target(state) is entered.

    Computed without subtraction by sending the chain back from the target to `start` at rate 1 and looking at
    the shares of time, so that a mean of 1e15 s still has its digits. Asserts that the target is reached.

    >>> round(mean_time_to(lambda n: [(0.5, n + 1)], 0, lambda n: n == 3), 12)
    6.0
    """
    assert not target(start), "already there"

    def returning(state: State) -> Iterable[tuple[float, State]]:
        return [(1.0, start)] if target(state) else moves(state)

    chain = explore(returning, start)
    shares = stationary(chain.generator()).tolist()
    reached = math.fsum(p for state, p in zip(chain.states, shares, strict=True) if target(state))
    assert reached > 0, "the target cannot be reached"
    before = math.fsum(p for state, p in zip(chain.states, shares, strict=True) if not target(state))
    return before / reached


def birth_death(births: Sequence[float], deaths: Sequence[float]) -> Array:
    """Long-run shares of 0..n where k goes to k + 1 at births[k] and k + 1 goes back to k at deaths[k].

    births, deaths: rates per s, n each; deaths positive. Returns n + 1 shares, without overflow.
    Source: Kleinrock, Queueing Systems vol. 1 (1975), section 3.1.

    >>> birth_death([1.0, 1.0], [2.0, 2.0]).tolist()
    [0.5714285714285714, 0.2857142857142857, 0.14285714285714285]
    """
    assert len(births) == len(deaths), (len(births), len(deaths))
    assert all(0 <= b < math.inf for b in births)
    assert all(0 < d < math.inf for d in deaths)
    shares = [1.0]
    for birth, death in zip(births, deaths, strict=True):
        shares.append(shares[-1] * birth / death)
        if shares[-1] > 1e200:
            shares = [share / shares[-1] for share in shares]
    total = math.fsum(shares)
    return np.array(shares) / total


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
