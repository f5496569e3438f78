"""What an episode costs: node-hours and traffic beyond those of its baseline run, and the time that was not in
order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.cost.bill import bill
from sim.cost.propagate import times, total
from sim.cost.usage import GIB, MeterUse, NodeUse, Usage
from sim.figure import Figure
from sim.lower.load import Loaded
from sim.results.columns import Replication
from sim.stats.episodes import Episode
from sim.stats.intervals import mean_interval
from sim.stats.metrics import NS, operations
from sim.studies.billing import catalogue_of, terms_of

HOUR_NS = 3_600_000_000_000

IN_IT = (
    "node-hours and traffic beyond the baseline run's to the end of the record, at the bill's prices; not in order, "
    "at `prices.downtime`: windows from the beginning of the fault until rate and latency are back, in which the p99 "
    "is out of order or fewer than 95 % of the baseline run's executions complete"
)
NOT_IN_IT = "people, credits to customers, and machines that stand anyway"


@dataclass(frozen=True, slots=True)
class EpisodeCost:
    """Means over episodes, of one.

    node_hours: of pools that scale, beyond the baseline run's. thrown_away: time of attempts that failed, beyond the
    baseline run's: waits and work, by machines that are paid anyway. not_in_order: time in which rate or latency was
    not. nodes, traffic, downtime, total: USD; None where nothing has a price.
    """

    node_hours: Figure
    thrown_away: Figure
    not_in_order: Figure
    nodes: Figure | None
    traffic: Figure | None
    downtime: Figure | None

    @property
    def total(self) -> Figure | None:
        """All that has a price; None where nothing has."""
        parts = [one for one in (self.nodes, self.traffic, self.downtime) if one is not None]
        return total(parts, "USD") if parts else None


def cost_of(loaded: Loaded, episodes: Sequence[Episode], limit_ns: int | None, confidence: float) -> EpisodeCost:
    """The mean cost of an episode."""
    lowered = loaded.lowered
    scaled = {one.controller: one for one in lowered.machines if one.controller is not None}

    def beyond(value: Callable[[Replication], float], unit: str) -> Figure:
        return mean_interval([value(one.run) - value(one.baseline) for one in episodes], unit, confidence)

    def hours(name: str) -> Callable[[Replication], float]:
        return lambda run: run.nodes_on[name].area / HOUR_NS

    usage = Usage(
        window_hours=1.0,
        steady=False,
        nodes=tuple(NodeUse(one.resource, one.node, Figure.exact(1.0, "h"), spot=one.spot) for one in scaled.values()),
        meters=tuple(MeterUse(meter, meter, Figure.exact(1.0, "")) for meter in lowered.traffic),
    )
    prices: dict[str, Figure] = {}
    if usage.nodes or usage.meters:
        items = bill(usage, catalogue_of(loaded), terms_of(loaded)).items
        prices = {item.resource: item.cost for item in items}
    nodes = [beyond(hours(name), "h").scaled(_usd(prices[one.resource]), "USD") for name, one in scaled.items()]
    traffic = [
        beyond(lambda run, by=counted: operations(run, by) / GIB, "").scaled(_usd(prices[meter]), "USD")  # type: ignore[misc]
        for meter, counted in lowered.traffic.items()
    ]
    bad = mean_interval([one.not_in_order_ns(limit_ns) * NS for one in episodes], "s", confidence)
    per_hour = loaded.scenario.prices.downtime_usd_per_hour
    return EpisodeCost(
        node_hours=beyond(lambda run: sum(kept.area for kept in run.nodes_on.values()) / HOUR_NS, "h"),
        thrown_away=beyond(_thrown_away_s, "s"),
        not_in_order=bad,
        nodes=total(nodes, "USD") if nodes else None,
        traffic=total(traffic, "USD") if traffic else None,
        downtime=None if per_hour is None else times(bad, per_hour / 3600, "USD"),
    )


def _usd(figure: Figure) -> float:
    assert figure.value is not None, "an exact quantity at a known price"
    return figure.value


def _thrown_away_s(run: Replication) -> float:
    """Time of attempts that failed, and of services cut off, over the executions of the run."""
    rows = run.executions
    return float(rows.split[:, rows.states.index("lost")].sum()) * NS if "lost" in rows.states else 0.0
