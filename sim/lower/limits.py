"""Rate limits of the services as token buckets: what is above them is turned down with ResourceExhausted.

A request that is turned down costs nothing but its back-off; those of workers go on until they are let in (or until
the timeout of the task cuts them off), a client gives up to start a workflow.
"""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting
from sim.lower.steps import Attempt, AttemptBody, Step, Steps, count, fail, use
from sim.lower.watch import rate
from sim.network.places import TokenBucket
from sim.network.routines import Retry
from sim.scenario.platform import TemporalCluster

RESOURCE_EXHAUSTED = "resource_exhausted"
"""Failure: a request was above a rate limit. It is tried again."""
FRONTEND = "frontend-rate-limit"
PERSISTENCE = {"history": "history-persistence-rate-limit", "matching": "matching-persistence-rate-limit"}


class RateLimits:
    """The buckets in `parts`, and the ways through them. A service that is not simulated has none."""

    def __init__(self, parts: Parts, constants: Constants, temporal: TemporalCluster) -> None:
        self.parts = parts
        self.constants = constants
        self.limited: set[str] = set()
        frontend = temporal.frontend
        if frontend is not None:
            rps = frontend.rps or constants.number("temporal.frontend_rps")
            setting = Setting(
                "frontend's rate limit",
                "temporal.frontend.rps",
                "frontend.rps",
                rate("service_errors_resource_exhausted", service_name="frontend"),
                "live",
                rps,
            )
            burst_ratio = constants.number("temporal.frontend_burst_ratio")
            self._add(FRONTEND, frontend.replicas * rps, burst_ratio, setting)
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
        """A request of a worker, or a signal, through the limit of the frontend: tried until it is let in."""
        return self._patient(None)

    def start(self) -> Steps:
        """A client's request to start a workflow: it gives up after a while, and the execution has failed."""
        if FRONTEND not in self.limited:
            return ()
        number = self.constants.number
        expiration_ns = number("temporal.client_retry_expiration")
        first_ns, longest_ns = number("temporal.client_retry_initial"), number("temporal.client_retry_maximum")
        return self._patient(attempts_within(first_ns, longest_ns, expiration_ns))

    def persistence(self, service: str, requests: int) -> Steps:
        """Requests to the store; one above the limit fails, and with it whatever sent it, to be tried again there."""
        bucket = PERSISTENCE[service]
        if bucket not in self.limited:
            return ()
        self.constants.note("reads of queues and deletions", "take nothing from the limit of requests to the store")
        return (_admitted(bucket, "persistence_throttled"),) * requests

    def _add(self, name: str, rate_per_s: int, burst_ratio: int, setting: Setting) -> None:
        self.limited.add(name)
        bucket = TokenBucket(
            kind="token_bucket", rate_per_s=float(rate_per_s), burst=rate_per_s * burst_ratio, when_empty="reject"
        )
        self.parts.add_station(name, bucket, setting)
        self.constants.note(
            "rate limit of a service",
            "one bucket for all its pods",
            "derived: requests are spread over them, and each saves up what a second or more lets in",
        )

    def _patient(self, attempts: int | None) -> Steps:
        if FRONTEND not in self.limited:
            return ()
        number = self.constants.number
        retry = Retry(
            initial_interval_ns=number("temporal.client_retry_initial"),
            maximum_interval_ns=number("temporal.client_retry_maximum"),
            maximum_attempts=attempts,
            jitter=self.constants.ratio("temporal.client_retry_jitter"),
        )
        body = AttemptBody(steps=(_admitted(FRONTEND, "frontend_throttled"),), retry=retry, counted=False)
        return (Attempt(attempt=body),)


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


def _admitted(bucket: str, counter: str) -> Step:
    """One token, or the failure that says there was none."""
    turned_down = (count(**{counter: 1}), fail(RESOURCE_EXHAUSTED))
    return Attempt(attempt=AttemptBody(steps=(use(bucket),), counted=False, on_failure=turned_down))
