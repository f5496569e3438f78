"""Expressions to watch on a real system: PromQL over the metrics of Temporal's server and SDKs, and of exporters.

Sources: Temporal's server, common/metrics/metric_defs.go, 2026-08-21; Temporal documentation, SDK metrics reference,
2026-08-21; kubelet's cAdvisor metrics; prometheus-community's postgres_exporter and pgbouncer_exporter, 2026-08. The
Go SDK's metrics bear `_seconds` before `_bucket` where its tally reporter is told so.
"""

from __future__ import annotations


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
