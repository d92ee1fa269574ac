from __future__ import annotations

import multiprocessing
import os
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from addon import durable_files
from addon.archive.directory import LEFT_AFTER_S, DirectoryStore
from addon.errors import AlreadyStored, NotStored, RetentionLocked, StoreUnavailable


def create(root: str, number: int, start: object, wins: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    for attempt in range(50):
        try:
            DirectoryStore(root).put(f"race/{attempt}", [b"%d" % number])
        except AlreadyStored:
            continue
        wins.put((attempt, number))  # type: ignore[attr-defined]


def test_of_many_processes_one_creates_each_object(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start, wins = context.Barrier(4), context.Queue()
    racers = [
        context.Process(target=create, args=(str(tmp_path), number, start, wins))
        for number in range(4)
    ]
    for racer in racers:
        racer.start()
    won = dict(wins.get(timeout=30) for _ in range(50))
    for racer in racers:
        racer.join()
    assert wins.empty()
    store = DirectoryStore(tmp_path)
    assert {n: store.get(f"race/{n}") for n in range(50)} == {n: b"%d" % w for n, w in won.items()}


def test_nothing_is_visible_before_all_of_it_is(directory: DirectoryStore) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"half"
        assert directory.stat("a/b") is None
        assert list(directory.list()) == []
        yield b"whole"

    directory.put("a/b", blocks())
    assert directory.get("a/b") == b"halfwhole"


def test_an_object_is_synced_before_it_gets_its_name(
    directory: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    sync, link = os.fsync, durable_files.rename_if_free

    def fsync(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        events.append(f"sync {kind}")
        sync(handle)

    def linked(aside: str, path: str) -> None:
        events.append("link")
        link(aside, path)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(durable_files, "rename_if_free", linked)
    directory.put("a/b", [b"x"])
    assert events.index("sync file") < events.index("link")
    assert events[-1] == "sync folder"


def test_only_the_owner_may_look(directory: DirectoryStore) -> None:
    directory.put("a/b", [b"x"])
    modes = {path.stat().st_mode & 0o077 for path in (directory.root, directory.root / "a")}
    assert modes == {0}
    assert (directory.root / "a/b").stat().st_mode & 0o077 == 0


def test_a_crash_leaves_no_object_behind(directory: DirectoryStore) -> None:
    directory.put("a", [b"x"])
    (directory.root / ".unfinished" / "left").write_bytes(b"by a crash")
    assert [found.key for found in directory.list()] == ["a"]


def test_what_a_killed_process_left_is_cleared_in_time(directory: DirectoryStore) -> None:
    directory.put("a", [b"x"])
    old, young = (directory.root / ".unfinished" / name for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half a recording")
    long_ago = time.time() - LEFT_AFTER_S - 60
    os.utime(old, (long_ago, long_ago))
    DirectoryStore(directory.root).put("b", [b"x"])
    assert (old.exists(), young.exists()) == (False, True)


def test_an_emptied_folder_goes_and_can_come_back(directory: DirectoryStore) -> None:
    directory.put("a/b/c", [b"x"])
    directory.delete("a/b/c")
    assert not (directory.root / "a").exists()
    directory.put("a/b/c", [b"y"])


def test_a_folder_that_vanishes_while_a_name_is_given_is_made_again(
    directory: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, vanished = durable_files.rename_if_free, []

    def linked(aside: str, path: str) -> None:
        if not vanished:
            vanished.append(path)
            Path(path).parent.rmdir()
        link(aside, path)

    monkeypatch.setattr(durable_files, "rename_if_free", linked)
    directory.put("a/b", [b"x"])
    assert vanished
    assert directory.get("a/b") == b"x"


def test_a_lock_forbids_deleting_and_replacing_until_its_date(directory: DirectoryStore) -> None:
    directory.put("a", [b"x"])
    directory.retain("a", datetime.now(UTC) + timedelta(days=2))
    for _ in range(2):
        with pytest.raises(RetentionLocked, match=r"until \d{4}-\d\d-\d\d"):
            directory.delete("a")
        with pytest.raises(RetentionLocked):
            directory.put("a", [b"y"], if_absent=False)
    assert directory.get("a") == b"x"
    assert [found.key for found in directory.list()] == ["a"]


def test_a_lock_that_ended_forbids_nothing(directory: DirectoryStore) -> None:
    directory.put("a", [b"x"])
    directory.retain("a", datetime.now(UTC) - timedelta(seconds=1))
    directory.delete("a")
    directory.put("a", [b"y"])
    directory.delete("a")


def test_only_what_is_there_can_be_locked(directory: DirectoryStore) -> None:
    with pytest.raises(NotStored):
        directory.retain("a", datetime.now(UTC) + timedelta(days=1))


def test_a_directory_that_fails_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no directory")
    store = DirectoryStore(tmp_path / "file" / "archive")
    with pytest.raises(StoreUnavailable) as caught:
        store.put("a", [b"x"])
    assert str(tmp_path) not in caught.value.message


def test_a_full_disk_is_unavailable_and_leaves_nothing(
    directory: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreUnavailable, match=r"No space left on device \(ENOSPC\)"):
        directory.put("a", [b"x"])
    assert [path for path in directory.root.rglob("*") if path.is_file()] == []


def test_an_object_replaced_in_place_has_another_etag(directory: DirectoryStore) -> None:
    first = directory.put("a", [b"x"])
    (directory.root / "a").write_bytes(b"y")
    now = directory.stat("a")
    assert now is not None
    assert now.etag != first.etag
