"""Rate limits of the services as token buckets: what is above them is turned down with ResourceExhausted.

A request goes through the limit of the frontend and those of the services behind it; whichever is out of tokens turns
all of it down. It costs nothing but its back-off; those of workers go on until they are let in (or until the timeout
of the task cuts them off), a client gives up to start a workflow.

A task costs matching two calls, AddTask and the poll that fetches it, and history one, by which its start is recorded.
All three are taken from the buckets with the poll: which of them is turned down makes no difference to how many tasks
get through, and who waits is the worker's poll instead of history's queue.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, rate
from sim.lower.steps import Attempt, AttemptBody, Step, Steps, count, fail, use
from sim.network.places import TokenBucket
from sim.network.routines import Retry
from sim.scenario.model.platform import TemporalCluster

RESOURCE_EXHAUSTED = "resource_exhausted"
"""Failure: a request was above a rate limit. It is tried again."""
FRONTEND = "frontend-rate-limit"
HISTORY = "history-rate-limit"
MATCHING = "matching-rate-limit"
PERSISTENCE = {"history": "history-persistence-rate-limit", "matching": "matching-persistence-rate-limit"}


class RateLimits:
    """The buckets in `parts`, and the ways through them. A service that is not simulated has none."""

    def __init__(self, parts: Parts, constants: Constants, temporal: TemporalCluster) -> None:
        self.parts = parts
        self.constants = constants
        self.limited: set[str] = set()
        for bucket, name, pods, limit in (
            (FRONTEND, "frontend", temporal.frontend, "temporal.frontend_rps"),
            (HISTORY, "history", temporal.history, "temporal.history_rps"),
            (MATCHING, "matching", temporal.matching, "temporal.matching_rps"),
        ):
            if pods is not None:
                rps = pods.rps or constants.number(limit)
                setting = Setting(
                    f"{name}'s rate limit",
                    f"temporal.{name}.rps",
                    f"{name}.rps",
                    rate("service_errors_resource_exhausted", service_name=name),
                    "live",
                    rps,
                )
                self._add(bucket, pods.replicas * rps, constants.number("temporal.rps_burst_ratio"), setting)
        for name, service, limit in (
            ("history", temporal.history, "temporal.history_persistence_max_qps"),
            ("matching", temporal.matching, "temporal.matching_persistence_max_qps"),
        ):
            if service is not None:
                most = service.persistence_max_qps or constants.number(limit)
                setting = Setting(
                    f"{name}'s limit of requests to the store",
                    f"temporal.{name}.persistence_max_qps",
                    f"{name}.persistenceMaxQPS",
                    rate("persistence_errors_resource_exhausted", service_name=name),
                    "live",
                    most,
                )
                self._add(PERSISTENCE[name], service.replicas * most, 1, setting)

    def request(self) -> Steps:
        """A request of a worker, or a signal, through frontend and history: tried until it is let in."""
        return self._patient((FRONTEND, HISTORY), None)

    def poll(self) -> Steps:
        """A poll that fetches a task, with the calls of which the task is the reason: tried until it is let in."""
        if MATCHING in self.limited:
            self.constants.record_assumption(
                "calls of history to matching",
                "take their tokens with the poll that fetches the task; one that a partition forwards takes no more",
            )
        return self._patient((FRONTEND, MATCHING, MATCHING, HISTORY), None)

    def start(self) -> Steps:
        """A client's request to start a workflow: it gives up after a while, and the execution has failed."""
        return self._patient((FRONTEND, HISTORY), starts(self.constants))

    def persistence(self, service: str, requests: int) -> Steps:
        """Requests to the store; one above the limit fails, and with it whatever sent it, to be tried again there."""
        bucket = PERSISTENCE[service]
        if bucket not in self.limited:
            return ()
        self.constants.record_assumption(
            "reads of queues and deletions", "take nothing from the limit of requests to the store"
        )
        return (_admitted((bucket,), "persistence_throttled"),) * requests

    def _add(self, name: str, rate_per_s: int, burst_ratio: int, setting: Setting) -> None:
        self.limited.add(name)
        self.parts.add_station(
            name,
            TokenBucket(
                kind="token_bucket", rate_per_s=float(rate_per_s), burst=rate_per_s * burst_ratio, when_empty="reject"
            ),
            setting,
        )
        self.constants.record_assumption(
            "rate limit of a service",
            "one bucket for all its pods",
            "derived: requests are spread over them, and each saves up what a second or more lets in",
        )

    def _patient(self, buckets: Sequence[str], attempts: int | None) -> Steps:
        limits = [bucket for bucket in buckets if bucket in self.limited]
        if not limits:
            return ()
        retry = client_retry(self.constants, attempts)
        body = AttemptBody(steps=(_admitted(limits, "request_throttled"),), retry=retry, counted=False)
        return (Attempt(attempt=body),)


def client_retry(constants: Constants, attempts: int | None = None) -> Retry:
    """How a client or a worker tries again. attempts: how often at most."""
    return Retry(
        initial_interval_ns=constants.number("temporal.client_retry_initial"),
        maximum_interval_ns=constants.number("temporal.client_retry_maximum"),
        maximum_attempts=attempts,
        jitter=constants.ratio("temporal.client_retry_jitter"),
    )


def starts(constants: Constants) -> int:
    """How often a client tries to start a workflow before it gives up."""
    number = constants.number
    first_ns, longest_ns = number("temporal.client_retry_initial"), number("temporal.client_retry_maximum")
    return attempts_within(first_ns, longest_ns, number("temporal.client_retry_expiration"))


def attempts_within(first_ns: int, longest_ns: int, expiration_ns: int) -> int:
    """How often somebody tries whose back-offs double from the first to the longest, all of them within a time.

    >>> attempts_within(200, 6000, 60_000)  # after 0, 200, 600, 1400, 3000, 6200, and 8 more that are 6000 apart
    14
    """
    attempts, spent_ns, back_off_ns = 1, 0, first_ns
    while spent_ns + back_off_ns <= expiration_ns:
        spent_ns += back_off_ns
        back_off_ns = min(2 * back_off_ns, longest_ns)
        attempts += 1
    return attempts


def _admitted(buckets: Sequence[str], counter: str) -> Step:
    """A token of each, or the failure that says there was none."""
    turned_down = (count(**{counter: 1}), fail(RESOURCE_EXHAUSTED))
    return Attempt(attempt=AttemptBody(steps=tuple(map(use, buckets)), counted=False, on_failure=turned_down))
