"""The compiled functions: equal to plain Python to the last bit, and never taken from a stale cache."""

from __future__ import annotations

import ast
import hashlib
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sampled import sample

from sim.draws import distributions as d
from sim.draws.inverse import exponential_ns, to_ns
from sim.draws.mathematics import exp, log, normal_inverse
from sim.draws.object_files import PACKAGE, folder_name, source_hash, sources
from sim.draws.philox import philox4x32
from sim.draws.sampler import Sampler
from sim.draws.streams import child_path, element_id, root_path, stream_key, uniform

FAMILIES = [
    d.constant(0.004),
    d.uniform(1.0, 2.0),
    d.exponential(0.07),
    d.lognormal_mean_cv(0.01, 1.0),
    d.truncated(d.lognormal_quantiles(0.01, 5.0, 0.99, 7200.0), 5.0, 7200.0),
    d.weibull(2.0, 0.7),
    d.pareto(1.0, 1.5),
    d.pareto(1.0, 1.5, 100.0),
    d.hyperexponential(1.0, 3.0),
    d.geometric(200.0),
    d.uniform_count(3, 8),
    d.poisson(12.5),
    d.empirical([1.0, 2.0, 9.0]),
    d.gamma(1.0, 0.5),
    d.mixture([0.9, 0.1], [d.gamma(1.0, 2.0), d.constant(60.0)]),
]


def digests() -> str:
    """Hashes of thousands of results of every public function, a line each."""
    scatter = [child_path(1, i) / 2.0**63 for i in range(400)]
    levels = [2.0**-53, 1e-300, 0.425, 0.075, 0.925, 0.5, 1.0 - 2.0**-53, *scatter]
    reals = [math.ldexp(2.0 * u - 1.0, int(u * 4e3) % 24 - 10) for u in scatter]
    key, path = stream_key(7, 3, "arrivals"), root_path(element_id("orders"), 12)
    lines = {
        "philox": [word for i in range(50) for word in philox4x32(i, 1, 2**32 - 1 - i, 3, 2**31 + i, 5)],
        "paths": [child_path(child_path(path, i), 2**40 + i) for i in range(200)],
        "uniform": [uniform(key, path, i) for i in range(200)],
        "log": [log(math.ldexp(u, int(u * 1e6) % 2000 - 1000)) for u in scatter] + [log(x) for x in (0.0, math.inf)],
        "exp": [exp(x) for x in (*reals, 709.7, 709.8, -745.0, -800.0, math.inf, 0.0)],
        "normal_inverse": [normal_inverse(u) for u in levels],
        "exponential_ns": [exponential_ns(key, path, i, 0.3) for i in range(200)],
        "to_ns": [to_ns(x) for x in (*reals, 0.5e-9, 1.5e-9, 1e12, math.inf)],
    }
    for number, inverse in enumerate(FAMILIES):
        table = np.array(inverse.table)
        numbers = inverse.kind, inverse.a, inverse.b, inverse.c, table, 0, len(table)
        lines[f"family {number}"] = [sample(*numbers, u) for u in levels if u >= 2.0**-53]
        lines[f"sampler {number}"] = [Sampler(inverse, key).ns(path, i) for i in range(20)]
    return "\n".join(f"{name} {_digest(values)}" for name, values in lines.items())


def _digest(values: list[float] | list[int]) -> str:
    packed = b"".join(struct.pack("<d", v) if isinstance(v, float) else struct.pack("<q", int(v)) for v in values)
    return hashlib.blake2b(packed, digest_size=8).hexdigest()


def _run(code: str, **env: str) -> str:
    environment = {**os.environ, "TMPDIR": env.get("NUMBA_CACHE_DIR", tempfile.gettempdir()), **env}
    command = [sys.executable, "-W", "error", *(["-c", code] if code else [__file__])]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_compiled_and_plain_functions_give_the_same_bits() -> None:
    plain = _run("", NUMBA_DISABLE_JIT="1")
    assert len(plain.splitlines()) == 8 + 2 * len(FAMILIES)
    assert _run("", NUMBA_DISABLE_JIT="0").splitlines() == plain.splitlines()


def test_draws_are_the_same_on_every_machine_and_python() -> None:
    # Changes here are changes of every simulated number: list them under "Numbers that change".
    key, path = stream_key(1, 0, "arrivals"), root_path(element_id("orders"), 0)
    assert (key, path) == (2483180239307707657, 7213197055443311337)
    assert [Sampler(inverse, key).ns(path, 1) for inverse in FAMILIES[:13]] == [
        4_000_000,
        1_020_840_378,
        1_474_242,
        1_297_388,
        10_130_346_019,
        8_053_568,
        1_014_139_432,
        1_014_125_042,
        11_743_614,
        5_000_000_000,
        3_000_000_000,
        6_000_000_000,
        1_041_680_756,
    ]


def test_without_compilation_numba_is_not_even_imported() -> None:
    code = "import sys, sim.draws.sampler; print('numba' in sys.modules)"
    assert _run(code, NUMBA_DISABLE_JIT="1") == "False"


def test_means_need_no_compiler() -> None:
    code = "import sys; from sim.draws import distributions as d; d.gamma(1, 2).scv(); d.pareto(1, 2).mean();"
    assert _run(code + "print('numba' in sys.modules, 'sim.draws.jit' in sys.modules)") == "False False"


