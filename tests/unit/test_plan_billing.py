"""What runs consumed becomes a bill: who pays for what is shared.

Goal: a workflow pays for its own transitions, however many others run beside it. Method: two routines that differ in
nothing but how many transitions they count, on one machine.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.lower.load import load
from sim.plan.predict import Options, predict

SCENARIO = """\
name: two
network:
  sources:
    small: {routine: small, arrivals: {renewal: 1 s}}
    large: {routine: large, arrivals: {renewal: 50 s}}
  routines:
    small: [{count: {transition: 1}}]
    large: [{count: {transition: 1000}}]
machines: {box: {node: own}}
prices: {nodes: {own: 730 USD/month}}
run: {horizon: 1000 s, warmup: none, follow: 0 s, replications: 2}
"""


def test_a_workflow_pays_for_its_own_transitions_however_many_others_run_beside_it(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(SCENARIO, encoding="utf-8")
    found = predict(load(tmp_path / "two.yaml"), Options(processes=1, lives=False)).bill
    assert found is not None
    small, large = (found.per_execution[name].value for name in ("small", "large"))
    assert small is not None
    assert large is not None
    assert large / small == pytest.approx(1000)
