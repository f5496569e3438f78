"""A small network that a closed form or a Markov chain is known of. The cases stand in the files beside this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """A network in YAML, run from empty for `window_s` after `warmup_s`; theory: value of each metric. source: of the
    formula; it is told in full where the formula is."""

    name: str
    source: str
    network: str
    warmup_s: float
    window_s: float
    theory: Callable[[], Mapping[str, float]]
