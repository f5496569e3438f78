"""Child executions: closed with their parent, told of on the way, and what comes after them. Times in ms."""

from __future__ import annotations

import pytest
from families import beside, family, parents
from timeline import Engine

LOST_AT_4 = "{race: [[{delay: 4 ms}], [{child: {routine: kid, on_close: %s}}]]}, {delay: 1 ms}"
# -- a race that is lost ---------------------------------------------------------------------------------------
LONG = """
{saga: [{delay: 2 ms}, {compensate: [{delay: 3 ms}]},
  {attempt: {retry: {initial_interval: 1 ms, maximum_attempts: 9}, steps: [{delay: 9 ms}]}}]}"""


def test_a_child_that_loses_a_race_is_terminated(engine: Engine) -> None:
    # At once, whatever it is at: nothing is compensated, nothing tried again.
    t = engine(family(LOST_AT_4 % "terminate", LONG), {"jobs": [0]})
    assert (t.ends, t.outcomes, t.errors) == ([5, 4], ["succeeded", "failed"], {1: "terminated"})
    assert t.split(0) == {"service.delay-1": 4, "service.delay-2": 1}
    assert t.split(1) == {"service.delay-1": 2, "service.delay-3": 2}
    assert t.run.attempts == {"kid": (1, 0)}
    assert t.run.off_path_ns == 4_000_000  # of the parent's job that waited for it


def test_or_asked_to_cancel_and_undoes_what_it_has_done(engine: Engine) -> None:
    # Its attempt fails at 4, after 2, and is not tried again; undone 4-7.
    t = engine(family(LOST_AT_4 % "cancel", LONG), {"jobs": [0]})
    assert (t.ends, t.outcomes, t.errors) == ([5, 7], ["succeeded", "compensated"], {})
    assert t.split(1) == {"service.delay-1": 2, "lost": 2, "service.delay-2": 3}
    assert t.run.attempts == {"kid": (1, 0)}


