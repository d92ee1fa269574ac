"""The mark of a directory store: an empty folder in the archive's place is an outage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from addon.archive.mark import FILE, Mark
from addon.archive.opening import open_store
from addon.archive.store import Store
from addon.errors import NotStored, StoreUnavailable


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def opened(root: Path, tmp_path: Path):
    """Opens the store as a process that has just started does."""

    def opened() -> Store:
        return open_store(root.as_uri(), stores=tmp_path / "stores")

    return opened


CALLS = {
    "put": lambda store: store.put("b", [b"x"]),
    "get": lambda store: store.get("a"),
    "read": lambda store: list(store.read("a")),
    "stat": lambda store: store.stat("a"),
    "list": lambda store: list(store.list()),
    "delete": lambda store: store.delete("a"),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_archive_that_is_not_mounted_is_an_outage_and_no_empty_one(opened, root, call) -> None:
    running = opened()
    running.put("a", [b"x"])
    root.rename(root.with_name("the-disk"))
    root.mkdir()
    for store in (running, opened()):
        with pytest.raises(StoreUnavailable, match="is not mounted"):
            CALLS[call](store)
    assert list(root.iterdir()) == []
    root.rmdir()
    root.with_name("the-disk").rename(root)
    for store in (running, opened()):
        assert store.get("a") == b"x"
        assert store.stat("b") is None


def test_another_store_in_its_place_is_an_outage(opened, root, tmp_path) -> None:
    opened().put("a", [b"x"])
    root.rename(root.with_name("the-disk"))
    open_store(root.as_uri(), stores=tmp_path / "other").put("c", [b"y"])
    with pytest.raises(StoreUnavailable, match="another store"):
        opened().put("b", [b"x"])


def test_a_store_that_is_read_before_its_first_write_is_empty(opened, root) -> None:
    store = opened()
    assert list(store.list()) == [] and store.stat("a") is None
    with pytest.raises(NotStored):
        store.get("a")
    assert not root.exists()
    store.put("a", [b"x"])
    assert [stat.key for stat in opened().list()] == ["a"]


def test_an_archive_of_a_release_without_marks_gets_one(opened, root) -> None:
    open_store(root.as_uri()).put("a", [b"x"])
    opened().put("b", [b"x"])
    shutil.rmtree(root)
    with pytest.raises(StoreUnavailable):
        opened().stat("a")


def test_an_archive_that_was_restored_without_its_mark_goes_on(opened, root) -> None:
    opened().put("a", [b"x"])
    (root / ".store").unlink()
    assert opened().get("a") == b"x"
    opened().put("b", [b"x"])
    assert (root / ".store").exists()


def test_where_nothing_can_be_remembered_the_process_itself_does(root, tmp_path) -> None:
    (tmp_path / "stores").write_text("no folder")
    store = open_store(root.as_uri(), stores=tmp_path / "stores")
    store.put("a", [b"x"])
    shutil.rmtree(root)
    with pytest.raises(StoreUnavailable, match="is not mounted"):
        store.stat("a")


def test_a_process_that_looked_just_before_another_made_the_mark_takes_it(
    root: Path, tmp_path: Path
) -> None:
    """Two web processes write the very first object at once."""
    memory, first = tmp_path / "memory", Mark(root, tmp_path / "memory")

    class Slower(Mark):
        def _known(self) -> str | None:
            first.check(make=True)
            return super()._known()

    Slower(root, memory).check(make=True)
    assert not [path for path in root.iterdir() if path.name != FILE]
