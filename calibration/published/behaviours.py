"""A behaviour on and off under common random numbers: whether turning it off moves its metric, and where to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from calibration.published.asking import Switch, is_of_drills
from calibration.published.registry import Registry
from sim.figure import Figure
from sim.lower.load import load
from sim.stats.intervals import mean_interval
from sim.studies.compare.study import compare
from sim.studies.run.study import Options, Prediction, predict

VIOLATIONS = "violations."


@dataclass(frozen=True, slots=True)
class Effect:
    """What turning a behaviour off did. difference: off - on, paired by replication."""

    difference: Figure
    direction: str

    @property
    def shows(self) -> bool:
        """Whether the whole interval lies on the side that was named beforehand."""
        if self.difference.low is None or self.difference.high is None:
            return False
        return self.difference.low > 0 if self.direction == "up" else self.difference.high < 0


class Effects:
    """Effects of switches; those of one run after the other share the run that has everything."""

    def __init__(self, registry: Registry, configs: Path, options: Options) -> None:
        self.registry = registry
        self.configs = configs
        self.options = options
        self._last: tuple[str, Prediction] | None = None

    def of(self, switch: Switch, both: Sequence[str] = ()) -> Effect:
        """Run with the design and without it, and take the difference. both: changes to either run.

        Raises InputErrors for faulty scenarios.
        """
        drills = is_of_drills(switch.metric)
        key = f"{switch.run} {both} {drills}"
        if self._last is None or self._last[0] != key:
            self._last = (key, self._predict(switch.run, both, drills))
        with_it, without = self._last[1], self._predict(switch.run, [*both, *switch.remove], drills)
        if switch.metric.startswith(VIOLATIONS):
            return Effect(_violations(with_it, without, switch.metric.removeprefix(VIOLATIONS)), switch.direction)
        return Effect(compare(with_it, without, switch.metric).difference, switch.direction)

    def _predict(self, name: str, changes: Sequence[str], drills: bool) -> Prediction:
        run = self.registry.runs[name]
        return predict(load(self.configs / run.file, [*run.set, *changes]), replace(self.options, drills=drills))


def _violations(with_it: Prediction, without: Prediction, monitor: str) -> Figure:
    """The difference of the shares of executions that were seen to break a monitor, replication by replication."""
    shares = []
    for prediction in (with_it, without):
        of_each = []
        for run in prediction.replications:
            # Where nobody looks, nothing is found.
            found = next((one for one in run.monitors if one.name == monitor), None)
            told = 0 if found is None else found.checked + found.violated
            of_each.append(found.violated / told if found is not None and told else 0.0)
        shares.append(of_each)
    return mean_interval([off - on for on, off in zip(*shares, strict=True)], "ratio", 0.95)
