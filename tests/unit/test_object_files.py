"""Machine code on disk: which is taken, which is left alone, and where it goes when the cache takes nothing.

Method: a copy of the package, in which the code of one small function came with it, is run in processes of their own.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim.draws import object_files
from sim.draws.object_files import LEVEL_SETTINGS, PACKAGE, PORTABLE, has_level_system
from sim.draws.streams import child_path

ROOT = PACKAGE.parent
CALL = "import sys; from sim.draws.streams import child_path as f; print(f(4, 5), 'numba' in sys.modules)"
LOADED, COMPILED = f"{child_path(4, 5)} False", f"{child_path(4, 5)} True"

FOUND = "from sim.draws import object_files as o; print(o.found('child_path') is not None)"

only_where_it_fits = pytest.mark.skipif(not has_level_system(), reason="the package brings code for Linux on x86-64")


def run(code: str, sources: Path, **env: str) -> str:
    """What a program prints that has `sim` from a folder of sources."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "SIM_STOCK_"))}
    environment = {**inherited, "PYTHONPATH": str(sources), **env}
    command = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(command, cwd=sources, env=environment, check=True, capture_output=True, text=True)
    return ended.stdout.strip()


# -- what came with the package ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the package as a wheel installs it, with the machine code of two small functions."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(PACKAGE, folder / "sim", ignore=shutil.ignore_patterns("__pycache__", "assets", PORTABLE.name))
    code = (
        "from sim.draws import jit, object_files as o; from sim.draws.compiler import maker;"
        "from sim.draws.streams import child_path, root_path;"
        "[o.write_portable(o.PORTABLE, one.name, maker()(one)) for one in (child_path, root_path)]"
    )
    run(code, folder, **LEVEL_SETTINGS)
    return folder


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An empty cache, and no temporary files."""
    return {"NUMBA_CACHE_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}


@only_where_it_fits
def test_code_that_came_with_the_package_is_loaded_where_the_cache_has_none(
    installed: Path, env: dict[str, str], tmp_path: Path
) -> None:
    assert run(CALL, installed, **env) == LOADED
    assert list(tmp_path.iterdir()) == []


@only_where_it_fits
def test_code_made_for_this_processor_comes_before_what_came_with_the_package(
    installed: Path, env: dict[str, str]
) -> None:
    keep = "from sim.draws import object_files as o; o.keep('child_path', b'for this one');"
    assert run(f"{keep} print(o.found('child_path'))", installed, **env) == "b'for this one'"


@only_where_it_fits
@pytest.mark.parametrize("how", ["cut", "changed", "emptied", "of another function", "gone"])
def test_a_file_that_came_with_the_package_and_is_not_what_it_was_is_left_alone(
    installed: Path, env: dict[str, str], tmp_path: Path, how: str
) -> None:
    folder = installed / "sim" / PORTABLE.name
    whole, middle = (folder / "child_path.o").read_bytes(), 200
    spoilt = {
        "cut": whole[:middle],
        "changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "emptied": b"",
        "of another function": (folder / "root_path.o").read_bytes(),
    }
    copy = tmp_path / "sim"
    shutil.copytree(installed / "sim", copy)
    (copy / PORTABLE.name / "child_path.o").unlink()
    if how in spoilt:
        (copy / PORTABLE.name / "child_path.o").write_bytes(spoilt[how])
    assert run(FOUND, tmp_path, **env) == "False"


@only_where_it_fits
@pytest.mark.parametrize("source", ["draws/philox.py", "engine/fast/kernel.py", "network/policies.py"])
def test_code_that_came_with_other_sources_is_left_alone(
    installed: Path, env: dict[str, str], tmp_path: Path, source: str
) -> None:
    shutil.copytree(installed / "sim", tmp_path / "sim")
    assert run(FOUND, tmp_path, **env) == "True"
    edited = tmp_path / "sim" / source
    edited.write_text(edited.read_text() + "# edited\n")
    assert run(FOUND, tmp_path, **env) == "False"


OLDER = "import llvmlite.binding as l; has = dict(l.get_host_cpu_features()); has['{}'] = False;"
OLDER += "l.get_host_cpu_features = lambda: type('', (dict,), dict(flatten=str))(has);"


@only_where_it_fits
@pytest.mark.parametrize("feature", ["avx2", "bmi2", "fma", "sse4.2"])
def test_a_processor_that_lacks_an_instruction_compiles_its_own(
    installed: Path, env: dict[str, str], feature: str
) -> None:
    assert run(OLDER.format(feature) + FOUND, installed, **env) == "False"


@only_where_it_fits
@pytest.mark.parametrize("setting", ["NUMBA_CPU_NAME=generic", "NUMBA_OPT=1", "SIM_STOCK_NUMBA=1"])
def test_who_tells_numba_how_to_compile_gets_what_it_compiles(
    installed: Path, env: dict[str, str], setting: str
) -> None:
    name, _, value = setting.partition("=")
    assert run(FOUND, installed, **env, **{name: value}) == "False"


# -- a cache that takes nothing ----------------------------------------------------------------------------


@pytest.fixture
def closed(tmp_path: Path) -> dict[str, str]:
    """A cache that cannot be made, below a file, and an empty folder for temporary files."""
    (tmp_path / "file").write_text("")
    (tmp_path / "tmp").mkdir()
    return {"NUMBA_CACHE_DIR": str(tmp_path / "file" / "cache"), "TMPDIR": str(tmp_path / "tmp")}


KEEP = "import sys, subprocess; from sim.draws import object_files as o; o.keep('one', b'code');"
FIND = "from sim.draws import object_files as o; print(o.found('one'))"
TELL = "print(o.remark('one'))"


def test_where_the_cache_takes_nothing_one_process_compiles_and_the_others_find_it(
    closed: dict[str, str], tmp_path: Path
) -> None:
    assert run(CALL, ROOT, **closed) == COMPILED
    assert run(CALL, ROOT, **closed) == LOADED


def test_the_user_is_told_where_machine_code_is_kept_if_not_in_the_cache(
    closed: dict[str, str], tmp_path: Path
) -> None:
    told = run(KEEP + TELL, ROOT, **closed)
    (own,) = (tmp_path / "tmp").iterdir()
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    cache, name = tmp_path / "file" / "cache", object_files.folder_name()
    assert told == f"{cache / 'durasim' / name} cannot be written (not a directory): kept in {own / name}"
    assert run(f"{FIND}; {TELL}", ROOT, **closed) == "b'code'"  # and nothing is told


@pytest.mark.parametrize("theirs", ["open to others", "a link", "a file"])
def test_a_temporary_folder_that_others_may_have_made_is_not_trusted(
    closed: dict[str, str], tmp_path: Path, theirs: str
) -> None:
    run(KEEP, ROOT, **closed)
    (own,) = (tmp_path / "tmp").iterdir()
    if theirs == "open to others":
        own.chmod(0o770)
    else:
        own.rename(tmp_path / "elsewhere")
        own.symlink_to(tmp_path / "elsewhere") if theirs == "a link" else own.write_text("")
    assert run(FIND, ROOT, **closed) == "None"
    child = f"print(subprocess.check_output([sys.executable, '-c', {FIND!r}], text=True).strip());"
    handed_on, told = run(KEEP + child + TELL, ROOT, **closed).splitlines()
    assert handed_on == "b'code'"
    assert told.endswith(" while this command runs")
    assert list((tmp_path / "tmp").iterdir()) == [own]


def test_code_in_a_cache_that_takes_no_more_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    object_files.keep("here", b"code")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("utime", "mkdir", "open"):
        monkeypatch.setattr(object_files.os, name, refuse)
    assert object_files.found("here") == b"code"


def test_folders_of_versions_unused_for_a_month_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    for name, days in (("old", 31), ("recent", 29)):
        folder = tmp_path / "durasim" / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - days * 86_400,) * 2)
    object_files.keep("here", b"code")
    left = sorted(path.name for path in (tmp_path / "durasim").iterdir())
    assert left == sorted([object_files.folder_name(), "recent"])
