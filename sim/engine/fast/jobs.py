"""Jobs and executions: creation, grants held, time booked by state, release of the record.

A job is one thread of control. The record of an execution's main line carries what belongs to the execution.
`failures` and `release` end jobs; `steps` and `control` take their steps.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.layout import (
    LOW,
    Attempt,
    Due,
    Family,
    Grant,
    Group,
    Header,
    Immediate,
    Job,
    Node,
    Place,
    PlaceStep,
    Ref,
    Source,
    Step,
    Table,
    Wait,
    Word,
)
from sim.engine.fast.memory import Floats, Memory, allocate, cleared, free, high, low, run_next, set_high, set_low
from sim.engine.fast.timers import key_of

# -- state --------------------------------------------------------------------------------------------------


@inner
def wait_kind(m: Memory, job: Ref[Job]) -> int:
    """What the job waits for."""
    return m[job + Job.STATE] >> Job.WAIT_SHIFT & Job.WAIT_MASK


@inner
def wait_for(m: Memory, job: Ref[Job], kind: int, at: Word, step: Ref[Step]) -> None:
    """Wait, at a place or for an timer; `step` is where the job stands."""
    m[job + Job.STATE] = (m[job + Job.STATE] & Job.MOVING_MASK) | kind << Job.WAIT_SHIFT | step
    set_low(m, job + Job.LINK, at)


@inner
def wake(m: Memory, job: Ref[Job], value: int) -> None:
    """Let a job go on, after those who were woken before. value: 1 says that patience has run out."""
    m[job + Job.STATE] |= Job.WOKEN
    run_next(m, Immediate.RESUME, job | value * Immediate.VALUE)


@inner
def priority_of(m: Memory, job: Ref[Job]) -> int:
    """The priority of its execution: that of the source, or of whom it is a child of."""
    if m[Header.JOB_FAMILY]:
        return m[high(m[job + Job.OWN]) + m[Header.JOB_FAMILY] + Family.PRIORITY]
    return m[m[m[Header.SOURCES] + (m[job + Job.STATE] >> Job.SOURCE_SHIFT)] + Source.PRIORITY]


# -- time --------------------------------------------------------------------------------------------------


@inner
def split_of(m: Memory, job: Ref[Job]) -> int:
    """Where the job's times by state are: in the row of the execution, or, of a child, made when first needed."""
    split = low(m[job + Job.ACCOUNT])
    if split == 0:
        split = cleared(m, m[Header.STATES])
        set_low(m, job + Job.ACCOUNT, split)
    return split


@inner
def spend(m: Memory, job: Ref[Job], state: int, now: int) -> None:
    """Book the time since the last booking to a state."""
    passed = now - m[job + Job.SINCE]
    if passed:
        m[job + Job.SINCE] = now
        if m[job + Job.STATE] & Job.COHORT:
            m[split_of(m, job) + state] += passed


@inner
def spend_two(m: Memory, job: Ref[Job], first: int, amount: int, second: int) -> None:
    """Book `amount` of the time since the last booking to one state and the rest to another."""
    now = m[Header.NOW]
    passed = now - m[job + Job.SINCE]
    if passed:
        m[job + Job.SINCE] = now
        if m[job + Job.STATE] & Job.COHORT:
            split = split_of(m, job)
            m[split + first] += amount
            m[split + second] += passed - amount


@inner
def snapshot(m: Memory, job: Ref[Job]) -> int:
    """A copy of the job's times, 0 when there are none."""
    split = low(m[job + Job.ACCOUNT])
    states = m[Header.STATES]
    known = 0
    for state in range(states if split else 0):
        known |= m[split + state]
    if known == 0:
        return 0
    copy = allocate(m, states)
    for state in range(states):
        m[copy + state] = m[split + state]
    return copy


@inner
def lose(m: Memory, job: Ref[Job], before: int) -> None:
    """Book everything since a snapshot to lost work."""
    lost = m[Header.STATE_LOST]
    spend(m, job, lost, m[Header.NOW])
    split = low(m[job + Job.ACCOUNT])
    if split == 0:
        return
    total = 0
    for state in range(m[Header.STATES]):
        known = m[before + state] if before else 0
        total += m[split + state] - known
        m[split + state] = known
    m[split + lost] += total


@inner
def take_over(m: Memory, job: Ref[Job], child: Ref[Job]) -> None:
    """Go on where a child leaves off: its time is now one's own, and so are the spans that it has begun."""
    m[job + Job.SINCE] = m[Header.NOW]
    given = low(m[child + Job.ACCOUNT])
    if given:
        own = split_of(m, job)
        for state in range(m[Header.STATES]):
            m[own + state] += m[given + state]
    take_spans(m, job, child)


