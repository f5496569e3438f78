"""A command loads what it uses and nothing else. Each runs in a process of its own, which then tells its modules."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from sim.engine.plan import Plan
from sim.lower.load import load
from sim.stats.asked import HandOver
from sim.studies.run.asked import asked_of_runs

ROOT = Path(__file__).parent.parent.parent

RUNS_ONLY = {"numba", "llvmlite", "joblib", "simpy", "plotly", "jinja2", "pyarrow", "pandas", "scipy.stats"}
"""What takes long to load and serves runs and reports."""

OF_NO_USE = {"scipy.special", "numpy.f2py", "numpy.testing", "unittest"}
"""What SciPy would load around the functions that are taken of it."""

TELL = """
import json, sys
from sim.cli import main
from sim.cli.process import begin
begin()
code = main(sys.argv[1:], exit_after=False)
shape = sys.modules.get("sim.scenario.reading.shape")
shapes = shape.shape_of.cache_info().currsize if shape else 0
print(json.dumps({"code": code, "modules": sorted(sys.modules), "shapes": shapes}), file=sys.stderr)
"""


def told(*arguments: str) -> tuple[set[str], int]:
    """Modules that a command has loaded at its end, and the JSON Schemas that it has made."""
    ended = subprocess.run(
        [sys.executable, "-c", TELL, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = json.loads(ended.stderr.splitlines()[-1])
    assert found["code"] == 0, ended.stderr
    return set(found["modules"]), found["shapes"]


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_help_and_version_load_neither_numbers_nor_models(asked: str) -> None:
    modules, _ = told(asked)
    assert not modules & {*RUNS_ONLY, "numpy", "scipy", "yaml", "pydantic"}
    assert not [one for one in modules if one.startswith(("sim.scenario", "sim.network", "sim.lower", "sim.units"))]


def test_help_of_a_verb_loads_neither_numbers_nor_models() -> None:
    modules, _ = told("run", "--help")
    assert not modules & {*RUNS_ONLY, "numpy", "scipy", "yaml"}
    assert not [one for one in modules if one.startswith(("sim.scenario", "sim.network", "sim.lower", "sim.units"))]


def test_help_loads_no_parser_of_markdown_and_no_highlighter() -> None:
    modules, _ = told("--help")
    assert not modules & {"markdown_it", "pygments"}


@pytest.mark.parametrize("verb", ["", "run", "stability", "calibrate"])
def test_help_says_the_same_where_typer_loads_all_that_it_knows(verb: str) -> None:
    arguments = [verb, "--help"] if verb else ["--help"]
    quick, whole = (
        subprocess.run(
            [sys.executable, "-c", f"import sys{first}; from sim.cli import main; main()", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for first in ("", ", rich.markdown, rich.traceback")
    )
    assert quick == whole
    assert "Usage: sim" in quick


@pytest.mark.parametrize("config", ["configs/coinbase.yaml", "configs/sqlite.yaml", "configs/dbos.yaml"])
def test_checking_a_scenario_loads_nothing_that_runs_or_draws_one(config: str) -> None:
    modules, _ = told("check", config)
    assert not modules & {*RUNS_ONLY, *OF_NO_USE}
    assert not [one for one in modules if one.startswith(("sim.engine.fast", "sim.engine.reference"))]


@pytest.mark.parametrize("config", ["configs/coinbase.yaml", "configs/swf.yaml", "configs/netflix.yaml"])
def test_a_sound_scenario_needs_no_schema_of_what_could_be_written(config: str) -> None:
    _, shapes = told("check", config)
    assert shapes == 0


@pytest.mark.parametrize("config", ["configs/cron.yaml", "configs/uber-writes.yaml"])
def test_a_run_loads_neither_the_compiler_nor_what_only_draws_charts(config: str) -> None:
    modules, _ = told("run", config, "--json", "--no-fix", "--quiet")
    assert not modules & {"numba", "joblib", "simpy", "plotly", "jinja2", "pyarrow", "pandas", "scipy.stats"}
    assert not modules & OF_NO_USE


def test_checking_what_costs_nothing_loads_neither_prices_nor_statistics_of_runs() -> None:
    modules, _ = told("check", "configs/cron.yaml", "--json")
    assert not modules & {"sim.cost.catalogue", "sim.stats.summary", "sim.stats.overload", "importlib.metadata"}


def test_a_process_that_runs_for_another_loads_nothing_of_a_scenario() -> None:
    loaded = load(ROOT / "configs" / "cron.yaml")
    hand_over = HandOver(loaded.lowered.in_progress, asked_of_runs(loaded))
    sent = pickle.dumps((loaded.lowered.network, Plan(horizon_ns=10**6), hand_over))
    run = (
        "import json, pickle, sys; network, plan, hand_over = pickle.load(sys.stdin.buffer); "
        "from sim.engine.run import run_one; hand_over(run_one(network, plan)); print(json.dumps(sorted(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", run], input=sent, cwd=ROOT, capture_output=True, check=True)
    modules = set(json.loads(ended.stdout))
    assert "sim.stats.asked" in modules
    assert modules & {*RUNS_ONLY, *OF_NO_USE} <= {"llvmlite"}
    assert not [one for one in modules if one.startswith(("sim.scenario", "sim.lower", "sim.studies", "yaml"))]
