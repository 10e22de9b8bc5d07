"""Each setting is the endpoint's or the version's, and approvals are those of both."""

import msgspec
import pytest

from tidegate.core.spec import belonging, judging
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, keeping, releases


def test_every_setting_is_of_one_of_both():
    fields = {one.name for one in msgspec.structs.fields(specification.Settings)}
    assert fields == belonging.ENDPOINTS | belonging.VERSIONS
    assert not belonging.ENDPOINTS & belonging.VERSIONS


def settings(**given: object) -> dict[str, object]:
    return specification.plain(specification.Settings("delay", "m", **given))  # type: ignore[arg-type]


def test_columns_that_a_version_was_left_with_veiled_stay_so():
    own = settings(log=keeping.Keeping(redact=("ssn",), encrypt=("income", "age"), key="env:OLD"), replicas=3)
    now = settings(log=keeping.Keeping(redact=("age",), columns=(("ssn", 0.5), ("city", 0.1)), retention_seconds=5.0))
    found = specification.of(belonging.returning(own, now))
    assert found.replicas == 3
    assert found.log == keeping.Keeping(
        redact=("age", "ssn"), encrypt=("income",), key="env:OLD", columns=(("city", 0.1),), retention_seconds=5.0
    )
    assert specification.of(belonging.returning(now, own)).log.redact == ("ssn", "age")


A, B = ("ana", "ben"), ("ben", "cleo")
APPROVALS = releases.Approval


@pytest.mark.parametrize(
    ("now", "wanted", "asked"),
    [
        (None, None, None),
        (APPROVALS(A), None, APPROVALS(A)),
        (None, APPROVALS(A), APPROVALS(A)),
        (APPROVALS(A), APPROVALS(B), APPROVALS(("ben",))),
        (APPROVALS(), APPROVALS(B, 2), APPROVALS(B, 2)),
        (APPROVALS(A, 2), APPROVALS(), APPROVALS(A, 2)),
        (APPROVALS((), 3, within_seconds=9.0), APPROVALS((), 1), APPROVALS((), 3, within_seconds=9.0)),
        (APPROVALS(A, not_author=False), APPROVALS(A, not_author=True), APPROVALS(A)),
        (APPROVALS(A, not_author=False), APPROVALS(A, not_author=False), APPROVALS(A, not_author=False)),
    ],
)
def test_the_stricter_of_two_approvals_satisfies_both(now, wanted, asked):
    assert judging.stricter(now, wanted) == asked
    assert judging.stricter(wanted, now) == asked


@pytest.mark.parametrize(("now", "wanted"), [(APPROVALS(("ana",)), APPROVALS(("cleo",))), (APPROVALS(A, 2), APPROVALS(B))])
def test_too_few_who_are_named_by_both_are_none(now, wanted):
    with pytest.raises(errors.SpecInvalid, match="who may by the settings in force"):
        judging.stricter(now, wanted)
