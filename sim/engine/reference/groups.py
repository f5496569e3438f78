"""Node groups: which nodes are up, paused or slow, and which jobs a crash hits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from sim.draws.streams import uniform
from sim.engine.reference.clock import Clock, Event, interrupt
from sim.engine.reference.jobs import Failed, Job

if TYPE_CHECKING:  # what it is told of, and does not make
    from sim.engine.reference.attempts import RunningAttempt
    from sim.engine.reference.pools import Pool

Hit = dict[Job, int | None]
"""Jobs that a crash interrupts, with the number of the outermost grant that each one loses (None: it loses none)."""


class Resident:
    """What lives on the nodes of a group: pools, stations, caches; what a node does does not matter to all of them."""

    def node_down(self, node: int, hit: Hit) -> None:
        """The node has crashed: drop what it held and add whoever ran there to `hit`."""

    def node_up(self, node: int) -> None:
        """The node is back, empty."""

    def node_speed(self, node: int, speed: float) -> None:
        """The node works at this share of its speed from now on; 0 is a pause."""


class Group:
    """The nodes of one group and their state. Several faults may hold a node down; it is up when none does.

    ready: up and not paused. leaves: how many want it to: a controller by which it is off or about to be, faults that
    have given notice. error_chances: (stream, episode, chance) of each fault that makes services there fail.
    """

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count
        self.affinities: set[str] = set()
        self.crashed: Callable[[str, int, set[int], set[str], int], None] | None = None
        self.downs = [0] * count
        self.down_since = [-1] * count
        self.ready = [True] * count
        self.leaves = [0] * count
        self.speeds: list[list[float]] = [[] for _ in range(count)]
        self.error_chances: list[list[tuple[int, int, float]]] = [[] for _ in range(count)]
        self.residents: list[Resident] = []
        self.pools: list[Pool] = []
        self.chosen_on_arrival: list[Pool] = []
        self.attempts: list[dict[RunningAttempt, None]] = [{} for _ in range(count)]
        self.resumed: list[list[Event]] = [[] for _ in range(count)]

    def is_up(self, node: int) -> bool:
        """Whether the node is there (paused or slow nodes are)."""
        return self.downs[node] == 0

    def takes(self, node: int) -> bool:
        """Whether the node takes work that is not bound to it."""
        return self.ready[node] and not self.leaves[node]

    def speed(self, node: int) -> float:
        """Share of its speed that the node works at: the product over the faults that slow it; 0 when paused."""
        speed = 1.0
        for factor in self.speeds[node]:
            speed *= factor
        return speed

    def spoils(self, node: int, path: int) -> bool:
        """Whether a service that ends on the node now ends in failure; `path` is that of the visit."""
        return any(uniform(stream, path, episode) < chance for stream, episode, chance in self.error_chances[node])

    def take_down(self, nodes: list[int], now_ns: int, crashes: bool = True) -> tuple[Hit, list[int]]:
        """Nodes crash, or go off with nothing to do. Gives whom that hits and which nodes were up until now."""
        hit: Hit = {}
        fallen = []
        for node in nodes:
            self.downs[node] += 1
            if self.downs[node] > 1:
                continue
            fallen.append(node)
            self.down_since[node] = now_ns
            self.ready[node] = False
            for attempt in self.attempts[node]:
                attempt.node_lost()
            self.attempts[node].clear()
            here: Hit = {}
            for resident in self.residents:
                resident.node_down(node, here)
            if crashes and self.crashed is not None:
                running = {job.execution.ordinal for job in here}
                self.crashed(self.name, node, running, self.affinities, now_ns)
            for job, depth in here.items():
                add_hit(hit, job, depth)
        return hit, fallen

    def load(self, node: int) -> int:
        """Units in use on the node, and how many wait at it, over all places."""
        return sum(pool.load(node) for pool in self.pools)

    def leave(self, clock: Clock, node: int) -> None:
        """The node takes no new work; who had chosen it on arrival chooses again."""
        self.leaves[node] += 1
        if self.leaves[node] > 1:
            return
        for pool in self.pools:
            pool.node_takes(node)
        for pool in self.chosen_on_arrival:
            clock.later(partial(pool.choose_again, node))

    def stay(self, node: int) -> None:
        """One that wanted the node to leave does so no longer."""
        self.leaves[node] -= 1
        if self.leaves[node] == 0:
            for pool in self.pools:
                pool.node_takes(node)

    def repair(self, nodes: list[int]) -> None:
        """Bring nodes back, empty."""
        for node in nodes:
            self.downs[node] -= 1
            if self.downs[node] == 0:
                self.down_since[node] = -1
                self.ready[node] = self.speed(node) > 0
                for resident in self.residents:
                    resident.node_up(node)

    def change_speed(self, nodes: list[int], factor: float, begins: bool) -> None:
        """Let a slow-down or pause begin or end on nodes."""
        for node in nodes:
            before = self.speed(node)
            if begins:
                self.speeds[node].append(factor)
            else:
                self.speeds[node].remove(factor)
            after = self.speed(node)
            if before == after:
                continue
            self.ready[node] = self.downs[node] == 0 and after > 0
            if self.downs[node] == 0:
                for resident in self.residents:
                    resident.node_speed(node, after)
            if (before == 0) != (after == 0):
                for attempt in list(self.attempts[node]):
                    attempt.node_paused() if after == 0 else attempt.node_resumed()
            if before == 0:
                waiting, self.resumed[node] = self.resumed[node], []
                for event in waiting:
                    event.env.wake(event)  # type: ignore[attr-defined]


def add_hit(hit: Hit, job: Job, depth: int | None) -> None:
    """Note that a crash hits a job; of several grants that it loses, the outermost one counts."""
    known = hit.get(job)
    hit[job] = known if depth is None else depth if known is None else min(known, depth)


def crash(clock: Clock, targets: list[tuple[Group, list[int]]]) -> int:
    """Let nodes of several groups crash at one instant. Gives how many jobs that hits.

    First everything there is gone, then whoever ran there is interrupted, in the order of the jobs, then those who
    had chosen one of the nodes to wait at choose again.
    """
    hit: Hit = {}
    after: list[Callable[[Event], None]] = []
    for group, nodes in targets:
        here, fallen = group.take_down(nodes, clock._now)
        for job, depth in here.items():
            add_hit(hit, job, depth)
        after += [partial(pool.choose_again, node) for node in fallen for pool in group.chosen_on_arrival]
    for job in sorted(hit, key=lambda job: job.order):
        assert job.process is not None
        job.tell(clock._now, "a node crashed under it")
        interrupt(job.process, Failed("crash", hit[job]))
    for action in after:
        clock.later(action)
    return len(hit)
