"""Circuit breakers: whether a try is let through, and what is learnt from its end.

A passage, which is leave to go through, is a word: low the circuit, high its phase; 0 is none.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.jobs import node_of
from sim.engine.fast.layout import Breaker, Circuit, CircuitState, Failure, Frame, Header
from sim.engine.fast.memory import Memory, high, low


@inner
def _counts(m: Memory) -> int:
    return 1 if m[Header.BEGIN] <= m[Header.NOW] < m[Header.HORIZON] else 0


@inner
def _change(m: Memory, circuit: int, state: int) -> None:
    """A new state, with nothing remembered."""
    m[m[circuit + Circuit.BREAKER] + Breaker.LEVEL] += state - m[circuit + Circuit.STATE]
    m[circuit + Circuit.STATE] = state
    m[circuit + Circuit.PHASE] += 1
    m[circuit + Circuit.THROUGH] = 0
    m[circuit + Circuit.KNOWN] = 0
    m[circuit + Circuit.FAILED] = 0
    m[circuit + Circuit.NEXT] = 0


@inner
def ask_breaker(m: Memory, job: int, breaker: int) -> int:
    """Ask for a try: gives the passage, or the failure, negated."""
    circuit = m[breaker + Breaker.CIRCUITS]
    if m[breaker + Breaker.AT]:
        node = node_of(m, job, m[breaker + Breaker.AT])
        if node < 0:
            return -Failure.NOT_HELD
        circuit += node * m[breaker + Breaker.WIDTH]
    m[breaker + Breaker.ASKED] += _counts(m)
    if m[circuit + Circuit.STATE] == CircuitState.OPEN and m[Header.NOW] >= m[circuit + Circuit.UNTIL]:
        _change(m, circuit, CircuitState.HALF_OPEN)
    state = m[circuit + Circuit.STATE]
    full = m[circuit + Circuit.THROUGH] + m[circuit + Circuit.KNOWN] >= m[breaker + Breaker.TRIALS]
    if state == CircuitState.OPEN or (state == CircuitState.HALF_OPEN and full):
        m[breaker + Breaker.TURNED] += _counts(m)
        return -Failure.OPEN_CIRCUIT
    m[circuit + Circuit.THROUGH] += 1
    return circuit | m[circuit + Circuit.PHASE] << 31


@inner
def _learn(m: Memory, circuit: int, failed: int) -> None:
    """A try that was let through in this phase has ended."""
    breaker = m[circuit + Circuit.BREAKER]
    m[circuit + Circuit.THROUGH] -= 1
    opens = False
    if m[circuit + Circuit.STATE] == CircuitState.CLOSED:
        window, place = m[breaker + Breaker.WINDOW], m[circuit + Circuit.NEXT]
        if m[circuit + Circuit.KNOWN] == window:
            m[circuit + Circuit.FAILED] -= m[circuit + Circuit.OUTCOMES + place]
        else:
            m[circuit + Circuit.KNOWN] += 1
        m[circuit + Circuit.OUTCOMES + place] = failed
        m[circuit + Circuit.NEXT] = 0 if place + 1 == window else place + 1
        m[circuit + Circuit.FAILED] += failed
        opens = m[circuit + Circuit.KNOWN] == window and m[circuit + Circuit.FAILED] >= m[breaker + Breaker.OPENING]
    else:
        m[circuit + Circuit.KNOWN] += 1
        m[circuit + Circuit.FAILED] += failed
        if m[circuit + Circuit.KNOWN] == m[breaker + Breaker.TRIALS]:
            opens = m[circuit + Circuit.FAILED] >= m[breaker + Breaker.REOPENING]
            if not opens:
                _change(m, circuit, CircuitState.CLOSED)
    if opens:
        _change(m, circuit, CircuitState.OPEN)
        m[circuit + Circuit.UNTIL] = m[Header.NOW] + m[breaker + Breaker.OPEN]
        m[breaker + Breaker.OPENED] += _counts(m)


@inner
def try_ended(m: Memory, frame: int, failed: int) -> None:
    """The try of an attempt's frame has succeeded (0) or failed (1)."""
    passage = m[frame + Frame.PASSAGE]
    m[frame + Frame.PASSAGE] = 0
    if m[low(passage) + Circuit.PHASE] == high(passage):
        _learn(m, low(passage), failed)


@inner
def try_left(m: Memory, frame: int) -> None:
    """Somebody else has put an end to the try: its place is free again, and nothing is known."""
    passage = m[frame + Frame.PASSAGE]
    m[frame + Frame.PASSAGE] = 0
    if m[low(passage) + Circuit.PHASE] == high(passage):
        m[low(passage) + Circuit.THROUGH] -= 1


@inner
def breakers_down(m: Memory, group: int, node: int) -> None:
    """What a node knew is gone with it."""
    for number in range(m[Header.BREAKER_COUNT]):
        breaker = m[m[Header.BREAKERS] + number]
        if m[breaker + Breaker.GROUP] == group:
            _change(m, m[breaker + Breaker.CIRCUITS] + node * m[breaker + Breaker.WIDTH], CircuitState.CLOSED)
