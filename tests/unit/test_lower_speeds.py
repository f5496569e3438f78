"""Slow and fast cores: what runs there takes its CPU times divided by their speed, and nothing else changes.

Goal: a scenario on other machines than the measured one says so with one number. Method: the small deployment with CPU
times of 10 ms, half as fast; the lowered networks beside each other.
"""

from __future__ import annotations

import pytest
from lower_fixture import latencies_ms, messages, run, small

from sim.errors import InputErrors
from sim.lower.load import Loaded, load

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
WORK = ("constants.sdk.workflow_task_cpu=10 ms", "workflows.order.steps.0.activity.cpu=10 ms")
HISTORY = ("temporal.history={replicas: 1, cpu: 4}", "constants.temporal.history_cpu=10 ms")


def longer_ms(*sets: str, than: tuple[str, ...] = ()) -> float:
    slow, usual = (latencies_ms(run(small(QUICK, *more)))[0] for more in (sets, than))
    return slow - usual


def test_workers_of_half_the_speed_take_twice_as_long_for_tasks_and_for_the_cpu_of_activities() -> None:
    # Two workflow tasks and the activity, 10 ms each.
    assert longer_ms(*WORK, "workers.orders.cpu_speed=0.5", than=WORK) == pytest.approx(30)
    assert longer_ms(*WORK, "workers.orders.cpu_speed=2", than=WORK) == pytest.approx(-15)


def test_a_service_of_half_the_speed_takes_twice_as_long_for_each_transition() -> None:
    slow = ("temporal.history={replicas: 1, cpu: 4, cpu_speed: 0.5}", HISTORY[1])
    assert longer_ms(*slow, than=HISTORY) == pytest.approx(7 * 10), "seven transitions of 10 ms"


def test_a_store_of_half_the_speed_takes_twice_as_long_for_each_message() -> None:
    usual = ("constants.postgres.cpu_per_message=1 ms",)
    by_hand = ("constants.postgres.cpu_per_message=2 ms",)
    assert longer_ms(*usual, "postgres.cpu_speed=0.5", than=by_hand) == pytest.approx(0)


def test_pods_on_a_cluster_have_the_speed_of_its_nodes_and_those_that_say_so_their_own() -> None:
    nodes = ("kubernetes={node: m7g.xlarge, nodes: 4, cpu_speed: 0.5}", "prices={catalogue: aws-us-east-1}")
    assert longer_ms(*WORK, *nodes, than=WORK) == pytest.approx(30)
    assert longer_ms(*WORK, *nodes, "workers.orders.cpu_speed=1", than=WORK) == pytest.approx(0)
    away = ("workers.orders.node=c6i.large", "temporal.history={replicas: 1, cpu: 1}")
    assert longer_ms(*WORK, *nodes, *away, than=WORK) == pytest.approx(0), "a machine of its own is none of the nodes"


def test_the_usual_speed_changes_nothing_and_is_told_as_an_assumption_with_its_range() -> None:
    assert small(*WORK, "workers.orders.cpu_speed=1").lowered.network == small(*WORK).lowered.network
    [told] = [one for one in small().lowered.assumptions if one.what.startswith("speed of the cores")]
    assert told.value == "1"
    assert "0.7 to 1.5" in told.source
    usual = (*WORK, "constants.temporal.cpu_speed=0.5")
    assert longer_ms(*usual, than=WORK) == pytest.approx(30), "of all that say nothing"


def refused(*sets: str) -> InputErrors:
    with pytest.raises(InputErrors) as caught:
        small(*sets)
    return caught.value


def test_cores_of_a_host_have_its_speed() -> None:
    host = "hosts={box: {cpu: 2, components: [workers.orders]}}"
    [message] = messages(refused(host, "workers.orders.cpu_speed=0.5"))
    assert message.startswith("workers.orders.cpu_speed: is for cores of its own, and it stands on the host box")


def test_dbos_has_no_such_speed() -> None:
    text = """
name: small
workflows: {order: {arrivals: {burst: 1}, task_queue: orders, steps: [{activity: {name: a, service: 1 ms}}]}}
workers: {orders: {replicas: 1, cpu: 1}}
dbos: {}
postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, cpu_speed: 2}
"""

    def made() -> Loaded:
        return load(text)

    with pytest.raises(InputErrors) as caught:
        made()
    assert [message for message in messages(caught.value) if message.startswith("postgres.cpu_speed")]
