"""The sources that a file of tests depends on, and their digest.

A source is a module of `sim`, `tests` or `calibration` that the file imports, directly or not, within functions too. A
file that starts Python anew depends on all of `sim`; one that names a folder of data depends on what lies in it.
Comments and docstrings do not count, so that evidence outlives a better sentence; nor does the version of Python.
"""

from __future__ import annotations

import ast
import hashlib
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = {
    "configs": ("configs/**/*.yaml",),
    "calibration": ("calibration/fits/*", "calibration/studies/*", "calibration/scores.json"),
    "golden": ("tests/golden/**/*.yaml", "tests/golden/*.json"),
    "notebooks": ("notebooks/*.py",),
    "sim.scenario": ("sim/scenario/**/*.yaml",),
    "sim.cost": ("sim/cost/prices/**/*",),
}
"""Data that a source depends on if it names the folder, or is imported: by the word in quotes, or by the module."""
ALL_OF_SIM = re.compile(r"sys\.executable|^import sim$|^from sim import (?!\(?[a-z_]+$)", re.MULTILINE)
"""What a file of tests says that may run all of `sim`: it starts Python anew, or uses the public names."""
DIGITS = 16


def digest(file: Path) -> str:
    """Digest of everything that the outcome of a file of tests depends on, itself included."""
    hashed = hashlib.sha256()
    for one in sorted(depends_on(file)):
        hashed.update(f"{one.relative_to(ROOT).as_posix()}\0{_digest_of(one)}\n".encode())
    return hashed.hexdigest()[:DIGITS]


def depends_on(file: Path) -> set[Path]:
    """The files that a file of tests depends on."""
    found: set[Path] = set()
    waiting = [file, *file.parent.glob("conftest.py")]
    while waiting:
        one = waiting.pop()
        if one in found:
            continue
        found.add(one)
        waiting += _named_by(one)
        if (ROOT / "tests") in one.parents and ALL_OF_SIM.search(_text(one)):
            waiting += (ROOT / "sim").rglob("*.py")
    for source in list(found):
        for name, patterns in DATA.items():
            if f'"{name}"' in _text(source) or _module(source).startswith(name):
                found |= {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return found


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@cache
def _named_by(path: Path) -> tuple[Path, ...]:
    """Modules of ours that a module imports, and the packages in which they stand."""
    names: set[str] = set()
    for node in _executed(ast.parse(_text(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = _module(path).split(".")[: -node.level] if node.level else []
            base = ".".join([*package, *([node.module] if node.module else [])])
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    found = set()
    for name in names:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            inside = [ROOT.joinpath(*parts[:end])]
            if parts[0] not in ("sim", "tests", "calibration"):
                inside.append(path.parent.joinpath(*parts[:end]))  # tests import their neighbours by bare names
            for stem in inside:
                found |= {one for one in (stem.with_suffix(".py"), stem / "__init__.py") if one.is_file()}
    return tuple(sorted(found))


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """A tree without what only a type checker reads."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _executed(child)


@cache
def _digest_of(path: Path) -> str:
    content = path.read_bytes() if path.suffix != ".py" else _bare(_text(path)).encode()
    return hashlib.sha256(content).hexdigest()


def _bare(source: str) -> str:
    """A module without its comments, docstrings and empty lines; nothing else of it moves."""
    lines: list[str] = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
            continue
        if isinstance(node.value.value, str):
            assert node.end_lineno is not None
            for row in range(node.lineno - 1, node.end_lineno):
                lines[row] = ""
    return "\n".join(line.rstrip() for line in lines if line.strip())
