"""What an endpoint redacts is nowhere, what it encrypts opens with its key alone, and samples agree wherever they are drawn."""

import collections
import pathlib
from typing import Any

import msgspec
import predlog_fixtures as given
import pyarrow.parquet as pq
import pytest
from columns_fixtures import SCORE, C, Columned, ended, everything
from pairs_fixtures import copied

from tidegate.control.loop import trace
from tidegate.core.vocabulary import errors, ids, keeping, manifests, tables
from tidegate.dataplane.predlog import ciphers, drawn, labelled, parquet, reader
from tidegate.dataplane.wire import samples
from tidegate.observability.profiling import profiled

SSN = "078-05-1120"
PERSON = manifests.Signature("columns", (C("ssn", "string"), C("income", "double"), C("age", "long")), SCORE)
ROW = {"ssn": SSN, "income": 77123.25, "age": 30}
KEY, OTHER = "11" * 32, "22" * 32
REDACT = keeping.Keeping(redact=("ssn",))
ENCRYPT = keeping.Keeping(encrypt=("income", "ssn"), key="env:LOG_KEY")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_KEY", KEY)


def taught(log: Columned, begin: int = 0) -> None:
    """So many requests that every column's frame is learned, and one of everything that is kept of them."""
    rows = [ROW] * 500
    for at in range(begin, begin + 4):
        one = log.asked(at, *rows, at=at, answers=(0.25,) * 500, error=f"predict-failed: ValueError: bad {SSN}" if at % 2 else "")
        log.put(one, copied(one), log.asked(at + 100, {**ROW, "ssn": SSN * 200}, at=at))


@pytest.mark.parametrize("veil", [REDACT, ENCRYPT], ids=["redacted", "encrypted"])
def test_a_veiled_value_is_nowhere_once_its_segment_is_recorded(tmp_path: pathlib.Path, veil: keeping.Keeping) -> None:
    log = Columned(tmp_path, PERSON, log=veil, mirror=1_000, candidate=tables.Deployed(2, "e" * 64, "m"))
    taught(log)
    ended(log, 20.0)
    told = everything(log.home)
    assert "in_age" in told
    assert SSN not in told
    assert list(log.home.segments.glob("*.seg*")) == []
    assert not samples.path(log.home.warm, "flight-delay").exists()
    frames = profiled.frames(log.recorder.catalogue.connection, "flight-delay")
    assert set(frames) == {"age", "prediction"} | ({"income"} if veil is REDACT else set())


def test_without_a_veil_it_would_be_found(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, PERSON)
    taught(log)
    ended(log, 20.0)
    assert SSN in everything(log.home)


def test_the_other_columns_are_kept_and_the_body_is_not(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, PERSON, log=REDACT)
    log.put(log.asked(0, ROW))
    log.look(1.0)
    assert log.query("SELECT in_income[1], in_age[1], input, output != '' FROM p") == [(77123.25, 30, "", True)]
    assert reader.sample(log.home, "flight-delay", 1) == []
    assert reader.period(log.home, "flight-delay", 1, (given.T0 - 1, given.T0 + 9)) == reader.Logged((), 1, 0)


def test_a_veil_that_comes_later_takes_frames_profiles_and_keepsakes_with_it(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, PERSON)
    taught(log)
    log.look(10.0)
    assert SSN in str(profiled.frames(log.recorder.catalogue.connection, "flight-delay"))
    assert samples.read(log.home.warm, "flight-delay")
    log.route(log=REDACT)
    taught(log, 50)
    log.look(20.0)
    log.recorder.step(given.T0 + 30.0)
    connection = log.recorder.catalogue.connection
    assert "ssn" not in profiled.frames(connection, "flight-delay")
    assert all("ssn" not in one.columns for *_, one in profiled.hours(connection, "flight-delay", 0, 2**40))
    assert not samples.path(log.home.warm, "flight-delay").exists()


def test_a_table_that_cannot_be_read_unveils_nothing(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, PERSON, log=REDACT)
    log.put(log.asked(0, ROW))
    log.look(1.0)
    log.home.table.write_bytes(b"{")
    log.killed(2.0)
    log.put(log.asked(1, ROW))
    log.look(3.0)
    assert [row[0] for row in log.query("SELECT input FROM p")] == ["", ""]
    assert list(reader.unrecorded(log.home)) == []
    log.put(log.asked(2, ROW))
    assert [one.input for one in reader.unrecorded(log.home)] == [b""], "nor do readers see more than that"


