"""Controllers: switch nodes on and off by load. `groups` takes a node down and brings it up."""

from __future__ import annotations

from bisect import bisect_right
from math import ceil
from typing import TYPE_CHECKING, Any

from sim.engine.controlled import FULL_SUM, use_of_a_node
from sim.engine.order import OBSERVATION, UP, key
from sim.engine.reference.clock import Process, Timer
from sim.engine.reference.groups import crash
from sim.engine.reference.recorder import Level
from sim.engine.reference.servers import Shared
from sim.network.controllers import Controller
from sim.network.distributions import Constant

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine
    from sim.engine.reference.pools import Pool

OFF, STARTING, ON, LEAVING = range(4)


class ControllerProcess:
    """A controller at run time. kept: nodes that are not off, as a level. starts: nodes switched on so far."""

    def __init__(self, engine: Engine, name: str, spec: Controller) -> None:
        self.clock = engine.clock
        self.spec = spec
        self.group = engine.groups[spec.nodes]
        places: dict[str, Pool] = {**engine.pools, **engine.stations}
        self.places = [places[name] for name in spec.of]
        self.element = engine.elements[f"controllers.{name}"]
        self.delay = engine.sampler(f"{name}/start", spec.start_delay or Constant(constant_ns=0))
        count = self.group.count
        self.state = [ON] * count
        self.left_ns = [0] * count
        self.begun = [0] * count
        self.starting: dict[int, Timer] = {}  # by node, in the order of the starts
        self.wanted = [spec.on_at_start] * spec.looks_back
        self.used = [0] * len(spec.of)
        self.starts = 0
        self.marks: list[int] = []
        self.kept = Level()
        self.kept.change(spec.on_at_start, 0)
        for node in range(spec.on_at_start, count):
            self.group.leaves[node] += 1
            self._off(node)
        Process(self.clock, self._life())

    def _life(self) -> Any:
        look = 0
        while True:
            look += 1
            yield self.clock.timer(look * self.spec.interval_ns, key(OBSERVATION, self.element))
            self._look(look)

    def mark(self) -> None:
        """The window begins, or ends."""
        self.kept.mark(self.clock._now)
        self.marks.append(self.starts)

    # -- how many ---------------------------------------------------------------------------------------------

    def _look(self, look: int) -> None:
        want = max(self.spec.minimum, min(self._want(), self.group.count))
        self.wanted[look % len(self.wanted)] = want
        have = sum(state in (STARTING, ON) for state in self.state)
        keep = max(self.wanted)
        if want > have:
            self._more(want - have)
        elif keep < have:
            self._fewer(have - keep)
        self._let_go()

    def _want(self) -> int:
        spec = self.spec
        if spec.schedule is not None:
            points, now = spec.schedule.points, self.clock._now
            time = now % spec.schedule.period_ns if spec.schedule.period_ns else now
            return points[bisect_right([point.at_ns for point in points], time) - 1].nodes
        return max(self._want_of(number, place) for number, place in enumerate(self.places))

    def _want_of(self, number: int, place: Pool) -> int:
        spec = self.spec
        present = place.meter.waiting + place.meter.busy
        if spec.backlog is not None:
            return -(-present // spec.backlog)
        place.meter.tick()
        used = place.meter.busy_area
        cores = None
        if isinstance(place, Shared):
            for shared in place.shared:
                place._advance(shared)
            used, cores = place.meter.work_area, place.cores
        high, low = divmod(used - self.used[number], FULL_SUM)
        self.used[number] = used
        want = ceil((high * float(FULL_SUM) + low) / use_of_a_node(spec, place.units, cores))
        return max(want, 1) if present else want

    # -- on and off -------------------------------------------------------------------------------------------

    def _more(self, number: int) -> None:
        """Call back those that are leaving, then switch on those that are off, the least node first."""
        for state, switch in ((LEAVING, self._stay), (OFF, self._start)):
            for node in [node for node, known in enumerate(self.state) if known == state][:number]:
                switch(node)
                number -= 1

    def _stay(self, node: int) -> None:
        self.state[node] = ON
        self.group.stay(node)

    def _start(self, node: int) -> None:
        self.state[node] = STARTING
        ready = self.clock._now + self.delay.ns(node, self.begun[node])
        self.begun[node] += 1
        self.starts += 1
        self.kept.change(1, self.clock._now)
        timer = self.clock.call(ready, key(UP, self.element) | node, lambda _: self._started(node))
        self.starting[node] = timer

    def _started(self, node: int) -> None:
        del self.starting[node]
        self.state[node] = ON
        self.group.leaves[node] -= 1
        self.group.repair([node])

    def _fewer(self, number: int) -> None:
        """Call off starts, the last one first; then let nodes leave, the least loaded first, the last among equals."""
        for _ in range(number):
            if self.starting:
                node, timer = self.starting.popitem()
                timer.cancel()
                self.state[node] = OFF
                self.kept.change(-1, self.clock._now)
                continue
            on = [node for node, state in enumerate(self.state) if state == ON]
            self._leave(min(on, key=lambda node: (self.group.load(node), -node)))

    def _leave(self, node: int) -> None:
        self.state[node] = LEAVING
        self.left_ns[node] = self.clock._now
        self.group.leave(self.clock, node)

    def _let_go(self) -> None:
        """Of those that leave, who has nothing left to do goes off, and who has had its time is interrupted."""
        limit, now = self.spec.drain_limit_ns, self.clock._now
        late = []
        for node in [node for node, state in enumerate(self.state) if state == LEAVING]:
            if self.group.load(node) == 0 and not self.group.attempts[node]:
                self._off(node)
                self.kept.change(-1, now)
            elif limit is not None and now - self.left_ns[node] >= limit:
                late.append(node)
        if late:
            crash(self.clock, [(self.group, late)])
            for node in late:
                self.state[node] = OFF
            self.kept.change(-len(late), now)

    def _off(self, node: int) -> None:
        self.state[node] = OFF
        self.group.take_down([node], self.clock._now, crashes=False)
