"""Each behaviour that the case studies name changes the outcome when it is switched off, in the direction foreseen.

Goal: no behaviour is there by name only. Method: on and off under common random numbers, the metric and its direction
named in the registry; the 95 % interval of the paired difference must lie on that side. With 22 behaviours the chance
that noise alone shows one that is not there is below 2.5 % for each.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.plan.predict import Options
from sim.plan.published.behaviours import effect_of
from sim.plan.published.registry import Behaviour, load_registry

ROOT = Path(__file__).parents[2]
_, registry = load_registry(ROOT / "calibration" / "figures.yaml")
SWITCHED = [behaviour for behaviour in registry.behaviours if behaviour.switch is not None]


@pytest.mark.long
@pytest.mark.parametrize("behaviour", SWITCHED, ids=[behaviour.id for behaviour in SWITCHED])
def test_switched_off_it_moves_its_metric_beyond_noise(behaviour: Behaviour) -> None:
    assert behaviour.switch is not None
    effect = effect_of(behaviour.switch, registry, ROOT / "configs", Options(processes=1, lives=False))
    assert effect.shows, effect
