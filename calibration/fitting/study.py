"""A study: which measured cells a model is fitted to, by which parameters, and how. What is written in its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.calibrate.fits import Placed
from sim.errors import InputErrors, Problem
from sim.network.counts import Name
from sim.scenario.reading.document import Document
from sim.scenario.reading.reader import read, validate
from sim.spec import Spec
from sim.units import Ratio


class Parameter(Placed):
    """A number that is fitted."""

    kind: Literal["software", "hardware"]
    """Whether it goes with the product, wherever it runs, or with the host."""
    start: float
    """Where the search begins."""
    low: float
    """It is at least this."""
    high: float
    """It is at most this."""
    why: str = ""
    """What it is, and where the bounds come from."""

    @model_validator(mode="after")
    def _is_within_bounds(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"`low` is {self.low:g}, not below `high`, {self.high:g}")
        if not self.low <= self.start <= self.high:
            raise ValueError(f"`start` is {self.start:g}; from {self.low:g} to {self.high:g} is expected")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"`low` is {self.low:g}; on a scale of factors it is above 0, or write `scale: linear`")
        if (self.kind == "hardware") != (self.host is not None):
            raise ValueError("`hardware` has a `host`, `software` has none")
        if bool(self.paths) == bool(self.scales) or (self.scales and self.kind == "software"):
            raise ValueError("it has `paths` in the scenarios, or, of hardware, parameters that it `scales`")
        return self


class Target(Spec):
    """How a metric counts."""

    weight: Annotated[float, Field(gt=0)] = 1
    """Its squared errors count so often."""
    floor_ratio: Annotated[Ratio, Field(gt=0)] = 0.03
    """Relative error that no model is asked to beat, beside the noise of the measurement."""


class Search(Spec):
    """How the parameters are looked for."""

    replications: Annotated[int, Field(ge=1)] = 4
    """Runs of each cell in each evaluation; where repeats differ, in length or arrivals, shared out among them."""
    seed: Annotated[int, Field(ge=0)] = 1
    """Everything random follows from it."""
    evaluations: Annotated[int, Field(ge=1)] = 30
    """Steps of each search at most; each evaluates the model, and mostly its slopes."""
    starts: Annotated[int, Field(ge=1)] = 1
    """Searches: the first from the parameters' `start`, the others from a Latin hypercube between the bounds."""
    step_ratio: Annotated[Ratio, Field(gt=0, le=0.5)] = 0.05
    """Step of the slopes: a factor of 1.05, or this share of the range on a linear scale. Percentiles of short runs
    are rough, so that small steps see noise."""
    loss: Literal["linear", "soft_l1", "huber"] = "soft_l1"
    """What a residual costs: its square (linear), or less than that when it is large."""
    outlier: Annotated[float, Field(gt=0)] = 2
    """From how many standard deviations on a residual is large."""


class Study(Spec):
    """Cells, metrics, parameters."""

    name: Name
    """What it is called; the fits are written to `calibration/fits/NAME.yaml`."""
    system: Name
    """Whose adapter turns cells into cases: postgres, temporal, dbos."""
    data: Annotated[tuple[str, ...], Field(min_length=1)]
    """Files of measurements, relative to this file; patterns such as `../measured/epyc/*.jsonl` are allowed."""
    cells: tuple[str, ...] = ("*",)
    """Patterns of the names of the cells that are fitted to; `xeon/a1-*` are those of one host."""
    without: tuple[str, ...] = ()
    """Patterns of the names of cells that are left out of those."""
    metrics: Annotated[dict[str, Target], Field(min_length=1)]
    """Metrics that are fitted, by name or pattern; the first pattern that fits a metric says how it counts."""
    given: tuple[str, ...] = ()
    """Files of fits, relative to this file, whose parameters have the values there: software, where this study is of
    another host's hardware. A parameter of this study takes the place of one of the same name."""
    parameters: Annotated[dict[Name, Parameter], Field(min_length=1)]
    """What is fitted."""
    search: Search = Search()
    """How."""

    def takes(self, host: str, cell: str) -> bool:
        """Whether a cell is fitted to."""
        return any(_fits(name, self.cells) for name in (cell, f"{host}/{cell}")) and not any(
            _fits(name, self.without) for name in (cell, f"{host}/{cell}")
        )

    def target(self, metric: str) -> Target | None:
        """How a metric counts; None where it does not."""
        return next((target for pattern, target in self.metrics.items() if fnmatchcase(metric, pattern)), None)


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class OpenedStudy:
    """A study with the file that it was read from and its files of data, in order, each once."""

    study: Study
    document: Document
    data: tuple[Path, ...]

    @property
    def path(self) -> Path:
        """Of the study's file."""
        return Path(self.document.file)


def read_study(path: Path) -> OpenedStudy:
    """The study in a file. Raises InputErrors with everything that is wrong with it, each with its place."""
    document = read(path)
    study = validate(document, Study)
    files: dict[Path, None] = {}
    problems: list[Problem] = []
    for index, pattern in enumerate(study.data):
        there = sorted(_files(path.parent, pattern))
        if not there:
            hint = "paths are relative to the folder of this file"
            problems.append(document.problem(("data", index), f"is {pattern}, where no file is", hint))
        files.update(dict.fromkeys(there))
    if problems:
        raise InputErrors(problems)
    return OpenedStudy(study, document, tuple(files))


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    """Files that a pattern relative to `folder` names; its leading `..` are followed first."""
    parts = Path(pattern).parts
    while parts and parts[0] == "..":
        folder, parts = folder / "..", parts[1:]
    for path in folder.glob(str(Path(*parts))) if parts else ():
        if path.is_file():
            yield path
