"""Tables of measured times, CSV with a heading: every column is a kind, the end of its name its unit.

`arrival_us,lag_us,latency_us` is such a table. A column named `arrival`, `start`, `time` or `timestamp` says when;
without one the order of the lines is all that is known.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sim.observed.table import Observations, Sample, in_columns
from sim.observed.text import Complaints, refused, text_of

IN_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
WHEN = ("arrival", "start", "time", "timestamp")


def is_samples(line: str) -> bool:
    """Whether the first line is the heading of such a table."""
    names = next(csv.reader([line]), [])
    return bool(names) and all(name.strip().rpartition("_")[2] in IN_NS and "_" in name for name in names)


def read_samples(paths: Sequence[Path]) -> Observations:
    """The tables in these files, one below the other. Kinds are the names of columns without their unit, in ns.

    Raises InputErrors.
    """
    tables = [_columns(path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if list(table) != list(tables[0]):
            raise refused(path, f"has the columns {', '.join(table)}; `{paths[0]}` has {', '.join(tables[0])}")
    columns = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    when = next((name for name in columns if name in WHEN), None)
    length = len(next(iter(columns.values())))
    t_ns = np.arange(length) if when is None else np.round(columns[when])
    samples: dict[str, Sample] = {
        name: in_columns(t_ns.astype(np.int64), values) for name, values in columns.items() if name != when
    }
    notes = (
        () if when else ("no column says when: values are taken in the order of the lines, and rates are not known",)
    )
    return Observations("table of times", samples, notes=notes)


def _columns(path: Path) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    lines = text_of(path).splitlines()
    head = [name.strip() for name in next(csv.reader(lines[:1]), [])]
    complaints = Complaints(path)
    rows = []
    for line, row in enumerate(csv.reader(lines[1:]), 2):
        try:
            if row:
                rows.append([float(cell) for cell in row])
                if len(row) != len(head):
                    raise ValueError(f"has {len(row)} columns, the heading {len(head)}")
        except ValueError as error:
            complaints.add(line, str(error), "a number in each column is expected")
    complaints.settle()
    if not rows:
        raise refused(path, "holds no line below its heading", "hand over the table with its values")
    values = np.array(rows, dtype=np.float64).T
    units = [name.rpartition("_") for name in head]
    return {name: column * IN_NS[unit] for (name, _, unit), column in zip(units, values, strict=True)}
