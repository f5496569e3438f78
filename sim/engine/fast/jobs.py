"""Jobs and executions: how they are made, what they hold, where their time is booked, when their record is given back.

A job is one thread of control. The record of an execution's main line carries what belongs to the execution.
What starts, fails and ends a job is told in `ends`; what it does, in `steps` and the files of the primitives.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.alarms import key_of
from sim.engine.fast.layout import (
    COHORT,
    D_SIZE,
    D_SPEED,
    E_RESUME,
    E_START,
    E_VALUE,
    ENDED,
    G_HELD,
    G_NODE,
    G_WHO,
    GR_NODES,
    H_CHILD_SIZE,
    H_MAIN_SIZE,
    H_NOW,
    H_PAUSES,
    H_SPANS,
    H_ST_LOST,
    H_STATES,
    H_TREE,
    J_ACCOUNT,
    J_BEGAN,
    J_KEY,
    J_LINK,
    J_ORDER,
    J_OWN,
    J_PATH,
    J_REFS,
    J_SAGA,
    J_SIBLINGS,
    J_SINCE,
    J_STATE,
    J_TREE,
    KEPT,
    LOW,
    MOVING_MASK,
    NODE_MASK,
    O_ARGS,
    P_GROUP,
    PENDING_MASK,
    SOURCE_SHIFT,
    STALE_MASK,
    STALE_ONE,
    T_JOB,
    W_START,
    WAIT_MASK,
    WAIT_SHIFT,
    WOKEN,
    X_CACHED,
    X_CHILDREN,
    X_MARKED,
    X_OPEN,
    X_SAGAS,
    X_SPANS,
    Y_SIZE,
)
from sim.engine.fast.memory import Floats, Memory, effect, give, high, low, set_high, set_low, take

# -- state --------------------------------------------------------------------------------------------------


@inner
def wait_kind(m: Memory, job: int) -> int:
    """What the job waits for."""
    return m[job + J_STATE] >> WAIT_SHIFT & WAIT_MASK


@inner
def wait_for(m: Memory, job: int, kind: int, at: int, step: int) -> None:
    """Wait, at a place or for an alarm; `step` is where the job stands."""
    m[job + J_STATE] = (m[job + J_STATE] & MOVING_MASK) | kind << WAIT_SHIFT | step
    set_low(m, job + J_LINK, at)


@inner
def wake(m: Memory, job: int, value: int) -> None:
    """Let a job go on, after those who were woken before. value: 1 says that patience has run out."""
    m[job + J_STATE] |= WOKEN
    effect(m, E_RESUME, job | value * E_VALUE)


# -- time --------------------------------------------------------------------------------------------------


@inner
def split_of(m: Memory, job: int) -> int:
    """Where the job's times by state are: in the row of the execution, or, of a child, made when first needed."""
    split = low(m[job + J_ACCOUNT])
    if split == 0:
        states = m[H_STATES]
        split = take(m, states)
        for state in range(states):
            m[split + state] = 0
        set_low(m, job + J_ACCOUNT, split)
    return split


@inner
def spend(m: Memory, job: int, state: int, now: int) -> None:
    """Book the time since the last booking to a state."""
    passed = now - m[job + J_SINCE]
    if passed:
        m[job + J_SINCE] = now
        if m[job + J_STATE] & COHORT:
            m[split_of(m, job) + state] += passed


@inner
def spend_two(m: Memory, job: int, first: int, amount: int, second: int) -> None:
    """Book `amount` of the time since the last booking to one state and the rest to another."""
    now = m[H_NOW]
    passed = now - m[job + J_SINCE]
    if passed:
        m[job + J_SINCE] = now
        if m[job + J_STATE] & COHORT:
            split = split_of(m, job)
            m[split + first] += amount
            m[split + second] += passed - amount


@inner
def snapshot(m: Memory, job: int) -> int:
    """A copy of the job's times, 0 when there are none."""
    split = low(m[job + J_ACCOUNT])
    states = m[H_STATES]
    known = 0
    for state in range(states if split else 0):
        known |= m[split + state]
    if known == 0:
        return 0
    copy = take(m, states)
    for state in range(states):
        m[copy + state] = m[split + state]
    return copy


