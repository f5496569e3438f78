"""How long PostgreSQL is away: the phases of a failover, or of a lone primary the recovery from its log.

Recovery replays what the log holds since the checkpoint that was completed last. A checkpoint begins every T and ends
a share c of T later, so that at a random instant the log since the begin of the last complete one is uniform between
c T and (1 + c) T of writing. Source: PostgreSQL documentation, chapter 30.5, WAL configuration.
"""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.rates import operations_per_s
from sim.lower.steps import Distribution, constant
from sim.lower.sums import sum_of
from sim.network.distributions import Uniform
from sim.scenario.model.stores.postgres import Checkpoint, PostgresCluster
from sim.units.tables import SECOND

WAL_BYTES = "wal_byte"
"""Operation: a byte that a change adds to the log."""


def away(parts: Parts, constants: Constants, postgres: PostgresCluster, redirect: Distribution | None) -> Distribution:
    """From the death of the primary until connections find one that takes writes.

    redirect: how long they go to the old one after that, where the scenario does not say.
    """
    own = postgres.failover
    redirect = redirect if own.redirect is None else own.redirect
    if redirect is None:
        constants.record_assumption("connections after a failover", "go to the new primary at once: a proxy knows it")
        redirect = constant(0)
    detect: tuple[Distribution, ...] = () if own.detect is None else (own.detect,)
    if postgres.nodes == 1:
        return sum_of(*detect, redo_time(constants, postgres.checkpoint, operations_per_s(parts, WAL_BYTES)), redirect)
    constants.record_assumption("after a failover", "there is a standby in the place of the old primary at once")
    if own.time is not None:
        return sum_of(own.time, redirect)
    if postgres.rds is not None and own.detect is None and own.promote is None:
        return sum_of(constants.distribution("postgres.rds_failover"), redirect)
    *noticed, promoted = taken_over(constants)
    promote = promoted if own.promote is None else own.promote
    detect = detect or tuple(noticed)
    return sum_of(*detect, promote, redirect)


def taken_over(constants: Constants) -> tuple[Distribution, ...]:
    """The phases until a standby takes writes: the lease, the look at it, the promotion."""
    return (
        constants.distribution("postgres.failover_lease"),
        constants.distribution("postgres.failover_loop"),
        constants.distribution("postgres.failover_promote"),
    )


def redo_time(constants: Constants, checkpoint: Checkpoint, log_bytes_per_s: float) -> Distribution:
    """The restart of a lone primary: it comes up, and replays its log."""
    start_ns = constants.number("postgres.restart")
    shortest, longest = redo_bytes(constants, checkpoint, log_bytes_per_s)
    ns_per_byte = SECOND / constants.number("postgres.redo_bytes_per_s")
    constants.record_assumption(
        "log since the last checkpoint, replayed after a crash",
        f"{shortest / 1e6:.3g} to {longest / 1e6:.3g} MB at {log_bytes_per_s / 1e6:.3g} MB/s",
        "derived: from the load on average; full-page images after a checkpoint are not in it",
    )
    return sum_of(
        constant(start_ns), Uniform(uniform_ns=(round(shortest * ns_per_byte), round(longest * ns_per_byte) + 1))
    )


def redo_bytes(constants: Constants, own: Checkpoint, log_bytes_per_s: float) -> tuple[float, float]:
    """Least and most log since the last complete checkpoint.

    One begins after `timeout`, or sooner, so that with what is written until it ends the log stays below
    `max_wal_size`.
    """
    every_ns = constants.number("postgres.checkpoint_timeout", own.timeout_ns)
    spread = constants.ratio("postgres.checkpoint_completion_target", own.completion_target)
    most = constants.number("postgres.max_wal_bytes", own.max_wal_size_bytes)
    between = min(log_bytes_per_s * every_ns / SECOND, most / (1 + spread))
    return spread * between, (1 + spread) * between
