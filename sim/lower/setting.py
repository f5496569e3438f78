"""Settings: from what key of a scenario each resource and station comes, what the product calls it, what to watch.

Each element gets its own where it is made (`Parts.add_resource`, `Parts.add_station`), so that a full one can be told
by what a user can change. Where a key stands in a file is told by `sim.scenario.reading.where`.

What to watch is PromQL over the metrics of Temporal's server and SDKs, and of exporters.
Sources: Temporal's server, common/metrics/metric_defs.go, 2026-08-21; Temporal documentation, SDK metrics reference,
2026-08-21; kubelet's cAdvisor metrics; prometheus-community's postgres_exporter and pgbouncer_exporter, 2026-08. The
Go SDK's metrics bear `_seconds` before `_bucket` where its tally reporter is told so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sim.network.network import Network
from sim.network.places import GroupCommit, Polled, Resource, Server, Station, TokenBucket
from sim.scenario.reading.document import Document, Where, where


def p99(metric: str, **labels: str) -> str:
    """The 99th percentile of a histogram over five minutes, for each series.

    >>> p99("temporal_workflow_task_schedule_to_start_latency", task_queue="orders")
    'histogram_quantile(0.99, rate(temporal_workflow_task_schedule_to_start_latency_bucket{task_queue="orders"}[5m]))'
    """
    return f"histogram_quantile(0.99, {rate(f'{metric}_bucket', **labels)})"


def rate(metric: str, **labels: str) -> str:
    """How fast a counter grows a second, over five minutes."""
    return f"rate({metric}{_labelled(labels)}[5m])"


def gauge(metric: str, **labels: str) -> str:
    """A gauge as it is."""
    return f"{metric}{_labelled(labels)}"


def cpu(container: str) -> str:
    """Cores in use by containers whose name has this in it."""
    return f'rate(container_cpu_usage_seconds_total{{container=~".*{container}.*"}}[5m])'


def waits_of_postgres(events: str) -> str:
    """How many backends of PostgreSQL wait for events with such names, now."""
    return f"SELECT wait_event, count(*) FROM pg_stat_activity WHERE wait_event ~* '{events}' GROUP BY 1"


def _labelled(labels: dict[str, str]) -> str:
    """The labels that a series has to have; a value with `.*` in it is a pattern."""
    said = [f'{name}{"=~" if ".*" in value else "="}"{value}"' for name, value in labels.items()]
    return f"{{{', '.join(said)}}}" if said else ""


Change = Literal["", "live", "restart", "failover", "new cluster"]
"""What it takes to change a setting of a running system; "" where nobody can say."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What decides how much an element holds or serves.

    words: what people call the element, such as "orders' workflow pollers".
    path: the key in a scenario, such as `workers.orders.workflow_task_pollers`; empty where only the model needs it.
    knob: the product's own setting, or what to do in words. watch: the expression to watch on a real system: PromQL,
        or SQL where the product has no metric of it. change: what it takes to change it.
    value: what stands at the path today, defaults included, where that is one number; `unit` is written behind it.
    """

    words: str
    path: str = ""
    knob: str = ""
    watch: str = ""
    change: Change = ""
    value: float | None = None
    unit: str = ""

    @property
    def is_inner(self) -> bool:
        """Whether the element is bookkeeping of the model: it is never full, and nobody can change it."""
        return not self.path

    def at(self, where: str) -> Setting:
        """The setting of a copy of the element that stands elsewhere."""
        return replace(self, words=f"{self.words} at {where}")


@dataclass(frozen=True, slots=True)
class Element:
    """A resource or a station as a user knows it: its setting, and where that stands in the file."""

    setting: Setting
    where: Where


def elements_of(settings: Mapping[str, Setting], document: Document) -> dict[str, Element]:
    """All of them by name, for a scenario that was read from the document."""
    return {name: Element(setting, where(document, setting.path)) for name, setting in settings.items()}


def inner(words: str) -> Setting:
    """Of an element that only the model needs. words: what it is for."""
    return Setting(words)


def of(owner: str, what: str) -> str:
    """What belongs to somebody.

    >>> of("orders", "slots"), of("checkout", "rows")
    ("orders' slots", "checkout's rows")
    """
    return f"{owner}'{'' if owner.endswith('s') else 's'} {what}"


def settings_in(network: Network, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """The setting of every resource and station of a network. A KeyError is an element that was made without one."""
    return {name: settings[name] for name in (*network.resources, *network.stations)}


def settings_as_written(network: Network) -> dict[str, Setting]:
    """The settings of a network that the scenario itself writes down: its own keys."""
    found = {}
    for name, resource in network.resources.items():
        found[name] = Setting(name, f"network.resources.{name}.units", value=resource.units)
    for name, station in network.stations.items():
        found[name] = _as_written(name, station)
    return found


def _as_written(name: str, station: Station | Resource) -> Setting:
    path = f"network.stations.{name}"
    match station:
        case Server(servers=int(servers)):
            return Setting(name, f"{path}.servers", value=servers)
        case Server(cores=cores):
            return Setting(name, f"{path}.cores", value=cores)
        case TokenBucket(rate_per_s=rate):
            return Setting(name, f"{path}.rate", value=rate, unit="/s")
        case Polled():
            return Setting(name, f"{path}.interval")
        case GroupCommit():
            return Setting(name, f"{path}.flush")
        case _:
            return Setting(name, f"{path}.service")
