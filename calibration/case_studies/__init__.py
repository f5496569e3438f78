"""The case studies: a module each, with the runs that it needs and a function for every figure that is predicted.

A figure names the part of the model that it rests on, with the change that removes it; a test removes it and sees the
figure fall. A `kind` says that it is arithmetic (from inputs alone), fitted (a parameter was chosen to reach it),
undetermined (it hangs on a parameter that the text does not give) or contradictory (in conflict with another figure or
with arithmetic). What only `states` a figure has no function: an input, or a figure that another place states too.
The rules of the verdicts: `calibration.published.rules`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from calibration.case_studies import (
    airbnb,
    cern,
    coinbase,
    datadog,
    designs,
    netflix,
    nih,
    spotify,
    stripe,
    summary,
    uber,
)
from calibration.published.case_study import registry_of
from calibration.published.registry import Registry

CONFIGS = Path(__file__).parents[2] / "configs"
"""The folder of the scenarios that runs name."""

STUDIES = (
    *(coinbase.STUDY, stripe.STUDY, uber.STUDY, airbnb.STUDY, netflix.STUDY, spotify.STUDY),
    *(cern.STUDY, nih.STUDY, datadog.STUDY, summary.STUDY, designs.STUDY),
)
"""In the order of the text; `designs` brings runs alone."""


@cache
def registry() -> Registry:
    """Every published figure and behaviour."""
    return registry_of(STUDIES, designs.BEHAVIOURS)
