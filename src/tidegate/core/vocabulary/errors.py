"""Every error Tidegate raises on purpose, in one tree.

    TidegateError
    |- SpecError       the file people write               (fault: operator)
    |- ModelError      a model or its bundle               (fault: model)
    |- RequestError    what a client sent                  (fault: client)
    |- CapacityError   nothing can answer just now         (fault: us, retryable)
    |- ReleaseError    a release says no                   (fault: operator)
    |- StateError      two writers, or a damaged file      (fault: us)
    |- ProcessError    processes and their machine         (fault: operator)
    |- AccessError     who may do what                     (fault: client)

The docstring of a class is its default message and ends with the cure. `code` is made of the class's name and is stable:
programs match on it, `docs/errors.md` explains it. `status` is the HTTP status where the error reaches a client. Nothing else is
an expected error: what is not in this tree is a bug, shown to clients as `internal` and to operators with its stack
(`tidegate logs`).
"""

import re
from typing import ClassVar, Literal

Fault = Literal["operator", "model", "client", "us"]


class TidegateError(Exception):
    """Something went wrong inside Tidegate. See `tidegate logs`."""

    code: ClassVar[str] = "internal"
    fault: ClassVar[Fault] = "us"
    retryable: ClassVar[bool] = False
    status: ClassVar[int] = 500
    wait: float = 1.0
    """Seconds after which trying again makes sense, where that is `retryable`."""

    def __init__(self, message: str = "", *, cure: str = "", where: str = "") -> None:
        """`message` says what is wrong, `cure` what to do, `where` names file:line or the object; all three may be empty."""
        self.message = message or (type(self).__doc__ or "").strip()
        self.cure = cure
        self.where = where
        super().__init__(self.message)

    def __init_subclass__(cls, *, status: int = 0) -> None:
        """The code is the class's own name: QueueFull is `queue-full`. `status`: another than its parent's."""
        cls.status = status or cls.status
        words = re.findall("[A-Z][a-z]*", cls.__name__)
        cls.code = "-".join(words[:-1] if words[-1] == "Error" else words).lower()

    def __str__(self) -> str:
        """One line: where, what, cure."""
        head = f"{self.where}: " if self.where else ""
        tail = f" {self.cure}" if self.cure else ""
        return f"{head}{self.message}{tail}"


class SpecError(TidegateError):
    """The file is not right. Run `tidegate plan` to see what it resolves to."""

    fault: ClassVar[Fault] = "operator"
    status = 422


class SpecNotFound(SpecError):
    """There is no tidegate.yaml here or above. Write one with `tidegate init MODEL`."""


class SpecInvalid(SpecError):
    """tidegate.yaml has a value that cannot be used. The line is named; `docs/file.md` lists every key."""


class RuleInvalid(SpecError):
    """A rule cannot be read. Write a comparison with units, such as "p99 <= 120ms" or "errors <= stable + 0.1%"."""


class NothingCompared(SpecError):
    """Releases by these settings compare nothing that a log could tell of. Write a `release.strategy` that does: canary."""


class ModelError(TidegateError):
    """The model cannot be used. See its version in the registry."""

    fault: ClassVar[Fault] = "model"
    status = 422


class ModelUnknown(ModelError):
    """The registry has no such model, version or alias. List what there is with `tidegate init` and no argument."""


class ModelSourceInvalid(ModelError):
    """A model reference cannot be read. Write mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a path."""


class SignatureMissing(ModelError):
    """The model has no signature, so no request could be checked. Log it again with signature=infer_signature(X, y)."""


class TrustRequired(ModelError):
    """Loading this format runs code that is inside it. If you trust its author, write `trust: pickle` in tidegate.yaml."""


class DigestMismatch(ModelError):
    """The bundle's bytes differ from its digest: it was changed or damaged. Make it again with `tidegate release`."""


class BundleMissing(ModelError):
    """There is no bundle with this digest here. Make it with `tidegate release`."""


class LoaderMissing(ModelError):
    """No loader knows this model's format. `docs/rooms/models.md` lists the formats."""


class ModelLoadFailed(ModelError):
    """The model did not load. `tidegate logs ENDPOINT/VERSION` has its own words."""


class WarmupFailed(ModelError):
    """The model loaded but did not answer its warm-up request. `tidegate logs ENDPOINT/VERSION` has its own words."""


class PredictFailed(ModelError, status=500):
    """The model raised an error on this input. Operators find its own words with `tidegate logs ENDPOINT/VERSION`."""


class OutputInvalid(ModelError, status=500):
    """The model's answer broke its contract (not finite, wrong shape or type). Operators: `tidegate logs ENDPOINT`."""


class OutputRefused(ModelError, status=500):
    """The model's answer broke a rule of this endpoint and is not given out. Operators: `tidegate logs ENDPOINT`."""


class ContractBroken(ModelError):
    """The candidate does not keep the endpoint's contract. Clients of stable would break; release it behind a new endpoint."""


class CompileFailed(ModelError):
    """The model could not be compiled, or its compiled form answers differently, and the file says `compile: required`."""


