"""M1, M2 and M3 in Cimba, in its faster style: `python -m peers.cimba_models MODEL JOBS SEED`.

That style has a process for each server or worker slot, which takes jobs out of a store, and none for a job. Cimba
compiles a model when it first runs, in every process anew; a short run does that before the one that is measured.
"""

from __future__ import annotations

import math
import time

import cimba as cb
from cimba.inputs import dist

from peers.answers import asked, tell

SIGMA = math.sqrt(math.log(2))  # lognormal with a coefficient of variation of 1
MU = math.log(0.010) - SIGMA**2 / 2
FAILED = -2
"""Signal of a slot's failure to the process that works on it."""


class Queue(cb.Model):
    """M1: eight servers and their line."""

    jobs: cb.Param[int]
    events: cb.Output[int]
    gap: cb.Input[float] = dist.exponential(mean=1 / 7.2)
    service: cb.Input[float] = dist.exponential(mean=1.0)
    line: cb.Store[float]
    responses: cb.Dataset

    @cb.process
    def source(self):
        """Let jobs in; one is the time at which it came."""
        for _ in range(self.jobs):
            cb.hold(self.gap.next())
            self.events += 1
            self.line.put(cb.now())

    @cb.process(copies=8)
    def server(self):
        """Serve one after the other."""
        while True:
            came = self.line.get()
            cb.hold(self.service.next())
            self.events += 2
            self.responses.record(cb.now() - came)


class Slots(cb.Model):
    """M2: twenty slots, whose job twice needs a connection and a storage server."""

    jobs: cb.Param[int]
    events: cb.Output[int]
    gap: cb.Input[float] = dist.exponential(mean=1 / 140.0)
    write: cb.Input[float] = dist.lognormal(mean=MU, sigma=SIGMA)
    compute: cb.Input[float] = dist.exponential(mean=0.070)
    connections: cb.Resource = cb.Resource(capacity=10)
    storage: cb.Resource = cb.Resource(capacity=4)
    line: cb.Store[float]
    responses: cb.Dataset

    @cb.process
    def source(self):
        """Let jobs in."""
        for _ in range(self.jobs):
            cb.hold(self.gap.next())
            self.events += 1
            self.line.put(cb.now())

    @cb.process(copies=20)
    def slot(self):
        """Write, compute, write."""
        while True:
            came = self.line.get()
            for second in range(2):
                if second == 1:
                    cb.hold(self.compute.next())
                self.connections.acquire()
                self.storage.acquire()
                cb.hold(self.write.next())
                self.storage.release()
                self.connections.release()
            self.events += 6
            self.responses.record(cb.now() - came)


class Backoff(cb.Model):
    """M3: a job that waits before it stands in line again."""

    system: cb.Ref[Failing]
    number: int
    pause: float

    @cb.process
    def wait(self):
        """Wait, and join the line at its end."""
        cb.hold(self.pause)
        self.system.line.put(self.number)
        cb.release(self)


class FailingSlot(cb.Model):
    """M3: a slot with the process that works on it, and the one that breaks and repairs it."""

    system: cb.Ref[Failing]
    worker: int = 0
    is_down: int = 0
    write: cb.Input[float] = dist.lognormal(mean=MU, sigma=SIGMA)
    compute: cb.Input[float] = dist.exponential(mean=0.070)
    until_failure: cb.Input[float] = dist.exponential(mean=5.0)
    until_repair: cb.Input[float] = dist.exponential(mean=0.25)

    @cb.process
    def work(self):
        """Write, compute, write; after a failure give everything back and let the job back off."""
        self.worker = cb.this_process().pointer
        while True:
            while self.is_down == 1:
                cb.suspend()
            number = self.system.line.get()
            if number == 0:  # what an interrupted get gives, so jobs are numbered from 1
                continue
            failed = False
            for second in range(2):
                if second == 1:
                    self.system.events += 2
                    if cb.hold(self.compute.next()) != 0:
                        failed = True
                        break
                if self.system.connections.acquire() != 0:
                    failed = True
                    break
                if self.system.storage.acquire() != 0:
                    self.system.connections.release()
                    failed = True
                    break
                self.system.events += 2
                signal = cb.hold(self.write.next())
                self.system.storage.release()
                self.system.connections.release()
                if signal != 0:
                    failed = True
                    break
            if failed:
                self.system.events += 2
                pause = self.system.pause[number]
                self.system.pause[number] = min(2 * pause, 10.0)
                cb.spawn(Backoff, system=self.system, number=number, pause=pause)
                continue
            self.system.responses.record(cb.now() - self.system.came[number])
            self.system.ended += 1
            if self.system.ended == self.system.jobs:
                cb.end_trial()

    @cb.process
    def fail(self):
        """Break and repair."""
        while True:
            cb.hold(self.until_failure.next())
            self.system.events += 1
            self.is_down = 1
            cb.Process(self.worker).interrupt(FAILED)
            cb.hold(self.until_repair.next())
            self.system.events += 1
            self.is_down = 0
            cb.Process(self.worker).resume(0)


class Failing(cb.Model):
    """M3 as a whole."""

    jobs: cb.Param[int]
    events: cb.Output[int]
    ended: cb.Output[int]
    came: cb.Array[float]
    pause: cb.Array[float]
    gap: cb.Input[float] = dist.exponential(mean=1 / 140.0)
    connections: cb.Resource = cb.Resource(capacity=10)
    storage: cb.Resource = cb.Resource(capacity=4)
    line: cb.Store[int]
    slots: list[FailingSlot]
    responses: cb.Dataset

    @cb.process
    def source(self):
        """Let jobs in."""
        for number in range(1, self.jobs + 1):
            cb.hold(self.gap.next())
            self.events += 1
            self.came[number] = cb.now()
            self.pause[number] = 0.1
            self.line.put(number)


def run(model: str, jobs: int, seed: int) -> tuple[float, int, list[float]]:
    """Seconds, events, responses."""
    system = {"m1": Queue, "m2": Slots, "m3": Failing}[model]()
    system.jobs = jobs
    system.responses = cb.Dataset()
    system.responses.capture()
    if isinstance(system, Failing):
        system.came, system.pause = cb.Array(jobs + 1), cb.Array(jobs + 1)
        system.slots = [FailingSlot() for _ in range(20)]
        for slot in system.slots:
            slot.system = system
    experiment = cb.Experiment(system, window=cb.Window.until_idle(), seed=seed)
    began = time.perf_counter()
    results = experiment.run(workers=1)
    seconds = time.perf_counter() - began
    assert not results.failed.any(), results.failure_reasons
    _, responses = results[system].responses.trial(0, 0)
    assert len(responses) == jobs
    return seconds, int(results[system].events.values[0, 0]), responses


def main() -> None:
    """Run one model and tell."""
    model, jobs, seed, _ = asked()
    run(model, 10, seed)
    tell(model, jobs, *run(model, jobs, seed))


if __name__ == "__main__":
    main()
