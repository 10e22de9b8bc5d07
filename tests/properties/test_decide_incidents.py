"""Whatever a monitor says, and whenever: an alarm that is new, worse or over is told, once each, and nothing is told in vain."""

from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.decide import incidents as course
from tidegate.core.vocabulary import alarms, incidents

LOOKS = st.lists(
    st.tuples(
        st.one_of(st.floats(0.2, 30.0), st.floats(30.0, 2_000.0), st.floats(2_000.0, 20_000.0)),
        st.sampled_from((None, "info", "warning", "critical")),
        st.sampled_from(("", "", "", "ack", "snooze")),
    ),
    min_size=1,
    max_size=60,
)


def played(looks, begins=0.0):
    """(time, what is said, the incident then, what happened) of each look."""
    now, one = begins, None
    for after, severity, person in looks:
        now += after
        alarm = alarms.Alarm("drift", "e", f"at {now}", now, severity=severity) if severity else None
        one, happened = course.follow(one, alarm, now)
        yield now, alarm, one, happened
        if one is not None and one.open and person == "ack":
            one, _ = course.acknowledged(one, incidents.Acknowledged("ada", now))
        elif one is not None and one.open and person == "snooze":
            one, _ = course.snoozed(one, incidents.Snoozed("ada", now, now + 3_600.0))


@given(LOOKS)
def test_what_is_wrong_is_open_and_what_is_over_was_told(looks):
    opened = False
    for _, alarm, one, happened in played(looks):
        kinds = [each.kind for each in happened]
        if alarm is not None:
            assert one is not None
            assert one.open
            assert incidents.rank(one.told) >= incidents.rank(alarm.severity) or one.alarm.severity != alarm.severity
        assert kinds.count(incidents.RAISED) <= (not opened)
        assert kinds.count(incidents.OVER) <= opened
        opened = one is not None and one.open


@given(LOOKS)
def test_nothing_is_told_twice_within_ten_minutes_unless_it_is_worse(looks):
    """Of one that comes and goes people hear when it came, once that it is back, and once that it is over."""
    told = []
    for now, _, one, happened in played(looks):
        told += [(now, each.kind) for each in happened if each.kind in (incidents.RAISED, incidents.BACK)]
        if one is not None and one.flaps:
            recent = [kind for at, kind in told if now - at < course.FLAP_SECONDS]
            assert recent.count(incidents.BACK) <= 1


@given(LOOKS)
def test_the_beginning_and_the_action_of_an_incident_stay(looks):
    before = None
    for _, _, one, happened in played(looks):
        if before is not None and one is not None and incidents.RAISED not in [each.kind for each in happened]:
            assert (one.alarm.since, one.opened_at, one.alarm.action) == (
                before.alarm.since,
                before.opened_at,
                before.alarm.action,
            )
            assert one.times >= before.times
            assert incidents.rank(one.told) >= incidents.rank(before.told)
        before = one


@given(LOOKS)
def test_who_has_it_is_not_reminded(looks):
    for _, _, one, happened in played(looks):
        if incidents.REMINDED in [each.kind for each in happened]:
            assert one is not None
            assert one.alarm.severity == "critical"
            assert one.acknowledged is None
            assert one.snoozed is None


@given(LOOKS, st.floats(1.0, 40.0 * 86_400.0))
def test_a_clock_that_is_set_back_leaves_no_time_that_is_yet_to_come(looks, back):
    """What a clock that was ahead has noted would keep an alarm silent, or a flapping one open, until it is reached again."""
    for now, alarm, one, _ in list(played(looks, 1e9)):
        before = now - back
        after, happened = course.follow(one, alarm, before)
        if after is not None:
            assert max(after.ended_at, after.quiet_since, after.said_at, after.reminded_at) <= before
            assert after.snoozed is None or after.snoozed.until <= before + 3_600.0 + 1e-3
        assert all(each.at <= before for each in happened)
        if one is not None and not one.open:
            assert course.follow(after, None, before + course.FLAP_SECONDS + 1e-3)[0] is None
