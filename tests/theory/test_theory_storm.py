"""Retry storms: the load from which a pause is permanent, searched for by episodes, against the fluid limit.

The pause lasts 4 timeouts, so that at loads near the threshold of an endless storm the line after it is 3 capacities x
timeout long, of which the excess over one drains at 1 - load x attempts of the capacity. The line varies by the square
root of what is served, 400/s x 60 s x 2: by 219 of 800 to be drained, a quarter of the time that it takes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from measure import FULL, full, quick_and_full

from sim.lower.load import load
from sim.studies.stability.records import Stability, StabilityOptions
from sim.studies.stability.study import stability
from tests.closed_forms.storm import Storm

ERROR = 1e-3
"""Probability that a search is wrong: five of them in this file. The seeds are fixed."""
CAPACITY, TIMEOUT_S, PAUSE_S, LIMIT_S = 400.0, 1.0, 4.0, 60.0


def study(
    rate_per_s: float, attempts: int, low: float, high: float, within: float, capacity_per_s: float = CAPACITY
) -> Stability:
    """Clients of one server that ask again at once; what they gave up is served all the same."""
    text = f"""
name: storm
network:
  sources: {{requests: {{routine: request, arrivals: {rate_per_s}/s}}}}
  stations: {{server: {{servers: 1, service: {{exponential: {1000 / capacity_per_s} ms}}}}}}
  routines:
    request:
      - attempt:
          start_to_close: {TIMEOUT_S} s
          retry: {{initial_interval: 1 us, backoff_coefficient: 1, maximum_attempts: {attempts}}}
          steps: [{{start: true}}, {{use: server}}]
  faults: {{pause: {{targets: [{{group: server}}], effect: pause, at: 10 s, duration: {PAUSE_S} s}}}}
run: {{drill_window: {LIMIT_S} s}}
"""
    requested = StabilityOptions("pause", episodes=4, low=low, high=high, within=within, error=ERROR, processes=1)
    return stability(load(text), requested)


@quick_and_full
def test_the_load_from_which_a_blip_is_permanent_is_that_of_the_fluid_limit(size: int) -> None:
    within, capacity_per_s = 0.25 / size, CAPACITY * size / FULL
    storm = Storm(capacity_per_s / 3, capacity_per_s, TIMEOUT_S, attempts=3)
    band = study(storm.rate_per_s, 3, 0.5, 1.5, within, capacity_per_s).as_it_is.band
    assert band is not None
    found = band.permanent
    assert found.below is not None
    assert found.above is not None
    # In the search's own terms: 1 is where all attempts together fill the server, which keeps a storm up for ever.
    for_ever, within_the_limit = 1.0, storm.least_load_kept_up(PAUSE_S, LIMIT_S) / storm.load
    assert 0.95 < within_the_limit < for_ever
    assert found.below < within_the_limit
    assert found.above > within_the_limit
    assert found.above - found.below <= 2 * within  # once more where a load stays undecided
    # Without the pause it carries all of these loads, two modes at one and the same of them.
    assert (band.alone.below, band.alone.above) == (1.5, None)


@full
def test_both_modes_of_a_storm_are_reported_and_one_below_it(size: int) -> None:
    found = study(CAPACITY / 3, 3, 0.5, 1.5, 1.0)
    modes = {one.factor: one for one in found.starts}
    assert modes[0.5].differ is False
    assert modes[1.5].differ is True
    # From empty M/M/1 at load 1/2; from a backlog everybody asks three times and gives up, 3 timeouts x rate at work.
    assert modes[1.5].from_empty.at_work.value == pytest.approx(1.0, abs=0.3)
    assert modes[1.5].from_backlog.at_work.value == pytest.approx(1.5 * CAPACITY / 3 * 3 * TIMEOUT_S, rel=0.05)
    assert modes[1.5].from_empty.good.value == pytest.approx(1.0, abs=0.02)
    assert modes[1.5].from_backlog.good.value == 0.0


@full
def test_without_retries_nothing_keeps_itself_up_and_too_much_is_the_capacity(size: int) -> None:
    band = study(50.0, 1, 1.0, 2.5, 0.15, capacity_per_s=100.0).as_it_is.band
    assert band is not None
    # A blip is over when the server has caught up, and that takes longer than the limit only close to its capacity:
    # 4 s x rate over what is left of it; too much is what it does not do, from twice the rate on. Overload by less
    # than a fiftieth is not seen, and neither does chance let it through always.
    catching_up = 2 * LIMIT_S / (LIMIT_S + PAUSE_S)
    assert band.permanent.above is not None
    assert band.permanent.above > 0.95 * catching_up
    assert band.alone.above is not None
    assert band.alone.below is not None
    assert band.alone.below < 2.0 * 1.04
    assert band.alone.above > 2.0 * 0.96


def test_the_retry_storm_among_the_pathologies_begins_where_the_fluid_limit_has_it() -> None:
    # Half busy, six tries: all of them together fill the store from a third of the load on.
    file = Path(__file__).parents[2] / "configs" / "pathologies" / "retry-storm.yaml"
    requested = StabilityOptions("pause", episodes=2, low=0.2, high=0.5, within=0.1, error=ERROR, processes=1)
    loaded = load(file)
    band = stability(
        replace(loaded, scenario=loaded.scenario.model_copy(update={"mitigations": {}})), requested
    ).as_it_is.band
    storm = Storm(20.0, 40.0, 0.5, attempts=6)
    fluid = storm.least_load_kept_up(3.0, 30.0) / storm.load
    assert 0.3 < fluid < 1 / 3
    assert band is not None
    assert band.permanent.below is not None
    assert band.permanent.above is not None
    assert band.permanent.below < fluid < band.permanent.above
