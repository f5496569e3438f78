"""Circuit breakers: whether a try is let through, and what is learnt from its end.

A passage, which is leave to go through, is a word: low the circuit, high its phase; 0 is none.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.jobs import node_of
from sim.engine.fast.memory import Memory, high, low


@inner
def _counts(m: Memory) -> int:
    return 1 if m[L.H_BEGIN] <= m[L.H_NOW] < m[L.H_HORIZON] else 0


@inner
def _change(m: Memory, circuit: int, state: int) -> None:
    """A new state, with nothing remembered."""
    m[m[circuit + L.BC_BREAKER] + L.BK_LEVEL] += state - m[circuit + L.BC_STATE]
    m[circuit + L.BC_STATE] = state
    m[circuit + L.BC_PHASE] += 1
    m[circuit + L.BC_THROUGH] = 0
    m[circuit + L.BC_KNOWN] = 0
    m[circuit + L.BC_FAILED] = 0
    m[circuit + L.BC_NEXT] = 0


@inner
def ask_breaker(m: Memory, job: int, breaker: int) -> int:
    """Ask for a try: gives the passage, or the failure, negated."""
    circuit = m[breaker + L.BK_CIRCUITS]
    if m[breaker + L.BK_AT]:
        node = node_of(m, job, m[breaker + L.BK_AT])
        if node < 0:
            return -L.X_NOT_HELD
        circuit += node * m[breaker + L.BK_WIDTH]
    m[breaker + L.BK_ASKED] += _counts(m)
    if m[circuit + L.BC_STATE] == L.CIRCUIT_OPEN and m[L.H_NOW] >= m[circuit + L.BC_UNTIL]:
        _change(m, circuit, L.CIRCUIT_HALF_OPEN)
    state = m[circuit + L.BC_STATE]
    full = m[circuit + L.BC_THROUGH] + m[circuit + L.BC_KNOWN] >= m[breaker + L.BK_TRIALS]
    if state == L.CIRCUIT_OPEN or (state == L.CIRCUIT_HALF_OPEN and full):
        m[breaker + L.BK_TURNED] += _counts(m)
        return -L.X_OPEN_CIRCUIT
    m[circuit + L.BC_THROUGH] += 1
    return circuit | m[circuit + L.BC_PHASE] << 31


@inner
def _learn(m: Memory, circuit: int, failed: int) -> None:
    """A try that was let through in this phase has ended."""
    breaker = m[circuit + L.BC_BREAKER]
    m[circuit + L.BC_THROUGH] -= 1
    opens = False
    if m[circuit + L.BC_STATE] == L.CIRCUIT_CLOSED:
        window, place = m[breaker + L.BK_WINDOW], m[circuit + L.BC_NEXT]
        if m[circuit + L.BC_KNOWN] == window:
            m[circuit + L.BC_FAILED] -= m[circuit + L.BC_OUTCOMES + place]
        else:
            m[circuit + L.BC_KNOWN] += 1
        m[circuit + L.BC_OUTCOMES + place] = failed
        m[circuit + L.BC_NEXT] = 0 if place + 1 == window else place + 1
        m[circuit + L.BC_FAILED] += failed
        opens = m[circuit + L.BC_KNOWN] == window and m[circuit + L.BC_FAILED] >= m[breaker + L.BK_OPENING]
    else:
        m[circuit + L.BC_KNOWN] += 1
        m[circuit + L.BC_FAILED] += failed
        if m[circuit + L.BC_KNOWN] == m[breaker + L.BK_TRIALS]:
            opens = m[circuit + L.BC_FAILED] >= m[breaker + L.BK_REOPENING]
            if not opens:
                _change(m, circuit, L.CIRCUIT_CLOSED)
    if opens:
        _change(m, circuit, L.CIRCUIT_OPEN)
        m[circuit + L.BC_UNTIL] = m[L.H_NOW] + m[breaker + L.BK_OPEN]
        m[breaker + L.BK_OPENED] += _counts(m)


@inner
def try_ended(m: Memory, frame: int, failed: int) -> None:
    """The try of an attempt's frame has succeeded (0) or failed (1)."""
    passage = m[frame + L.F_PASSAGE]
    m[frame + L.F_PASSAGE] = 0
    if m[low(passage) + L.BC_PHASE] == high(passage):
        _learn(m, low(passage), failed)


@inner
def try_left(m: Memory, frame: int) -> None:
    """Somebody else has put an end to the try: its place is free again, and nothing is known."""
    passage = m[frame + L.F_PASSAGE]
    m[frame + L.F_PASSAGE] = 0
    if m[low(passage) + L.BC_PHASE] == high(passage):
        m[low(passage) + L.BC_THROUGH] -= 1


@inner
def breakers_down(m: Memory, group: int, node: int) -> None:
    """What a node knew is gone with it."""
    for number in range(m[L.H_BREAKERS + 1]):
        breaker = m[m[L.H_BREAKERS] + number]
        if m[breaker + L.BK_GROUP] == group:
            _change(m, m[breaker + L.BK_CIRCUITS] + node * m[breaker + L.BK_WIDTH], L.CIRCUIT_CLOSED)
