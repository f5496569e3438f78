"""Everything that can go wrong, and what the process then exits with.

SimError
├── InputErrors      the user's file, option or data is wrong; lists every problem       exit 2
├── AuditFailed      a conservation law or an internal check does not hold               exit 3
├── NotKept          a study asks for what its runs were told not to keep                 exit 3
├── StandsStill      a study has no meaning, since its runs end in a deadlock            exit 2
└── Unstable         a closed form was asked for a queue that grows without bound        exit 2

A mistake of the user's is an `InputErrors` and never a traceback; a mistake of the programmer's is an
assertion and stays one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Keys and list indexes from the top of a file, or of a part of it, down to a value."""


def dotted(path: Path) -> str:
    """The path as it is printed and as `--set` takes it.

    >>> dotted(("workflows", "checkout", "steps", 0, "activity"))
    'workflows.checkout.steps.0.activity'
    """
    return ".".join(map(str, path))


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the input: where, what was found, what was expected, what to write instead.

    path: dotted path of the value in the file, such as `workers.orders.replicas`; empty for the whole file.
    message: what was found and what was expected, one sentence without a full stop.
    hint: what to write instead; empty when there is nothing better to say.
    beside: path of another key that the problem is about as well; whoever places the problem tells where that stands.
    file, line, column: the place, counted from 1; 0 where there is no file behind the value.
    """

    path: str
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    beside: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}  " if self.file and self.line else ""
        if not where and self.file:
            where = f"{self.file}  "
        lines = [f"{where}{self.path}".rstrip(), f"    {self.message}"]
        if self.hint:
            lines.append(f"    {self.hint}")
        return "\n".join(line for line in lines if line.strip())


class SimError(Exception):
    """Root of every error that this package raises on purpose."""

    exit_code = 3


class InputErrors(SimError):
    """Everything that is wrong with the input, at once.

    stage: of the checks of a scenario's file, the one that found it (`sim.studies.loading.load`); 0 while it is read.
    """

    exit_code = 2

    def __init__(self, problems: Sequence[Problem], stage: int = 0) -> None:
        self.problems = tuple(problems)
        self.stage = stage
        count = len(self.problems)
        tail = f"{count} problem{'s' if count != 1 else ''}; nothing was run."
        super().__init__("\n".join([*map(str, self.problems), "", tail]))

    def __reduce__(self) -> tuple[type[InputErrors], tuple[tuple[Problem, ...], int]]:
        return type(self), (self.problems, self.stage)  # so that it crosses process boundaries whole


class AuditFailed(SimError):
    """A run contradicts a law that every run must keep; nothing of it may be reported."""

    exit_code = 3

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(self.findings))

    def __reduce__(self) -> tuple[type[AuditFailed], tuple[tuple[str, ...]]]:
        return type(self), (self.findings,)


class NotKept(SimError):
    """Something is asked of a replication that it was reduced without; the study has to say beforehand what it needs.

    what: what was asked for.
    """

    exit_code = 3

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"a replication was reduced to what was asked for as it ended, and {what} was not")

    def __reduce__(self) -> tuple[type[NotKept], tuple[str]]:
        return type(self), (self.what,)


class StandsStill(SimError):
    """What was asked for has no meaning: work of this scenario comes to wait for itself for ever."""

    exit_code = 2


class Unstable(SimError):
    """The offered load reaches what the servers can do: the queue grows without bound."""

    exit_code = 2


class RenamedWarning(FutureWarning):
    """An old name was used; the message says the new one."""