def test_readers_of_segments_see_what_parquet_will_hold(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, PERSON, log=REDACT)
    log.put(log.asked(0, ROW, error=f"predict-failed: bad {SSN}"))
    found = reader.find(log.home, given.identifier(0))
    assert found is not None
    assert not found.recorded
    assert SSN not in str(found)
    assert reader.failures(log.home, "flight-delay")[0].error == "predict-failed"


def test_what_is_encrypted_opens_with_the_key_and_in_its_place_alone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Columned(tmp_path, PERSON, log=ENCRYPT)
    log.put(log.asked(0, ROW), log.asked(1, {**ROW, "income": None}))
    log.look(1.0)
    incomes = [row[0][0] for row in log.query("SELECT in_income FROM p ORDER BY id")]
    assert log.query("SELECT in_age[1] FROM p") == [(30,), (30,)]
    ring = ciphers.ring("env:LOG_KEY")
    assert ring.decrypt(given.identifier(0), "income", incomes[0]) == b"77123.25"
    assert incomes[1] is None or ring.decrypt(given.identifier(1), "income", incomes[1]) == b"NaN"
    for identifier, column in ((given.identifier(1), "income"), (given.identifier(0), "ssn")):
        with pytest.raises(errors.LogKeyWrong):
            ring.decrypt(identifier, column, incomes[0])
    found = reader.find(log.home, given.identifier(0))
    assert found is not None
    assert found.prediction.input == log.asked(0, ROW).input
    assert [body for _, body in reader.sample(log.home, "flight-delay", 9)][1] == log.asked(0, ROW).input
    monkeypatch.setenv("LOG_KEY", f"{OTHER}\n{KEY}")
    assert reader.find(log.home, given.identifier(0)) == found, "the key before opens what it has encrypted"


