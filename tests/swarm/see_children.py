"""Child executions: looks at how those of the reference engine are let in, told of, heard of and closed."""

from __future__ import annotations

import sys
from typing import Any

from sim.engine.reference.children import ChildExecution, ChildStep, Telling, TellStep
from sim.engine.reference.engine import Engine

from .looks import Seen, look


@look(ChildStep, "run")
def _child(seen: Seen, step: Any, job: Any) -> None:
    body = step.body
    seen.add("child.heard" if body.wait else "child.unheard")
    if body.takes:
        seen.add("child.takes")
    if body.gives:
        seen.add("child.gives")
    if job.execution.as_child is not None:
        seen.add("child.nested")


@look(Engine, "let_in_child")
def _let_in(seen: Seen, engine: Engine, child: Any, path: int) -> None:
    parent = child.parent
    if not parent.counted:
        seen.add("child.uncounted")
    if engine.clock._now >= engine.plan.horizon_ns and (parent.followed or parent.row >= 0):
        seen.add("child.followed")


@look(ChildExecution, "close")
def _close(seen: Seen, child: Any) -> None:
    if isinstance(sys.exception(), GeneratorExit):  # thrown away with the run before
        return
    if child.asked:
        seen.add("child.asked_once")
    elif child.execution.main is None:
        seen.add("child.left_to_after")
    else:
        seen.add(f"child.{child.step.body.on_close}")
        if child.parent.main is None:
            seen.add("child.with_parent")


@look(ChildExecution, "closed")
def _closed(seen: Seen, child: Any, main: Any, error: str | None) -> None:
    if error is not None and child.heard:
        seen.add("child.failed")
    if child.step.after:
        seen.add("child.after" if error is None else "child.after_failure")


@look(ChildExecution, "_after_ended")
def _after_ended(seen: Seen, child: Any, job: Any, error: str | None) -> None:
    if error is not None and child.error is None and child.heard:
        seen.add("child.failed_after")


@look(TellStep, "run")
def _tell(seen: Seen, step: Any, job: Any) -> None:
    child = job.execution.as_child
    if child is None:
        seen.add("tell.no_parent")
    elif job.execution.main is None:
        seen.add("tell.too_late")
    elif child.parent.main is None:
        seen.add("tell.parent_closed")
    else:
        seen.add("tell.told" if child.step.told else "tell.nothing")


@look(Telling, "_ended")
def _told(seen: Seen, telling: Any, job: Any, error: str | None) -> None:
    if error is not None:
        seen.add("tell.failed")
    if not telling.heard:
        seen.add("tell.teller_gone")
