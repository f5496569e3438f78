"""Jobs and executions: how they are made, what they hold, where their time is booked, when their record is given back.

A job is one thread of control. The record of an execution's main line carries what belongs to the execution.
What starts, fails and ends a job is told in `ends`; what it does, in `steps` and the files of the primitives.
"""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import key_of
from sim.engine.fast.memory import Floats, Memory, effect, give, high, low, set_high, set_low, take

# -- state --------------------------------------------------------------------------------------------------


@inner
def wait_kind(m: Memory, job: int) -> int:
    """What the job waits for."""
    return m[job + L.J_STATE] >> L.WAIT_SHIFT & L.WAIT_MASK


@inner
def wait_for(m: Memory, job: int, kind: int, at: int, step: int) -> None:
    """Wait, at a place or for an alarm; `step` is where the job stands."""
    m[job + L.J_STATE] = (m[job + L.J_STATE] & L.MOVING_MASK) | kind << L.WAIT_SHIFT | step
    set_low(m, job + L.J_LINK, at)


@inner
def wake(m: Memory, job: int, value: int) -> None:
    """Let a job go on, after those who were woken before. value: 1 says that patience has run out."""
    m[job + L.J_STATE] |= L.WOKEN
    effect(m, L.E_RESUME, job | value * L.E_VALUE)


# -- time --------------------------------------------------------------------------------------------------


@inner
def split_of(m: Memory, job: int) -> int:
    """Where the job's times by state are: in the row of the execution, or, of a child, made when first needed."""
    split = low(m[job + L.J_ACCOUNT])
    if split == 0:
        states = m[L.H_STATES]
        split = take(m, states)
        for state in range(states):
            m[split + state] = 0
        set_low(m, job + L.J_ACCOUNT, split)
    return split


@inner
def spend(m: Memory, job: int, state: int, now: int) -> None:
    """Book the time since the last booking to a state."""
    passed = now - m[job + L.J_SINCE]
    if passed:
        m[job + L.J_SINCE] = now
        if m[job + L.J_STATE] & L.COHORT:
            m[split_of(m, job) + state] += passed


@inner
def spend_two(m: Memory, job: int, first: int, amount: int, second: int) -> None:
    """Book `amount` of the time since the last booking to one state and the rest to another."""
    now = m[L.H_NOW]
    passed = now - m[job + L.J_SINCE]
    if passed:
        m[job + L.J_SINCE] = now
        if m[job + L.J_STATE] & L.COHORT:
            split = split_of(m, job)
            m[split + first] += amount
            m[split + second] += passed - amount


@inner
def snapshot(m: Memory, job: int) -> int:
    """A copy of the job's times, 0 when there are none."""
    split = low(m[job + L.J_ACCOUNT])
    states = m[L.H_STATES]
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
    lost = m[L.H_ST_LOST]
    spend(m, job, lost, m[L.H_NOW])
    split = low(m[job + L.J_ACCOUNT])
    if split == 0:
        return
    total = 0
    for state in range(m[L.H_STATES]):
        known = m[before + state] if before else 0
        total += m[split + state] - known
        m[split + state] = known
    m[split + lost] += total


@inner
def take_over(m: Memory, job: int, child: int) -> None:
    """Go on where a child leaves off: its time is now one's own, and so are the spans that it has begun."""
    m[job + L.J_SINCE] = m[L.H_NOW]
    given = low(m[child + L.J_ACCOUNT])
    if given:
        own = split_of(m, job)
        for state in range(m[L.H_STATES]):
            m[own + state] += m[given + state]
    take_spans(m, job, child)


@inner
def take_spans(m: Memory, job: int, child: int) -> None:
    """Carry the spans that a child has open."""
    at = m[L.X_SPANS]
    for span in range(m[L.H_SPANS]):
        m[job + at + span] = m[child + at + span]


# -- making and giving back --------------------------------------------------------------------------------


@inner
def _common(m: Memory, job: int, order: int, path: int, code: int, flags: int) -> None:
    m[job + L.J_KEY] = key_of(0, 0, L.T_JOB)
    m[job + L.J_ORDER] = order
    m[job + L.J_PATH] = path
    m[job + L.J_SINCE] = m[L.H_NOW]
    m[job + L.J_STATE] = flags | L.W_START << L.WAIT_SHIFT | code
    m[job + L.J_LINK] = 0
    m[job + L.J_ACCOUNT] = 0


@inner
def new_execution(m: Memory, order: int, path: int, code: int, source: int, cohort: int) -> int:
    """The main line of an execution, which begins as an effect."""
    size = m[L.H_MAIN_SIZE]
    job = take(m, size)
    _common(m, job, order, path, code, source << L.SOURCE_SHIFT | cohort)
    m[job + L.J_OWN] = job << 31
    for field in range(L.J_TREE, size):
        m[job + field] = 0
    if m[L.H_TREE]:
        m[job + L.J_BEGAN] = m[L.H_NOW]
    if m[L.X_OPEN]:
        m[job + m[L.X_OPEN]] = 1
    effect(m, L.E_START, job)
    return job