def test_without_the_key_it_shows_as_encrypted_and_another_key_is_said_to_be_one(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Columned(tmp_path, PERSON, log=ENCRYPT)
    log.put(log.asked(0, ROW))
    log.look(1.0)
    monkeypatch.delenv("LOG_KEY")
    found = reader.find(log.home, given.identifier(0))
    assert found is not None
    assert found.prediction.input.startswith(b"aesgcm:")
    assert (
        trace.trace(log.home, None, ids.text(given.identifier(0))).prediction.input_state
        == "encrypted, and its key (`log.key`) is not here"
    )
    assert reader.sample(log.home, "flight-delay", 1) == []
    assert reader.period(log.home, "flight-delay", 1, (given.T0 - 1, given.T0 + 9)).unlogged == 1
    ((told,), _), *_ = reader.requests(log.home, [given.identifier(0)])
    assert told.input == b""
    monkeypatch.setenv("LOG_KEY", OTHER)
    with pytest.raises(errors.LogKeyWrong, match=r"encrypted with the key [0-9a-f]{8}, and what is here is [0-9a-f]{8}"):
        reader.find(log.home, given.identifier(0))
    monkeypatch.setenv("LOG_KEY", "short")
    with pytest.raises(errors.LogKeyInvalid, match="env:LOG_KEY"):
        reader.find(log.home, given.identifier(0))


@pytest.mark.parametrize("key", ["", "not a key", "ab" * 31])
def test_what_cannot_be_encrypted_is_not_kept_and_is_told(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    log = Columned(tmp_path, PERSON, log=ENCRYPT)
    monkeypatch.setenv("LOG_KEY", key)
    log.put(log.asked(0, ROW))
    log.look(1.0)
    assert log.query("SELECT input, in_age[1] FROM p") == [("", 30)]
    assert SSN not in str(log.query("SELECT * FROM p"))
    assert log.fact("unencrypted") == 1
    assert "env:LOG_KEY" in str(log.fact("trouble"))
    monkeypatch.setenv("LOG_KEY", KEY)
    log.put(log.asked(1, ROW))
    log.look(2.0)
    assert log.query("SELECT in_income[1] LIKE 'aesgcm:%' FROM p ORDER BY id") == [(None,), (True,)]
    assert "trouble" not in log.recorder.facts(given.T0)


def test_encrypted_tensors_and_long_texts_are_files_that_open(tmp_path: pathlib.Path) -> None:
    image = manifests.Signature("tensor", (C("image", "UINT8", shape=(-1, 40, 40)),), SCORE)
    log = Columned(tmp_path, image, log=keeping.Keeping(encrypt=("image",), key="env:LOG_KEY"))
    log.put(log.asked(0, [[7] * 40] * 40))
    log.look(1.0)
    (files,) = (path for path in (log.home.log / "objects").rglob("*") if path.is_file())
    assert b"NUMPY" not in files.read_bytes()
    opened = ciphers.ring("env:LOG_KEY").decrypt(given.identifier(0), "image", files.read_text())
    assert opened is not None
    assert opened[1:6] == b"NUMPY"


def test_samples_are_the_same_ones_everywhere_and_smaller_ones_are_within(tmp_path: pathlib.Path) -> None:
    told = keeping.Keeping(share=0.5, columns=(("income", 0.2),))
    log = Columned(tmp_path, PERSON, log=told)
    asked = [log.asked(at, ROW, ROW, at=at) for at in range(200)]
    log.put(*asked, *(copied(one) for one in asked))
    log.look(1.0)
    rows = log.query("SELECT id, role, input != '', output != '', in_age IS NOT NULL, in_income FROM p ORDER BY id, role")
    live, copies = rows[::2], rows[1::2]
    assert all(row[3] == other[3] for row, other in zip(live, copies, strict=True)), "a copy is where its request is"
    assert 60 < sum(row[3] for row in live) < 140
    assert 20 < sum(row[5] is not None for row in live) < 65
    for one, row in zip(asked, live, strict=True):
        assert row[3] == row[4] == (keeping.chance(one.id) < 0.5)
        assert row[2] == (row[5] is not None) == (keeping.chance(one.id) < 0.2), "a body has all columns or is not there"
        assert row[5] in (None, [77123.25] * 2)


def test_chance_is_spread_evenly() -> None:
    found = sorted(keeping.chance(given.identifier(at)) for at in range(2_000))
    assert max(abs(one - at / 2_000) for at, one in enumerate(found)) < 0.04


def test_copies_of_veiled_requests_are_paired_by_what_nobody_can_try(tmp_path: pathlib.Path) -> None:
    def same(place: pathlib.Path, veil: keeping.Keeping) -> set[bytes]:
        log = Columned(place, PERSON, log=veil, mirror=1_000, candidate=tables.Deployed(2, "e" * 64, "m"))
        for at in range(2):
            one = log.asked(at, ROW)
            log.put(one, copied(one, digest=log.digests[0]))
        log.look(1.0)
        assert log.fact("same_input") == 1
        return {row[0] for row in log.recorder.catalogue.connection.execute("SELECT input FROM same")}

    plain = [same(tmp_path / name, keeping.ALL) for name in ("a", "b")]
    veiled = [same(tmp_path / name, REDACT) for name in ("c", "d")]
    assert plain[0] == plain[1]
    assert len({*plain[0], *veiled[0], *veiled[1]}) == 3


def test_the_struct_travels_in_the_table_and_older_tables_keep_everything() -> None:
    raw = msgspec.json.encode(ENCRYPT)
    assert msgspec.json.decode(raw, type=keeping.Keeping) == ENCRYPT
    bare: dict[str, Any] = {"endpoint": "e", "environment": "p", "stable": {"ordinal": 1, "digest": "d", "model": "m"}}
    assert msgspec.convert(bare, tables.Route).log == keeping.ALL


def test_what_was_typed_before_it_was_encrypted_stays_typed_and_both_are_read_together(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, PERSON)
    for at in range(25):
        log.put(log.asked(at, ROW, at=float(at)))
        log.look(float(at))
    log.route(log=ENCRYPT)
    for at in range(25, 50):
        log.put(log.asked(at, ROW, at=float(at)))
        log.look(float(at))
    for at in (60.0, 80.0):
        log.recorder.step(given.T0 + at)
    files = [pq.read_schema(log.home.log / file.path) for file in log.recorder.catalogue.files(parquet.PREDICTIONS)]
    assert len(files) < 20
    assert {str(one.field("in_income").type.value_type) for one in files} == {"double", "string"}
    asked = "SELECT avg(TRY_CAST(in_income[1] AS DOUBLE)), count(*) FILTER (in_income[1]::VARCHAR LIKE 'aesgcm:%') FROM p"
    assert log.query(asked) == [(ROW["income"], 25)]
    span = (given.T0, given.T0 + 100.0)
    assert set(drawn.inputs(log.home, "flight-delay", span, 1_000)) == {"age"}, "nor what was in the clear before"
    rows = labelled.read(log.home, "flight-delay", tables.Outcomes(), span, "income")
    assert sorted(collections.Counter(rows.segment.tolist()).items()) == [("77123.25", 25), (labelled.ENCRYPTED, 25)]
