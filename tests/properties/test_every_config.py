"""What holds for every scenario in `configs/`, and for the one that `sim init` writes, whatever it is about.

Goal: no scenario that a person would run is broken by a change elsewhere, and both engines mean the same by it.
Method: each file is loaded, estimated and run for about fifty arrivals by both; laws are checked that need no
knowledge of the scenario. There is no tolerance: runs are equal to the last bit, or ordered.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from equal_columns import difference

from sim.analytic.estimate import estimate
from sim.engine import fast
from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import Loaded, load
from sim.network import Network
from sim.network.distributions import Constant
from sim.network.places import Resource, TokenBucket
from sim.network.sources import BurstArrivals, ClosedArrivals, PoissonArrivals, RenewalArrivals
from sim.results.audit import audit
from sim.results.columns import Episodes, Replication
from sim.stats.metrics import metrics, of_the_platform
from sim.studies.loading.inputs import check_inputs
from sim.studies.metrics.families import metric_units

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "configs").rglob("*.yaml")), ROOT / "sim" / "scenario" / "template.yaml"]
ARRIVALS = 50
FULL = 0.5
"""From this use on a closed loop is taken to fill its bottleneck: more clients queue, and use it no more."""
SECOND = 1_000_000_000

pytestmark = pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])


@cache
def loaded(file: Path) -> Loaded:
    return load(file)


@cache
def from_empty(file: Path) -> Network:
    """The network of a scenario that begins with nothing at work; ten thousand executions would take their time."""
    return load(file, ["run.start=empty"] if loaded(file).scenario.network is None else []).lowered.network


@cache
def plan(file: Path) -> Plan:
    """A run of about fifty arrivals, with a warm-up, samples and a follow-up, as real ones have. What a store does by
    itself, such as the writes of a checkpoint, is none."""
    network = from_empty(file)
    counted = {source.routine for source in network.sources.values() if source.counted}
    rate = sum(rate for routine, rate in estimate(network).rates_per_s.items() if routine in counted)
    horizon = round(ARRIVALS / rate * SECOND)
    return Plan(1, 0, horizon // 10, horizon, horizon // 4, horizon // 4, max(horizon // 20, 1))


def run(network: Network, plan: Plan) -> Replication:
    """The run of the reference engine, which the fast one agrees with to the last bit."""
    expected, found = Engine(network, plan).run(), fast.run(network, plan)
    assert (expected.engine, found.engine) == ("reference", "fast")
    assert difference(expected, replace(found, engine="reference")) == ""
    return expected


@cache
def first(file: Path) -> Replication:
    return run(from_empty(file), plan(file))


def again(network: Network, plan: Plan) -> Replication:
    """The run of the fast engine under the other's name, so that it can be held against the first run, which both
    have made: what is asked of it afterwards needs no second proof that they agree."""
    return replace(fast.run(network, plan), engine="reference")


def test_it_opens_with_the_question_that_it_answers(file: Path) -> None:
    opening = file.read_text(encoding="utf-8").splitlines()[0]
    assert opening.startswith("# Question: ")
    requested = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    assert "?" in " ".join(requested)


def test_it_loads_and_all_that_it_refers_to_is_there(file: Path) -> None:
    check_inputs(loaded(file))


def test_its_estimate_is_finite_and_it_can_carry_its_load(file: Path) -> None:
    found = estimate(loaded(file).lowered.network)
    assert found.stable
    assert found.rates_per_s
    for name, latency in found.latency_s.items():
        assert math.isfinite(latency), name
        assert latency > 0, name
    for place in found.places.values():
        assert 0 <= place.utilisation < 1, place.name
        assert place.wait_s >= 0, place.name
        assert math.isfinite(place.wait_s), place.name


def test_it_means_the_same_each_time_it_is_read(file: Path) -> None:
    again = load(file)
    assert again.hash == loaded(file).hash
    assert again.lowered == loaded(file).lowered


@pytest.mark.long
def test_it_means_the_same_in_processes_that_hash_differently(file: Path) -> None:
    said = [
        subprocess.run(
            [sys.executable, "-m", "sim", "explain", str(file), "--json"],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]


def test_a_short_run_keeps_every_law(file: Path) -> None:
    assert audit(first(file)) == []
    assert len(first(file).executions.cohort) > ARRIVALS // 4


def test_a_short_run_with_the_work_that_it_begins_with_keeps_every_law(file: Path) -> None:
    if loaded(file).lowered.network == from_empty(file):
        return  # it begins empty
    brief = replace(plan(file), follow_ns=0, drain_ns=0)
    assert audit(run(loaded(file).lowered.network, brief)) == []


def test_a_short_run_with_each_of_its_drills_keeps_every_law(file: Path) -> None:
    network, lowered = from_empty(file), loaded(file).lowered
    middle = plan(file).horizon_ns // 2
    for name, fault in network.faults.items():
        if not fault.is_drill or name in lowered.companion_of:
            continue
        # The drill is brought forward into the short run, with all that happens together with it.
        together = {
            one: network.faults[one].model_copy(update={"at_ns": middle, "drill": one == name})
            for one in (name, *lowered.companions.get(name, ()))
        }
        drilled = run(network.model_copy(update={"faults": together}), replace(plan(file), drill=name))
        assert audit(drilled) == []
        assert [episode.start_ns for episode in drilled.episodes] == [middle] * len(together)


def test_the_same_seed_gives_the_same_columns_and_another_one_others(file: Path) -> None:
    assert difference(first(file), again(from_empty(file), plan(file))) == ""
    assert difference(first(file), again(from_empty(file), replace(plan(file), seed=2))) != ""


def test_every_figure_of_it_has_a_name_that_an_objective_may_use_and_the_unit_foreseen(file: Path) -> None:
    lowered = replace(loaded(file).lowered, network=from_empty(file))
    units = metric_units(lowered)
    runs = [first(file)]
    found = metrics(runs, lowered.deadlines_ns, 0.95)
    queues = {name: (match.dispatched, match.backlog) for name, match in lowered.task_queues.items()}
    found |= of_the_platform(runs, lowered.flushes, queues, 0.95)
    assert {name: figure.unit for name, figure in found.items()} == {name: units.get(name) for name in found}


def test_something_that_nobody_uses_moves_no_draw(file: Path) -> None:
    network = from_empty(file)
    # At the end, so that nothing else changes its place in the order of ties.
    wider = network.model_copy(update={"resources": network.resources | {"unused": Resource(units=3)}})
    with_it = again(wider, plan(file))
    without = {name: place for name, place in with_it.places.items() if name != "unused"}
    samples = {name: values for name, values in with_it.samples.items() if "unused" not in name}
    named_before = Episodes.of(first(file).episodes.faults, first(file).episodes.groups, with_it.episodes)
    assert difference(first(file), replace(with_it, places=without, samples=samples, episodes=named_before)) == ""


def test_more_load_means_more_use_of_every_place_that_is_used(file: Path) -> None:
    network = from_empty(file)
    sources = {}
    for name, source in network.sources.items():
        arrivals = source.arrivals
        if isinstance(arrivals, PoissonArrivals):
            arrivals = arrivals.model_copy(update={"poisson_per_s": 1.3 * arrivals.poisson_per_s})
        elif isinstance(arrivals, ClosedArrivals):
            arrivals = arrivals.model_copy(update={"closed": math.ceil(1.3 * arrivals.closed)})
        elif isinstance(arrivals, BurstArrivals) and isinstance(arrivals.burst, int):
            arrivals = arrivals.model_copy(update={"burst": math.ceil(1.3 * arrivals.burst)})
        elif isinstance(arrivals, RenewalArrivals) and isinstance(arrivals.renewal, Constant):
            gap = Constant(constant_ns=round(arrivals.renewal.constant_ns / 1.3))
            arrivals = arrivals.model_copy(update={"renewal": gap})
        sources[name] = source.model_copy(update={"arrivals": arrivals})
    more = network.model_copy(update={"sources": sources})
    before, after = estimate(network), estimate(more)
    for name, place in before.places.items():
        if place.offered_load > 0:
            assert after.places[name].offered_load > place.offered_load, name
            assert after.places[name].utilisation > place.utilisation or math.isinf(place.units), name
    # And in the run: the same customers, come sooner.
    busy, busier = first(file), again(more, plan(file))
    if before.bottleneck is None:
        return  # nothing but delays: nobody ever waits
    # Nobody is ever at work at a bucket, and a short run does not reach what comes after hours.
    reached = [
        place
        for place in before.places
        if not isinstance(network.stations.get(place), TokenBucket) and _used(busy, place) > 0
    ]
    name = max(reached, key=lambda place: before.places[place].utilisation)
    closed = all(isinstance(source.arrivals, ClosedArrivals | BurstArrivals) for source in network.sources.values())
    if closed and _used(busy, name) > FULL * busy.places[name].units_area:
        return  # as many clients as there are fill it already; in a few ms, chance decides by how much
    assert _used(busier, name) > _used(busy, name)


def _used(run: Replication, name: str) -> float:
    place = run.places[name]
    if place.kind == "token_bucket":
        return place.served  # a token is gone at once: a rate limit is never busy
    return place.busy_area if place.speed_area is None else place.speed_area