@inner
def new_child(m: Memory, parent: int, path: int, code: int, within: int, trial: int) -> int:
    """A child job, which begins as an effect."""
    execution = high(m[parent + L.J_OWN])
    number = m[execution + m[L.X_CHILDREN]] + 1
    m[execution + m[L.X_CHILDREN]] = number
    if m[L.X_OPEN]:
        m[execution + m[L.X_OPEN]] += 1
    job = take(m, m[L.H_CHILD_SIZE])
    order = m[execution + L.J_ORDER] | number
    _common(
        m,
        job,
        order,
        path,
        code,
        m[parent + L.J_STATE] >> L.SOURCE_SHIFT << L.SOURCE_SHIFT | (m[parent + L.J_STATE] & L.COHORT),
    )
    m[job + L.J_OWN] = execution << 31
    m[job + L.J_TREE] = parent | within << 31
    m[job + L.J_SIBLINGS] = 0
    m[job + L.J_REFS] = (trial if trial else high(m[parent + L.J_REFS])) << 31
    m[job + L.J_BEGAN] = m[L.H_NOW]
    m[job + L.J_SAGA] = m[parent + L.J_SAGA] & L.LOW
    take_spans(m, job, parent)
    m[parent + L.J_REFS] += 1
    effect(m, L.E_START, job)
    return job


@inner
def _give_sagas(m: Memory, job: int) -> None:
    saga = m[job + m[L.X_SAGAS]]
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
    entry = m[job + m[L.X_CACHED]]
    while entry:
        m[entry] = 0
        entry = m[entry + 3]


@inner
def give_back_record(m: Memory, job: int) -> None:
    """Give the record back when the job has ended and nobody needs it; then perhaps its parent's, and so on."""
    while job:
        state = m[job + L.J_STATE]
        if state & L.ENDED == 0 or state & (L.STALE_MASK | L.PENDING_MASK):
            return
        if m[L.H_TREE] and m[job + L.J_REFS] & L.LOW:
            return
        if high(m[job + L.J_OWN]) == job:
            if m[L.X_MARKED] and m[job + m[L.X_MARKED]]:
                return  # dropped, and yet to be judged
            if m[L.X_SAGAS]:
                _give_sagas(m, job)
            if m[L.X_CACHED]:
                _forget_cached(m, job)
            give(m, job, m[L.H_MAIN_SIZE])
            return
        split = low(m[job + L.J_ACCOUNT])
        if split:
            give(m, split, m[L.H_STATES])
        parent, within = low(m[job + L.J_TREE]), high(m[job + L.J_TREE])
        if within and high(m[job + L.J_REFS]) == within:  # the child of a timed attempt
            give(m, within, L.Y_SIZE)
        give(m, job, m[L.H_CHILD_SIZE])
        m[parent + L.J_REFS] -= 1
        job = parent


@inner
def release_record(m: Memory, job: int) -> None:
    """One who needed the record of a child does so no longer."""
    m[job + L.J_REFS] -= 1
    give_back_record(m, job)


@inner
def drop_stale(m: Memory, job: int) -> None:
    """A wake-up that came too late is used up."""
    m[job + L.J_STATE] -= L.STALE_ONE
    give_back_record(m, job)


# -- what is held ------------------------------------------------------------------------------------------


@inner
def grant_place(m: Memory, grant: int) -> int:
    """The place of a grant."""
    return m[high(m[grant + L.G_WHO]) + L.O_ARGS]


@inner
def take_from_held(m: Memory, job: int, grant: int) -> None:
    """The job no longer counts a grant among its own."""
    top = low(m[job + L.J_OWN])
    if top == grant:
        set_low(m, job + L.J_OWN, low(m[grant + L.G_HELD]))
        return
    while low(m[top + L.G_HELD]) != grant:
        top = low(m[top + L.G_HELD])
    set_low(m, top + L.G_HELD, low(m[grant + L.G_HELD]))


@inner
def kept_visit(m: Memory, job: int) -> int:
    """The visit whose server the job keeps until there is room at the next station, or 0."""
    return high(m[job + L.J_SAGA]) if m[L.H_TREE] else 0


@inner
def keep_no_more(m: Memory, job: int) -> None:
    """The job does not keep a server any more."""
    kept = high(m[job + L.J_SAGA])
    if kept:
        m[kept + L.G_NODE] = (m[kept + L.G_NODE] | L.KEPT) ^ L.KEPT
        set_high(m, job + L.J_SAGA, 0)


@inner
def holding(m: Memory, job: int, place: int) -> int:
    """The grant of a resource acquired last by the job or by those that it is a part of, or 0."""
    while job:
        grant = low(m[job + L.J_OWN])
        while grant:
            if grant_place(m, grant) == place:
                return grant
            grant = low(m[grant + L.G_HELD])
        job = low(m[job + L.J_TREE]) if m[L.H_TREE] else 0
    return 0


@inner
def node_of(m: Memory, job: int, place: int) -> int:
    """The node of the unit of a resource held last, or -1."""
    grant = holding(m, job, place)
    return (m[grant + L.G_NODE] & L.NODE_MASK) - 1 if grant else -1


@inner
def paused_at(m: Memory, f: Floats, job: int) -> int:
    """The node, paused, that the job or one that it is a part of holds a unit on; 0 where there is none."""
    if not m[L.H_PAUSES]:
        return 0
    while job:
        found = 0
        grant = low(m[job + L.J_OWN])
        while grant:
            node = m[grant + L.G_NODE] & L.NODE_MASK
            if node:
                at = m[m[grant_place(m, grant) + L.P_GROUP] + L.GR_NODES] + (node - 1) * L.D_SIZE
                if f[at + L.D_SPEED] == 0.0:
                    found = at  # of several, the one acquired first
            grant = low(m[grant + L.G_HELD])
        if found:
            return found
        job = low(m[job + L.J_TREE]) if m[L.H_TREE] else 0
    return 0
