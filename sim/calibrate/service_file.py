"""Fitted service times as a file: what to write into a scenario, how well it fits, of what data, by which command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sim.calibrate.service_times import ServiceTimes


def as_file(fits: Mapping[str, ServiceTimes], paths: Sequence[Path], command: str) -> str:
    """The file, YAML: under `service_times` each kind with its distribution as a scenario takes it."""
    return "\n".join(_lines(fits, paths, command)) + "\n"


def _lines(fits: Mapping[str, ServiceTimes], paths: Sequence[Path], command: str) -> Iterator[str]:
    yield "# Service times fitted by likelihood, written by the command below, not by hand."
    yield f"command: {json.dumps(command)}"
    yield "data:  # SHA-256"
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            yield f"  {json.dumps(file.as_posix())}: {json.dumps(hashlib.sha256(file.read_bytes()).hexdigest())}"
    yield "service_times:"
    for kind, one in fits.items():
        yield f"  {json.dumps(kind)}:"
        if one.yaml:
            yield f"    distribution: {one.yaml}"
        yield f"    values: {one.n:g}"
        yield f"    worth: {one.worth:.0f}  # independent ones"
        if one.best is not None and one.goodness is not None:
            yield f"    family: {one.best.family.name}"
            yield f"    p_value: {one.goodness.p_value:.3f}"
            yield "    parameters:  # with 95 % intervals"
            for (name, unit), value, (low, high) in zip(
                one.best.family.parameters.items(), one.best.theta, one.intervals, strict=True
            ):
                told = f', unit: "{unit}"' if unit else ""
                yield f"      {name.replace(' ', '_')}: {{value: {value:.5g}, low: {low:.5g}, high: {high:.5g}{told}}}"
        if one.notes:
            yield f"    notes: {json.dumps(list(one.notes), ensure_ascii=False)}"
