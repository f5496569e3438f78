"""What was measured, and how far predictions were off, written to the file that `sim run` reads.

Spans of settings that the measured cells tell are read from them; the others are facts of how it was measured, written
by hand in the same file and kept. The discrepancy is that of all scored cells, held out or not, on every host.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from calibration.scores.inputs import MEASURED
from calibration.scores.real import Scored
from calibration.scores.score import Score, discrepancies
from calibration.systems.cells import Cell, read_cells
from sim.files import write_text
from sim.scenario.calibrated import FILE, Product, Span, calibrated

PLACE = Path("sim") / "scenario" / "presets" / FILE

HEAD = """\
# What was measured of real products, from where to where. A prediction inside is INSIDE, one that is no more than half
# again beyond EDGE, any other OUTSIDE. Spans with `cells` are those of the measured cells (calibration/measured), the
# others are facts of how it was measured. Spans, discrepancy and inputs are written by
# `python -m calibration validate SYSTEM --write-envelope`.
"""

PARTS = {"postgres": ("postgres",), "temporal": ("temporal", "sqlite"), "dbos": ("dbos",)}
"""Products that a measured system is made of: each has the system's discrepancy."""


def write_calibrated(root: Path, scored: Scored, inputs: Mapping[str, float] | None = None) -> Path:
    """Write what this system's cells and scores tell; gives the path."""
    cells = [one for one in read_cells(sorted((root / MEASURED).glob("*/*.jsonl"))) if one.system == scored.system]
    found = dict(calibrated())
    for name in PARTS[scored.system]:
        found[name] = updated(found[name], cells, scored.scores, inputs or {})
    path = root / PLACE
    write_text(path, as_text(found))
    return path


def updated(product: Product, cells: Sequence[Cell], scores: Sequence[Score], inputs: Mapping[str, float]) -> Product:
    """The product with spans as these cells have them, and the discrepancy of these scores."""
    settings = {name: spanned(span, cells) for name, span in product.settings.items()}
    used = telling(scores)
    count = len({(one.host, one.cell) for one in used})
    held_out = len({(one.host, one.cell) for one in used if one.use == "held_out"})
    return product.model_copy(
        update={
            "settings": settings,
            "discrepancy": _rounded(discrepancies(used)),
            "inputs": _rounded(inputs),
            "scored": f"{count} cells, {held_out} of them held out" if used else "",
        }
    )


def spanned(span: Span, cells: Sequence[Cell]) -> Span:
    """The span as the cells have it, where it is theirs."""
    told = [cell.settings.get(span.cells or "") for cell in cells]
    values = [float(value) for value in told if value is not None]
    return span.model_copy(update={"low": min(values), "high": max(values)}) if values else span


def telling(scores: Sequence[Score]) -> list[Score]:
    """The scores that the discrepancy is of: times and rates."""
    return [one for one in scores if one.target is not None or one.metric.endswith(".p95")]


def _rounded(found: Mapping[str, float]) -> dict[str, float]:
    return {group: float(f"{value:.3g}") for group, value in sorted(found.items())}


def as_text(products: Mapping[str, Product]) -> str:
    """The file: a line a setting."""
    lines = [line for name, one in products.items() for line in _lines(name, one)]
    return HEAD + "\n".join(["products:", *lines]) + "\n"


def _lines(name: str, product: Product) -> Iterator[str]:
    yield f"  {name}:"
    for key, value in product.model_dump(by_alias=True, exclude_defaults=True, mode="json").items():
        if key == "settings":
            yield "    settings:"
            yield from (f"      {setting}: {_flow(span)}" for setting, span in value.items())
        else:
            yield f"    {key}: {_flow(value)}"


def _flow(value: Any) -> str:
    """YAML's flow style, of which JSON is a part; keys without quotes."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, float):
        return f"{value:g}"
    return json.dumps(value, ensure_ascii=False)
