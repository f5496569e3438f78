"""Deployments drawn at random, each by its seed: what a first estimate is judged by beside the scenarios of `configs`.

They were frozen before there was an estimate. A digest of their texts is held by a test.
"""

from __future__ import annotations

from calibration.estimate.deployments import DeploymentDraw
from calibration.estimate.dice import Dice, yaml
from calibration.estimate.networks import NetworkDraw

WORKING = range(1, 101)
"""Seeds to look at while an estimate is written."""
HELD_OUT = range(101, 201)
"""Seeds that are looked at once, when it is done."""
MIX = {"temporal": 60.0, "dbos": 10.0, "network": 30.0}
"""How many of a hundred are of which kind."""


def deployment(seed: int) -> str:
    """The scenario of a seed, as YAML."""
    dice = Dice(f"deployment {seed}")
    kind = dice.weighted(MIX)
    name = f"generated-{seed}"
    if kind == "network":
        return yaml(NetworkDraw(dice).document(name))
    return yaml(DeploymentDraw(dice, dbos=kind == "dbos").document(name))