@inner
def lose(m: Memory, job: int, before: int) -> None:
    """Book everything since a snapshot to lost work."""
    lost = m[H_ST_LOST]
    spend(m, job, lost, m[H_NOW])
    split = low(m[job + J_ACCOUNT])
    if split == 0:
        return
    total = 0
    for state in range(m[H_STATES]):
        known = m[before + state] if before else 0
        total += m[split + state] - known
        m[split + state] = known
    m[split + lost] += total


@inner
def take_over(m: Memory, job: int, child: int) -> None:
    """Go on where a child leaves off: its time is now one's own, and so are the spans that it has begun."""
    m[job + J_SINCE] = m[H_NOW]
    given = low(m[child + J_ACCOUNT])
    if given:
        own = split_of(m, job)
        for state in range(m[H_STATES]):
            m[own + state] += m[given + state]
    take_spans(m, job, child)


@inner
def take_spans(m: Memory, job: int, child: int) -> None:
    """Carry the spans that a child has open."""
    at = m[X_SPANS]
    for span in range(m[H_SPANS]):
        m[job + at + span] = m[child + at + span]


# -- making and giving back --------------------------------------------------------------------------------


@inner
def _common(m: Memory, job: int, order: int, path: int, code: int, flags: int) -> None:
    m[job + J_KEY] = key_of(0, 0, T_JOB)
    m[job + J_ORDER] = order
    m[job + J_PATH] = path
    m[job + J_SINCE] = m[H_NOW]
    m[job + J_STATE] = flags | W_START << WAIT_SHIFT | code
    m[job + J_LINK] = 0
    m[job + J_ACCOUNT] = 0


@inner
def new_execution(m: Memory, order: int, path: int, code: int, source: int, cohort: int) -> int:
    """The main line of an execution, which begins as an effect."""
    size = m[H_MAIN_SIZE]
    job = take(m, size)
    _common(m, job, order, path, code, source << SOURCE_SHIFT | cohort)
    m[job + J_OWN] = job << 31
    for field in range(J_TREE, size):
        m[job + field] = 0
    if m[H_TREE]:
        m[job + J_BEGAN] = m[H_NOW]
    if m[X_OPEN]:
        m[job + m[X_OPEN]] = 1
    effect(m, E_START, job)
    return job


@inner
def new_child(m: Memory, parent: int, path: int, code: int, within: int, trial: int) -> int:
    """A child job, which begins as an effect."""
    execution = high(m[parent + J_OWN])
    number = m[execution + m[X_CHILDREN]] + 1
    m[execution + m[X_CHILDREN]] = number
    if m[X_OPEN]:
        m[execution + m[X_OPEN]] += 1
    job = take(m, m[H_CHILD_SIZE])
    order = m[execution + J_ORDER] | number
    _common(
        m, job, order, path, code, m[parent + J_STATE] >> SOURCE_SHIFT << SOURCE_SHIFT | (m[parent + J_STATE] & COHORT)
    )
    m[job + J_OWN] = execution << 31
    m[job + J_TREE] = parent | within << 31
    m[job + J_SIBLINGS] = 0
    m[job + J_REFS] = (trial if trial else high(m[parent + J_REFS])) << 31
    m[job + J_BEGAN] = m[H_NOW]
    m[job + J_SAGA] = m[parent + J_SAGA] & LOW
    take_spans(m, job, parent)
    m[parent + J_REFS] += 1
    effect(m, E_START, job)
    return job


@inner
def _give_sagas(m: Memory, job: int) -> None:
    saga = m[job + m[X_SAGAS]]
    while saga:
        following = m[saga + 1]
        entry = m[saga]
        while entry:
            under = m[entry + 1]
            give(m, entry, 2)
            entry = under
        give(m, saga, 2)
        saga = following


@inner
def _forget_cached(m: Memory, job: int) -> None:
    """What nodes remember of an execution that is gone belongs to nobody."""
    entry = m[job + m[X_CACHED]]
    while entry:
        m[entry] = 0
        entry = m[entry + 3]


