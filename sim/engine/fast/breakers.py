"""Circuit breakers: whether a try is let through, and what is learnt from its end.

A passage, which is leave to go through, is a word: low the circuit, high its phase; 0 is none.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.jobs import node_of
from sim.engine.fast.layout import (
    BC_BREAKER,
    BC_FAILED,
    BC_KNOWN,
    BC_NEXT,
    BC_OUTCOMES,
    BC_PHASE,
    BC_STATE,
    BC_THROUGH,
    BC_UNTIL,
    BK_ASKED,
    BK_AT,
    BK_CIRCUITS,
    BK_GROUP,
    BK_LEVEL,
    BK_OPEN,
    BK_OPENED,
    BK_OPENING,
    BK_REOPENING,
    BK_TRIALS,
    BK_TURNED,
    BK_WIDTH,
    BK_WINDOW,
    CIRCUIT_CLOSED,
    CIRCUIT_HALF_OPEN,
    CIRCUIT_OPEN,
    F_PASSAGE,
    H_BEGIN,
    H_BREAKERS,
    H_HORIZON,
    H_NOW,
    X_NOT_HELD,
    X_OPEN_CIRCUIT,
)
from sim.engine.fast.memory import Memory, high, low


@inner
def _counts(m: Memory) -> int:
    return 1 if m[H_BEGIN] <= m[H_NOW] < m[H_HORIZON] else 0


@inner
def _change(m: Memory, circuit: int, state: int) -> None:
    """A new state, with nothing remembered."""
    m[m[circuit + BC_BREAKER] + BK_LEVEL] += state - m[circuit + BC_STATE]
    m[circuit + BC_STATE] = state
    m[circuit + BC_PHASE] += 1
    m[circuit + BC_THROUGH] = 0
    m[circuit + BC_KNOWN] = 0
    m[circuit + BC_FAILED] = 0
    m[circuit + BC_NEXT] = 0


@inner
def ask_breaker(m: Memory, job: int, breaker: int) -> int:
    """Ask for a try: gives the passage, or the failure, negated."""
    circuit = m[breaker + BK_CIRCUITS]
    if m[breaker + BK_AT]:
        node = node_of(m, job, m[breaker + BK_AT])
        if node < 0:
            return -X_NOT_HELD
        circuit += node * m[breaker + BK_WIDTH]
    m[breaker + BK_ASKED] += _counts(m)
    if m[circuit + BC_STATE] == CIRCUIT_OPEN and m[H_NOW] >= m[circuit + BC_UNTIL]:
        _change(m, circuit, CIRCUIT_HALF_OPEN)
    state = m[circuit + BC_STATE]
    full = m[circuit + BC_THROUGH] + m[circuit + BC_KNOWN] >= m[breaker + BK_TRIALS]
    if state == CIRCUIT_OPEN or (state == CIRCUIT_HALF_OPEN and full):
        m[breaker + BK_TURNED] += _counts(m)
        return -X_OPEN_CIRCUIT
    m[circuit + BC_THROUGH] += 1
    return circuit | m[circuit + BC_PHASE] << 31


@inner
def _learn(m: Memory, circuit: int, failed: int) -> None:
    """A try that was let through in this phase has ended."""
    breaker = m[circuit + BC_BREAKER]
    m[circuit + BC_THROUGH] -= 1
    opens = False
    if m[circuit + BC_STATE] == CIRCUIT_CLOSED:
        window, place = m[breaker + BK_WINDOW], m[circuit + BC_NEXT]
        if m[circuit + BC_KNOWN] == window:
            m[circuit + BC_FAILED] -= m[circuit + BC_OUTCOMES + place]
        else:
            m[circuit + BC_KNOWN] += 1
        m[circuit + BC_OUTCOMES + place] = failed
        m[circuit + BC_NEXT] = 0 if place + 1 == window else place + 1
        m[circuit + BC_FAILED] += failed
        opens = m[circuit + BC_KNOWN] == window and m[circuit + BC_FAILED] >= m[breaker + BK_OPENING]
    else:
        m[circuit + BC_KNOWN] += 1
        m[circuit + BC_FAILED] += failed
        if m[circuit + BC_KNOWN] == m[breaker + BK_TRIALS]:
            opens = m[circuit + BC_FAILED] >= m[breaker + BK_REOPENING]
            if not opens:
                _change(m, circuit, CIRCUIT_CLOSED)
    if opens:
        _change(m, circuit, CIRCUIT_OPEN)
        m[circuit + BC_UNTIL] = m[H_NOW] + m[breaker + BK_OPEN]
        m[breaker + BK_OPENED] += _counts(m)


@inner
def try_ended(m: Memory, frame: int, failed: int) -> None:
    """The try of an attempt's frame has succeeded (0) or failed (1)."""
    passage = m[frame + F_PASSAGE]
    m[frame + F_PASSAGE] = 0
    if m[low(passage) + BC_PHASE] == high(passage):
        _learn(m, low(passage), failed)


@inner
def try_left(m: Memory, frame: int) -> None:
    """Somebody else has put an end to the try: its place is free again, and nothing is known."""
    passage = m[frame + F_PASSAGE]
    m[frame + F_PASSAGE] = 0
    if m[low(passage) + BC_PHASE] == high(passage):
        m[low(passage) + BC_THROUGH] -= 1


@inner
def breakers_down(m: Memory, group: int, node: int) -> None:
    """What a node knew is gone with it."""
    for number in range(m[H_BREAKERS + 1]):
        breaker = m[m[H_BREAKERS] + number]
        if m[breaker + BK_GROUP] == group:
            _change(m, m[breaker + BK_CIRCUITS] + node * m[breaker + BK_WIDTH], CIRCUIT_CLOSED)
