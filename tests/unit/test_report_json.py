"""The JSON document holds to the output contract, key by key, and is always JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import report_fixture as fixture

from sim.figure import Figure
from sim.report.documents import to_json
from sim.studies.run.document import document

FIGURE = {"value", "unit", "low", "high", "confidence", "n", "note"}


def test_the_document_has_the_keys_of_the_contract() -> None:
    found = document(fixture.summary(), fixture.bill())
    assert list(found) == [
        *(
            "schema",
            "renamed",
            "scenario",
            "run",
            "overload",
            "deadlocks",
            "provenance",
            "metrics",
            "places",
            "objectives",
        ),
        *("missed", "recovery", "cost"),
        *("monitors", "warnings", "calibration"),
    ]
    assert found["scenario"].keys() == {"name", "file", "hash", "set", "mitigation", "cure"}
    assert found["run"].keys() == {"seed", "replications", "events", "warmup_s", "horizon_s"}
    assert found["provenance"].keys() >= {"engine", "wall_s", "versions"}
    assert found["cost"].keys() == {"currency", "total_per_month", "per_execution", "items", "not_priced"}
    item_keys = {"item", "quantity", "unit", "unit_price", "amount", "source", "date"}
    assert all(item.keys() == item_keys for item in found["cost"]["items"])
    assert len(found["monitors"]) == 3
    monitor_keys = {"name", "antecedents", "checked", "undecided", "violated", "upper_bound"}
    assert all(monitor.keys() == monitor_keys for monitor in found["monitors"] if not monitor["violated"])
    broken = [monitor.keys() for monitor in found["monitors"] if monitor["violated"]]
    assert broken == [monitor_keys | {"example", "trace"}]


def test_each_metric_is_a_figure() -> None:
    metrics = document(fixture.summary(), None)["metrics"]
    assert metrics.keys() == fixture.metrics().keys()
    assert all(figure.keys() == FIGURE for figure in metrics.values())
    refused = metrics["latency.refund.p999"]
    assert refused["value"] is None
    assert refused["note"] == "a p99.9 needs 4 h of this load; 65 min were run"


def test_an_objective_is_its_figure_with_name_target_metric_and_verdict() -> None:
    first = document(fixture.summary(), None)["objectives"][0]
    assert first.keys() == FIGURE | {"name", "target", "metric", "verdict", "fragile"}
    assert (first["name"], first["target"], first["verdict"]) == ("throughput", ">= 49.5/s", "met")
    assert first["value"] == 50.0


def test_each_number_of_a_recovery_is_a_figure() -> None:
    first = document(fixture.summary(), None)["recovery"][0]
    numbers = {
        *("at_s", "episodes", "detect_s", "restore_s", "drain_s", "latency_ok_s", "lost", "redone"),
        *("amplification", "never_back", "followed_s"),
    }
    assert first.keys() == numbers | {"fault", "percentiles"}
    assert all(first[name].keys() == FIGURE for name in numbers)
    assert first["episodes"]["value"] == 20
    assert first["percentiles"]["detect"]["p95"]["value"] == 5.6


def test_the_document_of_a_prediction_without_a_bill_has_no_cost() -> None:
    assert document(fixture.bare(), None)["cost"] is None


def test_infinity_is_null_with_a_reason() -> None:
    never = Figure(math.inf, "s", 60.0, math.inf, 0.95, 20, "2 of 20")
    assert to_json(never) == {
        "value": None,
        "unit": "s",
        "low": 60.0,
        "high": None,
        "confidence": 0.95,
        "n": 20,
        "note": "2 of 20; infinite",
    }
    summary = replace(fixture.summary(), metrics={"latency.w.p99": never, "latency.w.mean": Figure(math.nan, "s")})
    json.dumps(document(summary, fixture.bill()), allow_nan=False)


def test_what_ran_where_is_no_part_of_the_prediction() -> None:
    here, there = fixture.summary(), replace(fixture.summary(), provenance={"engine": "reference", "wall_s": 9.9})
    one, other = document(here, fixture.bill()), document(there, fixture.bill())
    assert one.pop("provenance") != other.pop("provenance")
    assert one == other
