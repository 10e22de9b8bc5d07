"""One DuckDB in memory for all questions of a process: starting one takes longer than most answers.

It holds nothing between two questions: what is asked is in files, and these are read anew each time.
"""

import contextlib
import threading
from collections.abc import Iterator

import duckdb

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_file_cache": "false",
    "threads": "2",
}
_lock = threading.Lock()
_running: list[duckdb.DuckDBPyConnection] = []


@contextlib.contextmanager
def asked() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one question, in any thread. Where one fails, the next question is put to a new DuckDB."""
    with _lock:
        if not _running:
            _running.append(duckdb.connect(":memory:", config=CONFIG))
        whole = _running[0]
        connection = whole.cursor()
    try:
        with connection:
            yield connection
    except duckdb.Error:
        # some errors, as of a file that is damaged, leave a DuckDB that answers nothing any more
        with _lock:
            if _running == [whole]:
                _running.clear()
        raise
