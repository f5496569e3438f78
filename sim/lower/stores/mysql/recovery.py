"""How long MySQL is away: the phases of a failover, or of a lone source the recovery from its redo log.

MySQL promotes nobody by itself: a tool finds that the source is gone and lets a replica apply its relay log. A lone
source replays its redo log from the last checkpoint on. InnoDB writes pages all the time and moves the checkpoint with
them, so that at a crash the log to replay is taken as uniform between nothing and the log's capacity.
"""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.steps import Distribution, constant
from sim.lower.sums import sum_of
from sim.network.distributions import Uniform
from sim.scenario.model.stores.mysql import MysqlCluster
from sim.units.tables import SECOND


def away(constants: Constants, mysql: MysqlCluster) -> Distribution:
    """From the death of the source until connections find one that takes writes."""
    own = mysql.failover
    redirect = own.redirect
    if redirect is None:
        constants.note("connections after a failover", "go to the new source at once: a proxy knows it")
        redirect = constant(0)
    if mysql.nodes == 1:
        detect = () if own.detect is None else (own.detect,)
        return sum_of(*detect, _replay(constants, mysql), redirect)
    constants.note("after a failover", "there is a replica in the place of the old source at once")
    if own.time is not None:
        return sum_of(own.time, redirect)
    if mysql.rds is not None and own.detect is None and own.promote is None:
        return sum_of(constants.distribution("mysql.rds_failover"), redirect)
    noticed = constants.distribution("mysql.failover_detect") if own.detect is None else own.detect
    promoted = constants.distribution("mysql.failover_promote") if own.promote is None else own.promote
    return sum_of(noticed, promoted, redirect)


def _replay(constants: Constants, mysql: MysqlCluster) -> Distribution:
    """The restart of a lone source."""
    own = mysql.redo_log_capacity_bytes
    capacity = constants.number("mysql.redo_log_capacity") if own is None else own
    longest_ns = round(capacity * SECOND / constants.number("mysql.redo_bytes_per_s"))
    what = "redo log since the last checkpoint, replayed after a crash"
    constants.note(what, f"0 to {capacity / 1e6:.3g} MB, the log's capacity")
    return sum_of(constant(constants.number("mysql.restart")), Uniform(uniform_ns=(0, longest_ns)))
