"""A command starts without what costs time and serves nobody in a process that soon ends."""

from __future__ import annotations

import gc
import os


def begin() -> None:
    """Before anything heavy is imported."""
    # What is made while modules are imported lives to the end, and is much: the collector would walk it again and
    # again, for an eighth of the time to the first result, and find nothing.
    gc.disable()
    # NumPy's linear algebra would start a thread for each core, for the few small matrices that there are.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # pydantic would read what every installed package says of itself, to find plugins for its models.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def settle() -> None:
    """Before the work: what is there by now stays and is never looked at again; what the work leaves is collected."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def end() -> None:
    """Before the interpreter ends: it would look for circles in all that is left, which goes with the process."""
    gc.disable()
    gc.freeze()
