"""Definitions in the sources that no command, study, benchmark or public name leads to. `python -m tests.reached`.

Goal: what only tests call is the tests' own, or gone. Method: the sources are parsed, and uses are followed from the
modules that something runs. A function, class or constant is found through the imports that lead to it, a method or
property by its name alone: it is reached when its class is and anything in reach asks some object for that name.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("sim", "calibration", "bench", "notebooks")

RUN = ("sim.__main__", "calibration.", "bench.", "notebooks.")
"""What is run: the command, and all modules below a name that ends with a dot. The package `sim` itself is the API."""

LOADED_BY_NAME = ("calibration.systems", "calibration.measure", "bench.peers")
"""Packages whose modules are loaded by a name made at run time: their functions are asked for as methods are."""

KEPT = {
    "sim.cost.cloud": "bills of Temporal Cloud and Step Functions: a verb comes with a later issue",
    "sim.cost.focus": "the bill as FOCUS rows: the same",
    "sim.stats.survival": "Kaplan-Meier for executions that are open at the end: the same",
    "sim.network.places.DISCIPLINES": "every order of a line: a test holds the table of each engine against it",
    "sim.engine.order.WAKE": "kind 0 in the list of kinds, which immediate events have without being told",
    "calibration.closed_forms.chains.PhaseType.tail": "what its quantile inverts; tests ask both",
    "calibration.closed_forms.mdc.mdc_wait_tail": "the same",
    "calibration.published.check.Checker.without_its_mechanism": "tests/published: a figure rests on its mechanism",
}
"""Unreached on purpose, and why. A module stands for all that is in it; what these lead to counts as reached."""

UNCHANGED = {"dataclass", "property", "cached_property", "classmethod", "staticmethod", "abstractmethod"}
UNCHANGED |= {"cache", "lru_cache", "contextmanager", "njit", "runtime_checkable", "total_ordering"}
"""Decorators that leave a definition to its callers. Any other one hands it to a command, a check, a reader."""

OWN_METHODS = {"NamedTuple", "Protocol", "StrEnum", "Enum", "ABC", "Generic", "Exception", "Spec", "dict", "tuple"}
"""Outside bases that call none of a class's methods. Any other one may: a visitor, a loader, a pass of a compiler."""

LONGEST_NAME = 80
"""Strings up to this length may be names that are asked for by `getattr`, or of modules."""


@dataclass
class Definition:
    """A function, class, method or constant; with an empty name, the statements of a module itself."""

    module: str
    name: str
    line: int
    uses: set[str] = field(default_factory=set)
    """Full names, and `.name` where some object is asked for an attribute."""
    handed_over: bool = False

    @property
    def full_name(self) -> str:
        """The name with its module; that of a module, if these are its own statements."""
        return f"{self.module}.{self.name}" if self.name else self.module

    @property
    def is_public(self) -> bool:
        """Whether no part of the name says that it is private."""
        return bool(self.name) and not any(part.startswith("_") for part in self.name.split("."))

    @property
    def owner(self) -> str:
        """The class of a method, the module of a function in a module that is loaded by name; empty for all else."""
        outer, _, last = self.name.rpartition(".")
        by_name = last and self.module.rpartition(".")[0] in LOADED_BY_NAME
        return f"{self.module}.{outer}" if outer else self.module if by_name else ""


