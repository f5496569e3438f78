"""The ledger of an error budget as a figure, with the rate of each fault at which the verdict would turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sim.cost.propagate import complement, product, ratio, total
from sim.figure import Figure
from sim.plan.published.registry import LedgerOf, Loss
from sim.stats.budget import YEAR_S, Losses, lost_by_an_episode, rate_seen, turning_rate


def ledger(term: LedgerOf, calm: Figure, starts: Figure, seen: Sequence[Losses | None], bound: float | None) -> Figure:
    """The share that ends correctly in time.

    calm: that share without faults. starts: how many start a second. seen: what the runs say about each fault, None
    where a run came to no end. bound: what is claimed. The note tells each fault's part, and how often it may come
    until the verdict turns.
    """
    parts = [
        ratio(product(_rate(loss), _harm(loss, one), "1/s"), starts, "ratio")
        for loss, one in zip(term.losses, seen, strict=True)
    ]
    bad = total([complement(calm), *parts], "ratio")
    told = [_told(loss, part, bad, bound) for loss, part in zip(term.losses, parts, strict=True)]
    return replace(complement(bad), note="; ".join(told))


def _harm(loss: Loss, seen: Losses | None) -> Figure:
    return Figure.refused("", f"run {loss.run} came to no end") if seen is None else lost_by_an_episode(seen)


def _rate(loss: Loss) -> Figure:
    """How often it comes a second; where it was seen a few times, with what that leaves open (Jeffreys' prior)."""
    if loss.seen is None:
        assert loss.rate_per_s is not None, "checked"
        return Figure.exact(loss.rate_per_s, "1/s")
    count, watched_ns = loss.seen
    return rate_seen(count, watched_ns * 1e-9)


def _told(loss: Loss, part: Figure, bad: Figure, bound: float | None) -> str:
    rate = _rate(loss).value
    assert rate is not None
    often = f"{rate * YEAR_S:,.3g} a year"
    if part.value is None:
        return f"{loss.fault}, {often}: {part.note}"
    words = f"{loss.fault}, {often} ({loss.source}): {part.value:.2g} of all end badly by it"
    if part.high is not None:
        words += f", at most {part.high:.2g}"
    factor = None if bound is None else turning_rate(bound, bad, part)
    return words if factor is None else f"{words}; the verdict turns at {rate * YEAR_S * factor:,.3g} a year"
