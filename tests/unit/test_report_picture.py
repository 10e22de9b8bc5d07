"""Courses of releases and their pictures: the columns that there are, what is drawn of them, and that it is SVG."""

import xml.etree.ElementTree as ET

import msgspec
import pytest

from tidegate.core.decide import strategies
from tidegate.core.vocabulary import arms, phases, releases
from tidegate.core.vocabulary.phases import Phase
from tidegate.observability.report import colours, course, drawing, leaving, picture

PLAN = strategies.Plan()
CANARY = strategies.compose(("canary",), PLAN)
NAMES = (*((one,) for one in strategies.STRATEGIES), ("shadow", "canary", "full"), ("canary", "ab"))


def drawn_from(*names, plan=PLAN, **more):
    return course.Course(strategies.compose(names, plan), returns=strategies.returns(names), **more)


def release(phase, stage=0, stages=CANARY):
    stable, candidate = (releases.Version("delay", n, "d" * 64, "m" * 64, "x") for n in (1, 2))
    return releases.Release(
        "r", "production", "delay", candidate, stable, "canary", stages, releases.Policy(), b"", 0.0, phase, stage=stage
    )


@pytest.mark.parametrize("names", NAMES, ids=" -> ".join)
def test_every_strategy_is_svg_and_always_the_same(names):
    made = drawn_from(*names, replicas=3, probation=strategies.holdback(), probation_seconds=600.0)
    once = picture.draw(made)
    assert once == picture.draw(made)
    root = ET.fromstring(once)
    assert root.tag.endswith("svg")
    assert "script" not in once
    assert "http" not in once.replace("http://www.w3.org/2000/svg", "")


def test_nothing_is_drawn_outside_of_the_picture():
    for names in NAMES:
        root = ET.fromstring(picture.draw(drawn_from(*names, replicas=20, probation_seconds=1.0)))
        _, _, wide, high = map(float, root.attrib["viewBox"].split())
        for one in root.iter():
            if one.tag.endswith(("rect", "text")) and "pattern" not in one.tag:
                assert 0 <= float(one.attrib.get("x", 0)) <= wide, names
                assert 0 <= float(one.attrib.get("y", 0)) <= high, names


def test_a_canary_goes_up_step_by_step_to_a_holdback_and_then_to_all():
    columns = course.columns(drawn_from("canary", probation=strategies.holdback(), probation_seconds=600.0))
    assert [one.candidate for one in columns] == [0, 100, 500, 2_500, 5_000, 9_900, arms.BUCKETS]
    assert [one.key for one in columns] == [course.BEFORE, "0", "1", "2", "3", course.PROBATION, course.AFTER]


def test_a_shadow_copies_serves_nobody_and_ends_on_stable():
    before, stage, after = course.columns(drawn_from("shadow"))
    assert (stage.extra, stage.extra_share, stage.candidate) == (course.Extra.COPIES, 1_000, 0)
    assert (before.candidate, after.candidate, after.stable_up.up) == (0, 0, 1)


def test_recreate_has_a_gap_in_which_neither_is_up_and_nothing_to_keep_warm():
    _, gap, after = course.columns(drawn_from("recreate"))
    assert gap.nobody
    assert (gap.stable_up, gap.candidate_up) == (course.Fleet(0, going=1), course.Fleet(1, coming=1))
    assert after.stable_up == course.Fleet()
    assert "nobody answers" in picture.draw(drawn_from("recreate"))


def test_rolling_counts_the_replicas_of_each_step():
    plan = strategies.Plan(rolling=strategies.Rolling(replicas=4))
    columns = course.columns(drawn_from("rolling", plan=plan, replicas=4))
    stages = columns[1:5]
    assert [one.candidate_up.up for one in stages] == [1, 2, 3, 4]
    assert [one.stable_up.up for one in stages] == [3, 2, 1, 1], "one stays for the way back"
    assert [one.stable_up.going for one in stages] == [1, 1, 1, 0]


def test_a_cohort_stays_on_the_candidate_through_the_shares():
    columns = course.columns(drawn_from("canary", plan=strategies.Plan(cohort=True)))
    assert [one.cohort for one in columns] == [False, *[True] * 5, False]


def test_small_shares_can_be_seen_and_nearly_all_is_not_all():
    tiny = strategies.Plan(ramp=strategies.Ramp(weights=(1, 9_999)))
    drawn = picture.draw(drawn_from("canary", plan=tiny))
    tops = {f"{drawing.number(100 + picture.HIGH - 20 - tall)}" for tall in (picture.LEAST, picture.HIGH - picture.LEAST)}
    (path,) = [one for one in ET.fromstring(drawn).iter() if one.tag.endswith("path") and one.get("class") == "candidate"]
    assert all(f" {top}" in path.attrib["d"] for top in tops)
    assert "0.01%" in drawn
    assert "99.99%" in drawn


HERE = (
    (Phase.QUEUED, course.BEFORE),
    (Phase.WARMING, course.BEFORE),
    (Phase.RUNNING, "2"),
    (Phase.PAUSED, "2"),
    (Phase.HALTED, "2"),
    (Phase.ROLLING_BACK, "2"),
    (Phase.PROMOTING, "3"),
    (Phase.PROBATION, course.PROBATION),
    (Phase.SUCCEEDED, course.AFTER),
    (Phase.ROLLED_BACK, ""),
)


@pytest.mark.parametrize(("phase", "key"), HERE)
def test_where_a_release_is_has_a_frame(phase, key):
    assert course.here(release(phase, 2)) == key
    drawn = picture.draw(drawn_from("canary", probation_seconds=1.0), picture.Look(here=key, state="paused"))
    assert ('class="now"' in drawn) is bool(key)


def test_every_phase_has_a_place_or_none():
    for phase in phases.Phase:
        assert isinstance(course.here(release(phase)), str)
        assert isinstance(course.here(release(phase, stages=())), str)


def test_names_are_escaped_and_ids_are_of_the_picture():
    look = picture.Look(name="delay", words="<b>", stable='v1"<script>', candidate="v2", style=False)
    drawn = picture.draw(drawn_from("shadow"), look)
    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert "<style>" not in drawn
    ids = [one.attrib["id"] for one in ET.fromstring(drawn).iter() if "id" in one.attrib]
    assert all(one.startswith("delay-") for one in ids)


def test_both_palettes_colour_the_same_things():
    assert colours.LIGHT.keys() == colours.DARK.keys()
    assert "$" not in colours.style()


@pytest.mark.parametrize("names", NAMES, ids=" -> ".join)
def test_what_a_stage_is_left_on_names_its_numbers(names):
    for stage in strategies.compose(names, strategies.Plan(cohort=True)):
        said = leaving.words(stage)
        assert not stage.min_requests or f"{stage.min_requests:,}" in said
        assert "proof" in said or not stage.must_prove


def test_one_of_a_kind_is_singular():
    stage = msgspec.structs.replace(CANARY[0], min_requests=1)
    assert "1 request " in leaving.words(stage)


def test_lines_break_between_words_and_never_between_a_number_and_its_unit():
    broken = drawing.wrap("after 24 h and 200 units at least", 40.0, 11.5)
    assert any("24\u00a0h" in line for line in broken)
    assert " ".join(broken).replace("\u00a0", " ") == "after 24 h and 200 units at least"
