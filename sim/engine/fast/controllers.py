"""Controllers: switch nodes on and off by load. `groups` takes a node down and brings it up."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.engine.fast.draw import time_of
from sim.engine.fast.groups import change_leaves, interrupt_hit, is_left, leave, load_of, node_down, node_up, stay
from sim.engine.fast.layout import (
    FULL_SUM,
    ControlledNode,
    Controller,
    ControllerForm,
    Due,
    Group,
    Header,
    Place,
    PlaceKind,
    Power,
    Ref,
    Table,
    Timer,
    Watched,
)
from sim.engine.fast.memory import Floats, Memory
from sim.engine.fast.meters import tick
from sim.engine.fast.nodes import node_at
from sim.engine.fast.recorder import level_changes, mark_level
from sim.engine.fast.service import advance
from sim.engine.fast.timers import cancel, set_due, set_timer
from sim.engine.order import OBSERVATION, UP


@inner
def _node(m: Memory, controller: Ref[Controller], node: int) -> int:
    return m[controller + Controller.NODES] + node * ControlledNode.SIZE


@inner
def mark_controllers(m: Memory, second: int) -> None:
    """The window begins (0), or ends (1)."""
    for number in range(m[Header.CONTROLLERS + Table.COUNT]):
        controller = m[m[Header.CONTROLLERS] + number]
        mark_level(m, controller + Controller.KEPT, second)
        m[controller + Controller.MARKED_STARTS + second] = m[controller + Controller.STARTS]


# -- how many ----------------------------------------------------------------------------------------------


@inner
def _by_use(m: Memory, f: Floats, watched: Ref[Watched]) -> int:
    """So many nodes for what was used of a place since the last look."""
    place = m[watched + Watched.PLACE]
    used = place + Place.BUSY_AREA
    tick(m, place)
    if m[place + Place.KIND] == PlaceKind.CORES:
        for node in range(m[place + Place.COUNT]):
            advance(m, f, place, node_at(m, place, node))
        used = place + Place.WORK
    low = m[used] - m[watched + Watched.USED]
    high = m[used + 1] - m[watched + Watched.USED + 1]
    if low < 0:
        low += FULL_SUM
        high -= 1
    m[watched + Watched.USED] = m[used]
    m[watched + Watched.USED + 1] = m[used + 1]
    nodes = (high * float(FULL_SUM) + low) / f[watched + Watched.TARGET]
    whole = int(nodes)
    return whole + 1 if whole < nodes else whole


@inner
def _by_clock(m: Memory, controller: Ref[Controller]) -> int:
    time = m[Header.NOW]
    if m[controller + Controller.PERIOD]:
        time %= m[controller + Controller.PERIOD]
    point = m[controller + Controller.POINTS]
    nodes = m[point + 1]
    for number in range(1, m[controller + Controller.POINTS + Table.COUNT]):
        if m[point + 2 * number] <= time:
            nodes = m[point + 2 * number + 1]
    return nodes


@inner
def _want(m: Memory, f: Floats, controller: Ref[Controller]) -> int:
    if m[controller + Controller.FORM] == ControllerForm.BY_CLOCK:
        return _by_clock(m, controller)
    most = 0
    for number in range(m[controller + Controller.PLACES + Table.COUNT]):
        watched = m[controller + Controller.PLACES] + number * Watched.SIZE
        place = m[watched + Watched.PLACE]
        present = m[place + Place.WAITING] + m[place + Place.BUSY]
        if m[controller + Controller.FORM] == ControllerForm.BY_BACKLOG:
            backlog = m[watched + Watched.TARGET]
            want = (present + backlog - 1) // backlog
        else:
            want = _by_use(m, f, watched)
            if present:
                want = max(want, 1)
        most = max(most, want)
    return most


# -- on and off --------------------------------------------------------------------------------------------


@inner
def _start(m: Memory, f: Floats, controller: Ref[Controller], node: int) -> None:
    own = _node(m, controller, node)
    m[own + ControlledNode.STATE] = Power.STARTING
    delay = time_of(m, f, controller + Controller.DELAY, node, m[own + ControlledNode.BEGUN])
    m[own + ControlledNode.BEGUN] += 1
    m[controller + Controller.STARTS] += 1
    m[own + ControlledNode.ORDER] = m[controller + Controller.STARTS]
    level_changes(m, controller + Controller.KEPT, 1)
    set_due(m, m[Header.NOW] + delay, own, UP, m[controller + Controller.ELEMENT], Due.START)


@inner
def started(m: Memory, f: Floats, own: Ref[ControlledNode]) -> None:
    """A node that was switched on takes work."""
    group = m[m[own + Timer.OWNER] + Controller.GROUP]
    m[own + ControlledNode.STATE] = Power.ON
    change_leaves(m, f, group, m[own + Timer.VISIT], -1)
    node_up(m, f, group, m[own + Timer.VISIT])


@inner
def _more(m: Memory, f: Floats, controller: Ref[Controller], number: int) -> None:
    """Call back those that are leaving, then switch on those that are off, the least node first."""
    group = m[controller + Controller.GROUP]
    for node in range(m[group + Group.COUNT]):
        if number and m[_node(m, controller, node) + ControlledNode.STATE] == Power.DRAINING:
            m[_node(m, controller, node) + ControlledNode.STATE] = Power.ON
            stay(m, f, group, node)
            number -= 1
    for node in range(m[group + Group.COUNT]):
        if number and m[_node(m, controller, node) + ControlledNode.STATE] == Power.OFF:
            _start(m, f, controller, node)
            number -= 1


@inner
def _last_start(m: Memory, controller: Ref[Controller]) -> int:
    """The node whose start was begun last of those under way, or -1."""
    last = -1
    for node in range(m[m[controller + Controller.GROUP] + Group.COUNT]):
        own = _node(m, controller, node)
        later = last < 0 or m[own + ControlledNode.ORDER] > m[_node(m, controller, last) + ControlledNode.ORDER]
        if m[own + ControlledNode.STATE] == Power.STARTING and later:
            last = node
    return last


@inner
def _least_loaded(m: Memory, controller: Ref[Controller]) -> int:
    """Of the nodes that are on the one with the least load, the last among equals."""
    group = m[controller + Controller.GROUP]
    least, node_of_least = 0, -1
    for node in range(m[group + Group.COUNT]):
        if m[_node(m, controller, node) + ControlledNode.STATE] == Power.ON:
            load = load_of(m, group, node)
            if node_of_least < 0 or load <= least:
                least = load
                node_of_least = node
    return node_of_least


@inner
def _leave(m: Memory, f: Floats, controller: Ref[Controller], node: int) -> None:
    """Take no new work; who had chosen the node on arrival chooses again."""
    group = m[controller + Controller.GROUP]
    m[_node(m, controller, node) + ControlledNode.STATE] = Power.DRAINING
    m[_node(m, controller, node) + ControlledNode.LEFT] = m[Header.NOW]
    leave(m, f, group, node)


@inner
def _fewer(m: Memory, f: Floats, controller: Ref[Controller], number: int) -> None:
    """Call off starts, the last one first; then let nodes leave, the least loaded first."""
    while number:
        number -= 1
        node = _last_start(m, controller)
        if node >= 0:
            cancel(m, _node(m, controller, node))
            m[_node(m, controller, node) + ControlledNode.STATE] = Power.OFF
            level_changes(m, controller + Controller.KEPT, -1)
        else:
            _leave(m, f, controller, _least_loaded(m, controller))


@inner
def _let_go(m: Memory, f: Floats, controller: Ref[Controller]) -> None:
    """Of those that leave, who has nothing left to do goes off, and who has had its time is interrupted."""
    group, limit = m[controller + Controller.GROUP], m[controller + Controller.LIMIT]
    late = 0
    for node in range(m[group + Group.COUNT]):
        own = _node(m, controller, node)
        if m[own + ControlledNode.STATE] != Power.DRAINING:
            continue
        if is_left(m, group, node):
            m[own + ControlledNode.STATE] = Power.OFF
            level_changes(m, controller + Controller.KEPT, -1)
            node_down(m, f, group, node, False)
        elif limit >= 0 and m[Header.NOW] - m[own + ControlledNode.LEFT] >= limit:
            late += 1
    if late == 0:
        return
    for node in range(m[group + Group.COUNT]):
        own = _node(m, controller, node)
        if m[own + ControlledNode.STATE] == Power.DRAINING and m[Header.NOW] - m[own + ControlledNode.LEFT] >= limit:
            m[own + ControlledNode.STATE] = Power.OFF
            node_down(m, f, group, node, True)
    level_changes(m, controller + Controller.KEPT, -late)
    interrupt_hit(m)


@inner
def look(m: Memory, f: Floats, controller: Ref[Controller]) -> None:
    """Look how many nodes are wanted, and switch."""
    m[controller + Controller.LOOKS] += 1
    set_timer(m, (m[controller + Controller.LOOKS] + 1) * m[controller + Controller.INTERVAL], controller)
    group = m[controller + Controller.GROUP]
    want = max(m[controller + Controller.MINIMUM], min(_want(m, f, controller), m[group + Group.COUNT]))
    m[m[controller + Controller.WANTED] + m[controller + Controller.LOOKS] % m[controller + Controller.BACK]] = want
    keep = 0
    for back in range(m[controller + Controller.BACK]):
        keep = max(keep, m[m[controller + Controller.WANTED] + back])
    have = 0
    for node in range(m[group + Group.COUNT]):
        state = m[_node(m, controller, node) + ControlledNode.STATE]
        if state == Power.STARTING or state == Power.ON:
            have += 1
    if want > have:
        _more(m, f, controller, want - have)
    elif keep < have:
        _fewer(m, f, controller, have - keep)
    _let_go(m, f, controller)


@inner
def start_controllers(m: Memory, f: Floats) -> None:
    """Nodes that are off at the start go off; every controller has its first look an interval later."""
    for number in range(m[Header.CONTROLLERS + Table.COUNT]):
        controller = m[m[Header.CONTROLLERS] + number]
        group = m[controller + Controller.GROUP]
        level_changes(m, controller + Controller.KEPT, m[controller + Controller.ON])
        for node in range(m[controller + Controller.ON], m[group + Group.COUNT]):
            m[_node(m, controller, node) + ControlledNode.STATE] = Power.OFF
            change_leaves(m, f, group, node, 1)
            node_down(m, f, group, node, False)
        element = m[controller + Controller.ELEMENT]
        set_due(m, m[controller + Controller.INTERVAL], controller, OBSERVATION, element, Due.LOOK)
