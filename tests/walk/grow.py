"""Scenarios grown from the seeds until they use everything: keys are added one after the other, where they are sound.

A key takes what its schema offers; where a valid value has to know what else is there, `values` has one. What the
checks of the house refuse is left out there and tried in another scenario.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.errors import InputErrors, Path
from sim.lower.load import _checked
from sim.scenario.reading.document import Document
from sim.scenario.reading.reader import load_yaml
from sim.scenario.reading.shape import ANY_NAME, Place
from tests.walk.uses import (
    NOTHING,
    SHAPE,
    Found,
    Use,
    choices,
    every_use,
    inside,
    mappings_in,
    model_of,
    models_below,
    uses_in,
)
from tests.walk.values import LIKE, VALUES, With

MOST_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Addition:
    """A key with a value, for a mapping at a place of a scenario."""

    path: Path
    use: Use
    options: tuple[With, ...]


@dataclass(slots=True)
class Grown:
    """Scenarios by name, as data, and why a use was refused wherever it was tried."""

    scenarios: dict[str, Any] = field(default_factory=dict)
    refused: dict[Use, str] = field(default_factory=dict)


def grown(seeds: Mapping[str, str], wanted: set[Use] | None = None, dice: random.Random | None = None) -> Grown:
    """Sound scenarios that use all that is wanted, as far as they can. dice: for another order of adding."""
    pending = set(every_use() if wanted is None else wanted)
    result = Grown()
    for name, text in seeds.items():
        seed = load_yaml(text, name)
        for number in range(MOST_ROUNDS):
            data = _with_all(seed, pending, result.refused, dice)
            new = pending & uses_in(data)
            if not new and number:
                break
            pending -= new
            result.scenarios[f"{name}-{number}"] = data
    for use in set(result.refused) - pending:
        del result.refused[use]
    return result


def _with_all(seed: Any, pending: set[Use], refused: dict[Use, str], dice: random.Random | None) -> Any:
    """The seed with as much added as it takes, level by level."""
    data, tried, given = copy.deepcopy(seed), set[tuple[Path, Use]](), set[tuple[Path, str]]()
    while True:
        left = pending - uses_in(data)
        batch = list(_additions(data, left, tried, given))
        if not batch:
            return data
        if dice is not None:
            dice.shuffle(batch)
        tried |= {(one.path, one.use) for one in batch}
        data = taken(data, batch, refused)
        given |= {(one.path, one.use.key) for one in batch if one.use in uses_in(data)}


def _additions(
    data: Any, left: set[Use], tried: set[tuple[Path, Use]], given: set[tuple[Path, str]]
) -> Iterator[Addition]:
    """What may be added next: of each mapping the keys that it has not, of each use the first place not tried yet."""
    told: set[Use] = set()
    models = {one.model for one in left}
    for found in mappings_in(data):
        keys: set[str] = set()
        wanted = [one for one in left if one.model == model_of(found.mapping)]
        # What has been used already, but would bring along what has not.
        wanted += [
            Use(model_of(found.mapping), key, NOTHING)
            for key in found.mapping["properties"]
            if key not in found.data and models & models_below(model_of(found.mapping), key)
        ]
        for use in sorted(wanted):
            if use in told or use.key in keys or (found.path, use) in tried or (found.path, use.key) in given:
                continue
            if use.key in found.data and use.choice == NOTHING:
                continue
            keys.add(use.key)
            told.add(use)
            yield Addition(found.path, use, tuple(options(found, use)))


def options(found: Found, use: Use) -> Iterator[With]:
    """Values that a key may be given, the best first."""
    model = use.model.partition("(")[0]
    if use.key == "name" and found.path:
        yield With("-".join(["at", *map(str, found.path)]))  # names of steps are apart
        return
    for name in (f"{model}.{use.key}:{use.choice}", f"{model}.{use.key}", f"*.{use.key}:{use.choice}", f"*.{use.key}"):
        known = VALUES.get(name)
        if known is not None:
            given = known if isinstance(known, tuple) else (known,)
            yield from (one if isinstance(one, With) else With(one) for one in given)
            return
    place = inside(found.mapping, use.key)
    if use.choice == NOTHING:
        yield With(value_of(place))
        return
    (value,) = {str(choice): choice for choice in choices(place) if str(choice) == use.choice}.values()
    yield With([value] if place.is_list and not any("enum" in one for one in place.alternatives) else value)


def value_of(place: Place, depth: int = 0) -> Any:
    """A value that may stand at a place, another one than its default."""
    one = place.alternatives[0]
    if one.get("x-kind") in LIKE:
        return LIKE[one["x-kind"]]
    if "enum" in one or "const" in one:
        return one.get("const", one.get("enum", [None])[-1])
    match one.get("type"):
        case "object" if "properties" in one:
            keys = one.get("required") or list(one["properties"])[:1]
            return {key: value_of(inside(one, key), depth + 1) for key in keys}
        case "object":
            entry = SHAPE.inside(Place(one, (one,)), ANY_NAME)
            return {} if entry is None else {"one": value_of(entry, depth + 1)}
        case "array":
            length = max(1, len(one.get("prefixItems", ())), one.get("minItems", 0))
            entries = [SHAPE.inside(Place(one, (one,)), index) for index in range(length)]
            return [value_of(entry, depth + 1) for entry in entries if entry is not None]
        case "boolean":
            return not place.about.get("default", False)
        case "integer":
            return max(2, int(one.get("minimum", 0)))
        case "number":
            return min(max(1.5, float(one.get("minimum", 0))), 0.5 + 0.5 * float(one.get("maximum", 2)))
    return "text"


def taken(data: Any, batch: Sequence[Addition], refused: dict[Use, str]) -> Any:
    """The scenario with those of the additions that are sound together."""
    with_all, whole = copy.deepcopy(data), True
    for one in batch:
        whole = whole and bool(one.options) and put(with_all, one, one.options[0])
    if whole and not problem_with(with_all):
        return with_all
    if len(batch) == 1:
        for option in batch[0].options:
            changed = copy.deepcopy(data)
            if put(changed, batch[0], option):
                said = problem_with(changed)
                if not said:
                    return changed
                refused[batch[0].use] = said
        return data
    half = len(batch) // 2
    return taken(taken(data, batch[:half], refused), batch[half:], refused)


def put(data: Any, one: Addition, option: With) -> bool:
    """Add a key to the data itself; False where a value given beside it has taken its place away."""
    place = data
    for key in one.path:
        try:
            place = place[key]
        except (KeyError, IndexError, TypeError):
            return False
    if not isinstance(place, dict):
        return False
    for key in option.without:
        place.pop(key, None)
    place[one.use.key] = copy.deepcopy(option.value)
    place |= copy.deepcopy(dict(option.beside))
    for path, value in option.around.items():
        *above, last = path.split(".")
        target = data
        for key in above:
            target = target.setdefault(key, {}) if isinstance(target, dict) else target[int(key)]
        if value is None:
            target.pop(last, None)
        else:
            target[last] = copy.deepcopy(value)
    return True


def problem_with(data: Any) -> str:
    """What the house's own checks say against a scenario, "" where it is sound."""
    try:
        _checked(Document("walk", "", data, {}))
    except InputErrors as error:
        first = error.problems[0]
        return f"{first.path}: {first.message}; {first.hint}"
    return ""
