"""Many replications, on all cores, in the order of their index. One replication is the engine's matter."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence

from sim.engine.plan import Plan
from sim.errors import AuditFailed
from sim.network import Network
from sim.results.audit import audit
from sim.results.columns import Replication

Traces = dict[str, list[int]]


ENGINES = ("fast", "reference")
"""The engines, the usual one first. They give the same columns to the last bit."""


def must_be_compiled(engine: str) -> bool:
    """Whether the engine is yet to be compiled on this machine, which takes most of a minute, once."""
    from sim.draws.jit import is_in_cache

    return engine == "fast" and not is_in_cache("kernel")


def compile_now() -> None:
    """Compile the fast engine, so that those who run next find it on disk."""
    import sim.engine.fast  # noqa: F401 - it is compiled as it is imported


def run_one(network: Network, plan: Plan, traces: Traces | None = None, engine: str = "fast") -> Replication:
    """One replication, audited.

    Raises AuditFailed when it breaks a law that every run must keep.
    """
    if engine == "reference":
        from sim.engine.reference import Engine  # SimPy is loaded only where it is used

        replication = Engine(network, plan, traces).run()
    else:
        from sim.engine.fast import run

        replication = run(network, plan, traces)
    findings = audit(replication)
    if findings:
        raise AuditFailed(findings)
    return replication


def run_all(
    network: Network,
    plans: Sequence[Plan],
    traces: Traces | None = None,
    processes: int = -1,
    done: Callable[[Replication], None] | None = None,
    engine: str = "fast",
) -> tuple[list[Replication], bool]:
    """Run the plans, each a replication; gives those that ended, in the order of the plans, and whether all did.

    processes: how many at once; -1 takes all cores. The result does not depend on it. done: called as each one
    arrives, in order. Ctrl-C stops and keeps what has arrived. Raises AuditFailed at the first broken law.
    """
    finished: list[Replication] = []
    if processes != 1 and must_be_compiled(engine):
        compile_now()  # once, not by every process at the same time
    try:
        for replication in _stream(network, plans, traces, processes, engine):
            finished.append(replication)
            if done is not None:
                done(replication)
    except KeyboardInterrupt:
        return finished, False
    return finished, True


def _stream(
    network: Network, plans: Sequence[Plan], traces: Traces | None, processes: int, engine: str
) -> Iterator[Replication]:
    if processes == 1 or len(plans) == 1:
        for plan in plans:
            yield run_one(network, plan, traces, engine)
        return
    from joblib import Parallel, delayed

    with warnings.catch_warnings():
        # A worker that has grown is replaced by a new one between two runs; that is no news to anybody.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given", category=UserWarning)
        parallel = Parallel(n_jobs=processes, return_as="generator")
        yield from parallel(delayed(run_one)(network, plan, traces, engine) for plan in plans)


def life_of(
    network: Network, plan: Plan, ordinal: int, traces: Traces | None = None
) -> tuple[list[tuple[int, str]], Replication]:
    """The life of one execution, event by event: (time in ns, what), and the replication that it is from."""
    from sim.engine.reference import Engine

    engine = Engine(network, plan, traces, trace=ordinal)
    replication = engine.run()
    return engine.log, replication
