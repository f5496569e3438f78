"""Attempts: trying steps, with the four timeouts, heartbeats, back-off and retries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sim.draws.streams import child_path, uniform
from sim.engine.elements import HEARTBEAT_TENTHS
from sim.engine.order import TIMEOUT, key
from sim.engine.reference.clock import Event, Timer, interrupt
from sim.engine.reference.groups import Group
from sim.engine.reference.jobs import CANCEL_REQUESTED, CANCELLED, COMPENSATED, Cancelled, Failed, Job
from sim.engine.reference.pools import Grant
from sim.network.facts import has_timer
from sim.network.kinds import Placed
from sim.network.routines import AttemptBody, Retry

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine

START_TO_CLOSE, SCHEDULE_TO_START, SCHEDULE_TO_CLOSE, HEARTBEAT = range(4)
TIMEOUTS = (
    "timeout_start_to_close",
    "timeout_schedule_to_start",
    "timeout_schedule_to_close",
    "timeout_heartbeat",
)


class Final(Failed):
    """An attempt's own timer says that there is no further attempt."""


class AttemptStep:
    """An attempt as a step of a routine.

    starts: when each attempt has started: at once, with the first grant inside, or where a `start` step says so.
    """

    def __init__(
        self,
        engine: Engine,
        placed: Placed,
        body: AttemptBody,
        inner: list[Any],
        after: list[Any],
        starts: Literal["at_once", "granted", "by_step"],
    ) -> None:
        self.engine = engine
        self.starts = starts
        self.body = body
        self.inner = inner
        self.after = after
        self.element = engine.elements[placed.stream]
        self.stream_offset = engine.stream_offset(placed.stream)
        self.jitter = engine.stream(f"{placed.stream}/jitter")
        self.label = placed.stream
        # A body that may have to be abandoned or cut off by a timer needs a thread of control of its own.
        self.inline = not has_timer(body)
        self.breaker = engine.breakers[body.breaker] if body.breaker is not None else None
        budget = body.retry.budget if body.retry is not None else None
        self.budget = engine.budgets[budget] if budget is not None else None

    def run(self, job: Job) -> Any:
        """Try until success or until the policy gives up."""
        clock = self.engine.clock
        outer_path = job.path
        base_path = child_path(outer_path, self.stream_offset)
        deadline = None  # by the wall clock
        if self.body.schedule_to_close_ns:
            deadline = clock._now + self.engine.wall_ns + self.body.schedule_to_close_ns
        number = 0
        interval = None
        if self.budget is not None:
            self.budget.deposit(job)
        while True:
            number += 1
            if self.body.counted:
                self.engine.recorder.attempted(job.execution, number)
            job.path = child_path(base_path, number)
            before = dict(job.split)
            base = job.taken
            passage = None
            try:
                if self.breaker is not None:
                    passage = self.breaker.ask(job)
                if self.inline:
                    yield from self.engine.walk(job, self.inner)
                else:
                    yield from self._try(job, deadline)
                if passage is not None:
                    passage.ended(failed=False)
                job.path = outer_path
                return
            except Cancelled:
                if passage is not None:
                    passage.left()
                raise
            except Failed as failure:
                outside = failure.depth is not None and failure.depth < base
                if passage is not None:
                    passage.left() if outside else passage.ended(failed=True)
                job.give_back(base)
                job.lose(before, clock._now)
                error = failure.error
                final = isinstance(failure, Final) or error in (COMPENSATED, CANCEL_REQUESTED)
                job.tell(clock._now, f"attempt {number} of {self.label} failed: {error}")
                if outside:
                    job.path = outer_path
                    raise  # it dies with what was acquired outside, and reacts to nothing
                self.engine.reacted()
            retry = self.body.retry
            if retry is None or final or error in retry.non_retryable:
                break
            if retry.maximum_attempts is not None and number >= retry.maximum_attempts:
                break
            interval = _next_interval(retry, interval)
            if retry.timers is not None and error in TIMEOUTS:
                self.engine.timers[retry.timers].ended(clock._now)
            again = self._back_off_end(job, retry, interval)
            if deadline is not None and again >= deadline - self.engine.wall_ns:
                break
            if self.budget is not None and not self.budget.take(job):
                break
            self.engine.recorder.activities += 2
            yield from job.sleep(clock, again, key(TIMEOUT, self.element), "backoff")
            if retry.timers is not None:
                self.engine.timers[retry.timers].ended(clock._now)
        job.path = outer_path
        if self.body.on_failure is None:
            raise Failed(error)
        yield from self.engine.walk(job, self.after)

    def _back_off_end(self, job: Job, retry: Retry, interval: float) -> int:
        length = interval
        if retry.jitter:
            length *= 1 - retry.jitter * uniform(self.jitter, job.path, 0)
        end = self.engine.clock._now + max(round(length), retry.floor_ns)
        if retry.grid_ns is not None:
            end = -(-end // retry.grid_ns) * retry.grid_ns
        return end if retry.timers is None else self.engine.timers[retry.timers].end_of(end)

    def _try(self, job: Job, deadline: int | None) -> Any:
        """One attempt in a thread of control of its own."""
        attempt = RunningAttempt(self, job, deadline)
        child = attempt.child
        job.awaits = attempt
        try:
            error = yield attempt.settled
        except BaseException:
            if child.process is not None:
                interrupt(child.process, Cancelled())
            raise
        finally:
            job.awaits = None
            attempt.close()
        if error is None:
            job.take_over(child, self.engine.clock._now)
            return
        job.open_spans = dict(child.open_spans)
        if error in (TIMEOUTS[SCHEDULE_TO_START], TIMEOUTS[SCHEDULE_TO_CLOSE]) and attempt.expired:
            raise Final(error)
        raise Failed(error)


def _next_interval(retry: Retry, interval: float | None) -> float:
    """Length of the next back-off before jitter, floor and grid, in ns."""
    longest = retry.maximum_interval_ns or 100 * retry.initial_interval_ns
    first = float(retry.initial_interval_ns)
    return min(float(longest), first if interval is None else interval * retry.backoff_coefficient)


class RunningAttempt:
    """One attempt under way: its child job and its timers. It outlives neither success, failure nor a timer."""

    def __init__(self, step: AttemptStep, job: Job, deadline: int | None) -> None:
        self.step = step
        self.engine = step.engine
        self.clock = step.engine.clock
        self.settled = Event(self.clock)
        self.settled_ns = -1
        self.open = True
        self.expired = False
        self.started_ns = -1
        self.last_beat_ns = -1
        self.lost = False
        self.group: Group | None = None
        self.node = -1
        self.timers: dict[int, Timer] = {}
        self.parent = job
        self.outer = job.attempt
        body = step.body
        self.child = self.engine.spawn(job, job.path, step.inner, self._ended)
        self.child.attempt = self
        self.child.within = self
        if deadline is not None:
            self._set(SCHEDULE_TO_CLOSE, max(deadline - self.engine.wall_ns, self.clock._now))
        if step.starts == "at_once":
            self.start(None)
        elif body.schedule_to_start_ns is not None:
            self._set(SCHEDULE_TO_START, self.clock._now + body.schedule_to_start_ns)

    def granted(self, grant: Grant) -> None:
        """A unit was granted inside: the attempt starts, unless a step says where it does."""
        if self.started_ns < 0 and self.step.starts == "granted":
            self.start(grant)

    def start(self, grant: Grant | None) -> None:
        """The attempt has started, on the node of `grant` (on none without one)."""
        if not self.open or self.started_ns >= 0:
            return
        now = self.clock._now
        self.started_ns = self.last_beat_ns = now
        body = self.step.body
        waiting = self.timers.pop(SCHEDULE_TO_START, None)
        if waiting is not None:
            waiting.cancel()
        if body.start_to_close_ns is not None:
            self._set(START_TO_CLOSE, now + body.start_to_close_ns)
        if grant is not None and (body.heartbeat is not None or body.on_crash == "silent"):
            self.group, self.node = grant.pool.group, grant.node
            self.group.attempts[self.node][self] = None

    def node_lost(self) -> None:
        """The node has crashed: no sign of life comes any more."""
        self.lost = True
        self.node_paused()

    def node_paused(self) -> None:
        """No sign of life comes for now."""
        beat = self.step.body.heartbeat
        if beat is None or not self.open or HEARTBEAT in self.timers:
            return
        interval = beat.interval_ns or max(1, beat.timeout_ns * HEARTBEAT_TENTHS // 10)
        last = self.last_beat_ns + (self.clock._now - self.last_beat_ns) // interval * interval
        self._set(HEARTBEAT, max(last + beat.timeout_ns, self.clock._now))

    def node_resumed(self) -> None:
        """Signs of life come again, the first one now."""
        self.last_beat_ns = self.clock._now
        waiting = self.timers.pop(HEARTBEAT, None)
        if waiting is not None:
            waiting.cancel()

    def close(self) -> None:
        """Stop the timers; nothing that happens to the child matters here any more."""
        self.open = False
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()
        if self.group is not None:
            self.group.attempts[self.node].pop(self, None)

    def _set(self, which: int, time_ns: int) -> None:
        timer = self.clock.call(
            time_ns, key(TIMEOUT, self.step.element + which) | self.parent.order, lambda _: self._expire(which)
        )
        self.timers[which] = timer

    def _expire(self, which: int) -> None:
        if not self.open:
            return
        self.expired = True
        self.parent.tell(self.clock._now, f"{TIMEOUTS[which]} of {self.step.label}")
        self.engine.reacted()
        # Where nobody has begun the task is taken back; a body that learns of its deadline stops, too.
        if (self.started_ns < 0 or self.step.body.stops) and self.child.process is not None:
            interrupt(self.child.process, Cancelled())
        self._settle(TIMEOUTS[which])

    def _ended(self, child: Job, error: str | None) -> None:
        if not self.open:
            if self.expired:  # it ran on for nothing
                self.engine.recorder.off_path_ns += self.clock._now - self.settled_ns
            return
        if error == CANCELLED:
            return
        if error == "crash" and self.lost and self.step.body.on_crash == "silent":
            return  # nobody hears; only a timer ends this attempt
        self._settle(error)

    def _settle(self, error: str | None) -> None:
        if self.open:
            self.open = False
            self.settled_ns = self.clock._now
            self.clock.wake(self.settled, error)