class RuntimeUnavailable(ModelError):
    """The version's own runtime cannot be built from its lock. Mend its requirements, or say `runtime: shared`."""


class DataChanged(ModelError):
    """Data that the model came from was changed since its release was checked. Put it back, or release again."""


class RequestError(TidegateError):
    """The request cannot be answered as sent."""

    fault: ClassVar[Fault] = "client"
    status = 400


class EndpointUnknown(RequestError, status=404):
    """There is no such endpoint. GET /v2/models lists them."""


class VersionUnknown(RequestError, status=404):
    """The endpoint has no such version at hand. GET /v2/models/NAME lists its versions."""


class PathUnknown(RequestError, status=404):
    """Nothing is served at this path. Predictions: POST /v2/models/NAME/infer or /endpoints/NAME/predict."""


class MethodRefused(RequestError, status=405):
    """This path does not take this method."""


class BodyMalformed(RequestError):
    """The body is not the JSON this path takes."""


class BodyTooLarge(RequestError, status=413):
    """The body is over this endpoint's limit. Send fewer rows a request, or raise `limits.body` in tidegate.yaml."""


class MediaRefused(RequestError, status=415):
    """The body's content type or encoding is not taken here. Send JSON, as it is or compressed by gzip or deflate."""


class HeaderInvalid(RequestError):
    """A header cannot be used: a request id takes at most 128 visible ASCII characters."""


class InputInvalid(RequestError):
    """The inputs do not fit the model's signature. GET /v2/models/NAME shows it."""


class InputQuarantined(RequestError, status=422):
    """A worker died while it answered this very input, so it is not tried again. Send other input, or mend the model."""


class MomentInvalid(RequestError):
    """A point in time cannot be used. Write 2026-03-01, 2026-03-01T14:30+01:00, "2 days ago", 90m, or Unix seconds."""


class OutcomeInvalid(RequestError):
    """An outcome cannot be taken: it needs the prediction id from the response header and a label."""


class PinRefused(RequestError, status=403):
    """This endpoint does not take requests for one version. Leave /versions/... out, or set `pin: allow`."""


class PredictionUnknown(RequestError, status=404):
    """No prediction of this id is in the log. Take the id from the response header tidegate-prediction-id."""


class DataUnknown(RequestError, status=404):
    """No bundle here names data with this sha256. `tidegate trace ID` shows what a prediction's model came from."""


class NotExplainable(RequestError, status=409):
    """This prediction cannot be explained. `tidegate trace ID` shows what is known of it."""


class RequestSlow(RequestError):
    """The request did not arrive within the time that one may take. Send it again, all at once."""

    retryable = True
    status = 408


class CapacityError(TidegateError):
    """Nothing can answer just now. Try again after the time in Retry-After."""

    retryable = True
    status = 503


class QueueFull(CapacityError, status=429):
    """Too many requests are waiting. Try again after the time in Retry-After."""


class RateExceeded(CapacityError, status=429):
    """More was asked for than may be, in this second or this day. Try again after the time in Retry-After."""


class DeadlinePassed(CapacityError, status=504):
    """The model did not answer within the time limit."""


class WorkerUnavailable(CapacityError):
    """No worker of this endpoint is up. Try again after the time in Retry-After."""


class LogUnavailable(CapacityError):
    """The prediction cannot be recorded, and this endpoint answers only what it records. Operators: free disk space."""


class Draining(CapacityError):
    """The gateway is shutting down. Try again after the time in Retry-After."""


class ReleaseError(TidegateError):
    """The release cannot do that now."""

    fault: ClassVar[Fault] = "operator"
    status = 409


class ReleaseInProgress(ReleaseError):
    """This endpoint has a release under way. Wait for it, or end it with `tidegate abort ENDPOINT`."""


class ReleaseUnknown(ReleaseError, status=404):
    """There is no such release, or none under way. `tidegate history` lists them."""


class TransitionUnknown(ReleaseError):
    """The machine has no line for this phase and event: a fault in Tidegate, please report it with both names."""

    fault: ClassVar[Fault] = "us"
    status = 500


class TransitionRefused(ReleaseError):
    """The release's phase does not allow this. `tidegate status` shows where it is and what it waits for."""


class DigestHeld(ReleaseError):
    """This model was rolled back and is held. Release a mended one, or clear the hold with `tidegate unhold ENDPOINT`."""


class NothingToRollBack(ReleaseError):
    """There is no earlier version to go back to."""


class ApprovalRefused(ReleaseError):
    """This actor cannot approve this release. `tidegate status` shows who can."""


class IrreversibleMigration(ReleaseError):
    """A contract migration is done, so versions before it cannot come back. Release a mended model on top."""


class AlreadyStable(ReleaseError):
    """This very model is already stable on this endpoint, by the same settings; there is nothing to release."""


class MigrationUnknown(ReleaseError, status=404):
    """No release names this migration. `migrations` in tidegate.yaml names them; `tidegate history` shows who was promoted."""


