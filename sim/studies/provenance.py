"""What ran where, and how long it took: beside figures, never part of them."""

from __future__ import annotations

import platform
from importlib.metadata import version

VERSION = "0.1.0"


def provenance(engine: str, wall_s: float) -> dict[str, object]:
    """The engine, the time that it took, and the versions of what computed."""
    return {
        "engine": engine,
        "wall_s": round(wall_s, 3),
        "versions": {
            "durasim": VERSION,
            "python": platform.python_version(),
            **{name: version(name) for name in ("numba", "numpy", "pydantic", "scipy", "simpy")},
        },
    }
