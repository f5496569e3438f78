"""Markov chains without an end: a level (jobs present) times a few phases, the same from some level on.

Such quasi-birth-death chains are solved exactly by matrix-geometric methods, without cutting the queue off.
Queues written in this way are in `phased`; finite chains are in `chains`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from calibration.closed_forms.chains import Array, stationary
from sim.errors import Unstable

Phase = TypeVar("Phase", bound=Hashable)
LevelMoves = Callable[[int, Phase], Iterable[tuple[float, int, Phase]]]


@dataclass(frozen=True, slots=True)
class Levels(Generic[Phase]):
    """Long-run shares of an endless chain.

    phases[n]: the phases of level n for n = 0..N; level N's are those of every further level too.
    shares[n]: share of time in each of them, for n = 0..N.
    rate_matrix: R, shape (m, m); the shares of level N + k are shares[N] R^k.
    """

    phases: tuple[tuple[Phase, ...], ...]
    shares: tuple[Array, ...]
    rate_matrix: Array

    def mean(self, value: Callable[[int, Phase], float]) -> float:
        """Time average of value(level, phase), exact if value is linear in the level from level N on.

        Jobs present, jobs waiting and busy servers all are.
        """
        top = len(self.shares) - 1
        total = math.fsum(
            float(share) * value(n, phase)
            for n in range(top)
            for phase, share in zip(self.phases[n], self.shares[n].tolist(), strict=True)
        )
        identity = np.eye(len(self.rate_matrix))
        # Sums over k of R^k and of k R^k, as row vectors after shares[N].
        zeroth = np.linalg.solve((identity - self.rate_matrix).T, self.shares[top])
        first = np.linalg.solve((identity - self.rate_matrix).T, zeroth @ self.rate_matrix)
        at_top = np.array([value(top, phase) for phase in self.phases[top]])
        slope = np.array([value(top + 1, phase) for phase in self.phases[top]]) - at_top
        return total + float(zeroth @ at_top) + float(first @ slope)


def solve_levels(
    moves: LevelMoves[Phase], phases: Callable[[int], Sequence[Phase]], repeats_from: int
) -> Levels[Phase]:
    """Long-run shares of the chain in which (level, phase) makes the moves (rate per s, level, phase).

    moves: may change the level by one at most.
    phases: the phases of a level; from level `repeats_from` = N >= 1 on they stay the same, and so do the moves
        up and sideways; the moves down stay the same from N + 1 on.

    Raises Unstable where the level grows without bound.
    Sources: Neuts, Matrix-Geometric Solutions in Stochastic Models (1981), chapter 3; the first-passage matrix
    by the logarithmic reduction of Latouche & Ramaswami, J. Applied Probability 30 (1993); the levels below N
    by the linear level reduction of Gaver, Jacobs & Latouche, Advances in Applied Probability 16 (1984).
    """
    assert repeats_from >= 1, repeats_from
    top = repeats_from
    names = tuple(tuple(phases(n)) for n in range(top + 1))
    blocks = [_Blocks.at(n, moves, phases) for n in range(top + 2)]
    _assert_repeating(blocks[top], blocks[top + 1], _Blocks.at(top + 2, moves, phases))

    up, local, down = blocks[top].up, blocks[top].local, blocks[top + 1].down
    passage = _first_passage(up, local, down)
    rate_matrix = up @ np.linalg.inv(-(local + up @ passage))
    radius = float(np.abs(np.linalg.eigvals(rate_matrix)).max())
    if radius > 1 - 1e-9:
        raise Unstable("more arrives than can be served: the queue grows without bound")

    # Fold level after level into the one above; `folded[n]` lives on level n with all below it passed through.
    folded = [blocks[0].local]
    for n in range(1, top + 1):
        below = np.linalg.solve(-folded[n - 1], blocks[n - 1].up)
        folded.append(blocks[n].local + blocks[n].down @ below)
    shares: list[Array] = [stationary(folded[top] + up @ passage)]
    for n in range(top, 0, -1):
        lower = np.linalg.solve(-folded[n - 1].T, shares[-1] @ blocks[n].down)
        shares.append(np.asarray(lower, dtype=float))
    shares.reverse()
    beyond = float(np.linalg.solve((np.eye(len(up)) - rate_matrix).T, shares[top]).sum())
    total = math.fsum(float(share.sum()) for share in shares[:top]) + beyond
    return Levels(names, tuple(share / total for share in shares), rate_matrix)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Rates out of one level: to the next, within (with the negative row sums on the diagonal), to the last."""

    up: Array
    local: Array
    down: Array

    @classmethod
    def at(cls, level: int, moves: LevelMoves[Phase], phases: Callable[[int], Sequence[Phase]]) -> _Blocks:
        here = phases(level)
        places = {n: {phase: i for i, phase in enumerate(phases(n))} for n in range(max(level - 1, 0), level + 2)}
        block = {n: np.zeros((len(here), len(index))) for n, index in places.items()}
        for i, phase in enumerate(here):
            for rate, to_level, to_phase in moves(level, phase):
                assert 0 <= rate < math.inf, f"rate {rate} from {level, phase} to {to_level, to_phase}"
                block[to_level][i, places[to_level][to_phase]] += rate
                block[level][i, i] -= rate
        return cls(block[level + 1], block[level], block.get(level - 1, np.zeros((len(here), 0))))


def _assert_repeating(top: _Blocks, second: _Blocks, third: _Blocks) -> None:
    same = (
        np.array_equal(top.up, second.up)
        and np.array_equal(top.local, second.local)
        and np.array_equal(second.down, third.down)
    )
    assert same, "the moves do not repeat from the level that was named"


def _first_passage(up: Array, local: Array, down: Array) -> Array:
    """G[i, j]: the chance that, from phase i of a level, the level below is first entered in phase j."""
    inverse = np.linalg.inv(-local)
    rise, fall = inverse @ up, inverse @ down
    passage, carried = fall.copy(), rise.copy()
    identity = np.eye(len(local))
    for _ in range(64):  # each round looks twice as high as the one before
        middle = np.linalg.inv(identity - rise @ fall - fall @ rise)
        rise, fall = middle @ rise @ rise, middle @ fall @ fall
        added = carried @ fall
        passage += added
        carried = carried @ rise
        if added.max() < 1e-17:
            break
    return passage
