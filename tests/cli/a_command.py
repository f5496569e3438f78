"""Runs one command line in this process and keeps what it printed; small scenarios to run it on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from calibration.cli import main as calibration_main
from sim.cli import main

QUEUE = """\
name: queue
network:
  sources:
    jobs: {routine: job, arrivals: 5/s}
  stations:
    server: {servers: 1, service: {exponential: 100 ms}}
  routines:
    job:
      - use: server
run: {horizon: 1 min, warmup: none, replications: 5}
"""
"""M/M/1 at 50 % for a minute: 300 jobs, 4 ms."""

SHOP = """\
name: shop
network:
  nodes: {pods: {count: 2}}
  sources:
    orders: {routine: order, arrivals: 20/s}
  resources:
    slots: {nodes: pods, units: 4}
  stations:
    db: {servers: 2, service: {exponential: 50 ms}}
  routines:
    order:
      - mark: asked
      - attempt:
          retry: {initial_interval: 10 ms, maximum_attempts: 20}
          steps:
            - acquire: slots
            - mark: begun
            - use: db
            - count: {storage_query: 2, commit: 1}
            - release: slots
      - mark: paid
  faults:
    crash: {targets: [{group: pods, nodes: [0]}], at: 5 s, duration: 2 s}
  monitors:
    paid_once: {at_most_once: paid}
    paid_after_all: {when: asked, eventually: [paid], within: 1 min}
  spans:
    platform: {start: asked, end: begun}
objectives:
  - {metric: latency.order.mean, below: 1 s, name: fast}
  - {metric: utilisation.db, above: 95 %}
  - {metric: latency.order.p999, below: 1 s}
machines:
  host: {node: box, count: 2}
prices: {nodes: {box: 100 USD/month}}
run: {horizon: 20 s, warmup: 2 s, replications: 5, drill_window: 10 s}
"""
"""A scenario with something for every part of the output; its objectives are met, missed and undecided."""


@dataclass(frozen=True)
class Ended:
    """What a command left: its exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What it printed with --json."""
        assert self.code in (0, 1, 130), self.err
        found: dict[str, Any] = json.loads(self.out)
        return found


class Command:
    """The command line, run in this process on scenarios that are written to a folder of the test's own."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capture = capture

    def file(self, text: str, name: str = "scenario.yaml") -> str:
        """Writes a scenario and gives its path."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def sim(self, *arguments: str) -> Ended:
        """Runs `sim` with these arguments."""
        return self._ended(main, arguments)

    def calibration(self, *arguments: str) -> Ended:
        """Runs `python -m calibration` with these arguments."""
        return self._ended(calibration_main, arguments)

    def _ended(self, call: Callable[[Sequence[str], bool], int], arguments: Sequence[str]) -> Ended:
        self.capture.readouterr()
        code = call(arguments, False)
        out, err = self.capture.readouterr()
        return Ended(code, out, err)

    def run(self, text: str, *options: str) -> Ended:
        """Runs `sim run` on a scenario, one replication after the other."""
        return self.sim("run", self.file(text), "--processes", "1", *options)

    def document(self, text: str, *options: str) -> dict[str, Any]:
        """What `sim run --json` prints of a scenario."""
        return self.run(text, "--json", *options).document


def without_provenance(document: dict[str, Any]) -> dict[str, Any]:
    """The part of the document that is the prediction, and not the machine's business."""
    return {key: value for key, value in document.items() if key != "provenance"}


def figures_in(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every FIGURE anywhere in a document, with its path."""
    if isinstance(value, dict):
        if {"value", "confidence"} & value.keys():
            yield path, value
        for key, entry in value.items():
            yield from figures_in(entry, f"{path}.{key}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from figures_in(entry, f"{path}.{index}")