@inner
def take_spans(m: Memory, job: Ref[Job], child: Ref[Job]) -> None:
    """Carry the spans that a child has open."""
    at = m[Header.JOB_SPANS]
    for span in range(m[Header.SPANS]):
        m[job + at + span] = m[child + at + span]


# -- making and giving back --------------------------------------------------------------------------------


@inner
def _common(m: Memory, job: Ref[Job], order: int, path: int, code: int, flags: int) -> None:
    m[job + Job.KEY] = key_of(0, 0, Due.JOB)
    m[job + Job.ORDER] = order
    m[job + Job.PATH] = path
    m[job + Job.SINCE] = m[Header.NOW]
    m[job + Job.STATE] = flags | Wait.START << Job.WAIT_SHIFT | code
    m[job + Job.LINK] = 0
    m[job + Job.ACCOUNT] = 0


@inner
def new_execution(m: Memory, order: int, path: int, code: int, source: Ref[Source], cohort: int) -> int:
    """The main line of an execution, which begins as an immediate event."""
    size = m[Header.MAIN_SIZE]
    job = allocate(m, size)
    _common(m, job, order, path, code, source << Job.SOURCE_SHIFT | cohort)
    m[job + Job.OWN] = job << 31
    for field in range(Job.TREE, size):
        m[job + field] = 0
    if m[Header.TREE]:
        m[job + Job.BEGAN] = m[Header.NOW]
    if m[Header.JOB_OPEN]:
        m[job + m[Header.JOB_OPEN]] = 1
    run_next(m, Immediate.START, job)
    return job


@inner
def start_state(m: Memory, job: Ref[Job], path: int) -> None:
    """What an execution begins with: its path, no time drawn ahead, the start values of the attributes."""
    if m[Header.JOB_PATH]:
        m[job + m[Header.JOB_PATH]] = path
    if m[Header.JOB_FIRST]:
        m[job + m[Header.JOB_FIRST]] = -1
    for attribute in range(m[Header.START_VALUES + Table.COUNT]):
        m[job + m[Header.JOB_ATTRIBUTES] + attribute] = m[m[Header.START_VALUES] + attribute]


@inner
def new_child(m: Memory, parent: Ref[Job], path: int, code: int, within: int, attempt: Ref[Attempt]) -> int:
    """A child job, which begins as an immediate event."""
    execution = high(m[parent + Job.OWN])
    number = m[execution + m[Header.JOB_CHILDREN]] + 1
    m[execution + m[Header.JOB_CHILDREN]] = number
    if m[Header.JOB_OPEN]:
        m[execution + m[Header.JOB_OPEN]] += 1
    job = allocate(m, m[Header.CHILD_SIZE])
    order = m[execution + Job.ORDER] | number
    _common(
        m,
        job,
        order,
        path,
        code,
        m[parent + Job.STATE] >> Job.SOURCE_SHIFT << Job.SOURCE_SHIFT | (m[parent + Job.STATE] & Job.COHORT),
    )
    m[job + Job.OWN] = execution << 31
    m[job + Job.TREE] = parent | within << 31
    m[job + Job.SIBLINGS] = 0
    m[job + Job.REFS] = (attempt if attempt else high(m[parent + Job.REFS])) << 31
    m[job + Job.BEGAN] = m[Header.NOW]
    m[job + Job.SAGA] = m[parent + Job.SAGA] & LOW
    take_spans(m, job, parent)
    m[parent + Job.REFS] += 1
    run_next(m, Immediate.START, job)
    return job


@inner
def _free_sagas(m: Memory, job: Ref[Job]) -> None:
    saga = m[job + m[Header.JOB_SAGAS]]
    while saga:
        following = m[saga + 1]
        entry = m[saga]
        while entry:
            under = m[entry + 1]
            free(m, entry, 2)
            entry = under
        free(m, saga, 2)
        saga = following


@inner
def _forget_cached(m: Memory, job: Ref[Job]) -> None:
    """What nodes remember of an execution that is gone belongs to nobody."""
    entry = m[job + m[Header.JOB_CACHED]]
    while entry:
        m[entry] = 0
        entry = m[entry + 3]


