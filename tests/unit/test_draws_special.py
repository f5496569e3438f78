"""SciPy's special functions are SciPy's, whichever way they are found."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALONE = "from sim.draws import special as ours; import sys; assert 'scipy.special' not in sys.modules"
AMONG_THREADS = """
import sys, threading
let_go = threading.Event()
threading.Thread(target=let_go.wait).start()
from sim.draws import special as ours
let_go.set()
assert 'scipy.special' in sys.modules
"""
AFTER_SCIPY = "import scipy.special; from sim.draws import special as ours"
SAME = """
import scipy.special, scipy.stats
assert all(getattr(ours, name) is getattr(scipy.special, name) for name in ours._NAMES.split())
assert scipy.special.logsumexp([0.0, 0.0]) > 0.69 and scipy.stats.nbinom.cdf(3, 5, 0.2) > 0.01
"""


@pytest.mark.parametrize("first", [ALONE, AMONG_THREADS, AFTER_SCIPY])
def test_special_functions_are_those_of_scipy_and_leave_it_whole(first: str) -> None:
    subprocess.run([sys.executable, "-c", f"{first}\n{SAME}"], check=True)
