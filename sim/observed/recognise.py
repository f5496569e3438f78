"""Which importer reads a file: told by its content, never by its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sim.errors import InputErrors
from sim.observed.load_tests import is_load_test, read_load_test
from sim.observed.pgbench_log import is_pgbench, read_pgbench
from sim.observed.prometheus import is_prometheus, read_prometheus
from sim.observed.samples import is_samples, read_samples
from sim.observed.spans import is_jaeger, is_otlp, read_spans
from sim.observed.table import Observations
from sim.observed.temporal_history import is_history, read_histories
from sim.observed.text import json_of, refused, text_of

KNOWN = (
    "a log of pgbench -l, Temporal workflow histories, a range query of Prometheus, traces (OTLP, Jaeger), "
    "results of k6 or locust, a CSV table with a heading such as `start_s,latency_ms`"
)
"""What is recognised, for whoever handed over something else."""

Reader = Callable[[Sequence[Path]], Observations]
TEXTS: tuple[tuple[Callable[[str], bool], Reader], ...] = (
    (is_pgbench, read_pgbench),
    (is_samples, read_samples),
    (is_load_test, read_load_test),
)
"""By the first line."""
VALUES: tuple[tuple[Callable[[Any], bool], Reader], ...] = (
    (is_history, read_histories),
    (is_prometheus, read_prometheus),
    (is_otlp, read_spans),
    (is_jaeger, read_spans),
)
"""By the first JSON value."""

_HINT = "`sim calibrate --help` tells what each has to look like"


def read(paths: Sequence[Path]) -> Observations:
    """What these files hold: one log, history, metric or trace, or the parts of one; a folder stands for its files.

    Raises InputErrors: file and line, what was found, what is expected.
    """
    files = [file for path in paths for file in _files(path)]
    text = text_of(files[0]).lstrip()
    line = text.partition("\n")[0]
    for is_it, read_it in TEXTS:
        if is_it(line):
            return read_it(files)
    if line.startswith(("{", "[")):
        return _read_json(files, _first_value(files[0], text, line))
    raise _unknown(files[0], f"begins with `{line[:60]}`")


def _read_json(files: Sequence[Path], value: Any) -> Observations:
    first = value[0] if isinstance(value, list) and value else value
    for is_it, read_it in VALUES:
        if is_it(first):
            return read_it(files)
    keys = ", ".join(first) if isinstance(first, dict) else str(first)
    raise _unknown(files[0], f"is JSON with `{keys[:60]}`")


def _first_value(path: Path, text: str, line: str) -> Any:
    """The JSON value of the first line or, where a value takes several lines, of all of them."""
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return json_of(path, text)


def _unknown(path: Path, what: str) -> InputErrors:
    return refused(path, f"{what}; expected is one of: {KNOWN}", _HINT)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not found:
        raise refused(path, "is an empty folder", "hand over the folder that the logs are in")
    return found
