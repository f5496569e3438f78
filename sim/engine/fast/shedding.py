"""Load shedding: a request is refused while the oldest in its queue has waited longer than a limit."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import LOW, Grant, GrantAt, Header, Place, PlaceAt, PlaceNode, Queue, QueueAt
from sim.engine.fast.memory import Memory
from sim.engine.fast.nodes import node_at
from sim.engine.fast.queues import is_ranked


@inner
def _is_old(m: Memory, place: PlaceAt, line: QueueAt) -> bool:
    """Whether the one who came into a line first (of a ranked line: anybody) has waited for long."""
    latest = m[Header.NOW] - m[place + Place.SHED]
    grant = m[line + Queue.HEAD]
    while grant:
        if m[grant + Grant.TIME] <= latest:
            return True
        grant = m[grant + Grant.LINKS] & LOW if is_ranked(m[place + Place.DISCIPLINE]) else 0
    return False


@inner
def sheds(m: Memory, place: PlaceAt, grant: GrantAt, wanted: int) -> bool:
    """Whether it is turned away because the oldest in its line has waited for long. wanted: the one node, or -1."""
    if m[place + Place.SPARES] and m[grant + Grant.PRIORITY] >= m[place + Place.SPARED]:
        return False
    if wanted < 0:
        return _is_old(m, place, place + Place.QUEUE)
    where = node_at(m, place, wanted)
    return _is_old(m, place, where + PlaceNode.BOUND) or _is_old(m, place, where + PlaceNode.CHOSEN)
