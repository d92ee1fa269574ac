"""A worker whose archive is a bucket: what ARCHIVE_STORAGE_CLASS and ARCHIVE_LOCK_DAYS do there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from addon.archive.archive import Archive
from addon.archive.names import files
from addon.checks.store import retains
from addon.errors import RetentionLocked
from addon.settings import Settings
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.conftest import aws
from tests.web.requests import INSTALL
from workers import process
from workers.deliver import deliver

__all__ = ["aws"]


@pytest.fixture
def client(aws: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws)
    return s3_client(aws)


@pytest.fixture
def bucket(client: Any) -> str:
    return new_bucket(client, ObjectLockEnabledForBucket=True)


@pytest.fixture
def settings(settings: Settings, bucket: str) -> Settings:
    env = {
        "ARCHIVE_URL": f"s3://{bucket}/archive",
        "ARCHIVE_STORAGE_CLASS": "STANDARD_IA",
        "ARCHIVE_LOCK_DAYS": "30",
        "ARCHIVE_LOCK_MODE": "compliance",
    }
    loaded = Settings.load(env)
    return settings.replace(**{name.lower(): getattr(loaded, name.lower()) for name in env})


@pytest.fixture
def exchange(accept, client: Any, bucket: str) -> Any:
    """A recording that was archived and whose result was delivered."""
    exchange = accept()
    held = f"archive/intake/{exchange.sid}"
    assert _storage_class(client.head_object(Bucket=bucket, Key=held)) == "STANDARD"
    process.process(exchange.sid)
    deliver(exchange.sid)
    assert exchange.callbacks[0].document()["status"] == "successful"
    return exchange


def _storage_class(head: dict[str, Any]) -> str:
    """S3 names every class but its standard one."""
    return str(head.get("StorageClass", "STANDARD"))


def test_what_is_encrypted_of_a_recording_has_the_storage_class_and_nothing_else_has(
    exchange, client: Any, bucket: str
) -> None:
    stored = client.list_objects_v2(Bucket=bucket)["Contents"]
    heads = {one["Key"]: client.head_object(Bucket=bucket, Key=one["Key"]) for one in stored}
    classes = {key.removeprefix("archive/"): _storage_class(head) for key, head in heads.items()}
    keys = files(INSTALL, exchange.sid)
    cheaper = {key for key, storage_class in classes.items() if storage_class != "STANDARD"}
    assert cheaper == {keys.audio, keys.analysis}
    assert classes[keys.audio] == "STANDARD_IA"
    assert len(classes) > 3


def test_a_recording_is_locked_for_so_many_days(
    exchange, settings: Settings, client: Any, bucket: str
) -> None:
    archive = Archive.from_settings(settings)
    written = archive.manifest(INSTALL, exchange.sid).written_at
    keys = files(INSTALL, exchange.sid)
    for key in (keys.audio, keys.analysis, keys.manifest):
        head = client.head_object(Bucket=bucket, Key=f"archive/{key}")
        assert head["ObjectLockMode"] == "COMPLIANCE"
        until = head["ObjectLockRetainUntilDate"]
        assert abs(until - written - timedelta(days=30)) < timedelta(seconds=1)
        assert until > datetime.now(UTC)
    with pytest.raises(RetentionLocked):
        archive.erase(INSTALL, exchange.sid, by="test", reason="asked")
    assert b"".join(archive.open(INSTALL, exchange.sid).read()) == exchange.audio


def test_a_bucket_that_cannot_lock_is_found_before_the_first_recording(
    settings: Settings, client: Any
) -> None:
    assert list(retains(settings)) == []
    plain = settings.replace(archive_url=f"s3://{new_bucket(client)}/archive")
    (finding,) = retains(plain)
    assert finding.sentence.startswith("ARCHIVE_LOCK_DAYS is set")
    assert list(retains(plain.replace(archive_lock_days=None))) == []
