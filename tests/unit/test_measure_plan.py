"""The plan of what is measured: each cell's name says what it is, and cells to calibrate were measured elsewhere too.

Goal: no line of a measurement is filed under a wrong name, and no held-out cell is fitted to. Method: the plan itself.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from calibration.measure import plan, sheet
from calibration.measure.__main__ import SYSTEMS, cells_of, main, settings_of
from calibration.measure.dbos_cells import Queue
from calibration.measure.plan import Cell
from calibration.measure.postgres_cells import Closed, Contention, Open, Recovery, Service

EPYC = Path(__file__).parents[2] / "calibration/measured/epyc"

CELLS = list(plan.read().cells(SYSTEMS))
OF_PLAN = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)


@OF_PLAN
def test_the_settings_of_a_cell_are_those_of_its_kind(cell: Cell) -> None:
    assert cell.kind in cells_of(cell.system).KINDS
    settings_of(cell)


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.system != "temporal"], ids=lambda cell: cell.name)
def test_the_name_of_a_cell_says_its_settings(cell: Cell) -> None:
    match settings_of(cell):
        case Closed(script=script, clients=clients, synchronous_commit=on):
            name = f"a1-{script}-{on}-c{clients}"
        case Open(script=script, clients=clients, synchronous_commit=on, load_pct=load):
            name = f"a2-{script}-{on}-c{clients}-{load}"
        case Service(script="fdatasync_8k"):
            name = "a3-fsync"
        case Service(script=script, synchronous_commit=on):
            name = f"a3-{script}-{on}"
        case Recovery(load_s=load_s):
            name = f"a4-load{load_s}"
        case Contention(isolation=isolation, rows=rows, clients=clients):
            name = f"a5-{isolation.lower().replace(' ', '_')}-rows{rows}-c{clients}"
        case Queue(k=k, ms=ms, execs=execs, poll=poll, rate=rate, secs=secs):
            name = f"c-k{k}-ms{ms:g}-execs{execs}-poll{poll:g}-rate{rate:g}-secs{secs}"
        case other:
            raise AssertionError(f"what is the name of {other}?")
    assert cell.name == name


def test_names_are_of_one_cell_each() -> None:
    names = [cell.name for cell in CELLS]
    assert len(set(names)) == len(names)


def test_what_was_measured_elsewhere_is_to_calibrate_here() -> None:
    planned = {cell.name: cell.use for cell in CELLS}
    files = {cell.file for cell in CELLS}
    elsewhere = {line["id"].rpartition("-r")[0] for file in files for line in sheet.lines(EPYC / file)}
    assert {name for name in elsewhere if planned.get(name) == "held_out"} == set()


def test_an_open_loop_comes_after_the_closed_one_that_it_is_a_part_of() -> None:
    names = [cell.name for cell in CELLS]
    for cell in CELLS:
        settings = settings_of(cell)
        if isinstance(settings, Open):
            assert settings.saturation == f"a1-{settings.script}-{settings.synchronous_commit}-c{settings.clients}"
            assert names.index(settings.saturation) < names.index(cell.name)


def test_an_unknown_setting_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="clientz"):
        settings_of(CELLS[0].model_copy(update={"settings": {"script": "hold", "clientz": 1}}))


def test_a_pattern_that_matches_nothing_says_where_the_names_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["postgres", "--only", "a9-*"])
    assert "no cell's name matches 'a9-*'; --list names them all" in capsys.readouterr().err


def test_a_cell_without_a_use_is_told_with_the_file_and_not_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "plan.yaml"
    written.write_text("repeats: 1\npostgres: {x.jsonl: {kind: recovery, cells: {a4-load1: {load_s: 1}}}}\n")
    monkeypatch.setattr(plan, "PLAN", written)
    monkeypatch.setattr(plan.read, "__defaults__", (written,))
    with pytest.raises(SystemExit):
        main(["postgres"])
    complaint = capsys.readouterr().err
    assert "plan.yaml" in complaint
    assert "use" in complaint
