"""Both engines have a line for every discipline that a place may name, and no other."""

from __future__ import annotations

from sim.engine.fast.compile_places import DISCIPLINES as COMPILED
from sim.engine.fast.layout import Discipline
from sim.engine.reference.queues import LINES
from sim.network.places import DISCIPLINES


def test_both_engines_know_every_discipline_and_no_other() -> None:
    assert set(LINES) == set(COMPILED) == set(DISCIPLINES)
    assert sorted(COMPILED.values()) == list(range(len(Discipline.NAMES)))
