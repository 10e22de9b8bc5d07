"""What a route brings the recorder of the metric of a test."""

from tidegate.control.loop import observation, routes
from tidegate.core.spec import settings
from tidegate.core.vocabulary import decisions, releases, tables

SEEN = observation.Observation(0.0, tables.EMPTY, (), (), {}, 0, {})
ASKED = decisions.SetRoutes(
    "flights", "r-1", 0, releases.Version("flights", 1, "d", "m", "model"), None, 0, evidence=False, salt=b"s"
)


def outcomes(**policy: object) -> tables.Outcomes:
    told = settings.Settings("flights", "model", outcomes=tables.Outcomes(within_seconds=9.0))
    return routes.route(ASKED, told, (), SEEN, (), releases.Policy(**policy)).outcomes


def test_a_range_and_a_covariate_are_the_releases_before_its_settings_count():
    found = outcomes(metric="revenue", limits=(0.0, 9.0), covariate="last_month")
    assert found == tables.Outcomes(within_seconds=9.0, measured=tables.Measured("revenue", (0.0, 9.0), "last_month"))


def test_without_either_nothing_is_measured_in_a_way_of_its_own():
    assert outcomes(metric="revenue") == tables.Outcomes(within_seconds=9.0)
