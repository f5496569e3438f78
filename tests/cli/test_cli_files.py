"""What a command reads it never overwrites; what it cannot write is told as such, before it runs where that can be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from a_command import QUEUE, SHOP, Command

from sim.engine.fast import FastEngine
from sim.lower.load import load
from sim.studies.loading.inputs import check_inputs

TRACED = QUEUE.replace("arrivals: 5/s", "arrivals: {trace: arrivals.csv}")


def sim(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    command = [sys.executable, "-m", "sim", *arguments]
    return subprocess.run(command, text=True, stderr=subprocess.PIPE, check=False, **more)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FastEngine, "run", lambda *_: pytest.fail("something ran"))


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize("how", ["name", "other name", "link", "hard link"])
@pytest.mark.parametrize("which", ["scenario.yaml", "arrivals.csv"])
def test_a_report_does_not_take_the_place_of_what_the_run_reads(command: Command, how: str, which: str) -> None:
    command.file("0.5\n1.5\n", "arrivals.csv")
    command.file(TRACED)
    path = command.folder / which
    name = {"name": path, "other name": command.folder / "gone" / ".." / which}.get(how, command.folder / "name")
    if how == "link":
        name.symlink_to(path)
    elif how == "hard link":
        name.hardlink_to(path)
    elif how == "other name":
        (command.folder / "gone").mkdir()
    before = path.read_bytes()
    ended = command.run(TRACED, "--report", str(name))
    assert (ended.code, ended.out) == (2, "")
    assert f"--report\n    `{name}` is read by this command and would be overwritten" in ended.err
    assert path.read_bytes() == before


@pytest.mark.usefixtures("nothing_runs")
def test_columns_do_not_take_the_place_of_what_the_run_reads_or_of_the_report(command: Command) -> None:
    out = command.folder / "out"
    out.mkdir()
    file = command.file(QUEUE)
    (out / "timelines.csv").symlink_to(file)
    ended = command.sim("run", file, "--out", str(out), "--report", str(out / "executions.csv"))
    assert (ended.code, ended.out) == (2, "")
    assert f"--out\n    `{out}/timelines.csv` is read by this command" in ended.err
    assert f"--out\n    `{out}/executions.csv` would be written twice" in ended.err
    assert Path(file).read_text() == QUEUE


@pytest.mark.usefixtures("nothing_runs")
@pytest.mark.parametrize(
    "verb",
    [("drill", "--fault", "crash"), ("stability", "--fault", "crash"), ("error-budget",)],
    ids=lambda verb: verb[0],
)
def test_no_verb_with_a_page_overwrites_its_scenario(command: Command, verb: tuple[str, ...]) -> None:
    file = command.file(SHOP)
    ended = command.sim(*verb, file, "--report", file)
    assert (ended.code, ended.out) == (2, "")
    assert "would be overwritten" in ended.err
    assert Path(file).read_text() == SHOP


def test_fits_and_scenarios_do_not_take_the_place_of_the_log(command: Command) -> None:
    text = "start_s,latency_ms\n" + "".join(f"{i},{5 + i % 7}\n" for i in range(200))
    log = command.file(text, "log.csv")
    for option in ("--write", "--scenario"):
        ended = command.sim("calibrate", log, option, log)
        assert (ended.code, ended.out) == (2, "")
        assert f"{option}\n    `{log}` is read by this command" in ended.err
    assert Path(log).read_text() == text


@pytest.mark.usefixtures("nothing_runs")
def test_fits_do_not_take_the_place_of_the_study_or_its_data(command: Command) -> None:
    study = Path("calibration/studies/postgres.yaml")
    before = study.read_bytes()
    ended = command.calibration("study", str(study), "--out", str(study))
    assert (ended.code, ended.out) == (2, "")
    assert "--out\n" in ended.err
    assert "would be overwritten" in ended.err
    assert study.read_bytes() == before


# -- the disk ----------------------------------------------------------------------------------------------


def test_output_that_a_full_disk_does_not_take_is_bad_luck_and_no_mistake_of_ours(command: Command) -> None:
    file = command.file(QUEUE)
    with open("/dev/full", "w") as full:
        ended = sim("check", file, stdout=full)
    assert ended.returncode == 2
    assert ended.stderr == "the output\n    cannot be written: the disk is full\n"


@pytest.mark.parametrize("option", ["--report", "--out"])
def test_a_disk_that_fills_up_leaves_the_old_files_and_is_told_as_such(command: Command, option: str) -> None:
    file, into = command.file(QUEUE), command.folder / "into"
    assert sim("run", file, option, str(into), "--quiet", stdout=subprocess.DEVNULL).returncode == 0
    paths = [into] if into.is_file() else sorted(into.iterdir())
    before = [(path, path.read_bytes()) for path in paths]
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); from sim.cli import main;"
        "main(sys.argv[1:])"
    )
    command_line = [sys.executable, "-c", code, "run", file, option, str(into), "--quiet"]
    ended = subprocess.run(command_line, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.endswith("\n    cannot be written: file too large\n")
    assert "report this" not in ended.stderr
    assert [(path, path.read_bytes()) for path in (paths if into.is_dir() else [into])] == before


@pytest.mark.parametrize("error", ["ENOSPC", "EDQUOT", "EROFS", "EACCES", "EISDIR"])
def test_what_the_machine_refuses_is_never_called_a_mistake_of_ours(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    import errno

    number = getattr(errno, error)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(number, os.strerror(number))))
    ended = command.sim("init", str(command.folder / "mine.yaml"))
    assert (ended.code, ended.out) == (2, "")
    assert "mine.yaml\n    cannot be written: " in ended.err
    assert "report this" not in ended.err
    assert list(command.folder.iterdir()) == []


def test_a_reader_that_has_gone_away_changes_no_exit_code(command: Command) -> None:
    good, bad = command.file(QUEUE), command.file("name: 1\n", "bad.yaml")
    for file, code in ((good, 0), (bad, 2)):
        read, write = os.pipe()
        os.close(read)
        command_line = [sys.executable, "-m", "sim", "check", file]
        assert subprocess.run(command_line, stdout=write, stderr=write, check=False).returncode == code
        os.close(write)


# -- traces ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["check", "run"])
@pytest.mark.parametrize("path", ["../../../../../../../../etc/passwd", "/etc/passwd", "link", "links/passwd"])
def test_a_trace_outside_of_the_scenarios_folder_is_refused_and_not_told(
    command: Command, verb: str, path: str
) -> None:
    (command.folder / "link").symlink_to("/etc/passwd")
    (command.folder / "links").symlink_to("/etc")
    ended = command.sim(verb, command.file(QUEUE.replace("arrivals: 5/s", f"arrivals: {{trace: {path}}}")))
    assert (ended.code, ended.out) == (2, "")
    assert "lies outside of the scenario's folder" in ended.err
    assert "root" not in ended.err.replace(str(command.folder), "")


def test_nothing_of_a_file_that_is_no_trace_is_told(command: Command) -> None:
    command.file("secret of line 1\nsecret of line 2\n", "arrivals.csv")
    ended = command.sim("check", command.file(TRACED))
    assert ended.code == 2
    assert "arrivals.csv:2:1" in ended.err
    assert "secret" not in ended.err


def test_a_pipe_as_a_trace_is_refused_and_not_waited_for(command: Command) -> None:
    os.mkfifo(command.folder / "arrivals.csv")
    ended = command.sim("check", command.file(TRACED))
    assert ended.code == 2
    assert "is no regular file" in ended.err


@pytest.mark.parametrize("text", ["0.5\n1.5\n", "\N{BOM}0.5\n1.5\n", '\N{BOM}"0.5",x\r\n"1.5",y\r\n', "s\n0.5\n1.5\n"])
def test_a_byte_order_mark_does_not_cost_the_first_arrival(command: Command, text: str) -> None:
    command.file(text, "arrivals.csv")
    assert check_inputs(load(command.file(TRACED))) == {"jobs": [500_000_000, 1_500_000_000]}


@pytest.mark.parametrize("time", ["inf", "nan", "1e300", "-1e300", "9" * 400])
def test_a_time_that_no_run_reaches_is_refused(command: Command, time: str) -> None:
    command.file(f"s\n{time}\n", "arrivals.csv")
    ended = command.sim("check", command.file(TRACED))
    assert ended.code == 2
    assert "arrivals.csv:2:1" in ended.err
