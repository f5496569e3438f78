"""Faults: begin and end them, scripted or random, as SimPy processes. `groups` carries out a crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.draws.streams import child_path, element_id, uniform
from sim.engine.order import DOWN, UP, key
from sim.engine.reference.clock import Process, Timer
from sim.engine.reference.groups import Group, crash
from sim.network.faults import Fault

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


@dataclass
class Episode:
    """One time that a fault was there. Times in ns; end -1: not over at the end of the run."""

    fault: str
    start_ns: int
    end_ns: int = -1
    nodes: list[tuple[str, int]] = field(default_factory=list)
    hit: int = 0
    down_ns: int = -1


class FaultProcess:
    """A fault at run time. With `each`, every node has a process and a stream path of its own."""

    def __init__(self, engine: Engine, name: str, spec: Fault) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.name = name
        self.spec = spec
        self.id = element_id(name)
        self.element = engine.elements[f"faults.{name}"]
        self.pick = engine.stream(f"{name}/node")
        self.errors = engine.stream(f"{name}/errors")
        self.shared = engine.stream(f"{name}/common")
        self.wait = engine.sampler(f"{name}/mttf", spec.mttf) if spec.mttf is not None else None
        self.length = engine.sampler(f"{name}/duration", spec.duration) if spec.duration is not None else None
        targets: list[tuple[Group, list[int] | str]] = []
        for target in spec.targets:
            group = engine.groups[target.group]
            targets.append((group, list(target.nodes) if isinstance(target.nodes, tuple) else target.nodes))
        self.targets = targets
        self.sources = [source for source in engine.sources if source.spec.during == name]
        if spec.each:
            number = 0
            for group, nodes in targets:
                for node in range(group.count) if isinstance(nodes, str) else nodes:
                    Process(self.clock, self._life([(group, [node])], child_path(self.id, number), number))
                    number += 1
        else:
            Process(self.clock, self._life(targets, self.id, 0))

    def _life(self, targets: list[tuple[Group, Any]], path: int, number: int) -> Any:
        """Up, down, up, down."""
        episode = 0
        down, up = key(DOWN, self.element) | number, key(UP, self.element) | number
        while True:
            if self.wait is None:
                assert self.spec.at_ns is not None
                yield self.clock.timer(self.spec.at_ns, down)
            else:
                yield self.clock.timer(self._opens(self.clock._now + self.wait.ns(path, episode)), down)
            if self.spec.common and uniform(self.shared, path, episode) < self.spec.common:
                hit = [(g, nodes if isinstance(nodes, list) else list(range(g.count))) for g, nodes in self.targets]
            else:
                hit = [(group, self._nodes(group, nodes, path, episode)) for group, nodes in targets]
            record = self._begin(hit, episode)
            if self.spec.notice_ns is not None:
                yield self._give_notice(hit, self.spec.notice_ns, down)
            self._strike(hit, record, episode)
            if self.length is None:
                return
            yield self.clock.timer(self.clock._now + self.length.ns(path, episode), up)
            self._end(hit, record, episode)
            episode += 1
            if self.wait is None:
                return

    def _opens(self, time_ns: int) -> int:
        """The time itself where it lies in the window, else that of the next opening."""
        window = self.spec.window
        if window is None:
            return time_ns
        since = (time_ns - window.from_ns) % window.period_ns
        return time_ns if since < window.length_ns else time_ns + window.period_ns - since

    def _nodes(self, group: Group, nodes: list[int] | str, path: int, episode: int) -> list[int]:
        if nodes == "all":
            return list(range(group.count))
        if nodes == "any":
            return [int(uniform(self.pick, path, episode) * group.count)]
        assert isinstance(nodes, list)
        return nodes

    def _begin(self, hit: list[tuple[Group, list[int]]], episode: int) -> Episode:
        record = Episode(self.name, self.clock._now)
        self.engine.recorder.episodes.append(record)
        self.engine.recorder.activities += 1
        record.nodes += [(group.name, node) for group, nodes in hit for node in nodes]
        for source in self.sources:
            source.begin_episode()
        return record

    def _give_notice(self, hit: list[tuple[Group, list[int]]], notice_ns: int, down: int) -> Timer:
        """The nodes leave. Gives the timer of their crash, which comes earlier when nothing is left on any of them."""
        nodes = [(group, node) for group, listed in hit for node in listed]
        for group, node in nodes:
            group.leave(self.clock, node)
        due = self.clock.timer(self.clock._now + notice_ns, down)

        def look() -> None:
            if due.callbacks is None:  # the notice is over
                del self.clock.watches[look]
            elif not any(group.load(node) or group.attempts[node] for group, node in nodes):
                due.instead(self.clock._now, down)
                del self.clock.watches[look]

        self.clock.watches[look] = None
        return due

    def _strike(self, hit: list[tuple[Group, list[int]]], record: Episode, episode: int) -> None:
        record.down_ns = self.clock._now
        if self.spec.effect == "crash":
            record.hit = crash(self.clock, hit)
            return
        if self.spec.jump_ns is not None:
            self.engine.jump(self.spec.jump_ns)
        for group, nodes in hit:
            if self.spec.effect in ("pause", "slow"):
                group.change_speed(nodes, self.spec.speed or 0.0, begins=True)
            else:
                for node in nodes:
                    group.error_chances[node].append((self.errors, episode, self.spec.probability or 0.0))

    def _end(self, hit: list[tuple[Group, list[int]]], record: Episode, episode: int) -> None:
        record.end_ns = self.clock._now
        self.engine.recorder.activities += 1
        for source in self.sources:
            source.end_episode()
        if self.spec.jump_ns is not None:
            self.engine.jump(-self.spec.jump_ns)
        for group, nodes in hit:
            if self.spec.effect == "crash":
                if self.spec.notice_ns is not None:
                    for node in nodes:
                        group.leaves[node] -= 1  # told by the repair
                group.repair(nodes)
            elif self.spec.effect in ("pause", "slow"):
                group.change_speed(nodes, self.spec.speed or 0.0, begins=False)
            else:
                for node in nodes:
                    group.error_chances[node].remove((self.errors, episode, self.spec.probability or 0.0))
