"""Runs and predictions of today beside the golden ones: columns equal exactly, figures to 1e-12."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.engine import fast
from sim.engine.reference import Engine
from sim.results.columns import Replication
from sim.studies.run.study import Options, predict

from .cases import HERE, MOST_EVENTS, SCENARIOS, Run, loaded, of_network, of_scenario
from .columns import digests
from .names import old_name

CLOSE = 1e-12
OPTIONS = Options(replications=5, processes=1, lives=False)


@dataclass(frozen=True)
class Golden:
    """What the golden files say."""

    columns: dict[str, Any]
    figures: dict[str, dict[str, list[float | None]]]

    @classmethod
    def read(cls) -> Golden:
        """From `columns.json` and `figures.json`."""
        files = (HERE / name for name in ("columns.json", "figures.json"))
        return cls(*(json.loads(file.read_text(encoding="utf-8")) for file in files))


def compare_network(golden: Golden, file: Path) -> Iterator[str]:
    """How the run of a generated network differs, on either engine."""
    yield from _compare(golden.columns[file.name]["run"], of_network(file), file.name)


def compare_scenario(golden: Golden, file: Path) -> Iterator[str]:
    """How the short runs of a scenario differ, on either engine."""
    name = file.relative_to(SCENARIOS).as_posix()
    expected = golden.columns[name]
    runs = {old_name(run.name): run for run in of_scenario(file, expected["arrivals"])}
    if runs.keys() != expected["runs"].keys():
        yield f"{name}: runs are {', '.join(runs)}"
    for one, run in runs.items():
        if one in expected["runs"]:
            yield from _compare(expected["runs"][one], run, f"{name}, {one}")


def _compare(expected: dict[str, Any], run: Run, where: str) -> Iterator[str]:
    yield from _differences(expected, fast.run(run.network, run.plan, run.traces), f"{where}, fast")
    if expected["events"] <= MOST_EVENTS:
        found = Engine(run.network, run.plan, run.traces).run()
        yield from _differences(expected, found, f"{where}, reference")


def _differences(expected: dict[str, Any], run: Replication, where: str) -> Iterator[str]:
    found = digests(run)
    unlike = [
        part for part in expected["columns"].keys() | found.keys() if expected["columns"].get(part) != found.get(part)
    ]
    if unlike:
        yield f"{where}: {run.events} events, {expected['events']} expected; {', '.join(sorted(unlike)[:6])} differ"
    elif list(found) != list(expected["columns"]):
        yield f"{where}: the same parts in another order"


def compare_figures(golden: Golden, file: Path) -> Iterator[str]:
    """How the figures of a scenario differ."""
    name = file.relative_to(SCENARIOS).as_posix()
    expected = golden.figures[name]
    metrics = predict(loaded(file), OPTIONS).summary.metrics
    found = {old_name(metric): [one.value, one.low, one.high] for metric, one in metrics.items()}
    for metric in expected.keys() ^ found.keys():
        yield f"{name}: {metric} is only {'in the golden file' if metric in expected else 'found'}"
    for metric in expected.keys() & found.keys():
        for was, now in zip(expected[metric], found[metric], strict=True):
            if (was is None) != (now is None) or (
                was is not None and now is not None and abs(was - now) > CLOSE * abs(was)
            ):
                yield f"{name}: {metric} is {found[metric]}, was {expected[metric]}"
                break
