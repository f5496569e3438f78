"""The committed scores against fresh ones: no error of a prediction of a real system has grown.

Goal: who changes the model sees which measured cells it predicts worse. Method: cells are predicted with fewer runs
than the committed scores had (RUNS), on the first of the same random numbers. |error| of each metric may be above the
committed one by what the fewer runs scatter by: the committed standard error of the prediction times the root of the
ratio of the numbers of runs, five times, and HALF_DIGIT for what the model may move in passing. A nearly normal mean
passes five standard errors by chance in less than one of a million; the p99 of short runs, which is skewed, in less
than one of ten thousand. Errors that shrink pass; `python -m calibration validate SYSTEM --write` commits them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from calibration.scores.document import SCORES
from calibration.scores.envelope import PARTS, spanned
from calibration.scores.inputs import MEASURED
from calibration.scores.real import score_system
from calibration.scores.validation_page import (
    BEGIN,
    END,
    PAGE,
    README,
    README_BEGIN,
    README_END,
    block,
    held_out,
)
from calibration.systems.cells import read_cells
from sim.scenario.calibrated import calibrated

ROOT = Path(__file__).parent.parent.parent
RUNS = 2
HOST = "epyc"
"""The one whose cells are predicted afresh: a run of pgbench takes 0.3 s."""
HALF_DIGIT = 0.01
ONE_EACH = {"postgres": "a1-tpcb-like-on-c8", "temporal": "sat-mem-k3-fixed0-s100-w1-closed1", "dbos": "c-*"}
"""The cells of the fast tests."""


def committed() -> dict[str, Any]:
    path = ROOT / SCORES
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def grown(system: str, only: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Errors that are larger than the committed ones by more than chance."""
    monkeypatch.chdir(ROOT)
    kept, runs = committed()[system]["cells"], committed()[system].get("runs", 12)
    worse = []
    for score in score_system(system, ROOT, host=HOST, only=only, replications=RUNS, processes=2).scores:
        before = kept[f"{score.host}/{score.cell}"].get(score.metric)
        assert before is not None, (
            f"{score.cell} {score.metric} is not in {SCORES}: python -m calibration validate {system} --write"
        )
        scatter = before["monte_carlo"] * math.sqrt(runs / RUNS)
        allowed = abs(before["error"]) + 5 * scatter + HALF_DIGIT
        if abs(score.error) > allowed:
            worse.append(f"{score.cell} {score.metric}: {score.error:+.3f}, committed {before['error']:+.3f}")
    return worse


@pytest.mark.parametrize("system", sorted(committed()))
def test_a_cell_of_each_system_is_predicted_as_well_as_it_was(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert grown(system, ONE_EACH[system], monkeypatch) == []


@pytest.mark.long
@pytest.mark.parametrize("system", sorted(committed()))
def test_no_error_has_grown(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert grown(system, "*", monkeypatch) == []


@pytest.mark.parametrize("system", sorted(committed()))
def test_the_envelope_has_the_discrepancy_of_the_scores(system: str) -> None:
    for product in PARTS[system]:
        found = calibrated()[product].discrepancy
        assert found == pytest.approx(committed()[system]["discrepancy"], rel=0.01), (
            f"python -m calibration validate {system} --write --write-envelope"
        )


def test_the_envelope_claims_no_more_than_the_measured_cells_have() -> None:
    cells = read_cells(sorted((ROOT / MEASURED).glob("*/*.jsonl")))
    for system, products in PARTS.items():
        own = [cell for cell in cells if cell.system == system]
        for product in products:
            for name, span in calibrated()[product].settings.items():
                there = spanned(span, own)
                if span.low is not None and span.high is not None:
                    assert there.low is not None
                    assert there.high is not None
                    assert there.low <= span.low <= span.high <= there.high, (
                        f"{product} {name}: python -m calibration validate {system} --write-envelope"
                    )


def test_the_page_quotes_the_scores() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    found = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert found == block(committed()), f"put this between {BEGIN} and {END} of {PAGE}:\n{block(committed())}"


def test_the_page_of_the_laboratory_quotes_those_of_dbos() -> None:
    text = (ROOT / README).read_text(encoding="utf-8")
    found = text.partition(README_BEGIN)[2].partition(README_END)[0].strip()
    table = held_out(committed()["dbos"])
    assert found == table, f"put this between {README_BEGIN} and {README_END} of {README}:\n{table}"