@inner
def give_back_record(m: Memory, job: int) -> None:
    """Give the record back when the job has ended and nobody needs it; then perhaps its parent's, and so on."""
    while job:
        state = m[job + J_STATE]
        if state & ENDED == 0 or state & (STALE_MASK | PENDING_MASK):
            return
        if m[H_TREE] and m[job + J_REFS] & LOW:
            return
        if high(m[job + J_OWN]) == job:
            if m[X_MARKED] and m[job + m[X_MARKED]]:
                return  # dropped, and yet to be judged
            if m[X_SAGAS]:
                _give_sagas(m, job)
            if m[X_CACHED]:
                _forget_cached(m, job)
            give(m, job, m[H_MAIN_SIZE])
            return
        split = low(m[job + J_ACCOUNT])
        if split:
            give(m, split, m[H_STATES])
        parent, within = low(m[job + J_TREE]), high(m[job + J_TREE])
        if within and high(m[job + J_REFS]) == within:  # the child of a timed attempt
            give(m, within, Y_SIZE)
        give(m, job, m[H_CHILD_SIZE])
        m[parent + J_REFS] -= 1
        job = parent


@inner
def release_record(m: Memory, job: int) -> None:
    """One who needed the record of a child does so no longer."""
    m[job + J_REFS] -= 1
    give_back_record(m, job)


@inner
def drop_stale(m: Memory, job: int) -> None:
    """A wake-up that came too late is used up."""
    m[job + J_STATE] -= STALE_ONE
    give_back_record(m, job)


# -- what is held ------------------------------------------------------------------------------------------


@inner
def grant_place(m: Memory, grant: int) -> int:
    """The place of a grant."""
    return m[high(m[grant + G_WHO]) + O_ARGS]


@inner
def take_from_held(m: Memory, job: int, grant: int) -> None:
    """The job no longer counts a grant among its own."""
    top = low(m[job + J_OWN])
    if top == grant:
        set_low(m, job + J_OWN, low(m[grant + G_HELD]))
        return
    while low(m[top + G_HELD]) != grant:
        top = low(m[top + G_HELD])
    set_low(m, top + G_HELD, low(m[grant + G_HELD]))


@inner
def kept_visit(m: Memory, job: int) -> int:
    """The visit whose server the job keeps until there is room at the next station, or 0."""
    return high(m[job + J_SAGA]) if m[H_TREE] else 0


@inner
def keep_no_more(m: Memory, job: int) -> None:
    """The job does not keep a server any more."""
    kept = high(m[job + J_SAGA])
    if kept:
        m[kept + G_NODE] = (m[kept + G_NODE] | KEPT) ^ KEPT
        set_high(m, job + J_SAGA, 0)


@inner
def holding(m: Memory, job: int, place: int) -> int:
    """The grant of a resource acquired last by the job or by those that it is a part of, or 0."""
    while job:
        grant = low(m[job + J_OWN])
        while grant:
            if grant_place(m, grant) == place:
                return grant
            grant = low(m[grant + G_HELD])
        job = low(m[job + J_TREE]) if m[H_TREE] else 0
    return 0


@inner
def node_of(m: Memory, job: int, place: int) -> int:
    """The node of the unit of a resource held last, or -1."""
    grant = holding(m, job, place)
    return (m[grant + G_NODE] & NODE_MASK) - 1 if grant else -1


@inner
def paused_at(m: Memory, f: Floats, job: int) -> int:
    """The node, paused, that the job or one that it is a part of holds a unit on; 0 where there is none."""
    if not m[H_PAUSES]:
        return 0
    while job:
        found = 0
        grant = low(m[job + J_OWN])
        while grant:
            node = m[grant + G_NODE] & NODE_MASK
            if node:
                at = m[m[grant_place(m, grant) + P_GROUP] + GR_NODES] + (node - 1) * D_SIZE
                if f[at + D_SPEED] == 0.0:
                    found = at  # of several, the one acquired first
            grant = low(m[grant + G_HELD])
        if found:
            return found
        job = low(m[job + J_TREE]) if m[H_TREE] else 0
    return 0
