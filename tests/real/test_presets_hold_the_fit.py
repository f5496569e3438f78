"""What is calibrated is what users get: presets hold the fitted values, and scenarios hold none of their own.

Goal: one product has one set of numbers. Method: the file that presets take fitted values from, beside the committed
fits; the scenarios of the project, read for constants of software.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from calibration.cli import main
from calibration.fitting.fitted_presets import as_text, constants_of, digest, write_fitted
from sim.calibrate.fits import read_fits
from sim.scenario.presets import fitted_constants, parsed, preset, versions
from sim.scenario.reading.reader import load_yaml, read

ROOT = Path(__file__).parents[2]
EXEMPT = {"configs/real/dbos.yaml"}
"""DBOS on PostgreSQL, whose model is joined to that of Temporal's PostgreSQL later. `configs/network` and the other
files of PostgreSQL in `configs/real` are networks, which have no presets."""


@pytest.mark.parametrize("name", fitted_constants().fits)
def test_what_presets_take_from_a_fit_is_what_was_fitted(name: str) -> None:
    fit = fitted_constants().fits[name]
    fits = read_fits(ROOT / fit.file)
    assert fit.digest == digest(fits), "written by `python -m calibration study STUDY`, or with --presets"
    found = {path: one for path, one in fitted_constants().constants.items() if one["fit"] == name}
    assert found == constants_of(fits, name)


def test_constants_that_were_fitted_have_the_fitted_value_and_its_interval() -> None:
    taken = [("temporal", version) for version in versions("temporal")] + [("sdk", "python")]
    for product, version in taken:
        constants = preset(product, version)
        of_product = {path: one for path, one in fitted_constants().constants.items() if path.startswith(product)}
        assert {constant.name for constant in constants.values() if constant.fit} == set(of_product)
        for path, entry in of_product.items():
            constant = constants[path.partition(".")[2]]
            assert constant.value == parsed("duration", entry["value"])
            assert constant.range == (entry["low"], entry["high"])
            assert fitted_constants().fits[constant.fit].digest[:12] in constant.origin


def test_the_command_writes_the_file_as_it_is_committed(tmp_path: Path) -> None:
    for part in ("calibration/fits", "sim/scenario/presets"):
        (tmp_path / part).mkdir(parents=True)
    fits = tmp_path / "calibration/fits/temporal.yaml"
    fits.write_text((ROOT / "calibration/fits/temporal.yaml").read_text())
    written = write_fitted(tmp_path, "temporal", fits)
    assert written is not None
    assert (
        written.read_text() == (ROOT / "sim/scenario/presets/fitted.yaml").read_text() == as_text(fitted_constants())
    )
    assert write_fitted(tmp_path, "nobody", fits) is None, "a fit that no preset takes from"


def test_the_command_alone_writes_the_presets_and_says_what_it_is_not_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    file = ROOT / "sim/scenario/presets/fitted.yaml"
    before = file.read_bytes()
    study = "calibration/studies/temporal.yaml"
    assert main(["study", study, "--presets", "--quiet"], exit_after=False) == 0
    assert file.read_bytes() == before
    assert main(["study", study, "--presets", "--check"], exit_after=False) == 2
    assert "--check\n    is for a fit, and none is made" in capsys.readouterr().err


SCENARIOS = [
    path for path in sorted((ROOT / "configs").rglob("*.yaml")) if path.relative_to(ROOT).as_posix() not in EXEMPT
]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_no_scenario_holds_a_constant_of_software(path: Path) -> None:
    data = read(path).data
    assert "constants" not in data
    for name, mitigation in (data.get("mitigations") or {}).items():
        assert not [key for key in mitigation if key.startswith("constants")], f"{name} of {path.name}"


def test_the_template_and_the_exempt_files_are_what_they_are_said_to_be() -> None:
    template = load_yaml((ROOT / "sim/scenario/template.yaml").read_text(), "template.yaml")
    assert "constants" not in template
    for name in EXEMPT:
        data: Any = read(ROOT / name).data
        assert "constants" in data, f"{name} holds none any more: take it off the list"
