"""Choice of a node: by rotation, at random, by load, by two choices, by key."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sim.draws.streams import child_path, uniform
from sim.engine.reference.groups import Group
from sim.engine.reference.jobs import Job
from sim.network.places import Keyed, Place

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine
    from sim.engine.reference.pools import Grant


class Chooser:
    """Chooses nodes of one place. The set of nodes that can serve a newcomer is kept as bits in node order."""

    def __init__(self, engine: Engine, name: str, spec: Place, group: Group) -> None:
        self.group = group
        self.choice = spec.choice
        self.next = 0
        self.bits = (1 << group.count) - 1
        self.stream = engine.stream(f"{name}/choice")

    def changed(self, node: int, free: bool) -> None:
        """Take note of whether a node can serve a newcomer."""
        if free:
            self.bits |= 1 << node
        else:
            self.bits &= ~(1 << node)

    def any_up(self) -> bool:
        """Whether any node of the group is up."""
        return not all(self.group.downs)

    def with_units(self, grant: Grant, nodes: list[Any]) -> int:
        """A node with enough free units, by the choice's rule; -1 when there is none."""
        bits = self.bits
        if grant.units > 1:
            bits = sum(1 << n for n in range(self.group.count) if bits >> n & 1 and nodes[n].free >= grant.units)
        if not bits:
            return -1
        return self._chosen(grant, bits, lambda n: -nodes[n].free)

    def on_arrival(self, grant: Grant, nodes: list[Any]) -> int:
        """The node to wait at, among those that are up; -1 when there is none. Load is units in use and waiting."""
        up = [n for n in range(self.group.count) if self.group.downs[n] == 0 and not self.group.leaves[n]]
        if not up:
            return -1
        bits = sum(1 << n for n in up)
        return self._chosen(grant, bits, lambda n: len(nodes[n].bound) + len(nodes[n].chosen) - nodes[n].free)

    def _chosen(self, grant: Grant, bits: int, load: Callable[[int], int]) -> int:
        """One of the nodes in `bits`, of which there are some, by the choice's rule."""
        if self.choice == "round_robin":
            node = self._from(bits, self.next)
            self.next = node + 1
            return node
        if self.choice == "random":
            return self._from(bits, self._draw(grant, 0))
        if self.choice == "power_of_two":
            among = [self._from(bits, self._draw(grant, 0)), self._from(bits, self._draw(grant, 1))]
        else:
            among = [n for n in range(self.group.count) if bits >> n & 1]
        return min(among, key=lambda n: (load(n), n))

    def _from(self, bits: int, start: int) -> int:
        """The first node of `bits` from `start` on, going round."""
        above = bits >> start
        if above:
            return start + (above & -above).bit_length() - 1
        return (bits & -bits).bit_length() - 1

    def _draw(self, grant: Grant, index: int) -> int:
        return int(uniform(self.stream, grant.path, index) * self.group.count)


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
        """The node of the job's key; what the execution's own path gives is remembered there."""
        execution = job.execution
        if self.by != "execution":
            return self._at(child_path(0, execution.attributes[self.by]))
        node = execution.keys.get(self.stream)
        if node is None:
            node = execution.keys[self.stream] = self._at(execution.path)
        return node

    def _at(self, path: int) -> int:
        u = uniform(self.stream, path, 0)
        return bisect_right(self.bounds, u) if self.bounds else int(u * self.count)
