"""Plain places, the fast path: one node that never fails, FIFO, one unit, no limit, no patience.

Most places are so. What `pools` and `servers` ask of each grant is known of these beforehand: where a unit is free,
nobody waits, and who gives one back hands it to the first in line. The records are the same, so that whatever is rare
(an interruption, a deadlock) is told there.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.attempt_timers import attempts_granted
from sim.engine.fast.jobs import spend_two, take_from_held, wait_for, wake
from sim.engine.fast.layout import (
    LOW,
    AcquireStep,
    Due,
    Grant,
    Header,
    Job,
    Place,
    PlaceNode,
    Queue,
    Ref,
    Step,
    UseStep,
    Wait,
)
from sim.engine.fast.memory import Memory, add, allocate, free, high, low
from sim.engine.fast.meters import record_wait, tick, wait_begins
from sim.engine.fast.nodes import group_node
from sim.engine.fast.queues import append, unlink
from sim.engine.fast.timers import set_due
from sim.engine.order import COMPLETION

_HELD_UNIT = 1  # node 0, + 1


@inner
def _ask(m: Memory, place: Ref[Place], job: Ref[Job], step: Ref[Step], size: int) -> int:
    """A request; whether it is granted at once is yet to be seen."""
    m[place + Place.REQUESTED] += 1
    grant = allocate(m, size)
    m[grant + Grant.WHO] = job | step << 31
    m[grant + Grant.TIME] = m[Header.NOW]
    return grant


@inner
def _hold(m: Memory, place: Ref[Place], grant: Ref[Grant], job: Ref[Job], state: int) -> None:
    """The grant has a unit from now on; areas are up to date, and the unit is counted."""
    now = m[Header.NOW]
    account, own = m[job + Job.ACCOUNT], m[job + Job.OWN]
    m[grant + Grant.HELD] = low(own) | (account >> 31) << 31
    m[job + Job.ACCOUNT] = account + (1 << 31)
    m[job + Job.OWN] = own - low(own) + grant
    append(m, m[place + Place.NODES] + PlaceNode.HOLDERS, grant, Grant.LINKS)
    m[grant + Grant.NODE] = state | _HELD_UNIT | Grant.WAS_GRANTED
    requested = m[grant + Grant.TIME]
    m[grant + Grant.TIME] = now
    m[place + Place.SERVED] += 1
    record_wait(m, place, requested, now - requested, state & Grant.WAITED != 0)
    if m[Header.STARTED_BY_GRANT]:
        attempt = high(m[job + Job.REFS])
        if attempt:
            attempts_granted(m, attempt, group_node(m, m[place + Place.GROUP], 0))


@inner
def _takes_free(m: Memory, place: Ref[Place]) -> bool:
    """Take a unit if one is free."""
    node = m[place + Place.NODES]
    free = m[node + PlaceNode.FREE]
    if free == 0:
        return False
    m[node + PlaceNode.FREE] = free - 1
    tick(m, place)
    m[place + Place.BUSY] += 1
    return True


@inner
def _line_up(m: Memory, place: Ref[Place], grant: Ref[Grant]) -> None:
    wait_begins(m, place)
    m[grant + Grant.NODE] = Grant.WAITED | Grant.IN_QUEUE
    m[place + Place.QUEUE + Queue.LENGTH] += 1
    append(m, place + Place.QUEUE, grant, Grant.LINKS)


@inner
def _let_go(m: Memory, place: Ref[Place], job: Ref[Job], grant: Ref[Grant]) -> None:
    """The job does not hold the unit any more; nobody else does so far."""
    take_from_held(m, job, grant)
    unlink(m, m[place + Place.NODES] + PlaceNode.HOLDERS, grant, Grant.LINKS)
    tick(m, place)
    add(m, place + Place.HELD_SUM, m[Header.NOW] - m[grant + Grant.TIME])


@inner
def _first_in_line(m: Memory, place: Ref[Place]) -> int:
    """Who takes over a unit that is given back; 0 when nobody waits: it is free then."""
    first = m[place + Place.QUEUE + Queue.HEAD]
    if first == 0:
        m[m[place + Place.NODES] + PlaceNode.FREE] += 1
        m[place + Place.BUSY] -= 1
        return 0
    unlink(m, place + Place.QUEUE, first, Grant.LINKS)
    m[place + Place.QUEUE + Queue.LENGTH] -= 1
    m[place + Place.WAITING] -= 1
    add(m, place + Place.WAIT_SUM, m[Header.NOW] - m[first + Grant.TIME])
    return first


# -- resources ---------------------------------------------------------------------------------------------


@inner
def acquire_plain(m: Memory, job: Ref[Job], step: Ref[AcquireStep]) -> int:
    """Take a unit, or wait for it. Gives the next step, or 0 while the job waits."""
    place = m[step + AcquireStep.PLACE]
    grant = _ask(m, place, job, step, Grant.PLAIN_SIZE)
    if _takes_free(m, place):
        _hold(m, place, grant, job, 0)
        return m[step + Step.NEXT]
    _line_up(m, place, grant)
    wait_for(m, job, Wait.QUEUE, grant, step)
    return 0


@inner
def release_plain(m: Memory, place: Ref[Place], job: Ref[Job], grant: Ref[Grant]) -> None:
    """Give back a unit and let the next one have it."""
    _let_go(m, place, job, grant)
    free(m, grant, Grant.PLAIN_SIZE)
    first = _first_in_line(m, place)
    if first:
        other = m[first + Grant.WHO] & LOW
        _hold(m, place, first, other, Grant.WAITED)
        wake(m, other, 0)


# -- servers -----------------------------------------------------------------------------------------------


@inner
def _serve(m: Memory, place: Ref[Place], visit: Ref[Grant], job: Ref[Job], state: int) -> None:
    _hold(m, place, visit, job, state | Grant.IN_SERVICE)
    set_due(m, m[Header.NOW] + m[visit + Grant.DEMAND], job, COMPLETION, m[place + Place.ELEMENT], Due.JOB)


@inner
def use_plain(m: Memory, job: Ref[Job], step: Ref[UseStep], demand_ns: int) -> None:
    """Be served, at once or after a wait."""
    place = m[step + UseStep.PLACE]
    visit = _ask(m, place, job, step, Grant.VISIT_SIZE)
    m[visit + Grant.DEMAND] = demand_ns
    if _takes_free(m, place):
        _serve(m, place, visit, job, 0)
    else:
        _line_up(m, place, visit)
    wait_for(m, job, Wait.VISIT, visit, step)


@inner
def finish_plain(m: Memory, job: Ref[Job], step: Ref[UseStep], visit: Ref[Grant]) -> int:
    """The service is over: the first in line is served. Gives the next step."""
    place = m[step + UseStep.PLACE]
    passed = m[Header.NOW] - m[job + Job.SINCE]
    waited = max(0, passed - m[visit + Grant.DEMAND])
    spend_two(m, job, m[place + Place.STATE_WAIT], waited, m[place + Place.STATE_SERVICE])
    _let_go(m, place, job, visit)
    free(m, visit, Grant.VISIT_SIZE)
    first = _first_in_line(m, place)
    if first:
        _serve(m, place, first, m[first + Grant.WHO] & LOW, Grant.WAITED)
    return m[step + Step.NEXT]
