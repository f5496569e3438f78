"""Circuit breakers and retry budgets: whether a call is let through, whether it may be retried.

A passage, which is leave to go through a breaker, is a word: low the circuit, high its phase; 0 is none.
First tries put parts of a token into a budget, further ones take whole tokens out.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.jobs import node_of
from sim.engine.fast.layout import (
    Breaker,
    Budget,
    Circuit,
    CircuitState,
    Failure,
    Frame,
    Group,
    Header,
    Job,
    Ref,
    Table,
)
from sim.engine.fast.memory import Memory, high, low
from sim.network.policies import TOKEN

# -- circuit breakers: whether an attempt is let through, and what is learnt from its end ----------------------------


@inner
def _counts(m: Memory) -> int:
    return 1 if m[Header.BEGIN] <= m[Header.NOW] < m[Header.HORIZON] else 0


@inner
def _enter_state(m: Memory, circuit: Ref[Circuit], state: int) -> None:
    """A new state, with nothing remembered."""
    m[m[circuit + Circuit.BREAKER] + Breaker.LEVEL] += state - m[circuit + Circuit.STATE]
    m[circuit + Circuit.STATE] = state
    m[circuit + Circuit.PHASE] += 1
    m[circuit + Circuit.THROUGH] = 0
    m[circuit + Circuit.KNOWN] = 0
    m[circuit + Circuit.FAILED] = 0
    m[circuit + Circuit.NEXT] = 0


@inner
def ask_breaker(m: Memory, job: Ref[Job], breaker: Ref[Breaker]) -> int:
    """Ask for a try: gives the passage, or the failure, negated."""
    circuit = m[breaker + Breaker.CIRCUITS]
    if m[breaker + Breaker.AT]:
        node = node_of(m, job, m[breaker + Breaker.AT])
        if node < 0:
            return -Failure.NOT_HELD
        circuit += node * m[breaker + Breaker.WIDTH]
    m[breaker + Breaker.REQUESTED] += _counts(m)
    if m[circuit + Circuit.STATE] == CircuitState.OPEN and m[Header.NOW] >= m[circuit + Circuit.UNTIL]:
        _enter_state(m, circuit, CircuitState.HALF_OPEN)
    state = m[circuit + Circuit.STATE]
    full = m[circuit + Circuit.THROUGH] + m[circuit + Circuit.KNOWN] >= m[breaker + Breaker.TRIALS]
    if state == CircuitState.OPEN or (state == CircuitState.HALF_OPEN and full):
        m[breaker + Breaker.TURNED] += _counts(m)
        return -Failure.OPEN_CIRCUIT
    m[circuit + Circuit.THROUGH] += 1
    return circuit | m[circuit + Circuit.PHASE] << 31


@inner
def _learn(m: Memory, circuit: Ref[Circuit], failed: int) -> None:
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
                _enter_state(m, circuit, CircuitState.CLOSED)
    if opens:
        _enter_state(m, circuit, CircuitState.OPEN)
        m[circuit + Circuit.UNTIL] = m[Header.NOW] + m[breaker + Breaker.OPEN]
        m[breaker + Breaker.OPENED] += _counts(m)


@inner
def passage_ended(m: Memory, frame: Ref[Frame], failed: int) -> None:
    """The try of an attempt's frame has succeeded (0) or failed (1)."""
    passage = m[frame + Frame.PASSAGE]
    m[frame + Frame.PASSAGE] = 0
    if m[low(passage) + Circuit.PHASE] == high(passage):
        _learn(m, low(passage), failed)


@inner
def passage_left(m: Memory, frame: Ref[Frame]) -> None:
    """Somebody else has put an end to the try: its place is free again, and nothing is known."""
    passage = m[frame + Frame.PASSAGE]
    m[frame + Frame.PASSAGE] = 0
    if m[low(passage) + Circuit.PHASE] == high(passage):
        m[low(passage) + Circuit.THROUGH] -= 1


@inner
def breakers_down(m: Memory, group: Ref[Group], node: int) -> None:
    """What a node knew is gone with it."""
    for number in range(m[Header.BREAKERS + Table.COUNT]):
        breaker = m[m[Header.BREAKERS] + number]
        if m[breaker + Breaker.GROUP] == group:
            _enter_state(m, m[breaker + Breaker.CIRCUITS] + node * m[breaker + Breaker.WIDTH], CircuitState.CLOSED)


# -- retry budgets ---------------------------------------------------------------------------------------------------


@inner
def _add_tokens(m: Memory, budget: Ref[Budget], node: int, by: int) -> None:
    m[m[budget + Budget.NODES] + node] += by
    m[budget + Budget.SUM] += by


@inner
def _node(m: Memory, job: Ref[Job], budget: Ref[Budget]) -> int:
    """The node whose budget it is, -1 where no unit is held."""
    return node_of(m, job, m[budget + Budget.AT]) if m[budget + Budget.AT] else 0


@inner
def put_in(m: Memory, job: Ref[Job], budget: Ref[Budget]) -> None:
    """A first try is made."""
    node = _node(m, job, budget)
    if node >= 0:
        room = m[budget + Budget.FULL] - m[m[budget + Budget.NODES] + node]
        _add_tokens(m, budget, node, min(m[budget + Budget.DEPOSIT], room))


@inner
def take_token(m: Memory, job: Ref[Job], budget: Ref[Budget]) -> bool:
    """Whether there is a token for a further try, which takes it."""
    node = _node(m, job, budget)
    counts = 1 if m[Header.BEGIN] <= m[Header.NOW] < m[Header.HORIZON] else 0
    m[budget + Budget.WANTED] += counts
    if node < 0 or m[m[budget + Budget.NODES] + node] < TOKEN:
        m[budget + Budget.WITHHELD] += counts
        return False
    _add_tokens(m, budget, node, -TOKEN)
    return True


@inner
def budgets_down(m: Memory, group: Ref[Group], node: int) -> None:
    """A node's budget is what it is at the start."""
    for number in range(m[Header.BUDGETS + Table.COUNT]):
        budget = m[m[Header.BUDGETS] + number]
        if m[budget + Budget.GROUP] == group:
            _add_tokens(m, budget, node, m[budget + Budget.FULL] - m[m[budget + Budget.NODES] + node])
