"""Child executions: let in by a `child` step, heard of at their end, told of on the way, closed with their parent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.draws.streams import child_path
from sim.engine.reference.clock import Event, interrupt
from sim.engine.reference.jobs import CANCEL_REQUESTED, Cancelled, Execution, Failed, Job
from sim.network.kinds import Placed
from sim.network.routines import ChildBody

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


class ChildStep:
    """Let a child execution in, and wait for its end."""

    def __init__(self, engine: Engine, placed: Placed, body: ChildBody, told: list[Any], after: list[Any]) -> None:
        self.engine = engine
        self.body = body
        self.told = told
        self.after = after
        self.stream_offset = engine.stream_offset(placed.stream)
        self.state = f"child.{placed.stream.rsplit('/', 1)[1]}"

    def run(self, job: Job) -> Any:
        """Go on when it has ended, or at once."""
        child = ChildExecution(self, job)
        return child.wait() if self.body.wait else None


class ChildExecution:
    """How a child execution hangs together with its parent.

    heard: the job that took the step still waits for the end. asked: what `on_close` says has been done. child: the
    job that has to end before the parent hears: the main line, then what comes after it.
    """

    timers: tuple[()] = ()
    """None runs out that would end the wait."""

    def __init__(self, step: ChildStep, job: Job) -> None:
        self.step = step
        self.engine = step.engine
        self.job = job
        self.parent = job.execution
        self.settled = Event(self.engine.clock)
        self.heard = step.body.wait
        self.asked = False
        self.error: str | None = None
        path = child_path(job.path, step.stream_offset)
        self.execution = self.engine.let_in_child(self, path)
        self.parent.open_children[self] = None
        assert self.execution.main is not None
        self.child = self.execution.main
        self.child.within = self

    def wait(self) -> Any:
        """Wait for the end; take the values that the child gives; fail as it did."""
        job, attributes = self.job, self.parent.attributes
        job.awaits = self
        try:
            error = yield self.settled
        except BaseException:
            self.heard = False
            if not self.parent.dropped:
                self.close()
            raise
        finally:
            job.awaits = None
            job.spend(self.step.state, self.engine.clock._now)
        for name in self.step.body.gives:
            attributes[name] = self.execution.attributes[name]
        if error is not None:
            raise Failed(error)

    def close(self) -> None:
        """Nobody waits for it any more, or its parent has closed."""
        policy = self.step.body.on_close
        if self.asked or self.execution.main is None or policy == "abandon":
            return
        self.asked = True
        process = self.execution.main.process
        assert process is not None
        interrupt(process, Cancelled() if policy == "terminate" else Failed(CANCEL_REQUESTED))

    def closed(self, main: Job, error: str | None) -> None:
        """Its main line has ended."""
        self.parent.open_children.pop(self, None)
        self.error = error
        if self.step.after:
            path = child_path(self.execution.path, self.step.stream_offset)
            self.child = self.engine.spawn(main, path, self.step.after, self._after_ended)
            self.child.within = self
        else:
            self._settle()

    def _after_ended(self, _: Job, error: str | None) -> None:
        self.error = self.error or error
        self._settle()

    def _settle(self) -> None:
        if self.heard:
            self.engine.clock.wake(self.settled, self.error)


class TellStep:
    """Have the parent take the steps that it has for being told."""

    def __init__(self, engine: Engine, placed: Placed) -> None:
        self.engine = engine
        self.stream_offset = engine.stream_offset(placed.stream)

    def run(self, job: Job) -> Any:
        """Wait until it has taken them."""
        execution = job.execution
        child = execution.as_child
        if execution.main is None or child is None or child.parent.main is None or not child.step.told:
            return None
        return Telling(self.engine, job, child, child_path(job.path, self.stream_offset)).wait()


class Telling:
    """A parent that is being told. child: the job that takes the steps."""

    timers: tuple[()] = ()
    """None runs out that would end the wait."""

    def __init__(self, engine: Engine, job: Job, of: ChildExecution, path: int) -> None:
        self.engine = engine
        self.job = job
        self.settled = Event(engine.clock)
        self.heard = True
        assert of.parent.main is not None
        self.child = engine.spawn(of.parent.main, path, of.step.told, self._ended)
        self.child.within = self

    def wait(self) -> Any:
        """Wait until the parent has taken the steps, whatever came of it."""
        self.job.awaits = self
        try:
            yield self.settled
        finally:
            self.heard = False
            self.job.awaits = None
            self.job.spend("told", self.engine.clock._now)

    def _ended(self, _: Job, error: str | None) -> None:
        if self.heard:
            self.engine.clock.wake(self.settled)


def let_go_of_children(execution: Execution) -> None:
    """The execution has closed: what `on_close` says becomes of its open children, in order."""
    children = list(execution.open_children)
    execution.open_children.clear()
    for child in children:
        child.close()
