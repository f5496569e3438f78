"""Plain places: one node that never fails, first-come first-served, one unit at a time, nobody refused or in a hurry.

Most places are so. What `pools` and `servers` ask of each grant is known of these beforehand: where a unit is free,
nobody waits, and who gives one back hands it to the first in line. The records are the same, so that whatever is rare
(an interruption, a deadlock) is told there.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import key_of, set_alarm
from sim.engine.fast.jobs import grant_place, spend_two, take_from_held, wait_for, wake
from sim.engine.fast.lines import append, unlink
from sim.engine.fast.memory import Memory, add, give, high, low, take
from sim.engine.fast.meters import record_wait, tick
from sim.engine.fast.nodes import group_node
from sim.engine.fast.trials import trials_granted
from sim.engine.order import COMPLETION

_HELD_UNIT = 1  # node 0, + 1


@inner
def _ask(m: Memory, place: int, job: int, step: int, size: int) -> int:
    """A request; whether it is granted at once is yet to be seen."""
    m[place + L.M_ASKED] += 1
    grant = take(m, size)
    m[grant + L.G_WHO] = job | step << 31
    m[grant + L.G_TIME] = m[L.H_NOW]
    return grant


@inner
def _hold(m: Memory, place: int, grant: int, job: int, state: int) -> None:
    """The grant has a unit from now on; areas are up to date, and the unit is counted."""
    now = m[L.H_NOW]
    account, own = m[job + L.J_ACCOUNT], m[job + L.J_OWN]
    m[grant + L.G_HELD] = low(own) | (account >> 31) << 31
    m[job + L.J_ACCOUNT] = account + (1 << 31)
    m[job + L.J_OWN] = own - low(own) + grant
    append(m, m[place + L.P_NODES] + L.N_HOLDERS, grant, L.G_LINKS)
    m[grant + L.G_NODE] = state | _HELD_UNIT | L.WAS_GRANTED
    asked = m[grant + L.G_TIME]
    m[grant + L.G_TIME] = now
    m[place + L.M_SERVED] += 1
    record_wait(m, place, asked, now - asked, state & L.WAITED != 0)
    if m[L.H_TRIALS]:
        trial = high(m[job + L.J_REFS])
        if trial:
            trials_granted(m, trial, group_node(m, m[place + L.P_GROUP], 0))


@inner
def _takes_free(m: Memory, place: int) -> bool:
    """Take a unit if one is free."""
    node = m[place + L.P_NODES]
    free = m[node + L.N_FREE]
    if free == 0:
        return False
    m[node + L.N_FREE] = free - 1
    tick(m, place)
    m[place + L.M_BUSY] += 1
    return True


@inner
def _line_up(m: Memory, place: int, grant: int) -> None:
    tick(m, place)
    m[grant + L.G_NODE] = L.WAITED | L.IN_LINE
    waiting = m[place + L.M_WAITING] + 1
    m[place + L.M_WAITING] = waiting
    if waiting > m[place + L.M_MAX]:
        m[place + L.M_MAX] = waiting
    m[place + L.P_LINE + L.L_LENGTH] += 1
    append(m, place + L.P_LINE, grant, L.G_LINKS)


@inner
def _let_go(m: Memory, place: int, job: int, grant: int) -> None:
    """The job does not hold the unit any more; nobody else does so far."""
    take_from_held(m, job, grant)
    unlink(m, m[place + L.P_NODES] + L.N_HOLDERS, grant, L.G_LINKS)
    tick(m, place)
    add(m, place + L.M_HELD_SUM, m[L.H_NOW] - m[grant + L.G_TIME])


@inner
def _first_in_line(m: Memory, place: int) -> int:
    """Who takes over a unit that is given back; 0 when nobody waits: it is free then."""
    first = m[place + L.P_LINE + L.L_HEAD]
    if first == 0:
        m[m[place + L.P_NODES] + L.N_FREE] += 1
        m[place + L.M_BUSY] -= 1
        return 0
    unlink(m, place + L.P_LINE, first, L.G_LINKS)
    m[place + L.P_LINE + L.L_LENGTH] -= 1
    m[place + L.M_WAITING] -= 1
    add(m, place + L.M_WAIT_SUM, m[L.H_NOW] - m[first + L.G_TIME])
    return first


# -- resources ---------------------------------------------------------------------------------------------


@inner
def acquire_plain(m: Memory, job: int, step: int) -> int:
    """Take a unit, or wait for it. Gives the next step, or 0 while the job waits."""
    place = m[step + L.AQ_PLACE]
    grant = _ask(m, place, job, step, L.G_PLAIN)
    if _takes_free(m, place):
        _hold(m, place, grant, job, 0)
        return m[step + L.O_NEXT]
    _line_up(m, place, grant)
    wait_for(m, job, L.W_LINE, grant, step)
    return 0


@inner
def release_plain(m: Memory, job: int, step: int) -> int:
    """Give back the unit acquired last and let the next one have it. Gives the next step, or -1: it held none."""
    place = m[step + L.RE_PLACE]
    grant = low(m[job + L.J_OWN])
    while grant and grant_place(m, grant) != place:
        grant = low(m[grant + L.G_HELD])
    if grant == 0:
        return -1
    _let_go(m, place, job, grant)
    give(m, grant, L.G_PLAIN)
    first = _first_in_line(m, place)
    if first:
        other = m[first + L.G_WHO] & L.LOW
        _hold(m, place, first, other, L.WAITED)
        wake(m, other, 0)
    return m[step + L.O_NEXT]


# -- servers -----------------------------------------------------------------------------------------------


@inner
def _serve(m: Memory, place: int, visit: int, job: int, state: int) -> None:
    _hold(m, place, visit, job, state | L.IN_SERVICE)
    m[job] = key_of(COMPLETION, m[place + L.P_ELEMENT], L.T_JOB)
    set_alarm(m, m[L.H_NOW] + m[visit + L.G_DEMAND], job)


@inner
def use_plain(m: Memory, job: int, step: int, demand_ns: int) -> None:
    """Be served, at once or after a wait."""
    place = m[step + L.US_PLACE]
    visit = _ask(m, place, job, step, L.G_VISIT)
    m[visit + L.G_DEMAND] = demand_ns
    if _takes_free(m, place):
        _serve(m, place, visit, job, 0)
    else:
        _line_up(m, place, visit)
    wait_for(m, job, L.W_VISIT, visit, step)


@inner
def finish_plain(m: Memory, job: int, step: int, visit: int) -> int:
    """The service is over: the first in line is served. Gives the next step."""
    place = m[step + L.US_PLACE]
    passed = m[L.H_NOW] - m[job + L.J_SINCE]
    waited = max(0, passed - m[visit + L.G_DEMAND])
    spend_two(m, job, m[place + L.P_ST_WAIT], waited, m[place + L.P_ST_SERVICE])
    _let_go(m, place, job, visit)
    give(m, visit, L.G_VISIT)
    first = _first_in_line(m, place)
    if first:
        _serve(m, place, first, m[first + L.G_WHO] & L.LOW, L.WAITED)
    return m[step + L.O_NEXT]
