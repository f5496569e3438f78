"""Federated queues: a task waits at its own site first, then at the others; switched off it waits at home.

Goal: who runs where and when, and what moves between sites. Method: timelines by hand; shares within their noise.
"""

from __future__ import annotations

import math

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run

from sim.lower.load import Loaded, load

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"
ONE = "      - activity: {name: charge, service: 100 ms, start_to_close: 2 s, effect: charged}"
SITES = """
federations:
  upgrades: {pools: [here, there, beyond], shares: [1, 1e-12, 1e-12], spill_after: 3 s, rtt: 50 ms, payload: 1 MB}
"""


def federated(items: int, *sets: str) -> Loaded:
    step = (
        f"      - fan_out: {{items: {items}, activity: "
        "{name: charge, service: 10 s, start_to_close: 1 min, task_queue: upgrades}}"
    )
    pools = "".join(f"  {name}: {{replicas: 1, cpu: 1, activity_slots: 1}}\n" for name in ("here", "there", "beyond"))
    text = SMALL.replace(ONE, step).replace("temporal:", pools + "temporal:", 1) + SITES
    return load(text, [QUICK, *sets])


def test_a_task_runs_at_its_own_site_while_that_has_a_slot() -> None:
    replication = run(federated(1))
    # Started at 7 and done at 10007, durable at 10009; then the last workflow task.
    assert latencies_ms(replication) == [pytest.approx(10_013)]
    assert "spilled" not in counts(replication)
    assert replication.spans["schedule_to_start.upgrades"].sum_ns == pytest.approx(1e6)


def test_a_task_that_its_site_has_no_slot_for_runs_at_the_next_one() -> None:
    replication = run(federated(2))
    # The second waits for its own site from 6 on, for 3 s and the flush of its backlog's write after the first 0.2 s;
    # at 3007 the next one is free, and fetches what it works on until 3057; started 3058, done 13058, durable 13060,
    # closed 13064.
    assert latencies_ms(replication) == [pytest.approx(13_064)]
    found = counts(replication)
    assert (found["spilled"], found["cross_site_byte"]) == (1, 1_000_000)


def test_a_further_attempt_at_a_site_comes_from_its_timer_past_the_transfer_queue() -> None:
    # Both attempts fail. The queue is read for two workflow tasks, and for one attempt or for two.
    policy = "error_rate: 100 %, retry: {maximum_attempts: 2}"
    tried = f"name: charge, service: 1 s, start_to_close: 11 s, task_queue: upgrades, {policy}"

    def reads(by_transfer: str) -> int:
        steps = f"workflows.order.steps=[{{activity: {{{tried}}}}}]"
        loaded = federated(1, steps, f"constants.temporal.retry_by_transfer={by_transfer}")
        replication = run(loaded, horizon_s=30)
        assert counts(replication)["activity_task"] == 2
        return replication.places["transfer-queue"].served

    assert (reads("false"), reads("true")) == (3, 4)


def test_the_third_task_waits_at_two_sites_before_the_last_has_it() -> None:
    replication = run(federated(3))
    # Two wait at home, with a backlog write each: of one flush, and of two since that one was under way. The first
    # gets the slot there at 3007; the other one asks there at 3008 and waits again, until 6008; fetched 6058, started
    # 6059, done 16059, and 6.
    assert latencies_ms(replication) == [pytest.approx(16_065)]
    assert counts(replication)["spilled"] == 2


def test_without_federation_a_task_waits_for_its_own_site() -> None:
    replication = run(federated(2, "behaviours.federation=false"))
    # The slot is free at 10009: started 10010, done 20010, durable 20012, closed 20016.
    assert latencies_ms(replication) == [pytest.approx(20_016)]
    assert "spilled" not in counts(replication)


def test_a_task_that_nobody_has_a_slot_for_is_offered_round_and_round() -> None:
    # Four tasks and three slots: the fourth asks here at 6, there at 3006, beyond at 6006, here again at 9007 (a
    # millisecond between rounds), where the slot is free at 10009; started 10010, done 20010.
    replication = run(federated(4))
    assert latencies_ms(replication)[0] == pytest.approx(20_016, abs=60)


def test_sites_have_their_share_of_tasks_by_their_slots() -> None:
    wide = (
        "workers.here.activity_slots=3000",
        "workers.there.activity_slots=1000",
        "workers.beyond.activity_slots=1000",
    )
    plain = "federations.upgrades={pools: [here, there, beyond], spill_after: 1 min}"
    pollers = tuple(f"workers.{pool}.activity_pollers=1000" for pool in ("here", "there", "beyond"))
    found = counts(run(federated(1000, *wide, *pollers, plain)))
    # Binomial with 3/5, within 4 standard deviations (6e-5).
    assert abs(found["here-dispatched"] - 600) <= 4 * math.sqrt(1000 * 0.6 * 0.4)
    assert found["here-dispatched"] + found["there-dispatched"] + found["beyond-dispatched"] == 1000


def test_federation_carries_on_when_a_site_is_lost() -> None:
    # The site crashes for an hour while its task runs: start-to-close, a second of back-off, then three more seconds
    # at the lost site before the next one takes it. Without federation it waits for the repair.
    boom = "faults.boom={target: workers.here, nodes: all, at: 1 s, repair: 1 h}"
    on = latencies_ms(run(federated(1, boom), drill="boom", drain_s=10_000))
    off = latencies_ms(run(federated(1, boom, "behaviours.federation=false"), drill="boom", drain_s=10_000))
    # From 60006 on: back-off until 61006, there at 64007 (with a backlog write), fetched 64057, started 64058, done
    # 74058, and 6.
    assert on == [pytest.approx(74_064)]
    assert off[0] > 3_600_000


def test_without_locality_a_task_runs_anywhere_and_moves_what_it_works_on() -> None:
    # All tasks belong here; the pools are of one size, so that two thirds are offered elsewhere first. Binomial,
    # within 4 standard deviations (6e-5).
    wide = tuple(
        f"workers.{pool}.activity_{of}=1000" for pool in ("here", "there", "beyond") for of in ("slots", "pollers")
    )
    far = counts(run(federated(600, "behaviours.locality=false", *wide)))
    assert abs(far["spilled"] - 400) <= 4 * math.sqrt(600 * 2 / 9)
    assert far["cross_site_byte"] == far["spilled"] * 1_000_000
    assert "spilled" not in counts(run(federated(600, *wide)))
