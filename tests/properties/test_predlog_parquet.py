"""Whatever happens to a Parquet file of the log, the others are read, what is whole of it is saved, and the loss is told."""

import pathlib
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import predlog_fixtures as fixtures
from tidegate.core.vocabulary import home
from tidegate.dataplane.predlog import catalogue, intact, parquet, reader, seconds, segments
from tidegate.observability.recording import mending, upkeep

FILES, EACH = 3, 40
DAMAGE = st.one_of(
    st.tuples(st.just("cut"), st.floats(0, 1, exclude_max=True)),
    st.tuples(st.just("flip"), st.floats(0, 1, exclude_max=True)),
    st.tuples(st.just("garbage"), st.just(0.0)),
    st.tuples(st.just("missing"), st.just(0.0)),
)


def recorded(made: home.Home) -> list[parquet.File]:
    """A log of three files of predictions and three of outcomes."""
    found = []
    with catalogue.Catalogue(made.log) as known:
        known.begin()
        for at in range(FILES):
            batch: list[segments.Record] = []
            for number in range(at * EACH, (at + 1) * EACH):
                one = fixtures.prediction(2 * number, float(number), input=b'{"records": [{"a": %d}]}' % number)
                batch += [one, fixtures.outcome(2 * number + 1, one, 1.0, number + 1.0)]
            found += parquet.write(made.log, f"{at:013d}", batch)
        known.add(found)
        known.begun()
        known.commit()
    return sorted(found, key=lambda one: one.path)


def harm(path: pathlib.Path, kind: str, share: float) -> None:
    raw = bytearray(path.read_bytes())
    if kind == "cut":
        path.write_bytes(raw[: int(len(raw) * share)])
    elif kind == "flip":
        raw[int(len(raw) * share)] ^= 0x10
        path.write_bytes(bytes(raw))
    elif kind == "garbage":
        path.write_bytes(b"no Parquet at all" * 100)
    else:
        path.unlink()


def read_all(made: home.Home) -> None:
    """By everything that reads the log."""
    begin, end = float(fixtures.T0), float(fixtures.T0 + FILES * EACH)
    reader.counts(made, "flight-delay")
    reader.failures(made, "flight-delay")
    reader.sample(made, "flight-delay", 100)
    reader.versions(made, "flight-delay")
    list(reader.requests(made, reader.period(made, "flight-delay", 1, (begin, end)).ids))
    seconds.latest(made, "flight-delay", 1, end)


@settings(max_examples=8, deadline=None)
@given(victim=st.integers(0, 2 * FILES - 1), damage=DAMAGE)
def test_the_rest_is_read_and_what_was_damaged_is_set_aside(victim: int, damage: tuple[str, float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = fixtures.place(pathlib.Path(folder))
        files = recorded(made)
        mine = files[victim]
        harm(made.log / mine.path, *damage)
        read_all(made)
        for number in range(0, FILES * EACH, EACH // 2):
            identifier = fixtures.identifier(2 * number, float(number))
            if not mine.first <= identifier <= mine.last:
                found = reader.find(made, identifier)
                assert found is not None
                assert (found.prediction.sequence, len(found.outcomes)) == (2 * number, 1)
        with catalogue.Catalogue(made.log) as known:
            assert mending.Mending(known).look("saved") == 1
            [(path, _, lost)] = known.all_damaged()
            assert path == mine.path
            there = {one.path for one in known.files()}
            assert mine.path not in there
            assert sum(one.rows for one in known.files()) == 2 * FILES * EACH - lost
            assert (known.tallies()["damaged"], known.tallies().get("damaged_rows", 0)) == (1, lost)
            assert (made.log / f"{path}{parquet.ASIDE}").exists()
            assert mending.Mending(known).look("again") == 0
        read_all(made)
        with upkeep.reopened(made.log) as known:
            assert {one.path for one in known.files()} == there


@settings(max_examples=6, deadline=None)
@given(victim=st.integers(0, 2 * FILES - 1), damage=DAMAGE)
def test_a_log_whose_catalogue_is_lost_as_well_is_read_but_for_the_damage(victim: int, damage: tuple[str, float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = fixtures.place(pathlib.Path(folder))
        files = recorded(made)
        harm(made.log / files[victim].path, *damage)
        for path in made.log.glob("catalogue.db*"):
            path.unlink()
        with upkeep.reopened(made.log) as known:
            gone = {one.path for one in files} - {one.path for one in known.files()}
            # A batch of which a file is missing was perhaps never whole: its records are read from the segments once more.
            batch = pathlib.Path(files[victim].path).name
            assert all(path == files[victim].path or (damage[0] == "missing" and path.endswith(batch)) for path in gone)
        read_all(made)


def test_of_a_file_with_one_damaged_row_group_the_others_are_saved(tmp_path: pathlib.Path) -> None:
    made = fixtures.place(tmp_path)
    [file] = parquet.write(made.log, "a", [fixtures.prediction(at, at / 100) for at in range(parquet.ROW_GROUP + 100)])
    path = made.log / file.path
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 10] ^= 1
    path.write_bytes(bytes(raw))
    saved = intact.saved(made.log, "b", file)
    assert saved is not None
    assert (saved.rows, saved.last) == (100, file.last)
