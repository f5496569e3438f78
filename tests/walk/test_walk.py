"""Every key and every choice of the schema is used by a small scenario, and all of these are predicted end to end.

Goal: no key that is accepted brings `sim run` down, in any engine, after all runs are made or before. Method:
scenarios are grown from the schema (`python -m tests.walk` writes them); the long tier puts any two keys of a model
together.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sim.lower.load import Loaded, load
from sim.report.frames import write_columns
from sim.report.page import page
from sim.report.text import text as as_text
from sim.scenario.reading.reader import load_yaml
from sim.studies.run.blocks import blocks
from sim.studies.run.document import document
from sim.studies.run.study import Options, Prediction, predict
from tests.walk.__main__ import FOLDER, written
from tests.walk.pairs import paired
from tests.walk.uses import every_use, uses_in

FILES = sorted(FOLDER.glob("*.yaml"))
SMALL = ("dbos-0", "network-0", "stores-0")
"""Those that the reference engine runs in a second."""

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def data_of(file: Path) -> Any:
    return load_yaml(file.read_text(encoding="utf-8"), file.name)


def told(loaded: Loaded, engine: str, folder: Path) -> Prediction:
    """A prediction in every form that it is told in."""
    found = predict(loaded, Options(engine=engine, processes=1))
    drills = {fault: [one.run for one in episodes] for fault, episodes in found.drills.items()}
    assert as_text(blocks(found.summary, found.bill))
    json.dumps(document(found.summary, found.bill), allow_nan=False)
    (folder / "page.html").write_text(page(blocks(found.summary, found.bill)), encoding="utf-8")
    write_columns(folder / "columns", found.replications, drills=drills, bill=found.bill, file_format="csv")
    return found


def test_every_key_and_every_choice_of_the_schema_is_used_by_a_scenario() -> None:
    unused = every_use().difference(*(uses_in(data_of(file)) for file in FILES))
    assert not unused, f"run `python -m tests.walk`, and give what it cannot make up a value in values.py: {unused}"


@each_file
def test_a_scenario_of_the_walk_is_predicted_and_told(file: Path, tmp_path: Path) -> None:
    assert told(load(file), "fast", tmp_path).summary.events


@pytest.mark.parametrize("name", SMALL)
def test_both_engines_predict_the_same_of_it(name: str, tmp_path: Path) -> None:
    loaded = load(FOLDER / f"{name}.yaml")
    by_reference = told(loaded, "reference", tmp_path)
    assert by_reference.summary.metrics == predict(loaded, Options(processes=1)).summary.metrics


@pytest.mark.long
@each_file
def test_both_engines_predict_the_same_of_every_scenario_of_the_walk(file: Path, tmp_path: Path) -> None:
    loaded = load(file)
    by_reference = told(loaded, "reference", tmp_path)
    assert by_reference.summary.metrics == predict(loaded, Options(processes=1)).summary.metrics


PARTS = 6


@cache
def pairs() -> dict[str, Any]:
    """Scenarios in which keys of a model stand together that do not in the others."""
    more, _ = paired({file.stem: data_of(file) for file in FILES})
    return more


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_keys_of_a_model_stand_together_two_by_two(part: int, tmp_path: Path) -> None:
    (tmp_path / "arrivals.csv").write_text((FOLDER / "arrivals.csv").read_text(encoding="utf-8"), encoding="utf-8")
    for name, data in list(pairs().items())[part::PARTS]:
        file = tmp_path / f"{name}.yaml"
        file.write_text(written(data), encoding="utf-8")
        loaded = load(file)
        by_reference = told(loaded, "reference", tmp_path)
        assert by_reference.summary.metrics == told(loaded, "fast", tmp_path).summary.metrics, name
