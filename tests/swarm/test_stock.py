"""The event loop compiled by documented means of Numba only: equal to the reference engine on random networks.

Goal: a Numba without our private hooks still gives the same bits. Method: in a process of its own, with an empty disk
cache, the loop is compiled the stock way (about a minute of a processor) and compared like the usual one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NETWORKS = 100


@pytest.mark.long
def test_the_event_loop_compiled_without_private_hooks_gives_the_same_bits(tmp_path: Path) -> None:
    code = (
        "from tests.swarm.test_swarm import compared;"
        f"print(sum(events for events, _, _ in compared(range({NETWORKS}))))"
    )
    environment = {**os.environ, "SIM_STOCK_NUMBA": "1", "NUMBA_CACHE_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 100 * NETWORKS
    (made,) = (tmp_path / "durasim").glob("*/kernel-*")
    assert made.name.endswith("-stock.o")
