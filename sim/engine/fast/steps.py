"""Simple steps: acquire, use, delay, mark and their kin. Steps with steps inside: `control`.

Each function takes one step and gives the next one, or GONE when the job waits or has ended.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
from sim.engine.fast.attempt_timers import start_attempt
from sim.engine.fast.batches import enter_commit, enter_polled, prompt
from sim.engine.fast.delays_and_buckets import customer_waits, drop_customer, enter_bucket, enter_room, new_customer
from sim.engine.fast.draw import number_of, time_of, time_of_step
from sim.engine.fast.failures import GONE, fail
from sim.engine.fast.jobs import grant_place, kept_visit, node_of, take_from_held, wait_for
from sim.engine.fast.layout import (
    AcquireStep,
    CountedItem,
    CountStep,
    DelayStep,
    Due,
    FailStep,
    Failure,
    ForgetStep,
    Grant,
    Header,
    Job,
    MarkStep,
    Node,
    NotifyStep,
    Op,
    Place,
    PlaceKind,
    PromptStep,
    Ref,
    ReleaseStep,
    SetItem,
    SetStep,
    Source,
    Step,
    Table,
    UseStep,
    Wait,
)
from sim.engine.fast.memory import Floats, Memory, high, low, multiple_above
from sim.engine.fast.monitors import watch_mark
from sim.engine.fast.nodes import group_node
from sim.engine.fast.plain import release_plain, use_plain
from sim.engine.fast.pools import drop_grant, granted_node, new_grant, request
from sim.engine.fast.recorder import recovered, span_ends
from sim.engine.fast.release import free_grant
from sim.engine.fast.servers import begin_visit, set_patience
from sim.engine.fast.timer_queues import notify, timer_end
from sim.engine.fast.timers import set_due
from sim.engine.order import COMPLETION


@inner
def per_attribute(m: Memory, job: Ref[Job], items: int, count: int) -> int:
    """What the attributes of the execution add to a time: pairs of attribute and time each."""
    attributes = high(m[job + Job.OWN]) + m[Header.JOB_ATTRIBUTES]
    total = 0
    for item in range(count):
        total += m[attributes + m[items + 2 * item]] * m[items + 2 * item + 1]
    return total


# -- acquire -----------------------------------------------------------------------------------------------


@inner
def acquired(m: Memory, job: Ref[Job], step: Ref[AcquireStep], grant: Ref[Grant]) -> int:
    """The units are there, and open: remember the node where the step says so."""
    slot = m[step + AcquireStep.AFFINITY]
    if slot >= 0:
        # + 1, so that 0 is none; a node lost in the meantime is forgotten with that
        m[high(m[job + Job.OWN]) + m[Header.JOB_AFFINITIES] + slot] = m[grant + Grant.NODE] & Grant.NODE_MASK
    return m[step + Step.NEXT]


@inner
def open_unit(m: Memory, f: Floats, job: Ref[Job], step: Ref[AcquireStep], grant: Ref[Grant]) -> int:
    """Wait until a unit has been opened."""
    place = m[step + AcquireStep.PLACE]
    m[grant + Grant.NODE] ^= Grant.OPENS
    path = child_path(m[job + Job.PATH], m[step + Step.STREAM_OFFSET])
    length = time_of(m, f, place + Place.DIST, path, 0)
    set_due(m, m[Header.NOW] + length, job, COMPLETION, m[place + Place.ELEMENT], Due.JOB)
    wait_for(m, job, Wait.OPENING, grant, step)
    return GONE


@inner
def _remembered(m: Memory, job: Ref[Job], step: Ref[AcquireStep]) -> int:
    """The node remembered, -1 for any, -2 when it is known to be gone and there is a way round."""
    node = m[high(m[job + Job.OWN]) + m[Header.JOB_AFFINITIES] + m[step + AcquireStep.AFFINITY]] - 1
    if node < 0:
        return -1
    where = group_node(m, m[m[step + AcquireStep.PLACE] + Place.GROUP], node)
    since = m[where + Node.SINCE]
    known = m[step + AcquireStep.LEASE] >= 0 and since >= 0 and m[Header.NOW] - since >= m[step + AcquireStep.LEASE]
    if known or m[where + Node.DRAINS]:
        return -2 if m[step + AcquireStep.OTHERWISE] else -1
    return node


@inner
def step_acquire(m: Memory, f: Floats, job: Ref[Job], step: Ref[AcquireStep]) -> int:
    """Take what is free, or wait for it."""
    place = m[step + AcquireStep.PLACE]
    bound = -1
    if m[step + AcquireStep.AT]:
        bound = node_of(m, job, m[step + AcquireStep.AT])
        if bound < 0:
            return fail(m, f, job, Failure.NOT_HELD, -1, False)
    elif m[step + AcquireStep.AFFINITY] >= 0:
        bound = _remembered(m, job, step)
        if bound == -2:
            return m[step + AcquireStep.OTHERWISE]
    grant = new_grant(m, place, job, step, bound)
    error = request(m, f, place, grant)
    if error:
        drop_grant(m, place, grant)
        return fail(m, f, job, error, -1, False)
    if granted_node(m, grant) >= 0:
        if m[grant + Grant.NODE] & Grant.OPENS:
            return open_unit(m, f, job, step, grant)
        return acquired(m, job, step, grant)
    set_patience(m, f, place, job, step, grant)
    wait_for(m, job, Wait.QUEUE, grant, step)
    return GONE


@inner
def step_release(m: Memory, f: Floats, job: Ref[Job], step: Ref[ReleaseStep]) -> int:
    """Give back what was acquired last."""
    place = m[step + ReleaseStep.PLACE]
    grant = low(m[job + Job.OWN])
    while grant and grant_place(m, grant) != place:
        grant = low(m[grant + Grant.HELD])
    if grant == 0:
        return fail(m, f, job, Failure.NOT_HELD, -1, False)
    if m[step + Step.CODE] == Op.RELEASE_PLAIN:
        release_plain(m, place, job, grant)
    else:
        take_from_held(m, job, grant)
        free_grant(m, f, grant)
    return m[step + Step.NEXT]


# -- use ---------------------------------------------------------------------------------------------------


@inner
def _use_customer(
    m: Memory, f: Floats, place: Ref[Place], kind: int, job: Ref[Job], step: Ref[UseStep], bound: int
) -> int:
    customer = new_customer(m, job, step)
    if kind == PlaceKind.BUCKET:
        error = enter_bucket(m, place, customer)
    elif kind == PlaceKind.COMMIT:
        error = enter_commit(m, f, place, customer)
    else:
        error = enter_polled(m, f, place, customer, bound)
    if error:
        drop_customer(m, customer)
    else:
        customer_waits(m, f, job, step, customer)
    return error


@inner
def _demand_of(m: Memory, f: Floats, job: Ref[Job], step: Ref[UseStep]) -> int:
    """How long the visit takes by itself."""
    demand = 0
    if m[step + UseStep.DEMAND]:
        demand = time_of_step(m, f, job, step + UseStep.DEMAND)
    if m[step + UseStep.PER + Table.COUNT]:
        demand = max(0, demand + per_attribute(m, job, m[step + UseStep.PER], m[step + UseStep.PER + Table.COUNT]))
    return demand


@inner
def step_use(m: Memory, f: Floats, job: Ref[Job], step: Ref[UseStep]) -> int:
    """Visit a station."""
    place = m[step + UseStep.PLACE]
    demand = _demand_of(m, f, job, step)
    if m[step + Step.CODE] == Op.USE_PLAIN and not kept_visit(m, job):
        use_plain(m, job, step, demand)
        return GONE
    bound = -1
    if m[step + UseStep.AT]:
        bound = node_of(m, job, m[step + UseStep.AT])
        if bound < 0:
            return fail(m, f, job, Failure.NOT_HELD, -1, False)
    kind = m[place + Place.KIND]
    error = 0
    if kind < PlaceKind.DELAY:
        error = begin_visit(m, f, place, job, step, demand, bound)
    elif kind == PlaceKind.DELAY:
        enter_room(m, place, job, step, demand)
    else:
        m[place + Place.REQUESTED] += 1
        error = _use_customer(m, f, place, kind, job, step, bound)
    return fail(m, f, job, error, -1, False) if error else GONE


# -- delay -------------------------------------------------------------------------------------------------


@inner
def step_delay(m: Memory, f: Floats, job: Ref[Job], step: Ref[DelayStep]) -> int:
    """Let time pass, with a floor and a grid."""
    length = time_of_step(m, f, job, step + DelayStep.DIST)
    if m[step + DelayStep.PER + Table.COUNT]:
        length += per_attribute(m, job, m[step + DelayStep.PER], m[step + DelayStep.PER + Table.COUNT])
    end = m[Header.NOW] + max(length, m[step + DelayStep.FLOOR])
    if m[step + DelayStep.GRID]:
        end = multiple_above(end, m[step + DelayStep.GRID])
    end = timer_end(m, m[step + DelayStep.TIMERS], end)
    set_due(m, end, job, m[step + DelayStep.KEY], m[step + Step.ELEMENT], Due.JOB)
    m[Header.ACTIVITIES] += 2
    wait_for(m, job, Wait.DELAY, 0, step)
    return GONE


# -- facts -------------------------------------------------------------------------------------------------


@inner
def step_mark(m: Memory, job: Ref[Job], step: Ref[MarkStep]) -> int:
    """End and begin spans; tell the monitors."""
    now = m[Header.NOW]
    execution = high(m[job + Job.OWN])
    spans = job + m[Header.JOB_SPANS]  # of each the instant of its begin + 1
    for item in range(m[step + MarkStep.ENDS + Table.COUNT]):
        at = m[step + MarkStep.ENDS] + 2 * item
        begun = m[spans + m[at]]
        if begun:
            m[spans + m[at]] = 0
            span_ends(m, m[at + 1], begun - 1)
    for item in range(m[step + MarkStep.STARTS + Table.COUNT]):
        m[spans + m[m[step + MarkStep.STARTS] + item]] = now + 1
    for item in range(m[step + MarkStep.RECOVERS + Table.COUNT]):
        recovered(m, execution, m[m[step + MarkStep.RECOVERS] + item])
    if m[step + MarkStep.READIES] >= 0:
        m[execution + m[Header.JOB_READIED] + m[step + MarkStep.READIES]] = now
    if m[step + MarkStep.WATCHED] >= 0:
        watch_mark(m, execution, step)
    return m[step + Step.NEXT]


@inner
def step_count(m: Memory, job: Ref[Job], step: Ref[CountStep]) -> int:
    """Count operations of the executions that started in the window; a count of 0 is told apart from none."""
    if m[job + Job.STATE] & Job.COHORT:
        routine = m[m[m[Header.SOURCES] + (m[job + Job.STATE] >> Job.SOURCE_SHIFT)] + Source.ROUTINE]
        base = m[Header.OPERATIONS] + 2 * routine * m[Header.OPERATIONS + Table.COUNT]
        for item in range(m[step + CountStep.COUNT]):
            at = base + 2 * m[step + CountStep.ITEMS + CountedItem.SIZE * item]
            m[at] += m[step + CountStep.ITEMS + CountedItem.SIZE * item + CountedItem.NUMBER]
            m[at + 1] = 1
    return m[step + Step.NEXT]


@inner
def step_set(m: Memory, f: Floats, job: Ref[Job], step: Ref[SetStep]) -> int:
    """Add to attributes, or assign."""
    attributes = high(m[job + Job.OWN]) + m[Header.JOB_ATTRIBUTES]
    for item in range(m[step + SetStep.COUNT]):
        at = step + SetStep.ITEMS + SetItem.SIZE * item
        value = number_of(m, f, at + 2, job, m[job + Job.PATH])
        if m[at + 1]:
            m[attributes + m[at]] += value
        else:
            m[attributes + m[at]] = value
    return m[step + Step.NEXT]


@inner
def step_fail(m: Memory, f: Floats, job: Ref[Job], step: Ref[FailStep]) -> int:
    """Fail, always or with a chance."""
    if (
        m[step + FailStep.ALWAYS]
        or uniform(m[step + FailStep.STREAM], m[job + Job.PATH], 0) < f[step + FailStep.CHANCE]
    ):
        return fail(m, f, job, m[step + FailStep.ERROR], -1, False)
    return m[step + Step.NEXT]


@inner
def step_start(m: Memory, job: Ref[Job], step: Ref[Step]) -> int:
    """The innermost attempt with a timeout has started, on the node of what is held last."""
    attempt = high(m[job + Job.REFS])
    if attempt:
        grant = low(m[job + Job.OWN])
        node = m[grant + Grant.NODE] & Grant.NODE_MASK if grant else 0
        where = group_node(m, m[grant_place(m, grant) + Place.GROUP], node - 1) if node else 0
        start_attempt(m, attempt, where)
    return m[step + Step.NEXT]


@inner
def step_forget(m: Memory, job: Ref[Job], step: Ref[ForgetStep]) -> int:
    """Forget a remembered node."""
    m[high(m[job + Job.OWN]) + m[Header.JOB_AFFINITIES] + m[step + ForgetStep.SLOT]] = 0
    return m[step + Step.NEXT]


@inner
def step_prompt(m: Memory, f: Floats, job: Ref[Job], step: Ref[PromptStep]) -> int:
    """Read a polled queue on the spot."""
    prompt(m, f, m[step + PromptStep.PLACE], job)
    return m[step + Step.NEXT]


@inner
def step_notify(m: Memory, step: Ref[NotifyStep]) -> int:
    """Tell a timer queue of something new."""
    notify(m, m[step + NotifyStep.TIMERS])
    return m[step + Step.NEXT]
