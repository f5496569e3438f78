"""Plain places: one node that never fails, first-come first-served, one unit at a time, nobody refused or in a hurry.

Most places are so. What `pools` and `servers` ask of each grant is known of these beforehand: where a unit is free,
nobody waits, and who gives one back hands it to the first in line. The records are the same, so that whatever is rare
(an interruption, a deadlock) is told there.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.alarms import key_of, set_alarm
from sim.engine.fast.jobs import grant_place, spend_two, take_from_held, wait_for, wake
from sim.engine.fast.layout import (
    AQ_PLACE,
    G_DEMAND,
    G_HELD,
    G_LINKS,
    G_NODE,
    G_PLAIN,
    G_TIME,
    G_VISIT,
    G_WHO,
    H_NOW,
    H_TRIALS,
    IN_LINE,
    IN_SERVICE,
    J_ACCOUNT,
    J_OWN,
    J_REFS,
    J_SINCE,
    L_HEAD,
    L_LENGTH,
    LOW,
    M_ASKED,
    M_BUSY,
    M_HELD_SUM,
    M_MAX,
    M_SERVED,
    M_WAIT_SUM,
    M_WAITING,
    N_FREE,
    N_HOLDERS,
    O_NEXT,
    P_ELEMENT,
    P_GROUP,
    P_LINE,
    P_NODES,
    P_ST_SERVICE,
    P_ST_WAIT,
    RE_PLACE,
    T_JOB,
    US_PLACE,
    W_LINE,
    W_VISIT,
    WAITED,
    WAS_GRANTED,
)
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
    m[place + M_ASKED] += 1
    grant = take(m, size)
    m[grant + G_WHO] = job | step << 31
    m[grant + G_TIME] = m[H_NOW]
    return grant


@inner
def _hold(m: Memory, place: int, grant: int, job: int, state: int) -> None:
    """The grant has a unit from now on; areas are up to date, and the unit is counted."""
    now = m[H_NOW]
    account, own = m[job + J_ACCOUNT], m[job + J_OWN]
    m[grant + G_HELD] = low(own) | (account >> 31) << 31
    m[job + J_ACCOUNT] = account + (1 << 31)
    m[job + J_OWN] = own - low(own) + grant
    append(m, m[place + P_NODES] + N_HOLDERS, grant, G_LINKS)
    m[grant + G_NODE] = state | _HELD_UNIT | WAS_GRANTED
    asked = m[grant + G_TIME]
    m[grant + G_TIME] = now
    m[place + M_SERVED] += 1
    record_wait(m, place, asked, now - asked, state & WAITED != 0)
    if m[H_TRIALS]:
        trial = high(m[job + J_REFS])
        if trial:
            trials_granted(m, trial, group_node(m, m[place + P_GROUP], 0))


@inner
def _takes_free(m: Memory, place: int) -> bool:
    """Take a unit if one is free."""
    node = m[place + P_NODES]
    free = m[node + N_FREE]
    if free == 0:
        return False
    m[node + N_FREE] = free - 1
    tick(m, place)
    m[place + M_BUSY] += 1
    return True


@inner
def _line_up(m: Memory, place: int, grant: int) -> None:
    tick(m, place)
    m[grant + G_NODE] = WAITED | IN_LINE
    waiting = m[place + M_WAITING] + 1
    m[place + M_WAITING] = waiting
    if waiting > m[place + M_MAX]:
        m[place + M_MAX] = waiting
    m[place + P_LINE + L_LENGTH] += 1
    append(m, place + P_LINE, grant, G_LINKS)


@inner
def _let_go(m: Memory, place: int, job: int, grant: int) -> None:
    """The job does not hold the unit any more; nobody else does so far."""
    take_from_held(m, job, grant)
    unlink(m, m[place + P_NODES] + N_HOLDERS, grant, G_LINKS)
    tick(m, place)
    add(m, place + M_HELD_SUM, m[H_NOW] - m[grant + G_TIME])


@inner
def _first_in_line(m: Memory, place: int) -> int:
    """Who takes over a unit that is given back; 0 when nobody waits: it is free then."""
    first = m[place + P_LINE + L_HEAD]
    if first == 0:
        m[m[place + P_NODES] + N_FREE] += 1
        m[place + M_BUSY] -= 1
        return 0
    unlink(m, place + P_LINE, first, G_LINKS)
    m[place + P_LINE + L_LENGTH] -= 1
    m[place + M_WAITING] -= 1
    add(m, place + M_WAIT_SUM, m[H_NOW] - m[first + G_TIME])
    return first


# -- resources ---------------------------------------------------------------------------------------------


@inner
def acquire_plain(m: Memory, job: int, step: int) -> int:
    """Take a unit, or wait for it. Gives the next step, or 0 while the job waits."""
    place = m[step + AQ_PLACE]
    grant = _ask(m, place, job, step, G_PLAIN)
    if _takes_free(m, place):
        _hold(m, place, grant, job, 0)
        return m[step + O_NEXT]
    _line_up(m, place, grant)
    wait_for(m, job, W_LINE, grant, step)
    return 0


@inner
def release_plain(m: Memory, job: int, step: int) -> int:
    """Give back the unit acquired last and let the next one have it. Gives the next step, or -1: it held none."""
    place = m[step + RE_PLACE]
    grant = low(m[job + J_OWN])
    while grant and grant_place(m, grant) != place:
        grant = low(m[grant + G_HELD])
    if grant == 0:
        return -1
    _let_go(m, place, job, grant)
    give(m, grant, G_PLAIN)
    first = _first_in_line(m, place)
    if first:
        other = m[first + G_WHO] & LOW
        _hold(m, place, first, other, WAITED)
        wake(m, other, 0)
    return m[step + O_NEXT]


# -- servers -----------------------------------------------------------------------------------------------


@inner
def _serve(m: Memory, place: int, visit: int, job: int, state: int) -> None:
    _hold(m, place, visit, job, state | IN_SERVICE)
    m[job] = key_of(COMPLETION, m[place + P_ELEMENT], T_JOB)
    set_alarm(m, m[H_NOW] + m[visit + G_DEMAND], job)


@inner
def use_plain(m: Memory, job: int, step: int, demand_ns: int) -> None:
    """Be served, at once or after a wait."""
    place = m[step + US_PLACE]
    visit = _ask(m, place, job, step, G_VISIT)
    m[visit + G_DEMAND] = demand_ns
    if _takes_free(m, place):
        _serve(m, place, visit, job, 0)
    else:
        _line_up(m, place, visit)
    wait_for(m, job, W_VISIT, visit, step)


@inner
def finish_plain(m: Memory, job: int, step: int, visit: int) -> int:
    """The service is over: the first in line is served. Gives the next step."""
    place = m[step + US_PLACE]
    passed = m[H_NOW] - m[job + J_SINCE]
    waited = max(0, passed - m[visit + G_DEMAND])
    spend_two(m, job, m[place + P_ST_WAIT], waited, m[place + P_ST_SERVICE])
    _let_go(m, place, job, visit)
    give(m, visit, G_VISIT)
    first = _first_in_line(m, place)
    if first:
        _serve(m, place, first, m[first + G_WHO] & LOW, WAITED)
    return m[step + O_NEXT]
