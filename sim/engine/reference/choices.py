"""Which node: by rotation, at random, by load, by two choices, by key. Who is served there is told elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from sim.draws.streams import child_path, uniform
from sim.engine.reference.groups import Group
from sim.engine.reference.jobs import Job
from sim.network.places import Keyed, Polled, Resource, Server

if TYPE_CHECKING:
    from sim.engine.reference.engine import Engine


class Chooser:
    """Chooses nodes of one place. The set of nodes with something free is kept as bits in node order."""

    def __init__(self, engine: Engine, name: str, spec: Resource | Server, group: Group) -> None:
        self.group = group
        self.choice = spec.choice
        self.next = 0
        self.bits = (1 << group.count) - 1
        self.stream = engine.stream(f"{name}/choice")
        self.keys = Keys(engine, name, spec.keyed, group.count) if spec.keyed is not None else None

    def changed(self, node: int, free: int) -> None:
        """Take note of what is free on a node."""
        if free > 0:
            self.bits |= 1 << node
        else:
            self.bits &= ~(1 << node)

    def any_up(self) -> bool:
        """Whether any node of the group is up."""
        return not all(self.group.downs)

    def key_node(self, job: Job) -> int:
        """The node of the job's key, or -1 where nodes are not chosen by key."""
        return -1 if self.keys is None else self.keys.node(job)

    def with_units(self, job: Job, units: int, nodes: list[Any]) -> int:
        """A node with enough free units, by the choice's rule; -1 when there is none."""
        bits = self.bits
        if units > 1:
            bits = sum(1 << n for n in range(self.group.count) if bits >> n & 1 and nodes[n].free >= units)
        if not bits:
            return -1
        if self.choice == "round_robin":
            node = self._from(bits, self.next)
            self.next = node + 1
            return node
        if self.choice == "random":
            return self._from(bits, self._draw(job, 0))
        free = [n for n in range(self.group.count) if bits >> n & 1]
        if self.choice == "power_of_two":
            free = [self._from(bits, self._draw(job, 0)), self._from(bits, self._draw(job, 1))]
        return min(free, key=lambda n: (-nodes[n].free, n))

    def on_arrival(self, job: Job, nodes: list[Any]) -> int:
        """The node to wait at, among those that are up; -1 when there is none. Load is units in use and waiting."""
        up = [n for n in range(self.group.count) if self.group.downs[n] == 0]
        if not up:
            return -1
        bits = sum(1 << n for n in up)
        if self.choice == "round_robin":
            node = self._from(bits, self.next)
            self.next = node + 1
            return node
        if self.choice == "random":
            return self._from(bits, self._draw(job, 0))
        if self.choice == "power_of_two":
            up = [self._from(bits, self._draw(job, 0)), self._from(bits, self._draw(job, 1))]
        return min(up, key=lambda n: (len(nodes[n].bound) + len(nodes[n].chosen) - nodes[n].free, n))

    def _from(self, bits: int, start: int) -> int:
        """The first node of `bits` from `start` on, going round."""
        above = bits >> start
        if above:
            return start + (above & -above).bit_length() - 1
        return (bits & -bits).bit_length() - 1

    def _draw(self, job: Job, index: int) -> int:
        return int(uniform(self.stream, job.path, index) * self.group.count)


class Keys:
    """The node of a key: the same for the same key, with a Zipf skew over the nodes."""

    def __init__(self, engine: Engine, name: str, keyed: Keyed, count: int) -> None:
        self.by = keyed.by
        self.count = count
        self.stream = engine.stream(f"{name}/key")
        self.bounds: list[float] = []
        if keyed.skew:
            weights = [1 / (i + 1) ** keyed.skew for i in range(count)]
            total, running = sum(weights), 0.0
            for weight in weights[:-1]:
                running += weight / total
                self.bounds.append(running)

    def node(self, job: Job) -> int:
        """The node of the job's key."""
        if self.by == "execution":
            path = job.execution.path
        else:
            path = child_path(0, job.execution.attributes[self.by])
        u = uniform(self.stream, path, 0)
        return bisect_right(self.bounds, u) if self.bounds else int(u * self.count)


__all__ = ["Chooser", "Keys", "Polled"]
