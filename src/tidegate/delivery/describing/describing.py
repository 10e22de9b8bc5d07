"""A model reference -> its files and what they say of themselves, before anything of them is run."""

import pathlib

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.describing import bare, mlmodel
from tidegate.delivery.sources import asking, sources


def fetched(source: sources.Registered | sources.Local, folder: pathlib.Path) -> tuple[str, pathlib.Path, manifests.Provenance]:
    """(name, model directory or file, provenance); what is not on this machine is copied into `folder`.

    Raises ModelUnknown, ModelSourceInvalid.
    """
    if isinstance(source, sources.Local):
        return source.path.stem or "model", source.path, manifests.Provenance(str(source))
    found = asking.fetch(source, folder)
    return found.name, _model_directory(pathlib.Path(found.files or folder)), found.provenance


def draft(source: sources.Registered | sources.Local, origin: pathlib.Path, example: pathlib.Path | None) -> mlmodel.Draft:
    """What the files at `origin` say. Raises ModelSourceInvalid, SignatureMissing, LoaderMissing."""
    if isinstance(source, sources.Local) and (origin.is_file() or bare.is_module(origin)):
        return bare.read(source, example)
    return mlmodel.read(origin)


def foreseen(reference: str, example: pathlib.Path | None) -> mlmodel.Draft | None:
    """The same for `plan`, which changes nothing: None where the files would have to be fetched, or say too little."""
    try:
        source = sources.parse(reference)
        near = source.path if isinstance(source, sources.Local) else asking.near(source)
        return draft(source, _model_directory(near) if near.is_dir() else near, example) if near else None
    except errors.ModelError:
        return None


def _model_directory(folder: pathlib.Path) -> pathlib.Path:
    """Where the MLmodel is: MLflow's download may put the model one folder down."""
    below = sorted(path.parent for path in folder.glob(f"*/{mlmodel.FILE}"))
    return folder if (folder / mlmodel.FILE).is_file() or not below else below[0]
