"""Each figure that is met rests on the mechanism that it names: with that taken out, it is met no longer.

Goal: no figure is met by a constant in the place of a computation. Method: the registry names for each what to change;
the runs of its prediction are made with the change, and the verdict is taken again. Fewer replications are made than
for the figures themselves: five are enough for a percentile, and what breaks a figure breaks it by far.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from removals import EDITS

from calibration import case_studies
from calibration.published.asking import requested
from calibration.published.check import Checker
from calibration.published.registry import Published
from sim.studies.run.study import Options

ROOT = Path(__file__).parents[2]
FEW = Options(replications=5, processes=1)

registry = case_studies.registry()
RESTING = [
    figure
    for figure in registry.figures
    if figure.predicted is not None
    and figure.predicted.mechanism is not None
    # What is fitted comes out as well, by what was chosen; what is undetermined does so at another value.
    and figure.predicted.kind in (None, "fitted")
]
CLAIMS = {
    str((requested(one.predicted.by), one.predicted.mechanism, one.relation, one.value)): one
    for one in reversed(RESTING)
    if one.predicted is not None
}
"""One of those that claim the same of the same: two sections have it, but the runs are the same."""
EDITED = [one for one in RESTING if one.predicted and one.predicted.mechanism and one.predicted.mechanism.edit]


def checker() -> Checker:
    return Checker(registry, ROOT / "configs", FEW)


def edit_of(figure: Published) -> str:
    assert figure.predicted is not None
    assert figure.predicted.mechanism is not None
    return figure.predicted.mechanism.edit


@pytest.mark.long
@pytest.mark.parametrize("figure", CLAIMS.values(), ids=[figure.id for figure in CLAIMS.values()])
def test_without_its_mechanism_a_figure_is_met_no_longer(figure: Published) -> None:
    row = checker().without_its_mechanism(figure, EDITS[edit_of(figure)])
    assert row.verdict.removesuffix(" ?") == "missed", row.to_json()
    assert "the estimate keeps the bound" not in row.judged.reason, "only too little was run"


@pytest.mark.parametrize("figure", EDITED, ids=[figure.id for figure in EDITED])
def test_where_an_edit_takes_it_out_the_changes_around_it_do_not(figure: Published) -> None:
    assert checker().without_its_mechanism(figure).verdict.removesuffix(" ?") == "met"
