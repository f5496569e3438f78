"""JSON of what was found: one function for frozen data, figures, enumerations and containers of them, and the records
that several documents hold: objectives, monitors, recoveries, deadlocks, overload.

Each record is a mapping for `to_json`, under the keys of the output contract. Keys were renamed: in this version a
document has both, and `renamed` at its top says which.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from sim.figure import Figure

if TYPE_CHECKING:  # a check writes JSON as well, and has no use for statistics
    from sim.stats.overload import Overload, Place
    from sim.stats.summary import MonitorResult, Recovery, Standstill, Verdict


def to_json(value: Any) -> Any:
    """What `json.dumps(..., allow_nan=False)` takes, keys and entries in their order.

    A dataclass is a mapping of its fields. JSON knows no infinity: such a number is null, and a figure of such a value
    says so in its note.

    >>> to_json({"share": Figure(math.inf, "s"), "names": ("a", "b")})["names"]
    ['a', 'b']
    """
    if isinstance(value, Figure):
        if value.value is not None and not math.isfinite(value.value):
            value = value.with_note("undefined" if math.isnan(value.value) else "infinite")
        return json_object(value.to_json())
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return json_object(value)
    if isinstance(value, Sequence):
        return [to_json(one) for one in value]
    assert is_dataclass(value), f"{type(value).__name__} has no JSON"
    return {one.name: to_json(getattr(value, one.name)) for one in fields(value)}


def json_object(value: Mapping[Any, Any]) -> dict[str, Any]:
    """The same of a mapping, such as a whole document."""
    return {str(key): to_json(one) for key, one in value.items()}


OLD_KEYS = {"mitigation": "cure", "mitigations": "cures", "error_budgets": "ledgers"}
"""New -> old. They go with version 0.2."""


def both(new: str, value: Any) -> dict[str, Any]:
    """A value under its key and under the old one."""
    return dict.fromkeys((new, OLD_KEYS[new]), value)


def renamed(*new: str) -> dict[str, dict[str, str]]:
    """The entry at the top of a document that has these keys."""
    return {"renamed": {OLD_KEYS[one]: one for one in new}}


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
