"""The presets' numbers as they are used: each one taken is noted as an assumption with its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sim.lower.lowered import Assumption
from sim.network.distributions import Distribution
from sim.scenario.presets import PRODUCTS, Constant, Transition, parsed, preset
from sim.scenario.scenario import Scenario


class Constants:
    """Looks constants up by `product.name`; what the scenario changes goes before the preset.

    `own`, where a part of the scenario tells it, stands for the constant, which is not looked up then.

    `noted` holds, in the order of first use, what was taken.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._constants: dict[str, Constant] = {}
        self._own: dict[str, Any] = {}
        self.noted: dict[str, Assumption] = {}
        for product in PRODUCTS:
            chosen = preset(product, getattr(scenario.presets, product))
            self._constants.update({constant.name: constant for constant in chosen.values()})
            for name, value in getattr(scenario.constants, product).items():
                self._own[f"{product}.{name}"] = value

    def number(self, name: str, own: int | None = None) -> int:
        """A time in ns or a count."""
        return cast(int, self._take(name)) if own is None else own

    def ratio(self, name: str, own: float | None = None) -> float:
        """A share, a rate a second, or a plain number."""
        return cast(float, self._take(name)) if own is None else own

    def is_on(self, name: str, own: bool | None = None) -> bool:
        """A switch."""
        return cast(bool, self._take(name)) if own is None else own

    def distribution(self, name: str, own: Distribution | None = None) -> Distribution:
        """A time that varies."""
        return cast(Distribution, self._take(name)) if own is None else own

    def transition(self, name: str) -> Transition:
        """What a state transition writes and reads."""
        return cast(Transition, self._take(f"temporal.{name}"))

    def record_assumption(self, what: str, value: str, source: str = "") -> None:
        """Note something that is assumed and is in no preset."""
        self.noted.setdefault(what, Assumption(what, value, source))

    def record_assumptions(self, assumed: Mapping[str, str]) -> None:
        """Note several things: what is assumed, and how it is."""
        for what, value in assumed.items():
            self.record_assumption(what, value)

    def disk(self, profile: str, key: str) -> Any:
        """What a hardware profile says of a disk: a distribution, or a plain number."""
        constant = preset("disk", profile)[key]
        self.record_assumption(f"{profile}: {constant.what}", constant.written, constant.origin)
        return constant.value

    def _take(self, name: str) -> Any:
        constant = self._constants[name]
        if name in self._own:
            value = self._own[name]
            self.noted.setdefault(name, Assumption(constant.what, str(value), "the scenario's own, under `constants`"))
            return parsed(constant.kind, value)
        self.noted.setdefault(name, Assumption(constant.what, constant.written, constant.origin))
        return constant.value
