"""A prediction as the one JSON document that `sim run --json` prints and other tools read."""

from __future__ import annotations

from typing import Any

from sim.cost.bill import Bill
from sim.report.documents import (
    SCHEMA,
    both,
    deadlock_json,
    json_object,
    monitor_json,
    objective_json,
    overload_json,
    recovery_json,
    renamed,
)
from sim.report.parts import elements_json
from sim.stats.summary import Fix, MonitorResult, Remedy, Summary


def document(summary: Summary, bill: Bill | None) -> dict[str, Any]:
    """The document, ready for `json.dumps(..., allow_nan=False)`.

    `provenance` tells what ran where and how long: it is no part of an equality or a hash. `cost` is None without
    a bill, `overload` where growth says nothing (bursts, profiles, loads that end). `places` tells of every resource
    and station what a user can set and watch.
    """
    return json_object(
        {
            "schema": SCHEMA,
            **renamed("mitigation"),
            "scenario": {
                "name": summary.name,
                "file": summary.file,
                "hash": summary.hash,
                "set": summary.sets,
                **both("mitigation", summary.mitigation),
            },
            "run": {
                "seed": summary.seed,
                "replications": summary.replications,
                "events": summary.events,
                "warmup_s": summary.warmup_s,
                "horizon_s": summary.horizon_s,
            },
            "overload": None if summary.overload is None else overload_json(summary.overload),
            "deadlocks": list(map(deadlock_json, summary.standstills)),
            "provenance": summary.provenance,
            "metrics": summary.metrics,
            "places": elements_json(summary.elements),
            "objectives": list(map(objective_json, summary.objectives)),
            "missed": list(map(_missed, summary.remedies)),
            "recovery": list(map(recovery_json, summary.recovery)),
            "cost": None if bill is None else _cost(bill),
            "monitors": list(map(_monitor, summary.monitors)),
            "warnings": summary.warnings,
            "calibration": summary.calibration,
        }
    )


def _monitor(monitor: MonitorResult) -> dict[str, Any]:
    """A monitor, with the first execution that broke it and its life as lines of text where there is one."""
    found = monitor_json(monitor)
    if monitor.example is not None:
        replication, execution = monitor.example
        found |= {"example": {"replication": replication, "execution": execution}, "trace": monitor.trace}
    return found


def _cost(bill: Bill) -> dict[str, Any]:
    per_run = {} if bill.total_per_run is None else {"total_per_run": bill.total_per_run}
    totals = {"total_per_month": bill.total_per_month, "per_execution": bill.per_execution}
    return {**bill.to_json(), **totals, **per_run}


def _missed(remedy: Remedy) -> dict[str, Any]:
    """A missed objective with `cause` and `fix`, null where there is none; `tried` counts the fixes that were run."""
    cause = remedy.cause
    return {
        "objective": remedy.objective,
        "metric": remedy.metric,
        "cause": cause and {"words": cause.words, "setting": cause.path or None, "where": cause.where},
        "fix": remedy.fix and _fix(remedy.fix),
        "tried": remedy.tried,
        "left": remedy.left,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        **both("mitigation", fix.name or None),
        "set": fix.sets,
        "where": fix.where,
        "usd_per_month": fix.usd_per_month,
        "figure": fix.figure,
        "replications": fix.replications,
        "sure": fix.sure,
    }
