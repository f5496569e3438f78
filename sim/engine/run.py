"""Replications of a run, on all cores, in the order of their index."""

from __future__ import annotations

import hashlib
import pickle
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from sim.engine.plan import Plan
from sim.engine.processes import Others, cores, worth_saving_s
from sim.errors import AuditFailed
from sim.network import Network
from sim.results.audit import audit
from sim.results.columns import Replication

Traces = dict[str, list[int]]
Planned = tuple[Network, Plan]
"""A replication that is to be run."""
HandOver = Callable[[Replication], Replication]
Result = TypeVar("Result")


ENGINES = ("fast", "reference")
"""The engines, the usual one first. They give the same columns to the last bit."""


def must_be_compiled(engine: str) -> bool:
    """Whether the engine is yet to be compiled on this machine, which takes some twenty seconds, once."""
    from sim.draws.jit import is_on_disk

    return engine == "fast" and not is_on_disk("kernel")


def compile_now() -> str:
    """Compile the fast engine, so that those who run next find it on disk; gives what is to be told of the cache."""
    from sim.draws.jit import prepare
    from sim.draws.object_files import remark
    from sim.engine.fast.engine import kernel

    prepare(kernel)
    return remark("kernel")


def run_one(
    network: Network,
    plan: Plan,
    traces: Traces | None = None,
    engine: str = "fast",
    meanwhile: Callable[[int, int], None] | None = None,
) -> Replication:
    """One replication, audited. meanwhile: called now and then, by the fast engine only.

    Raises AuditFailed when it breaks a law that every run must keep.
    """
    if engine == "reference":
        from sim.engine.reference import Engine  # SimPy is loaded only where it is used

        replication = Engine(network, plan, traces).run()
    else:
        from sim.engine.fast import run

        replication = run(network, plan, traces, meanwhile)
    findings = audit(replication)
    if findings:
        raise AuditFailed(findings)
    return replication


def run_all(
    runs: Sequence[Planned],
    traces: Traces | None = None,
    processes: int = -1,
    on_progress: Callable[[float], None] | None = None,
    engine: str = "fast",
    hand_over: HandOver | None = None,
) -> tuple[list[Replication], bool]:
    """Run the replications; gives those that ended, in the order in which they stand, and whether all did.

    processes: how many at once; -1 takes all cores. The result does not depend on it. on_progress: hears how many are
    done, with the share of the one that is under way in this process. hand_over: gives what is to be kept of each
    replication, in the process that it ran in; a picklable call. Ctrl-C stops and keeps what has arrived. Raises
    AuditFailed at the first broken law.
    """
    finished: list[Replication] = []
    if processes != 1 and must_be_compiled(engine):
        compile_now()  # once, not by every process at the same time
    try:
        for replication in _stream(runs, traces, processes, engine, on_progress or (lambda _: None), hand_over):
            finished.append(replication)
    except KeyboardInterrupt:
        return finished, False
    return finished, True


def run_jobs(
    jobs: Sequence[Callable[[], Result]], processes: int = -1, on_progress: Callable[[int], None] | None = None
) -> tuple[list[Result], bool]:
    """Do jobs that run replications themselves and give little back; what ended, in order, and whether all did.

    For many short runs of different scenarios, where making the networks and handing over the columns would take
    longer than the runs. processes, on_progress, Ctrl-C: as for `run_all`. A job is a picklable call.
    """
    finished: list[Result] = []
    if processes != 1 and must_be_compiled("fast"):
        compile_now()
    start = _Start(len(jobs), processes)
    try:
        while start.done < len(jobs) and not start.pays(0):
            finished.append(jobs[start.done]())
            start.done += 1
            (on_progress or (lambda _: None))(start.done)
        if start.done < len(jobs):
            for one in Others(jobs[start.done :], start.cores):
                finished.append(one)
                (on_progress or (lambda _: None))(len(finished))
    except KeyboardInterrupt:
        return finished, False
    return finished, True


