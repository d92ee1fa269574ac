"""The store that a URL or the settings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from addon.archive.directory import DirectoryStore
from addon.archive.opening import open_store, store_of
from addon.archive.s3 import S3Store
from addon.errors import SettingsError
from addon.settings import Settings


def test_a_file_url_is_a_directory_with_its_own_characters(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    store = open_store(folder.as_uri())
    assert isinstance(store, DirectoryStore)
    assert store.root == folder


def test_an_s3_url_is_a_bucket_and_nothing_is_contacted() -> None:
    assert isinstance(open_store("s3://bucket/a/prefix/"), S3Store)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/a/path",
        "file://host/a/path",
        "file:",
        "s3:///prefix",
        "https://bucket/x",
        "s3://b?x=1",
    ],
)
def test_anything_else_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^ARCHIVE_URL"):
        open_store(url)


def test_a_directory_has_no_storage_class(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"^ARCHIVE_STORAGE_CLASS"):
        store_of(settings.replace(archive_storage_class="STANDARD_IA"))
