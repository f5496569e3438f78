"""The committed fits are what their studies give, and the scenarios hold what was fitted.

Goal: no fit outlives its data, its study or its model. Method: hashes, a few cells simulated anew (the whole of it is
`python -m calibration study STUDY --check`), and the scenarios' own values beside the fitted ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration.fitting.calibrate import Options, differing_errors, outdated
from calibration.fitting.study import read_study
from calibration.fitting.targets import targets
from sim.calibrate.fits import Setting, read_fits
from sim.scenario.reading.reader import read
from sim.units import parse_duration_ns

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "calibration/studies").glob("*.yaml"))
FEWEST_CELLS = 2
OTHER = "xeon"
"""The host that the scenarios are not of: its adapters change them."""


def fits_of(study: Path) -> Path:
    return ROOT / "calibration/fits" / study.name


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_fits_are_of_the_study_and_the_data_that_are_committed(study: Path) -> None:
    assert list(outdated(read_study(study), read_fits(fits_of(study)))) == []


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_scenarios_hold_values_within_the_fitted_intervals(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    fits = read_fits(fits_of(study))
    scenarios = {case.scenario for cell in targets(read_study(study)).cells for case in cell.cases}
    for scenario in scenarios:
        data = read(scenario).data
        for name, one in fits.parameters.items():
            for setting in one.paths:
                held = value_at(data, setting, one.unit) if one.host != OTHER and setting.is_in(scenario) else None
                if held is not None:
                    assert one.low <= held <= one.high, f"{name} in {scenario}: {held:g}, fitted {one.value:g}"


def value_at(data: object, setting: Setting, unit: str) -> float | None:
    """What a scenario has at a place, in the unit of the parameter; None where a preset has it."""
    for key in setting.path.split("."):
        if isinstance(data, dict) and key not in data:
            return None
        data = data[int(key)] if isinstance(data, list) else data[key]  # type: ignore[index]
    if unit in ("ns", "us", "ms", "s"):
        return parse_duration_ns(str(data)) / parse_duration_ns(f"1 {unit}") / setting.times
    return float(str(data).removesuffix(unit)) / setting.times


@pytest.mark.long
@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_a_few_cells_are_predicted_as_the_fits_say(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeds are the same, so that figures are equal to the digits that are written."""
    monkeypatch.chdir(ROOT)
    fits = read_fits(fits_of(study))
    cells = list(dict.fromkeys(one.cell for one in fits.errors))[:FEWEST_CELLS]
    assert list(differing_errors(read_study(study), fits, cells, Options(processes=1))) == []
