"""A rollout whose version is bad: what it does until it is rolled back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.spec import Spec
from sim.units import Duration, Ratio


class BadVersion(Spec):
    """What a bad version does: `{error_rate: 30 %, detected_after: 5 min}`."""

    error_rate: Annotated[Ratio, Field(gt=0)]
    """Share of the work of pods that are up to date which fails: activities and workflow tasks of workers, state
    transitions of history."""
    detected_after_ns: Duration
    """From the return of the first pod with the bad version until somebody sees it. The rollout stops there; then the
    pods go back to the old version, one after the other as they came."""
