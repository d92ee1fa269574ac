"""What every store must do: the same tests over a directory and over a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from addon.archive.directory import DirectoryStore
from addon.archive.opening import open_store
from addon.archive.s3 import S3Store
from addon.archive.store import (
    MAX_SMALL_OBJECT,
    WEB_PATIENCE,
    Store,
    checked_key,
)
from addon.archive.upload import PART_SIZE
from addon.errors import AlreadyStored, NotStored, SettingsError, Tampered
from tests.archive.recordings import noise


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


def keys(store: Store, prefix: str = "", after: str | None = None) -> list[str]:
    return [stat.key for stat in store.list(prefix, after=after)]


def test_an_object_is_what_was_put(store: Store) -> None:
    stat = store.put("a/b", [b"one", b"", b"two"])
    assert (stat.key, stat.size) == ("a/b", 6)
    assert store.get("a/b") == b"onetwo"
    assert store.stat("a/b") == stat


def test_an_empty_object_exists(store: Store) -> None:
    store.put("days/x", ())
    stat = store.stat("days/x")
    assert stat is not None
    assert stat.size == 0
    assert b"".join(store.read("days/x")) == b""


def test_an_object_of_several_parts_comes_back_whole(store: Store) -> None:
    content = noise(2 * PART_SIZE + 12345)
    assert store.put("large", [content]).size == len(content)
    assert b"".join(store.read("large")) == content
    assert b"".join(store.read("large", PART_SIZE - 5, 10)) == content[PART_SIZE - 5 :][:10]


@pytest.mark.parametrize("parts", [1, 2])
def test_a_conditional_create_never_overwrites(store: Store, parts: int) -> None:
    store.put("a", [b"first"])
    with pytest.raises(AlreadyStored):
        store.put("a", [bytes(PART_SIZE)] * parts)
    assert store.get("a") == b"first"


def test_of_many_writers_at_once_one_wins(store: Store) -> None:
    start = Barrier(6)
    wins: list[bytes] = []

    def write(content: bytes) -> None:
        start.wait()
        try:
            store.put("contended/key", [content])
        except AlreadyStored:
            return
        wins.append(content)

    writers = [Thread(target=write, args=[b"%d" % number]) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    if isinstance(store, DirectoryStore):
        assert len(wins) == 1
    assert store.get("contended/key") in wins


def test_a_put_may_replace_where_it_says_so(store: Store) -> None:
    first = store.put("a", [b"first"])
    second = store.put("a", [b"second"], if_absent=False)
    assert store.get("a") == b"second"
    assert first.etag != second.etag


@pytest.mark.parametrize("size", [100, PART_SIZE + 1, 3 * PART_SIZE])
def test_a_source_that_fails_leaves_nothing(store: Store, size: int) -> None:
    def blocks() -> Iterator[bytes]:
        yield bytes(size)
        raise ConnectionResetError("the source broke off")

    with pytest.raises(ConnectionResetError):
        store.put("a/b", blocks())
    assert store.stat("a/b") is None
    assert keys(store) == []


def test_what_is_not_there_is_said_so(store: Store) -> None:
    assert store.stat("no/such") is None
    with pytest.raises(NotStored):
        store.get("no/such")
    with pytest.raises(NotStored):
        b"".join(store.read("no/such", 5, 10))
    store.delete("no/such")


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, None, b"0123456789"),
        (4, None, b"456789"),
        (4, 3, b"456"),
        (8, 100, b"89"),
        (10, 5, b""),
        (20, 5, b""),
        (3, 0, b""),
    ],
)
def test_reads_give_a_range(store: Store, start: int, length: int | None, expected: bytes) -> None:
    store.put("a", [b"0123456789"])
    assert b"".join(store.read("a", start, length)) == expected


@pytest.mark.parametrize(("start", "length"), [(0, 10), (3, 5), (8, 100), (10, 5), (3, 0)])
def test_reads_into_memory_give_the_same_range(store: Store, start: int, length: int) -> None:
    stat = store.put("a", [b"0123456789"])
    blocks = store.read_into(memoryview(bytearray(3)), "a", start, length, etag=stat.etag)
    assert b"".join(map(bytes, blocks)) == b"0123456789"[start : start + length]


def test_a_read_pinned_to_a_version_meets_no_other(store: Store) -> None:
    stat = store.put("a", [b"first"])
    memory = memoryview(bytearray(9))
    assert b"".join(store.read("a", 1, 3, etag=stat.etag)) == b"irs"
    store.put("a", [b"other"], if_absent=False)
    with pytest.raises(Tampered, match="replaced"):
        b"".join(store.read("a", 1, 3, etag=stat.etag))
    with pytest.raises(Tampered, match="replaced"):
        list(store.read_into(memory, "a", 1, 3, etag=stat.etag))
    store.delete("a")
    for key in ("a", "a/b"):
        with pytest.raises(NotStored):
            list(store.read_into(memory, key, 1, 3, etag=stat.etag))


def test_a_small_object_that_is_not_small_is_refused(store: Store) -> None:
    store.put("a", [bytes(MAX_SMALL_OBJECT), b"!"])
    with pytest.raises(Tampered):
        store.get("a")


def test_a_deleted_object_is_gone_and_its_name_is_free(store: Store) -> None:
    store.put("a/b/c", [b"x"])
    store.delete("a/b/c")
    assert store.stat("a/b/c") is None
    assert keys(store) == []
    store.put("a/b/c", [b"y"])
    assert store.get("a/b/c") == b"y"


def test_a_listing_is_in_the_order_of_whole_keys(store: Store) -> None:
    names = ["a", "a-b", "a.b", "a/b", "a/b-c", "a/b/c", "a0", "b/1", "b/10", "b/2"]
    for name in names:
        if name not in ("a", "a/b"):  # a directory cannot hold a file of its own name
            store.put(name, ())
    assert keys(store) == sorted(set(names) - {"a", "a/b"})
    assert keys(store, "a/") == ["a/b-c", "a/b/c"]
    assert keys(store, "b/1") == ["b/1", "b/10"]
    assert keys(store, "c/") == []


def test_a_listing_goes_on_behind_any_name(store: Store) -> None:
    names = ["a/1", "a/2/x", "a/2/y", "a/3", "b/1"]
    for name in names:
        store.put(name, ())
    for name in [*names, "a", "a/2", "a/2/~", "a/~", "~"]:
        assert keys(store, after=name) == [key for key in names if key > name]
    assert keys(store, "a/", after="a/2/x") == ["a/2/y", "a/3"]


def test_a_long_listing_is_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addon.archive.s3.LIST_SIZE", 7)
    names = [f"n/{number:04d}" for number in range(30)]
    for name in names:
        store.put(name, ())
    assert keys(store, "n/") == names


@pytest.mark.parametrize(
    "key",
    ["", "/", "/a", "a/", "a//b", "..", "a/../b", ".locks/a", "a/.b", "a b", "ä", "a\n", "a\0b"],
)
def test_a_key_that_is_no_plain_name_is_refused(store: Store, key: str) -> None:
    with pytest.raises(NotStored):
        store.get(key)
    with pytest.raises(NotStored):
        store.put(key, [b"x"])
    with pytest.raises(NotStored):
        store.delete(key)


def test_a_key_has_a_longest_length() -> None:
    assert checked_key("k" * 512)
    with pytest.raises(NotStored):
        checked_key("k" * 513)


def test_urls_name_stores(tmp_path: Path) -> None:
    store = open_store((tmp_path / "with space").as_uri())
    store.put("a", [b"x"])
    assert (tmp_path / "with space" / "a").read_bytes() == b"x"
    assert isinstance(open_store("s3://bucket/prefix", patience=WEB_PATIENCE), S3Store)


@pytest.mark.parametrize("url", ["", "archive", "file://host/path", "s3:///x", "http://a/b"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^ARCHIVE_URL"):
        open_store(url)


@pytest.mark.parametrize("url", ["file:///var/archive?lock_days=90", "s3://bucket?lock_days=90"])
def test_a_url_with_options_is_refused_before_they_are_lost(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^ARCHIVE_URL .*ARCHIVE_LOCK_DAYS"):
        open_store(url)


def test_a_directory_has_no_storage_class(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^ARCHIVE_STORAGE_CLASS"):
        open_store(tmp_path.as_uri(), storage_class="STANDARD_IA")
