"""A prediction as the one JSON document that `sim run --json` prints and other tools read.

`SCHEMA` changes with the meaning or the name of a key; a new key alone does not change it.
"""

from __future__ import annotations

import math
from typing import Any, Final

from sim.cost.bill import Bill
from sim.figure import Figure
from sim.report.elements import elements_json
from sim.report.old_keys import both, renamed
from sim.stats.overload import Overload, Place
from sim.stats.remedy import Fix, Remedy
from sim.stats.standstill import Standstill
from sim.stats.summary import Calibration, MonitorResult, Recovery, Summary, Verdict

SCHEMA: Final = 1


def document(summary: Summary, bill: Bill | None) -> dict[str, Any]:
    """The document, ready for `json.dumps(..., allow_nan=False)`.

    `provenance` tells what ran where and how long: it is no part of an equality or a hash. `cost` is None without
    a bill, `overload` where growth says nothing (bursts, profiles, loads that end). `places` tells of every resource
    and station what a user can set and watch. A figure that is infinite or undefined has a null value, and `note`
    says so.
    """
    return {
        "schema": SCHEMA,
        **renamed("mitigation"),
        "scenario": {
            "name": summary.name,
            "file": summary.file,
            "hash": summary.hash,
            "set": list(summary.sets),
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
        "deadlocks": [standstill_json(one) for one in summary.standstills],
        "provenance": dict(summary.provenance),
        "metrics": {name: figure_json(figure) for name, figure in summary.metrics.items()},
        "places": elements_json(summary.elements),
        "objectives": [objective_json(objective) for objective in summary.objectives],
        "missed": [_remedy_json(remedy) for remedy in summary.remedies],
        "recovery": [recovery_json(recovery) for recovery in summary.recovery],
        "cost": None if bill is None else _cost(bill),
        "monitors": [monitor_json(monitor) for monitor in summary.monitors],
        "warnings": list(summary.warnings),
        "calibration": None if summary.calibration is None else calibration_json(summary.calibration),
    }


def figure_json(figure: Figure) -> dict[str, Any]:
    """The FIGURE object. JSON knows no infinity: such a value is null with a note, such an end is null."""
    found: dict[str, Any] = figure.to_json()
    value = figure.value
    if value is not None and not math.isfinite(value):
        found = figure.with_note("undefined" if math.isnan(value) else "infinite").to_json() | {"value": None}
    for end in ("low", "high", "wide_low", "wide_high"):
        if found.get(end) is not None and not math.isfinite(found[end]):
            found[end] = None
    return found


def overload_json(overload: Overload) -> dict[str, Any]:
    """What was offered and done, all a second, by workflow too; the full places, the innermost first, and the next."""
    return {
        "overloaded": overload.overloaded,
        "offered": figure_json(overload.offered),
        "done": figure_json(overload.done),
        "growth": figure_json(overload.growth),
        "full": [_place(one) for one in overload.full],
        "behind": [_place(one) for one in overload.behind],
        "workflows": {
            one.workflow: {
                "overloaded": one.overloaded,
                "offered": figure_json(one.offered),
                "done": figure_json(one.done),
                "growth": figure_json(one.growth),
            }
            for one in overload.flows
        },
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "resource": place.name,
        "utilisation": place.utilisation,
        "waiting": place.waiting,
        "setting": place.setting or None,
        "line": place.where or None,
    }


def standstill_json(found: Standstill) -> dict[str, Any]:
    """A deadlock: when the first one closed, in how many runs, and one cycle of who holds what and waits for what."""
    return {
        "at_s": found.at_s,
        "runs": found.runs,
        "of": found.of,
        "during": found.during or None,
        "holders": [
            {"workflow": one.workflow, "holds": list(one.holds), "waits_for": one.waits_for} for one in found.holders
        ],
    }


def calibration_json(calibration: Calibration) -> dict[str, Any]:
    """Where the prediction lies, all reasons, and what the wider intervals hold, by group of figures or metric."""
    return {
        "place": calibration.place,
        "reasons": list(calibration.reasons),
        "discrepancy": dict(calibration.discrepancy),
        "inputs": dict(calibration.inputs),
    }


def objective_json(objective: Verdict) -> dict[str, Any]:
    """An objective with its figure and verdict."""
    return {
        "name": objective.name,
        "target": objective.target,
        "metric": objective.metric,
        **figure_json(objective.figure),
        "verdict": objective.verdict,
        "fragile": objective.fragile,
    }


def recovery_json(recovery: Recovery) -> dict[str, Any]:
    """Recovery from one kind of fault."""
    losses = {name: figure_json(figure) for name, figure in recovery.losses.items()}
    return {
        "fault": recovery.fault,
        "at_s": figure_json(recovery.at_s),
        "episodes": figure_json(Figure.exact(recovery.episodes, "")),
        "detect_s": figure_json(recovery.detect_s),
        "restore_s": figure_json(recovery.restore_s),
        "drain_s": figure_json(recovery.drain_s),
        "latency_ok_s": figure_json(recovery.latency_ok_s),
        "lost": figure_json(recovery.lost),
        "redone": figure_json(recovery.redone),
        "amplification": figure_json(recovery.amplification),
        "never_back": figure_json(recovery.never_back),
        "followed_s": figure_json(Figure.exact(recovery.followed_s, "s")),
        "percentiles": {
            phase: {level: figure_json(figure) for level, figure in levels.items()}
            for phase, levels in recovery.percentiles.items()
        },
        **({"losses": losses} if losses else {}),
    }


def _cost(bill: Bill) -> dict[str, Any]:
    found = bill.to_json()
    found["total_per_month"] = figure_json(bill.total_per_month)
    found["per_execution"] = {name: figure_json(figure) for name, figure in bill.per_execution.items()}
    if bill.total_per_run is not None:
        found["total_per_run"] = figure_json(bill.total_per_run)
    return found


def monitor_json(monitor: MonitorResult) -> dict[str, Any]:
    """A monitor with how often it was kept."""
    return {
        "name": monitor.name,
        "antecedents": monitor.antecedents,
        "checked": monitor.checked,
        "undecided": monitor.undecided,
        "violated": monitor.violated,
        "upper_bound": figure_json(monitor.upper_bound),
    }


def _remedy_json(remedy: Remedy) -> dict[str, Any]:
    """A missed objective with `cause` and `fix`, null where there is none; `tried` counts the fixes that were run."""
    cause, fix = remedy.cause, remedy.fix
    return {
        "objective": remedy.objective,
        "metric": remedy.metric,
        "cause": None
        if cause is None
        else {"words": cause.words, "setting": cause.path or None, "where": cause.where},
        "fix": None if fix is None else _fix_json(fix),
        "tried": remedy.tried,
        "left": remedy.left,
    }


def _fix_json(fix: Fix) -> dict[str, Any]:
    return {
        **both("mitigation", fix.name or None),
        "set": list(fix.sets),
        "where": fix.where,
        "usd_per_month": fix.usd_per_month,
        "figure": figure_json(fix.figure),
        "replications": fix.replications,
        "sure": fix.sure,
    }
