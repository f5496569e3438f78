"""What is overload and what is not, on small networks, and which place is named. Error rates: tests/statistics."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.network import Network
from sim.stats.overload import Overload, offered_load, overload

HORIZON_NS = 100_000_000_000


def judged(text: str, replications: int = 5) -> Overload:
    network = Network.model_validate(yaml.safe_load(text))
    plans = [Plan(1, index, 0, HORIZON_NS, 0, 0, HORIZON_NS // 200) for index in range(replications)]
    found = overload(network, [run_one(network, plan) for plan in plans])
    assert found is not None
    return found


def one_desk(rate: float, desk: str = "servers: 1, service: {exponential: 50 ms}", more: str = "") -> str:
    """A desk that can do 20 a second."""
    return f"""
        sources: {{jobs: {{routine: job, arrivals: {rate}/s}}}}
        stations: {{desk: {{{desk}}}}}
        routines: {{job: [{{use: desk}}{more}]}}
        """


def test_the_load_is_what_was_done_and_what_the_line_grew_by() -> None:
    # A place that is busy all the time, and of 110 that come in a batch does 100.
    shape = (4, 10)
    found = offered_load(np.ones(shape), np.full(shape, 10.0), np.full(shape, 110.0))
    assert (found.value, found.low) == (pytest.approx(1.1), pytest.approx(1.1))
    assert found.is_overloaded


def test_a_full_place_whose_line_does_not_grow_is_at_its_limit_and_no_overload() -> None:
    shape = (4, 10)
    found = offered_load(np.ones(shape), np.zeros(shape), np.full(shape, 110.0))
    assert found.value == 1
    assert not found.is_overloaded


def test_a_place_that_does_nothing_of_what_is_asked_is_overloaded_too() -> None:
    shape = (2, 10)
    assert offered_load(np.ones(shape), np.full(shape, 50.0), np.full(shape, 50.0)).is_overloaded


def test_done_of_offered_and_growth_add_up() -> None:
    found = judged(one_desk(30))
    assert found.overloaded
    assert found.grows
    done, offered, growth = found.done.value, found.offered.value, found.growth.value
    assert done is not None
    assert growth is not None
    assert offered == pytest.approx(done + growth)
    # 20/s can be done: 5 runs of 100 s hold some 10,000 of them, +-0.2/s; five such errors are never seen.
    assert abs(done - 20) < 1


def test_the_innermost_full_place_is_named_then_what_is_held_meanwhile_then_what_is_full_next() -> None:
    found = judged(
        """
        sources: {jobs: {routine: job, arrivals: 30/s}}
        resources: {slots: {units: 100}, pollers: {units: 10}}
        stations: {disk: {servers: 1, service: {exponential: 50 ms}}, cpu: {servers: 2, service: {exponential: 60 ms}}}
        routines:
          job: [{acquire: slots}, {acquire: pollers}, {use: disk}, {use: cpu}, {release: pollers}, {release: slots}]
        """
    )
    assert found.overloaded
    assert [one.name for one in found.full] == ["disk", "slots", "pollers"]
    assert found.full[0].utilisation > 0.99
    assert found.full[1].waiting > found.full[2].waiting > 10
    assert [one.name for one in found.behind] == ["cpu"]  # 20/s of 60 ms on two: 60 %


def test_executions_that_sleep_pile_up_without_any_overload() -> None:
    found = judged(one_desk(10, more=", {delay: 1 h, kind: timer}"))
    assert found.growth.low is not None
    assert found.growth.low > 5  # nobody ends
    assert not found.overloaded


def test_failures_of_the_scenario_itself_are_no_overload() -> None:
    found = judged(one_desk(18, more=", {fail: broken, probability: 30 %}"))
    assert found.done.value is not None
    assert found.done.value < 15  # of 18
    assert not found.overloaded


def test_what_a_full_place_turns_away_is_overload_without_growth() -> None:
    found = judged(one_desk(30, "servers: 1, service: {exponential: 50 ms}, queue_limit: 5"))
    assert found.overloaded
    assert not found.grows
    assert [one.name for one in found.full] == ["desk"]


def test_a_short_line_that_turns_away_a_few_at_half_the_limit_is_no_overload() -> None:
    found = judged(one_desk(10, "servers: 1, service: {exponential: 50 ms}, queue_limit: 1"))
    assert found.done.value is not None
    assert found.done.value < 9.5  # of 10
    assert not found.overloaded


def test_shared_cores_are_overloaded_by_those_who_share_them() -> None:
    desk = "cores: 2, service: {exponential: 100 ms}"
    assert judged(one_desk(25, desk)).overloaded
    assert not judged(one_desk(17, desk)).overloaded


def test_a_rate_limit_is_a_place_like_others() -> None:
    desk = "kind: token_bucket, rate: 20/s"
    assert judged(one_desk(25, desk)).overloaded
    assert not judged(one_desk(17, desk)).overloaded


def test_a_log_with_room_in_every_flush_is_busy_all_the_time_and_not_overloaded() -> None:
    found = judged(one_desk(200, "kind: group_commit, flush: 50 ms"))
    assert not found.overloaded
    limited = judged(one_desk(30, "kind: group_commit, flush: 50 ms, batch_limit: 1"))
    assert limited.overloaded


def test_a_hot_key_is_overload_though_the_place_is_idle_on_average() -> None:
    # Every execution has key 0: one row of 16 takes 20/s.
    text = """
        sources: {jobs: {routine: job, arrivals: %d/s}}
        attributes: {row: 0}
        resources: {rows: {nodes: 16, units: 1, keyed: {by: row}}}
        routines: {job: [{acquire: rows}, {delay: {exponential: 50 ms}}]}
        """
    assert judged(text % 26, 10).overloaded
    assert not judged(text % 17, 10).overloaded


def test_clients_of_a_closed_loop_wait_for_what_they_ask_for_and_are_not_judged() -> None:
    network = Network.model_validate(yaml.safe_load(one_desk(1).replace("arrivals: 1/s", "arrivals: {closed: 50}")))
    runs = [run_one(network, Plan(1, index, 0, HORIZON_NS, 0, 0, HORIZON_NS // 200)) for index in range(2)]
    assert overload(network, runs) is None


def test_each_workflow_is_judged_by_itself() -> None:
    found = judged(
        """
        sources: {light: {routine: light, arrivals: 2/s}, heavy: {routine: heavy, arrivals: 100/s}}
        stations: {desk: {servers: 1, service: {exponential: 1 s}}, other: {servers: 8, service: {exponential: 50 ms}}}
        routines: {light: [{use: desk}], heavy: [{use: other}]}
        """
    )
    assert {one.workflow: one.overloaded for one in found.flows} == {"light": True, "heavy": False}
    assert found.offered.value is not None
    assert found.offered.value < 3  # of the overloaded one
