"""M1 to M4 in idiomatic SimPy, the yardstick: `python -m peers.simpy_models MODEL JOBS SEED [IN_FLIGHT]`."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Generator
from typing import Any

import simpy

from peers.answers import asked, tell

Process = Generator[simpy.Event, Any, Any]
SIGMA = math.sqrt(math.log(2))  # lognormal with a coefficient of variation of 1
MU = math.log(0.010) - SIGMA**2 / 2


class Run:
    """One run of one model for a given number of jobs."""

    def __init__(self, jobs: int, seed: int) -> None:
        self.env = simpy.Environment()
        self.random = random.Random(seed)
        self.jobs = jobs
        self.responses: list[float] = []
        self.events = 0

    def work(self, time: float) -> Process:
        """One timed activity."""
        self.events += 2
        yield self.env.timeout(time)

    def arrivals(self, rate: float, job: Callable[[], Process]) -> Process:
        """A Poisson stream of jobs."""
        for _ in range(self.jobs):
            yield self.env.timeout(self.random.expovariate(rate))
            self.events += 1
            self.env.process(job())


def m1(jobs: int, seed: int) -> Run:
    """M/M/8 at 90 %."""
    run = Run(jobs, seed)
    servers = simpy.Resource(run.env, 8)

    def job() -> Process:
        came = run.env.now
        with servers.request() as turn:
            yield turn
            yield from run.work(run.random.expovariate(1.0))
        run.responses.append(run.env.now - came)

    run.env.process(run.arrivals(7.2, job))
    run.env.run()
    return run


def _write(run: Run, connections: simpy.Resource, storage: simpy.Resource) -> Process:
    with connections.request() as connection:
        yield connection
        with storage.request() as turn:
            yield turn
            yield from run.work(run.random.lognormvariate(MU, SIGMA))


def m2(jobs: int, seed: int) -> Run:
    """A slot held while the job twice queues for a connection and a storage server."""
    run = Run(jobs, seed)
    slots = simpy.Resource(run.env, 20)
    connections, storage = simpy.Resource(run.env, 10), simpy.Resource(run.env, 4)

    def job() -> Process:
        came = run.env.now
        with slots.request() as slot:
            yield slot
            yield from _write(run, connections, storage)
            yield from run.work(run.random.expovariate(1 / 0.070))
            yield from _write(run, connections, storage)
        run.responses.append(run.env.now - came)

    run.env.process(run.arrivals(140.0, job))
    run.env.run()
    return run


def m3(jobs: int, seed: int) -> Run:
    """M2 with slots that fail and are repaired; the job on one starts again after a back-off."""
    run = Run(jobs, seed)
    env = run.env
    connections, storage = simpy.Resource(env, 10), simpy.Resource(env, 4)
    free = simpy.Store(env)
    free.items.extend(range(20))
    up: list[bool] = [True] * 20
    on: list[Any] = [None] * 20
    finished = env.event()

    def fail(slot: int) -> Process:
        while True:
            yield env.timeout(run.random.expovariate(1 / 5.0))
            run.events += 1
            up[slot] = False
            victim, on[slot] = on[slot], None
            if victim is not None:
                victim.interrupt()
            else:
                free.items.remove(slot)
            yield env.timeout(run.random.expovariate(1 / 0.25))
            run.events += 1
            up[slot] = True
            free.put(slot)

    def job() -> Process:
        came, tries, me = env.now, 0, env.active_process
        while True:
            slot = yield free.get()
            if not up[slot]:  # it failed between the hand-over and now
                continue
            on[slot] = me
            try:
                yield from _write(run, connections, storage)
                yield from run.work(run.random.expovariate(1 / 0.070))
                yield from _write(run, connections, storage)
            except simpy.Interrupt:
                yield from run.work(min(10.0, 0.1 * 2**tries))
                tries += 1
                continue
            on[slot] = None
            free.put(slot)
            break
        run.responses.append(env.now - came)
        if len(run.responses) == jobs:
            finished.succeed()

    for slot in range(20):
        env.process(fail(slot))
    env.process(run.arrivals(140.0, job))
    env.run(finished)
    return run


def m4(jobs: int, seed: int, in_flight: float) -> Run:
    """So many jobs in flight, one exponential delay each."""
    run = Run(jobs, seed)

    def job() -> Process:
        came = run.env.now
        yield from run.work(run.random.expovariate(1.0))
        run.responses.append(run.env.now - came)

    run.env.process(run.arrivals(in_flight, job))
    run.env.run()
    return run


def main() -> None:
    """Run one model and tell."""
    model, jobs, seed, in_flight = asked()
    began = time.perf_counter()
    run = m4(jobs, seed, in_flight) if model == "m4" else {"m1": m1, "m2": m2, "m3": m3}[model](jobs, seed)
    tell(model, jobs, time.perf_counter() - began, run.events, run.responses)


if __name__ == "__main__":
    main()
