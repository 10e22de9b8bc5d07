"""What a bundle says of itself. The digest is sha256 over the manifest's canonical JSON; it holds no clock, host or report."""

import hashlib

import msgspec

FORMAT = 1
CHECKS = "check"
"""Folder of a bundle with its endpoint's own check of answers: one Python file."""
BASELINE = "baseline.json"
"""File of a bundle with the baseline profile (`profiles.Baseline`), where enough data came with the model."""
COMPILED_FROM = "compiled_from"
"""Option of a compiled model: the loader of the original, a space, and the digest of its bundle."""
RUNTIME = "runtime.txt"
"""File of a bundle whose version runs in an environment of its own: every package of it, with hashes."""


class Column(msgspec.Struct, frozen=True):
    """One named column, or one tensor."""

    name: str
    type: str
    """boolean, integer, long, float, double, string, datetime, or for tensors a v2 datatype such as FP32."""
    required: bool = True
    shape: tuple[int, ...] = ()
    """Tensors: -1 where any size goes, first dimension the rows. Empty for a column."""
    categories: tuple[str, ...] = ()


class Signature(msgspec.Struct, frozen=True):
    """Inputs and outputs. `columns` inputs take records and one v2 tensor a column; `tensor` inputs take tensors."""

    kind: str
    """columns or tensor."""
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]


class Blob(msgspec.Struct, frozen=True):
    """A file of the bundle."""

    path: str
    sha256: str
    size: int


class Dataset(msgspec.Struct, frozen=True):
    """A data set the model was trained or tested on. `sha256` is of its content, ours or its maker's; never MLflow's 8 digits."""

    name: str
    role: str
    """training, validation or test."""
    sha256: str = ""
    source: str = ""


class Provenance(msgspec.Struct, frozen=True):
    """Where the model came from."""

    source: str
    """The resolved reference: mlflow://flight-delay/3."""
    run_id: str = ""
    model_id: str = ""
    code_revision: str = ""
    parameters: dict[str, str] = {}
    metrics: dict[str, float] = {}
    data: tuple[Dataset, ...] = ()


class Profile(msgspec.Struct, frozen=True):
    """What the model predicted on its own example data: fixes prediction bins. `edges` are inner edges, ascending."""

    rows: int = 0
    edges: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True):
    """The whole of a bundle but its bytes."""

    name: str
    loader: str
    """Which loader reads it: sklearn, pyfunc, ..."""
    entry: str
    """Path inside the bundle that the loader is given."""
    signature: Signature
    files: tuple[Blob, ...]
    lock: tuple[str, ...] = ()
    """The runtime: requirements, one a line, as the model's own file has them."""
    python: str = ""
    options: dict[str, str] = {}
    """What the loader has to know: `method` (predict, predict_proba), `positive` (class index), ..."""
    trust: str = ""
    """pickle when loading runs code from the artifact and somebody has accepted that."""
    provenance: Provenance = Provenance(source="")
    profile: Profile = Profile()
    example: str = ""
    """Path inside the bundle of a request body in JSON records form, for warm-up, smoke and curl."""
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON: 64 hexadecimal digits."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    @property
    def runtime(self) -> str:
        """sha256 of the lock of the version's own runtime: its name on disk. Empty: it runs in Tidegate's."""
        return next((blob.sha256 for blob in self.files if blob.path == RUNTIME), "")

    @property
    def model_digest(self) -> str:
        """sha256 of what decides predictions (artifact, code, lock, configuration): what holds and approvals bind to. What a
        bundle has besides is not in it: its endpoint's check, the example, the baseline, whence the model came.
        """
        files = tuple(blob for blob in self.files if not self._besides(blob.path))
        return _model_digest(self, files, _options(self))

    @property
    def former_model_digest(self) -> str:
        """What it was at first, of all files and options: to find what was noted under it."""
        return _model_digest(self, self.files, self.options)

    @property
    def answers_quantities(self) -> bool:
        """Whether its answers are quantities, by those to its example: neither classes nor probabilities."""
        edges = self.profile.edges
        unlikely = any(not 0 <= edge <= 1 for edge in edges)
        return unlikely and not self.profile.classes and any(edge != int(edge) for edge in edges)

    def alike(self, other: "Manifest") -> bool:
        """Whether both are the same in everything but whence and by which name they came."""
        blank = Provenance(source="")
        one, two = (msgspec.structs.replace(each, name="", provenance=blank, options=_options(each)) for each in (self, other))
        return one == two

    def _besides(self, path: str) -> bool:
        return path in (self.example, BASELINE) or path.startswith(f"{CHECKS}/")


def _options(manifest: Manifest) -> dict[str, str]:
    """Without the name of the bundle that a compiled model was made from, which tells of its example and source too."""
    return {key: value.partition(" ")[0] if key == COMPILED_FROM else value for key, value in manifest.options.items()}


def _model_digest(manifest: Manifest, files: tuple[Blob, ...], options: dict[str, str]) -> str:
    parts = (manifest.loader, manifest.entry, files, manifest.lock, options, manifest.signature)
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()
