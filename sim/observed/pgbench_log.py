"""Logs of `pgbench -l`: one line a transaction.

Columns (PostgreSQL 15 documentation, pgbench, "Per-Transaction Logging", read 2026-11): client, number of the
transaction, time in us, script, epoch in s, us; with `-R` the schedule lag in us; with `--max-tries` the retries. The
time counts from the scheduled start and ends at the epoch. In place of a time stands `skipped` (over the limit of
`--latency-limit`) or `failed`, `serialization`, `deadlock`. With `-j` every thread writes a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.observed.table import Ints, Observations, Sample, in_columns
from sim.observed.text import Complaints, refused, text_of

LOST = {"skipped": -1, "failed": -2, "serialization": -3, "deadlock": -4}
"""What may stand in place of a time, and the number that stands for it while the columns are read."""

MOST_RETRIES = 1000
"""A seventh column is a lag where it exceeds this, or takes more than MOST_RETRY_COUNTS values."""
MOST_RETRY_COUNTS = 32

_EPOCH = 10**8
"""Clients are counted from 0; a line of an aggregated log begins with the epoch."""


def is_pgbench(line: str) -> bool:
    """Whether the first line looks like one of a transaction log."""
    words = line.split()
    return len(words) >= 6 and all(word.isdigit() or word in LOST for word in words[:6])


def read_pgbench(paths: Sequence[Path]) -> Observations:
    """The log of one run, from the files of all its threads.

    Kinds: `latency` (from the start, or the scheduled start, to the commit); with `-R` also `lag` (wait for a free
    client) and `service` (the rest); with several scripts the same for each, as `latency.script1`; `count.retries`;
    `count.skipped`, `count.failed`, `count.serialization`, `count.deadlock` where there were any.
    Facts: `clients`, `scripts`, `throttled`, `sampling` (share of transactions in the log).
    """
    rows = _joined(paths, [_rows(path) for path in paths])
    client, number, time_us, script = rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3]
    _one_run(paths, client, number)
    lag_us, retries, notes = _further(rows)
    end_ns = rows[:, 4] * 1_000_000_000 + rows[:, 5] * 1_000
    done = time_us >= 0
    begin_ns = end_ns - time_us * 1_000
    samples: dict[str, Sample] = {}
    scripts = sorted(set(script.tolist()))
    for which in [None, *scripts] if len(scripts) > 1 else [None]:
        mine = done if which is None else done & (script == which)
        suffix = "" if which is None else f".script{which}"
        samples[f"latency{suffix}"] = in_columns(begin_ns[mine], time_us[mine] * 1_000.0)
        if lag_us is not None:
            samples[f"lag{suffix}"] = in_columns(begin_ns[mine], lag_us[mine] * 1_000.0)
            samples[f"service{suffix}"] = in_columns(
                begin_ns[mine] + lag_us[mine] * 1_000, (time_us - lag_us)[mine] * 1_000.0
            )
    if retries is not None:
        samples["count.retries"] = in_columns(begin_ns[done], retries[done].astype(np.float64))
    for word, code in LOST.items():
        lost = time_us == code
        if lost.any():
            samples[f"count.{word}"] = in_columns(end_ns[lost], np.ones(int(lost.sum())))
    sampling = _sampling(client, number)
    if sampling < 0.999:
        notes.append(f"only {sampling:.1%} of the transactions are in the log (--sampling-rate): rates are of those")
    facts: dict[str, Any] = {
        "clients": len(set(client.tolist())),
        "scripts": len(scripts),
        "throttled": lag_us is not None,
        "sampling": sampling,
        "end_ns": int(end_ns.max()),
    }
    return Observations("pgbench log", samples, facts=facts, notes=tuple(notes))


def _rows(path: Path) -> Ints:
    """The columns of one file as whole numbers."""
    complaints = Complaints(path)
    rows: list[list[int]] = []
    for line, text in enumerate(text_of(path).splitlines(), 1):
        words = text.split()
        if not words:
            continue
        try:
            row = [int(word) if word.isdigit() else LOST[word] for word in words]
        except KeyError as error:
            hint = "a time is a whole number of us, or one of " + ", ".join(LOST)
            complaints.add(line, f"{error.args[0]!r} is no whole number", hint)
            continue
        if row[0] >= _EPOCH:
            hint = "run pgbench -l without --aggregate-interval: a fit needs every transaction"
            raise refused(path, "is a line of an aggregated log: it begins with the epoch", hint, line)
        if not 6 <= len(row) <= 8 or (rows and len(row) != len(rows[0])):
            wanted = f"{len(rows[0])} as in the lines before" if rows else "6 to 8"
            hint = "delete the line if pgbench was killed while it wrote it"
            complaints.add(line, f"has {len(row)} columns; {wanted} are expected", hint)
            continue
        rows.append(row)
    complaints.settle()
    if not rows:
        raise refused(path, "holds no transaction", "run   pgbench -l -T 10")
    return np.array(rows, dtype=np.int64)


def _joined(paths: Sequence[Path], tables: Sequence[Ints]) -> Ints:
    for path, table in zip(paths, tables, strict=True):
        if table.shape[1] != tables[0].shape[1]:
            message = f"has {table.shape[1]} columns, `{paths[0]}` has {tables[0].shape[1]}"
            raise refused(path, message, "hand over the files of one run only")
    return np.concatenate(tables, axis=0)


def _one_run(paths: Sequence[Path], client: Ints, number: Ints) -> None:
    """Clients number their transactions from 1: two runs have the same numbers twice."""
    if len(paths) > 1 and np.unique(client * (number.max() + 1) + number).size < client.size:
        message = "holds transactions of the same client and number as another file"
        raise refused(paths[-1], message, "hand over the files of one run only: each thread writes one")


def _further(rows: Ints) -> tuple[Ints | None, Ints | None, list[str]]:
    """Lag and retries, where the log has them."""
    if rows.shape[1] == 6:
        return None, None, []
    if rows.shape[1] == 8:
        return rows[:, 6], rows[:, 7], []
    column = rows[:, 6]
    if column.max() > MOST_RETRIES or np.unique(column).size > MOST_RETRY_COUNTS:
        return column, None, []
    return None, column, ["the seventh column is taken for retries (--max-tries): too few and small values for lags"]


def _sampling(client: Ints, number: Ints) -> float:
    """The share of transactions in the log, from the greatest number of each client."""
    greatest = sum(int(number[client == one].max()) for one in set(client.tolist()))
    return min(1.0, client.size / greatest)
