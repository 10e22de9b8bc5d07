"""Where the story takes place and how fast: its directory, its tidegate.yaml, and the two tempos."""

import dataclasses
import pathlib
import shutil

from tidegate.core.vocabulary import errors

ENDPOINT = "flight-delay"
MARK = "made-by-tidegate-demo"


@dataclasses.dataclass(frozen=True)
class Tempo:
    """How fast it goes. The replay's clock runs at whatever speed the rate of flights gives it."""

    rate: float
    """Requests a second."""
    first: float
    """The same in a canary's first step: a version that fails answers batches one by one, which takes its worker long."""
    lull: float
    """The same while a version loads, which on two cores takes its time."""
    step: str
    """A canary's step lasts at least this."""
    at_most: str
    """After this a step goes on without proof, if nothing speaks against it."""
    within: str
    """The label age: even the longest flight has landed, and its outcome been posted, in less on the replay's clock."""
    probation: str
    breath: float
    """Seconds between the end of a release and the next one."""
    patience: float
    """Seconds after which a release that has not ended counts as one that went wrong."""


FAST = Tempo(
    rate=2_000,
    first=1_000,
    lull=600,
    step="2s",
    at_most="3s",
    within="1s",
    probation="1s",
    breath=0.3,
    patience=150,
)
FULL = Tempo(
    rate=1_400,
    first=1_000,
    lull=600,
    step="5s",
    at_most="8s",
    within="3s",
    probation="4s",
    breath=3,
    patience=180,
)

_FILE = """\
# What is served here, and how new versions reach it. The times are short because a year passes in minutes here.
endpoint: {endpoint}
model: mlflow://{endpoint}/1

release:
  steps: [5%, 25%, 50%]
  for: {step:<26} # each step lasts at least this
  at_most: {at_most:<22} # then it goes on, if nothing speaks against it; the last step needs proof
  requests: 100                   # and until the new version has answered so many
  unsure: extend                  # a step that has seen too few requests in its time gets more of it
  promote_if: ["errors <= stable + 1%", "wrong <= stable + 3%"]
  probation: {probation}

outcomes:                         # whether the flight was late, posted once it has landed
  kind: probability
  within: {within:<23} # by then every flight has landed, on the replay's clock
"""


def prepare(folder: pathlib.Path, tempo: Tempo) -> None:
    """Make the directory with its tidegate.yaml; one that an earlier demo has left is emptied.

    Raises SpecInvalid when there is something else in it: nothing of anybody else's is ever removed.
    """
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise errors.SpecInvalid(
                "this directory has other files in it.",
                cure="Name another with --home DIR; the demo makes it.",
                where=str(folder),
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text("This directory was made by `tidegate demo flights`, which empties it when it is run again.\n")
    words = dataclasses.asdict(tempo)
    (folder / "tidegate.yaml").write_text(_FILE.format(endpoint=ENDPOINT, **words))
