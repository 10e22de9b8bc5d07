"""Exit codes. They are stable: schedulers and CI act on them."""

import enum

from tidegate.core.vocabulary import errors


class Exit(enum.IntEnum):
    """What a command ends with."""

    OK = 0
    """Done."""
    UNEXPECTED = 1
    """A fault of Tidegate or of the machine under it (disk full, a damaged file)."""
    USAGE = 2
    """The command, tidegate.yaml, the model or a request is not right. Nothing was changed."""
    REFUSED = 3
    """Refused by a check, a hold or the release's phase; a release that failed or was aborted; a changed event log."""
    WAITING = 4
    """The release waits for a person, or was still under way when --timeout ran out."""
    ROLLED_BACK = 5
    """The release was rolled back."""
    DOWN = 6
    """Tidegate is not up here, or does not answer."""


_BY_ERROR: tuple[tuple[type[errors.TidegateError], Exit], ...] = (
    (errors.ReleaseUnknown, Exit.USAGE),
    (errors.MigrationUnknown, Exit.USAGE),
    (errors.RevisionUnknown, Exit.USAGE),
    (errors.TransitionUnknown, Exit.UNEXPECTED),
    (errors.ReleaseError, Exit.REFUSED),
    (errors.ContractBroken, Exit.REFUSED),
    (errors.DataChanged, Exit.REFUSED),
    (errors.SpecError, Exit.USAGE),
    (errors.ModelError, Exit.USAGE),
    (errors.RequestError, Exit.USAGE),
    (errors.NotRunning, Exit.DOWN),
    (errors.ApiUnreachable, Exit.DOWN),
    (errors.ControlDown, Exit.DOWN),
    (errors.StoreUnavailable, Exit.DOWN),
    (errors.CapacityError, Exit.DOWN),
    (errors.PortInUse, Exit.USAGE),
    (errors.AlreadyRunning, Exit.USAGE),
    (errors.ExtraMissing, Exit.USAGE),
    (errors.BackupInvalid, Exit.USAGE),
    (errors.StoreInvalid, Exit.USAGE),
    (errors.ChainBroken, Exit.REFUSED),
    (errors.AccessError, Exit.USAGE),
)


def of_error(error: errors.TidegateError) -> Exit:
    """The exit code of an error; the first line that fits counts."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), Exit.UNEXPECTED)


def of_phase(phase: str) -> Exit:
    """The exit code of a release that is in this phase when watching it ends."""
    if phase in {"succeeded", "probation", "concluded"}:
        return Exit.OK
    if phase in {"failed", "aborted"}:
        return Exit.REFUSED
    if phase in {"rolled_back", "rolling_back"}:
        return Exit.ROLLED_BACK
    return Exit.WAITING
