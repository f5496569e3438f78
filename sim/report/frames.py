"""The raw columns of a prediction as files for other tools: executions, timelines, fault episodes, bill.

One file of each, in CSV or Parquet, with the run a row belongs to in its first two columns. Times are integer
nanoseconds since the start of the run. Nothing is summarised here. A manifest is written last: where it is, all is.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from sim.cost.bill import Bill
from sim.errors import InputErrors, Problem
from sim.files import Writing
from sim.results.columns import OUTCOMES, Replication

FileFormat = Literal["csv", "parquet"]
Column = list[Any]
Frame = dict[str, Column]
"""Columns of equal length by name; None is an empty cell."""

Kinds = dict[str, Literal["text", "int", "float", "bool"]]
"""Columns of a file in their order, with what they hold."""

FILES = ("executions", "timelines", "episodes", "bill")
MANIFEST = "manifest.json"


def names_of(file_format: FileFormat) -> list[str]:
    """Names of all files that may be written into a folder."""
    return [*(f"{name}.{file_format}" for name in FILES), MANIFEST]


def write_columns(
    directory: Path,
    replications: Sequence[Replication],
    *,
    drills: Mapping[str, Sequence[Replication]] | None = None,
    bill: Bill | None = None,
    file_format: FileFormat = "csv",
) -> list[Path]:
    """Writes the files into `directory`, which is made when it is missing, and gives their paths.

    All are written beside what is there, and take its place when all are whole; see `Writing`.

    replications: the base runs; drills: those of each drill by fault. The column `drill` is empty for base runs.

    executions: replication, ordinal, parent (the ordinal of the execution whose child it is; empty: a source let it
    in), routine, start_ns, end_ns (empty: still open), outcome, error, cohort (whether it counts), and for those that
    count and have closed the split of their latency, `STATE_ns` for each state.
    timelines: replication, time_ns, and a column for each sampled count.
    episodes: replication, fault, start_ns, down_ns (of a notice the crash at its end, else the start; empty: not yet),
    end_ns (empty: not over), hit (jobs interrupted), nodes.
    bill: an item a row; only with a bill.
    manifest.json, the last: of each of these files its name, bytes, rows and sha256.

    Raises InputErrors when Parquet is asked for and pyarrow is not installed, OSError naming the file that cannot be
    written.
    """
    runs = [("", run) for run in replications]
    runs += [(fault, run) for fault, episodes in (drills or {}).items() for run in episodes]
    if file_format == "parquet" and importlib.util.find_spec("pyarrow") is None:
        hint = "choose CSV, or install the extra `tables`"
        raise InputErrors([Problem("--out", "Parquet needs the package pyarrow, which is not installed", hint)])
    sink_of: type[Sink] = ParquetSink if file_format == "parquet" else CsvSink
    directory.mkdir(parents=True, exist_ok=True)

    spent: Kinds = {f"{state}_ns": "int" for _, run in runs for state in run.executions.states}
    counts: Kinds = {name: "int" for _, run in runs for name in run.samples}
    frames: list[tuple[Kinds, Iterable[Frame]]] = [
        (_EXECUTIONS | spent, (_executions(drill, run) for drill, run in runs)),
        (_TIMELINES | counts, (_timeline(drill, run) for drill, run in runs)),
        (_EPISODES, (_episodes(drill, run) for drill, run in runs)),
    ]
    if bill is not None:
        frames.append((_BILL, [_items(bill)]))
    paths, written = [], []
    with Writing() as writing:
        for name, (kinds, rows) in zip(FILES, frames, strict=False):
            paths.append(directory / f"{name}.{file_format}")
            with writing.named(paths[-1]):
                written.append({"name": paths[-1].name, **_write(writing.begin(paths[-1]), sink_of, kinds, rows)})
        manifest = directory / MANIFEST
        with writing.named(manifest), writing.begin(manifest).open("w", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps({"files": written}, indent=1) + "\n")
        writing.finish(outdated=manifest)
    return paths


def _write(path: Path, sink_of: type[Sink], kinds: Kinds, frames: Iterable[Frame]) -> dict[str, Any]:
    """Write one file; gives what the manifest says of it."""
    count = 0
    with path.open("wb") as file, closing(sink_of(file, kinds)) as sink:
        for frame in frames:
            sink.write(frame)
            count += len(next(iter(frame.values())))
    with path.open("rb") as whole:
        digest = hashlib.file_digest(whole, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "rows": count, "sha256": digest}


_RUN: Kinds = {"drill": "text", "replication": "int"}
_EXECUTIONS: Kinds = _RUN | {
    "ordinal": "int",
    "parent": "int",
    "routine": "text",
    "start_ns": "int",
    "end_ns": "int",
    "outcome": "text",
    "error": "text",
    "cohort": "bool",
}
_TIMELINES: Kinds = _RUN | {"time_ns": "int"}
_EPISODES: Kinds = _RUN | {
    "fault": "text",
    "start_ns": "int",
    "down_ns": "int",
    "end_ns": "int",
    "hit": "int",
    "nodes": "text",
}
_BILL: Kinds = {
    "item": "text",
    "resource": "text",
    "sku": "text",
    "quantity": "float",
    "unit": "text",
    "unit_price": "float",
    "list_amount": "float",
    "amount": "float",
    "amount_low": "float",
    "amount_high": "float",
    "currency": "text",
    "period": "text",
    "basis": "text",
    "region": "text",
    "source": "text",
    "date": "text",
}


def _executions(drill: str, run: Replication) -> Frame:
    rows = run.executions
    count = len(rows.start_ns)
    cohort = np.zeros(count, bool)
    cohort[rows.cohort] = True
    frame: Frame = {
        **_labels(drill, run, count),
        "ordinal": list(range(count)),
        "parent": [None] * count if rows.parent is None else _blank_where_negative(rows.parent.tolist()),
        "routine": [run.routines[routine] for routine in rows.routine.tolist()],
        "start_ns": rows.start_ns.tolist(),
        "end_ns": _blank_where_negative(rows.end_ns.tolist()),
        "outcome": [OUTCOMES[outcome] for outcome in rows.outcome.tolist()],
        "error": [rows.errors.get(ordinal) for ordinal in range(count)] if rows.errors else [None] * count,
        "cohort": cohort.tolist(),
    }
    # The split has rows for the cohort only, and those that never closed have none to speak of.
    closed = np.flatnonzero(rows.end_ns[rows.cohort] >= 0)
    places = rows.cohort[closed].tolist()
    for index, state in enumerate(rows.states):
        column: Column = [None] * count
        for place, spent_ns in zip(places, rows.split[closed, index].tolist(), strict=True):
            column[place] = spent_ns
        frame[f"{state}_ns"] = column
    return frame


def _timeline(drill: str, run: Replication) -> Frame:
    samples = {name: values.tolist() for name, values in run.samples.items()}
    return {**_labels(drill, run, len(run.sample_ns)), "time_ns": run.sample_ns.tolist(), **samples}


def _episodes(drill: str, run: Replication) -> Frame:
    return {
        **_labels(drill, run, len(run.episodes)),
        "fault": [episode.fault for episode in run.episodes],
        "start_ns": [episode.start_ns for episode in run.episodes],
        "down_ns": _blank_where_negative([episode.down_ns for episode in run.episodes]),
        "end_ns": _blank_where_negative([episode.end_ns for episode in run.episodes]),
        "hit": [episode.hit for episode in run.episodes],
        "nodes": [" ".join(f"{group}[{node}]" for group, node in episode.nodes) for episode in run.episodes],
    }


def _items(bill: Bill) -> Frame:
    rows = [
        (
            item.item,
            item.resource,
            item.price.sku,
            item.quantity.value,
            item.price.unit,
            item.unit_price,
            item.list_cost.value,
            item.cost.value,
            item.cost.low,
            item.cost.high,
            bill.currency,
            bill.period,
            item.price.basis,
            item.price.region,
            item.source,
            item.price.source.date,
        )
        for item in bill.items
    ]
    return {name: [row[place] for row in rows] for place, name in enumerate(_BILL)}


def _labels(drill: str, run: Replication, count: int) -> Frame:
    return {"drill": [drill] * count, "replication": [run.index] * count}


def _blank_where_negative(values: list[int]) -> Column:
    return [value if value >= 0 else None for value in values]


class CsvSink:
    """A CSV file: UTF-8, a header, `\\n` at the end of a line."""

    def __init__(self, file: BinaryIO, kinds: Kinds) -> None:
        self._kinds = kinds
        self._file = io.TextIOWrapper(file, encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(kinds)

    def write(self, frame: Frame) -> None:
        """Appends the rows; columns that the frame lacks stay empty."""
        self._writer.writerows(zip(*self._columns(frame), strict=True))

    def close(self) -> None:
        """Finishes the file."""
        self._file.flush()
        self._file.detach()

    def _columns(self, frame: Frame) -> Iterator[Column]:
        for name, kind in self._kinds.items():
            column = _column(frame, name)
            if kind == "text":
                yield [text if text is None else _harmless(text) for text in column]
            elif kind == "bool":
                yield [str(flag).lower() for flag in column]
            else:
                yield column


class ParquetSink:
    """A Parquet file, a row group for each frame."""

    def __init__(self, file: BinaryIO, kinds: Kinds) -> None:
        import pyarrow as pa  # type: ignore[import-untyped,import-not-found,unused-ignore]  # has no types, is optional
        import pyarrow.parquet as pq  # type: ignore[import-untyped,import-not-found,unused-ignore]  # as above

        types = {"text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}
        self._table = pa.table
        self._schema = pa.schema([(name, types[kind]) for name, kind in kinds.items()])
        self._writer = pq.ParquetWriter(file, self._schema)

    def write(self, frame: Frame) -> None:
        """Appends the rows; columns that the frame lacks stay empty."""
        columns = {name: _column(frame, name) for name in self._schema.names}
        self._writer.write_table(self._table(columns, schema=self._schema))

    def close(self) -> None:
        """Finishes the file."""
        self._writer.close()


Sink = CsvSink | ParquetSink
"""A file that takes one frame after the other, so that only one replication is in memory as text."""


def _column(frame: Frame, name: str) -> Column:
    return frame[name] if name in frame else [None] * len(next(iter(frame.values())))


def _harmless(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
