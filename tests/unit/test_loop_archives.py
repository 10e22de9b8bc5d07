"""Backups: what is not whole or not ours changes nothing."""

import io
import tarfile

import msgspec
import pytest

from tidegate.control.loop import archives
from tidegate.control.store import database, endpoints, store
from tidegate.core.vocabulary import erasures, errors, home, instances, tables
from tidegate.dataplane.wire import tablefile

DIGEST = "d" * 64


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home with one endpoint, one bundle and a table."""
    made = home.Home(tmp_path_factory.mktemp("one") / ".tidegate")
    made.prepare()
    made.token.write_text("secret\n")
    (made.bundles / DIGEST).mkdir()
    (made.bundles / DIGEST / "manifest.json").write_text("{}")
    with store.Store(database.sqlite_url(made.store)) as books:
        books.put_endpoint(endpoints.Endpoint("production", "flights", {}))
        books.adopt_generation("production", 1)
    worker = tables.Worker("w-1", "unix:/gone", "t")
    route = tables.Route("flights", "production", tables.Deployed(1, DIGEST, "m", (worker,)))
    tablefile.write(made.table, lambda now: msgspec.structs.replace(now, routes={"flights": route}))
    return made


@pytest.fixture(scope="module")
def whole(place, tmp_path_factory):
    """The bytes of its backup."""
    path = tmp_path_factory.mktemp("backup") / "b.tar.gz"
    archives.write(place, path, log=False, now=1.0)
    return path.read_bytes()


@pytest.fixture
def backup(whole, tmp_path):
    path = tmp_path / "b.tar.gz"
    path.write_bytes(whole)
    return path


def other(tmp_path) -> home.Home:
    return home.Home(tmp_path / "two" / ".tidegate")


def packed(path, **entries: bytes) -> None:
    """A tar of these entries, in this order."""
    with tarfile.open(path, "w:gz") as made:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))


def refused(path, tmp_path) -> str:
    with pytest.raises(errors.BackupInvalid) as raised:
        archives.restore(path, other(tmp_path), force=False, now=2.0)
    assert not other(tmp_path).root.exists()
    assert not list(other(tmp_path).root.parent.glob(".tidegate-*"))
    return str(raised.value)


def test_what_is_restored_is_what_was_there_with_its_endpoints_asleep(backup, tmp_path):
    there = other(tmp_path)
    manifest, aside = archives.restore(backup, there, force=False, now=2.0)
    assert (aside, manifest.made_at) == ("", 1.0)
    assert there.token.read_text() == "secret\n"
    assert there.token.stat().st_mode & 0o777 == 0o600
    table = tablefile.read(there.table)
    assert (table.generation, table.routes["flights"].asleep, table.routes["flights"].stable.workers) == (2, True, ())
    with store.Store(database.sqlite_url(there.store)) as books:
        assert books.adopted_generation("production") == 2
        assert [one.name for one in books.endpoints("production")] == ["flights"]


def test_a_backup_that_was_cut_or_changed_is_refused(backup, tmp_path):
    raw = backup.read_bytes()
    for damaged in (raw[: len(raw) // 2], raw[:-20], b"", b"no tar at all", raw[:200] + bytes(20) + raw[220:]):
        backup.write_bytes(damaged)
        refused(backup, tmp_path)


def test_what_is_not_in_the_manifest_or_leaves_the_home_is_refused(tmp_path):
    path = tmp_path / "b.tar.gz"
    none = msgspec.json.encode(archives.Manifest(1, 1.0, "0", ()))
    packed(path, **{"manifest.json": none, "store.db": b"x"})
    assert "does not belong" in refused(path, tmp_path)
    sha = "9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0"  # of aaa
    for name in ("../token", "/etc/token"):
        outside = msgspec.json.encode(archives.Manifest(1, 1.0, "0", (archives.Member(name, sha, 3),)))
        packed(path, **{"manifest.json": outside, name: b"aaa"})
        assert "does not belong" in refused(path, tmp_path)
    lacking = msgspec.json.encode(archives.Manifest(1, 1.0, "0", (archives.Member("store.db", sha, 3),)))
    packed(path, **{"manifest.json": lacking})
    assert "store.db is missing" in refused(path, tmp_path)
    packed(path, **{"manifest.json": lacking, "store.db": b"aab"})
    assert "differs" in refused(path, tmp_path)
    packed(path, **{"store.db": b"aaa", "manifest.json": lacking})
    assert "not one of ours" in refused(path, tmp_path)
    newer = msgspec.json.encode(archives.Manifest(2, 1.0, "9.9", ()))
    packed(path, **{"manifest.json": newer})
    assert "newer" in refused(path, tmp_path)


def test_a_home_that_lives_or_holds_anything_is_left_alone(backup, tmp_path):
    place = home.Home(tmp_path / "three")
    place.instances.mkdir(parents=True)
    (place.root / "store.db").write_text("x")
    with pytest.raises(errors.BackupInvalid, match="not empty"):
        archives.restore(backup, place, force=False, now=2.0)
    claim = instances.Claim(place.instances, "keeper", "t")
    with pytest.raises(errors.AlreadyRunning):
        archives.restore(backup, place, force=True, now=2.0)
    claim.release()
    _, aside = archives.restore(backup, place, force=True, now=2.0)
    assert aside.endswith("three.before-19700101-000002")
    assert tablefile.read(place.table).generation == 2


def test_a_backup_is_never_written_over_another_and_none_is_left_when_it_fails(backup, place, tmp_path):
    with pytest.raises(errors.BackupInvalid):
        archives.write(place, backup, log=False, now=2.0)
    with pytest.raises(errors.DiskFull):
        archives.write(place, tmp_path / "no" / "such.tar.gz", log=False, now=2.0)
    with pytest.raises(errors.StoreUnavailable):
        archives.write(home.Home(place.bundles), tmp_path / "c.tar.gz", log=False, now=2.0)
    assert sorted(one.name for one in tmp_path.glob("*.gz*")) == ["b.tar.gz"]


def test_who_was_erased_since_the_backup_is_known_where_it_is_restored(place, tmp_path):
    backup = tmp_path / "with-log.tar.gz"
    erasures.write(place.erasures, erasures.KEPT, erasures.Asked("before", "flights", erasures.KEY, 1.0, key_hash="aa"))
    erasures.remember(place.erasures, "before", [b"a" * 16])
    archives.write(place, backup, log=True, now=2.0)
    there = other(tmp_path)
    archives.restore(backup, there, force=False, now=3.0)
    assert [one.id for one in erasures.asked(there.erasures, erasures.KEPT)] == ["before"]
    erasures.write(there.erasures, erasures.KEPT, erasures.Asked("since", "flights", erasures.ID, 4.0))
    erasures.remember(there.erasures, "since", [b"b" * 16])
    erasures.remember(there.erasures, "before", [b"c" * 16])
    archives.restore(backup, there, force=True, now=5.0)
    assert [one.id for one in erasures.asked(there.erasures, erasures.KEPT)] == ["before", "since"]
    assert erasures.remembered(there.erasures) == {"before": [b"a" * 16, b"c" * 16], "since": [b"b" * 16]}


def test_a_hash_that_was_written_in_part_is_written_over(tmp_path):
    (tmp_path / f"one{erasures.HASHES}").write_bytes(b"a" * 16 + b"torn")
    assert erasures.remembered(tmp_path) == {"one": [b"a" * 16]}
    erasures.remember(tmp_path, "one", [b"b" * 16])
    assert erasures.remembered(tmp_path) == {"one": [b"a" * 16, b"b" * 16]}
