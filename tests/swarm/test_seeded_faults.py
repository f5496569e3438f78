"""The swarm catches a fault put into the kernel, one for each primitive.

A copy of the package is changed in one place and run as plain Python on the swarm's networks until one differs.
Error rate: none, everything is fixed by the seeds. A fault that no network shows would be a hole in the swarm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NETWORKS = 400
"""So many networks are tried at most; every fault here is found in far fewer."""

FAULTS = {
    "timers: ties by visit": ("timers.py", "m[one + Timer.VISIT] < m[other + Timer.VISIT]", "m[one + Timer.VISIT] > m[other + Timer.VISIT]"),
    "lines: last come": ("queues.py", "return m[line + Queue.TAIL] if queue == Discipline.LIFO", "return m[line + Queue.HEAD] if queue == Discipline.LIFO"),
    "lines: priority": ("queues.py", "> m[other + Grant.PRIORITY]", "< m[other + Grant.PRIORITY]"),
    "lines: order": ("queues.py", "return m[one + Grant.VALUE] < m[other + Grant.VALUE]", "return m[one + Grant.VALUE] > m[other + Grant.VALUE]"),
    "lines: order after priority": ("queues.py", "(queue - Discipline.ATTRIBUTE) & 1 == 1", "False"),
    "limit of a line": ("pools.py", "if length >= limit:", "if length > limit:"),
    "preemption": ("pools.py", "m[holder + Grant.PRIORITY] < m[grant + Grant.PRIORITY]", "m[holder + Grant.PRIORITY] <= m[grant + Grant.PRIORITY]"),
    "round robin": ("choices.py", "m[place + Place.NEXT] = node + 1\n        return node\n    if choice == Choice.LEAST", "m[place + Place.NEXT] = node\n        return node\n    if choice == Choice.LEAST"),
    "least loaded": ("choices.py", "free > most", "free >= most"),
    "power of two": ("choices.py", "_draw(m, place, path, 1), units)", "_draw(m, place, path, 0), units)"),
    "key": ("choices.py", "if u < f[bounds + middle]", "if u > f[bounds + middle]"),
    "patience": ("servers.py", "set_timer(m, m[Header.NOW] + length, timer)", "set_timer(m, m[Header.NOW] + length + 1, timer)"),
    "opening": ("pools.py", "if used > m[where + PlaceNode.OPEN]:", "if used >= m[where + PlaceNode.OPEN]:"),
    "affinity": ("steps.py", "- since >= m[step + AcquireStep.LEASE]", "- since > m[step + AcquireStep.LEASE]"),
    "shared cores": ("service.py", "m[node + CoresNode.PRESENT] << 20, total, True)", "m[node + CoresNode.PRESENT] << 20, total, False)"),
    "contention": ("service.py", "(n - 1) + f[place", "n + f[place"),
    "set-up": ("servers.py", "while m[place + Place.STARTING] > wanted:", "while m[place + Place.STARTING] > wanted + 1:"),
    "door": ("servers.py", "while m[blocked] and not _is_full(m, place)", "while m[blocked] and False and not _is_full(m, place)"),
    "delay with a grid": ("steps.py", "if m[step + DelayStep.GRID]:", "if False:"),
    "group commit": ("batches.py", "min(limit, waiting) if limit else waiting", "waiting"),
    "polled queue": ("batches.py", "max(now + 1, earliest)", "max(now, earliest)"),
    "prompt": ("batches.py", "count = min(m[place + Place.BATCH], m[queue + BatchNode.QUEUE + Queue.LENGTH])\n    if count == 0 or", "count = m[queue + BatchNode.QUEUE + Queue.LENGTH]\n    if count == 0 or"),
    "follow-up": ("batches.py", "m[queue + BatchNode.AGAIN] = 1", "m[queue + BatchNode.AGAIN] = 0"),
    "saved reads": ("batches.py", "max(m[queue + BatchNode.FULL_AT], m[Header.NOW])", "m[Header.NOW]"),
    "token bucket": ("delays_and_buckets.py", "max(m[place + Place.FULL_AT], m[Header.NOW])", "m[place + Place.FULL_AT]"),
    "cache": ("caches.py", "m[where + Queue.LENGTH] > m[cache + Cache.CAPACITY]", "m[where + Queue.LENGTH] >= m[cache + Cache.CAPACITY]"),
    "branch": ("control.py", "taken = u < upper", "taken = u < upper * 0.9"),
    "loop": ("control.py", "child_path(m[frame + Frame.BASE], index)", "child_path(m[frame + Frame.BASE], 0)"),
    "fork: k of n": ("forks.py", "m[fork_group + Fork.FAILED] > m[fork_group + Fork.SPARE]", "m[fork_group + Fork.FAILED] >= m[fork_group + Fork.SPARE]"),
    "race": ("control.py", "count, False, 1, 1, 0)", "count, False, 1, 0, 0)"),
    "attempt: back-off": ("failures.py", "max(half_even(length), m[step + AttemptStep.FLOOR])", "half_even(length)"),
    "attempt: start": ("attempt_timers.py", "== Starts.GRANTED:", "!= Starts.GRANTED:"),
    "attempt: heartbeat": ("attempt_timers.py", "max(last + timeout, now)", "max(last + timeout + 1, now)"),
    "attempt: silent": ("attempt_timers.py", "if error == Failure.CRASH and m[attempt + Attempt.LOST]", "if error == Failure.CRASH and False"),
    "saga": ("failures.py", "m[frame + Frame.OTHER] = m[entry + 1]", "m[frame + Frame.OTHER] = 0"),
    "mark": ("steps.py", "m[execution + m[Header.JOB_READIED] + m[step + MarkStep.READIES]] = now", "m[execution + m[Header.JOB_READIED] + m[step + MarkStep.READIES]] = 0"),
    "monitor": ("monitors.py", "now - requested > m[monitor + Monitor.LIMIT]", "now - requested >= m[monitor + Monitor.LIMIT]"),
    "count": ("steps.py", "m[at] += m[step + CountStep.ITEMS + CountedItem.SIZE * item + CountedItem.NUMBER]", "m[at] += 1"),
    "set": ("steps.py", "m[attributes + m[at]] += value", "m[attributes + m[at]] = value"),
    "crash": ("groups.py", "if depth < 0 or 0 <= other < depth:", "if depth < 0:"),
    "slow": ("faults.py", "after *= f[slower + Influence.VALUE]", "after = f[slower + Influence.VALUE]"),
    "pause": ("batches.py", "m[round_ + Round.LEFT] = m[round_ + Round.ENDS] - m[Header.NOW]", "m[round_ + Round.LEFT] = 0"),
    "window": ("faults.py", "since < m[spec + Fault.OPEN]", "since <= m[spec + Fault.OPEN]"),
    "notice: who is left": ("groups.py", "load_of(m, group, node) == 0 and m[", "load_of(m, group, node) == 0 or m["),
    "clock": ("timers.py", "m[entry] = max(m[Header.NOW], m[entry] - by)", "m[entry] = m[entry] - by"),
    "common cause": ("faults.py", "m[record + Episode.ALL] = 1 if u < f[spec + Fault.COMMON] else 0", "m[record + Episode.ALL] = 1"),
    "errors": ("nodes.py", "m[fault + Influence.EPISODE]) < f[", "0) < f["),
    "controller: what is wanted": ("controllers.py", "return whole + 1 if whole < nodes else whole", "return whole + 1"),
    "controller: who leaves": ("controllers.py", "load <= least", "load < least"),
    "controller: who is left": ("pools.py", "if ready == Readiness.ONLY_BOUND and which != 1:", "if False:"),
    "controller: cool-down": ("controllers.py", "keep = max(keep, m[", "keep = max(0, m["),
    "controller: drain limit": ("controllers.py", "elif limit >= 0 and m[Header.NOW] - m[own + ControlledNode.LEFT] >= limit:", "elif limit >= 0 and m[Header.NOW] - m[own + ControlledNode.LEFT] > limit:"),
    "modulated source": ("sources.py", "if time + need < m[source + Source.PHASE_END]:", "if time + need <= m[source + Source.PHASE_END]:"),
    "profile": ("sources.py", "mass = (here + last) / 2 * seconds", "mass = last * seconds"),
    "burst": ("sources.py", "Due.LATE), ordinal + 1, source)", "Due.LATE), 0, source)"),
    "load: what is cut off": ("sources.py", "m[source + Source.STOP] = Source.SHUT\n    m[source + Source.ORDINAL] += 1", "m[source + Source.STOP] = Source.SHUT"),
    "closed loop": ("sources.py", "m[client + Client.CYCLE] += 1", "m[client + Client.CYCLE] += 2"),
    "split of latency": ("jobs.py", "m[split + lost] += total", "m[split + lost] += 0"),
    "areas": ("meters.py", "m[place + Place.WAITING], passed)", "m[place + Place.WAITING] + 1, passed)"),
    "drop at the end": ("kernel.py", "m[job + Job.STATE] & Job.COHORT == 0 and", "m[job + Job.STATE] & Job.COHORT != 0 and"),
    "child: takes": ("children.py", "m[child + at] = m[parent + at]", "m[child + at] = 0"),
    "child: gives": ("children.py", "= m[m[link + ChildLink.CHILD] + at]", "= 0"),
    "child: counted": ("children.py", "= m[above + Family.COUNTED]", "= 1"),
    "child: priority": ("children.py", "= m[above + Family.PRIORITY]", "= 0"),
    "child: followed": ("children.py", "1 if m[above + Family.FOLLOWED] or m[parent + Job.STATE] & Job.COHORT else 0", "0"),
    "child: own path": ("children.py", "path = child_path(m[job + Job.PATH], m[step + Step.STREAM_OFFSET])\n    child", "path = m[job + Job.PATH]\n    child"),
    "child: closed once": ("children.py", "m[link + ChildLink.ASKED] = 1", "m[link + ChildLink.ASKED] = 0"),
    "child: asked to end": ("children.py", "if policy == OnClose.TERMINATE", "if policy != OnClose.ABANDON"),
    "child: not tried again": ("failures.py", " or error == Failure.CANCEL_REQUESTED", ""),
    "child: after": ("children.py", "if m[link + ChildLink.ERROR] == 0:", "if True:"),
    "child: closed with its parent": ("children.py", "    _let_go_of_children(m, main)\n", ""),
    "tell": ("children.py", "m[step + Step.STREAM_OFFSET])\n    m[telling", "0)\n    m[telling"),
    "tell: once closed": ("children.py", "m[family_of(m, main) + Family.LINK] = 0", "pass"),
}  # fmt: skip

SEEN_BEFORE = (43, 57, 68, 84, 86, 118, 126, 135, 155, 161, 277, 293)
"""Networks that were the first to show one of the faults which few do: tried after the first few, to save time."""
FEW = 20

HUNT = """
import sys
from tests.swarm.engines import fast, told_apart
from tests.swarm.fitted import fitted
few, most, *before = map(int, sys.argv[1:])
for seed in dict.fromkeys([*range(few), *before, *range(most)]):
    case, observed = fitted(seed)
    if told_apart(case, observed.replication, fast):
        print(seed)
        break
"""


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_the_swarm_catches_a_fault_in_the_kernel(name: str, tmp_path: Path) -> None:
    file, right, wrong = FAULTS[name]
    for part in ("sim", "tests/swarm"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "__init__.py").touch()
    path = tmp_path / "sim" / "engine" / "fast" / file
    source = path.read_text(encoding="utf-8")
    assert source.count(right) >= 1, f"{file} no longer says {right!r}"
    path.write_text(source.replace(right, wrong), encoding="utf-8")
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(tmp_path)}
    hunt = [sys.executable, "-c", HUNT, *map(str, (FEW, NETWORKS, *SEEN_BEFORE))]
    found = subprocess.run(hunt, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500)
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip(), f"no network of {NETWORKS} shows the fault in {name}"
