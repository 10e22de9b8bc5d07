"""What a release that ended says to do next."""

import pytest

from tidegate.interface.cli import exits
from tidegate.interface.cli.commands import release


class Checked:
    """An API that knows what a release's checks found."""

    def __init__(self, **passed: bool) -> None:
        self.found = [{"name": name, "passed": good} for name, good in passed.items()]

    def checks(self, identifier: str) -> list[dict[str, object]]:
        assert identifier == "r1"
        return self.found


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        ({"bundle": True, "contract": False}, "an endpoint of its own"),
        ({"bundle": True, "memory": False}, ""),
        ({"bundle": True}, "`tidegate logs wine/v2` has the model's own words"),
    ],
)
def test_what_to_do_next_is_said_of_what_it_failed_by(capsys, checks, says) -> None:
    ended = {"id": "r1", "endpoint": "wine", "phase": "failed", "candidate": {"name": "v2"}}
    release._hint(Checked(**checks), ended, exits.Exit.REFUSED)
    told = " ".join(capsys.readouterr().err.split())
    assert says in told
    assert bool(told) == bool(says)
