"""Where everything is: one directory, `.tidegate` beside tidegate.yaml unless said otherwise. Standard library only.

`Home` names places; it creates nothing but what `prepare` creates.
"""

import dataclasses
import hashlib
import os
import pathlib
import tempfile


@dataclasses.dataclass(frozen=True)
class Home:
    """One Tidegate on one machine."""

    root: pathlib.Path

    @property
    def store(self) -> pathlib.Path:
        """The SQLite store: releases, events, versions, holds, commands."""
        return self.root / "store.db"

    @property
    def store_address(self) -> pathlib.Path:
        """The address of the server that has the store, without a password; no such file: the store is `store`."""
        return self.root / "store.address"

    @property
    def table(self) -> pathlib.Path:
        """The routing table; `table.lock` beside it is held while writing, `table.json.last` is the one before."""
        return self.root / "table.json"

    @property
    def bundles(self) -> pathlib.Path:
        """Bundles by digest: bundles/<64 hex digits>/manifest.json and the files it names."""
        return self.root / "bundles"

    @property
    def originals(self) -> pathlib.Path:
        """Models whose compiled form serves, as bundles of their own, by which answers are explained: originals/<digest>."""
        return self.root / "originals"

    @property
    def reports(self) -> pathlib.Path:
        """What came of compiling bundles' models, for people: reports/<digest of the bundle>.json."""
        return self.root / "reports"

    @property
    def checks(self) -> pathlib.Path:
        """What the checks of a release found, for the check before it is exposed and for people: checks/<release>.json."""
        return self.root / "checks"

    @property
    def runtimes(self) -> pathlib.Path:
        """Environments of versions by the sha256 of their lock: runtimes/<64 hex digits>/bin/python."""
        return self.root / "runtimes"

    @property
    def code(self) -> pathlib.Path:
        """Frozen copies of what a worker needs of Tidegate: code/<64 hex digits>/tidegate/..."""
        return self.root / "code"

    @property
    def warm(self) -> pathlib.Path:
        """The latest requests that were answered, by endpoint, for warming up on: warm/<endpoint>.bin."""
        return self.root / "warm"

    @property
    def segments(self) -> pathlib.Path:
        """Segments of the prediction log as gateways write them: segments/<incarnation>-<n>.seg."""
        return self.root / "segments"

    @property
    def log(self) -> pathlib.Path:
        """The prediction log as Parquet: log/predictions/endpoint=E/day=D/*.parquet and log/outcomes/..."""
        return self.root / "log"

    @property
    def explanations(self) -> pathlib.Path:
        """Explanations computed afterwards, as Parquet: explanations/endpoint=E/day=D/*.parquet; `state.json`: how far."""
        return self.root / "explanations"

    @property
    def sums(self) -> pathlib.Path:
        """Sums by gateway boot: sums/<incarnation>.sums, memory-mapped by the gateway, read by control."""
        return self.root / "sums"

    @property
    def counts(self) -> pathlib.Path:
        """What was served, by gateway boot: counts/<incarnation>.counts; of dead boots together: counts/totals.json."""
        return self.root / "counts"

    @property
    def spans(self) -> pathlib.Path:
        """Spans of traced requests, until the monitor has exported them: spans/<incarnation>-<n>.spans."""
        return self.root / "spans"

    @property
    def quotas(self) -> pathlib.Path:
        """Rows used this day, by gateway: quotas/NAME.json, made when a limit is first counted."""
        return self.root / "quotas"

    @property
    def labels(self) -> pathlib.Path:
        """Label sums by endpoint, rewritten whole by the recorder: labels/<endpoint>.json."""
        return self.root / "labels"

    @property
    def pairs(self) -> pathlib.Path:
        """Sums of mirrored requests by endpoint, rewritten whole by the recorder: pairs/<endpoint>.json."""
        return self.root / "pairs"

    @property
    def slices(self) -> pathlib.Path:
        """Sums of a release's slices by endpoint, rewritten whole by the recorder: slices/<endpoint>.json."""
        return self.root / "slices"

    @property
    def alarms(self) -> pathlib.Path:
        """What each monitor says is wrong, rewritten whole by it and read by control: alarms/<monitor>.json."""
        return self.root / "alarms"

    @property
    def truths(self) -> pathlib.Path:
        """How far tables have been asked for outcomes, by endpoint: outcomes/<endpoint>.db, made when one is first asked."""
        return self.root / "outcomes"

    @property
    def references(self) -> pathlib.Path:
        """How good versions were at first, by endpoint and version: references/<endpoint>.json, made once that is known."""
        return self.root / "references"

    @property
    def labelling(self) -> pathlib.Path:
        """What was handed out to be labelled, by endpoint: labelling/<endpoint>/<task>.json, made when something first is."""
        return self.root / "labelling"

    @property
    def probes(self) -> pathlib.Path:
        """What came of each probe from outside: SQLite."""
        return self.root / "probes.db"

    @property
    def service(self) -> pathlib.Path:
        """What was served and used, by minute: SQLite."""
        return self.root / "service.db"

    @property
    def drifted(self) -> pathlib.Path:
        """How inputs and predictions stood in the windows looked at last, rewritten whole by the monitor."""
        return self.root / "drifted.json"

    @property
    def patterns(self) -> pathlib.Path:
        """What processes are known to complain of, and how far their logs were read."""
        return self.root / "log-patterns.json"

    @property
    def erasures(self) -> pathlib.Path:
        """What is to be erased from the log, and what was: erasures/<id>.asked.json and others (`erasures`)."""
        return self.root / "erasures"

    @property
    def instances(self) -> pathlib.Path:
        """One process each: NAME.json (specification), NAME.lock (held while alive), NAME.state (what it says of itself)."""
        return self.root / "instances"

    @property
    def logs(self) -> pathlib.Path:
        """JSON lines of every process: logs/NAME.log."""
        return self.root / "logs"

    @property
    def token(self) -> pathlib.Path:
        """The control API's token, mode 0600."""
        return self.root / "token"

    @property
    def addresses(self) -> pathlib.Path:
        """Where the listening sockets really are: {"http": "http://127.0.0.1:8080", "api": "http://127.0.0.1:8081"}."""
        return self.root / "addresses.json"

    @property
    def run(self) -> pathlib.Path:
        """Unix sockets. Short and outside the root, since a socket's path takes 107 bytes at most."""
        mark = hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:12]
        return pathlib.Path(tempfile.gettempdir()) / f"tidegate-{os.getuid()}-{mark}"

    def prepare(self) -> None:
        """Create the directories, private to this account. Raises OSError where that is impossible."""
        told = (self.labels, self.pairs, self.slices, self.counts, self.alarms)
        for place in (self.root, self.bundles, self.segments, self.log, self.sums, *told, self.instances, self.logs):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.run.mkdir(mode=0o700, exist_ok=True)
        if self.run.stat().st_uid != os.getuid():
            raise PermissionError(f"{self.run} belongs to another account; remove it or set TMPDIR")


ENVIRONMENT = "TIDEGATE_ENVIRONMENT"
"""The variable that says which environment a home runs; `tidegate up` sets it from tidegate.yaml for all that it starts."""


def environment() -> str:
    """What it says; production where it says nothing."""
    return os.environ.get(ENVIRONMENT, "production")


def find(given: str = "") -> Home:
    """The home: `given`, else TIDEGATE_HOME, else the nearest `.tidegate` here or above, else `.tidegate` here."""
    named = given or os.environ.get("TIDEGATE_HOME", "")
    if named:
        return Home(pathlib.Path(named).absolute())
    here = pathlib.Path.cwd()
    for place in (here, *here.parents):
        if (place / ".tidegate").is_dir():
            return Home(place / ".tidegate")
    return Home(here / ".tidegate")
