"""Controllers: when nodes are switched on and off. What a node does that goes or comes is told in `crashes`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.alarms import cancel, key_of, set_alarm
from sim.engine.fast.crashes import interrupt_hit, node_down, node_up
from sim.engine.fast.draw import time_of
from sim.engine.fast.layout import (
    A_OWNER,
    A_VISIT,
    BY_BACKLOG,
    BY_CLOCK,
    FULL_SUM,
    GR_COUNT,
    H_CONTROLLERS,
    H_NOW,
    KN_BEGUN,
    KN_LEAVING,
    KN_LEFT,
    KN_OFF,
    KN_ON,
    KN_ORDER,
    KN_SIZE,
    KN_STARTING,
    KN_STATE,
    KO_AREA,
    KO_BACK,
    KO_DELAY,
    KO_DELAY_STREAM,
    KO_ELEMENT,
    KO_FORM,
    KO_GROUP,
    KO_INTERVAL,
    KO_KEPT,
    KO_LAST,
    KO_LIMIT,
    KO_LOOKS,
    KO_MARKED,
    KO_MAX,
    KO_MINIMUM,
    KO_NODES,
    KO_ON,
    KO_PERIOD,
    KO_PLACE_COUNT,
    KO_PLACES,
    KO_POINT_COUNT,
    KO_POINTS,
    KO_STARTS,
    KO_WANTED,
    KO_WINDOW_MAX,
    KW_PLACE,
    KW_SIZE,
    KW_TARGET,
    KW_USED,
    M_BUSY,
    M_BUSY_AREA,
    M_WAITING,
    P_COUNT,
    P_KIND,
    P_WORK,
    SHARED,
    T_LOOK,
    T_START,
)
from sim.engine.fast.leaving import change_leaves, is_left, leave, load_of, stay
from sim.engine.fast.memory import Floats, Memory, add_product
from sim.engine.fast.meters import tick
from sim.engine.fast.nodes import node_at
from sim.engine.fast.service import advance
from sim.engine.order import OBSERVATION, UP


@inner
def _node(m: Memory, controller: int, node: int) -> int:
    return m[controller + KO_NODES] + node * KN_SIZE


@inner
def _kept(m: Memory, controller: int, by: int) -> None:
    """So many more nodes are not off from now on."""
    now = m[H_NOW]
    add_product(m, controller + KO_AREA, m[controller + KO_KEPT], now - m[controller + KO_LAST])
    m[controller + KO_LAST] = now
    m[controller + KO_KEPT] += by
    m[controller + KO_MAX] = max(m[controller + KO_MAX], m[controller + KO_KEPT])


@inner
def mark_controllers(m: Memory, second: int) -> None:
    """The window begins (0), or ends (1)."""
    for number in range(m[H_CONTROLLERS + 1]):
        controller = m[m[H_CONTROLLERS] + number]
        _kept(m, controller, 0)
        m[controller + KO_MARKED + 2 * second] = m[controller + KO_AREA]
        m[controller + KO_MARKED + 2 * second + 1] = m[controller + KO_AREA + 1]
        m[controller + KO_MARKED + 4 + second] = m[controller + KO_STARTS]
        m[controller + KO_WINDOW_MAX] = m[controller + KO_MAX]
        m[controller + KO_MAX] = m[controller + KO_KEPT]


# -- how many ----------------------------------------------------------------------------------------------


@inner
def _by_use(m: Memory, f: Floats, watched: int) -> int:
    """So many nodes for what was used of a place since the last look."""
    place = m[watched + KW_PLACE]
    used = place + M_BUSY_AREA
    tick(m, place)
    if m[place + P_KIND] == SHARED:
        for node in range(m[place + P_COUNT]):
            advance(m, f, place, node_at(m, place, node))
        used = place + P_WORK
    low = m[used] - m[watched + KW_USED]
    high = m[used + 1] - m[watched + KW_USED + 1]
    if low < 0:
        low += FULL_SUM
        high -= 1
    m[watched + KW_USED] = m[used]
    m[watched + KW_USED + 1] = m[used + 1]
    nodes = (high * float(FULL_SUM) + low) / f[watched + KW_TARGET]
    whole = int(nodes)
    return whole + 1 if whole < nodes else whole


@inner
def _by_clock(m: Memory, controller: int) -> int:
    time = m[H_NOW]
    if m[controller + KO_PERIOD]:
        time %= m[controller + KO_PERIOD]
    point = m[controller + KO_POINTS]
    nodes = m[point + 1]
    for number in range(1, m[controller + KO_POINT_COUNT]):
        if m[point + 2 * number] <= time:
            nodes = m[point + 2 * number + 1]
    return nodes


@inner
def _want(m: Memory, f: Floats, controller: int) -> int:
    if m[controller + KO_FORM] == BY_CLOCK:
        return _by_clock(m, controller)
    most = 0
    for number in range(m[controller + KO_PLACE_COUNT]):
        watched = m[controller + KO_PLACES] + number * KW_SIZE
        place = m[watched + KW_PLACE]
        present = m[place + M_WAITING] + m[place + M_BUSY]
        if m[controller + KO_FORM] == BY_BACKLOG:
            backlog = m[watched + KW_TARGET]
            want = (present + backlog - 1) // backlog
        else:
            want = _by_use(m, f, watched)
            if present:
                want = max(want, 1)
        most = max(most, want)
    return most


# -- on and off --------------------------------------------------------------------------------------------


@inner
def _start(m: Memory, f: Floats, controller: int, node: int) -> None:
    own = _node(m, controller, node)
    m[own + KN_STATE] = KN_STARTING
    delay = time_of(m, f, m[controller + KO_DELAY], m[controller + KO_DELAY_STREAM], node, m[own + KN_BEGUN])
    m[own + KN_BEGUN] += 1
    m[controller + KO_STARTS] += 1
    m[own + KN_ORDER] = m[controller + KO_STARTS]
    _kept(m, controller, 1)
    m[own] = key_of(UP, m[controller + KO_ELEMENT], T_START)
    set_alarm(m, m[H_NOW] + delay, own)


@inner
def started(m: Memory, f: Floats, own: int) -> None:
    """A node that was switched on takes work."""
    group = m[m[own + A_OWNER] + KO_GROUP]
    m[own + KN_STATE] = KN_ON
    change_leaves(m, f, group, m[own + A_VISIT], -1)
    node_up(m, f, group, m[own + A_VISIT])


@inner
def _more(m: Memory, f: Floats, controller: int, number: int) -> None:
    """Call back those that are leaving, then switch on those that are off, the least node first."""
    group = m[controller + KO_GROUP]
    for node in range(m[group + GR_COUNT]):
        if number and m[_node(m, controller, node) + KN_STATE] == KN_LEAVING:
            m[_node(m, controller, node) + KN_STATE] = KN_ON
            stay(m, f, group, node)
            number -= 1
    for node in range(m[group + GR_COUNT]):
        if number and m[_node(m, controller, node) + KN_STATE] == KN_OFF:
            _start(m, f, controller, node)
            number -= 1


@inner
def _last_start(m: Memory, controller: int) -> int:
    """The node whose start was begun last of those under way, or -1."""
    last = -1
    for node in range(m[m[controller + KO_GROUP] + GR_COUNT]):
        own = _node(m, controller, node)
        later = last < 0 or m[own + KN_ORDER] > m[_node(m, controller, last) + KN_ORDER]
        if m[own + KN_STATE] == KN_STARTING and later:
            last = node
    return last


@inner
def _least_loaded(m: Memory, controller: int) -> int:
    """Of the nodes that are on the one with the least load, the last among equals."""
    group = m[controller + KO_GROUP]
    least, node_of_least = 0, -1
    for node in range(m[group + GR_COUNT]):
        if m[_node(m, controller, node) + KN_STATE] == KN_ON:
            load = load_of(m, group, node)
            if node_of_least < 0 or load <= least:
                least = load
                node_of_least = node
    return node_of_least


@inner
def _leave(m: Memory, f: Floats, controller: int, node: int) -> None:
    """Take no new work; who had chosen the node on arrival chooses again."""
    group = m[controller + KO_GROUP]
    m[_node(m, controller, node) + KN_STATE] = KN_LEAVING
    m[_node(m, controller, node) + KN_LEFT] = m[H_NOW]
    leave(m, f, group, node)


@inner
def _fewer(m: Memory, f: Floats, controller: int, number: int) -> None:
    """Call off starts, the last one first; then let nodes leave, the least loaded first."""
    while number:
        number -= 1
        node = _last_start(m, controller)
        if node >= 0:
            cancel(m, _node(m, controller, node))
            m[_node(m, controller, node) + KN_STATE] = KN_OFF
            _kept(m, controller, -1)
        else:
            _leave(m, f, controller, _least_loaded(m, controller))


@inner
def _let_go(m: Memory, f: Floats, controller: int) -> None:
    """Of those that leave, who has nothing left to do goes off, and who has had its time is interrupted."""
    group, limit = m[controller + KO_GROUP], m[controller + KO_LIMIT]
    late = 0
    for node in range(m[group + GR_COUNT]):
        own = _node(m, controller, node)
        if m[own + KN_STATE] != KN_LEAVING:
            continue
        if is_left(m, group, node):
            m[own + KN_STATE] = KN_OFF
            _kept(m, controller, -1)
            node_down(m, f, group, node, False)
        elif limit >= 0 and m[H_NOW] - m[own + KN_LEFT] >= limit:
            late += 1
    if late == 0:
        return
    for node in range(m[group + GR_COUNT]):
        own = _node(m, controller, node)
        if m[own + KN_STATE] == KN_LEAVING and m[H_NOW] - m[own + KN_LEFT] >= limit:
            m[own + KN_STATE] = KN_OFF
            node_down(m, f, group, node, True)
    _kept(m, controller, -late)
    interrupt_hit(m)


@inner
def look(m: Memory, f: Floats, controller: int) -> None:
    """Look how many nodes are wanted, and switch."""
    m[controller + KO_LOOKS] += 1
    set_alarm(m, (m[controller + KO_LOOKS] + 1) * m[controller + KO_INTERVAL], controller)
    group = m[controller + KO_GROUP]
    want = max(m[controller + KO_MINIMUM], min(_want(m, f, controller), m[group + GR_COUNT]))
    m[m[controller + KO_WANTED] + m[controller + KO_LOOKS] % m[controller + KO_BACK]] = want
    keep = 0
    for back in range(m[controller + KO_BACK]):
        keep = max(keep, m[m[controller + KO_WANTED] + back])
    have = 0
    for node in range(m[group + GR_COUNT]):
        state = m[_node(m, controller, node) + KN_STATE]
        if state == KN_STARTING or state == KN_ON:
            have += 1
    if want > have:
        _more(m, f, controller, want - have)
    elif keep < have:
        _fewer(m, f, controller, have - keep)
    _let_go(m, f, controller)


@inner
def start_controllers(m: Memory, f: Floats) -> None:
    """Nodes that are off at the start go off; every controller has its first look an interval later."""
    for number in range(m[H_CONTROLLERS + 1]):
        controller = m[m[H_CONTROLLERS] + number]
        group = m[controller + KO_GROUP]
        m[controller + KO_KEPT] = m[controller + KO_ON]
        m[controller + KO_MAX] = m[controller + KO_ON]
        for node in range(m[controller + KO_ON], m[group + GR_COUNT]):
            m[_node(m, controller, node) + KN_STATE] = KN_OFF
            change_leaves(m, f, group, node, 1)
            node_down(m, f, group, node, False)
        m[controller] = key_of(OBSERVATION, m[controller + KO_ELEMENT], T_LOOK)
        m[controller + A_VISIT] = 0
        set_alarm(m, m[controller + KO_INTERVAL], controller)