def test_or_abandoned_and_goes_on(engine: Engine) -> None:
    # 2 and 9, past the end of its parent.
    t = engine(family(LOST_AT_4 % "abandon", LONG), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([5, 11], ["succeeded", "succeeded"])


def test_who_is_asked_to_cancel_fails_with_that(engine: Engine) -> None:
    t = engine(family(LOST_AT_4 % "cancel", "{acquire: lock}, {delay: 9 ms}"), {"jobs": [0]})
    assert (t.ends, t.errors) == ([5, 4], {1: "cancel_requested"})
    assert t.busy("lock") == 4


def test_who_is_asked_to_cancel_may_take_it_up(engine: Engine) -> None:
    # on_failure, 4-10, inline or in a job of its own; then the child goes on with its next step, 10-11.
    for timeout in ("", "start_to_close: 1 h, "):
        retry = "retry: {initial_interval: 1 ms}, steps: [{delay: 9 ms}], on_failure: [{delay: 6 ms}]"
        t = engine(family(LOST_AT_4 % "cancel", f"{{attempt: {{{timeout}{retry}}}}}, {{delay: 1 ms}}"), {"jobs": [0]})
        assert (t.ends, t.outcomes[1]) == ([5, 11], "succeeded"), timeout


def test_who_is_asked_while_it_compensates_fails_in_the_place_of_that(engine: Engine) -> None:
    # It fails at 2 and is at its first compensation, 2-11, when it is asked at 4; the other one is left out.
    child = "{saga: [{delay: 2 ms}, {compensate: [{delay: 50 ms}]}, {compensate: [{delay: 9 ms}]}, {fail: bad}]}"
    t = engine(family(LOST_AT_4 % "cancel", child), {"jobs": [0]})
    assert (t.ends, t.errors) == ([5, 4], {1: "cancel_requested"})


def test_who_is_asked_while_it_backs_off_is_not_tried_again(engine: Engine) -> None:
    # Between two tries, 2-7, it is asked at 4; the failure goes outwards from there, past `on_failure`.
    child = "{attempt: {retry: {initial_interval: 5 ms}, steps: [{delay: 2 ms}, {fail: bad}], on_failure: []}}"
    t = engine(family(LOST_AT_4 % "cancel", child), {"jobs": [0]})
    assert (t.ends, t.errors) == ([5, 4], {1: "cancel_requested"})


def test_what_happens_to_a_child_goes_on_to_its_own_children(engine: Engine) -> None:
    # The child is asked at 4, its child then by the child's own step.
    more = "  grandkid: [{attempt: {steps: [{delay: 9 ms}], on_failure: [{delay: 2 ms}]}}]"
    for policy, end in (("terminate", 4), ("cancel", 6), ("abandon", 9)):
        text = family(LOST_AT_4 % "cancel", f"{{child: {{routine: grandkid, on_close: {policy}}}}}", more)
        t = engine(text, {"jobs": [0]})
        assert t.ends == [5, 4, end], policy
        assert t.errors[1] == "cancel_requested"


# -- the parent closes ----------------------------------------------------------------------------------------

UNHEARD = "{child: {routine: kid, wait: false, on_close: %s}}, {delay: 3 ms}"


@pytest.mark.parametrize(
    ("policy", "end", "error"),
    [("terminate", 3, "terminated"), ("cancel", 3, "cancel_requested"), ("abandon", 9, None)],
)
def test_an_open_child_ends_with_its_parent_or_not(engine: Engine, policy: str, end: float, error: str | None) -> None:
    t = engine(family(UNHEARD % policy, "{delay: 9 ms}"), {"jobs": [0]})
    assert (t.ends, t.errors.get(1)) == ([3, end], error)
    # It is so whatever the end is.
    t = engine(family(f"{UNHEARD % policy}, {{fail: bad}}", "{delay: 9 ms}"), {"jobs": [0]})
    assert (t.ends, t.errors[0], t.errors.get(1)) == ([3, end], "bad", error)


def test_open_children_are_closed_in_the_order_in_which_they_were_let_in(engine: Engine) -> None:
    # Both are asked at 3; the first one has the lock 3-5, the second one 5-7.
    child = "{attempt: {steps: [{delay: 9 ms}], on_failure: [{acquire: lock}, {delay: 2 ms}]}}"
    another = "{child: {routine: kid, wait: false, on_close: cancel}}"
    t = engine(family(f"{another}, {UNHEARD % 'cancel'}", child), {"jobs": [0]})
    assert t.ends == [3, 5, 7]


def test_it_happens_to_a_child_once(engine: Engine) -> None:
    # Asked at 2, when the race is decided; at 3, when its parent closes, it is at its way out, which takes 2-7.
    parent = "{race: [[{delay: 2 ms}], [{child: {routine: kid, on_close: cancel}}]]}, {delay: 1 ms}"
    t = engine(family(parent, "{attempt: {steps: [{delay: 9 ms}], on_failure: [{delay: 5 ms}]}}"), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([3, 7], ["succeeded", "succeeded"])


def test_a_child_that_is_waited_for_ends_with_its_parent_too(engine: Engine) -> None:
    # The join fires at 2 without the branch that waits, and the parent closes at 3; that branch hears of it then, and
    # has the lock 3-7.
    branches = "[{attempt: {steps: [{child: kid}], on_failure: [{acquire: lock}, {delay: 4 ms}]}}], [{delay: 2 ms}]"
    t = engine(
        family(f"{{fork: {{branches: [{branches}], join: first}}}}, {{delay: 1 ms}}", "{delay: 9 ms}"), {"jobs": [0]}
    )
    assert (t.ends, t.errors, t.busy("lock")) == ([3, 3], {1: "terminated"}, 4)


def test_a_child_that_has_not_begun_begins_before_it_is_terminated(engine: Engine) -> None:
    # The parent closes at 0, when it has let its child in. The child takes the steps that need no time.
    t = engine(family("{child: {routine: kid, wait: false}}", "{count: {begun: 1}}, {delay: 9 ms}"), {"jobs": [0]})
    assert (t.ends, t.errors, t.run.counts) == ([0, 0], {1: "terminated"}, {("kid", "begun"): 1})
    t = engine(family("{child: {routine: kid, wait: false}}", "{count: {begun: 1}}"), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([0, 0], ["succeeded", "succeeded"])


def test_what_a_terminated_child_waits_for_is_given_back(engine: Engine) -> None:
    # It waits for the lock, another's 0-9, until 3; who comes after it has the lock at 9.
    text = family(UNHEARD % "terminate", "{acquire: lock}, {delay: 1 ms}")
    text = beside(text, "others", "other")
    text += "  other: [{acquire: lock}, {delay: 9 ms}]"
    t = engine(text, {"others": [0, 4], "jobs": [0]})
    assert (t.ends, t.errors) == ([9, 3, 3, 18], {2: "terminated"})


# -- told -----------------------------------------------------------------------------------------------------


def test_the_parent_takes_the_steps_that_it_is_told_to_and_the_teller_waits(engine: Engine) -> None:
    # 1, told 1-3 and 3-5, 1. The parent's n is then 3, not the child's: 3 more.
    parent = "{child: {routine: kid, told: [{set: {n: {add: 1}}}, {delay: 2 ms}]}}, {delay: 0 ms, per: {n: 1 ms}}"
    child = "{delay: 1 ms}, {tell: parent}, {tell: parent}, {delay: 0 ms, per: {n: 1 ms}}"
    t = engine(family(parent, child), {"jobs": [0]})
    assert t.ends == [9, 6]
    assert t.split(0) == {"child.child-1": 6, "service.delay-2": 3}
    assert t.split(1) == {"service.delay-1": 1, "told": 4, "service.delay-2": 1}


def test_what_the_parent_does_then_is_done_with_what_its_main_line_holds(engine: Engine) -> None:
    # Each parent is on a node whose processor is another's 0-5. It is told at 1, waits there, and is served 5-7.
    parent = "{acquire: slots}, {delay: 1 ms}, {child: {routine: kid, told: [{call: report}]}}"
    more = """
  report: [{use: {station: cpu, at: slots}}]
  other: [{acquire: slots}, {use: {station: cpu, at: slots, demand: 5 ms}}]
stations: {cpu: {nodes: fleet, servers: 1, service: 2 ms}}
"""
    text = family(parent, "{tell: parent}", more).replace("units: 1, nodes: fleet", "units: 2, nodes: fleet")
    text = beside(text, "others", "other")
    t = engine(text, {"others": [0, 0], "jobs": [0, 0]})
    # Nodes 0 and 1 for the others, 0 and 1 for the parents.
    assert (t.ends, parents(t)) == ([5, 5, 7, 7, 7, 7], [-1, -1, -1, -1, 2, 3])
    assert t.split(4) == {"told": 6}
    assert t.place("cpu").wait_sum_ns == 8_000_000


def test_telling_goes_well_though_what_the_parent_does_fails(engine: Engine) -> None:
    t = engine(
        family("{child: {routine: kid, told: [{delay: 2 ms}, {fail: bad}]}}", "{tell: parent}, {delay: 1 ms}"),
        {"jobs": [0]},
    )
    assert (t.ends, t.errors) == ([3, 3], {})


def test_where_there_is_nobody_to_tell_nothing_happens(engine: Engine) -> None:
    # An execution without a parent; a parent with no steps for it; one that has closed, at 2.
    text = family("{delay: 1 ms}, {tell: parent}, {child: kid}", "{tell: parent}, {delay: 1 ms}")
    assert engine(text, {"jobs": [0]}).ends == [2, 2]
    told = "told: [{acquire: lock}, {delay: 9 ms}]"
    parent = f"{{child: {{routine: kid, wait: false, on_close: abandon, {told}}}}}, {{delay: 2 ms}}"
    t = engine(family(parent, "{delay: 3 ms}, {tell: parent}, {delay: 1 ms}"), {"jobs": [0]})
    assert (t.ends, t.busy("lock")) == ([2, 4], 0)


def test_any_job_of_a_child_may_tell_its_parent_and_two_at_once(engine: Engine) -> None:
    # The parent's lock is told of twice at 0: 0-2, 2-4; the split follows the one that ends last.
    parent = "{child: {routine: kid, told: [{acquire: lock}, {delay: 2 ms}]}}"
    t = engine(family(parent, "{fork: {items: 2, steps: [{tell: parent}]}}"), {"jobs": [0]})
    assert (t.ends, t.split(1), t.busy("lock")) == ([4, 4], {"told": 4}, 4)


def test_what_the_parent_is_told_to_do_goes_on_without_the_teller(engine: Engine) -> None:
    # Told 1-4, and at 2 the race is lost, the teller terminated. At 4 n is 7: with 4 ms, until 6, 7 more.
    told = "told: [{delay: 3 ms}, {set: {n: {to: 7}}}]"
    lost = f"{{race: [[{{delay: 2 ms}}], [{{child: {{routine: kid, {told}}}}}]]}}"
    parent = f"{lost}, {{delay: 4 ms}}, {{delay: 0 ms, per: {{n: 1 ms}}}}"
    t = engine(family(parent, "{delay: 1 ms}, {tell: parent}"), {"jobs": [0]})
    assert (t.ends, t.errors) == ([13, 2], {1: "terminated"})
    assert t.split(1) == {"service.delay-1": 1, "told": 1}


def test_the_teller_waits_for_it_also_past_the_end_of_the_parent(engine: Engine) -> None:
    # Told 1-6 by a parent that closes at 2.
    parent = "{child: {routine: kid, wait: false, on_close: abandon, told: [{delay: 5 ms}]}}, {delay: 2 ms}"
    t = engine(family(parent, "{delay: 1 ms}, {tell: parent}, {delay: 1 ms}"), {"jobs": [0]})
    assert t.ends == [2, 7]


def test_a_grandchild_tells_its_parent_which_may_tell_its_own(engine: Engine) -> None:
    # The child is told 0-1, and tells its parent then, 1-3.
    more = "  grandkid: [{tell: parent}]"
    text = family(
        "{child: {routine: kid, told: [{delay: 2 ms}]}}",
        "{child: {routine: grandkid, told: [{delay: 1 ms}, {tell: parent}]}}",
        more,
    )
    t = engine(text, {"jobs": [0]})
    assert (t.ends, t.split(2)) == ([3, 3, 3], {"told": 3})


def test_a_mark_that_the_parent_is_told_to_make_is_the_parents(engine: Engine) -> None:
    more = "monitors: {answer: {when: asked, eventually: [answered], within: 3 ms}}"
    parent = "{mark: asked}, {child: {routine: kid, told: [{mark: answered}]}}"
    t = engine(family(parent, "{delay: 2 ms}, {tell: parent}", more), {"jobs": [0]})
    assert t.monitor("answer") == (1, 1, 0, 0)


def test_a_saga_around_the_parents_main_line_undoes_what_it_was_told_to_do(engine: Engine) -> None:
    # Told at 1; the saga fails at 1, and undoes it 1-5.
    more = "  booking: [{compensate: [{delay: 4 ms}]}]"
    parent = "{saga: [{child: {routine: kid, told: [{call: booking}]}}, {fail: bad}]}"
    t = engine(family(parent, "{delay: 1 ms}, {tell: parent}", more), {"jobs": [0]})
    assert (t.ends, t.outcomes) == ([5, 1], ["compensated", "succeeded"])


# -- after ----------------------------------------------------------------------------------------------------


def test_a_child_has_closed_before_what_comes_after_and_the_parent_hears_later(engine: Engine) -> None:
    # 0-2, after 2-5 (n is 3 with the child), 1.
    parent = "{child: {routine: kid, after: [{delay: 0 ms, per: {n: 1 ms}}]}}, {delay: 1 ms}"
    t = engine(family(parent, "{delay: 2 ms}, {set: {n: {to: 3}}}"), {"jobs": [0]})
    assert t.ends == [6, 2]
    assert t.split(0) == {"child.child-1": 5, "service.delay-2": 1}
    assert t.split(1) == {"service.delay-1": 2}


def test_the_parent_hears_of_the_first_of_two_failures(engine: Engine) -> None:
    parent = "{child: {routine: kid, after: [{delay: 3 ms}, {fail: late}]}}"
    t = engine(family(parent, "{delay: 2 ms}"), {"jobs": [0]})
    assert (t.ends, t.outcomes, t.errors) == ([5, 2], ["failed", "succeeded"], {0: "late"})
    t = engine(family(parent, "{delay: 2 ms}, {fail: early}"), {"jobs": [0]})
    assert (t.ends, t.errors) == ([5, 2], {0: "early", 1: "early"})


def test_it_comes_after_a_child_that_was_terminated_too(engine: Engine) -> None:
    # Lost at 4, the lock 4-7. Nobody waits for it any more.
    parent = LOST_AT_4.replace("on_close: %s", "after: [{acquire: lock}, {delay: 3 ms}]")
    t = engine(family(parent, "{delay: 9 ms}"), {"jobs": [0]})
    assert (t.ends, t.errors, t.busy("lock")) == ([5, 4], {1: "terminated"}, 3)


def test_a_child_that_has_closed_is_left_alone_at_what_comes_after(engine: Engine) -> None:
    # Closed at 2, the lock 2-9; the race is lost at 4 and the parent closes at 5.
    parent = LOST_AT_4.replace("on_close: %s", "after: [{acquire: lock}, {delay: 7 ms}]")
    t = engine(family(parent, "{delay: 2 ms}"), {"jobs": [0]})
    assert (t.ends, t.errors, t.busy("lock")) == ([5, 2], {}, 7)


def test_nothing_is_told_after_the_end(engine: Engine) -> None:
    parent = "{child: {routine: kid, told: [{delay: 9 ms}], after: [{delay: 1 ms}, {tell: parent}]}}"
    assert engine(family(parent, "{delay: 2 ms}"), {"jobs": [0]}).ends == [3, 2]


def test_a_span_of_the_child_may_end_in_what_comes_after(engine: Engine) -> None:
    # Begun at 1, ended at 2 + 3. That of the parent, begun at 0, goes on with the parent alone, and ends at 6.
    more = "spans: {reply: {start: asked, end: answered}}"
    child = "{child: {routine: kid, after: [{delay: 3 ms}, {mark: answered}]}}"
    parent = f"{{mark: asked}}, {child}, {{delay: 1 ms}}, {{mark: answered}}"
    t = engine(family(parent, "{delay: 1 ms}, {mark: asked}, {delay: 1 ms}", more), {"jobs": [0]})
    assert t.spans("span.reply") == [(5, 4), (6, 6)]


def test_what_comes_after_is_the_childs_for_its_monitors(engine: Engine) -> None:
    # They judge it when that is done.
    more = "monitors: {answer: {when: asked, eventually: [answered]}}"
    parent = "{child: {routine: kid, wait: false, after: [{delay: 3 ms}, {mark: answered}]}}"
    t = engine(family(parent, "{mark: asked}", more), {"jobs": [0]})
    assert (t.ends, t.monitor("answer")) == ([0, 0], (1, 1, 0, 0))
