"""The house keeps its own rules: layers, one importer for each heavy library, named docstrings, nothing of a machine.

Goal: a wrong import or a forgotten docstring fails here, by name. Method: the sources are parsed, nothing is run.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.reached import KEPT, unreached

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "sim").rglob("*.py"))
LABORATORY = sorted((ROOT / "calibration").rglob("*.py"))

LAYERS = [
    {"errors", "files", "meant"},
    {"units", "figure"},
    {"spec"},
    {"network"},
    {"scenario"},
    {"draws", "results"},
    {"lower"},
    {"engine"},
    {"stats", "analytic", "observed"},
    {"cost"},
    {"report"},
    {"studies"},
    {"calibrate"},
    {"cli"},
]
"""From the ground up: a file may import from its own part and from lower layers; parts of one layer do not mix."""

CALIBRATION_LAYERS = [
    {"closed_forms"},
    {"systems", "theory", "published", "measure", "evidence", "pgbench", "estimate"},
    {"fitting", "scores", "case_studies"},
    {"cli"},
]
"""Those of `calibration`, which stands above all of `sim`; `sim` imports nothing of it."""

ONLY_IN = {
    "numba": "sim/draws/compiler_",
    "llvmlite": "sim/draws",
    "simpy": "sim/engine/reference/clock.py",
    "plotly": "sim/report",
    "jinja2": "sim/report",
    "typer": ("sim/cli", "calibration/cli"),
    "rich": "sim/cli",
    "yaml": ("sim/scenario/reading/reader.py", "calibration/measure"),
    "joblib": "sim/engine/processes.py",
}

LONGEST_FILE = 450
MOST_PARAMETERS = 6
"""Of a constructor in `sim.lower`: who needs more asks one of its collaborators, or the `Context`."""


def imports(path: Path) -> list[tuple[str, int]]:
    """Modules that a file imports anywhere, with the line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            found.append((node.module or "", node.lineno))
    return found


def layer_of(part: str, layers: list[set[str]]) -> int:
    for index, parts in enumerate(layers):
        if part in parts:
            return index
    raise AssertionError(f"{part} stands in no layer; add it to them")


