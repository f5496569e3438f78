"""`--set X.arrivals=0/s` asks for a scenario without X: everything else is still predicted, in every configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.analytic.estimate import estimate
from sim.cli import main
from sim.errors import InputErrors
from sim.lower.load import load
from sim.network.sources import lets_nothing_in
from sim.scenario.reading.reader import read
from sim.studies.loading.inputs import check_inputs

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "configs").rglob("*.yaml"))


def loads(file: Path) -> list[str]:
    """Paths of everything that arrives in a scenario."""
    data = read(file).data
    sections = [(name, data.get(name)) for name in ("workflows", "queries")]
    sections.append(("network.sources", data.get("network", {}).get("sources")))
    return [f"{name}.{one}.arrivals" for name, some in sections for one in some or {} if "arrivals" in some[one]]


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])
def test_each_load_alone_can_be_set_to_0_unless_nothing_else_arrives(file: Path) -> None:
    paths = loads(file)
    for path in paths:
        try:
            loaded = load(file, [f"{path}=0/s"])
        except InputErrors as error:
            (problem,) = error.problems
            assert problem.path.startswith(path)
            assert "nothing" in problem.message
            assert problem.hint
            assert len(paths) == 1
            continue
        check_inputs(loaded)
        assert estimate(loaded.lowered.network).rates_per_s
        source = loaded.lowered.network.sources[path.split(".")[-2]]
        assert lets_nothing_in(source.arrivals)


QUEUES = """\
name: two queues
network:
  nodes: {pods: {count: 2}}
  sources:
    orders: {routine: order, arrivals: 20/s}
    returns: {routine: back, arrivals: 5/s}
  resources: {slots: {nodes: pods, units: 4}}
  stations: {db: {servers: 2, service: {exponential: 50 ms}}}
  routines:
    order: [{acquire: slots}, {use: db}, {release: slots}]
    back: [{use: db}]
  faults: {crash: {targets: [{group: pods, nodes: [0]}], at: 5 s, duration: 2 s}}
objectives:
  - {metric: latency.order.mean, below: 1 s}
  - {metric: latency.back.mean, below: 1 s}
run: {horizon: 20 s, warmup: 2 s, replications: 2, drill_window: 10 s}
"""


@pytest.mark.parametrize("silent", ["orders", "returns"])
@pytest.mark.parametrize(
    "verb", ["check", "run", "run --engine reference", "drill --fault crash -n 2", "explain", "explain --execution 0"]
)
def test_every_verb_takes_a_load_of_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, silent: str
) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(QUEUES)
    name, *options = verb.split()
    if name in ("run", "drill"):
        options += ["--report", str(tmp_path / "page.html"), "--processes", "1"]
    code = main([name, str(file), "--set", f"network.sources.{silent}.arrivals=0/s", *options], exit_after=False)
    assert (code, capsys.readouterr().err.count("Traceback")) == (0, 0)


def test_a_scenario_in_which_nothing_arrives_is_refused_with_what_to_do() -> None:
    sets = [f"network.sources.{name}.arrivals=0/s" for name in ("orders", "returns")]
    with pytest.raises(InputErrors, match="give this source, or another, a rate"):
        load(QUEUES, sets)
