"""No number in a file makes `sim check` eat the memory of the machine: each has a most, and so have products.

A process of these tests may have a gibibyte; without the limits each of them would want all there is.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.analytic import stations
from sim.analytic.stations import erlang_b, harmonic
from sim.errors import InputErrors
from sim.lower.load import load
from sim.network import Network
from sim.network.checks import problems
from sim.scenario.scenario import Scenario

ROOT = Path(__file__).parents[2]

LIMITED = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)); from sim.cli import main;"
    "main(sys.argv[1:])"
)


def integers(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every whole number that the schema takes, with its path."""
    if isinstance(node, dict):
        if node.get("type") == "integer" and not {"const", "enum"} & node.keys():
            yield path, node
        for key, value in node.items():
            if key not in ("default", "examples"):
                yield from integers(value, f"{path}.{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from integers(value, f"{path}.{index}")


def test_every_whole_number_of_the_schema_has_a_most() -> None:
    found = dict(integers(Scenario.model_json_schema()))
    assert len(found) > 100
    assert [path for path, one in found.items() if not {"maximum", "exclusiveMaximum"} & one.keys()] == []


@pytest.mark.parametrize(
    ("config", "change", "words"),
    [
        ("coinbase", "postgres.nodes=3000000000", "postgres.nodes\n    is 3000000000; at most 100 is expected"),
        ("coinbase", "workers.transfers.replicas=3000000000", "at most 100,000 is expected"),
        ("coinbase", "temporal.history_shards=3000000000", "at most 100,000 is expected"),
        ("children", "workflows.flat.steps.0.fan_out.items=1000000000", "takes"),
        ("children", "workflows.flat.steps.0.fan_out.items={poisson: 1e15}", "is expected"),
        ("airflow", "network.sources.tasks.arrivals={burst: 1000000000}", "brings 1,000,000,000 at once"),
    ],
)
def test_a_count_beyond_all_measure_is_refused_with_the_most_and_within_memory(
    config: str, change: str, words: str
) -> None:
    command = [sys.executable, "-c", LIMITED, "check", str(ROOT / "configs" / f"{config}.yaml"), "--set", change]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


NETWORK = {
    "sources": {"jobs": {"routine": "job", "arrivals": "1/s"}},
    "routines": {"job": [{"call": "inner"}], "inner": [{"delay": "1 ms"}]},
}


def test_numbers_that_are_each_sensible_and_multiply_beyond_measure_are_refused() -> None:
    nested: list[Any] = [{"delay": "1 ms"}]
    for _ in range(3):  # of s steps, 1 + 1000 (1 + 10 (1 + s)) are made
        nested = [{"loop": {"times": 1000, "steps": [{"fork": {"items": 10, "steps": nested}}]}}]
    network = Network.model_validate(NETWORK | {"routines": {"job": [{"call": "inner"}], "inner": nested}})
    (found,) = problems(network)
    assert (found.path, found.message.partition(" steps")[0]) == ("routines.job", "takes 2,100,210,021,002")

    places = {f"p{index}": {"nodes": 100_000, "units": 1} for index in range(11)}
    (found,) = problems(Network.model_validate(NETWORK | {"resources": places}))
    assert found.path == "resources.p0"
    assert "is on 100,000 nodes, of 1,100,000 in all places together; at most 1,000,000 are run" in found.message


def test_a_product_is_told_at_the_workflow_that_has_it() -> None:
    sets = [
        "workflows.flat.steps.0={repeat: {times: 100000, steps: [{fan_out: {items: 100000, activity: {name: a}}}]}}"
    ]
    with pytest.raises(InputErrors) as told:
        load(
            ROOT / "configs" / "children.yaml",
            [sets[0].replace("{name: a}", "{name: a, service: 1 ms, start_to_close: 1 s}")],
        )
    (problem,) = told.value.problems
    assert problem.path == "workflows.flat"
    assert "at most 100,000,000 are run" in problem.message


def test_closed_forms_of_many_do_not_go_through_all_of_them() -> None:
    assert math.isclose(harmonic(1001), math.fsum(1 / n for n in range(1, 1002)), rel_tol=1e-14)
    many = stations.MANY
    for load_of_all, servers in ((150_000, 150_100), (150_000, 149_000), (200_000, 1000), (150_000, 150_900)):
        found = erlang_b(load_of_all, servers)
        stations.MANY = 10**12
        try:
            assert math.isclose(found, erlang_b(load_of_all, servers), rel_tol=1e-12)
        finally:
            stations.MANY = many
    assert 0 < erlang_b(2e9 - 1000, 2 * 10**9) < 1e-4
