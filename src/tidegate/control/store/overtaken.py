"""What every store has to promise about writers that another has overtaken: more of the suite of `checks`."""

import msgspec

from tidegate.control.store import chain, checks, endpoints, store
from tidegate.control.store.checks import ENV, NAME
from tidegate.core.vocabulary import errors

SEEN = endpoints.Endpoint(ENV, NAME, {"keep": 1}, stable=3, kept=(2,))


def an_endpoint_is_written_only_over_what_was_read(books: store.Store) -> None:
    """Who saw none takes none back that another has made, nor who saw an older one: by itself, or with an event."""
    books.put_endpoint(SEEN)
    other = msgspec.structs.replace(SEEN, stable=None)
    late = chain.StoredEvent(ENV, NAME, "follow", 6.0, actor="ada")
    for before in (None, other):
        assert checks.is_refused(lambda before=before: books.put_endpoint(other, before), errors.GenerationConflict)  # type: ignore[misc]
        assert checks.is_refused(lambda before=before: books.append(late, (before, other)), errors.GenerationConflict)  # type: ignore[misc]
    assert (books.endpoints(ENV), books.head()[0]) == ([SEEN], 0)
    books.append(late, (SEEN, other))
    assert (books.endpoints(ENV), books.head()[0]) == ([other], 1)


def settings_change_only_where_the_endpoint_is_as_it_was_seen(books: store.Store) -> None:
    """Who read it before another made a version stable takes neither that nor its settings back."""
    books.put_endpoint(SEEN)
    older = msgspec.structs.replace(SEEN, stable=2)
    assert checks.is_refused(lambda: books.settle(older, {"keep": 5}), errors.GenerationConflict)
    books.settle(SEEN, {"keep": 2})
    assert books.endpoint(ENV, NAME) == msgspec.structs.replace(SEEN, settings={"keep": 2})


def settings_change_only_where_what_is_noted_of_them_is_as_it_was_read(books: store.Store) -> None:
    """A release has begun since, and has noted what it brings."""
    books.put_endpoint(SEEN)
    books.note(ENV, NAME, "brought", "newer")
    assert checks.is_refused(lambda: books.settle(SEEN, {}, ("brought", "older", "mine")), errors.GenerationConflict)
    assert (books.endpoint(ENV, NAME), books.fact(ENV, NAME, "brought")) == (SEEN, "newer")
    books.settle(SEEN, {}, ("brought", "newer", "mine"))
    assert (books.endpoint(ENV, NAME), books.fact(ENV, NAME, "brought")) == (msgspec.structs.replace(SEEN, settings={}), "mine")


ALL: tuple[checks.Check, ...] = (
    an_endpoint_is_written_only_over_what_was_read,
    settings_change_only_where_the_endpoint_is_as_it_was_seen,
    settings_change_only_where_what_is_noted_of_them_is_as_it_was_read,
)
