"""Error budgets as the one JSON document that `sim error-budget --json` prints."""

from __future__ import annotations

from typing import Any, Final

from sim.plan.error_budget import ErrorBudgets
from sim.report.json_document import figure_json
from sim.report.old_keys import both, renamed
from sim.stats.error_budget import ErrorBudget, Row

SCHEMA: Final = 1


def document(found: ErrorBudgets) -> dict[str, Any]:
    """The document, ready for `json.dumps(..., allow_nan=False)`. `provenance` is no part of an equality."""
    return {
        "schema": SCHEMA,
        **renamed("error_budgets"),
        "scenario": {"name": found.name, "file": found.file, "hash": found.hash},
        "run": {
            "seed": found.seed,
            "episodes": found.episodes,
            "executions": found.executions,
            "events": found.events,
        },
        "provenance": dict(found.provenance),
        **both("error_budgets", [_error_budget(one) for one in found.error_budgets]),
        "warnings": list(found.warnings),
    }


def _error_budget(found: ErrorBudget) -> dict[str, Any]:
    return {
        "name": found.level.name,
        "target": found.level.target,
        "window_s": found.level.window_s,
        "budget_min_per_year": found.level.budget_min,
        "events_per_min": found.events_per_min,
        "verdict": found.verdict,
        "chance_met": found.chance_met,
        "availability": figure_json(found.availability),
        "rows": [_row(row) for row in found.rows],
        "pairs": [_row(row) for row in found.pairs],
        "without_faults": figure_json(found.calm),
        "expected": {
            "noise": figure_json(found.expected),
            "rates": figure_json(found.by_rates),
            "noise_and_rates": figure_json(found.in_all),
        },
        "stays_inside": {
            name: {"window_s": one.window_s, "allowed_min": one.allowed_min, "chance": figure_json(one.chance)}
            for name, one in found.inside.items()
        },
        "left_out_min_per_year": found.left_out_min,
        "not_in_it": list(found.not_in_it),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "per_year": figure_json(row.per_year),
        "bad_min_each": figure_json(row.each_min),
        "min_per_year": figure_json(row.year_min),
        "min_per_year_with_rate": figure_json(row.with_rate),
        "share_of_budget": row.share,
        "flips_at_per_year": row.flip,
        "flips_above_per_year": row.flip_least,
        "evidence": row.evidence,
        "source": row.source,
        "is_assumption": row.source is None,
        "never_back": None if row.never_back is None else figure_json(row.never_back),
        "variance_saved_by_known_length": row.gain,
    }
