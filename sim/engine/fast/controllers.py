"""Controllers: when nodes are switched on and off. What a node does that goes or comes is told in `crashes`."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast import layout as L
from sim.engine.fast.alarms import cancel, key_of, set_alarm
from sim.engine.fast.crashes import interrupt_hit, node_down, node_up
from sim.engine.fast.draw import time_of
from sim.engine.fast.leaving import change_leaves, is_left, leave, load_of, stay
from sim.engine.fast.memory import Floats, Memory, add_product
from sim.engine.fast.meters import tick
from sim.engine.fast.nodes import node_at
from sim.engine.fast.service import advance
from sim.engine.order import OBSERVATION, UP


@inner
def _node(m: Memory, controller: int, node: int) -> int:
    return m[controller + L.KO_NODES] + node * L.KN_SIZE


@inner
def _kept(m: Memory, controller: int, by: int) -> None:
    """So many more nodes are not off from now on."""
    now = m[L.H_NOW]
    add_product(m, controller + L.KO_AREA, m[controller + L.KO_KEPT], now - m[controller + L.KO_LAST])
    m[controller + L.KO_LAST] = now
    m[controller + L.KO_KEPT] += by
    m[controller + L.KO_MAX] = max(m[controller + L.KO_MAX], m[controller + L.KO_KEPT])


@inner
def mark_controllers(m: Memory, second: int) -> None:
    """The window begins (0), or ends (1)."""
    for number in range(m[L.H_CONTROLLERS + 1]):
        controller = m[m[L.H_CONTROLLERS] + number]
        _kept(m, controller, 0)
        m[controller + L.KO_MARKED + 2 * second] = m[controller + L.KO_AREA]
        m[controller + L.KO_MARKED + 2 * second + 1] = m[controller + L.KO_AREA + 1]
        m[controller + L.KO_MARKED + 4 + second] = m[controller + L.KO_STARTS]
        m[controller + L.KO_WINDOW_MAX] = m[controller + L.KO_MAX]
        m[controller + L.KO_MAX] = m[controller + L.KO_KEPT]


# -- how many ----------------------------------------------------------------------------------------------


@inner
def _by_use(m: Memory, f: Floats, watched: int) -> int:
    """So many nodes for what was used of a place since the last look."""
    place = m[watched + L.KW_PLACE]
    used = place + L.M_BUSY_AREA
    tick(m, place)
    if m[place + L.P_KIND] == L.SHARED:
        for node in range(m[place + L.P_COUNT]):
            advance(m, f, place, node_at(m, place, node))
        used = place + L.P_WORK
    low = m[used] - m[watched + L.KW_USED]
    high = m[used + 1] - m[watched + L.KW_USED + 1]
    if low < 0:
        low += L.FULL_SUM
        high -= 1
    m[watched + L.KW_USED] = m[used]
    m[watched + L.KW_USED + 1] = m[used + 1]
    nodes = (high * float(L.FULL_SUM) + low) / f[watched + L.KW_TARGET]
    whole = int(nodes)
    return whole + 1 if whole < nodes else whole


@inner
def _by_clock(m: Memory, controller: int) -> int:
    time = m[L.H_NOW]
    if m[controller + L.KO_PERIOD]:
        time %= m[controller + L.KO_PERIOD]
    point = m[controller + L.KO_POINTS]
    nodes = m[point + 1]
    for number in range(1, m[controller + L.KO_POINT_COUNT]):
        if m[point + 2 * number] <= time:
            nodes = m[point + 2 * number + 1]
    return nodes


@inner
def _want(m: Memory, f: Floats, controller: int) -> int:
    if m[controller + L.KO_FORM] == L.BY_CLOCK:
        return _by_clock(m, controller)
    most = 0
    for number in range(m[controller + L.KO_PLACE_COUNT]):
        watched = m[controller + L.KO_PLACES] + number * L.KW_SIZE
        place = m[watched + L.KW_PLACE]
        present = m[place + L.M_WAITING] + m[place + L.M_BUSY]
        if m[controller + L.KO_FORM] == L.BY_BACKLOG:
            backlog = m[watched + L.KW_TARGET]
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
    m[own + L.KN_STATE] = L.KN_STARTING
    delay = time_of(m, f, m[controller + L.KO_DELAY], m[controller + L.KO_DELAY_STREAM], node, m[own + L.KN_BEGUN])
    m[own + L.KN_BEGUN] += 1
    m[controller + L.KO_STARTS] += 1
    m[own + L.KN_ORDER] = m[controller + L.KO_STARTS]
    _kept(m, controller, 1)
    m[own] = key_of(UP, m[controller + L.KO_ELEMENT], L.T_START)
    set_alarm(m, m[L.H_NOW] + delay, own)


@inner
def started(m: Memory, f: Floats, own: int) -> None:
    """A node that was switched on takes work."""
    group = m[m[own + L.A_OWNER] + L.KO_GROUP]
    m[own + L.KN_STATE] = L.KN_ON
    change_leaves(m, f, group, m[own + L.A_VISIT], -1)
    node_up(m, f, group, m[own + L.A_VISIT])


@inner
def _more(m: Memory, f: Floats, controller: int, number: int) -> None:
    """Call back those that are leaving, then switch on those that are off, the least node first."""
    group = m[controller + L.KO_GROUP]
    for node in range(m[group + L.GR_COUNT]):
        if number and m[_node(m, controller, node) + L.KN_STATE] == L.KN_LEAVING:
            m[_node(m, controller, node) + L.KN_STATE] = L.KN_ON
            stay(m, f, group, node)
            number -= 1
    for node in range(m[group + L.GR_COUNT]):
        if number and m[_node(m, controller, node) + L.KN_STATE] == L.KN_OFF:
            _start(m, f, controller, node)
            number -= 1


@inner
def _last_start(m: Memory, controller: int) -> int:
    """The node whose start was begun last of those under way, or -1."""
    last = -1
    for node in range(m[m[controller + L.KO_GROUP] + L.GR_COUNT]):
        own = _node(m, controller, node)
        later = last < 0 or m[own + L.KN_ORDER] > m[_node(m, controller, last) + L.KN_ORDER]
        if m[own + L.KN_STATE] == L.KN_STARTING and later:
            last = node
    return last


@inner
def _least_loaded(m: Memory, controller: int) -> int:
    """Of the nodes that are on the one with the least load, the last among equals."""
    group = m[controller + L.KO_GROUP]
    least, node_of_least = 0, -1
    for node in range(m[group + L.GR_COUNT]):
        if m[_node(m, controller, node) + L.KN_STATE] == L.KN_ON:
            load = load_of(m, group, node)
            if node_of_least < 0 or load <= least:
                least = load
                node_of_least = node
    return node_of_least


@inner
def _leave(m: Memory, f: Floats, controller: int, node: int) -> None:
    """Take no new work; who had chosen the node on arrival chooses again."""
    group = m[controller + L.KO_GROUP]
    m[_node(m, controller, node) + L.KN_STATE] = L.KN_LEAVING
    m[_node(m, controller, node) + L.KN_LEFT] = m[L.H_NOW]
    leave(m, f, group, node)


@inner
def _fewer(m: Memory, f: Floats, controller: int, number: int) -> None:
    """Call off starts, the last one first; then let nodes leave, the least loaded first."""
    while number:
        number -= 1
        node = _last_start(m, controller)
        if node >= 0:
            cancel(m, _node(m, controller, node))
            m[_node(m, controller, node) + L.KN_STATE] = L.KN_OFF
            _kept(m, controller, -1)
        else:
            _leave(m, f, controller, _least_loaded(m, controller))


@inner
def _let_go(m: Memory, f: Floats, controller: int) -> None:
    """Of those that leave, who has nothing left to do goes off, and who has had its time is interrupted."""
    group, limit = m[controller + L.KO_GROUP], m[controller + L.KO_LIMIT]
    late = 0
    for node in range(m[group + L.GR_COUNT]):
        own = _node(m, controller, node)
        if m[own + L.KN_STATE] != L.KN_LEAVING:
            continue
        if is_left(m, group, node):
            m[own + L.KN_STATE] = L.KN_OFF
            _kept(m, controller, -1)
            node_down(m, f, group, node, False)
        elif limit >= 0 and m[L.H_NOW] - m[own + L.KN_LEFT] >= limit:
            late += 1
    if late == 0:
        return
    for node in range(m[group + L.GR_COUNT]):
        own = _node(m, controller, node)
        if m[own + L.KN_STATE] == L.KN_LEAVING and m[L.H_NOW] - m[own + L.KN_LEFT] >= limit:
            m[own + L.KN_STATE] = L.KN_OFF
            node_down(m, f, group, node, True)
    _kept(m, controller, -late)
    interrupt_hit(m)


@inner
def look(m: Memory, f: Floats, controller: int) -> None:
    """Look how many nodes are wanted, and switch."""
    m[controller + L.KO_LOOKS] += 1
    set_alarm(m, (m[controller + L.KO_LOOKS] + 1) * m[controller + L.KO_INTERVAL], controller)
    group = m[controller + L.KO_GROUP]
    want = max(m[controller + L.KO_MINIMUM], min(_want(m, f, controller), m[group + L.GR_COUNT]))
    m[m[controller + L.KO_WANTED] + m[controller + L.KO_LOOKS] % m[controller + L.KO_BACK]] = want
    keep = 0
    for back in range(m[controller + L.KO_BACK]):
        keep = max(keep, m[m[controller + L.KO_WANTED] + back])
    have = 0
    for node in range(m[group + L.GR_COUNT]):
        state = m[_node(m, controller, node) + L.KN_STATE]
        if state == L.KN_STARTING or state == L.KN_ON:
            have += 1
    if want > have:
        _more(m, f, controller, want - have)
    elif keep < have:
        _fewer(m, f, controller, have - keep)
    _let_go(m, f, controller)


@inner
def start_controllers(m: Memory, f: Floats) -> None:
    """Nodes that are off at the start go off; every controller has its first look an interval later."""
    for number in range(m[L.H_CONTROLLERS + 1]):
        controller = m[m[L.H_CONTROLLERS] + number]
        group = m[controller + L.KO_GROUP]
        m[controller + L.KO_KEPT] = m[controller + L.KO_ON]
        m[controller + L.KO_MAX] = m[controller + L.KO_ON]
        for node in range(m[controller + L.KO_ON], m[group + L.GR_COUNT]):
            m[_node(m, controller, node) + L.KN_STATE] = L.KN_OFF
            change_leaves(m, f, group, node, 1)
            node_down(m, f, group, node, False)
        m[controller] = key_of(OBSERVATION, m[controller + L.KO_ELEMENT], L.T_LOOK)
        m[controller + L.A_VISIT] = 0
        set_alarm(m, m[controller + L.KO_INTERVAL], controller)
