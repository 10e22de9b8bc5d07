"""What alarms do by the file: by kind, never for an estimate, never for what is about no endpoint."""

import itertools

import pytest

from tidegate.core.decide import actions
from tidegate.core.vocabulary import alarms, monitoring
from tidegate.core.vocabulary.alarms import Action, Kind

ROLLS = monitoring.Monitors(
    drift=monitoring.Drift(Action.ROLLBACK),
    quality=monitoring.Quality(Action.HOLD),
    performance=monitoring.Performance(Action.ROLLBACK),
    service=monitoring.Service(Action.RETRAIN),
    uptime=monitoring.Uptime(Action.HOLD),
)
DOES = {
    Kind.DRIFT: Action.ROLLBACK,
    Kind.QUALITY: Action.HOLD,
    Kind.PERFORMANCE: Action.ROLLBACK,
    Kind.ESTIMATE: Action.NOTIFY,
    Kind.SERVICE: Action.RETRAIN,
    Kind.LOG_PATTERN: Action.RETRAIN,
    Kind.DOWN: Action.HOLD,
}


@pytest.mark.parametrize(("kind", "endpoint"), list(itertools.product(Kind, ("flights", ""))))
def test_the_file_gives_the_action_by_monitor(kind, endpoint):
    said = alarms.Alarm(kind, endpoint, "wrong", 1.0, action=Action.ROLLBACK)
    assert actions.given(said, ROLLS) == (DOES.get(kind, Action.NOTIFY) if endpoint else Action.NOTIFY)


def test_an_estimate_may_hold():
    holds = monitoring.Monitors(performance=monitoring.Performance(Action.HOLD))
    assert actions.given(alarms.Alarm(Kind.ESTIMATE, "flights", "wrong", 1.0), holds) == Action.HOLD
