"""The reference engine: SimPy, process style. It walks the Network itself, and is written to be read aloud."""

from sim.engine.reference.engine import Engine

__all__ = ["Engine"]
