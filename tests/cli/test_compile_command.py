"""`sim compile`, and the machine code that it makes for the wheel: equal to the reference engine to the last bit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from a_command import Command

from sim.cli.study import compile_engine
from sim.draws import jit, object_files
from sim.draws.object_files import LEVEL, PACKAGE, PORTABLE, has_level_system

ROOT = PACKAGE.parent
NETWORKS = 200


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and a compiler that gives something at once."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(object_files.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(object_files, "_refused", {})
    monkeypatch.setattr(jit, "COMPILED", True)
    monkeypatch.setattr(jit, "maker", lambda: lambda entry: f"code of {entry.name}".encode())
    return tmp_path


def test_it_says_what_it_did_how_long_it_took_and_where_that_is(command: Command, kept: Path) -> None:
    ended = command.sim("compile")
    place = kept / "durasim" / object_files.folder_name()
    assert re.fullmatch(rf"compiled for this processor in \d+ s; kept in {re.escape(str(place))}\n", ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert object_files.native("kernel") == b"code of kernel"
    assert object_files.native("uniform") == b"code of uniform"


def test_it_says_so_where_that_is_done_already(command: Command, kept: Path) -> None:
    command.sim("compile")
    place = kept / "durasim" / object_files.folder_name()
    assert command.sim("compile").out == f"compiled for this processor already; kept in {place}\n"


def test_it_compiles_for_this_processor_though_code_for_any_came_with_the_package(
    command: Command, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_files, "PORTABLE", kept)
    object_files.write_portable(kept, "kernel", b"for any")
    assert command.sim("compile").out.startswith("compiled for this processor in ")
    assert object_files.found("kernel") == b"code of kernel"


def test_it_says_where_the_code_is_if_the_cache_takes_nothing(
    command: Command, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kept / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(kept / "file" / "cache"))
    out = command.sim("compile").out
    assert re.fullmatch(
        r"compiled for this processor in \d+ s; .* cannot be written \(not a directory\): kept in .*\n", out
    )
    assert object_files.native("kernel") == b"code of kernel"


def test_a_run_that_compiles_says_in_the_same_line_that_the_cache_takes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.engine.run.must_be_compiled", lambda engine: True)
    for remark, end in (("", "s"), ("X cannot be written: kept in Y", "s; X cannot be written: kept in Y")):
        monkeypatch.setattr("sim.engine.run.compile_now", lambda remark=remark: remark)
        compile_engine("fast", quiet=False)
        told = capsys.readouterr().err.splitlines()
        assert told == ["compiling the engine, once on this machine: about 20 s", f"compiled in 0 {end}"]


def test_without_compilation_there_is_nothing_to_do(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "COMPILED", False)
    assert command.sim("compile").out == "nothing is compiled: NUMBA_DISABLE_JIT is set\n"


def test_code_for_any_processor_of_a_level_is_made_on_a_machine_of_its_kind(
    command: Command, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_files, "has_level_system", lambda: False)
    ended = command.sim("compile", "--portable", str(kept))
    assert ended.code == 2
    assert f"--portable\n    is for Linux on {LEVEL}, which this machine is not\n" in ended.err


def test_the_wheel_takes_the_machine_code_and_the_repository_does_not() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folder = PORTABLE.relative_to(ROOT).as_posix()
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["artifacts"] == [f"{folder}/*.o"]
    assert f"sim compile --portable {folder}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"/{folder}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.long
@pytest.mark.skipif(not has_level_system(), reason="the package brings code for Linux on x86-64")
def test_the_code_in_the_wheel_is_what_the_sources_give_and_gives_the_same_bits(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__", PORTABLE.name))
    (tmp_path / "cache").mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "SIM_STOCK_"))}
    cache = {name: str(tmp_path / "cache") for name in ("NUMBA_CACHE_DIR", "TMPDIR")}
    environment = {**inherited, **cache, "PYTHONPATH": os.pathsep.join(map(str, (tmp_path, ROOT)))}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-W", "error", *arguments]
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    folder = tmp_path / "sim" / PORTABLE.name
    assert run("-m", "sim", "compile", "--portable", str(folder)).startswith(f"compiled for any {LEVEL} in ")
    code = (
        "import sys; from sim.draws import jit, object_files as o; from tests.swarm.test_swarm import compared;"
        f"print(sum(events for events, _, _ in compared(range({NETWORKS}))), 'numba' in sys.modules, o.PORTABLE);"
        "print(*(entry.name for entry in jit._all() if o.found(entry.name) is not None))"
    )
    compared, names = run("-c", code).splitlines()
    events, is_compiled, used = compared.split()
    assert int(events) > 100 * NETWORKS
    assert (is_compiled, used) == ("False", str(folder))
    assert sorted(names.split()) == sorted(path.stem for path in folder.iterdir()) != []
    assert list((tmp_path / "cache").iterdir()) == []
