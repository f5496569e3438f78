"""Networks of a parent and its child, as text for `timeline`."""

from __future__ import annotations

from timeline import Timeline


def family(parent: str, child: str, more: str = "") -> str:
    """A parent's steps and its child's; executions come by the trace `jobs`."""
    return f"""
sources: {{jobs: {{routine: parent, arrivals: {{trace: t}}}}}}
resources: {{lock: {{units: 1}}, slots: {{units: 1, nodes: fleet, choice: round_robin}}}}
nodes: {{fleet: {{count: 2}}}}
attributes: {{n: 1, m: 10}}
routines:
  parent: [{parent}]
  kid: [{child}]
{more}
"""


def beside(text: str, source: str, routine: str, more: str = "") -> str:
    """With another source, before that of the parents."""
    first = f"{source}: {{routine: {routine}, arrivals: {{trace: t}}{more}}}"
    return text.replace("\nsources: {", f"\nsources: {{{first}, ")


def parents(t: Timeline) -> list[int]:
    assert t.run.executions.parent is not None
    rows: list[int] = t.run.executions.parent.tolist()
    return rows


def crash(at: str, nodes: str = "all") -> str:
    return f"faults: {{gone: {{targets: [{{group: fleet, nodes: {nodes}}}], at: {at}, drill: false}}}}"
