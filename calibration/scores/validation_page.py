"""Error tables of two pages, made from `calibration/scores.json`: tests hold the pages to them.

`docs/validation.md` has those of all systems, `calibration/README.md` that of DBOS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from calibration.scores.document import SCORES
from calibration.scores.kinds import USES, target_of
from calibration.scores.tables import WORDS, percent, signed
from sim.files import write_text

PRODUCTS: Final = {
    "postgres": "PostgreSQL under pgbench",
    "temporal": "Temporal's dev server on SQLite",
    "dbos": "DBOS on PostgreSQL",
}
MOST_WORST = 5
PAGE: Final = Path("docs") / "validation.md"
BEGIN, END = "<!-- scores -->", "<!-- /scores -->"
"""Lines of the page that the tables stand between."""
README: Final = Path("calibration") / "README.md"
README_BEGIN, README_END = "<!-- scores of DBOS -->", "<!-- /scores of DBOS -->"
README_METRICS = ("throughput", "latency.mean", "latency.p50", "latency.p99", "service.mean")


def block(scores: Mapping[str, Any]) -> str:
    """The tables of all systems that were scored, as Markdown."""
    lines = [line for name, product in PRODUCTS.items() if name in scores for line in _system(product, scores[name])]
    return "\n".join(lines).strip()


def _system(product: str, scored: Mapping[str, Any]) -> Iterator[str]:
    summary = scored["summary"]
    uses = [use for use in USES if use in summary]
    counts = {use: sum(_use(cell) == use for cell in scored["cells"].values()) for use in uses}
    heads = [head for use in uses for head in (f"{WORDS[use].lower()} ({counts[use]} cells)", "within")]
    yield f"| {product} | target | noise | {' | '.join(heads)} |"
    yield "|---|" + "--:|" * (2 + len(heads))
    for metric in dict.fromkeys(name for use in uses for name in summary[use]["metrics"]):
        if target_of(metric) is None and not metric.endswith("latency.p95") and metric != "aborts":
            continue
        yield f"| {metric} | {' | '.join(_row(metric, summary, uses))} |"
    yield ""
    for use in uses:
        yield from _intervals(use, summary[use]["intervals"])
    worst = [f"{one['cell']} {one['metric']} {signed(one['error'])}" for use in uses for one in summary[use]["worst"]]
    if worst:
        yield f"Worst: {'; '.join(worst[:MOST_WORST])}."
    for reason in scored["left_out"]:
        yield f"Not scored: {reason}."
    yield ""


def _use(cell: Mapping[str, Any]) -> str:
    return str(next(iter(cell.values()))["use"])


def _row(metric: str, summary: Mapping[str, Any], uses: list[Any]) -> Iterator[str]:
    target = target_of(metric)
    found = [summary[use]["metrics"].get(metric) for use in uses]
    noises = [one["noise"] for one in found if one is not None]
    yield "" if target is None else percent(target)
    yield percent(max(noises))
    for one in found:
        yield "" if one is None else f"{percent(one['median'])}, worst {percent(one['worst'])}"
        yield "" if one is None or one["within"] is None else f"{one['within']} of {one['cells']}"


def _intervals(use: str, intervals: Mapping[str, Any]) -> Iterator[str]:
    said = [
        f"{kind} {one['inside']} of {one['runs']} ({percent(one['share'])} +- {percent(one['error'])}), half-width "
        f"{percent(one['half_width'])}"
        for kind, one in intervals.items()
    ]
    if said:
        yield f"90 % intervals, {WORDS[use].lower()}, held: {'; '.join(said)}."
        yield ""


def held_out(scored: Mapping[str, Any]) -> str:
    """A short table of the held-out cells of one system, as Markdown."""
    cells = sum(_use(cell) == "held_out" for cell in scored["cells"].values())
    lines = [f"| held out, {cells} cells, {scored['runs']} runs of each | median | worst | within the target |"]
    lines.append("|---|--:|--:|--:|")
    for metric in README_METRICS:
        one = scored["summary"]["held_out"]["metrics"][metric]
        target = target_of(metric)
        within = "no target" if target is None else f"{one['within']} of {one['cells']} ({percent(target)})"
        lines.append(f"| {metric} | {percent(one['median'])} | {percent(one['worst'])} | {within} |")
    return "\n".join(lines)


def rewrite(root: Path) -> list[Path]:
    """Put the tables of the committed scores into the pages that have the lines for them; gives their paths."""
    scores = json.loads((root / SCORES).read_text(encoding="utf-8"))
    found = [_put(root / PAGE, BEGIN, END, block(scores))]
    if "held_out" in scores.get("dbos", {}).get("summary", {}):
        found.append(_put(root / README, README_BEGIN, README_END, held_out(scores["dbos"])))
    return [path for path in found if path is not None]


def _put(path: Path, begin: str, end: str, table: str) -> Path | None:
    """Put a table between two lines of a page; None where it lacks them."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begins, rest = text.partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        return None
    write_text(path, f"{before}{begin}\n\n{table}\n\n{end}{after}")
    return path
