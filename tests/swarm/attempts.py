"""Random attempts: each of the four timeouts, retries of every shape, silence after a crash. Other steps: `steps`."""

from __future__ import annotations

from .dice import Swarm
from .places import Document
from .routines import Listed, Routines
from .times import Times

UNNAMED = ("crash", "error", "rejected", "patience", "boom", "timeout_start_to_close", "not_held", "join")
"""Failures that a retry policy may leave alone."""
OF_CHILDREN = ("terminated", "cancel_requested")
"""And those of child executions."""


def attempt_step(routines: Routines, swarm: Swarm, times: Times, listed: Listed) -> Document:
    """An attempt. Its timeouts are of the same few lengths as the services inside, so that they tie."""
    body: Document = {}
    for timeout in ("schedule_to_start", "start_to_close", "schedule_to_close"):
        if swarm.allows(timeout):
            body[timeout] = times.steps(times.few(1) * swarm.pick((1, 1, 2, 5)))
    if swarm.likely("heartbeat"):
        steps = times.few(1) * swarm.pick((1, 2, 5))
        body["heartbeat"] = {"timeout": times.steps(steps)}
        if swarm.allows("heartbeat.interval"):
            body["heartbeat"]["interval"] = times.steps(swarm.pick((steps, 1)))
    timed = bool(body)
    if body.keys() - {"schedule_to_start"} and swarm.likely("on_crash.silent"):
        body["on_crash"] = "silent"
    attempts = 1
    if swarm.allows("retry"):
        body["retry"], attempts = _retry(swarm, times, (*UNNAMED, *OF_CHILDREN) if routines.kids else UNNAMED)
    if swarm.allows("attempt.uncounted"):
        body["counted"] = False
    around = listed.around
    repeats = around.repeats * (2 if attempts != 1 else 1)
    # Much of what attempts are for needs a node that they run on.
    first = "acquire" if timed and swarm.chance(0.5) else None
    body["steps"] = routines.inner(listed, first, timed=timed or around.timed, repeats=repeats)
    if first is not None and body["steps"] and first in body["steps"][0]:
        body["steps"].insert(1, {"delay": times.distribution(least=1, longer=swarm.pick((1, 2, 4)))})
    if swarm.allows("on_failure"):
        body["on_failure"] = routines.inner(listed)
    return {"attempt": body}


def _retry(swarm: Swarm, times: Times, unnamed: tuple[str, ...]) -> tuple[Document, int]:
    """A retry policy, and how many attempts it allows; 0 where nothing but time limits them."""
    initial = times.few()
    retry: Document = {"initial_interval": times.steps(initial)}
    if swarm.allows("retry.coefficient"):
        retry["backoff_coefficient"] = swarm.pick((1.0, 1.5, 3.0))
    if swarm.allows("retry.maximum_interval"):
        retry["maximum_interval"] = times.time(1)
    if swarm.allows("retry.jitter"):
        retry["jitter"] = swarm.pick((0.1, 0.5, 1.0))
    if swarm.allows("retry.floor"):
        retry["floor"] = times.time()
    if swarm.allows("retry.grid"):
        retry["grid"] = times.time(1)
    if swarm.allows("retry.non_retryable"):
        retry["non_retryable"] = swarm.some(unnamed, 0.3)
    attempts = 0
    if not (initial and swarm.allows("retry.unlimited")):
        attempts = retry["maximum_attempts"] = swarm.between(1, 4)
    return retry, attempts
