"""Which measured product a network is a model of, so that a prediction can say whether it was measured there."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.network.names import Name
from sim.spec import Spec


class StandsFor(Spec):
    """For a network: the product, and where its settings stand in this file."""

    product: Name
    """One of those in `presets/calibrated.yaml`: postgres, temporal, dbos."""
    settings: dict[Annotated[str, Field(min_length=1)], str] = Field(default_factory=dict)
    """By the names that are used there: the dotted path of a value in this file, as for `--set`, or the figure of the
    runs that tells it, such as `metric:utilisation.host`."""
