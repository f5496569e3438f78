"""YAML into a `Document`: strict, plain data only, with the place of every value. Models are applied in `validate`.

YAML 1.1, as PyYAML implements it, turns `1:30` into 90, `010` into 8 and `off` into false, leaves `1e6` a text and
keeps the last of two equal keys. Here those are reported or read as YAML 1.2 does. The file is composed into nodes
once; data and places come from the same nodes.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress
from pathlib import Path as FilePath
from typing import Any

import yaml

from sim.errors import InputErrors, Path, Problem, dotted
from sim.files import Unreadable, read_text, reason_of
from sim.scenario.reading.document import Document, Mark, Position
from sim.scenario.reading.validate import validate

__all__ = ["Document", "load_yaml", "parse", "read", "validate"]

DEEPEST = 40
"""Levels of nesting that are read; no scenario comes near, and the parser recurses."""

MOST_BYTES = 16 << 20
"""Of a file; no scenario comes near."""

MOST_VALUES = 200_000
"""Values that are read, those that aliases repeat counted each time: ten lines of YAML can mean a billion."""

_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_FORMER_BOOL = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_BASE_60 = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_UNALIKE = re.compile("^(?! *#).*[\t?!\ufeff]|[\r\x85\u2028\u2029]", re.MULTILINE)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def read(path: str | FilePath) -> Document:
    """The document in the file at `path`.

    Raises InputErrors when the file cannot be read or is no YAML. What is merely wrong in it is in `.problems`, so
    that it can be reported together with what a model finds.
    """
    try:
        text = read_text(path, MOST_BYTES)
    except Unreadable as error:
        raise InputErrors([Problem("", str(error), "", str(path))]) from None
    except OSError as error:
        raise InputErrors([Problem("", f"cannot be read: {reason_of(error)}", "", str(path))]) from None
    return parse(text, str(path))


def load_yaml(text: str, file: str) -> Any:
    """The plain data in `text`. Raises InputErrors for anything wrong with it; `file` is named in them."""
    document = parse(text, file)
    if document.problems:
        raise InputErrors(document.problems)
    return document.data


def parse(text: str, file: str) -> Document:
    """The document in `text`; `file` is what problems name. Raises InputErrors when it is no YAML at all."""
    composer = _composed(text, file)
    root = composer.root
    if root is None:
        return Document(file, text, None, {}, (Problem("", "is empty; a mapping is expected", "", file),))
    builder = _Builder(file, composer.tags)
    data = builder.build(root, (), _position(root), frozenset())
    return Document(file, text, data, builder.marks, tuple(builder.problems))


def _composed(text: str, file: str) -> _Composer:
    """The text as nodes. Raises InputErrors when it is no YAML at all.

    Read by libyaml, which is quick. It differs in tabs, tags, question marks and rare breaks of lines (_UNALIKE), and
    says less of what is wrong: such texts PyYAML reads itself.
    """
    if yaml.__with_libyaml__ and not _UNALIKE.search(text):
        with suppress(yaml.YAMLError, UnicodeError):
            return _Composer(yaml.CSafeLoader(text))
    try:
        return _Composer(yaml.SafeLoader(text))
    except yaml.YAMLError as error:
        raise InputErrors([_syntax_problem(error, file)]) from None


class _Composer(yaml.composer.Composer):
    """Composes nodes; notes explicit tags, which are refused, and stops at depths that no scenario has.

    root: what the text holds, None where it is empty. tags: by id of the node.
    """

    def __init__(self, parser: yaml.SafeLoader | yaml.CSafeLoader) -> None:
        super().__init__()
        self.check_event, self.peek_event, self.get_event = parser.check_event, parser.peek_event, parser.get_event
        self.tags: dict[int, str] = {}
        self._depth = 0
        self.root = self.get_single_node()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()
        self._depth += 1
        if self._depth > DEEPEST:
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {DEEPEST} levels", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        tag = getattr(event, "tag", None)
        if tag is not None and node is not None:
            self.tags[id(node)] = tag
        return node

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        node.style = node.style or None  # libyaml's word for a plain one is ""
        return node

    def resolve(self, *about: Any) -> str:
        """No tags are derived here: what a scalar is, is told from its text."""
        return ""

    def descend_resolver(self, *about: Any) -> None:
        """See `resolve`."""

    def ascend_resolver(self) -> None:
        """See `resolve`."""


class _Builder:
    """Plain data from nodes, with a mark for every value and a list of everything wrong."""

    def __init__(self, file: str, tags: dict[int, str]) -> None:
        self.file = file
        self.marks: dict[Path, Mark] = {}
        self.problems: list[Problem] = []
        self._tags = tags
        self._count = 0

    def build(self, node: yaml.Node, path: Path, key: Position, around: frozenset[int]) -> Any:
        """The data of `node`; `around` are the nodes that it stands in, so that one inside itself is noticed."""
        self._count_one(node, path)
        self.marks[path] = Mark(key, _position(node), node.value if isinstance(node, yaml.ScalarNode) else "")
        if id(node) in self._tags:
            tag = self._tags[id(node)].replace("tag:yaml.org,2002:", "!!")
            self._complain(path, node, f"has the tag {tag}; files are plain data", "leave the tag out")
            return None
        if id(node) in around:
            self._complain(path, node, "is an alias of something that it stands in itself")
            return None
        around = around | {id(node)}
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index), _position(item), around) for index, item in enumerate(node.value)]
        return self._mapping(node, path, around)

    def _mapping(self, node: yaml.Node, path: Path, around: frozenset[int]) -> dict[str, Any]:
        # What is merged in comes first, so that the mapping's own keys win and their marks stay.
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                data = {**self._merged(value_node, path, around), **data}
        first: dict[str, Position] = {}
        for key_node, value_node in node.value:
            name = None if _is_merge(key_node) else self._key(key_node, path)
            if name is None:
                continue
            if name in first:
                line, column = first[name]
                message = f"is given twice, first in line {line}, column {column}"
                self._complain((*path, name), key_node, message, "keep one of the two")
                continue
            first[name] = _position(key_node)
            data[name] = self.build(value_node, (*path, name), first[name], around)
        return data

    def _merged(self, node: yaml.Node, path: Path, around: frozenset[int]) -> dict[str, Any]:
        """What `<<: *anchor` or `<<: [*one, *two]` brings in; of two sources the first wins."""
        data: dict[str, Any] = {}
        for source in reversed(node.value if isinstance(node, yaml.SequenceNode) else [node]):
            self._count_one(source, path)
            if isinstance(source, yaml.MappingNode) and id(source) not in around:
                data.update(self._mapping(source, path, around | {id(source)}))
            else:
                self._complain((*path, "<<"), source, "can merge mappings only", "write <<: *name_of_a_mapping")
        return data

    def _count_one(self, node: yaml.Node, path: Path) -> None:
        self._count += 1
        if self._count > MOST_VALUES:
            message = f"aliases and all, the file has more than {MOST_VALUES:,} values"
            raise InputErrors([Problem(dotted(path), message, "", self.file, *_position(node))])

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._complain(path, node, "has a list or a mapping for a key; keys are text")
            return None
        if node.style is None and node.value in _NULL:
            self._complain(path, node, "has an empty key", "write a name before the colon")
            return None
        plain_number = node.style is None and (_INT.fullmatch(node.value) or _FLOAT.fullmatch(node.value))
        truth = node.style is None and node.value.lower() in {"true", "false", *_FORMER_BOOL}
        if plain_number or truth:
            other = "a number" if plain_number else "true or false"
            message = f"is a key that YAML takes for {other}; keys are text"
            self._complain((*path, node.value), node, message, f'write "{node.value}" in quotes')
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        if node.style is not None or not text:
            return text if node.style is not None else None
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if text.lower() in _FORMER_BOOL:
            meant = _FORMER_BOOL[text.lower()]
            self._complain(
                path,
                node,
                f"is {text}, which some YAML readers take for {meant} and some for text",
                f'write {meant}, or "{text}" in quotes where text is meant',
            )
            return _BOOL[meant]
        if _BASE_60.fullmatch(text):
            value = _base_60(text)
            self._complain(
                path,
                node,
                f"is {value}, which YAML made of {text}",
                f'write {value} s (or min, h), or "{text}" in quotes where text is meant',
            )
            return value
        if _LEADING_ZERO.fullmatch(text):
            self._leading_zero(node, path)
            return int(text.replace("_", ""))
        if _NOT_FINITE.fullmatch(text):
            message = f"is {text}; a finite number is expected"
            self._complain(path, node, message, "leave the key out where there is no limit")
            return None
        return self._number_or_text(node, path)

    def _number_or_text(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        digits = text.replace("_", "")
        if len(digits) > 300 and (_INT.fullmatch(text) or _FLOAT.fullmatch(text)):
            self._complain(path, node, f"is a number of {len(digits)} digits")
            return None
        if _INT.fullmatch(text):
            return int(digits)
        if _HEX.fullmatch(text):
            return int(text, 16)
        if not _FLOAT.fullmatch(text):
            return text
        number = float(digits)
        if math.isinf(number):
            self._complain(path, node, f"is {text}, which is too large for a number")
            return None
        return number

    def _leading_zero(self, node: yaml.ScalarNode, path: Path) -> None:
        text: str = node.value
        digits = text.replace("_", "")
        decimal = int(digits)
        octal = re.fullmatch(r"[-+]?[0-7]+", digits) is not None
        found = f"is {int(digits, 8)}, which YAML made of {text}" if octal else f"is {text}, with a zero in front"
        self._complain(path, node, found, f'write {decimal}, or "{text}" in quotes where text is meant')

    def _complain(self, path: Path, node: yaml.Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem(dotted(path), message, hint, self.file, *_position(node)))


def _base_60(text: str) -> int | float:
    """What YAML 1.1 makes of 1:30 or 1:30:00.5."""
    value = 0.0
    for part in text.lstrip("+-").replace("_", "").split(":"):
        value = 60 * value + float(part)
    value = -value if text.startswith("-") else value
    return int(value) if value == int(value) else value


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value == "<<"


def _position(node: yaml.Node) -> Position:
    return (node.start_mark.line + 1, node.start_mark.column + 1)


# What PyYAML says, what is said here, what to do about it.
_SYNTAX = (
    (
        "cannot start any token",
        "has a character that cannot start a value in YAML",
        "put the text in quotes",
    ),
    (
        "mapping values are not allowed here",
        "has a colon where no key can be",
        "put a text with a colon and a blank in it in quotes, or check the indentation",
    ),
    (
        "sequence entries are not allowed here",
        "has a list entry where none can be",
        "start the list on the next line, or write it in brackets",
    ),
    (
        "could not find expected ':'",
        "has a line that is neither a key with a colon nor part of a value",
        "write   key: value",
    ),
    (
        "found undefined alias",
        "refers with * to an anchor that is not defined above",
        "define it with &, or put the text in quotes",
    ),
    (
        "expected <block end>",
        "does not line up with what stands above",
        "give all keys of a mapping, or entries of a list, the same indentation",
    ),
    (
        "expected '<document start>'",
        "does not line up with what stands above",
        "give all keys of a mapping the same indentation",
    ),
    (
        "expected the node content",
        "has a sign where a value should be",
        "check brackets and commas, or put the text in quotes",
    ),
    (
        "expected alphabetic or numeric character",
        "has a sign at the start of a value that means something else in YAML",
        "put the text in quotes",
    ),
    ("mapping keys are not allowed here", "has a question mark where no key can be", "put the text in quotes"),
    ("expected a comment or a line break", "has text on the line of | or >", "start it on the next line"),
    ("expected ',' or", "has a bracket that is not closed, or lacks a comma", "check brackets and commas"),
    ("found unexpected end", "has a quote that is never closed", "close it"),
    ("found unknown escape character", "has a backslash that means nothing in double quotes", "use single quotes"),
    ("found duplicate anchor", "defines an anchor twice", "give one of the two another name"),
    ("but found another document", "holds more than one document", "keep one; '---' starts another"),
    ("nested deeper", f"is nested deeper than {DEEPEST} levels", ""),
)


def _syntax_problem(error: yaml.YAMLError, file: str) -> Problem:
    """PyYAML's complaint in plain words, at its place."""
    if isinstance(error, yaml.reader.ReaderError):
        return Problem("", f"has the character U+{error.character:04X}, which YAML does not allow", "remove it", file)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Problem("", f"is not YAML: {error}", "", file)
    mark = error.problem_mark
    line, column = mark.line + 1, mark.column + 1
    complaint = "; ".join(part for part in (error.context, error.problem) if part)
    if "'\\t'" in complaint:
        return Problem("", "has a tab; YAML indents by blanks only", "put blanks in its place", file, line, column)
    for theirs, ours, hint in _SYNTAX:
        if theirs in complaint:
            start = error.context_mark
            opened = f" (it starts in line {start.line + 1}, column {start.column + 1})" if start else ""
            return Problem("", ours + opened, hint, file, line, column)
    return Problem("", f"is not YAML: {complaint}", "", file, line, column)
