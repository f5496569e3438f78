"""A file of measured lines, one JSON object each: a new line takes the place of the one with its id."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file; of one that does not exist none."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def put(path: Path, line: dict[str, Any]) -> None:
    """Write `line` into the file, at its end or in the place of the line with the same `id`.

    The file is replaced as a whole, so that an interruption leaves the old one or the new one.
    """
    kept = lines(path)
    ids = [one["id"] for one in kept]
    if line["id"] in ids:
        kept[ids.index(line["id"])] = line
    else:
        kept.append(line)
    write(path, "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in kept))


def write(path: Path, text: str) -> None:
    """Put `text` in the place of the file, at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
