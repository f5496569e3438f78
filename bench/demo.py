"""What a newcomer waits for: `make demo` on a fresh clone with empty caches: `python bench/demo.py [ROUNDS]`.

Python's environment is created, what runs is installed from the package index that pip is set to, the engine is
compiled, the demo is simulated and its report written. Only pip's own cache is as it stands. CPU time is of all
processes that it starts.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def demo() -> tuple[float, float]:
    """Wall and CPU seconds of one."""
    with tempfile.TemporaryDirectory(prefix="bench-demo-") as folder:
        clone, caches = Path(folder) / "clone", Path(folder) / "caches"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        changed = {name: str(caches / name) for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", *changed)}
        pip = subprocess.run(
            [sys.executable, "-m", "pip", "cache", "dir"], capture_output=True, text=True, check=True
        ).stdout.strip()
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            ["make", "demo"], cwd=clone, env=kept | changed | {"PIP_CACHE_DIR": pip}, capture_output=True, check=True
        )
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        assert (clone / "out" / "coinbase.html").exists(), "the demo wrote no report"
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(words: list[str]) -> None:
    """Print a line for each round."""
    for _ in range(int(words[0]) if words else 1):
        wall, cpu = demo()
        print(f"make demo on a fresh clone: {wall:.1f} s of wall time, {cpu:.1f} s of CPU", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
