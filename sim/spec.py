"""`Spec`, the base of everything that a user writes in a file. What can be written lives in `sim.scenario`.

An attribute carries its unit last (`timeout_ns`), as all names in the code do; the key in the file does not
(`timeout`), because the value brings its own ("5 s"). The docstring under an attribute is its documentation, in
the editor (JSON Schema) and in `sim schema`.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping, Set
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from sim.units import InUnitFloat, InUnitInt

UNIT_SUFFIXES = (
    "_usd_per_month",
    "_usd_per_hour",
    "_bytes_per_s",
    "_per_month",
    "_per_s",
    "_bytes",
    "_ratio",
    "_cores",
    "_usd",
    "_ns",
)
"""Ends of attribute names that are units. A suffix stands before those that it ends with."""


@cache
def key_of(attribute: str) -> str:
    """The key in the file for an attribute: the name without its unit.

    >>> key_of("timeout_ns"), key_of("price_usd_per_month"), key_of("replicas")
    ('timeout', 'price', 'replicas')
    """
    for suffix in UNIT_SUFFIXES:
        if attribute.endswith(suffix) and len(attribute) > len(suffix):
            return attribute.removesuffix(suffix)
    return attribute


class EditorSchema(GenerateJsonSchema):
    """JSON Schema as editors like it: defaults as a person writes them, alternatives as `anyOf`."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A default passed through the field's own JSON serialiser: "5 s", not 5000000000."""
        as_given = schema.get("default")
        written = super().default_schema(schema)
        if as_given is not None:
            written["default"] = self.encode_default(_written(schema["schema"], as_given))
        return written

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """An open mapping; where names must have a certain form, others are refused."""
        written = super().dict_schema(schema)
        if "patternProperties" in written:
            written["additionalProperties"] = False
        return written

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Alternatives of which one is chosen by its keys; more than one may fit the letter of the schema."""
        written = super().tagged_union_schema(schema)
        if "oneOf" in written:
            written["anyOf"] = written.pop("oneOf")
        return written


class Spec(BaseModel):
    """Something a user writes: frozen, every key known, documented attribute by attribute.

    From a file, a quantity needs its unit (`timeout: 5 s`). In Python, a plain number given under the
    attribute's name is in the unit that the name ends with (`timeout_ns=5_000_000_000`).
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=key_of,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,  # most models are only ever built as parts of a larger one
    )

    plain_value_is: ClassVar[str] = ""
    """Key that a value stands for which is no mapping: with "constant", `50 ms` means `{constant: 50 ms}`."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        keys = [field.alias or name for name, field in cls.model_fields.items()]
        assert len(set(keys)) == len(keys), f"{cls.__name__}: two attributes have the same key in {keys}"
        assert not cls.plain_value_is or cls.plain_value_is in keys, f"{cls.__name__}: {cls.plain_value_is}"

    @model_validator(mode="before")
    @classmethod
    def _take_shorthand_and_numbers_in_unit(cls, data: Any) -> Any:
        if isinstance(data, dict):
            in_units = _in_units(cls)
            return {key: _in_unit(value) if key in in_units else value for key, value in data.items()}
        if cls.plain_value_is and not isinstance(data, BaseModel):
            return {cls.plain_value_is: data}
        return data

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        reference = handler(schema)
        mapping = handler.resolve_ref_schema(reference)
        # Not by `use_attribute_docstrings`, which reads the sources of all models whenever they are imported.
        for name, text in _docstrings(cls).items():
            if name in cls.model_fields:
                mapping["properties"][cls.model_fields[name].alias or name].setdefault("description", text)
        if cls.plain_value_is:
            about: JsonSchemaValue = {key: mapping.pop(key) for key in ("title", "description") if key in mapping}
            value = mapping["properties"][cls.plain_value_is]
            alternatives = {"anyOf": [value, dict(mapping, title=cls.__name__)]}
            mapping.clear()
            mapping.update(about, **alternatives)
        return reference

    @classmethod
    def model_json_schema(
        cls,
        by_alias: bool | None = True,
        ref_template: str = "#/$defs/{model}",
        schema_generator: type[GenerateJsonSchema] = EditorSchema,
        mode: JsonSchemaMode = "validation",
        *,
        union_format: Literal["any_of", "primitive_type_array"] = "any_of",
    ) -> dict[str, Any]:
        """JSON Schema of what may be written, with the keys of the file."""
        return super().model_json_schema(by_alias, ref_template, schema_generator, mode, union_format=union_format)


def chosen_by_key(tag_of_key: Mapping[str, str], plain: str = "") -> Discriminator:
    """Lets the keys of a mapping choose the member of a union, each member being marked with `Tag`.

    tag_of_key: for each key of the file that decides, the tag of its member; the first one present wins.
    plain: tag of the member that takes a value which is no mapping ("" where there is none).

    Example: `Annotated[Annotated[Exponential, Tag("exponential")] | Annotated[LogNormal, Tag("lognormal")],
    chosen_by_key({"exponential": "exponential", "p50": "lognormal"})]`.
    """

    def tag(value: Any) -> str | None:
        if isinstance(value, BaseModel):
            keys: Set[object] = _keys(type(value))
        elif isinstance(value, Mapping):
            keys = {key_of(key) if isinstance(key, str) else key for key in value}
        else:
            return plain or None
        return next((tag for key, tag in tag_of_key.items() if key in keys), None)

    return Discriminator(
        tag,
        custom_error_type="no_alternative",
        custom_error_message="one of the keys {keys} is expected",
        custom_error_context=_Context({"keys": ", ".join(tag_of_key)}),
    )


@cache
def _in_units(model: type[BaseModel]) -> frozenset[str]:
    """The attributes of a model whose names end with their unit."""
    return frozenset(name for name in model.model_fields if key_of(name) != name)


@cache
def _keys(model: type[BaseModel]) -> frozenset[str]:
    """The keys of a model in a file."""
    return frozenset(field.alias or name for name, field in model.model_fields.items())


class _Context(dict[str, Any]):
    """A context of an error that can be hashed, so that a union with such a discriminator can be part of another."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


