"""What README and docs/first-run.md show of a session is what the commands print.

Goal: a newcomer sees on the screen what the page promised. Method: each command of a block is run on the file that
`sim init` writes. A line `...` stands for anything; between two of them the page has the output line by line. Where
output changes, paste the new one into the page.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from a_command import Command

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/first-run.md")
CUT = re.compile(r"^\.\.\.\n", re.M)


def blocks(page: str, kind: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    return [text for mark, text in found if mark == kind]


def sessions() -> dict[str, list[tuple[str, str]]]:
    """Every command line that a page runs: the pages, and what they show of its output."""
    found: dict[str, list[tuple[str, str]]] = {}
    for page in PAGES:
        for block in blocks(page, ""):
            for one in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.M)[1:]:
                line, _, shown = one.partition("\n")
                found.setdefault(" ".join(line.split()), []).append((page, shown))
    return found


SESSIONS = sessions()


def missing(shown: str, printed: str) -> str:
    """The first piece of the shown output that does not come next in what was printed; empty if all of it does."""
    begin, *rest = CUT.split(shown)
    if not rest:
        return "" if shown == printed else shown
    if not printed.startswith(begin):
        return begin
    at = len(begin)
    for piece in rest:
        found = printed.find(piece, at)
        if found < 0:
            return piece
        at = found + len(piece)
    return "" if not rest[-1] or printed.endswith(rest[-1]) else rest[-1]


@pytest.mark.parametrize(
    "line", [pytest.param(one, marks=[pytest.mark.long] * one.startswith("sim run")) for one in SESSIONS]
)
def test_a_page_shows_what_a_command_prints(line: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(command.folder)
    program, *arguments = shlex.split(line)
    assert program == "sim"
    if arguments[0] != "init":
        assert command.sim("init", "cluster.yaml").code == 0
    ended = command.sim(*arguments)
    for page, shown in SESSIONS[line]:
        lost = missing(shown, ended.out)
        assert not lost, f"{page} shows, of   {line}   what it does not print:\n{lost}"


def test_the_pages_run_the_commands_of_a_first_session() -> None:
    assert {shlex.split(line)[1] for line in SESSIONS} == {"init", "check", "run"}
    assert {page for shown in SESSIONS.values() for page, _ in shown} == set(PAGES)


def test_the_scenario_on_the_page_is_valid(command: Command) -> None:
    [scenario] = blocks("docs/first-run.md", "yaml")
    ended = command.sim("check", command.file(scenario))
    assert ended.code == 0, ended.err


def test_what_is_not_cut_is_compared_line_by_line() -> None:
    assert missing("a\n...\nc\n", "a\nb\nc\n") == ""
    assert missing("a\n...\n", "a\nb\n") == ""
    assert missing("a\nc\n", "a\nb\nc\n") == "a\nc\n"
    assert missing("a\n", "a\nb\n") == "a\n", "the end is cut and no line says so"
    assert missing("b\n...\n", "a\nb\n") == "b\n", "so is the beginning"
    assert missing("a\n...\nb\n", "a\nb\nc\n") == "b\n"
