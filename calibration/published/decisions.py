"""The recommendations of the case studies, made anew: which deployment for which load, decided by runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration.published.choose import Carried, Probe, Share, carried, chosen, probed
from calibration.published.registry import Choice, Decision, Registry
from sim.errors import InputErrors, Problem
from sim.lower.load import load
from sim.meant import meant
from sim.studies.run.study import Options, predict


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as it came out. carried: what each deployment carries, in the order named. shares: what to choose."""

    name: str
    requested: Decision
    carried: tuple[Carried, ...]
    shares: tuple[Share, ...]

    def to_json(self) -> dict[str, Any]:
        """The decision as data: rates are executions or rows a second."""
        return {
            "decision": self.name,
            "least_per_s": self.requested.least_per_s,
            "most_per_s": self.requested.most_per_s,
            "carried": [
                {
                    "run": one.name,
                    "usd_per_month": one.usd_per_month,
                    "holds_per_s": one.holds_per_s,
                    "fails_per_s": one.fails_per_s,
                    "why": one.why,
                }
                for one in self.carried
            ],
            "choose": [{"run": share.name, "until_per_s": share.until} for share in self.shares],
        }


def decisions_of(registry: Registry, only: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the decisions, or those of `only`. Raises InputErrors for names that there are not."""
    names = [name for behaviour in registry.behaviours for name in behaviour.decisions]
    problems = []
    for name in only:
        if name not in names:
            hint = meant(name, names, f"known: {', '.join(names) or 'none'}")
            problems.append(Problem("--only", f"is {name}, which is no decision", hint))
    if problems:
        raise InputErrors(problems)
    return tuple(name for name in names if not only or name in only)


def decide(
    name: str, registry: Registry, configs: Path, options: Options, tell: Callable[[str], None] = lambda _: None
) -> Decided:
    """Make a decision. Raises InputErrors for faulty scenarios."""
    (requested,) = (one.decisions[name] for one in registry.behaviours if name in one.decisions)

    def trier(choice: Choice) -> Callable[[float], Probe]:
        run = registry.runs[choice.run]

        def attempt(rate_per_s: float) -> Probe:
            tell(f"running {choice.run} at {rate_per_s:.4g}/s")
            return probed(
                predict(
                    load(configs / run.file, [*run.set, f"{choice.load}={choice.times * rate_per_s:g}/s"]), options
                )
            )

        return attempt

    found = tuple(
        carried(choice.run, trier(choice), requested.least_per_s, requested.most_per_s, requested.within)
        for choice in requested.choices
    )
    return Decided(name, requested, found, chosen(found))
