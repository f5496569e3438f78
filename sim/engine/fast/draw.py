"""Draws of the kernel: a distribution in memory and a stream give the same value as `sim.draws.sampler` does."""

from __future__ import annotations

from sim.draws.inverse import sample_of, to_ns
from sim.draws.jit import inner
from sim.draws.kinds import CONSTANT, EXPONENTIAL
from sim.draws.mathematics import log_of_normal
from sim.draws.streams import uniform
from sim.engine.fast import layout as L
from sim.engine.fast.memory import Floats, Memory, high


@inner
def _value(m: Memory, f: Floats, dist: int, stream: int, path: int, index: int) -> float:
    u = uniform(stream, path, index)
    if m[dist + L.D_KIND] == EXPONENTIAL:  # the most frequent one, at once
        return -f[dist + L.D_A] * log_of_normal(1.0 - u)
    return sample_of(
        m[dist + L.D_KIND],
        f[dist + L.D_A],
        f[dist + L.D_B],
        f[dist + L.D_C],
        f,
        m[dist + L.D_TABLE],
        m[dist + L.D_LENGTH],
        u,
    )


@inner
def time_of(m: Memory, f: Floats, dist: int, stream: int, path: int, index: int) -> int:
    """A time in ns."""
    if m[dist + L.D_KIND] == CONSTANT:
        return m[dist + L.D_NS]
    return to_ns(_value(m, f, dist, stream, path, index))


@inner
def time_of_step(m: Memory, f: Floats, job: int, at: int) -> int:
    """A time of a step in ns; `at` is where its distribution and stream are, and whether sources draw it ahead."""
    if m[at + 2] and high(m[job + L.J_LINK]) == 0 and high(m[job + L.J_OWN]) == job:
        ahead = m[job + m[L.X_FIRST]]
        if ahead >= 0:
            return ahead
    return time_of(m, f, m[at], m[at + 1], m[job + L.J_PATH], 0)


@inner
def count_of(m: Memory, f: Floats, number: int, path: int) -> int:
    """A count that no attribute gives; `number` is where its three words are."""
    if m[number] == L.NUM_CONSTANT:
        return m[number + 1]
    return int(_value(m, f, m[number + 1], m[number + 2], path, 0))


@inner
def number_of(m: Memory, f: Floats, number: int, job: int, path: int) -> int:
    """A count that a step needs: plain, an attribute of the execution, or drawn."""
    if m[number] == L.NUM_ATTRIBUTE:
        return m[high(m[job + L.J_OWN]) + m[L.X_ATTRIBUTES] + m[number + 1]]
    return count_of(m, f, number, path)
