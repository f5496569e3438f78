"""The records that several JSON documents hold: objectives, monitors, recoveries, deadlocks, overload.

Each gives a mapping for `to_json`, under the keys of the output contract.
"""

from __future__ import annotations

from typing import Any, Final

from sim.figure import Figure
from sim.report.to_json import to_json
from sim.stats.overload import Overload, Place
from sim.stats.standstill import Standstill
from sim.stats.summary import MonitorResult, Recovery, Verdict

SCHEMA: Final = 1
"""Changes with the meaning or the name of a key; a new key alone does not change it."""


def objective_json(objective: Verdict) -> dict[str, Any]:
    """An objective: its figure, with name, target, metric and verdict beside the figure's own keys."""
    return {
        "name": objective.name,
        "target": objective.target,
        "metric": objective.metric,
        **to_json(objective.figure),
        "verdict": objective.verdict,
        "fragile": objective.fragile,
    }


def monitor_json(monitor: MonitorResult) -> dict[str, Any]:
    """A monitor: how often it came up, was kept, is undecided and was violated."""
    return {
        "name": monitor.name,
        "antecedents": monitor.antecedents,
        "checked": monitor.checked,
        "undecided": monitor.undecided,
        "violated": monitor.violated,
        "upper_bound": monitor.upper_bound,
    }


def recovery_json(recovery: Recovery) -> dict[str, Any]:
    """Recovery from one kind of fault; each number is a figure."""
    return {
        "fault": recovery.fault,
        "at_s": recovery.at_s,
        "episodes": Figure.exact(recovery.episodes, ""),
        "detect_s": recovery.detect_s,
        "restore_s": recovery.restore_s,
        "drain_s": recovery.drain_s,
        "latency_ok_s": recovery.latency_ok_s,
        "lost": recovery.lost,
        "redone": recovery.redone,
        "amplification": recovery.amplification,
        "never_back": recovery.never_back,
        "followed_s": Figure.exact(recovery.followed_s, "s"),
        "percentiles": recovery.percentiles,
        **({"losses": recovery.losses} if recovery.losses else {}),
    }


def deadlock_json(found: Standstill) -> dict[str, Any]:
    """A deadlock: when the first one closed, in how many runs, and one cycle of who holds what and waits for what."""
    return {
        "at_s": found.at_s,
        "runs": found.runs,
        "of": found.of,
        "during": found.during or None,
        "holders": found.holders,
    }


def overload_json(overload: Overload) -> dict[str, Any]:
    """An overload: rates offered and done, by workflow too; the full places, the innermost first, and the next."""
    return {
        "overloaded": overload.overloaded,
        "offered": overload.offered,
        "done": overload.done,
        "growth": overload.growth,
        "full": [_place(one) for one in overload.full],
        "behind": [_place(one) for one in overload.behind],
        "workflows": {
            one.workflow: {
                "overloaded": one.overloaded,
                "offered": one.offered,
                "done": one.done,
                "growth": one.growth,
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
