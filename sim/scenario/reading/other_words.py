"""Other words for what a scenario says: those of Temporal, Kubernetes, Terraform and stores; and old names of keys.

One table. A word stands here once, in any spelling: `maxConns`, `max_conns` and `max-conns` are one. A key that was
renamed works under its old name in this version, with a warning that says the new one.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sim.errors import InputErrors, Path, RenamedWarning
from sim.meant import bare
from sim.scenario.model.stores.registry import STORES
from sim.scenario.reading.document import Document
from sim.scenario.reading.schema import paste
from sim.scenario.reading.shape import Place, Shape

_WORKFLOW = "workflows.*"
_STEP = "workflows.*.steps.*"
_ACTIVITY = "workflows.*.steps.*.activity"
_POOL = "workers.*"

_TABLE: Mapping[str, tuple[str, ...]] = {
    # Temporal: SDKs, server's configuration, schedules
    f"{_WORKFLOW}.schedule": ("cron", "cron_schedule", "schedule_spec"),
    f"{_WORKFLOW}.schedule.every": ("interval",),
    f"{_WORKFLOW}.schedule.overlap": ("overlap_policy",),
    f"{_WORKFLOW}.arrivals": ("rate", "rps", "qps", "tps", "load", "start_rate", "starts_per_second"),
    f"{_WORKFLOW}.retry": ("retry_policy", "retry_options"),
    f"{_STEP}.sleep": ("timer", "delay", "new_timer"),
    f"{_STEP}.wait": ("signal", "await", "condition", "wait_condition", "wait_for_signal", "selector"),
    f"{_STEP}.child": ("child_workflow", "execute_child_workflow"),
    f"{_STEP}.repeat": ("loop", "for", "while"),
    f"{_STEP}.fan_out": ("map", "for_each", "foreach"),
    f"{_ACTIVITY}.local": ("local_activity", "is_local"),
    f"{_ACTIVITY}.start_to_close": ("start_to_close_timeout",),
    f"{_ACTIVITY}.schedule_to_close": ("schedule_to_close_timeout",),
    f"{_ACTIVITY}.schedule_to_start": ("schedule_to_start_timeout",),
    f"{_ACTIVITY}.heartbeat": ("heartbeat_timeout",),
    f"{_ACTIVITY}.retry": ("retry_policy", "retry_options"),
    f"{_ACTIVITY}.service": ("duration", "service_time", "execution_time"),
    f"{_ACTIVITY}.error_rate": ("failure_rate", "error_probability"),
    f"{_ACTIVITY}.idempotent": ("idempotency_key",),
    f"{_ACTIVITY}.retry.maximum_attempts": ("max_attempts", "max_retries", "retries"),
    f"{_ACTIVITY}.retry.backoff_coefficient": ("backoff", "multiplier", "backoff_multiplier"),
    f"{_POOL}.activity_slots": (
        "max_concurrent_activities",
        "max_concurrent_activity_executions",
        "max_concurrent_activity_execution_size",
        "max_concurrent_activity_task_executions",
    ),
    f"{_POOL}.workflow_task_slots": (
        "max_concurrent_workflow_tasks",
        "max_concurrent_workflow_task_executions",
        "max_concurrent_workflow_task_execution_size",
    ),
    f"{_POOL}.local_activity_slots": (
        "max_concurrent_local_activities",
        "max_concurrent_local_activity_executions",
        "max_concurrent_local_activity_execution_size",
    ),
    f"{_POOL}.activity_pollers": (
        "max_concurrent_activity_task_pollers",
        "max_concurrent_activity_task_polls",
        "max_concurrent_activity_pollers",
    ),
    f"{_POOL}.workflow_task_pollers": (
        "max_concurrent_workflow_task_pollers",
        "max_concurrent_workflow_task_polls",
        "max_concurrent_workflow_pollers",
    ),
    f"{_POOL}.sticky_cache": ("max_cached_workflows", "sticky_workflow_cache_size", "workflow_cache_size"),
    f"{_POOL}.sticky_schedule_to_start": (
        "sticky_schedule_to_start_timeout",
        "sticky_queue_schedule_to_start_timeout",
    ),
    "temporal.history_shards": ("num_history_shards", "number_of_history_shards", "shards", "history_shard_count"),
    "temporal.sql.max_conns": ("max_conns", "max_open_conns", "max_connections", "pool_size"),
    "temporal.sql.max_conn_lifetime": ("conn_max_lifetime", "max_connection_lifetime"),
    "temporal.history.persistence_max_qps": ("history_persistence_max_qps",),
    "temporal.matching.partitions": ("num_taskqueue_read_partitions", "num_taskqueue_write_partitions"),
    "temporal.retention": ("workflow_execution_retention_ttl", "retention_ttl", "retention_period"),
    # Kubernetes: deployments, autoscalers
    f"{_POOL}.replicas": ("replica_count", "min_replicas", "max_replicas", "pods", "count", "instances"),
    f"{_POOL}.cpu": ("resources", "limits", "requests", "vcpu", "vcpus", "cores"),
    f"{_POOL}.target_cpu": ("target_cpu_utilization_percentage", "average_utilization", "target_cpu_utilization"),
    f"{_POOL}.cool_down": ("stabilization_window_seconds", "cooldown_period"),
    f"{_POOL}.grace_period": ("termination_grace_period_seconds",),
    f"{_POOL}.start_delay": ("initial_delay_seconds", "startup_delay", "startup_time"),
    f"{_POOL}.node": ("instance_type", "machine_type", "node_type", "vm_size"),
    "temporal.history.replicas": ("replica_count", "pods"),
    "temporal.history.cpu": ("resources", "limits", "requests", "vcpu", "vcpus", "cores"),
    "temporal.frontend.replicas": ("replica_count", "pods"),
    "temporal.frontend.cpu": ("resources", "limits", "requests", "vcpu", "vcpus", "cores"),
    "temporal.matching.replicas": ("replica_count", "pods"),
    "temporal.matching.cpu": ("resources", "limits", "requests", "vcpu", "vcpus", "cores"),
    "kubernetes.node": ("instance_type", "machine_type", "vm_size"),
    "kubernetes.nodes": ("node_count", "desired_size", "node_pool_size"),
    "faults.*.min_ready": ("min_ready_seconds",),
    "zones.names": ("availability_zones", "azs"),
    # The stores' own
    "presets.postgres": ("engine_version", "postgres_version"),
    **{f"{key}.{place}": words for key, store in STORES.items() for place, words in store.words.items()},
}
"""The place of ours, and the words of others for it."""

VALUES: Mapping[tuple[str, object], str] = {
    (f"{key}.{place}", theirs): ours for key, store in STORES.items() for (place, theirs), ours in store.values.items()
}
"""Values that others write at a place, and ours."""


@dataclass(frozen=True, slots=True)
class Ours:
    """What a word of others is called here. key: its key; place: dotted path of that; is_here: whether it is a key of
    the mapping that the word was found in; example: as it is written."""

    key: str
    place: str
    is_here: bool
    example: str


def ours_for(shape: Shape, here: Place, word: str) -> Ours | None:
    """What a word that others use stands for; None for one that is in no table. here: the mapping that it is in."""
    found = []
    for place, words in _TABLE.items():
        if bare(word) in map(bare, words):
            path = tuple(place.split("."))
            around, own = shape.at(path[:-1]), shape.at(path)
            if around is None or own is None:  # a model of another kind of file
                continue
            is_here = bool(_models(around) & _models(here))
            found.append(Ours(path[-1], place, is_here, paste(shape, own)))
    return min(found, key=lambda one: not one.is_here, default=None)


def _models(place: Place) -> set[tuple[str, ...]]:
    return {(one["title"], *one["properties"]) for one in place.mappings}


KEYS = {"cures": "mitigations"}
"""Keys at the top of a file, old -> new. They go with version 0.2."""


def with_new_keys(document: Document) -> Document:
    """The document with old keys at its top under their new names, at the places where they stand.

    Warns of each (RenamedWarning). Raises InputErrors where a key is there under both names.
    """
    if not isinstance(document.data, dict):
        return document
    found = [old for old in KEYS if old in document.data]
    twice = [old for old in found if KEYS[old] in document.data]
    if twice:
        message = "is `{}` under its old name, and both are there"
        raise InputErrors([document.problem((old,), message.format(KEYS[old]), "write one", "key") for old in twice])
    for old in found:
        line, _ = document.position((old,), "key")
        warnings.warn(f"{document.file}:{line}: `{old}` is now called `{KEYS[old]}`", RenamedWarning, stacklevel=3)
    data = {KEYS.get(key, key): value for key, value in document.data.items()}
    marks = {_under_new_key(path): mark for path, mark in document.marks.items()}
    return replace(document, data=data, marks=marks)


def _under_new_key(path: Path) -> Path:
    first = path[0] if path else None
    return (KEYS[first], *path[1:]) if isinstance(first, str) and first in KEYS else path


def with_new_key(target: str) -> str:
    """A dotted path, such as `cures.faster`, with its first key under the new name. Warns as above."""
    old, dot, rest = target.partition(".")
    if old.strip() not in KEYS:
        return target
    new = KEYS[old.strip()]
    warnings.warn(f"--set {target}: `{old.strip()}` is now called `{new}`", RenamedWarning, stacklevel=3)
    return f"{new}{dot}{rest}"