@inner
def free_job(m: Memory, job: Ref[Job]) -> None:
    """Give the record back when the job has ended and nobody needs it; then perhaps its parent's, and so on."""
    while job:
        state = m[job + Job.STATE]
        if state & Job.ENDED == 0 or state & (Job.STALE_MASK | Job.PENDING_MASK):
            return
        if m[Header.TREE] and m[job + Job.REFS] & LOW:
            return
        if high(m[job + Job.OWN]) == job:
            if m[Header.JOB_MARKED] and m[job + m[Header.JOB_MARKED]]:
                return  # dropped, and yet to be judged
            if m[Header.JOB_SAGAS]:
                _free_sagas(m, job)
            if m[Header.JOB_CACHED]:
                _forget_cached(m, job)
            free(m, job, m[Header.MAIN_SIZE])
            return
        split = low(m[job + Job.ACCOUNT])
        if split:
            free(m, split, m[Header.STATES])
        parent, within = low(m[job + Job.TREE]), high(m[job + Job.TREE])
        if within and high(m[job + Job.REFS]) == within:  # the child of a timed attempt
            free(m, within, Attempt.SIZE)
        free(m, job, m[Header.CHILD_SIZE])
        m[parent + Job.REFS] -= 1
        job = parent


@inner
def release_record(m: Memory, job: Ref[Job]) -> None:
    """One who needed the record of a child does so no longer."""
    m[job + Job.REFS] -= 1
    free_job(m, job)


@inner
def drop_stale(m: Memory, job: Ref[Job]) -> None:
    """A wake-up that came too late is used up."""
    m[job + Job.STATE] -= Job.STALE_ONE
    free_job(m, job)


# -- what is held ------------------------------------------------------------------------------------------


@inner
def grant_place(m: Memory, grant: Ref[Grant]) -> int:
    """The place of a grant."""
    return m[high(m[grant + Grant.WHO]) + PlaceStep.PLACE]


@inner
def take_from_held(m: Memory, job: Ref[Job], grant: Ref[Grant]) -> None:
    """The job no longer counts a grant among its own."""
    top = low(m[job + Job.OWN])
    if top == grant:
        set_low(m, job + Job.OWN, low(m[grant + Grant.HELD]))
        return
    while low(m[top + Grant.HELD]) != grant:
        top = low(m[top + Grant.HELD])
    set_low(m, top + Grant.HELD, low(m[grant + Grant.HELD]))


@inner
def holds(m: Memory, job: Ref[Job], depth: int) -> bool:
    """Whether the job holds its grant number `depth`."""
    grant = low(m[job + Job.OWN])
    while grant:
        if high(m[grant + Grant.HELD]) == depth:
            return True
        grant = low(m[grant + Grant.HELD])
    return False


@inner
def kept_visit(m: Memory, job: Ref[Job]) -> int:
    """The visit whose server the job keeps until there is room at the next station, or 0."""
    return high(m[job + Job.SAGA]) if m[Header.TREE] else 0


@inner
def keep_no_more(m: Memory, job: Ref[Job]) -> None:
    """The job does not keep a server any more."""
    kept = high(m[job + Job.SAGA])
    if kept:
        m[kept + Grant.NODE] = (m[kept + Grant.NODE] | Grant.KEPT) ^ Grant.KEPT
        set_high(m, job + Job.SAGA, 0)


@inner
def holding(m: Memory, job: Ref[Job], place: Ref[Place]) -> int:
    """The grant of a resource acquired last by the job or by those that it is a part of, or 0."""
    while job:
        grant = low(m[job + Job.OWN])
        while grant:
            if grant_place(m, grant) == place:
                return grant
            grant = low(m[grant + Grant.HELD])
        job = low(m[job + Job.TREE]) if m[Header.TREE] else 0
    return 0


@inner
def node_of(m: Memory, job: Ref[Job], place: Ref[Place]) -> int:
    """The node of the unit of a resource held last, or -1."""
    grant = holding(m, job, place)
    return (m[grant + Grant.NODE] & Grant.NODE_MASK) - 1 if grant else -1


@inner
def paused_at(m: Memory, f: Floats, job: Ref[Job]) -> int:
    """The node, paused, that the job or one that it is a part of holds a unit on; 0 where there is none."""
    if not m[Header.PAUSES]:
        return 0
    while job:
        found = 0
        grant = low(m[job + Job.OWN])
        while grant:
            node = m[grant + Grant.NODE] & Grant.NODE_MASK
            if node:
                at = m[m[grant_place(m, grant) + Place.GROUP] + Group.NODES] + (node - 1) * Node.SIZE
                if f[at + Node.SPEED] == 0.0:
                    found = at  # of several, the one acquired first
            grant = low(m[grant + Grant.HELD])
        if found:
            return found
        job = low(m[job + Job.TREE]) if m[Header.TREE] else 0
    return 0
