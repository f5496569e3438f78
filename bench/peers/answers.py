"""What every engine under measurement tells: one line of JSON, from which speed and answers are read.

An event is an arrival, a start or an end (or interruption) of a timed activity, a failure or a repair.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Responses = Sequence[float] | NDArray[np.float64]

LEFT_OUT = 0.1
"""Share of the responses, the first to end, that do not enter the answers: the models start empty."""


def answers_of(model: str, runs: Sequence[Responses]) -> tuple[float, float]:
    """Mean and p99 of the responses of all runs, each in the order of their ends, in seconds.

    All of them count in m4, where nobody waits and those that end first are the short ones.
    """
    import numpy as np  # after the run that was measured

    share = 0 if model == "m4" else LEFT_OUT
    told = np.concatenate([np.asarray(one, float)[int(share * len(one)) :] for one in runs])
    return float(told.mean()), float(np.quantile(told, 0.99))


def tell(model: str, jobs: int, seconds: float, events: int, *runs: Responses, **more: float) -> None:
    """Print the line. runs: the responses of each run."""
    mean, p99 = answers_of(model, runs)
    line = {"model": model, "jobs": jobs, "seconds": seconds, "events": events, "mean": mean, "p99": p99}
    print(json.dumps(line | more))


def asked() -> tuple[str, int, int, float]:
    """Model, number of jobs, seed and (of m4) how many are in flight, from the command line."""
    words = sys.argv[1:]
    return words[0], int(words[1]), int(words[2]), float(words[3]) if len(words) > 3 else 1e6
