"""`sim run --json` holds to the output contract: one document, every key, every figure whole, equal for equal inputs.

Goal: other tools can rely on what they read. Method: the command runs in this process on scenarios of a few thousand
events that have something for every part of the document.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from a_command import QUEUE, SHOP, Command, figures_in, without_provenance

FIGURE = {"value", "unit", "low", "high", "confidence", "n", "note"}

METRIC = re.compile(
    r"(latency|latency_compensated|latency_failed|span|schedule_to_start|wait|queue|in_flight)\.[\w-]+"
    r"\.(mean|max|p50|p90|p95|p99|p999)"
    r"|(offered|accepted|completed|succeeded|throughput|goodput|availability|utilisation|wait_probability|retry_amplification|sync_match_rate)\.[\w-]+"
    r"|(rejected|refused|abandoned|hit_rate|room)\.[\w-]+"
    r"|count\.\w+\.per_execution"
    r"|recovery\.[\w-]+\.((detect|restore|drain|latency_ok)\.(mean|p50|p95)|lost|redone|amplification|never_back)"
    r"|cost\.total"
)


@pytest.fixture
def shop(command: Command) -> dict[str, Any]:
    return command.document(SHOP)


def test_one_document_is_printed_and_nothing_else(command: Command) -> None:
    ended = command.run(QUEUE, "--json")
    assert ended.code == 0
    json.loads(ended.out)  # as a whole: a second document or a line of text would be an error
    assert ended.err == ""


def test_the_document_has_every_key_of_the_contract(shop: dict[str, Any]) -> None:
    assert shop.keys() == {
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
    }
    assert shop["schema"] == 1
    assert shop["scenario"].keys() == {"name", "file", "hash", "set", "mitigation", "cure"}
    assert shop["run"].keys() == {"seed", "replications", "events", "warmup_s", "horizon_s"}
    assert shop["provenance"].keys() == {"engine", "wall_s", "versions"}
    assert [one.keys() for one in shop["objectives"]] == [
        FIGURE | {"name", "target", "metric", "verdict", "fragile"}
    ] * 3
    numbers = {
        *("at_s", "episodes", "detect_s", "restore_s", "drain_s", "latency_ok_s", "lost", "redone"),
        *("amplification", "never_back", "followed_s"),
    }
    (recovery,) = shop["recovery"]
    assert recovery.keys() >= numbers | {"fault"}
    assert all(recovery[name].keys() == FIGURE for name in numbers)
    assert shop["cost"].keys() >= {"currency", "total_per_month", "per_execution", "items", "not_priced"}
    items = [one.keys() for one in shop["cost"]["items"]]
    assert items == [{"item", "quantity", "unit", "unit_price", "amount", "source", "date"}]
    keys = {"name", "antecedents", "checked", "undecided", "violated", "upper_bound"}
    assert all(one.keys() >= keys for one in shop["monitors"])
    assert all(isinstance(one, str) for one in shop["warnings"])


def test_the_keys_have_the_values_that_the_scenario_gives_them(command: Command) -> None:
    found = command.document(SHOP, "--seed", "7")
    assert found["scenario"]["name"] == "shop"
    assert found["scenario"]["file"].endswith("scenario.yaml")
    assert re.fullmatch(r"[0-9a-f]{16}", found["scenario"]["hash"])
    run = found["run"]
    assert (run["seed"], run["replications"], run["warmup_s"], run["horizon_s"]) == (7, 5, 2.0, 20.0)
    assert run["events"] > 5 * 20 * 20  # 20 orders a second, several events each
    assert found["provenance"]["engine"] == "fast"
    objectives = {one["name"]: (one["target"], one["metric"], one["verdict"]) for one in found["objectives"]}
    assert objectives == {
        "fast": ("< 1 s", "latency.order.mean", "met"),
        "utilisation.db": (">= 95 %", "utilisation.db", "missed"),
        "latency.order.p999": ("< 1 s", "latency.order.p999", "undecided"),
    }
    assert found["recovery"][0]["fault"] == "crash"
    assert found["recovery"][0]["at_s"]["value"] == 5.0
    assert found["recovery"][0]["episodes"]["value"] == 5
    assert found["cost"]["currency"] == "USD"
    assert found["cost"]["total_per_month"]["value"] == 200.0
    assert [one["name"] for one in found["monitors"]] == ["paid_once", "paid_after_all"]
    assert all(one["violated"] == 0 < one["checked"] for one in found["monitors"])


def test_a_drill_is_tried_as_often_as_the_run_says(command: Command) -> None:
    found = command.document(SHOP, "--set", "run.drills=3")
    assert found["run"]["replications"] == 5
    assert found["recovery"][0]["episodes"]["value"] == 3


def test_latency_is_in_order_as_soon_as_it_is_within_its_objective(command: Command) -> None:
    # With one pod of one slot 20/s are served of 30/s: what piles up in 2 s is worked off in 2 s more.
    slow = ("--set", "network.resources.slots.units=1", "--set", "network.sources.orders.arrivals=30/s")
    told = [
        command.document(SHOP, *slow, "--set", f"objectives={objectives}")["recovery"][0]["latency_ok_s"]["value"]
        for objectives in ("[]", "[{metric: span.platform.p99, below: 1 h}]")
    ]
    assert told[0] > told[1]


def test_every_figure_is_whole_and_a_missing_value_carries_its_reason(shop: dict[str, Any]) -> None:
    found = list(figures_in(shop))
    assert len(found) > 50
    for path, figure in found:
        assert figure.keys() >= FIGURE, path
        assert isinstance(figure["unit"], str), path
        assert isinstance(figure["note"], str), path
        assert isinstance(figure["n"], int), path
        if figure["value"] is None:
            assert figure["note"], f"{path} is null without a reason"
            continue
        assert math.isfinite(figure["value"]), path
        for end, sign in (("low", 1), ("high", -1)):
            if figure[end] is not None:
                assert sign * figure[end] <= sign * figure["value"] + 1e-9 * abs(figure["value"]), path
    assert any(figure["value"] is None for _, figure in found), "nothing was refused; the test is too easy"


def test_an_interval_has_its_level_and_both_its_ends_or_a_reason(shop: dict[str, Any]) -> None:
    with_interval = [(path, figure) for path, figure in figures_in(shop) if figure["confidence"] is not None]
    assert len(with_interval) > 30
    for path, figure in with_interval:
        assert figure["confidence"] == 0.95, path
        assert figure["note"] or None not in (figure["low"], figure["high"]), path
    for path, figure in figures_in(shop):
        if figure["confidence"] is None and figure["low"] is not None:
            assert figure["low"] == figure["value"] == figure["high"], f"{path} is exact, or lacks its level"


def test_the_metrics_have_the_names_and_units_of_the_contract(shop: dict[str, Any]) -> None:
    metrics = shop["metrics"]
    assert [name for name in metrics if METRIC.fullmatch(name) is None] == []
    for name in (
        *(f"latency.order.{level}" for level in ("mean", "p50", "p90", "p95", "p99", "p999")),
        *(f"span.platform.{level}" for level in ("mean", "p50", "p90", "p95", "p99", "p999")),
        *("offered.order", "accepted.order", "completed.order", "succeeded.order"),
        *("throughput.order", "goodput.order", "availability.order", "retry_amplification.order"),
        *("utilisation.db", "queue.db.mean", "queue.db.max", "wait.db.mean", "wait_probability.db"),
        *("utilisation.slots", "queue.slots.mean", "wait.slots.p99", "wait_probability.slots"),
        *("in_flight.order.mean", "in_flight.order.max"),
        *("count.storage_query.per_execution", "count.commit.per_execution", "cost.total"),
    ):
        assert name in metrics, name
    units = {name: figure["unit"] for name, figure in metrics.items()}
    for name, unit in units.items():
        family = name.partition(".")[0]
        if family in ("latency", "span", "wait"):
            assert unit == "s", name
        elif family in ("throughput", "goodput"):
            assert unit == "1/s", name
        elif family in ("availability", "utilisation", "wait_probability", "retry_amplification"):
            assert unit == "ratio", name
    assert units["cost.total"] == "USD/month"
    assert metrics["count.storage_query.per_execution"]["value"] == 2.0
    assert 0 < metrics["utilisation.db"]["value"] < 1


def test_equal_inputs_give_an_equal_document(command: Command) -> None:
    first, second = (command.run(SHOP, "--json") for _ in range(2))
    assert without_provenance(first.document) == without_provenance(second.document)
    # In the same order and to the last digit, but for what the machine had to say.
    cut = re.compile(r'"provenance": \{.*?\n  \}', re.DOTALL)
    assert cut.sub("", first.out) == cut.sub("", second.out)


def test_the_document_does_not_depend_on_how_many_processes_ran(command: Command) -> None:
    file = command.file(SHOP)
    alone, together = (
        command.sim("run", file, "--json", "--replications", "3", "--processes", count).document for count in "12"
    )
    assert without_provenance(alone) == without_provenance(together)


def test_another_seed_gives_another_sample_of_the_same_scenario(command: Command) -> None:
    first, second = (command.document(QUEUE, "--seed", seed) for seed in ("0", "1"))
    assert first["run"]["seed"] == 0
    assert first["metrics"]["latency.job.mean"]["value"] != second["metrics"]["latency.job.mean"]["value"]
    assert first["scenario"] == second["scenario"]


def test_the_hash_is_of_what_a_scenario_says_and_not_of_how(command: Command) -> None:
    def hash_of(text: str, *options: str) -> str:
        found: str = command.document(text, "--replications", "2", "--horizon", "5 s", *options)["scenario"]["hash"]
        return found

    plain = hash_of(QUEUE)
    spread = """
# another comment
run:
  replications: 5
  warmup: none
  horizon: 60 s
network:
  stations: {server: {kind: server, service: {exponential: 0.1 s}, servers: 1, nodes: 1}}
  routines: {job: [{use: {station: server}}]}
  sources: {jobs: {arrivals: {poisson: 300/min}, routine: job}}
name: "queue"
"""
    assert hash_of(spread) == plain
    assert hash_of(QUEUE, "--set", "network.sources.jobs.arrivals=5/s") == plain
    assert hash_of(QUEUE, "--set", "network.sources.jobs.arrivals=6/s") != plain
    assert hash_of(QUEUE.replace("100 ms", "101 ms")) != plain
