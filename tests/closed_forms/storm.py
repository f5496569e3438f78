"""A retry storm in the fluid limit: clients give up waiting and ask again, servers do the work all the same.

The trigger is a pause of the servers. What chance adds, and what retries do below a storm, is for the engine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from calibration.closed_forms.bisection import increasing_root


@dataclass(frozen=True, slots=True)
class Storm:
    """Requests at `rate_per_s` to servers that together do `capacity_per_s` of them, first come first served.

    A client waits `timeout_s` and then asks again at once, `attempts` times in all, then it gives up. Servers do not
    see that a client is gone: every attempt takes a whole service. Waits are the queue over the capacity.

    Sources: Bronson, Aghayev, Charapko and Zhu, Metastable Failures in Distributed Systems (HotOS 2021); the fluid
    equations are balances of work.
    """

    rate_per_s: float
    capacity_per_s: float
    timeout_s: float
    attempts: int

    def __post_init__(self) -> None:
        assert self.rate_per_s > 0, self
        assert self.capacity_per_s > 0, self
        assert self.timeout_s > 0, self
        assert self.attempts >= 1, self

    @property
    def load(self) -> float:
        """Offered load over capacity while nobody asks twice.

        >>> Storm(40.0, 100.0, 1.0, 4).load
        0.4
        """
        return self.rate_per_s / self.capacity_per_s

    @property
    def keeps_itself_up(self) -> bool:
        """Whether overload sustains itself: every attempt is too late, and all of them are more than can be done.

        >>> [Storm(rate, 100.0, 1.0, 4).keeps_itself_up for rate in (24.0, 26.0)]
        [False, True]
        """
        return self.load * self.attempts > 1

    def backlog_after(self, pause_s: float) -> float:
        """Attempts that wait when servers that have been paused for so long go on; the queue was empty before.

        Those who came t before the end have asked min(attempts, 1 + floor(t / timeout)) times.

        >>> Storm(40.0, 100.0, 1.0, 3).backlog_after(2.5)        # 40 x (2.5 + 1.5 + 0.5)
        180.0
        """
        return self.rate_per_s * sum(max(pause_s - again * self.timeout_s, 0.0) for again in range(self.attempts))

    def back_after_s(self, pause_s: float) -> float:
        """Time from the end of the pause until nobody waits longer than the timeout; infinite in a storm.

        While waits are longer than the timeout each client asks `attempts` times; those who came during the pause have
        done so only in part, and ask the rest of their times later. What is in line then falls by the capacity and
        grows by attempts x rate. A pause that nobody times out in is over at once.

        >>> round(Storm(20.0, 100.0, 1.0, 4).back_after_s(3.0), 3)     # a line of 120 down to 100, by 20 a second
        1.0
        >>> Storm(26.0, 100.0, 1.0, 4).back_after_s(6.0)
        inf
        """
        waiting, allowed, passed = self.backlog_after(pause_s), self.capacity_per_s * self.timeout_s, 0.0
        first = min(self.attempts, 1 + math.floor(pause_s / self.timeout_s))
        for asking in range(first, self.attempts + 1):
            # So many times has everybody asked who is asking, until those who came first ask once more.
            lasts = asking * self.timeout_s - pause_s - passed if asking < self.attempts else math.inf
            falls = self.capacity_per_s - asking * self.rate_per_s
            if waiting <= allowed:
                return passed
            if falls > 0 and (waiting - allowed) / falls <= lasts:
                return passed + (waiting - allowed) / falls
            waiting -= falls * lasts
            passed += lasts
        return math.inf

    def least_load_kept_up(self, pause_s: float, limit_s: float) -> float:
        """The least load from which waits are not back within the timeout `limit_s` after the pause.

        It is at most 1/attempts, where overload keeps itself up for ever, and less where draining takes the limit.

        >>> round(Storm(1.0, 100.0, 1.0, 4).least_load_kept_up(6.0, 1e9), 6)
        0.25
        """

        def too_late_by(load: float) -> float:
            return replace(self, rate_per_s=load * self.capacity_per_s).back_after_s(pause_s) - limit_s

        return increasing_root(too_late_by, 1.0)
