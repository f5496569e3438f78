"""Every example in a docstring of `sim.analytic` is run, and the package stays light to import."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import sim.analytic

MODULES = [name for _, name, _ in pkgutil.iter_modules(sim.analytic.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_true(name):
    result = doctest.testmod(importlib.import_module(f"sim.analytic.{name}"))
    assert result.failed == 0


def test_importing_the_closed_forms_imports_no_heavy_library():
    lines = [f"import sim.analytic.{name}" for name in MODULES if name != "estimate"]
    lines.append("import sys; print([m for m in ('scipy', 'numba', 'pandas', 'plotly') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
