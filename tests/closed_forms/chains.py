"""Finite Markov chains written as moves between states, and solved: what closed forms are held against.

A chain is one function: given a state (any hashable value), the moves out of it as (rate per s, next state).

>>> def two_state(up):
...     return [(1 / 100, False)] if up else [(1 / 5, True)]       # fails after 100 s, repaired in 5 s
>>> round(steady(two_state, True).probability(lambda up: up), 12)
0.952380952381
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from calibration.closed_forms.chains import Array, stationary
from calibration.closed_forms.levels import Levels, Phase

State = TypeVar("State", bound=Hashable)


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


def level_share(levels: Levels[Phase], level: int) -> float:
    """Share of time at a level of an endless chain, any phase."""
    top = len(levels.shares) - 1
    if level <= top:
        return float(levels.shares[level].sum())
    return float((levels.shares[top] @ np.linalg.matrix_power(levels.rate_matrix, level - top)).sum())
