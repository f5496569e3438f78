"""Recommendations of the case studies, decided by runs: which store for which load, and where the choice flips.

Goal: no store is recommended by its name. Method: each deployment is run at loads between which its limit is found; a
part of the model is taken out, and the flip moves.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration import case_studies
from calibration.published.decisions import decide, decisions_of
from calibration.published.registry import Registry
from sim.studies.run.study import Options

ROOT = Path(__file__).parents[2]
registry = case_studies.registry()
OPTIONS = Options(processes=1, lives=False)


@pytest.mark.long
@pytest.mark.parametrize("name", decisions_of(registry))
def test_another_store_is_chosen_once_the_load_is_too_much_for_the_cheaper_one(name: str) -> None:
    decided = decide(name, registry, ROOT / "configs", OPTIONS)
    prices = [share.usd_per_month for share in decided.shares]
    assert len(prices) >= 2
    assert prices == sorted(prices)
    flips = [share.until for share in decided.shares[:-1] if share.until is not None]
    for low, high in flips:
        assert decided.requested.least_per_s <= low < high <= (1 + decided.requested.within) * low


def changed(run: str, *sets: str) -> Registry:
    """The registry with further changes to a run, and the choice between that run and PostgreSQL alone."""
    runs = {**registry.runs, run: registry.runs[run].model_copy(update={"set": (*registry.runs[run].set, *sets)})}
    return registry.model_copy(update={"runs": runs})


@pytest.mark.long
def test_the_file_of_sqlite_gives_way_later_when_no_commit_waits_for_it() -> None:
    def carries(*sets: str) -> float:
        decided = decide("platform_store", only_sqlite(changed("store-sqlite", *sets)), ROOT / "configs", OPTIONS)
        found = decided.carried[0].holds_per_s
        assert found is not None
        return found

    assert carries("sqlite.database=memory") > 1.2 * carries()


def only_sqlite(known: Registry) -> Registry:
    """Its decision about the platform's store asks SQLite alone."""
    behaviours = tuple(
        one.model_copy(
            update={
                "decisions": {
                    name: decision.model_copy(update={"choices": decision.choices[:1]})
                    for name, decision in one.decisions.items()
                }
            }
        )
        for one in known.behaviours
    )
    return known.model_copy(update={"behaviours": behaviours})
