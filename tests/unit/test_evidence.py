"""Evidence is stale where a source that counts has changed, wherever it stands, and only there.

Method: a project of four files, evidence made of it by hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration.evidence import __main__ as command
from calibration.evidence import record, sources

CLAIM = "tests/theory/test_it.py::test_it[1]"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {
        "tests/theory/test_it.py": "from sim.engine import run\nfrom helper import number\n",
        "tests/theory/helper.py": "number = 1\n",
        "sim/engine.py": '"""Runs."""\n\n\ndef run():\n    from sim.queue import line\n    return line\n',
        "sim/queue.py": "line = 1  # one\n",
        "sim/report.py": "page = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for module in (sources, command):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(record, "HERE", tmp_path)
    _forget()
    now = record.OfFile(
        sources.digest(tmp_path / "tests/theory/test_it.py"), {"test_it[1]": record.Claim("passed", 1.0)}
    )
    record.write("theory", {"tests/theory/test_it.py": now})
    return tmp_path


def _forget() -> None:
    for known in (sources._text, sources._named_by, sources._digest_of):
        known.cache_clear()


def change(project: Path, name: str, old: str, new: str) -> None:
    path = project / name
    path.write_text(path.read_text().replace(old, new))
    _forget()


def test_evidence_of_unchanged_sources_is_whole(project: Path) -> None:
    assert list(command.wanting([CLAIM])) == []


@pytest.mark.parametrize(
    "name", ["tests/theory/test_it.py", "tests/theory/helper.py", "sim/engine.py", "sim/queue.py"]
)
def test_a_changed_source_makes_evidence_stale_wherever_it_is_imported(project: Path, name: str) -> None:
    path = project / name
    path.write_text(path.read_text() + "more = 2\n")
    _forget()
    assert "stale" in next(command.wanting([CLAIM]))
    assert list(command.missing([CLAIM])) == [CLAIM]


def test_comments_docstrings_and_what_is_not_imported_do_not_count(project: Path) -> None:
    change(project, "sim/queue.py", "# one", "# another")
    change(project, "sim/engine.py", "Runs.", "Runs it.")
    change(project, "sim/report.py", "1", "2")
    assert list(command.wanting([CLAIM])) == []


def test_a_file_of_tests_that_starts_python_depends_on_all_of_it(project: Path) -> None:
    change(project, "tests/theory/test_it.py", "\nfrom helper", "\nimport sys; sys.executable\nfrom helper")
    assert project / "sim/report.py" in sources.depends_on(project / "tests/theory/test_it.py")


def test_a_claim_without_evidence_and_evidence_without_a_claim_are_told(project: Path) -> None:
    told = list(command.wanting(["tests/theory/test_it.py::test_it[2]"]))
    assert told == [
        "tests/theory/test_it.py: evidence of 1 claims is missing (not all hold): make evidence-theory",
        "theory.json: tests/theory/test_it.py::test_it[1] is no more: make evidence-theory",
    ]


def test_a_claim_that_failed_has_no_evidence(project: Path) -> None:
    files = record.read("theory").files
    files["tests/theory/test_it.py"].claims["test_it[1]"].outcome = "failed"
    record.write("theory", files)
    assert list(command.missing([CLAIM])) == [CLAIM]


def test_the_slices_hold_each_claim_once() -> None:
    claims = [f"tests/a/test_b.py::test_c[{n}]" for n in range(500)]
    slices = [command.slice_of(claims, number) for number in range(command.SLICES)]
    assert sorted(one for part in slices for one in part) == sorted(claims)
    assert max(map(len, slices)) < 30
