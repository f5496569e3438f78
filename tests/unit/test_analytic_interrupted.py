"""The whole law of an M/M/1's sojourn under breakdowns: its limits are known, and its mean is the formula's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import simpson

from calibration.closed_forms.mg1 import mg1_breakdowns
from calibration.closed_forms.moments import Deterministic, Exponential, Law, Lognormal
from sim.errors import Unstable
from tests.closed_forms.interrupted import mm1_share_above


def test_without_breakdowns_sojourns_are_exponential() -> None:
    for threshold_s in (1.0, 5.0, 20.0):
        found = mm1_share_above(threshold_s, 0.7, 1.0, math.inf, Deterministic(1.0))
        assert found == pytest.approx(math.exp(-0.3 * threshold_s), abs=1e-7)


@pytest.mark.parametrize("repair", [Lognormal(9.0, 1.0), Exponential(9.0), Deterministic(9.0)], ids=str)
def test_the_mean_over_the_law_is_that_of_avi_itzhak_and_naor(repair: Law) -> None:
    # Simpson's rule in steps of 2 s. The steepest part falls by exp(-0.6) in one: an error of 0.6^4 / 180 of it, below
    # a thousandth; as little lies beyond 500 s.
    times = np.linspace(0, 500, 251)
    tail = [1.0, *(mm1_share_above(float(time), 0.7, 1.0, 600.0, repair) for time in times[1:])]
    theory = mg1_breakdowns(0.7, Exponential(1.0), 600.0, repair).sojourn_mean_s
    assert simpson(tail, x=times) == pytest.approx(theory, rel=2e-3)


def test_a_long_constant_pause_is_met_by_those_who_come_while_it_lasts_or_is_made_up_for() -> None:
    # A pause of an hour every 1000 hours: those wait for longer than 5 min who come in it, but for its last minutes,
    # or while 0.7 of an hour's jobs are caught up with at 0.3 a second. By the fluid limit an arrival at t waits for
    # 3600 - 0.3 t in all, so 1 - 300/3600 of 12,000 s a pause are bad; chance moves that by some hundredths.
    found = mm1_share_above(300.0, 0.7, 1.0, 3.6e6, Deterministic(3600.0))
    assert found == pytest.approx(11_000 / 3_603_600, rel=0.01)


def test_what_breaks_down_too_often_is_unstable() -> None:
    with pytest.raises(Unstable):
        mm1_share_above(10.0, 0.7, 1.0, 100.0, Exponential(50.0))
