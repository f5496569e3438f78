"""The registry of published figures holds all of them, and each as the case studies have it.

Goal: no figure is left out, changed or judged by a rule of its own. Method: the numbers are compared with the list
here, which was typed from the case studies apart from the registry. Nothing is run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration import case_studies
from calibration.published.check import Checker
from calibration.published.registry import Published, RunOf, parameter_of
from sim.lower.load import load
from sim.studies.run.study import Options

ROOT = Path(__file__).parents[2]
registry = case_studies.registry()

CLAIMS = """
coinbase.qps_peak ge 5000; coinbase.reliability ge 0.9999; coinbase.processing_time_mean between 120 300;
coinbase.confirmation_timeout eq 86400; coinbase.pg_nodes eq 3; coinbase.pg_vcpu eq 8; coinbase.pg_memory eq 32;
coinbase.pool_initial eq 16; coinbase.pool_max eq 500; coinbase.throughput eq 50; coinbase.p99_latency lt 0.2;
coinbase.worker_recovery lt 5; coinbase.conservation eq 1; coinbase.exactly_once eq 1; coinbase.no_deadlock eq 1;
stripe.qps ge 1e6; stripe.availability ge 0.9999; stripe.p99_latency lt 0.1; stripe.mq_latency between 2 5;
stripe.isolation eq serializable; uber.machines ge 300000; uber.duration le 259200; uber.failure_rate eq 0;
uber.worker_pools eq 3; uber.pool_nodes eq 10000; uber.cassandra_nodes eq 30; uber.cassandra_cost eq 33251;
uber.postgres_nodes eq 3; uber.postgres_cost eq 3325; uber.cost_saving eq 0.9; uber.write_ratio eq 5.4;
uber.query_ratio between 10 47; uber.schedule_latency lt 0.1; borg.schedule_latency eq 0.2;
swf.schedule_latency eq 0.5; uber.parallelism ge 1e6; borg.parallelism eq 10000; swf.parallelism eq 1000;
uber.cost_per_task eq 0.0001; borg.cost_per_task eq 0.001; swf.latency_advantage eq 5;
swf.parallelism_advantage eq 1000; uber.cost_per_task_saving eq 0.9; swf.cost_per_task eq 0.01; airbnb.scale ge 1e6;
airbnb.retry eq 1; airbnb.resume eq 1; airbnb.compensate eq 1; netflix.encode_time between 5 7200;
netflix.parallelism ge 10000; netflix.gpu_saving eq 0.6; netflix.checkpoint eq 1; airflow.start_latency between 2 5;
temporal_pg.start_latency lt 0.1; temporal_cassandra.start_latency lt 0.1; airflow.throughput eq 10;
temporal_pg.throughput eq 847; temporal_cassandra.throughput eq 812; temporal_pg.recovery eq 5;
temporal_cassandra.recovery eq 5; airflow.storage_cost eq 1200; temporal_pg.storage_cost eq 3325;
temporal_cassandra.storage_cost eq 33251; spotify.users ge 1e9; spotify.latency lt 0.1; spotify.availability ge 0.999;
spotify.workflows eq 3; cern.sites eq 50; cern.raw_rate eq 1e15; cern.filter_parallel eq 1000;
cern.feature_parallel eq 500; cern.training_parallel eq 10; cern.masters eq 3; cern.clock_error lt 0.001;
cern.query_latency eq 0.0008; cern.write_throughput eq 1e7; cern.locality eq 1; nih.samples eq 5000;
nih.makespan le 172800; nih.training_time le 43200; nih.preprocess_timeout eq 7200; nih.visualise_timeout eq 14400;
nih.concurrency eq 100; nih.storage eq 12; nih.index_speedup eq 40; datadog.rate ge 1e6; datadog.query_ratio eq 47;
datadog.storage_saving eq 0.6; summary.index_speedup eq 322; summary.storage_optimisation eq 0.4;
summary.fintech_p99 lt 0.2; summary.fintech_availability ge 0.9999; summary.pg_limit lt 1e7
"""

BEHAVIOURS = """
retry_backoff region_replication global_saga federation history_matching auto_rollback partitioning dynamic_fanout
scale_to_zero checkpoint event_sourcing heartbeat versioning multi_master clock_skew locality pool_tuning
manual_recovery cronjob_residency serializable_multimaster store_recommendation runtime_monitor
"""


def test_every_figure_is_there_with_its_number() -> None:
    claimed = {}
    for claim in CLAIMS.split(";"):
        name, relation, *numbers = claim.split()
        ends = tuple(float(number) if number[0].isdigit() else number for number in numbers)
        claimed[name] = (relation, ends)
    found = {
        figure.id: (figure.relation, figure.value if isinstance(figure.value, tuple) else (figure.value,))
        for figure in registry.figures
    }
    assert found == claimed


def test_every_behaviour_is_there() -> None:
    assert sorted(behaviour.id for behaviour in registry.behaviours) == sorted(BEHAVIOURS.split())


UNDETERMINED = [one for one in registry.figures if one.predicted is not None and one.predicted.parameter is not None]


@pytest.mark.parametrize("figure", UNDETERMINED, ids=[figure.id for figure in UNDETERMINED])
def test_an_undetermined_figure_tells_where_it_comes_out_and_each_run_that_it_hangs_on_can_be_had(
    figure: Published,
) -> None:
    parameter = parameter_of(figure)
    assert parameter.found is not None, "what comes out at no value is missed: give it no parameter"
    low, high = parameter.search
    assert low <= parameter.found.low <= parameter.found.value <= parameter.found.high <= high
    for place in parameter.at:
        run = registry.runs[place.run]
        found = load(ROOT / "configs" / run.file, [*run.set, *parameter.assignments(place.run, parameter.found.value)])
        assert found.lowered.network != load(ROOT / "configs" / run.file, run.set).lowered.network


@pytest.mark.long
@pytest.mark.parametrize("figure", UNDETERMINED, ids=[figure.id for figure in UNDETERMINED])
def test_where_an_undetermined_figure_comes_out_is_found_anew(figure: Published) -> None:
    """The same seed finds the same; a change of the model that moves a value out of its interval is told here."""
    checker = Checker(registry, ROOT / "configs", Options(processes=1))
    (figure,) = checker.undetermined([figure.id])
    recorded, solved = parameter_of(figure).found, checker.solved(figure)
    assert recorded is not None
    assert solved.found is not None, solved.why
    assert recorded.low <= solved.found.value <= recorded.high
    assert solved.found.low <= recorded.value <= solved.found.high


def test_figures_that_two_places_state_are_counted_once() -> None:
    assert {figure.id: figure.same_as for figure in registry.figures if figure.same_as} == {
        "temporal_pg.storage_cost": "uber.postgres_cost",
        "temporal_cassandra.storage_cost": "uber.cassandra_cost",
        "summary.fintech_p99": "coinbase.p99_latency",
        "summary.fintech_availability": "coinbase.reliability",
    }


@pytest.mark.parametrize("run", registry.runs.values(), ids=registry.runs)
def test_a_run_differs_from_its_file_by_values_that_it_can_have(run: RunOf) -> None:
    load(ROOT / "configs" / run.file, run.set)
