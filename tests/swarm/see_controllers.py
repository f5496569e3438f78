"""What controllers do: looks at those of the reference engine."""

from __future__ import annotations

from typing import Any

from sim.engine.reference.controllers import LEAVING, ControllerProcess
from sim.engine.reference.servers import Shared

from .looks import Seen, look


@look(ControllerProcess, "_look")
def _look(seen: Seen, controller: Any, number: int) -> None:
    spec = controller.spec
    for form in ("backlog", "schedule"):
        if getattr(spec, form) is not None:
            seen.add(f"controller.{form}")
    if spec.utilisation is not None:
        seen.add("controller.cores" if isinstance(controller.places[0], Shared) else "controller.utilisation")
    if controller.kept.current == 0:
        seen.add("controller.zero")


@look(ControllerProcess, "_started")
def _started(seen: Seen, controller: Any, node: int) -> None:
    seen.add("controller.started" if controller.group.downs[node] == 1 else "controller.started_broken")


@look(ControllerProcess, "_stay")
def _stay(seen: Seen, controller: Any, node: int) -> None:
    seen.add("controller.stays")


@look(ControllerProcess, "_leave")
def _leave(seen: Seen, controller: Any, node: int) -> None:
    seen.add("controller.leaves")


@look(ControllerProcess, "_fewer")
def _fewer(seen: Seen, controller: Any, number: int) -> None:
    if controller.starting:
        seen.add("controller.called_off")


@look(ControllerProcess, "_let_go")
def _let_go(seen: Seen, controller: Any) -> None:
    limit, now = controller.spec.drain_limit_ns, controller.clock._now
    for node, state in enumerate(controller.state):
        if state == LEAVING and controller.group.load(node):
            late = limit is not None and now - controller.left_ns[node] >= limit
            seen.add("controller.interrupts" if late else "controller.drains")
