"""Node groups: which nodes are up, paused or slow, and whom a fault tells. When faults come is `faults`' matter."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from sim.engine.reference.clock import interrupt
from sim.engine.reference.jobs import Failed, Job

if TYPE_CHECKING:
    from sim.engine.reference.attempts import Trial


class Resident(Protocol):
    """What lives on the nodes of a group: pools, stations, caches."""

    def node_down(self, node: int, hit: dict[Job, int | None]) -> None:
        """The node has crashed: drop what it held and add whoever ran there to `hit`, with the place in `held`."""

    def node_up(self, node: int) -> None:
        """The node is back, empty."""

    def node_speed(self, node: int, speed: float) -> None:
        """The node works at this share of its speed from now on; 0 is a pause."""


class Group:
    """The nodes of one group and their state. Several faults may hold a node down; it is up when none does."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.count = count
        self.affinities: set[str] = set()
        self.crashed: Callable[[str, int, set[int], set[str], int], None] | None = None
        self.downs = [0] * count
        self.down_since = [-1] * count
        self.speeds: list[list[float]] = [[] for _ in range(count)]
        self.error_chances: list[list[tuple[int, float]]] = [[] for _ in range(count)]
        self.residents: list[Resident] = []
        self.trials: list[dict[Trial, None]] = [{} for _ in range(count)]
        self.resumed: list[list[object]] = [[] for _ in range(count)]

    def is_up(self, node: int) -> bool:
        """Whether the node is there (paused or slow nodes are)."""
        return self.downs[node] == 0

    def speed(self, node: int) -> float:
        """Share of its speed that the node works at: the product over the faults that slow it; 0 when paused."""
        speed = 1.0
        for factor in self.speeds[node]:
            speed *= factor
        return speed

    def crash(self, nodes: list[int], now_ns: int) -> int:
        """Take nodes down; interrupt whoever ran there, in the order of the jobs. Gives how many were hit."""
        hit: dict[Job, int | None] = {}
        silent: list[Trial] = []
        for node in nodes:
            self.downs[node] += 1
            if self.downs[node] > 1:
                continue
            self.down_since[node] = now_ns
            for trial in self.trials[node]:
                trial.node_lost()
                silent.append(trial)
            self.trials[node].clear()
            before = set(hit)
            for resident in self.residents:
                resident.node_down(node, hit)
            if self.crashed is not None:
                running = {job.execution.ordinal for job in hit if job not in before}
                self.crashed(self.name, node, running, self.affinities, now_ns)
        for job in sorted(hit, key=lambda job: job.order):
            assert job.process is not None
            job.tell(now_ns, f"a node of {self.name} crashed under it")
            interrupt(job.process, Failed("crash", hit[job]))
        return len(hit)

    def repair(self, nodes: list[int]) -> None:
        """Bring nodes back, empty."""
        for node in nodes:
            self.downs[node] -= 1
            if self.downs[node] == 0:
                self.down_since[node] = -1
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
            if self.downs[node] == 0:
                for resident in self.residents:
                    resident.node_speed(node, after)
            if (before == 0) != (after == 0):
                for trial in list(self.trials[node]):
                    trial.node_paused() if after == 0 else trial.node_resumed()
            if before == 0:
                waiting, self.resumed[node] = self.resumed[node], []
                for event in waiting:
                    event.env.wake(event)  # type: ignore[attr-defined]
