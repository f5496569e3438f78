"""Warm-up, drift and cycles on series whose truth is known: transients of autoregressions, trends.

Fixed seeds. Where a test at level a is the subject, its error rate is checked over many seeds against a plus five
standard errors.
"""

from __future__ import annotations

import numpy as np
import pytest

from sim.stats.drift import drift, modes
from sim.stats.warmup import averaged, mser5, relaxations, warm_up, whole_cycles

HOUR = 3_600_000_000_000


def transient(height: float, decay: float, replications: int = 20, windows: int = 400, seed: int = 1) -> np.ndarray:
    """AR(1) of correlation 0.8 about 100, with standard deviation 10, plus height x exp(-window / decay)."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((replications, windows)) * 6
    values = np.empty((replications, windows))
    last = rng.standard_normal(replications) * 10
    for window in range(windows):
        last = values[:, window] = 0.8 * last + noise[:, window]
    return values + 100 + height * np.exp(-np.arange(windows) / decay)


def test_a_transient_is_cut_where_it_has_gone() -> None:
    for height in (-100.0, 100.0):
        for seed in range(20):
            cut = warm_up({"work": transient(height, 20, seed=seed)})
            assert not cut.refusal
            # What is left of the transient at the cut must be small beside one run's noise of 10, and the cut not
            # far beyond where it is small beside that of the average over 20 runs, 10 / sqrt(20): 3.8 decay times.
            assert abs(height) * np.exp(-cut.windows / 20) < 10
            assert cut.windows <= 8 * 20


def test_a_settled_series_loses_little_and_is_rarely_refused() -> None:
    cuts = [warm_up({"work": transient(0, 1, seed=seed)}) for seed in range(100)]
    assert sum(bool(cut.refusal) for cut in cuts) <= 5
    assert np.median([cut.windows for cut in cuts]) <= 40


def test_the_scenario_is_cut_where_its_last_series_settles() -> None:
    quick, slow = transient(-100, 5), transient(-100, 30, seed=2)
    both = warm_up({"quick": quick, "slow": slow})
    assert both == warm_up({"slow": slow})
    assert both.series == "slow"


def test_a_series_that_has_not_settled_by_half_of_the_run_is_refused() -> None:
    growing = transient(0, 1) + np.linspace(0, 100, 400)
    refused = warm_up({"fine": transient(0, 1), "backlog": growing})
    assert refused.windows == 0
    assert refused.series == "backlog"
    assert "twice as long" in refused.refusal
    assert warm_up({"work": transient(-100, 150)}).refusal


def test_a_run_of_few_relaxation_times_is_refused_however_settled_it_looks() -> None:
    # Each replication stays at a level of its own: the window says nothing that the first did not.
    levels = np.random.default_rng(9).normal(100, 10, (20, 1)) + 0.1 * transient(0, 1)
    assert "relaxation times" in warm_up({"work": levels}).refusal
    assert relaxations(levels) < 3
    # An AR(1) of correlation 0.8 has the relaxation time 1.8 / 0.2 = 9 windows.
    assert relaxations(transient(-100, 20)) == pytest.approx(400 / 9, rel=0.3)
    assert relaxations(np.ones((5, 60))) == 60


def test_too_few_windows_or_replications_are_refused() -> None:
    assert "windows are too few" in warm_up({"work": transient(0, 1, windows=49)}).refusal
    assert "5 are needed" in warm_up({"work": transient(0, 1, replications=4)}).refusal


def test_windows_that_saw_nothing_are_left_out_of_the_average() -> None:
    nan = np.nan
    assert averaged([[1.0, nan, 3.0, nan], [3.0, 5.0, nan, nan]]).tolist() == [2, 5, 3, 3]
    gappy = transient(-100, 20)
    gappy[::3, ::7] = nan
    assert warm_up({"work": gappy}).windows == pytest.approx(warm_up({"work": transient(-100, 20)}).windows, abs=60)


def test_mser5_minimises_the_error_of_what_is_left() -> None:
    series = np.concatenate((np.linspace(0, 10, 30), 10 + np.sin(np.arange(170))))
    batches = series.reshape(-1, 5).mean(axis=1)
    errors = [((batches[d:] - batches[d:].mean()) ** 2).sum() / (40 - d) ** 2 for d in range(21)]
    assert mser5(series) == 5 * int(np.argmin(errors))


def test_growth_is_told_from_noise() -> None:
    growing = transient(0, 1) * np.linspace(0.7, 1.3, 400)
    found = drift(growing)
    assert found.growing
    assert found.growth.value == pytest.approx(0.6, abs=0.05)
    calls = sum(bool(drift(transient(0, 1, seed=seed)).growing) for seed in range(150))
    assert calls <= 150 * 0.005 + 5 * np.sqrt(150 * 0.005)


def test_a_settled_run_is_called_growing_as_seldom_as_the_level_asks_for() -> None:
    # Three or ten replications, beside a threshold on the size that never binds here: the noise is beyond it.
    for replications in (3, 10):
        noise = [transient(0, 1, replications, 20, seed) - 80 for seed in range(2000)]
        calls = sum(bool(drift(series, 0.998).growing) for series in noise)
        assert calls <= 2000 * 0.001 + 5 * np.sqrt(2000 * 0.001), replications


def test_filling_from_nothing_is_a_growth_of_two_and_emptying_is_none() -> None:
    fill = np.arange(100.0) + np.arange(5.0)[:, None] * 0.01
    assert drift(fill).growth.value == pytest.approx(2, rel=0.03)
    assert drift(fill).growing
    assert drift(fill[:, ::-1]).growing is False
    assert drift(np.zeros((5, 10))).growing is False


def test_a_trend_too_small_to_matter_is_no_growth() -> None:
    assert drift(100 + np.linspace(0, 5, 100) + np.arange(5.0)[:, None] * 0.01).growing is False


def test_two_replications_cannot_tell_a_trend() -> None:
    assert drift(np.ones((2, 10)) + np.arange(10)).growing is None


def test_a_system_that_stays_where_it_began_has_two_modes() -> None:
    rng = np.random.default_rng(4)
    low, high = rng.normal(10, 1, 10), rng.normal(80, 5, 10)
    found = modes(low, high, "")
    assert found.differ
    assert found.from_empty.value == pytest.approx(low.mean())
    assert modes(low, rng.normal(10, 1, 10), "").differ is False
    assert modes(low[:2], high[:2], "").differ is None
    assert modes([1.0] * 3, [1.05] * 3, "").differ is False


def test_cycles_are_whole_and_the_warm_up_too() -> None:
    cycles = whole_cycles(100 * HOUR, 24 * HOUR, 5 * HOUR)
    assert (cycles.start_ns, cycles.count, cycles.end_ns) == (24 * HOUR, 3, 96 * HOUR)
    assert whole_cycles(100 * HOUR, 24 * HOUR, 0).count == 4
    assert whole_cycles(20 * HOUR, 24 * HOUR, 0).count == 0
