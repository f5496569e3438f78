"""Temporal between its store and its workers: transfer queues, frontend, history and matching."""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.steps import Step, constant, delay, use
from sim.network.places import Keyed, NodeGroup, Polled, Server
from sim.scenario.platform import Service, Temporal
from sim.units import SECOND


class Platform:
    """The services' places in `parts`, and the ways through them as steps."""

    def __init__(self, parts: Parts, constants: Constants, temporal: Temporal) -> None:
        self.temporal = temporal
        self.constants = constants
        rtt_ns = temporal.rtt_ns
        self.rtt_ns = constants.number("temporal.rtt") if rtt_ns is None else rtt_ns
        queue = temporal.transfer_queue
        rate = queue.max_poll_rate_per_s or constants.ratio("temporal.transfer_poll_rate")
        shards = temporal.history_shards or constants.number("temporal.history_shards")
        parts.stations["transfer-queue"] = Polled(
            kind="polled",
            interval_ns=round(SECOND / rate),
            batch=queue.batch or constants.number("temporal.transfer_batch"),
            nodes=shards,
            keyed=Keyed(),
        )
        for name in ("frontend", "history", "matching"):
            service: Service | None = getattr(temporal, name)
            if service is None:
                constants.note(f"CPU of {name}", "never runs short: the scenario does not name the service")
                continue
            parts.nodes[name] = NodeGroup(count=service.replicas)
            # An execution belongs to a shard, and a shard to one history pod; the other services take any pod.
            keyed = Keyed() if name == "history" else None
            parts.stations[f"{name}-cpu"] = Server(nodes=name, cores=service.cpu_cores, keyed=keyed)

    def transfer(self) -> Step:
        """From a task row in the store to matching: the shard's queue is read at a limited rate."""
        return use("transfer-queue")

    def match(self, worker_rtt_ns: int) -> Iterator[Step]:
        """From matching to a worker: hops between services, and the round trip of the poll to the worker."""
        hops = self.constants.number("temporal.dispatch_hops")
        travel_ns = hops * self.rtt_ns // 2 + worker_rtt_ns
        work_ns = self.constants.number("temporal.matching_cpu")
        if self.temporal.matching is None:
            travel_ns += work_ns
        else:
            yield use("matching-cpu", work_ns)
        yield delay(constant(travel_ns), "network")

    def enter(self) -> Iterator[Step]:
        """A request from outside (a start, a signal, the result of a task) through the frontend to history."""
        work_ns = self.constants.number("temporal.frontend_cpu")
        if self.temporal.frontend is not None:
            yield use("frontend-cpu", work_ns)