def _docstrings(model: type[Spec]) -> dict[str, str]:
    """The docstrings under the attributes of a model, those of its bases included."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        file = getattr(sys.modules[one.__module__], "__file__", None)
        if issubclass(one, Spec) and file is not None:
            found |= _docstrings_in(file).get(one.__qualname__, {})
    return found


@cache
def _docstrings_in(file: str) -> dict[str, dict[str, str]]:
    """The docstrings under the attributes of every class in a file, by the class's qualified name."""
    found: dict[str, dict[str, str]] = {}

    def look(into: ast.AST, above: str) -> None:
        for node in ast.iter_child_nodes(into):
            if isinstance(node, ast.ClassDef):
                found[above + node.name] = dict(_documented(node.body))
                look(node, f"{above}{node.name}.")
            elif isinstance(node, ast.FunctionDef):
                look(node, f"{above}{node.name}.<locals>.")

    look(ast.parse(Path(file).read_text(encoding="utf-8")), "")
    return found


def _documented(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Names of attributes with the text that stands under each."""
    for one, below in pairwise(body):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and isinstance(below, ast.Expr):
            text = below.value.value if isinstance(below.value, ast.Constant) else None
            if isinstance(text, str):
                yield one.target.id, inspect.cleandoc(text)


def _in_unit(value: Any) -> Any:
    """Numbers marked as being in the unit already, in lists and mappings too; all else as it is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return InUnitInt(value)
    if isinstance(value, float):
        return InUnitFloat(value)
    if isinstance(value, list | tuple):
        return [_in_unit(item) for item in value]
    if isinstance(value, dict):
        return {key: _in_unit(item) for key, item in value.items()}
    return value


def _written(schema: Mapping[str, Any], value: Any) -> Any:
    """The value with every quantity in it as a person writes it, told by the core schema of the field."""
    write = schema.get("serialization", {})
    if write.get("type") == "function-plain":
        return write["function"](value)
    match schema["type"]:
        case "nullable" | "default" | "function-after" if value is not None:
            return _written(schema["schema"], value)
        case "list":
            return [_written(schema["items_schema"], item) for item in value]
        case "tuple":
            items = schema["items_schema"]
            of_item = items * len(value) if schema.get("variadic_item_index") is not None else items
            return [_written(item_schema, item) for item_schema, item in zip(of_item, value, strict=True)]
    return value
