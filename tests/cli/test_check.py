"""`sim check`: what is wrong, or a first estimate in closed form, place by place. Nothing is simulated.

Goal: a queue that cannot keep up is called so, and the place is named. Method: queues whose answer is known.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from a_command import QUEUE, SHOP, Command

from sim.engine.reference import Engine


@pytest.fixture(autouse=True)
def _nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "__init__", lambda *_: pytest.fail("something was simulated"))


def check(command: Command, text: str, *options: str) -> dict[str, Any]:
    ended = command.sim("check", command.file(text), "--json", *options)
    assert (ended.code, ended.err) == (0, "")
    found: dict[str, Any] = json.loads(ended.out)
    return found


def test_a_valid_scenario_is_called_so_with_its_bottleneck_and_the_room_to_it(command: Command) -> None:
    file = command.file(QUEUE)
    ended = command.sim("check", file)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"{file}  queue: valid\n")
    assert "bottleneck server: the load can grow 2 times before it is full" in ended.out
    assert "UNSTABLE" not in ended.out


def test_the_estimate_of_a_plain_queue_is_the_textbooks(command: Command) -> None:
    found = check(command, QUEUE)  # M/M/1 at 50 %: waits for 100 ms, stays for 200 ms (Kleinrock 1975, 3.2)
    assert found["schema"] == 1
    assert found["scenario"] == "queue"
    assert found["stable"] is True
    assert found["bottleneck"] == "server"
    assert found["rates_per_s"] == {"job": 5.0}
    assert found["latency_s"]["job"] == pytest.approx(0.2)
    server = found["places"]["server"]
    assert server["kind"] == "station"
    assert server["rate_per_s"] == 5.0
    assert server["units"] == 1
    assert server["offered_load"] == server["utilisation"] == pytest.approx(0.5)
    assert server["wait_s"] == pytest.approx(0.1)


def test_a_network_that_cannot_keep_up_is_unstable_and_the_places_are_named(command: Command) -> None:
    over = SHOP.replace("servers: 2", "servers: 1").replace("20/s", "30/s")
    text = command.sim("check", command.file(over))
    assert text.code == 0  # it is valid, and what it says is the answer
    assert "UNSTABLE: db cannot keep up; queues grow for as long as the load lasts" in text.out
    assert "grows" in text.out
    found = check(command, over)
    assert found["stable"] is False
    assert found["bottleneck"] == "db"
    assert found["places"]["db"]["utilisation"] == pytest.approx(1.5)
    assert found["places"]["db"]["wait_s"] is None


def test_a_load_beyond_the_peak_is_told_although_the_mean_is_carried(command: Command) -> None:
    profile = "{poisson: 5/s, profile: {points: [{at: 0 s, factor: 0.5}, {at: 1 min, factor: 3}], period: 2 min}}"
    found = command.sim("check", command.file(QUEUE.replace("arrivals: 5/s", f"arrivals: {profile}")))
    assert "at its peak" in found.out
    assert "exceeds server" in found.out


def test_a_change_by_option_is_checked_and_estimated(command: Command) -> None:
    found = check(command, QUEUE, "--set", "network.sources.jobs.arrivals=8/s")
    assert found["places"]["server"]["utilisation"] == pytest.approx(0.8)


def test_every_problem_is_told_and_nothing_is_estimated(command: Command) -> None:
    file = command.file(QUEUE.replace("routine: job,", "routine: jbo,").replace("use: server", "use: servr"))
    ended = command.sim("check", file, "--json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count(file) == 2
    assert ended.err.endswith("2 problems; nothing was run.\n")


CLUSTER = """
name: cluster
workflows:
  order: {arrivals: 5/s, task_queue: orders, steps: [{activity: {name: charge, service: 100 ms}}]}
workers: {orders: {replicas: 6, cpu: 2}}
temporal: {rtt: 0 ms}
postgres: {nodes: 3, cpu: 4}
zones: {names: [a, b, c], rtt: 1 ms}
kubernetes: {node: m7g.xlarge, nodes: 6}
prices: {catalogue: aws-us-east-1}
"""


def test_what_is_known_without_a_run_is_told(command: Command) -> None:
    # Two pods of two cores fill a node of four in each zone; five nodes hold them with any zone away.
    assert check(command, CLUSTER)["computed"] == {
        "kubernetes.requested": {"value": 0.5, "unit": "ratio"},
        "kubernetes.nodes_needed": {"value": 3.0, "unit": ""},
        "kubernetes.nodes_to_lose_a_zone": {"value": 5.0, "unit": ""},
    }
    told = command.sim("check", command.file(CLUSTER)).out
    assert "  kubernetes.requested 50 %: cores that pods ask for, of those that they can have\n" in told
    assert "  kubernetes.nodes_to_lose_a_zone 5: nodes of which" in told


def test_the_mitigations_of_a_scenario_are_listed_as_they_are_typed_and_taken_by_name(command: Command) -> None:
    text = QUEUE + "mitigations:\n  two: {network.stations.server.servers: 2}\n"
    assert (
        "  mitigation two: --set network.stations.server.servers=2\n" in command.sim("check", command.file(text)).out
    )
    assert check(command, text)["mitigations"] == {"two": {"network.stations.server.servers": 2}}
    assert check(command, text, "--mitigation", "two")["places"]["server"]["utilisation"] == pytest.approx(0.25)


def test_a_wait_so_short_that_its_square_is_no_number_is_no_wait(command: Command) -> None:
    # Of 60 units 0.001 are in use: somebody waits with a probability of 1e-262, and holds the outer one meanwhile.
    text = """
name: hardly ever
network:
  sources: {jobs: {routine: job, arrivals: 1/s}}
  resources: {outer: {units: 2}, inner: {units: 60}, slots: {units: 9}}
  stations: {server: {servers: 1, service: {exponential: 100 ms}}}
  routines:
    job:
      - acquire: outer
      - acquire: inner
      - release: outer
      - delay: 1 ms
      - release: inner
      - acquire: slots                                     # its holding times take rounds of iteration
      - use: server
"""
    found = check(command, text)
    assert found["places"]["outer"]["wait_s"] == 0.0
    assert found["latency_s"]["job"] == pytest.approx(0.001 + 0.1 / 0.9, rel=1e-3)
