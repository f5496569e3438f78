"""One list of metrics: every name that a run can have is in exactly one family, with its unit, and none is idle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sim.cli import main
from sim.errors import InputErrors
from sim.lower.load import Loaded, load
from sim.studies.loading.inputs import check_inputs
from sim.studies.metrics.families import FAMILIES, INDICATORS, OWN_SPAN, families_of, metric_units
from sim.studies.run.study import Options, predict

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
GUARDED = """
name: guarded
temporal: {}
postgres: {cpu: 8}
workers: {orders: {replicas: 2, cpu: 2}}
dependencies:
  bank:
    latency: 5 ms
    error_rate: 20 %
    breaker: {failures: 50 %}
    retry: {attempts: 3, budget: {ratio: 10 %}}
workflows:
  checkout:
    arrivals: 20/s
    task_queue: orders
    steps: [{activity: {name: pay, service: 5 ms, calls: [bank]}}]
faults:
  crash: {target: workers.orders, nodes: [0], at: 3 s, repair: 2 s}
objectives:
  - {sli: outcome.checkout, within: 2 s, above: 99 %}
run: {warmup: 1 s, horizon: 5 s, replications: 2, drill_window: 5 s}
"""
OWN = """
name: own
network:
  sources: {jobs: {arrivals: 20/s, routine: job}}
  stations: {desk: {servers: 1}}
  routines: {job: [{mark: came}, {use: {station: desk, demand: 5 ms}}, {mark: went}]}
  spans: {stay: {start: came, end: went, metric: stay.desk}, other: {start: came, end: went}}
run: {warmup: 1 s, horizon: 5 s, replications: 2}
"""


@pytest.fixture(scope="module")
def every() -> list[Loaded]:
    return [*(load(path) for path in CONFIGS), load(GUARDED), load(OWN)]


def test_every_name_of_every_config_belongs_to_exactly_one_family(every: list[Loaded]) -> None:
    for loaded in every:
        for family in (*FAMILIES, OWN_SPAN):
            for name in family.names(loaded.lowered):
                assert families_of(name) == [family], name


def test_no_family_is_without_a_scenario_that_has_it(every: list[Loaded]) -> None:
    for family in (*FAMILIES, OWN_SPAN):
        assert any(list(family.names(loaded.lowered)) for loaded in every), family.pattern


def test_what_scenarios_compute_and_share_is_in_the_list(every: list[Loaded]) -> None:
    for loaded in every:
        units = metric_units(loaded.lowered)
        assert {name: one.unit for name, one in loaded.lowered.computed.items()}.items() <= units.items()
        assert set(loaded.lowered.shares) <= set(units)


@pytest.mark.parametrize("text", [GUARDED, OWN], ids=["guarded", "own"])
def test_every_figure_of_a_prediction_belongs_to_exactly_one_family_and_has_its_unit(text: str) -> None:
    loaded = load(text)
    summary = predict(loaded, Options(processes=1)).summary
    for name, figure in summary.metrics.items():
        (family,) = families_of(name)
        assert figure.unit == family.unit, name
        assert family in INDICATORS or name in set(family.names(loaded.lowered)), name


@pytest.mark.long
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_figure_of_a_short_prediction_of_every_config_belongs_to_one_family(path: Path) -> None:
    """Whatever the scenario asks for is cut down to two short runs, drills included."""
    loaded = load(path)
    brief = loaded.scenario.run.model_copy(update={"precision": None, "drills": None})
    loaded = replace(loaded, scenario=loaded.scenario.model_copy(update={"run": brief}))
    for name, figure in predict(loaded, Options(replications=2, lives=False)).summary.metrics.items():
        (family,) = families_of(name)
        assert figure.unit == family.unit, name


def test_an_objective_about_a_metric_that_no_run_has_is_told_of_the_nearest_and_where_all_are_listed() -> None:
    with pytest.raises(InputErrors) as wrong:
        check_inputs(
            load(GUARDED.replace("objectives:", "objectives:\n  - {metric: latency.checkut.p99, below: 4 s}"))
        )
    assert "did you mean latency.checkout.p99?" in str(wrong.value)
    with pytest.raises(InputErrors) as wrong:
        check_inputs(load(GUARDED.replace("objectives:", "objectives:\n  - {metric: zzz.qqq, below: 4 s}")))
    assert "sim schema metrics scenario" in str(wrong.value)


def test_a_share_that_never_exceeds_1_takes_no_bound_above_it() -> None:
    with pytest.raises(InputErrors, match="share of at most 1"):
        check_inputs(
            load(GUARDED.replace("objectives:", "objectives:\n  - {metric: recovery.crash.never_back, below: 5}"))
        )


def test_schema_metrics_lists_every_family_with_unit_meaning_and_cohort(capsys: pytest.CaptureFixture[str]) -> None:
    main(["schema", "metrics"], exit_after=False)
    printed = capsys.readouterr().out
    for family in (*FAMILIES, OWN_SPAN):
        assert f"{family.pattern}\n" in printed
    assert "  seconds: from start to success; over executions that started in the window and succeeded\n" in printed
    assert "outcome.WORKFLOW\n" in printed


def test_schema_metrics_of_a_file_lists_the_names_of_its_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "guarded.yaml"
    path.write_text(GUARDED, encoding="utf-8")
    main(["schema", "metrics", str(path)], exit_after=False)
    printed = capsys.readouterr().out
    assert "    latency.checkout.{mean,p50,p90,p95,p99,p999}\n" in printed
    assert "    recovery.crash.detect.{mean,p50,p95}\n" in printed
    assert "    turned_away.bank" in printed
    assert "    outcome.checkout\n" in printed
    assert "WORKFLOW.LEVEL\n  seconds: from start until all was undone" in printed
    assert "hit_rate.CACHE" in printed
    assert "kubernetes" not in printed
