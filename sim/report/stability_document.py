"""A study of stability as the one JSON document that `sim stability --json` prints."""

from __future__ import annotations

from typing import Any, Final

from sim.plan.study import Band, Level, Outcome, Stability
from sim.report.json_document import figure_json
from sim.report.old_keys import both, renamed
from sim.stats.threshold import Threshold

SCHEMA: Final = 1


def document(found: Stability) -> dict[str, Any]:
    """The document, ready for `json.dumps(..., allow_nan=False)`."""
    return {
        "schema": SCHEMA,
        **renamed("mitigation", "mitigations"),
        "scenario": {"name": found.name, "file": found.file, "hash": found.hash},
        "seed": found.seed,
        "runs": found.runs,
        "trigger": {
            "fault": found.fault,
            "begin_s": found.begin_s,
            "lasts_s": found.lasts_s,
            "limit_s": found.limit_s,
        },
        "load": found.at,
        "as_it_is": _outcome(found.as_it_is),
        "backlog": found.backlog,
        "starts": [
            {
                "load": one.factor,
                "from_empty": _level(one.from_empty),
                "from_backlog": _level(one.from_backlog),
                "two_modes": one.differ,
            }
            for one in found.starts
        ],
        **both("mitigations", [_outcome(one) for one in found.mitigations]),
        "error": found.error,
        "within": found.within,
        "notes": list(found.notes),
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    recovery = one.recovery
    return {
        **both("mitigation", one.mitigation),
        "settings": list(one.settings),
        "back": figure_json(one.back),
        "draining": one.draining,
        "good": figure_json(one.good),
        "restore": figure_json(recovery.restore_s),
        "drain": figure_json(recovery.drain_s),
        "latency_ok": figure_json(recovery.latency_ok_s),
        "lost": figure_json(recovery.lost),
        "redone": figure_json(recovery.redone),
        "amplification": figure_json(recovery.amplification),
        "cost": None if one.cost is None else figure_json(one.cost),
        "band": None if one.band is None else _band(one.band),
    }


def _level(level: Level) -> dict[str, Any]:
    return {
        "at_work": figure_json(level.at_work),
        "good": figure_json(level.good),
        "p99": figure_json(level.p99),
        "settled": level.settled,
    }


def _band(band: Band) -> dict[str, Any]:
    return {
        "permanent": _threshold(band.permanent),
        "alone": _threshold(band.alone),
        "estimate": band.estimate,
        "good": band.good,
        "away": band.away,
        "draining": band.draining,
    }


def _threshold(one: Threshold) -> dict[str, Any]:
    return {
        "below": one.below,
        "above": one.above,
        "error": one.error,
        "tried": [{"load": t.at, "hits": t.hits, "n": t.n, "mostly": t.verdict} for t in one.tried],
    }
