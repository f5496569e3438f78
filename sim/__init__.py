"""Discrete-event capacity and cost simulator for durable-workflow platforms.

From Python: `load` a scenario, `predict` it, look at the summary and the bill. `sim.cli` is the same on the command
line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.studies.loading.load import load
    from sim.studies.run.study import Options, predict

__all__ = ["Options", "load", "predict"]
__version__ = "0.1.0"

_HOMES = {"load": "sim.studies.loading.load", "predict": "sim.studies.run.study", "Options": "sim.studies.run.study"}


def __getattr__(name: str) -> Any:
    """Public names, imported when they are first used: `sim check` should not wait for a compiler to load."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module `sim` has no attribute `{name}`")
