"""Every deployment of the case studies has a bill: a month's total, and what 1,000 executions of each workflow cost.

Goal: nobody asks in vain what a deployment of the text costs. Method: two runs of each scenario, since how wide
the intervals are is not the matter here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.lower.load import load
from sim.studies.run.study import Options, predict

CONFIGS = Path(__file__).parents[2] / "configs"
DEPLOYMENTS = ("coinbase", "stripe", "uber", "airbnb", "netflix", "spotify", "cern", "nih", "datadog")
WITHOUT = {
    "coinbase-pool": "20 s after an outage, on coinbase.yaml's machines, whose month is that one's",
    "uber-burst": "tasks that outlast the run, on a quarter of uber.yaml's machines, whose month is that one's",
}
"""Experiments that are no month's work, and why."""
LONG = ("uber", "netflix", "netflix-always-on", "cern", "uber-federation")


def files(deployment: str) -> list[str]:
    every = [file.stem for file in CONFIGS.glob("*.yaml")]
    return sorted(name for name in every if name == deployment or name.startswith(f"{deployment}-"))


BILLED = [name for deployment in DEPLOYMENTS for name in files(deployment) if name not in WITHOUT]


def test_each_deployment_of_the_text_is_billed_by_a_file_of_its_name() -> None:
    assert set(DEPLOYMENTS) <= set(BILLED)
    assert all((CONFIGS / f"{name}.yaml").is_file() for name in WITHOUT)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in BILLED]
)
def test_it_has_a_months_total_and_the_cost_of_1000_executions(name: str) -> None:
    options = Options(replications=2, processes=1, lives=False, drills=False)
    found = predict(load(CONFIGS / f"{name}.yaml", ["objectives=[]"]), options).bill
    assert found is not None
    assert found.total_per_month.value is not None, found.total_per_month.note
    assert found.total_per_month.value > 1000
    each = [figure.value for figure in found.per_execution.values()]
    assert each
    assert all(value is not None and value > 0 for value in each), found.per_execution
