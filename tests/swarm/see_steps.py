"""What jobs do: looks at the steps, joins and attempts of the reference engine. Places: `see_places`."""

from __future__ import annotations

from typing import Any

from sim.engine.reference.attempts import HEARTBEAT, TIMEOUTS, AttemptStep, RunningAttempt
from sim.engine.reference.control import (
    BranchStep,
    CallStep,
    CompensateStep,
    ForkGroup,
    ForkStep,
    LoopStep,
    RaceStep,
    SagaStep,
)
from sim.engine.reference.engine import Engine
from sim.engine.reference.jobs import Failed, Job
from sim.engine.reference.monitors import Watch
from sim.engine.reference.steps import (
    AcquireStep,
    CountSteps,
    DelaySteps,
    FailStep,
    ForgetStep,
    MarkStep,
    ReleaseStep,
    SetSteps,
    StartStep,
    UseStep,
)
from sim.network import Network
from sim.network.checks.steps import BUILT_IN
from sim.network.kinds import walk
from sim.network.routines import Attempt, AttemptBody

from .looks import Seen, look

bodies: dict[str, AttemptBody] = {}
"""The attempts of the network that is looked at, by the stream of their step."""


def looking_at(network: Network) -> None:
    """The next run is of this network."""
    bodies.clear()
    for routine, steps in network.routines.items():
        for placed in walk(routine, steps):
            if isinstance(placed.step, Attempt):
                bodies[placed.stream] = placed.step.attempt


@look(AcquireStep, "_bound")
def _bound(seen: Seen, step: Any, job: Any) -> None:
    body = step.body
    if body.at is not None:
        seen.add("resource.at")
        return
    node = (job.execution.affinity or {}).get(body.affinity, -1)
    if node >= 0:
        seen.add("resource.affinity")
        since = step.pool.group.down_since[node]
        if body.lease_ns is not None and since >= 0 and step.clock._now - since >= body.lease_ns:
            seen.add("resource.lease")
        if step.pool.group.leaves[node]:
            seen.add("controller.forgotten")


@look(AcquireStep, "_give_up")
def _acquire_gives_up(seen: Seen, step: Any, grant: Any) -> None:
    if grant.node < 0:
        seen.add("resource.patience" if step.otherwise is None else "resource.otherwise")


@look(ForgetStep, "run")
def _forget(seen: Seen, step: Any, job: Any) -> None:
    if step.name in (job.execution.affinity or {}):
        seen.add("resource.forget")


@look(ReleaseStep, "run")
def _release(seen: Seen, step: Any, job: Any) -> None:
    held = any(grant.pool.name == step.name for grant in job.held)
    seen.add("resource.release" if held else "resource.not_held")


@look(UseStep, "run")
def _use(seen: Seen, step: Any, job: Any) -> None:
    if step.per:
        seen.add("use.per")


@look(DelaySteps, "run")
def _delay(seen: Seen, step: Any, job: Any) -> None:
    spec = step.spec
    seen.add(f"delay.{spec.kind}")
    if spec.per:
        seen.add("delay.per")
    if spec.floor_ns:
        seen.add("delay.floor")
    if spec.grid_ns:
        seen.add("delay.grid")


@look(BranchStep, "run")
def _branch(seen: Seen, step: Any, job: Any) -> None:
    seen.add("branch.probability" if step.draws else "branch.attribute")


@look(LoopStep, "run")
def _loop(seen: Seen, step: Any, job: Any) -> None:
    seen.add("loop.itself" if step.times(job) else "loop.none")


@look(ForkStep, "run")
def _fork(seen: Seen, step: Any, job: Any) -> None:
    join = step.body.join
    size = len(step.bodies) if step.items is None else step.items(job)
    seen.add("fork.branches" if step.items is None else "fork.items")
    if size == 0:
        seen.add("fork.empty")
    elif isinstance(join, str):
        seen.add(f"fork.{join}")
    else:
        seen.add("fork.k_0" if join == 0 else "fork.too_many" if join > size else "fork.k_of_n")
    if step.body.cancel and size:
        seen.add("fork.cancel")


@look(RaceStep, "run")
def _race(seen: Seen, step: Any, job: Any) -> None:
    seen.add("race.itself")


@look(ForkGroup, "stop")
def _stop(seen: Seen, fork_group: Any) -> None:
    if fork_group.children:
        seen.add("children.stopped")


@look(ForkGroup, "ended")
def _child_ended(seen: Seen, fork_group: Any, child: Any, error: Any) -> None:
    if fork_group.open and error is not None and fork_group.failed + 1 > fork_group.spare:
        seen.add("join.failed")


@look(SagaStep, "run")
def _saga(seen: Seen, step: Any, job: Any) -> None:
    seen.add("saga.itself" if job.saga is None else "saga.nested")


@look(CompensateStep, "run")
def _compensate(seen: Seen, step: Any, job: Any) -> None:
    if job.saga is not None:
        seen.add("compensate.itself")


@look(CallStep, "run")
def _call(seen: Seen, step: Any, job: Any) -> None:
    seen.add("call.itself")


