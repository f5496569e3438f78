"""A file with mistakes of several kinds tells all of them, and of a single mistake nothing but that is told.

Goal: nobody mends a file five times to hear of five mistakes. Method: one file with a mistake for each kind of check;
and every file of `scenario/`, of which what is told beside its own mistake would be invented.
"""

from __future__ import annotations

import pytest
from test_scenario_mistakes import FILES, header_of

from sim.errors import InputErrors, Problem
from sim.studies.loading.inputs import check_inputs
from sim.studies.loading.load import load

FIVE = """
name: five
workflows:
  order:
    arrivals: 5
    task_queue: orders
    steps:
      - activity: {name: probe, service: 10 ms, calls: [bank]}
workers:
  orders: {replicas: 2, cpu: 2, node: m7g.lrage}
temporal: {history_shards: 4}
postgres: {cpu: 4, nodes: 2, disk: {type: gp33, size: 100 GB}}
prices: {catalogue: aws-us-east-1}
objectives:
  - {metric: latency.order.p98, below: 4 s}
  - {metric: latency.order.p95, below: 4}
  - {metric: cost.total, below: $5000}
"""


def told(text: str) -> dict[str, Problem]:
    with pytest.raises(InputErrors) as caught:
        check_inputs(load(text))
    paths = [one.path for one in caught.value.problems]
    assert len(set(paths)) == len(paths)
    return {one.path: one for one in caught.value.problems}


def test_a_unit_a_name_a_price_a_metric_and_a_bound_are_told_at_once() -> None:
    found = told(FIVE)
    assert list(found) == [
        "workflows.order.arrivals",
        "workflows.order.steps.0.activity.calls.0",
        "workers.orders.node",
        "postgres.disk.type",
        "objectives.0.metric",
        "objectives.1.below",
        "objectives.2.below",
    ]
    assert all(one.line for one in found.values()), "each has its place in the file"
    assert found["objectives.2.below"].hint == "write   below: 5000 USD/month"


def test_a_metric_is_told_beside_a_key_that_is_missing() -> None:
    found = told(FIVE.replace("arrivals: 5\n", "arrivals: 5/s\n").replace("    task_queue: orders\n", ""))
    assert "workflows.order.task_queue" in found
    assert "objectives.0.metric" in found


def of_its_own(file_index: int) -> None:
    file = FILES[file_index]
    with pytest.raises(InputErrors) as caught:
        check_inputs(load(file))
    places = [(f"{problem.line}:{problem.column}", problem.path) for problem in caught.value.problems]
    assert places == [(place, path) for place, (path, _) in header_of(file)], str(caught.value)


@pytest.mark.parametrize("index", range(0, len(FILES), 12), ids=lambda index: FILES[index].stem)
def test_what_is_told_beside_a_mistake_is_not_invented(index: int) -> None:
    of_its_own(index)


@pytest.mark.long
@pytest.mark.parametrize("index", range(len(FILES)), ids=lambda index: FILES[index].stem)
def test_beside_no_mistake_at_all_something_is_invented(index: int) -> None:
    of_its_own(index)
