"""Every word for what fails, and for what is done about it, means the same to both engines, alone and at random.

Goal: an operator's words reach the engines as faults and policies that these agree on to the last bit, and no law is
broken. Method: one small deployment with all of them, faults far more often than in truth; each kind of fault alone
as in a drill, and all at random.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from equal_columns import difference

from sim.engine.fast import run as run_fast
from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded, load
from sim.network import Network
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.studies.episodes import disturbed, kinds_of
from sim.units.tables import SECOND

TEXT = """
name: everything fails
workflows:
  order:
    arrivals: 6/s
    task_queue: orders
    retry: {initial_interval: 1 s, jitter: 20 %, maximum_attempts: 4, budget: {ratio: 20 %, burst: 20}}
    steps:
      - activity:
          name: charge
          service: {exponential: 20 ms}
          cpu: 2 ms
          start_to_close: 2 s
          propagate_deadline: true
          calls: [bank]
      - sleep: 2 s
      - activity: {name: mail, service: 10 ms, start_to_close: 5 s, task_queue: mails}
workers:
  orders: {replicas: 3, cpu: 2}
  mails: {replicas: 2, cpu: 1, capacity: spot, spot_mttf: 20 s, spot_notice: 1 s, start_delay: 500 ms}
dependencies:
  bank:
    latency: {exponential: 60 ms}
    concurrency: 4
    queue_limit: 20
    shed_after: 500 ms
    error_rate: 5 %
    timeout: 400 ms
    propagate_deadline: true
    hedge: 150 ms
    retry: {attempts: 2, jitter: 50 %, budget: {ratio: 20 %, burst: 10}}
    bulkhead: {calls: 3, queue: 20}
    breaker: {window: 10, open: 1 s}
temporal: {rtt: 0.5 ms, history_shards: 64, history: {replicas: 3, cpu: 1}}
postgres: {nodes: 3, cpu: 4, synchronous_standbys: 1, flush: 1 ms, failover: {time: 2 s}}
zones: {names: [a, b, c], rtt: 1 ms}
prices: {spot_saving: 60 %}
faults:
  crash: {target: workers.orders, mttf: 20 s, repair: 1 s, common: 30 %}
  told: {target: workers.orders, nodes: [0], notice: 2 s, rate: 2/min, repair: 1 s}
  errors: {target: workers.orders, effect: errors, probability: 40 %, rate: 4/min, repair: 1 s}
  history: {target: temporal.history, effect: pause, mttf: 30 s, repair: 2 s}
  slow: {target: postgres.primary, effect: slow, speed: 0.2, seen: 3 in 1 min, repair: 1 s}
  failover: {target: postgres.primary, rate: 1/min, window: {from: 0 s, to: 2 s, period: 5 s}}
  zone: {target: zone, rate: 1/min, repair: 3 s}
  cut_off: {target: partition.b, at: 6 s, repair: 3 s}
  no_mail: {target: partition.workers.mails, nodes: all, rate: 2/min, repair: 1 s}
  hang: {target: dependencies.bank, effect: hang, rate: 2/min, repair: 2 s}
  rush: {target: [workflows.order, dependencies.bank], factor: 3, rate: 1/min, repair: 1 s}
  clock: {target: temporal.clock, jump: 1 s, rate: 2/min, repair: 3 s}
  rollout:
    target: workers.orders
    nodes: rolling
    rate: 1/min
    repair: 300 ms
    min_ready: 200 ms
    notice: 500 ms
    change_failure_rate: 50 %
    bad: {error_rate: 50 %, detected_after: 500 ms}
"""
KINDS = (
    *("crash", "told", "errors", "history", "slow", "failover", "zone", "cut_off", "no_mail", "hang", "rush", "clock"),
    *("rollout", "mails-spot-loss"),
)
PLAN = Plan(seed=7, horizon_ns=5 * SECOND, drain_ns=100 * SECOND)


@cache
def loaded() -> Loaded:
    return load(TEXT)


def by_both(network: Network, plan: Plan) -> Replication:
    reference, fast = Engine(network, plan).run(), run_fast(network, plan)
    assert difference(reference, replace(fast, engine=reference.engine)) == ""
    assert audit(reference) == []
    return reference


def test_every_kind_of_fault_is_there_with_its_chances() -> None:
    kinds = kinds_of(loaded().lowered)
    assert set(kinds) == set(KINDS)
    for kind in kinds.values():
        assert sum(variant.chance for variant in kind.variants) == pytest.approx(1)


@pytest.mark.parametrize("name", KINDS)
def test_both_engines_agree_on_an_episode_of_each_kind(name: str) -> None:
    lowered = loaded().lowered
    variants = kinds_of(lowered)[name].variants
    for variant in dict.fromkeys((0, len(variants) - 1)):
        network, drill = disturbed(lowered.network, [(variants[variant].faults, 2 * SECOND)])
        episodes = by_both(network, replace(PLAN, drill=drill)).episodes
        assert {episode.fault for episode in episodes} == set(variants[variant].faults)
        assert min(episode.start_ns for episode in episodes) == 2 * SECOND


def test_both_engines_agree_when_everything_fails_at_random() -> None:
    replication = by_both(loaded().lowered.network, replace(PLAN, horizon_ns=20 * SECOND))
    assert len({episode.fault for episode in replication.episodes}) >= 8
