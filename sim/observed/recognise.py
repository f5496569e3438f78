"""Which importer reads a file: told by its content, never by its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.observed.pgbench_log import is_pgbench, read_pgbench
from sim.observed.table import Observations
from sim.observed.text import refused, text_of

KNOWN = "pgbench -l"
"""What is recognised, for whoever handed over something else."""


def read(paths: Sequence[Path]) -> Observations:
    """What these files hold: one log, history, metric or trace, or the parts of one; a folder stands for its files.

    Raises InputErrors: file and line, what was found, what is expected.
    """
    files = [file for path in paths for file in _files(path)]
    first = text_of(files[0]).lstrip()
    line = first.partition("\n")[0]
    if is_pgbench(line):
        return read_pgbench(files)
    raise refused(
        files[0], f"begins with `{line[:60]}`, which is none of: {KNOWN}", "`sim calibrate --help` lists them"
    )


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not found:
        raise refused(path, "is an empty folder", "hand over the folder that the logs are in")
    return found
