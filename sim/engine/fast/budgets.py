"""Retry budgets: first tries put parts of a token in, further ones take whole tokens out."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.jobs import node_of
from sim.engine.fast.layout import Budget, Header
from sim.engine.fast.memory import Memory
from sim.network.policies import TOKEN


@inner
def _change(m: Memory, budget: int, node: int, by: int) -> None:
    m[m[budget + Budget.NODES] + node] += by
    m[budget + Budget.SUM] += by


@inner
def _node(m: Memory, job: int, budget: int) -> int:
    """The node whose budget it is, -1 where no unit is held."""
    return node_of(m, job, m[budget + Budget.AT]) if m[budget + Budget.AT] else 0


@inner
def put_in(m: Memory, job: int, budget: int) -> None:
    """A first try is made."""
    node = _node(m, job, budget)
    if node >= 0:
        room = m[budget + Budget.FULL] - m[m[budget + Budget.NODES] + node]
        _change(m, budget, node, min(m[budget + Budget.DEPOSIT], room))


@inner
def take_token(m: Memory, job: int, budget: int) -> bool:
    """Whether there is a token for a further try, which takes it."""
    node = _node(m, job, budget)
    counts = 1 if m[Header.BEGIN] <= m[Header.NOW] < m[Header.HORIZON] else 0
    m[budget + Budget.WANTED] += counts
    if node < 0 or m[m[budget + Budget.NODES] + node] < TOKEN:
        m[budget + Budget.WITHHELD] += counts
        return False
    _change(m, budget, node, -TOKEN)
    return True


@inner
def budgets_down(m: Memory, group: int, node: int) -> None:
    """A node's budget is what it is at the start."""
    for number in range(m[Header.BUDGET_COUNT]):
        budget = m[m[Header.BUDGETS] + number]
        if m[budget + Budget.GROUP] == group:
            _change(m, budget, node, m[budget + Budget.FULL] - m[m[budget + Budget.NODES] + node])
