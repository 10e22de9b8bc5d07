"""What a bundle's baseline profile is of: its training data, the example that came with the model, or nothing.

Read without the profile itself. Called by whoever tells people where a version came from.
"""

import msgspec

from tidegate.core.vocabulary import home, manifests


class Basis(msgspec.Struct, frozen=True):
    """What a bundle's baseline profile is of."""

    rows: int = 0
    """That were counted; 0: it has none."""
    data: str = ""
    """The training data; empty: the example that came with the model."""
    note: str = ""
    """Why it is not of the training data that the model names."""
    wanted: bool = False
    """Whether tidegate.yaml named the data; else the model's run did."""

    @property
    def said(self) -> str:
        """For a sentence; empty where there is none."""
        if self.data:
            return f"all {self.rows:,} rows of {self.data}"
        return f"{self.rows:,} rows of its example" if self.rows else ""


def of(place: home.Home, digest: str) -> Basis:
    """What a bundle's baseline profile is of."""
    try:
        return msgspec.json.decode((place.bundles / digest / manifests.BASELINE).read_bytes(), type=Basis)
    except (OSError, ValueError):
        return Basis()


def said(place: home.Home, digest: str) -> str:
    """The same in one line; empty where it is of the example, or there is none, for no reason."""
    told = of(place, digest)
    if told.data:
        return f"its baseline profile is of {told.said}"
    return f"its baseline profile is of {told.said or 'nothing'}: {told.note}" if told.note else ""
