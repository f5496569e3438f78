"""`python -m tests.golden` compares everything with the golden files; with `freeze` it writes them anew, with
`freeze cern.yaml ..` those of some scenarios."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from sim.engine import fast
from sim.engine.reference import Engine
from sim.studies.run.study import predict
from tests.swarm.fitted import fitted

from .cases import (
    ARRIVALS,
    HERE,
    MOST_EVENTS,
    NETWORKS,
    SCENARIOS,
    Run,
    loaded,
    networks,
    of_network,
    of_scenario,
    scenarios,
    written,
)
from .columns import digests
from .compare import OPTIONS, Golden, compare_figures, compare_network, compare_scenario

ROOT = HERE.parents[1]
COUNT = 300
FIRST_SEED = 40_000
"""Seeds that no other test looks at."""


def freeze() -> None:
    """Write everything."""
    for folder in (NETWORKS, SCENARIOS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    shutil.copytree(ROOT / "configs", SCENARIOS, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.md"))
    shutil.copy(ROOT / "sim" / "scenario" / "template.yaml", SCENARIOS)
    for seed in range(FIRST_SEED, FIRST_SEED + COUNT):
        case, _ = fitted(seed)
        (NETWORKS / f"{seed}.yaml").write_text(written(case.document, case.plan, case.traces), encoding="utf-8")
    columns: dict[str, object] = {}
    for file in networks():
        columns[file.name] = {"run": _of(of_network(file))}
    figures: dict[str, object] = {}
    for file in scenarios():
        _freeze_scenario(file, columns, figures)
    _write("columns.json", columns)
    _write("figures.json", figures)


def freeze_again(names: Sequence[str]) -> None:
    """Write the columns and figures of these scenarios anew, from the files that are frozen already."""
    columns, figures = (
        json.loads((HERE / name).read_text(encoding="utf-8")) for name in ("columns.json", "figures.json")
    )
    for name in names:
        _freeze_scenario(SCENARIOS / name, columns, figures)
    _write("columns.json", columns)
    _write("figures.json", figures)


def _freeze_scenario(file: Path, columns: dict[str, object], figures: dict[str, object]) -> None:
    name, arrivals = file.relative_to(SCENARIOS).as_posix(), float(ARRIVALS)
    while True:
        runs = {run.name: _of(run) for run in of_scenario(file, arrivals)}
        if arrivals <= 3 or max(int(str(one["events"])) for one in runs.values()) <= MOST_EVENTS:
            break
        arrivals *= 0.6
    columns[name] = {"arrivals": arrivals, "runs": runs}
    print(name, arrivals, max(int(str(one["events"])) for one in runs.values()), flush=True)
    found = predict(loaded(file), OPTIONS).summary.metrics
    figures[name] = {metric: [one.value, one.low, one.high] for metric, one in found.items()}


def _of(run: Run) -> dict[str, object]:
    left = fast.run(run.network, run.plan, run.traces)
    found = digests(left)
    if left.events <= MOST_EVENTS:
        expected = digests(Engine(run.network, run.plan, run.traces).run())
        assert found == expected, run.name
    return {"events": left.events, "columns": found}


def _write(name: str, what: object) -> None:
    Path(HERE / name).write_text(json.dumps(what, indent=0) + "\n", encoding="utf-8")


def main() -> int:
    """Gives 1 where anything differs."""
    match sys.argv[1:]:
        case ["freeze"]:
            freeze()
            return 0
        case ["freeze", *names]:
            freeze_again(names)
            return 0
    golden = Golden.read()
    wrong = [line for file in networks() for line in compare_network(golden, file)]
    for file in scenarios():
        wrong += [*compare_scenario(golden, file), *compare_figures(golden, file)]
        print(file.relative_to(SCENARIOS), len(wrong), flush=True)
    print(*wrong, f"{len(wrong)} differences", sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