@pytest.mark.parametrize("path", [*SOURCES, *LABORATORY], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_from_its_own_part_and_from_lower_layers(path: Path) -> None:
    package, part = path.relative_to(ROOT).parts[:2]
    part = part.removesuffix(".py")
    if part in ("__init__", "__main__"):
        return
    layers = LAYERS if package == "sim" else CALIBRATION_LAYERS
    mine = layer_of(part, layers)
    for module, line in imports(path):
        assert package != "sim" or module.split(".")[0] != "calibration", f"{path}:{line} imports {module}"
        if not module.startswith(f"{package}."):
            continue
        other = module.split(".")[1]
        assert other == part or layer_of(other, layers) < mine, f"{path.relative_to(ROOT)}:{line} imports {module}"


@pytest.mark.parametrize("path", [*SOURCES, *LABORATORY], ids=lambda path: str(path.relative_to(ROOT)))
def test_each_heavy_library_is_imported_in_one_place(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix()
    for module, line in imports(path):
        home = ONLY_IN.get(module.split(".")[0])
        assert home is None or relative.startswith(home), f"{relative}:{line} imports {module}, which is {home}'s"


def ties(path: Path) -> list[tuple[str, int, bool]]:
    """Modules of `sim` that a file imports, with the line and whether a comment stands there, or at the `if` around
    it, that says why it is no import of the module as a whole (for types alone, or within a function)."""
    lines, found = path.read_text(encoding="utf-8").splitlines(), []

    def visit(node: ast.AST, said: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ImportFrom):
                told = said or "#" in lines[child.lineno - 1]
                names = [f"{child.module}.{alias.name}" for alias in child.names]
                found.extend((name if name in MODULES else child.module or "", child.lineno, told) for name in names)
            visit(child, said or (isinstance(child, ast.If) and "#" in lines[child.lineno - 1]))

    visit(ast.parse("\n".join(lines)), False)
    return [one for one in found if one[0] in MODULES]


MODULES = {str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__") for path in SOURCES}


def test_modules_import_each_other_in_a_circle_only_where_a_comment_says_why() -> None:
    told = {str(path.relative_to(ROOT).with_suffix("")).replace("/", "."): ties(path) for path in SOURCES}
    plain = {name: {other for other, _, said in found if not said} for name, found in told.items()}
    while ends := {name for name, others in plain.items() if not others & plain.keys()}:
        plain = {name: others for name, others in plain.items() if name not in ends}
    assert sorted(plain) == [], "each of these imports another one of them; say why where the circle can be cut"


def test_private_hooks_of_numba_are_in_one_file() -> None:
    hooks = ROOT / "sim" / "draws" / "compiler_hooks.py"
    for path in {*SOURCES} - {hooks}:
        if not any(module.split(".")[0] == "numba" for module, _ in imports(path)):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else ""
            private = name == "core" or (name.startswith("_") and not name.startswith("__"))
            assert not private, f"{path.relative_to(ROOT)}:{node.lineno} uses {name}, which is {hooks.name}'s"
        assert "numba.core" not in {module for module, _ in imports(path)}


@pytest.mark.parametrize("path", [*SOURCES, *LABORATORY], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_what_lives_in_it_and_is_of_a_readable_length(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), f"{path.relative_to(ROOT)} has no docstring"
    assert text.count("\n") <= LONGEST_FILE, f"{path.relative_to(ROOT)}: what is the second idea in it?"


def constructors(path: Path) -> list[tuple[str, int]]:
    """Every class of a file that writes its own `__init__`, with the number of parameters beside self."""
    return [
        (node.name, len([*step.args.posonlyargs, *step.args.args, *step.args.kwonlyargs]) - 1)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        for step in node.body
        if isinstance(step, ast.FunctionDef) and step.name == "__init__"
    ]


def test_a_constructor_of_the_lowering_asks_for_few_things() -> None:
    lowering = [path for path in SOURCES if path.is_relative_to(ROOT / "sim" / "lower")]
    found = [(path.name, *one) for path in lowering for one in constructors(path)]
    assert found
    assert [one for one in found if one[-1] > MOST_PARAMETERS] == []


WRITERS = ("sim/files.py", "sim/report/frames.py", "calibration/measure/", "calibration/evidence/")
"""The module that writes files whole or not at all, the one that fills the files which that has opened for it, and
tools that run without `sim`."""


@pytest.mark.parametrize("path", [*SOURCES, *LABORATORY], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_written_whole_or_not_at_all(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix()
    if relative.startswith(WRITERS):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        method = isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name | ast.Attribute)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        writes = name == "open" and any(re.fullmatch(r"[rwaxbt+]*[wax+][bt+]*", text) for text in texts)
        writes |= method and name in ("write_text", "write_bytes") and len(node.args) == 1
        assert not writes, f"{relative}:{node.lineno} writes a file by itself: use sim.files"


def test_nothing_in_the_repository_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    banned = re.compile("|".join(["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "pypi" + r"\.org", "npmjs" + r"\."]))
    for name in listed:
        path = ROOT / name
        if path.suffix in {".png", ".gz", ".js", ".parquet"} or not path.is_file():
            continue
        found = banned.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{name} names {found and found.group()}"


def headings(path: Path) -> set[str]:
    """The anchors of a page, as its headings make them."""
    found = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in found}


def test_links_between_pages_lead_somewhere() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split():
        for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text(encoding="utf-8")):
            if "://" in target:
                continue
            file, _, anchor = target.partition("#")
            path = (ROOT / name).parent / file if file else ROOT / name
            assert path.exists(), f"{name} leads to {target}"
            assert not anchor or anchor in headings(path), f"{name} leads to {target}, a heading that is not there"


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\nversion: {project['version']}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"license: {project['license']}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_hosted_ci_runs_what_a_developer_runs() -> None:
    own = re.findall(r"^make .*", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    hosted = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"- run: (.*)", hosted) == own


def test_nothing_is_public_that_only_tests_call() -> None:
    found = [f"{one.module.replace('.', '/')}.py:{one.line} {one.name}" for one in unreached()]
    assert not found, f"move to tests/, wire or remove: {', '.join(found)}"


def test_what_is_kept_though_nothing_reaches_it_is_still_unreached() -> None:
    found = {f"{one.full_name}." for one in unreached(kept=())}
    for name in KEPT:
        assert any(one.startswith(f"{name}.") for one in found), f"{name} is reached: take it out of KEPT"