def imported(path: Path) -> Iterator[str]:
    """Modules that a source imports when it is imported itself; `from a import b` may mean `a.b` too."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))


def sources_of(module: str) -> Iterator[Path]:
    """Sources that are run when a module is imported: its own, and those of the packages around it."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1) if parts[0] == "sim" else ():
        place = PACKAGE.parent.joinpath(*parts[:count])
        yield from (path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())


def test_the_key_covers_every_source_that_a_compiled_function_can_have_a_value_from() -> None:
    decorators = {"inner", "njit", "entry_of", "constants", "word", "signed"}
    reached = {
        path
        for path in PACKAGE.rglob("*.py")
        if decorators & {name.rpartition(".")[2] for name in imported(path) if name.startswith("sim.draws.jit.")}
    }
    assert PACKAGE / "engine" / "fast" / "kernel.py" in reached
    ahead = list(reached)
    while ahead:
        for module in imported(ahead.pop()):
            new = set(sources_of(module)) - reached
            reached |= new
            ahead += new
    assert PACKAGE / "network" / "policies.py" in reached  # TOKEN, in samples.py and budgets.py
    assert reached <= set(sources())


def test_the_key_changes_with_any_source_that_it_covers(tmp_path: Path) -> None:
    copy = tmp_path / "sim"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "assets"))
    before = source_hash(copy)
    assert source_hash(copy) == before
    found = {before}
    for name in ("draws/philox.py", "engine/fast/layout/world.py", "network/policies.py", "spec.py"):
        path = copy / name
        path.write_text(path.read_text() + "# edited\n")
        found.add(source_hash(copy))
    (copy / "engine" / "fast" / "more").mkdir()
    (copy / "engine" / "fast" / "more" / "new.py").write_text("")
    assert len(found | {source_hash(copy)}) == 6


CALL = "import sys; from sim.draws.streams import child_path as f; print(f(4, 5), 'numba' in sys.modules)"


def test_numba_is_loaded_to_compile_and_never_again(tmp_path: Path) -> None:
    expected = str(child_path(4, 5))
    assert _run(CALL, NUMBA_CACHE_DIR=str(tmp_path)).split() == [expected, "True"]
    (made,) = (tmp_path / "durasim" / folder_name()).iterdir()
    assert made.name.startswith("child_path-")
    assert _run(CALL, NUMBA_CACHE_DIR=str(tmp_path)).split() == [expected, "False"]


def test_importing_the_engine_compiles_and_loads_nothing(tmp_path: Path) -> None:
    code = "import sys, sim.engine.fast; print([name for name in ('numba', 'llvmlite') if name in sys.modules])"
    assert _run(code, NUMBA_CACHE_DIR=str(tmp_path)) == "[]"
    assert list(tmp_path.iterdir()) == []


def test_code_made_for_another_machine_is_not_loaded(tmp_path: Path) -> None:
    _run(CALL, NUMBA_CACHE_DIR=str(tmp_path))
    _run(CALL, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert len(list((tmp_path / "durasim" / folder_name()).iterdir())) == 2


@pytest.mark.parametrize("how", ["cut", "changed", "emptied", "without a hash"])
def test_code_on_disk_that_is_not_what_was_written_is_made_again(tmp_path: Path, how: str) -> None:
    expected = str(child_path(4, 5))
    assert _run(CALL, NUMBA_CACHE_DIR=str(tmp_path)).split() == [expected, "True"]
    (made,) = (tmp_path / "durasim" / folder_name()).iterdir()
    whole = made.read_bytes()
    middle = len(whole) // 2
    spoilt = {
        "cut": whole[:middle],
        "changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "emptied": b"",
        "without a hash": whole[32:],
    }
    made.write_bytes(spoilt[how])
    assert _run(CALL, NUMBA_CACHE_DIR=str(tmp_path)).split() == [expected, "True"]
    assert made.read_bytes() == whole
    assert _run(CALL, NUMBA_CACHE_DIR=str(tmp_path)).split() == [expected, "False"]


def test_processes_that_make_the_same_code_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", CALL]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert {one.communicate()[0].split()[0] for one in both} == {str(child_path(4, 5))}
    assert [one.returncode for one in both] == [0, 0]
    assert len(list((tmp_path / "durasim" / folder_name()).iterdir())) == 1


def test_a_disk_that_takes_no_code_costs_time_and_nothing_else(tmp_path: Path) -> None:
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); {CALL}"
    for _ in range(2):
        assert _run(full, NUMBA_CACHE_DIR=str(tmp_path)).split() == [str(child_path(4, 5)), "True"]
    assert list((tmp_path / "durasim" / folder_name()).iterdir()) == []


def test_processes_that_joblib_starts_find_the_code(tmp_path: Path) -> None:
    _run(CALL, NUMBA_CACHE_DIR=str(tmp_path))
    assert _run(CALL, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_NUM_THREADS="1").endswith("False")


def test_compiled_functions_take_the_numbers_of_numpy() -> None:
    assert child_path(np.int64(4), np.int64(5)) == child_path(4, 5)
    assert log(np.float64(2.0)) == log(2) == log(2.0)


if __name__ == "__main__":
    print(digests())
