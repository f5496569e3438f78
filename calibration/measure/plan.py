"""The plan of what is measured: `plan.yaml`, read and checked.

    repeats: 3
    postgres:                     a system
      pg_a1_closed.jsonl:         the file that its lines go to
        kind: closed              what is done; names the settings (`KINDS` of SYSTEM_cells)
        cells:
          a1-tpcb-like-on-c1: {use: calibrate, script: tpcb-like, clients: 1}

The name of a cell is the `id` of its lines without the repeat. `use`: calibrate, or held_out from every fit.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

PLAN = Path(__file__).with_name("plan.yaml")

Use = Literal["calibrate", "held_out"]


class Settings(BaseModel):
    """What a cell of a kind is measured with; each kind adds its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Group(BaseModel):
    """The cells that go to one file."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    cells: dict[str, dict[str, Any]] = Field(min_length=1)


class Cell(BaseModel):
    """One thing to measure, as often as there are repeats."""

    system: str
    file: str
    kind: str
    name: str
    use: Use
    settings: dict[str, Any]

    def id(self, repeat: int) -> str:
        """Of the line of one repeat."""
        return f"{self.name}-r{repeat}"


class Plan(BaseModel):
    """How often everything is measured, and what, by system and file."""

    model_config = ConfigDict(extra="forbid")

    repeats: int = Field(ge=1)
    postgres: dict[str, Group] = {}
    temporal: dict[str, Group] = {}
    dbos: dict[str, Group] = {}

    def cells(self, systems: Iterable[str], only: str = "*") -> Iterator[Cell]:
        """The cells of these systems, in the order of the plan, whose names match the pattern `only`."""
        for system in systems:
            groups: dict[str, Group] = getattr(self, system)
            for file, group in groups.items():
                for name, settings in group.cells.items():
                    if fnmatch.fnmatchcase(name, only):
                        rest = {key: value for key, value in settings.items() if key != "use"}
                        use = settings.get("use")
                        yield Cell(system=system, file=file, kind=group.kind, name=name, use=use, settings=rest)


def read(path: Path = PLAN) -> Plan:
    """The plan in a file. Raises pydantic's ValidationError that names what is wrong."""
    return Plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