@look(MarkStep, "run")
def _mark(seen: Seen, step: Any, job: Any) -> None:
    seen.add("mark.itself")


@look(Watch, "mark")
def _watched(seen: Seen, watch: Any, execution: Any, name: str, once: bool, now_ns: int) -> None:
    if once and name in (execution.counts or {}):
        seen.add("mark.once")


@look(Watch, "_is_late")
def _late(seen: Seen, watch: Any, monitor: str, requested_ns: int, now_ns: int) -> None:
    limit = watch.monitors[monitor].within_ns
    if limit is not None and now_ns - requested_ns >= limit:
        seen.add("monitor.late" if now_ns - requested_ns > limit else "monitor.just_in_time")


@look(CountSteps, "run")
def _count(seen: Seen, step: Any, job: Any) -> None:
    if job.execution.row >= 0 and step.counts:
        seen.add("count.itself")


@look(SetSteps, "run")
def _set(seen: Seen, step: Any, job: Any) -> None:
    if step.changes:
        seen.add("set.itself")


@look(FailStep, "run")
def _fail(seen: Seen, step: Any, job: Any) -> None:
    seen.add("fail.always" if step.probability >= 1 else "fail.chance")


@look(Failed, "__init__")
def _failure(seen: Seen, failed: Any, error: str, depth: Any = None) -> None:
    if error in BUILT_IN:
        seen.add(f"failure.{error}")


@look(StartStep, "run")
def _start(seen: Seen, step: Any, job: Any) -> None:
    if job.attempt is not None and job.attempt.open and job.attempt.started_ns < 0:
        seen.add("attempt.start")


@look(AttemptStep, "run")
def _attempt(seen: Seen, step: Any, job: Any) -> None:
    seen.add("attempt.inline" if step.inline else "attempt.timed")
    if not step.body.counted:
        seen.add("attempt.uncounted")


@look(AttemptStep, "_try")
def _try(seen: Seen, step: Any, job: Any, deadline: Any) -> None:
    if deadline is not None and step.engine.wall_ns:
        seen.add("clock.deadline")


@look(AttemptStep, "_back_off_end")
def _back_off(seen: Seen, step: Any, job: Any, retry: Any, interval: float) -> None:
    seen.add("retry.itself")
    if retry.jitter:
        seen.add("retry.jitter")
    if retry.floor_ns > interval:
        seen.add("retry.floor")
    if retry.grid_ns:
        seen.add("retry.grid")
    if retry.maximum_interval_ns == interval:
        seen.add("retry.maximum_interval")
    if retry.maximum_attempts is None:
        seen.add("retry.unlimited")


@look(Job, "tell")
def _told(seen: Seen, job: Any, now_ns: int, what: str) -> None:
    """What the engine writes into the log of an execution."""
    if what.startswith("saga fails") and not what.endswith("; 0 to compensate"):
        seen.add("saga.undone")
    elif what.startswith("attempt ") and " failed: " in what:
        before, error = what.split(" failed: ")
        _, number, _, label = before.split(" ")
        body = bodies[label]
        tried_again = body.retry is not None
        if body.retry is not None and error in body.retry.non_retryable:
            seen.add("retry.non_retryable")
            tried_again = False
        if body.retry is not None and int(number) == body.retry.maximum_attempts:
            seen.add("retry.exhausted")
            tried_again = False
        if not tried_again and body.on_failure:
            seen.add("attempt.on_failure")


@look(RunningAttempt, "_expire")
def _expire(seen: Seen, attempt: Any, which: int) -> None:
    if attempt.open:
        assert TIMEOUTS[which] in BUILT_IN
        seen.add(f"failure.{TIMEOUTS[which]}")
        if attempt.child.process is not None:
            what = "stopped" if attempt.step.body.stops else "left_behind"
            seen.add("attempt.taken_back" if attempt.started_ns < 0 else f"attempt.{what}")


@look(RunningAttempt, "node_lost")
def _node_lost(seen: Seen, attempt: Any) -> None:
    if attempt.open and attempt.step.body.heartbeat is not None:
        seen.add("heartbeat.lost")


@look(RunningAttempt, "node_resumed")
def _node_resumed(seen: Seen, attempt: Any) -> None:
    if HEARTBEAT in attempt.timers:
        seen.add("heartbeat.resumed")


@look(RunningAttempt, "_ended")
def _attempt_ended(seen: Seen, attempt: Any, child: Any, error: Any) -> None:
    if attempt.open and error == "crash" and attempt.lost and attempt.step.body.on_crash == "silent":
        seen.add("attempt.silent")


@look(Engine, "_main_ended")
def _main_ended(seen: Seen, engine: Any, job: Any, error: Any) -> None:
    if job.execution.dropped:
        seen.add("plan.dropped")
        if job.execution.open_children:
            seen.add("child.left_alone")


@look(Engine, "_while_paused")
def _paused(seen: Seen, engine: Any, job: Any) -> None:
    if job.paused_at() is not None:
        seen.add("job.paused")
