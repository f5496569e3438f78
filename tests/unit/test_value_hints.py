"""What to write instead is made of what was written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sim.errors import InputErrors
from sim.studies.loading.inputs import check_inputs
from sim.studies.loading.load import load
from sim.units import (
    Mistake,
    parse_duration_ns,
    parse_int_range,
    parse_rate_per_s,
    parse_ratio,
    parse_usd,
    parse_usd_per_month,
)


@pytest.mark.parametrize(
    ("parse", "written", "hint"),
    [
        (parse_usd_per_month, "$5000", "5000 USD/month"),
        (parse_usd_per_month, 5000, "5000 USD"),
        (parse_usd, 25, "25 USD"),
        (parse_int_range, "4-16", "4..16"),
        (parse_int_range, "4 to 16", "4..16"),
        (parse_int_range, "4:16", "4..16"),
        (parse_int_range, "4...16", "4..16"),
        (parse_duration_ns, 30, "30 s"),
        (parse_duration_ns, "PT1H30M", "1 h 30 min"),
        (parse_duration_ns, "P1DT2H", "1 day 2 h"),
        (parse_rate_per_s, 50, "50/s"),
        (parse_rate_per_s, "50 rps", "50/s"),
        (parse_rate_per_s, "300 rpm", "300/min"),
        (parse_ratio, 5, "5 %"),
        (parse_ratio, "5 percent", "5 %"),
    ],
)
def test_a_hint_says_the_value_itself_as_it_is_written_here(
    parse: Callable[[object], object], written: object, hint: str
) -> None:
    with pytest.raises(Mistake) as caught:
        parse(written)
    assert f" {hint}" in caught.value.hint
    first = caught.value.hint.removeprefix("write ").removeprefix("it as ").partition(" (")[0].partition(" if ")[0]
    if parse is not parse_usd_per_month:
        parse(first)  # what the hint says is taken


SCENARIO = """
name: bounds
workflows:
  order:
    arrivals: 5/s
    task_queue: orders
    steps: [{activity: {name: pay, service: 10 ms}}]
workers: {orders: {replicas: 2, cpu: 2, node: own}}
temporal: {history_shards: 4}
postgres: {cpu: 4}
prices: {nodes: {own: 100 USD/month}}
objectives: [{metric: METRIC, below: BOUND}]
"""


@pytest.mark.parametrize(
    ("metric", "bound", "hint"),
    [
        ("cost.total", "$5000", "5000 USD/month"),
        ("cost.total", "5000", "5000 USD/month"),
        ("latency.order.p95", "4", "4 s"),
        ("latency.order.p95", "80 %", "80 s"),
        ("utilisation.orders-cpu", "80", "80 %"),
        ("throughput.order", "50 %", "50"),
        ("in_flight.order.mean", "50 %", "50"),
    ],
)
def test_a_bound_in_another_unit_is_said_in_that_of_its_metric(metric: str, bound: str, hint: str) -> None:
    text = SCENARIO.replace("METRIC", metric).replace("BOUND", bound)
    with pytest.raises(InputErrors) as caught:
        check_inputs(load(text))
    (problem,) = caught.value.problems
    assert problem.hint.startswith(f"write   below: {hint}")
    check_inputs(load(SCENARIO.replace("METRIC", metric).replace("BOUND", hint)))
