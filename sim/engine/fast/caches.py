"""What nodes remember: least-recently-used, lost with the node."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory, give, take

CACHE_NODE_SIZE = 3  # first, last, number


@inner
def _forget_entry(m: Memory, entry: int) -> None:
    """Take an entry out of its node, and out of the list of its execution."""
    where = m[entry + L.CE_NODE]
    unlink(m, where, entry, L.CE_LINKS)
    m[where + 2] -= 1
    job = m[entry + L.CE_JOB]
    if job:
        at = job + m[L.X_CACHED]
        if m[at] == entry:
            m[at] = m[entry + L.CE_NEXT]
        else:
            other = m[at]
            while m[other + L.CE_NEXT] != entry:
                other = m[other + L.CE_NEXT]
            m[other + L.CE_NEXT] = m[entry + L.CE_NEXT]
    give(m, entry, L.CE_SIZE)


@inner
def look(m: Memory, cache: int, node: int, execution: int) -> bool:
    """Whether the execution is remembered there; it is from now on, at the cost of the one unused longest."""
    where = m[cache + L.CA_NODES] + node * CACHE_NODE_SIZE
    entry = m[execution + m[L.X_CACHED]]
    while entry and m[entry + L.CE_NODE] != where:
        entry = m[entry + L.CE_NEXT]
    if entry:
        unlink(m, where, entry, L.CE_LINKS)
        append(m, where, entry, L.CE_LINKS)
        m[cache + L.CA_HITS] += 1
        return True
    m[cache + L.CA_MISSES] += 1
    entry = take(m, L.CE_SIZE)
    m[entry + L.CE_JOB] = execution
    m[entry + L.CE_NODE] = where
    m[entry + L.CE_NEXT] = m[execution + m[L.X_CACHED]]
    m[execution + m[L.X_CACHED]] = entry
    append(m, where, entry, L.CE_LINKS)
    m[where + 2] += 1
    if m[where + 2] > m[cache + L.CA_CAPACITY]:
        _forget_entry(m, m[where])
    return False


@inner
def drop_execution(m: Memory, execution: int) -> None:
    """The execution is closed: no node needs it any more."""
    at = execution + m[L.X_CACHED]
    while m[at]:
        _forget_entry(m, m[at])


@inner
def cache_down(m: Memory, cache: int, node: int) -> None:
    """Everything on a node is forgotten."""
    where = m[cache + L.CA_NODES] + node * CACHE_NODE_SIZE
    while m[where]:
        _forget_entry(m, m[where])
