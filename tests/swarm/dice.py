"""Chance that is the same on every machine and version, and the features that a seed switches on. No network here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws from `Random.random` alone, the one method that Python promises never to change for a seed."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed).random

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self._random() < probability

    def between(self, least: int, greatest: int) -> int:
        """A whole number, both ends included."""
        return least + int(self._random() * (greatest - least + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[int(self._random() * len(choices))]

    def some(self, choices: Sequence[T], probability: float) -> list[T]:
        """Each with this probability, in order."""
        return [choice for choice in choices if self.chance(probability)]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys in proportion to its weight; needs one above 0."""
        left = self._random() * sum(weights.values())
        for choice, weight in weights.items():
            left -= weight
            if left < 0:
                return choice
        return next(choice for choice in reversed(list(weights)) if weights[choice] > 0)


class Swarm(Dice):
    """Dice of one seed that know which features it has. A feature's weight depends on the seed and its name alone."""

    def __init__(self, seed: int) -> None:
        super().__init__(f"network {seed}")
        self.seed = seed
        self._weights: dict[str, float] = {}

    def aside(self, name: str) -> Dice:
        """Dice of their own: whatever is drawn from them, the rest of the network stays as it is."""
        return Dice(f"{name} {self.seed}")

    @cached_property
    def share(self) -> float:
        """Share of the features that are switched on."""
        return Dice(f"share {self.seed}").pick((0.5, 0.65, 0.8, 0.9, 1.0))

    @cached_property
    def wildness(self) -> int:
        """How far apart the weights are, in doublings either way."""
        return Dice(f"wildness {self.seed}").pick((1, 2, 3))

    def weight(self, feature: str) -> float:
        """0 where the feature is switched off, else something from 1/8 to 8, or within narrower bounds."""
        if feature not in self._weights:
            dice = Dice(f"{feature} {self.seed}")
            on = dice.chance(self.share)
            self._weights[feature] = 2.0 ** dice.between(-self.wildness, self.wildness) if on else 0.0
        return self._weights[feature]

    def allows(self, feature: str) -> bool:
        """Whether to use the feature here: never where it is off, else more or less often by its weight."""
        weight = self.weight(feature)
        return weight > 0 and self.chance(weight / (1 + weight))

    def likely(self, feature: str) -> bool:
        """As `allows`, but at least every other time where the feature is on: for what others depend on."""
        weight = self.weight(feature)
        return weight > 0 and self.chance(max(0.5, weight / (1 + weight)))

    def choose(self, family: str, choices: Sequence[str], base: Mapping[str, float] | None = None) -> str:
        """One of the members of a family, each of which is a feature; any of them where all are off."""
        weights = {c: self.weight(f"{family}.{c}") * (base or {}).get(c, 1.0) for c in choices}
        return self.weighted(weights) if any(weights.values()) else self.pick(choices)