class Source:
    """A module as it is read: what it defines and what its names stand for."""

    def __init__(self, path: Path) -> None:
        parts = path.relative_to(ROOT).with_suffix("").parts
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.folder = path.parent
        self.bound: dict[str, set[str]] = defaultdict(set)
        self.stars: list[str] = []
        self.own = Definition(self.name, "", 0)
        self.found = [self.own]
        self.imported: dict[ast.AST, list[str]] = {}
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.bind(node)
            elif isinstance(node, ast.ImportFrom):
                self.bind_from(node)
        self.read(tree.body)

    def bind(self, node: ast.Import) -> None:
        """Note what names an import gives to modules."""
        self.imported[node] = [alias.name for alias in node.names]
        for alias in node.names:
            first = alias.name.partition(".")[0]
            self.bound[alias.asname or first].add(alias.name if alias.asname else first)

    def bind_from(self, node: ast.ImportFrom) -> None:
        """Note what names an import takes from a module; one beside a script, or beside its folder, is completed."""
        source = node.module or ""
        for base in (self.folder, self.folder.parent):
            if base != ROOT and (base / source.replace(".", "/")).with_suffix(".py").exists():
                source = ".".join((*base.relative_to(ROOT).parts, source))
                break
        self.imported[node] = [source, *(f"{source}.{alias.name}" for alias in node.names)]
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(source)
            else:
                self.bound[alias.asname or alias.name].add(f"{source}.{alias.name}")

    def read(self, body: Iterable[ast.stmt]) -> None:
        """Find the definitions among statements; all else is the module's own."""
        for node in body:
            if isinstance(node, ast.FunctionDef):
                self.define(node, node.name, [node])
            elif isinstance(node, ast.ClassDef):
                functions = [one for one in node.body if isinstance(one, ast.FunctionDef)]
                methods = [one for one in functions if not one.name.startswith("__")]
                self.define(node, node.name, [one for one in ast.iter_child_nodes(node) if one not in methods])
                for one in methods:
                    made = self.define(one, f"{node.name}.{one.name}", [one])
                    made.handed_over |= self.has_callers_outside(node)
            elif names := assigned(node):
                for name in names:
                    self.define(node, name, [node])
            else:
                self.own.uses |= self.uses(node)

    def define(self, node: ast.stmt, name: str, parts: Iterable[ast.AST]) -> Definition:
        """Note a definition with all that its parts name."""
        made = Definition(self.name, name, node.lineno)
        for part in parts:
            made.uses |= self.uses(part)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.handed_over = node.name.startswith(("pytest_", "__"))
            made.handed_over |= any(one not in UNCHANGED for one in decorators(node))
        self.found.append(made)
        return made

    def has_callers_outside(self, node: ast.ClassDef) -> bool:
        """Whether a class is of a kind whose methods somebody else's code calls."""
        for base in node.bases:
            inner = base.value if isinstance(base, ast.Subscript) else base
            for name in self.path(inner):
                outside = name.split(".")[0] not in FOLDERS
                if outside and name.rpartition(".")[2] not in OWN_METHODS:
                    return True
        return False

    def uses(self, node: ast.AST) -> set[str]:
        """All that a piece of text names."""
        found: set[str] = set()
        texts: set[str] = set()
        for one in ast.walk(node):
            if isinstance(one, ast.Name):
                found |= self.bound.get(one.id, {f"{self.name}.{one.id}"})
                found |= {f"{star}.{one.id}" for star in self.stars}
            elif isinstance(one, ast.Attribute):
                found |= {f".{one.attr}", *self.path(one)}
            elif isinstance(one, ast.Import | ast.ImportFrom):
                found |= {f"import {name}" for name in self.imported[one]}
            elif isinstance(one, ast.Constant) and isinstance(one.value, str) and len(one.value) < LONGEST_NAME:
                texts.add(one.value)
        modules = [text for text in texts if text.startswith(FOLDERS)]
        requested = {f"{module}.{text}" for module in (self.name, *modules) for text in texts}
        return found | texts | requested | {f".{text}" for text in texts}

    def path(self, node: ast.AST) -> set[str]:
        """What `name` or `module.name` may stand for; empty where the object is no imported name."""
        if isinstance(node, ast.Attribute):
            return {f"{outer}.{node.attr}" for outer in self.path(node.value)}
        return self.bound.get(node.id, set()) if isinstance(node, ast.Name) else set()


def assigned(node: ast.stmt) -> list[str]:
    """Names that a statement of a module gives a value to."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    parts = (one for target in targets for one in ast.walk(target))
    return [one.id for one in parts if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]


def decorators(node: ast.FunctionDef | ast.ClassDef) -> Iterator[str]:
    """The last names of decorators."""
    for one in node.decorator_list:
        called = one.func if isinstance(one, ast.Call) else one
        yield called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


class Reach:
    """What is reached, grown from some modules."""

    def __init__(self, sources: dict[str, Source]) -> None:
        self.sources = sources
        self.known = {one.full_name: one for source in sources.values() for one in source.found}
        self.owned = [one for one in self.known.values() if one.owner]
        self.seen: set[str] = set()
        self.requested: set[str] = set()
        self.waiting: list[Definition] = []

    def homes(self, name: str) -> set[str]:
        """Where a name is defined that a module has only imported."""
        module, _, last = name.rpartition(".")
        if name in self.known or module not in self.sources:
            return {name}
        source = self.sources[module]
        further = {one for one in source.bound.get(last, set()) if one != name} | {f"{s}.{last}" for s in source.stars}
        return {home for one in further for home in self.homes(one)}

    def add(self, name: str) -> None:
        """Take in a full name that is used."""
        if name in self.known and name not in self.seen:
            self.seen.add(name)
            self.waiting.append(self.known[name])

    def load(self, module: str) -> None:
        """Take in a module that is imported, with the packages around it."""
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            if (name := ".".join(parts[:length])) in self.sources:
                self.add(name)

    def follow(self, one: Definition) -> None:
        """Take in what a definition uses, and of a module what it hands to others as it is loaded."""
        if not one.name:
            for other in self.sources[one.module].found:
                if other.handed_over and not other.owner:
                    self.add(other.full_name)
        for use in one.uses:
            if use.startswith("."):
                self.requested.add(use)
            elif use.startswith("import "):
                self.load(use.removeprefix("import "))
            elif use in self.sources:
                self.load(use)
            else:
                for home in self.homes(use):
                    self.add(home)

    def grow(self) -> None:
        """Follow uses until nothing is added; methods are looked for once all else is known."""
        while self.waiting:
            self.follow(self.waiting.pop())
            if not self.waiting:
                for one in self.owned:
                    last = one.name.rpartition(".")[2]
                    if one.owner in self.seen and (one.handed_over or f".{last}" in self.requested):
                        self.add(one.full_name)


@cache
def read() -> dict[str, Source]:
    """Every module by its name."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return {source.name: source for source in map(Source, files)}


def unreached(kept: Iterable[str] = KEPT) -> list[Definition]:
    """Public definitions that nothing leads to which is run, or kept."""
    sources = read()
    reach = Reach(sources)
    for name in RUN:
        for module in sources:
            if module == name or (name.endswith(".") and module.startswith(name)):
                reach.load(module)
    for name in kept:
        reach.load(name)
        reach.add(name)
        for one in sources[name].found if name in sources else []:
            reach.add(one.full_name)
    reach.grow()
    return [one for one in reach.known.values() if one.is_public and one.full_name not in reach.seen]


if __name__ == "__main__":
    for one in unreached():
        print(f"{one.module.replace('.', '/')}.py:{one.line} {one.name}")
