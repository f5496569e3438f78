"""What is not known of fitted parameters, as settings of the runs: a draw of them for each replication.

The fits are those of `sim calibrate` (`calibration/fits/SYSTEM.yaml`). The scenarios hold the fitted values; a draw is
made after a case's own changes and so takes their place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sim.calibrate.cases import Case
from sim.calibrate.fits import Fits, read_fits

FITS: Final = Path("calibration") / "fits"
SEED: Final = 20010401
"""Of the draws: everybody's are the same."""


def fits_of(system: str, root: Path) -> Fits | None:
    """The fits of a system; None where it has none."""
    path = root / FITS / f"{system}.yaml"
    return read_fits(path) if path.is_file() else None


def draws_of(fits: Fits, case: Case, host: str, replications: int, first: int = 0) -> list[list[str]]:
    """Changes for each replication of a case, from the draw `first` on."""
    return [fits.changes(values, case, host) for values in fits.draws(first + replications, SEED)[first:]]
