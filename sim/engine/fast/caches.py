"""LRU caches of nodes; a node that crashes loses its cache."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import Cache, CacheEntry, Header, Job, Queue, Ref
from sim.engine.fast.memory import Memory, allocate, free
from sim.engine.fast.queues import append, unlink


@inner
def _forget_entry(m: Memory, entry: Ref[CacheEntry]) -> None:
    """Take an entry out of its node, and out of the list of its execution."""
    where = m[entry + CacheEntry.NODE]
    unlink(m, where, entry, CacheEntry.LINKS)
    m[where + Queue.LENGTH] -= 1
    job = m[entry + CacheEntry.JOB]
    if job:
        at = job + m[Header.JOB_CACHED]
        if m[at] == entry:
            m[at] = m[entry + CacheEntry.NEXT]
        else:
            other = m[at]
            while m[other + CacheEntry.NEXT] != entry:
                other = m[other + CacheEntry.NEXT]
            m[other + CacheEntry.NEXT] = m[entry + CacheEntry.NEXT]
    free(m, entry, CacheEntry.SIZE)


@inner
def look(m: Memory, cache: Ref[Cache], node: int, execution: Ref[Job]) -> bool:
    """Whether the execution is remembered there; it is from now on, at the cost of the one unused longest."""
    where = m[cache + Cache.NODES] + node * Queue.SIZE
    entry = m[execution + m[Header.JOB_CACHED]]
    while entry and m[entry + CacheEntry.NODE] != where:
        entry = m[entry + CacheEntry.NEXT]
    if entry:
        unlink(m, where, entry, CacheEntry.LINKS)
        append(m, where, entry, CacheEntry.LINKS)
        m[cache + Cache.HITS] += 1
        return True
    m[cache + Cache.MISSES] += 1
    entry = allocate(m, CacheEntry.SIZE)
    m[entry + CacheEntry.JOB] = execution
    m[entry + CacheEntry.NODE] = where
    m[entry + CacheEntry.NEXT] = m[execution + m[Header.JOB_CACHED]]
    m[execution + m[Header.JOB_CACHED]] = entry
    append(m, where, entry, CacheEntry.LINKS)
    m[where + Queue.LENGTH] += 1
    if m[where + Queue.LENGTH] > m[cache + Cache.CAPACITY]:
        _forget_entry(m, m[where])
    return False


@inner
def drop_execution(m: Memory, execution: Ref[Job]) -> None:
    """The execution is closed: no node needs it any more."""
    at = execution + m[Header.JOB_CACHED]
    while m[at]:
        _forget_entry(m, m[at])


@inner
def cache_down(m: Memory, cache: Ref[Cache], node: int) -> None:
    """Everything on a node is forgotten."""
    where = m[cache + Cache.NODES] + node * Queue.SIZE
    while m[where]:
        _forget_entry(m, m[where])
