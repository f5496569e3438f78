"""Draws of the kernel: a distribution in memory and a stream give the same value as `sim.draws.sampler` does."""

from __future__ import annotations

from sim.draws.inverse import sample_of, to_ns
from sim.draws.jit import inner
from sim.draws.kinds import CONSTANT, EXPONENTIAL
from sim.draws.mathematics import log_of_normal
from sim.draws.streams import uniform
from sim.engine.fast.layout import (
    D_A,
    D_B,
    D_C,
    D_KIND,
    D_LENGTH,
    D_NS,
    D_TABLE,
    J_LINK,
    J_OWN,
    J_PATH,
    NUM_ATTRIBUTE,
    NUM_CONSTANT,
    X_ATTRIBUTES,
    X_FIRST,
)
from sim.engine.fast.memory import Floats, Memory, high


@inner
def _value(m: Memory, f: Floats, dist: int, stream: int, path: int, index: int) -> float:
    u = uniform(stream, path, index)
    if m[dist + D_KIND] == EXPONENTIAL:  # the most frequent one, at once
        return -f[dist + D_A] * log_of_normal(1.0 - u)
    return sample_of(
        m[dist + D_KIND], f[dist + D_A], f[dist + D_B], f[dist + D_C], f, m[dist + D_TABLE], m[dist + D_LENGTH], u
    )


@inner
def time_of(m: Memory, f: Floats, dist: int, stream: int, path: int, index: int) -> int:
    """A time in ns."""
    if m[dist + D_KIND] == CONSTANT:
        return m[dist + D_NS]
    return to_ns(_value(m, f, dist, stream, path, index))


@inner
def time_of_step(m: Memory, f: Floats, job: int, at: int) -> int:
    """A time of a step in ns; `at` is where its distribution and stream are, and whether sources draw it ahead."""
    if m[at + 2] and high(m[job + J_LINK]) == 0 and high(m[job + J_OWN]) == job:
        ahead = m[job + m[X_FIRST]]
        if ahead >= 0:
            return ahead
    return time_of(m, f, m[at], m[at + 1], m[job + J_PATH], 0)


@inner
def count_of(m: Memory, f: Floats, number: int, path: int) -> int:
    """A count that no attribute gives; `number` is where its three words are."""
    if m[number] == NUM_CONSTANT:
        return m[number + 1]
    return int(_value(m, f, m[number + 1], m[number + 2], path, 0))


@inner
def number_of(m: Memory, f: Floats, number: int, job: int, path: int) -> int:
    """A count that a step needs: plain, an attribute of the execution, or drawn."""
    if m[number] == NUM_ATTRIBUTE:
        return m[high(m[job + J_OWN]) + m[X_ATTRIBUTES] + m[number + 1]]
    return count_of(m, f, number, path)
