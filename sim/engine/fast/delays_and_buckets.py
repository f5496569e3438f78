"""Stations without servers of their own: delay, token bucket, and what their visits share with batches.

Group commit and the polled queue, which serve in batches, are in `batches`.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path
from sim.engine.fast.draw import time_of
from sim.engine.fast.jobs import spend, wait_for, wake
from sim.engine.fast.layout import (
    LOW,
    Due,
    Failure,
    Guest,
    GuestAt,
    Header,
    Job,
    JobAt,
    Node,
    Place,
    PlaceAt,
    PlaceKind,
    PlaceStep,
    PlaceStepAt,
    Queue,
    QueueAt,
    Step,
    StepAt,
    Timer,
    Wait,
)
from sim.engine.fast.memory import Floats, Memory, allocate, free
from sim.engine.fast.meters import granted, released, wait_begins, wait_ends
from sim.engine.fast.nodes import group_node, spoils
from sim.engine.fast.queues import append, unlink
from sim.engine.fast.timers import cancel, is_set, key_of, set_alarm
from sim.engine.order import COMPLETION, TIMEOUT

# -- what they share ----------------------------------------------------------------------------------------


@inner
def new_guest(m: Memory, job: JobAt, step: StepAt) -> int:
    """A job comes to one of these stations."""
    guest = allocate(m, Guest.SIZE)
    m[guest + Guest.JOB] = job | step << 31
    m[guest + Guest.ASKED] = m[Header.NOW]
    m[guest + Guest.GRANTED] = m[Header.NOW]
    m[guest + Guest.STATE] = 0
    m[guest + Guest.LIMIT] = 0
    return guest


@inner
def begin_guest(m: Memory, place: PlaceAt, guest: GuestAt, waited: bool) -> None:
    """The service starts."""
    m[guest + Guest.STATE] |= Guest.INSIDE
    m[guest + Guest.GRANTED] = m[Header.NOW]
    if waited:
        wait_ends(m, place, m[guest + Guest.ASKED], True)
    granted(m, place, m[guest + Guest.ASKED], 1, waited)


@inner
def guest_done(m: Memory, place: PlaceAt, guest: GuestAt) -> None:
    """The service is over, or cut off."""
    m[guest + Guest.STATE] |= Guest.LEFT
    released(m, place, m[guest + Guest.GRANTED], 1)


@inner
def guest_gone(m: Memory, place: PlaceAt, guest: GuestAt) -> None:
    """Left the line without service."""
    m[guest + Guest.STATE] |= Guest.LEFT
    wait_ends(m, place, m[guest + Guest.ASKED], False)


@inner
def queue_guest(m: Memory, place: PlaceAt, line: QueueAt, guest: GuestAt) -> None:
    """Stand in a line of guests."""
    append(m, line, guest, Guest.LINKS)
    m[line + Queue.LENGTH] += 1
    wait_begins(m, place)


@inner
def unqueue_guest(m: Memory, line: QueueAt, guest: GuestAt) -> None:
    """Leave it."""
    unlink(m, line, guest, Guest.LINKS)
    m[line + Queue.LENGTH] -= 1


@inner
def drop_guest(m: Memory, guest: GuestAt) -> None:
    """Give the record back, with the alarm of its patience."""
    alarm = m[guest + Guest.LIMIT]
    if alarm:
        cancel(m, alarm)
        free(m, alarm, Timer.SIZE)
    free(m, guest, Guest.SIZE)


@inner
def guest_waits(m: Memory, f: Floats, job: JobAt, step: PlaceStepAt, guest: GuestAt) -> None:
    """The job waits for the end of the visit, or until its patience runs out."""
    if m[step + PlaceStep.PATIENCE] and m[guest + Guest.STATE] & Guest.INSIDE == 0:
        alarm = allocate(m, Timer.SIZE)
        m[alarm] = key_of(TIMEOUT, m[step + Step.ELEMENT], Due.PATIENCE)
        m[alarm + Timer.VISIT] = m[job + Job.ORDER]
        m[alarm + Timer.OWNER] = guest
        m[guest + Guest.LIMIT] = alarm
        length = time_of(m, f, m[step + PlaceStep.PATIENCE], m[step + PlaceStep.PATIENCE_STREAM], m[job + Job.PATH], 0)
        set_alarm(m, m[Header.NOW] + length, alarm)
    wait_for(m, job, Wait.NO_SERVER, guest, step)


@inner
def finish_guest(m: Memory, f: Floats, place: PlaceAt, job: JobAt, step: StepAt, guest: GuestAt) -> int:
    """The visit is over. Gives the failure, or 0."""
    spend(m, job, m[place + Place.STATE_WAIT], max(m[guest + Guest.GRANTED], m[job + Job.SINCE]))
    spend(m, job, m[place + Place.STATE_SERVICE], m[Header.NOW])
    node = m[guest + Guest.STATE] >> 2
    drop_guest(m, guest)
    kind = m[place + Place.KIND]
    if kind == PlaceKind.COMMIT or kind == PlaceKind.POLLED:
        group = m[place + Place.GROUP]
        if m[group_node(m, group, node) + Node.ERRORS]:
            if spoils(m, f, group, node, child_path(m[job + Job.PATH], m[step + Step.SALT])):
                return Failure.ERROR
    return 0


@inner
def account_cut_guest(m: Memory, place: PlaceAt, job: JobAt, guest: GuestAt) -> None:
    """Book the time of a visit that came to nothing, and give the record back."""
    if m[guest + Guest.STATE] & Guest.INSIDE:  # a service that is cut off is lost work
        spend(m, job, m[place + Place.STATE_WAIT], max(m[guest + Guest.GRANTED], m[job + Job.SINCE]))
        spend(m, job, m[Header.STATE_LOST], m[Header.NOW])
    spend(m, job, m[place + Place.STATE_WAIT], m[Header.NOW])
    drop_guest(m, guest)


# -- delay -------------------------------------------------------------------------------------------------


@inner
def enter_room(m: Memory, place: PlaceAt, job: JobAt, step: StepAt, demand_ns: int) -> None:
    """Be served at once."""
    m[place + Place.ASKED] += 1
    granted(m, place, m[Header.NOW], 1, False)
    m[job] = key_of(COMPLETION, m[place + Place.ELEMENT], Due.JOB)
    set_alarm(m, m[Header.NOW] + demand_ns, job)
    wait_for(m, job, Wait.DELAY_STATION, 0, step)


@inner
def leave_room(m: Memory, place: PlaceAt, job: JobAt, state: int) -> None:
    """Served, or cut off."""
    released(m, place, m[job + Job.SINCE], 1)
    spend(m, job, state, m[Header.NOW])


# -- token bucket ------------------------------------------------------------------------------------------


@inner
def _take_token(m: Memory, place: PlaceAt, guest: GuestAt, waited: bool) -> None:
    m[place + Place.FULL_AT] = max(m[place + Place.FULL_AT], m[Header.NOW]) + m[place + Place.INTERVAL]
    begin_guest(m, place, guest, waited)
    guest_done(m, place, guest)
    wake(m, m[guest + Guest.JOB] & LOW, 0)


@inner
def _plan_token(m: Memory, place: PlaceAt) -> None:
    alarm = place + Place.TIMER
    if not is_set(m, alarm) and m[place + Place.GUESTS]:
        m[alarm] = key_of(COMPLETION, m[place + Place.ELEMENT], Due.TOKEN)
        m[alarm + Timer.VISIT] = 0
        m[alarm + Timer.OWNER] = place
        set_alarm(m, m[place + Place.FULL_AT] - m[place + Place.SLACK], alarm)


@inner
def enter_bucket(m: Memory, place: PlaceAt, guest: GuestAt) -> int:
    """Take a token, or wait for one in line. Gives the failure, or 0."""
    line = place + Place.GUESTS
    if m[line] == 0 and m[place + Place.FULL_AT] - m[place + Place.SLACK] <= m[Header.NOW]:
        _take_token(m, place, guest, False)
        return 0
    limit = m[place + Place.LIMIT]
    if limit >= 0 and m[line + Queue.LENGTH] >= limit:
        m[place + Place.REJECTED] += 1
        return Failure.REJECTED
    queue_guest(m, place, line, guest)
    _plan_token(m, place)
    return 0


@inner
def token_comes(m: Memory, place: PlaceAt) -> None:
    """The head of the line has its token."""
    guest = m[place + Place.GUESTS]
    unqueue_guest(m, place + Place.GUESTS, guest)
    _take_token(m, place, guest, True)
    _plan_token(m, place)


@inner
def leave_bucket(m: Memory, place: PlaceAt, guest: GuestAt) -> None:
    """Leave the line."""
    unqueue_guest(m, place + Place.GUESTS, guest)
    guest_gone(m, place, guest)
    if m[place + Place.GUESTS] == 0:
        cancel(m, place + Place.TIMER)
