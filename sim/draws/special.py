"""SciPy's special functions without all else that `scipy.special` loads: a fifth of its time.

Around its compiled functions SciPy puts layers for arrays of other libraries, for which it loads every part of NumPy,
its compiler of Fortran included. The functions are the same objects either way. Import this where they are used.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any

_NAMES = "bdtr betainc betainccinv betaincinv gammainccinv gammaincinv gammaln ndtr ndtri pdtr stdtrit"


def _functions() -> Any:
    """What has the functions: SciPy's compiled module, or `scipy.special` where that one is not as it was."""
    # In place of the package, for the moment, stands one that is empty: no other thread may see it.
    if "scipy.special" not in sys.modules and threading.active_count() == 1:
        spec = find_spec("scipy.special")
        assert spec is not None
        sys.modules["scipy.special"] = module_from_spec(spec)
        try:
            compiled = import_module("scipy.special._ufuncs")
        except ImportError:
            compiled = None
        finally:
            del sys.modules["scipy.special"]
        if all(hasattr(compiled, name) for name in _NAMES.split()):
            return compiled
    return import_module("scipy.special")


_found = _functions()
bdtr = _found.bdtr
betainc = _found.betainc
betainccinv = _found.betainccinv
betaincinv = _found.betaincinv
gammainccinv = _found.gammainccinv
gammaincinv = _found.gammaincinv
gammaln = _found.gammaln
ndtr = _found.ndtr
ndtri = _found.ndtri
pdtr = _found.pdtr
stdtrit = _found.stdtrit
