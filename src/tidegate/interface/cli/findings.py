"""What an examination of `tidegate doctor` finds."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at. `state` is ok, warning (worth knowing) or bad (something will not work)."""

    what: str
    state: str
    said: str
    cure: str = ""
