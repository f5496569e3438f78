"""`python -m calibration validate theory`: the table agrees, and its verdict is one that can fail.

Goal: the table that users are shown is true, and would say so if it were not. Method: all cases with few runs; a case
with a wrong formula has to differ.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from a_command import Command

from calibration.theory import table as theory
from calibration.theory.table import CASES, theory_rows, theory_text


@pytest.mark.long
def test_every_case_agrees_with_few_runs_and_the_table_fits_the_terminal() -> None:
    # 16 runs: the intervals are wide and, at an error of 2e-5 a row, right; seeds are fixed.
    rows = theory_rows(replications=16)
    assert {row.case for row in rows} == {case.name for case in CASES}
    assert [row.case for row in rows if not row.agrees] == []
    assert all(row.z is not None and math.isfinite(row.z) for row in rows)
    assert max(map(len, theory_text(rows).splitlines())) <= 100


def test_a_wrong_formula_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    # M/M/8's theory beside M/M/1: 1.29 s where 2 s is true, tens of standard errors away.
    wrong = replace(CASES[0], theory=lambda: {"latency.job.mean": 1.29})
    monkeypatch.setattr(theory, "CASES", (wrong,))
    [row] = theory_rows(replications=16)
    assert not row.agrees
    assert row.z is not None
    assert row.z > 5
    assert "DIFFERS" in theory_text([row])


def test_the_command_prints_json_for_the_cases_that_are_asked_for(command: Command) -> None:
    done = command.calibration("validate", "theory", "--only", "M/M/1*", "-r", "8", "--json", "--quiet")
    assert done.code == 0, done.err
    rows = json.loads(done.out)
    assert {row["case"] for row in rows} == {"M/M/1 at 50 %"}
    assert rows[0]["metric"] == "latency.job.mean"


def test_a_case_that_is_not_there_is_told_with_those_that_are(command: Command) -> None:
    done = command.calibration("validate", "theory", "--only", "M/M/7", "--quiet")
    assert done.code == 2
    assert "M/M/8 at 80 %" in done.err