class RequirementMissing(ReleaseError):
    """Something that the version depends on is not there. Bring it about, or correct `requires` in tidegate.yaml."""


class MemoryShort(ReleaseError):
    """Both versions do not fit into memory at once. Choose a strategy that needs fewer workers at a time, or free memory."""


class RevisionUnknown(ReleaseError, status=404):
    """No version was built from this git revision, or several were. Name one of those listed with --to."""


class AlarmUnknown(ReleaseError, status=404):
    """No such alarm is open. `tidegate alarms` lists those that are."""


class StateError(TidegateError):
    """Tidegate's own state cannot be used as it is."""


class GenerationConflict(StateError):
    """Somebody else changed this release first. Look again with `tidegate status`, then repeat."""

    retryable = True
    status = 409


class ParentStale(StateError):
    """The routing table moved on while this one was being written; it was not published."""

    retryable = True
    status = 409


class StoreUnavailable(StateError):
    """The store cannot be reached. Predictions go on; releases wait."""

    retryable = True
    status = 503


class StoreBehindTable(StateError):
    """The routing table is newer than the store (restored from a backup?). Nothing is done until `tidegate adopt`."""


class TableUnreadable(StateError):
    """The routing table on disk cannot be read. The last good one is beside it."""


class SegmentCorrupt(StateError):
    """A segment of the prediction log has bytes that do not match their checksum; what follows them is skipped."""


class FrameMalformed(StateError):
    """A frame between gateway and worker cannot be read; the connection is closed."""


class ProtocolMismatch(StateError):
    """The two processes speak no common protocol version. Upgrade the older one."""


class ChainBroken(StateError):
    """The event log was changed after it was written. What comes before the named event can be trusted; restore a backup."""


class ProcessError(TidegateError):
    """A process or the machine under it is not as it has to be."""

    fault: ClassVar[Fault] = "operator"


class PortInUse(ProcessError):
    """The port is taken by another program. Choose one with --port, or --port 0 for any free one."""


class AlreadyRunning(ProcessError):
    """Tidegate is already up in this home. `tidegate status` shows it, `tidegate down` ends it; `--home` names another."""


class NotRunning(ProcessError):
    """Tidegate is not up here. Start it with `tidegate up`."""


class DiskFull(ProcessError):
    """The disk is full. Free some space; nothing that was acknowledged is lost."""

    retryable = True
    status = 503


class InstanceLost(ProcessError):
    """A process did not come up in its time. `tidegate logs` has its own words."""


class ApiUnreachable(ProcessError):
    """The control API does not answer. Predictions go on; `tidegate rollback` works without it."""

    retryable = True
    status = 503


class ControlDown(ProcessError):
    """Control is not running, so nothing can be decided. It is restarted by itself; `tidegate rollback` works without it."""

    retryable = True
    status = 503


class LogKeyInvalid(ProcessError):
    """The key that inputs in the log are encrypted with is missing or is none. Write 32 random bytes: `openssl rand -hex 32`."""


class LogKeyWrong(ProcessError):
    """This value in the log was encrypted with another key, or is damaged. Have `log.key` name the key of that time, too."""


class ExtraMissing(ProcessError):
    """An optional part of Tidegate is not installed here. Install it with pip install 'tidegate[EXTRA]'."""


class StoreInvalid(ProcessError):
    """The store's address cannot be used. Write postgresql://USER@HOST:PORT/DATABASE, with the password elsewhere."""


class BackupInvalid(ProcessError):
    """The backup is not whole, or not one of ours. Nothing was restored."""


class NotifyFailed(ProcessError):
    """A notification was not taken by its address. It is tried again for a day; `tidegate logs control` says since when."""

    retryable: ClassVar[bool] = True


class NotifyAddressInvalid(ProcessError):
    """An address for notifications cannot be read or means nothing. Have what `notify` names, env:NAME or file:PATH, hold it."""


class SinkUnavailable(ProcessError):
    """A sink of the prediction log takes nothing just now. It is tried again; the log goes on meanwhile."""


class SinkInvalid(ProcessError):
    """The address of a sink cannot be read or means nothing. Have what `log.sinks` names, env:NAME or file:PATH, hold it."""


class AccessError(TidegateError):
    """You may not do that."""

    fault: ClassVar[Fault] = "client"
    status = 403


class TokenMissing(AccessError, status=401):
    """The control API needs a token: Authorization: Bearer ... The command line reads it from the home's `token` file."""


class ScopeMissing(AccessError):
    """This token may not do that. Use one with the scope that is named, made with `tidegate token`."""


class TokenTaken(AccessError, status=409):
    """There is a token of this name already. Choose another name, or revoke that one with `tidegate token revoke`."""


class TokenUnknown(AccessError, status=404):
    """There is no token of this name. `tidegate token list` shows them."""


class OriginRefused(AccessError):
    """The control API answers only requests made to its own address, as JSON."""


class ExposureRefused(AccessError):
    """This endpoint asks for no token, so it answers on this machine only. Operators: set `access: token` in tidegate.yaml."""
