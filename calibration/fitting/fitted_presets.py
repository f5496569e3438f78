"""Fitted parameters as constants of the presets: values and intervals, with the fit that they come from.

The file is `presets/fitted.yaml`. What is calibrated is what users get: a study writes both.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.calibrate.fits import Fits, read_fits
from sim.files import write_text
from sim.scenario.presets import FITTED, Fit, FittedConstants, fitted_constants

PLACE = Path("sim") / "scenario" / "presets" / FITTED
CONSTANTS = "constants."
HEAD = """\
# Constants that were fitted to measurements: their `source` in a preset is `fit`. `low` to `high` is the
# 90 % interval. Written by `python -m calibration study STUDY.yaml`, or from committed fits with `--presets`.
"""


def digest(fits: Fits) -> str:
    """SHA-256 of what the values are and come from: parameters with their intervals, study, measurements."""
    said = fits.model_dump(
        mode="json", include={"study", "data", "given", "software", "hardware", "correlation"}, by_alias=True
    )
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def constants_of(fits: Fits, name: str) -> dict[str, dict[str, str]]:
    """By path of a constant, its entry: every parameter of the product that stands in one."""
    found = {}
    for parameter in fits.software.values():
        for place in parameter.paths:
            if place.path.startswith(CONSTANTS):
                ends = {"value": parameter.value, "low": parameter.low, "high": parameter.high}
                written = {key: f"{place.times * end:.9g} {parameter.unit}".rstrip() for key, end in ends.items()}
                found[place.path.removeprefix(CONSTANTS)] = {"fit": name, **written}
    return found


def write_fitted(root: Path, name: str, file: Path) -> Path | None:
    """Write what the presets take from a file of fits; gives the path. None for fits that no preset takes from."""
    known = fitted_constants()
    if name not in known.fits:
        return None
    fits = read_fits(file)
    old = known.fits[name]
    now = digest(fits)
    hosts = sorted({Path(path).parent.name for path in fits.data})
    date = old.date if now == old.digest else datetime.date.today().isoformat()
    fit = Fit(file.resolve().relative_to(root.resolve()).as_posix(), now, ", ".join(hosts), date)
    others = {path: entry for path, entry in known.constants.items() if entry["fit"] != name}
    updated = FittedConstants({**known.fits, name: fit}, {**others, **constants_of(fits, name)})
    path = root / PLACE
    write_text(path, as_text(updated))
    return path


def as_text(fitted: FittedConstants) -> str:
    """The file: a line for each fit and each constant."""
    fits = {
        name: {"file": one.file, "host": one.host, "date": one.date, "digest": one.digest}
        for name, one in fitted.fits.items()
    }
    return HEAD + "\n".join([*_section("fits", fits), *_section("constants", fitted.constants)]) + "\n"


def _section(key: str, entries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [f"{key}:", *(f"  {name}: {json.dumps(dict(entry))}" for name, entry in entries.items())]
