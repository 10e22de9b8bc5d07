"""A bundle that has been loaded and answers: what a worker holds, and what the registry profiles."""

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import batches, bundles, signature
from tidegate.dataplane.models.loaders import catalog
from tidegate.dataplane.wire import frames


class Model:
    """One loaded bundle."""

    def __init__(self, bundle: bundles.Bundle, loaded: catalog.Model | None = None) -> None:
        """Load it, unless it is `loaded` already.

        Raises LoaderMissing, TrustRequired, SignatureMissing, or ModelLoadFailed with the model's own words.
        """
        self.manifest = bundle.manifest
        self._example = bundle.example()
        self.codec = signature.Codec(bundle.manifest, self._example, bundle.folder)
        self._predict = (loaded or catalog.load(bundle)).predict

    def predict(self, batch: batches.Batch) -> batches.Values:
        """The model's values, unchecked. Whatever the model raises comes through: it is the caller's to isolate."""
        return self._predict(batch)

    def warm_up(self) -> int:
        """Answer the bundle's example, wholly, twice over: once for all rows, once for a single one. Returns its rows.

        Raises WarmupFailed naming what went wrong; a bundle without an example cannot be warmed up and fails too.
        """
        if not self._example:
            raise errors.WarmupFailed("the bundle has no example to warm up with", cure="Make it again with --example rows.csv.")
        try:
            request = self.codec.decode(self._example, frames.Content.RECORDS)
            whole = self.codec.checked(self.predict(request.batch), request.batch.rows)
            self.codec.encode(request, whole, ("warm-up", "v0", ""))
            self.codec.checked(self.predict(batches.first(request.batch)), 1)
        except errors.TidegateError as wrong:
            raise errors.WarmupFailed(f"the model did not answer its example: {wrong}") from wrong
        except (Exception, SystemExit) as raised:
            raise errors.WarmupFailed(f"the model raised on its example: {words(raised)}") from raised
        return request.batch.rows


def words(raised: BaseException) -> str:
    """An exception in the model's own words, short enough for a log line."""
    return f"{type(raised).__name__}: {raised}"[:2_000]
