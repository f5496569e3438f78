"""Each behaviour that the case studies name changes the outcome when it is switched off, in the direction foreseen.

Goal: no behaviour is there by name only. Method: on and off under common random numbers, the metric and its direction
named in the registry; the 95 % interval of the paired difference must lie on that side. With 22 behaviours the chance
that noise alone shows one that is not there is below 2.5 % for each. Those of one run share the run that has
everything.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from calibration import case_studies
from calibration.published.behaviours import Effects
from calibration.published.registry import Behaviour
from sim.studies.run.study import Options

ROOT = Path(__file__).parents[2]
ALONE = Options(processes=1, lives=False)

registry = case_studies.registry()
OF_RUN: dict[str, list[Behaviour]] = defaultdict(list)
for one in registry.behaviours:
    if one.switch is not None:
        OF_RUN[one.switch.run].append(one)


@pytest.mark.long
@pytest.mark.parametrize("behaviours", OF_RUN.values(), ids=OF_RUN)
def test_switched_off_each_behaviour_moves_its_metric_beyond_noise(behaviours: list[Behaviour]) -> None:
    effects = Effects(registry, ROOT / "configs", ALONE)
    found = {one.id: effects.of(one.switch) for one in behaviours if one.switch is not None}
    assert [name for name, effect in found.items() if not effect.shows] == [], found
