"""A measured cell is asked of the simulator as a user would ask, and its runs are read as the measurement reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from a_measured_shop import Shop, written

from calibration.systems import SYSTEMS
from calibration.systems.cases import Case, Replayed
from calibration.systems.cells import PROBABILITIES
from calibration.systems.predict import predicted, predicted_all
from sim.engine.run import run_one
from sim.errors import InputErrors
from sim.units import SECOND


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    scenario = written(tmp_path)
    monkeypatch.setitem(SYSTEMS, "shop", Shop(scenario))
    return Case("shop", "at 150/s", scenario, ("network.sources.customers.arrivals=150/s",), 2_000_000_000)


def test_a_prediction_is_what_one_reads_off_the_same_run(case: Case) -> None:
    found = predicted(case, 2, processes=1)
    network = case.loaded().lowered.network
    rows = run_one(network, case.plan(1, 1)).executions
    latency_ms = (rows.end_ns - rows.start_ns) / 1e6
    assert (rows.end_ns >= 0).all(), "who came before the end is served"
    assert found.values["latency.p99"][1] == pytest.approx(np.quantile(latency_ms, 0.99), rel=1e-12)
    assert found.values["latency.mean"][1] == pytest.approx(latency_ms.mean(), rel=1e-12)
    assert found.quantiles["latency"][1] == pytest.approx(np.quantile(latency_ms, PROBABILITIES), rel=1e-12)
    assert found.values["throughput"][1] == (rows.end_ns < case.duration_ns).sum() / 2.0
    assert found.mean("latency.mean") == found.values["latency.mean"].mean()


def test_cases_together_give_what_each_gives_alone(case: Case) -> None:
    faster = case.with_changes(["network.stations.till.service.exponential=2 ms"])
    together = predicted_all([case, faster], 2, processes=1)
    for one, requested in zip(together, (case, faster), strict=True):
        alone = predicted(requested, 2, processes=1)
        assert {name: list(values) for name, values in one.values.items()} == {
            name: list(values) for name, values in alone.values.items()
        }


def test_each_replication_may_have_parameters_of_its_own(case: Case) -> None:
    service = "network.stations.till.service.exponential={} ms".format
    mixed = predicted_all([case], 2, processes=1, draws=[[service(5)], [service(2)]])[0]
    plain, faster = predicted(case, 2, processes=1), predicted(case.with_changes([service(2)]), 2, processes=1)
    assert mixed.values["latency.p50"][0] == plain.values["latency.p50"][0]
    assert mixed.values["latency.p50"][1] == faster.values["latency.p50"][1]


def test_only_the_metrics_that_are_asked_for_are_kept(case: Case) -> None:
    few = Case(case.system, case.name, case.scenario, case.changes, case.duration_ns, metrics=("throughput",))
    assert list(predicted(few, 2, processes=1).values) == ["throughput"]


def test_a_case_says_the_command_that_repeats_it(case: Case) -> None:
    words = "--set network.sources.customers.arrivals=150/s --horizon '2 s' --warmup off --replications 20"
    assert case.command() == f"sim run {case.scenario} {words} --seed {case.seed(1)}"


def test_a_change_that_does_not_fit_is_told_as_of_any_other_run(case: Case) -> None:
    with pytest.raises(InputErrors, match=r"is not a key of network\.stations in the file"):
        predicted(case.with_changes(["network.stations.tills.servers=2"]), 2)


def test_measured_arrivals_are_replayed_as_the_load_generator_drew_them(case: Case) -> None:
    # Seed 1000 at 5/s: 27 workflows were started within 5.8 s (calibration/measured/epyc/temporal_b_open.jsonl).
    assert len(Replayed("customers", 1000, 5.0).times_ns(6 * SECOND)) == 27
    again = replace(case, replayed=Replayed("customers", 1000, 100.0))
    expected = len(Replayed("customers", 1000, 100.0).times_ns(case.duration_ns)) / (case.duration_ns / SECOND)
    throughput = predicted(again, 3, processes=1).values["throughput"]
    # All are done but the few that are open when the load ends.
    assert throughput == pytest.approx(expected, abs=10 / (case.duration_ns / SECOND))
