"""The two ways of compiling: both give the same bits, each has its own files on disk, and when which one is taken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from sim.draws.compiler import TESTED
from sim.draws.streams import child_path

ROOT = Path(__file__).parents[2]
DIGESTS = ROOT / "tests" / "unit" / "test_draws_jit.py"
PATCHED = "import sim.draws.compiler as ways; ways.TESTED = ((0, 1), (0, 2))\n"
"""As if the installed version of Numba had not been tested."""
CALL = "import sys; from sim.draws.streams import child_path as f; print(f(4, 5), 'numba' in sys.modules)"


def run(code: str | Path, **env: str) -> tuple[str, list[str]]:
    """What a program prints, and the warnings that it gives."""
    command = [sys.executable, *(["-c", code] if isinstance(code, str) else [str(code)])]
    found = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "SIM_STOCK_NUMBA": "", "PYTHONPATH": os.pathsep.join(found), **env}
    environment["TMPDIR"] = env.get("NUMBA_CACHE_DIR", tempfile.gettempdir())
    ended = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return ended.stdout.strip(), [line for line in ended.stderr.splitlines() if "Warning" in line]


def names(cache: Path) -> list[str]:
    """Names of the files on disk: `stock` or nothing after what they are called and made for."""
    made = [path.name for folder in (cache / "durasim").iterdir() for path in folder.iterdir()]
    return sorted(re.sub(r"-[0-9a-f]{12}", "", name) for name in made)


def test_both_ways_give_the_same_bits_of_every_draw() -> None:
    usual, _ = run(DIGESTS, SIM_STOCK_NUMBA="0")
    assert len(usual.splitlines()) > 30
    assert run(DIGESTS, SIM_STOCK_NUMBA="1") == (usual, [])  # asked for: no warning


def test_what_either_way_has_made_is_found_again_and_not_taken_for_the_other(tmp_path: Path) -> None:
    expected = str(child_path(4, 5))
    for imported in ("True", "False"):
        for way in ("0", "1"):
            printed, _ = run(CALL, SIM_STOCK_NUMBA=way, NUMBA_CACHE_DIR=str(tmp_path))
            assert printed.split() == [expected, imported]
    assert names(tmp_path) == ["child_path-stock.o", "child_path.o"]


@pytest.mark.parametrize(
    ("module", "hook"),
    [
        ("numba.core.compiler", "CompilerBase"),
        ("numba.core.compiler_machinery", "PassManager"),
        ("numba.core.typed_passes", "PreLowerStripPhis"),
    ],
)
def test_where_numba_lacks_a_hook_the_stock_way_is_taken_with_a_warning(
    module: str, hook: str, tmp_path: Path
) -> None:
    for _ in range(2):  # also when it is on disk
        printed, warned = run(f"import {module} as m; del m.{hook}\n{CALL}", NUMBA_CACHE_DIR=str(tmp_path))
        assert printed.split()[0] == str(child_path(4, 5))
        assert len(warned) == 1
        assert f"RuntimeWarning: Numba lacks a private hook (module '{module}' has no attribute '{hook}')" in warned[0]
    assert names(tmp_path) == ["child_path-stock.o"]


def test_an_untested_version_is_used_the_stock_way_with_a_warning_when_it_compiles(tmp_path: Path) -> None:
    expected = str(child_path(4, 5))
    printed, warned = run(PATCHED + CALL, NUMBA_CACHE_DIR=str(tmp_path))
    assert printed.split() == [expected, "True"]
    assert len(warned) == 1
    assert re.search(r"RuntimeWarning: Numba \S+ is outside of the tested range, >=0\.1,<0\.2: ", warned[0])
    assert names(tmp_path) == ["child_path-stock.o"]
    printed, warned = run(PATCHED + CALL, NUMBA_CACHE_DIR=str(tmp_path))
    assert (printed.split(), warned) == ([expected, "False"], [])


def test_the_hooks_can_be_asked_for_with_an_untested_version(tmp_path: Path) -> None:
    printed, warned = run(PATCHED + CALL, NUMBA_CACHE_DIR=str(tmp_path), SIM_STOCK_NUMBA="0")
    assert (printed.split(), warned) == ([str(child_path(4, 5)), "True"], [])
    assert names(tmp_path) == ["child_path.o"]


def test_without_compilation_no_way_is_taken() -> None:
    printed, warned = run(PATCHED + CALL, NUMBA_DISABLE_JIT="1", SIM_STOCK_NUMBA="1")
    assert (printed.split(), warned) == ([str(child_path(4, 5)), "False"], [])


def test_the_tested_versions_are_those_that_may_be_installed() -> None:
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (low, high) = (f"{major}.{minor}" for major, minor in TESTED)
    assert f"numba>={low},<{high}" in needs
    locked = re.search(r"^numba==(\d+)\.(\d+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked is not None
    assert (int(locked[1]), int(locked[2]) + 1) == TESTED[1]
