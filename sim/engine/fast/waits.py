"""Resumption: how a job goes on after a wait, or after an interruption of one."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.attempts import begin_attempt
from sim.engine.fast.control import fork_group_settled, take_steps
from sim.engine.fast.delays_and_buckets import account_cut_customer, finish_customer, leave_room
from sim.engine.fast.failures import (
    GONE,
    attempt_settled,
    called_off,
    fail,
    stop_waiting,
)
from sim.engine.fast.jobs import grant_place, spend, wait_kind
from sim.engine.fast.layout import (
    LOW,
    AcquireStep,
    AcquireStepAt,
    AttemptStep,
    DelayStep,
    Failure,
    Grant,
    GrantAt,
    Header,
    Job,
    JobAt,
    Op,
    Paused,
    Place,
    Step,
    UseStep,
    UseStepAt,
    Wait,
)
from sim.engine.fast.memory import Floats, Memory, free, high
from sim.engine.fast.plain import finish_plain
from sim.engine.fast.pools import drop_grant, stop_patience
from sim.engine.fast.release import pop_frame
from sim.engine.fast.servers import asked_visit, cut_visit, finish_visit
from sim.engine.fast.steps import (
    acquired,
    open_unit,
)
from sim.engine.fast.timer_queues import timer_ended


@inner
def _after_line(m: Memory, f: Floats, job: JobAt, step: AcquireStepAt, grant: GrantAt, value: int) -> int:
    """Units have been granted, or patience has run out."""
    place = grant_place(m, grant)
    spend(m, job, m[place + Place.STATE_WAIT], m[Header.NOW])
    if value:
        drop_grant(m, place, grant)
        if m[step + AcquireStep.OTHERWISE] == 0:
            return fail(m, f, job, Failure.PATIENCE, -1, False)
        return m[step + AcquireStep.OTHERWISE]
    stop_patience(m, place, grant)
    if m[grant + Grant.NODE] & Grant.OPENS:
        return open_unit(m, f, job, step, grant)
    return acquired(m, job, step, grant)


@inner
def _after_visit(m: Memory, f: Floats, job: JobAt, step: UseStepAt, visit: GrantAt, value: int) -> int:
    place = m[step + UseStep.PLACE]
    if value:
        cut_visit(m, f, place, job, visit)
        return fail(m, f, job, Failure.PATIENCE, -1, False)
    if m[step + Step.CODE] == Op.USE_PLAIN:
        return finish_plain(m, job, step, visit)
    error = finish_visit(m, f, place, job, step, visit)
    return fail(m, f, job, error, -1, False) if error else m[step + Step.NEXT]


@inner
def _after_rare(m: Memory, f: Floats, job: JobAt, step: int, kind: int, at: int, value: int) -> int:
    now = m[Header.NOW]
    if kind == Wait.OPENING:
        spend(m, job, m[grant_place(m, at) + Place.STATE_OPENING], now)
        return acquired(m, job, step, at)
    if kind == Wait.BLOCKED:
        place = m[step + UseStep.PLACE]
        spend(m, job, m[place + Place.STATE_BLOCKED], now)
        asked_visit(m, f, place, job, step, at)
        return GONE
    if kind == Wait.NO_SERVER:
        place = m[step + UseStep.PLACE]
        if value:
            account_cut_customer(m, place, job, at)
            return fail(m, f, job, Failure.PATIENCE, -1, False)
        error = finish_customer(m, f, place, job, step, at)
        return fail(m, f, job, error, -1, False) if error else m[step + Step.NEXT]
    if kind == Wait.FORK:
        return fork_group_settled(m, f, job, step, at)
    if kind == Wait.ATTEMPT:
        return attempt_settled(m, f, job, at)
    if kind == Wait.BACKOFF:
        spend(m, job, m[Header.STATE_BACKOFF], now)
        timer_ended(m, m[step + AttemptStep.TIMERS])
        return begin_attempt(m, f, job, high(m[job + Job.LINK]))
    # paused
    spend(m, job, m[Header.STATE_PAUSED], now)
    free(m, at, Paused.SIZE)
    return step


@inner
def go_on(m: Memory, f: Floats, job: JobAt, value: int) -> None:
    """The job's wait is over; value 1: because its patience has run out."""
    state = m[job + Job.STATE]
    kind = wait_kind(m, job)
    step = state & LOW
    at = m[job + Job.LINK] & LOW
    if kind == Wait.VISIT:
        step = _after_visit(m, f, job, step, at, value)
    elif kind == Wait.QUEUE:
        step = _after_line(m, f, job, step, at, value)
    elif kind == Wait.DELAY:
        spend(m, job, m[step + DelayStep.STATE], m[Header.NOW])
        timer_ended(m, m[step + DelayStep.TIMERS])
        step = m[step + Step.NEXT]
    elif kind == Wait.DELAY_STATION:
        place = m[step + UseStep.PLACE]
        leave_room(m, place, job, m[place + Place.STATE_SERVICE])
        step = m[step + Step.NEXT]
    elif kind != Wait.START:
        step = _after_rare(m, f, job, step, kind, at, value)
    take_steps(m, f, job, step)


@inner
def interrupted(m: Memory, f: Floats, job: JobAt, error: int, depth: int) -> None:
    """An interruption reaches the job at whatever it waits for."""
    between = wait_kind(m, job) == Wait.BACKOFF
    stop_waiting(m, f, job)
    if between:  # no attempt is under way that could fail
        pop_frame(m, job, high(m[job + Job.LINK]))
    if error == Failure.CANCELLED:
        called_off(m, f, job)
    else:
        take_steps(m, f, job, fail(m, f, job, error, depth, False))
