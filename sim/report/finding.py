"""Overload and deadlock, the findings that go before every figure, in a sentence each."""

from __future__ import annotations

from sim.stats.overload import Overload
from sim.stats.standstill import Holder, Standstill
from sim.stats.summary import Summary
from sim.units import format_duration_s, format_rate

WORTH_TELLING = 0.01
"""Share of what is offered from which failures are told beside the growth."""


def findings_of(summary: Summary) -> list[str]:
    """The findings of a prediction, each with its full stop."""
    found = [f"{deadlock_sentence(one)}." for one in summary.standstills]
    if summary.overload is not None and summary.overload.overloaded:
        found.append(f"{overload_sentence(summary.overload)}.")
    return found


def overload_sentence(overload: Overload) -> str:
    """What is done of what is offered, and where the rest is: "OVERLOADED: 142 of 201/s are done, in-flight work grows
    by 59/s. No latency is steady"."""
    done, offered, growth = (one.value or 0.0 for one in (overload.done, overload.offered, overload.growth))
    failed = offered - done - growth
    parts = [f"OVERLOADED: {format_rate(done).removesuffix('/s')} of {format_rate(offered)} are done"]
    if overload.grows:
        parts.append(f"in-flight work grows by {format_rate(growth)}")
    if failed > WORTH_TELLING * offered:
        parts.append(f"{format_rate(failed)} fail or are turned away")
    return f"{', '.join(parts)}. {'No latency is steady' if overload.grows else 'Latency is that of what gets in'}"


def reason_of(overload: Overload) -> str:
    """Why an objective is not met, and a figure not given."""
    return "overloaded: no latency is steady" if overload.grows else "overloaded: less gets in than is offered"


def deadlock_sentence(found: Standstill) -> str:
    """A deadlock in one sentence: "DEADLOCK at 12.4 s in 3 of 8 runs: a holds x and waits for y; b holds ..."."""
    during = f" ({found.during})" if found.during else ""
    holders = "; ".join(map(_holder, found.holders))
    return f"DEADLOCK at {format_duration_s(found.at_s)} in {found.runs} of {found.of} runs{during}: {holders}"


def _holder(one: Holder) -> str:
    return f"{one.workflow} holds {' and '.join(one.holds) or 'nothing'} and waits for {one.waits_for}"
