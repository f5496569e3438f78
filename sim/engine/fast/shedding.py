"""Load that is shed by the age of a line. Who asks, and what then becomes of it, is told in `pools`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.memory import Memory
from sim.engine.fast.nodes import node_at


@inner
def _is_old(m: Memory, place: int, line: int) -> bool:
    """Whether the one who came into a line first (of a priority line: anybody) has waited for long."""
    latest = m[L.H_NOW] - m[place + L.P_SHED]
    grant = m[line + L.L_HEAD]
    while grant:
        if m[grant + L.G_TIME] <= latest:
            return True
        grant = m[grant + L.G_LINKS] & L.LOW if m[place + L.P_QUEUE] == L.PRIORITY else 0
    return False


@inner
def sheds(m: Memory, place: int, grant: int, wanted: int) -> bool:
    """Whether it is turned away because the oldest in its line has waited for long. wanted: the one node, or -1."""
    if m[place + L.P_SPARES] and m[grant + L.G_PRIORITY] >= m[place + L.P_SPARED]:
        return False
    if wanted < 0:
        return _is_old(m, place, place + L.P_LINE)
    where = node_at(m, place, wanted)
    return _is_old(m, place, where + L.N_BOUND) or _is_old(m, place, where + L.N_CHOSEN)