def _stream(
    runs: Sequence[Planned],
    traces: Traces | None,
    processes: int,
    engine: str,
    on_progress: Callable[[float], None],
    hand_over: HandOver | None,
) -> Iterator[Replication]:
    """The replications in order, as they arrive.

    This process begins. Others join it when so much is left that it pays to start them: never for runs of
    milliseconds. The reference engine cannot be asked meanwhile, and what it runs is long: others do all of it.
    """
    start = _Start(len(runs), processes)
    pool: Others[Replication] | None = None

    def beside(first: int) -> Others[Replication]:
        networks = {id(network): network for network, _ in runs[first:]}
        sent = {key: Sent(network) for key, network in networks.items()}
        jobs = [
            partial(_run_sent, sent[id(network)], plan, traces, engine, hand_over) for network, plan in runs[first:]
        ]
        return Others(jobs, start.cores)

    def look(now_ns: int, last_ns: int) -> None:
        nonlocal pool
        on_progress(start.done + now_ns / last_ns)
        if pool is None and start.pays(min(now_ns / runs[start.done][1].horizon_ns, 1.0)):
            pool = beside(start.done + 1)

    if engine == "reference" and start.cores > 1 and len(runs) > 1:
        pool = beside(0)
    try:
        while pool is None and start.done < len(runs):
            replication = run_one(*runs[start.done], traces, engine, look)
            if hand_over is not None:
                replication = hand_over(replication)
            start.done += 1
            on_progress(start.done)
            yield replication
        for replication in pool or ():
            start.done += 1
            on_progress(start.done)
            yield replication
    finally:
        if pool is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that there was more to come is no news to whom has been interrupted
                pool.close()


class _Start:
    """When to start other processes, told by the time that this one has taken since it was first looked at.

    What came before that look, the loading of the engine, will not come again.
    """

    def __init__(self, count: int, processes: int) -> None:
        self.count = count
        self.cores = processes if processes > 0 else cores()
        self.done = 0
        self.first_look: tuple[float, float] | None = None

    def pays(self, share: float) -> bool:
        """Whether what is left after the replication under way takes longer than by other processes, yet to start.

        share: how much of the one under way is done. Each takes as long as those so far.
        """
        now, progress = time.perf_counter(), self.done + share
        since, before = self.first_look = self.first_look or (now, progress)
        left = self.count - self.done - 1
        if not left or self.cores == 1:
            return False
        left_s = left * (now - since) / (progress - before) if progress > before else 0.0
        return left_s * (1 - 1 / self.cores) >= worth_saving_s()


class Sent:
    """A network on its way to other processes: written once for all its runs, and read once by each process.

    A process that is sent the same bytes again gives the network that it has, as copies of this one do, and so the
    program that was written for that one serves again.
    """

    __slots__ = ("_key", "_written")

    def __init__(self, network: Network) -> None:
        self._written = pickle.dumps(network, pickle.HIGHEST_PROTOCOL)
        self._key = hashlib.blake2b(self._written, digest_size=16).digest()
        _remember(self._key, network)

    def network(self) -> Network:
        """The network, in the process that it was sent to."""
        known = _known.get(self._key)
        network: Network = pickle.loads(self._written) if known is None else known
        _remember(self._key, network)
        return network


KNOWN: Final = 8
"""So many networks, and their programs, are remembered for further runs: those of a comparison, a sweep's next points.
"""
_known: dict[bytes, Network] = {}


def _remember(key: bytes, network: Network) -> None:
    """It is the latest: the last that is forgotten."""
    _known.pop(key, None)
    _known[key] = network
    while len(_known) > KNOWN:
        del _known[next(iter(_known))]


def _run_sent(sent: Sent, plan: Plan, traces: Traces | None, engine: str, hand_over: HandOver | None) -> Replication:
    replication = run_one(sent.network(), plan, traces, engine)
    return replication if hand_over is None else hand_over(replication)


def life_of(
    network: Network, plan: Plan, ordinal: int, traces: Traces | None = None
) -> tuple[list[tuple[int, str]], Replication]:
    """The life of one execution, event by event: (time in ns, what), and the replication that it is from."""
    from sim.engine.reference import Engine

    engine = Engine(network, plan, traces, trace=ordinal)
    replication = engine.run()
    return engine.log, replication
