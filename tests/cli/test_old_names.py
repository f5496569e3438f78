"""Names of the last version work in this one, with one line that says the new name; they do what the new ones do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sim
from sim.cli import main
from sim.cli.old_names import moved
from sim.errors import InputErrors, RenamedWarning

SLOW = """
name: slow
network:
  sources: {jobs: {routine: job, arrivals: 50/s}}
  stations: {server: {servers: 1, service: {exponential: 10 ms}}}
  routines: {job: [{use: server}]}
run: {warmup: 1 s, horizon: 5 s, replications: 5}
cures:
  faster: {network.stations.server.service.exponential: 5 ms}
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    file = tmp_path / "slow.yaml"
    file.write_text(SLOW)
    return file


@pytest.mark.filterwarnings("always::sim.errors.RenamedWarning")
def test_cures_of_a_file_and_the_option_cure_are_mitigations(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["run", str(old), "--cure", "faster", "--json", "--quiet"], exit_after=False)
    printed = capsys.readouterr()
    assert code == 0
    assert printed.err.splitlines() == [
        "`--cure` is now called `--mitigation`",
        f"{old}:8: `cures` is now called `mitigations`",
    ]
    scenario = json.loads(printed.out)
    assert scenario["renamed"] == {"cure": "mitigation"}
    assert scenario["scenario"]["cure"] == scenario["scenario"]["mitigation"] == "faster"


@pytest.mark.filterwarnings("ignore::sim.errors.RenamedWarning")
def test_an_old_verb_says_what_it_is_called_now(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["ledger", str(old)], exit_after=False)
    assert code == 2  # there is nothing at random in it
    assert capsys.readouterr().err.splitlines()[0] == "`ledger` is now called `error-budget`"


def test_a_mistake_below_an_old_key_is_told_at_its_place_under_the_new_name(old: Path) -> None:
    old.write_text(SLOW.replace("5 ms}", "5}"))
    with pytest.warns(RenamedWarning, match="`cures` is now called `mitigations`"), pytest.raises(InputErrors) as told:
        sim.load(old)
    assert str(told.value).startswith(f"{old}:9:57  mitigations.faster.network.stations.server.")


def test_both_names_at_once_are_refused(old: Path) -> None:
    old.write_text(f"{SLOW}mitigations: {{}}\n")
    with pytest.raises(InputErrors, match="is `mitigations` under its old name, and both are there"):
        sim.load(old)


@pytest.mark.filterwarnings("ignore:.*`cures`:sim.errors.RenamedWarning")
def test_an_assignment_and_a_call_from_python_may_use_the_old_name(old: Path) -> None:
    with pytest.warns(RenamedWarning, match="`cure` is now called `mitigation`"):
        assert sim.load(old, cure="faster").mitigation == "faster"
    with pytest.warns(RenamedWarning, match="--set cures.faster"):
        sim.load(old, ["cures.faster={run.seed: 2}"])


def test_verbs_of_the_laboratory_are_run_there_inside_of_a_checkout(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", "theory", "--only", "M/M/7", "--quiet"], exit_after=False)
    first, *rest = capfd.readouterr().err.splitlines()
    assert code == 2
    assert first == "this is now called `python -m calibration validate theory --only M/M/7 --quiet`"
    assert any("no case is named M/M/7" in line for line in rest)


def test_outside_of_a_checkout_they_say_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["calibrate", "pg.yaml", "--check"], exit_after=False) == 2
    assert capsys.readouterr().err == (
        "sim calibrate\n"
        "    is now `python -m calibration study pg.yaml --check`, which is in the repository and not in the package\n"
        "    call it inside of a checkout of the repository\n\n"
        "1 problem; nothing was run.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "there"),
    [
        ("validate figures --json", "validate figures --json"),
        ("calibrate pg.yaml --only a1-* --check", "study pg.yaml --only a1-* --check"),
        ("calibrate --max-evaluations 3 pg.yml", "study --max-evaluations 3 pg.yml"),
        ("calibrate log.gz --scenario out.yaml", None),
        ("calibrate --scenario out.yaml log.gz", None),
        ("calibrate a.json --like my.yaml", None),
        ("calibrate", None),
        ("run pg.yaml", None),
    ],
)
def test_a_study_is_told_from_a_log_by_its_one_yaml_file(arguments: str, there: str | None) -> None:
    assert moved(arguments.split()) == (None if there is None else there.split())
