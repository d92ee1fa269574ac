"""The one writer of files that must last."""

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from addon import durable_files
from addon.durable_files import rename_if_free, write_file


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_whole_and_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_file(path, [b"one ", b"two"], replace=False)
    assert path.read_bytes() == b"one two"
    assert [oct(each.stat().st_mode & 0o777) for each in (path, path.parent)] == ["0o600", "0o700"]


def test_a_file_that_is_there_is_replaced_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_file(path, [b"old"], replace=False)
    with pytest.raises(FileExistsError):
        write_file(path, [b"new"], replace=False)
    assert path.read_bytes() == b"old"
    write_file(path, [b"new"], replace=True)
    assert path.read_bytes() == b"new"
    assert files(tmp_path) == ["file"]


def test_a_source_that_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_file(path, [b"old"], replace=False)

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        write_file(path, broken(), replace=True)
    assert (path.read_bytes(), files(tmp_path)) == (b"old", ["file"])


@pytest.mark.parametrize(
    ("content", "steps"),
    [(b"x", ["file", "name", "folder"]), (b"", ["name", "folder"])],
    ids=["bytes", "an empty file, which is its name alone"],
)
def test_the_bytes_are_durable_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, steps: list[str]
) -> None:
    events: list[str] = []
    sync, replace = os.fsync, os.replace

    def fsync(handle: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    def named(aside: str, path: str) -> None:
        events.append("name")
        replace(aside, path)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", named)
    write_file(tmp_path / "file", [content], replace=True)
    assert events == steps


def test_a_new_folder_is_durable_in_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(durable_files, "sync_folder", synced.append)
    durable_files.make_folders(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]


@pytest.fixture(params=["as here", "not known", "not supported"])
def naming(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems that can and cannot rename a file only where the name is free."""

    def refused(*_: object) -> int:
        ctypes.set_errno(errno.EINVAL)
        return -1

    if request.param != "as here":
        known = None if request.param == "not known" else refused
        monkeypatch.setattr(durable_files, "_RENAMEAT2", known)


@pytest.mark.usefixtures("naming")
def test_a_name_that_is_taken_is_never_given_again(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"new")
    rename_if_free(str(source), str(target))
    assert (files(tmp_path), target.read_bytes()) == (["target"], b"new")
    source.write_bytes(b"newer")
    with pytest.raises(FileExistsError):
        rename_if_free(str(source), str(target))
    assert (source.read_bytes(), target.read_bytes()) == (b"newer", b"new")
    with pytest.raises(FileNotFoundError):
        rename_if_free(str(source), str(tmp_path / "no folder" / "target"))


@pytest.mark.usefixtures("naming")
def test_of_many_writers_of_one_name_one_succeeds(tmp_path: Path) -> None:
    def write(number: int) -> bool:
        try:
            write_file(tmp_path / "file", [bytes([number]) * 1000], replace=False)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(write, range(32)))
    assert won.count(True) == 1
    assert (tmp_path / "file").read_bytes() == bytes([won.index(True)]) * 1000
    assert files(tmp_path) == ["file"]
