"""Both engines on one case, and how they differ; an engine that breaks down differs too."""

from __future__ import annotations

from collections.abc import Callable

from sim.network import Network
from sim.results.columns import Replication

from .compare import differences
from .generate import Case

Run = Callable[[Network, "Case"], Replication]
"""A run of one engine."""


def reference(network: Network, case: Case) -> Replication:
    """The run by the reference engine."""
    from sim.engine.reference import Engine

    return Engine(network, case.plan, case.traces).run()


def fast(network: Network, case: Case) -> Replication:
    """The run by the fast engine."""
    import sim.engine.fast as engine

    replication: Replication = engine.run(network, case.plan, case.traces)
    assert replication.engine == "fast", f"this ran on {replication.engine}"
    return replication


def told_apart(case: Case, expected: Replication, other: Run) -> list[str]:
    """Where the run of `other` is not as expected."""
    try:
        found = other(case.network(), case)
    except Exception as error:  # whatever it is, it is a difference
        return [f"broke down: {type(error).__name__}: {error}"]
    return differences(expected, found)
