"""Scores as one JSON document, and as the file that a test holds fresh scores against (`calibration/scores.json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from calibration.scores.envelope import telling
from calibration.scores.kinds import LOADS, USES, Use
from calibration.scores.real import Scored
from calibration.scores.score import Score, discrepancies
from calibration.scores.summary import by_kind, coverage_of, errors_of, grouped, table_errors_of, worst
from sim.files import write_text

SCORES: Final = Path("calibration") / "scores.json"


def document(scored: Scored) -> dict[str, Any]:
    """Everything: each score, each table, and what is said of them together."""
    return {
        "system": scored.system,
        "summary": {use: _summary(scored, use) for use in USES if any(one.use == use for one in scored.scores)},
        "scores": [asdict(one) | {"target": one.target} for one in scored.scores],
        "tables": [asdict(one) for one in scored.tables],
        "left_out": list(scored.left_out),
    }


def _summary(scored: Scored, use: Use) -> dict[str, Any]:
    own = [one for one in scored.scores if one.use == use]
    tables = grouped([one for one in scored.tables if one.use == use], lambda one: one.table)
    return {
        "metrics": {metric: errors_of(metric, some).to_json() for metric, some in _by_metric(own).items()},
        "tables": {table: table_errors_of(some).to_json() for table, some in tables.items()},
        "loads": {
            load: {kind: errors_of(kind, some).to_json() for kind, some in by_kind(there).items()}
            for load in LOADS
            if (there := [one for one in own if one.load == load])
        },
        "intervals": {kind: coverage_of(kind, some).to_json() for kind, some in by_kind(own).items()},
        "worst": [
            {"cell": one.cell, "metric": one.metric, "error": one.error, "command": one.command} for one in worst(own)
        ],
    }


def _by_metric(found: Sequence[Score]) -> dict[str, list[Score]]:
    return grouped(found, lambda one: one.metric)


def write_scores(root: Path, scored: Scored) -> Path:
    """Put the scores of this system into the file, the others' left as they are; gives its path."""
    path = root / SCORES
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept[scored.system] = {
        "summary": document(scored)["summary"],
        "cells": {
            f"{host}/{cell}": {one.metric: _kept(one) for one in some}
            for (host, cell), some in grouped(scored.scores, lambda one: (one.host, one.cell)).items()
        },
        "left_out": list(scored.left_out),
        "runs": scored.replications,
        "discrepancy": dict(sorted(discrepancies(telling(scored.scores)).items())),
    }
    lines = json.dumps(_rounded(dict(sorted(kept.items()))), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, lines + "\n")
    return path


def _kept(score: Score) -> dict[str, Any]:
    return {"use": score.use, "error": score.error, "corrected": score.corrected, "monte_carlo": score.monte_carlo}


def _rounded(value: Any) -> Any:
    """Numbers to four digits, so that the file changes where something has changed."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value
