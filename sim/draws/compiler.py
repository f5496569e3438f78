"""The way in which machine code is made: decided in this file and nowhere else, without Numba as long as that can be.

| way | of Numba it uses | made by | the event loop is compiled in |
|---|---|---|---|
| HOOKS, the usual one | private hooks, tested with the versions in TESTED | `compiler_hooks` | 28 s of a processor |
| STOCK | what its manual documents, of any version | `compiler_stock` | 45 s of a processor |

Both give the same bits. A run takes 0.96 to 1.10 times as long in STOCK as in HOOKS (M1 to M3 of `configs/network`,
CPU time, medians of 9 ratios; Numba 0.68.1, 2026-12-02). STOCK is taken where SIM_STOCK_NUMBA=1 asks for it; with a
warning, where the Numba that is installed was not tested, or lacks a hook. SIM_STOCK_NUMBA=0 takes HOOKS with any
version, to test a new one. What either way has made lies on disk under a name of its own.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HOOKS, STOCK = "hooks", "stock"

TESTED = ((0, 68), (0, 69))
"""The first minor version of Numba with which the hooks are tested, and the first with which they are not."""

_told = os.environ.get("SIM_STOCK_NUMBA", "")
_missing: list[str] = []
"""Why the hooks cannot be used, once Numba was asked."""


def version_file(library: str) -> bytes:
    """Where a library of the compiler, numba or llvmlite, says which version of it is installed: bytes of its source.

    Finds the library and does not import it.
    """
    found = find_spec(library)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("_version.py").read_bytes()


@cache
def _untested() -> str:
    """Why the installed version of Numba is not trusted to have the hooks; empty where it is."""
    found = re.search(rb'"version": "((\d+)\.(\d+)[^"]*)"', version_file("numba"))
    if found is None:
        return "the version of Numba cannot be told"
    if TESTED[0] <= (int(found[2]), int(found[3])) < TESTED[1]:
        return ""
    (low, high), text = (f"{major}.{minor}" for major, minor in TESTED), found[1].decode()
    return f"Numba {text} is outside of the tested range, >={low},<{high}"


def way() -> str:
    """HOOKS or STOCK: the way of this process, as far as it can be told while Numba has not been imported."""
    if _told == "":
        return STOCK if _untested() or _missing else HOOKS
    return STOCK if _told != "0" or _missing else HOOKS


@cache
def maker() -> Callable[[Any], bytes]:
    """What makes the machine code of an entry (`sim.draws.jit.Entry`) in the way of this process. Numba is imported.

    Warns where that way is STOCK and nobody has asked for it.
    """
    if way() == HOOKS:
        try:
            # The file looks up every hook, so that one which is missing is missed here and not halfway.
            from sim.draws.compiler_hooks import object_code  # only where it is taken

            return object_code
        except (ImportError, AttributeError) as error:
            _missing.append(f"Numba lacks a private hook ({error})")
    from sim.draws.compiler_stock import object_code as stock  # only where it is taken

    if _told in ("", "0"):
        why = "".join(_missing) or _untested()
        text = f"{why}: compiled by what its manual documents, to the same bits in twice the time"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    return stock
