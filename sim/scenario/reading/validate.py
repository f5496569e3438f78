"""A `Document` into a model: every mistake at once, each with its place, what was found and what to write instead.

pydantic finds the mistakes. Here they are put into the words of the house: no names of classes, no types of
Python, one problem for one mistake even where a value could have been several things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, core_schema

from sim.errors import InputErrors, Path, Problem, dotted
from sim.meant import bare, nearest
from sim.scenario.reading.document import Document
from sim.scenario.reading.other_words import VALUES, ours_for
from sim.scenario.reading.schema import paste
from sim.scenario.reading.shape import Place, Schema, Shape, expected, shape_of, with_article, words
from sim.spec import Spec, key_of
from sim.units import Mistake, show_value, write_bytes, write_duration_ns

_KEY = "[key]"
"""How pydantic marks, at the end of a location, that the key is wrong and not its value."""

_TRUTHS = frozenset({"0", "1", "f", "t", "n", "y", "no", "yes", "off", "on", "false", "true"})
"""The words that pydantic takes as a truth, in small letters."""

Model = TypeVar("Model", bound=BaseModel)


def validate(document: Document, model: type[Model]) -> Model:
    """The document as `model`.

    Raises InputErrors with everything that the reader and the model found wrong, in the order of the file.
    """
    translator = _Translator(document, model)
    # By alias only: the attribute's name, with its unit, is for Python code.
    try:
        value = model.model_validate(document.data, by_alias=True, by_name=False)
        found = [] if _is_as_given(document.data, value) else translator.coerced()
    except ValidationError as error:
        found = [*translator.problems(error), *translator.coerced()]
        assert found, "whatever pydantic refuses is told to the user"
    # Of one value one thing is said, first what the reader said: what it put in its place may be wrong as well.
    told = {problem.path for problem in document.problems}
    problems = [*document.problems, *(problem for problem in found if problem.path not in told)]
    if problems:
        in_file = sorted(dict.fromkeys(problems), key=lambda one: (one.file != document.file, one.line, one.column))
        raise InputErrors(in_file)
    return value


def _is_as_given(data: Any, value: Any) -> bool:
    """Whether it is plain that pydantic took nothing as a truth that is none, and no truth as a number."""
    if not _may_be_coerced(data):
        return True
    if isinstance(value, Spec):
        if not isinstance(data, dict):
            return bool(value.plain_value_is) and _is_as_given({value.plain_value_is: data}, value)
        fields = type(value).model_fields.items()
        value = {field.alias or key_of(name): getattr(value, name) for name, field in fields}
    if isinstance(data, dict):
        return isinstance(value, dict) and all(key in value and _is_as_given(data[key], value[key]) for key in data)
    if isinstance(data, list):
        same_length = isinstance(value, tuple | list) and len(value) == len(data)
        return same_length and all(map(_is_as_given, data, value))
    return isinstance(value, bool) == isinstance(data, bool)


def _may_be_coerced(data: Any) -> bool:
    """Whether there is anything in the data that pydantic could take as a truth or, being one, as a number."""
    if isinstance(data, dict | list):
        return any(map(_may_be_coerced, data.values() if isinstance(data, dict) else data))
    return data in (0, 1) or (isinstance(data, str) and data.lower() in _TRUTHS)  # true is 1, and 1.0 is, too


@dataclass(frozen=True, slots=True)
class _Found:
    """One mistake as pydantic sees it: its kind, numbers that belong to it, the value, pydantic's words, and
    whether it is the key at the end of the path that is wrong and not the value.
    """

    path: Path
    kind: str
    context: Mapping[str, Any]
    value: Any
    said: str = ""
    is_key: bool = False


@dataclass(slots=True)
class _Branch:
    """Mistakes by place: at this value, in its entries, and by which alternative of a union was tried."""

    here: list[_Found] = field(default_factory=list)
    entries: dict[str | int, _Branch] = field(default_factory=dict)
    tried: dict[str | int, _Branch] = field(default_factory=dict)


class _Translator:
    def __init__(self, document: Document, model: type[BaseModel]) -> None:
        self._document = document
        self._model = model
        self._meant: set[Path] = set()

    @property
    def _shape(self) -> Shape:
        """Made only where something is wrong, or may be: it takes longer than all of the validation."""
        return shape_of(self._model)

    def problems(self, error: ValidationError) -> list[Problem]:
        """One problem for every mistake."""
        root = _Branch()
        for details in error.errors(include_url=False):
            self._file_under(root, details)
        settled = [found for found in self._settled(root, ()) if not self._is_consequence(found)]
        # Where the name itself is wrong, what stands under it is not looked at.
        misnamed = {found.path for found in settled if found.is_key}
        settled = [one for one in settled if one.is_key or not any(one.path[: len(key)] == key for key in misnamed)]
        # The unknown keys first: what one of them was probably meant to be is not missing as well.
        settled.sort(key=lambda found: found.kind != "extra_forbidden")
        return [self._problem(found) for found in settled if found.path not in self._meant]

    def coerced(self) -> list[Problem]:
        """Values that pydantic takes although they are of another kind: true for a number, 1 for true."""
        return list(self._coerced((), self._document.data, self._shape.root))

    def _coerced(self, path: Path, data: Any, place: Place | None) -> Iterator[Problem]:
        if place is None:
            return
        kinds = {one.get("type") for one in place.alternatives}
        if isinstance(data, dict | list):
            for key, entry in data.items() if isinstance(data, dict) else enumerate(data):
                yield from self._coerced((*path, key), entry, self._shape.inside(place, key))
            return
        is_truth = isinstance(data, bool)
        wants_truth, wants_number = kinds == {"boolean"}, bool(kinds) and kinds <= {"integer", "number"}
        if data is not None and (wants_number if is_truth else wants_truth):
            yield self._no_fit(path, place)

    def _is_consequence(self, found: _Found) -> bool:
        """Whether a list is called too short only because pydantic did not count its faulty entries."""
        data = self._value(found.path)
        return found.kind == "too_short" and isinstance(data, list) and len(data) >= found.context["min_length"]

    def _file_under(self, root: _Branch, details: ErrorDetails) -> None:
        """Sorts one mistake into the tree.

        pydantic's location mixes keys of the file with names of union members that it tried; what is no key of the
        data at that place must be the latter.
        """
        branch, data = root, self._document.data
        path: Path = ()
        steps = details["loc"]
        for index, step in enumerate(steps):
            is_missing_key = details["type"] == "missing" and index == len(steps) - 1
            is_key = isinstance(data, dict) and step in data and not _is_tag(data, *steps[index : index + 2])
            if is_missing_key or is_key:
                data = data.get(step) if isinstance(data, dict) else None
            elif isinstance(data, list) and isinstance(step, int) and step < len(data):
                data = data[step]
            else:
                branch = branch.tried.setdefault(step, _Branch())
                continue
            path = (*path, step)
            branch = branch.entries.setdefault(step, _Branch())
        context, said, is_name = details.get("ctx", {}), details["msg"], steps[-1:] == (_KEY,)
        branch.here.append(_Found(path, details["type"], context, details["input"], said, is_name))

    def _settled(self, branch: _Branch, path: Path) -> list[_Found]:
        """The mistakes that are told: all, except where alternatives were tried; there, those of the best one."""
        told = list(branch.here)
        for key, entry in branch.entries.items():
            told += self._settled(entry, (*path, key))
        attempts = [self._settled(one, path) for one in branch.tried.values()]
        if len(attempts) == 1:
            return told + attempts[0]
        # The attempts that could use the value at all, and of those the one that went into its entries.
        fitting = [found for found in attempts if not any(_is_of_another_kind(one, path) for one in found)]
        inside = [found for found in fitting if all(one.path != path for one in found)] or fitting
        if len(inside) == 1 or (inside and inside is not fitting):
            return told + min(inside, key=len)
        return [*told, _Found(path, "none_fits", {}, None)] if attempts else told

    def _problem(self, found: _Found) -> Problem:
        path, kind, context = found.path, found.kind, found.context
        place = self._shape.at(path) or Place({}, ())
        bound = _BOUNDS.get(kind)
        if found.is_key:
            names = self._shape.names_at(path[:-1])
            wanted = bound(context, Place({}, (names,))) if bound else "another name"
            return self._document.problem(path, f"is not a name for this place; {wanted} is expected", of="key")
        if bound is not None:
            message = f"is {self._show(path)}; {bound(context, place)} is expected"
            return self._document.problem(path, message)
        match kind:
            case "assertion_error":
                raise context["error"]  # a mistake of ours, not of the user's
            case "value_error":
                return self._own_words(path, context["error"])
            case "missing":
                return self._missing(path, place)
            case "extra_forbidden":
                return self._unknown_key(path)
            case "no_alternative" | "union_tag_invalid" | "union_tag_not_found":
                return self._no_alternative(path, place)
            case "string_type" if isinstance(found.value, int | float):
                text = self._show(path)
                message, hint = f"is {text}; text is expected", f'write "{text}" in quotes'
                return self._document.problem(path, message, hint)
        if kind not in _KINDS_OF_PYDANTIC and found.said:
            return self._document.problem(path, found.said, self._key_meant(path, place))
        return self._no_fit(path, place)

    def _own_words(self, path: Path, error: Exception) -> Problem:
        """What a validator of the model says itself."""
        if isinstance(error, Mistake):
            return self._document.problem((*path, *error.at), error.message, error.hint)
        return self._document.problem(path, str(error))

    def _missing(self, path: Path, place: Place) -> Problem:
        if isinstance(path[-1], int):
            return self._no_fit(path[:-1], self._shape.at(path[:-1]) or place)
        message = f"is missing; {with_article(self._owner(path))} needs it"
        return self._document.problem(path, message, f"add   {path[-1]}: {paste(self._shape, place)}")

    def _unknown_key(self, path: Path) -> Problem:
        key, parent = str(path[-1]), path[:-1]
        mapping = self._mapping_at(parent)
        keys = list(mapping["properties"]) if mapping else []
        given = self._value(parent) or {}
        # A key that is there already is hardly meant a second time.
        near = nearest(key, [name for name in keys if name not in given])
        message = f"is not a key of {with_article(self._owner(path))}"
        here = Place({}, (mapping,)) if mapping else Place({}, ())
        ours = ours_for(self._shape, here, key)
        # A key of the same part of the file, such as a step of a network, is nearer than another product's word; where
        # both lead to one place, the word comes with an example.
        elsewhere = self._shape.places_of(key)
        close = [dotted(where) for where, _ in elsewhere if where[:1] == path[:1]]
        is_near = bool(near) or (bool(close) and (ours is None or ours.place not in close))
        if ours is not None and bare(near) != bare(key) and (ours.is_here or not is_near):
            self._meant |= {(*parent, ours.key)} if ours.is_here else set()
            hint = (
                f"did you mean `{ours.key}`? write   {ours.key}: {ours.example}"
                if ours.is_here
                else f"here it is `{ours.place}`, as in   {ours.key}: {ours.example}"
            )
            return self._document.problem(path, message, hint, of="key")
        if near:
            self._meant.add((*parent, near))
            return self._document.problem(path, f"{message}; did you mean `{near}`?", of="key")
        owners = [f"{with_article(owner)} ({dotted(where)})" for where, owner in elsewhere]
        hint = f"`{key}` is a key of {' and of '.join(owners)}" if owners else f"keys here: {', '.join(keys)}"
        return self._document.problem(path, message, hint, of="key")

    def _no_alternative(self, path: Path, place: Place) -> Problem:
        value = self._value(path)
        if not isinstance(value, Mapping):
            return self._no_fit(path, place)
        if isinstance(value.get("kind"), str) and all(map(_kinds, place.mappings)):
            kinds = [kind for one in place.mappings for kind in _kinds(one)]
            near = nearest(value["kind"], kinds)
            message = f"is {value['kind']}; one of {', '.join(kinds)} is expected"
            return self._document.problem((*path, "kind"), message, f"did you mean {near}?" if near else "")
        found = f"has the key{'s' * (len(value) > 1)} {', '.join(map(str, value))}" if value else "is an empty mapping"
        message = f"{found}; {expected(place)} is expected"
        return self._document.problem(path, message, self._key_meant(path, place))

    def _key_meant(self, path: Path, place: Place) -> str:
        """The hint that a key of the mapping at `path` is misspelt, "" where none seems to be."""
        value = self._value(path)
        keys = list(value) if isinstance(value, Mapping) else []
        ours = next((one for key in keys if (one := ours_for(self._shape, place, str(key))) and one.is_here), None)
        near = ours.key if ours is not None else next(filter(None, (nearest(key, place.keys) for key in keys)), "")
        return f"did you mean `{near}`?" if near and near not in keys else ""

    def _no_fit(self, path: Path, place: Place) -> Problem:
        value = self._value(path)
        choices = [str(choice) for one in place.alternatives for choice in one.get("enum", ())]
        near = nearest(value, choices) if isinstance(value, str) else ""
        has_parts = bool(place.mappings) or place.is_open or place.is_list
        example = f"write   {path[-1]}: {paste(self._shape, place)}" if has_parts and path else ""
        pattern = dotted(path)
        theirs = VALUES.get((pattern, value)) if isinstance(value, bool | str) else None
        hint = f"write   {path[-1]}: {theirs}" if theirs else f"did you mean {near}?" if near else example
        return self._document.problem(path, f"is {self._show(path)}; {expected(place)} is expected", hint)

    def _owner(self, path: Path) -> str:
        """What the mapping around `path` is called."""
        mapping = self._mapping_at(path[:-1])
        return words(mapping) if mapping else "mapping"

    def _mapping_at(self, path: Path) -> Schema | None:
        place = self._shape.at(path)
        return place.mapping_like(self._value(path)) if place else None

    def _value(self, path: Path) -> Any:
        """The data at `path`, None where there is none."""
        data = self._document.data
        for key in path:
            if isinstance(data, dict):
                data = data.get(key)
            elif isinstance(data, list) and isinstance(key, int) and key < len(data):
                data = data[key]
            else:
                return None
        return data

    def _show(self, path: Path) -> str:
        """The value as it was written."""
        value = self._value(path)
        if isinstance(value, list):
            return f"a list of {_entries(len(value))}"
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return self._document.raw(path) or str(value) if is_number else show_value(value)


def _is_tag(data: Mapping[Any, Any], step: Any, following: Any = None) -> bool:
    """Whether a step that is spelt like a key of the mapping is the name of a union member all the same.

    It is where the step that follows is a key beside it and none inside it: `wait, sleep` of `{wait: .., sleep: ..}`.
    """
    inside = data[step]
    return following in data and not (isinstance(inside, Mapping) and following in inside)


def _is_of_another_kind(found: _Found, path: Path) -> bool:
    """Whether an alternative was turned down because the value at `path` is, say, a mapping and no text."""
    if found.path != path:
        return False
    unusable = found.kind == "value_error" and isinstance(found.value, dict | list)
    return unusable or found.kind.endswith("_type") or found.kind == "none_fits"


def _kinds(one: Schema) -> list[str]:
    """What the key `kind` of a mapping may be."""
    about = one["properties"].get("kind", {})
    return [about["const"]] if "const" in about else list(about.get("enum", ()))


def _limit(context: Mapping[str, Any], name: str, place: Place) -> str:
    """A limit in the words of a file: "5 s" where the model says 5000000000."""
    units = {one.get("x-unit") for one in place.alternatives}
    if "ns" in units:
        return write_duration_ns(int(context[name]))
    return write_bytes(int(context[name])) if "B" in units else f"{context[name]:,}".removesuffix(".0")


def _form(context: Mapping[str, Any], place: Place) -> str:
    """What a text has to look like: in the words of the model where it has some, else as a regular expression."""
    worded = [one["x-form"] for one in place.alternatives if "x-form" in one]
    return worded[0] if worded else f"of the form {context['pattern']}"


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"


_KINDS_OF_PYDANTIC = frozenset(get_args(core_schema.ErrorType)) | {"none_fits", "no_alternative"}

_BOUNDS: Mapping[str, Callable[[Mapping[str, Any], Place], str]] = {
    "greater_than": lambda context, place: f"more than {_limit(context, 'gt', place)}",
    "greater_than_equal": lambda context, place: f"at least {_limit(context, 'ge', place)}",
    "less_than": lambda context, place: f"less than {_limit(context, 'lt', place)}",
    "less_than_equal": lambda context, place: f"at most {_limit(context, 'le', place)}",
    "multiple_of": lambda context, place: f"a multiple of {_limit(context, 'multiple_of', place)}",
    "too_short": lambda context, place: f"a list of at least {_entries(context['min_length'])}",
    "too_long": lambda context, place: f"a list of at most {_entries(context['max_length'])}",
    "string_too_short": lambda context, place: f"a text of at least {context['min_length']} characters",
    "string_too_long": lambda context, place: f"a text of at most {context['max_length']} characters",
    "string_pattern_mismatch": lambda context, place: f"text {_form(context, place)}",
    "finite_number": lambda context, place: "a finite number",
}
