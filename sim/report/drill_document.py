"""A drill as the JSON document that `sim drill --json` prints."""

from __future__ import annotations

from typing import Any, Final

from sim.plan.drill import Case, DrillReport
from sim.plan.episode_cost import IN_IT, NOT_IN_IT, EpisodeCost
from sim.report.json_document import figure_json, monitor_json, objective_json, recovery_json, standstill_json
from sim.report.old_keys import both, renamed
from sim.stats.episodes import Episode

SCHEMA: Final = 1


def document(report: DrillReport) -> dict[str, Any]:
    """The document, ready for `json.dumps(..., allow_nan=False)`."""
    return {
        "schema": SCHEMA,
        **renamed("mitigation"),
        "scenario": {"name": report.name, "file": report.file, "hash": report.hash},
        "run": {
            "seed": report.seed,
            "events": report.events,
            "window_s": report.window_ns / 1e9,
            "limit_s": report.limit_ns / 1e9,
        },
        "fault": report.fault,
        "deadlocks": [standstill_json(one) for one in report.standstills],
        "cases": [_case(case) for case in report.cases],
        "warnings": list(report.warnings),
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "when": case.when,
        **both("mitigation", case.mitigation or None),
        "recovery": recovery_json(case.recovery),
        "cost": _cost(case.cost),
        "against_first": {name: figure_json(figure) for name, figure in case.against_first.items()},
        "longer": case.longer,
        "cut": case.cut,
        "objectives": [objective_json(one) for one in case.objectives],
        "monitors": [monitor_json(one) for one in case.monitors],
        "median": case.median.replication,
        "bad": case.bad.replication,
        "episodes": [_episode(one) for one in case.episodes],
    }


def _cost(cost: EpisodeCost) -> dict[str, Any]:
    money = {"nodes": cost.nodes, "traffic": cost.traffic, "downtime": cost.downtime, "total": cost.total}
    return {
        "node_hours": figure_json(cost.node_hours),
        "thrown_away_s": figure_json(cost.thrown_away),
        "not_in_order_s": figure_json(cost.not_in_order),
        **{name: None if figure is None else figure_json(figure) for name, figure in money.items()},
        "in_it": IN_IT,
        "not_in_it": NOT_IN_IT,
    }


def _episode(episode: Episode) -> dict[str, Any]:
    times = episode.times()
    since_ns = {
        "detect_s": times.detect_ns,
        "restore_s": times.restore_ns,
        "drain_s": times.drain_ns,
        "latency_ok_s": times.latency_ok_ns,
        "recoupled_s": None if episode.recoupled_ns is None else episode.recoupled_ns - episode.begin_ns,
    }
    return {
        "replication": episode.replication,
        "begin_s": episode.begin_ns / 1e9,
        "followed_s": (episode.run.horizon_ns - episode.begin_ns) / 1e9,
        **{name: None if ns is None else ns / 1e9 for name, ns in since_ns.items()},
        "lost": episode.lost,
        "redone": episode.redone,
        "amplification": episode.amplification,
        "still_open": episode.still_open,
    }
