"""Every example in a docstring of a closed form is run, and those of `sim.analytic` stay light to import."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import calibration.closed_forms
import sim.analytic
import tests.closed_forms

PACKAGES = (sim.analytic, calibration.closed_forms, tests.closed_forms)
MODULES = [
    f"{package.__name__}.{name}" for package in PACKAGES for _, name, _ in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_are_true(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_importing_the_closed_forms_imports_no_heavy_library():
    lines = [f"import {name}" for name in MODULES if not name.endswith(".estimate")]
    lines.append("import sys; print([m for m in ('scipy', 'numba', 'pandas', 'plotly') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
