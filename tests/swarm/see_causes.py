"""What comes and what goes wrong: looks at sources, draws and faults of the reference engine. Places: `see_places`."""

from __future__ import annotations

from typing import Any

from sim.engine.order import VISIT_BITS
from sim.engine.reference.clock import Clock
from sim.engine.reference.engine import Engine
from sim.engine.reference.faults import FaultProcess
from sim.engine.reference.groups import Group
from sim.engine.reference.sources import SourceProcess

from .looks import Seen, look


@look(Engine, "launch")
def _launch(seen: Seen, engine: Any, source: Any, path: int) -> None:
    if source.started > 1:
        return
    spec, arrivals = source.spec, source.spec.arrivals
    seen.add(f"source.{arrivals.TAG}")
    profile = getattr(arrivals, "profile", None)
    told = {
        f"profile.{profile.between if profile else ''}": profile is not None,
        "profile.period": profile is not None and profile.period_ns is not None,
        "batch": getattr(arrivals, "batch", None) is not None,
        "burst.every": getattr(arrivals, "every_ns", None) is not None,
        "burst.jitter": getattr(arrivals, "jitter_ns", 0) > 0,
        "think": getattr(arrivals, "think", None) is not None,
        "start": spec.start_ns > 0,
        "priority": spec.priority > 0,
        "uncounted": not spec.counted,
    }
    seen.update(f"source.{name}" for name, so in told.items() if so)


@look(SourceProcess, "_over")
def _over(seen: Seen, source: Any, time_ns: int) -> None:
    spec = source.spec
    if spec.stop_ns is not None and time_ns >= spec.stop_ns:
        seen.add("source.stop")
    if spec.limit is not None and source.started >= spec.limit:
        seen.add("source.limit")


@look(SourceProcess, "begin_episode")
def _begin_episode(seen: Seen, source: Any) -> None:
    seen.add("source.again" if source.ordinal else "source.during")


@look(SourceProcess, "end_episode")
def _end_episode(seen: Seen, source: Any) -> None:
    if source.next is not None and source.next.callbacks is not None:
        seen.add("source.cut_off")


@look(SourceProcess, "_come_late")
def _come_late(seen: Seen, source: Any, ordinal: int, event: Any) -> None:
    if ordinal < source.first_ordinal:
        seen.add("source.too_late")


@look(Engine, "sampler")
def _sampler(seen: Seen, engine: Any, name: str, distribution: Any) -> None:
    seen.add(f"distribution.{distribution.TAG}")


@look(Engine, "number")
def _number(seen: Seen, engine: Any, name: str, add: Any, to: Any = None) -> None:
    spec = add if add is not None else to
    seen.add(f"number.{getattr(spec, 'TAG', 'int')}")


@look(FaultProcess, "_begin")
def _begin(seen: Seen, process: Any, hit: Any, episode: int) -> None:
    spec = process.spec
    seen.add(f"fault.{spec.effect}")
    seen.add("fault.scripted" if spec.mttf is None else "fault.random")
    if spec.each:
        seen.add("fault.each")
    for target in spec.targets:
        seen.add("fault.listed" if isinstance(target.nodes, tuple) else f"fault.{target.nodes}")
    if len(spec.targets) > 1:
        seen.add("fault.several_targets")
    if spec.duration is None:
        seen.add("fault.for_ever")
    if spec.common and sum(len(nodes) for _, nodes in hit) > len(spec.targets):
        seen.add("fault.common")


@look(FaultProcess, "_give_notice")
def _give_notice(seen: Seen, process: Any, hit: Any, notice_ns: int, down: int) -> None:
    seen.add("fault.notice")
    nodes = [(group, node) for group, listed in hit for node in listed]
    if any(len(pool.nodes[node].chosen) for group, node in nodes for pool in group.chosen_on_arrival):
        seen.add("fault.notice_chosen_again")


@look(FaultProcess, "_strike")
def _strike(seen: Seen, process: Any, hit: Any, record: Any, episode: int) -> None:
    if process.spec.notice_ns is None:
        return
    passed = process.clock._now - record.start_ns
    if passed == process.spec.notice_ns:
        seen.add("fault.notice_over")
    elif passed > 0:
        seen.add("fault.notice_early")


@look(Clock, "shift")
def _shift(seen: Seen, clock: Any, keys: Any, by_ns: int) -> None:
    seen.add("clock.ahead" if by_ns > 0 else "clock.behind")
    for time_ns, key, _, timer in clock._queue:
        if key >> VISIT_BITS in keys and timer.callbacks is not None:
            seen.add("clock.to_now" if time_ns - by_ns < clock._now else "clock.moved")


@look(FaultProcess, "_opens")
def _opens(seen: Seen, process: Any, time_ns: int) -> None:
    window = process.spec.window
    if window is not None and (time_ns - window.from_ns) % window.period_ns >= window.length_ns:
        seen.add("fault.window")


@look(FaultProcess, "_end")
def _end(seen: Seen, process: Any, hit: Any, record: Any, episode: int) -> None:
    if record.start_ns == process.clock._now:
        seen.add("fault.no_time")


@look(Group, "take_down")
def _take_down(seen: Seen, group: Any, nodes: Any, now_ns: int, crashes: bool = True) -> None:
    if crashes and any(group.downs[node] for node in nodes):
        seen.add("fault.overlap")


@look(Group, "change_speed")
def _change_speed(seen: Seen, group: Any, nodes: Any, factor: float, begins: bool) -> None:
    if begins and any(group.speeds[node] for node in nodes):
        seen.add("fault.speeds_overlap")
