"""The store is tried whole: what a server does not do as S3 does is named, and nothing is left."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from addon.archive.directory import DirectoryStore
from addon.archive.prefixes import PROBES
from addon.checks.store import LEFT_AFTER
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.conftest import aws, bucket_name, way
from tests.archive.test_s3_answers import STRANGERS, answering

__all__ = ["aws", "bucket_name", "way"]

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture
def bucket(way, bucket_name) -> dict[str, str]:
    """The environment of a bucket behind the troubled way."""
    url = f"s3://{bucket_name}/archive"
    return {**CREDENTIALS, "ARCHIVE_URL": url, "AWS_ENDPOINT_URL_S3": way.endpoint}


def test_a_bucket_that_works_is_fine_and_is_left_as_it_was(deployment, bucket, aws, bucket_name):
    assert deployment.found("store", **bucket) == []
    assert s3_client(aws).list_objects_v2(Bucket=bucket_name)["KeyCount"] == 0


def unconditional(method: str, headers: dict[str, str], body: bytes) -> bytes:
    """Overwrites where S3 would refuse: many servers of its protocol pass the header over."""
    headers.pop("If-None-Match", None)
    return body


def halved(method: str, headers: dict[str, str], body: bytes) -> bytes:
    """Keeps half of what is uploaded, and says that it has all."""
    if method == "PUT":
        for name in [each for each in headers if each.lower().startswith("x-amz-")]:
            del headers[name]
        body = body[: len(body) // 2]
        headers["Content-Length"] = str(len(body))
    return body


def rangeless(method: str, headers: dict[str, str], body: bytes) -> bytes:
    headers.pop("Range", None)
    return body


@pytest.mark.parametrize(
    ("forwards", "words"),
    [
        (unconditional, "(If-None-Match)"),
        (halved, "lost what it had just taken"),
        (rangeless, "other bytes than it was asked for"),
    ],
)
def test_a_server_that_does_less_than_s3_is_refused(deployment, bucket, way, forwards, words):
    way.forwards = forwards
    assert any(words in one for one in deployment.found("store", **bucket))


def test_a_listing_that_ends_after_its_first_page_is_found(deployment, bucket, way):
    def one_page(path: str, content: bytes) -> bytes:
        content = re.sub(rb"<IsTruncated>true", b"<IsTruncated>false", content)
        return re.sub(rb"<NextContinuationToken>.*?</NextContinuationToken>", b"", content)

    way.answers = one_page
    (found,) = deployment.found("store", **bucket)
    assert found.startswith("wrong: the store lists other objects")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ARCHIVE_URL": "s3://no-such-bucket/x"}, "Make the bucket, or correct ARCHIVE_URL"),
        ({"AWS_ACCESS_KEY_ID": None}, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "Correct AWS_ENDPOINT_URL_S3"),
    ],
)
def test_a_remedy_is_one_for_a_person_at_a_prompt(deployment, bucket, tmp_path, changes, words):
    nobody = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }
    (found,) = deployment.found("store", **{**bucket, **nobody, **changes})
    assert words in found
    assert "it is tried again" not in found


def test_a_page_in_the_bucket_s_place_is_no_store(deployment, bucket):
    with answering(STRANGERS["a login page"]) as endpoint:
        (found,) = deployment.found("store", **{**bucket, "AWS_ENDPOINT_URL_S3": endpoint})
    assert "something else does in its place" in found


def test_object_lock_must_be_there_where_recordings_are_locked(deployment, bucket, aws):
    subject = "lock of recordings"
    (found,) = deployment.found(subject, **bucket, ARCHIVE_LOCK_DAYS="1")
    assert "was not made with Object Lock" in found
    locking = new_bucket(s3_client(aws), ObjectLockEnabledForBucket=True)
    changes = {**bucket, "ARCHIVE_URL": f"s3://{locking}/x", "ARCHIVE_LOCK_DAYS": "1"}
    assert deployment.found(subject, **changes) == []


def test_a_full_disk_says_so_and_where(deployment, monkeypatch, tmp_path):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("addon.durable_files.os.write", full)
    (found,) = deployment.found("store")
    assert "No space left on device" in found
    assert "Free space there (ENOSPC)" in found
    assert f"ARCHIVE_URL is file://{tmp_path}" in deployment.check().output


def test_an_archive_that_is_not_mounted_is_named(deployment, tmp_path):
    archive = tmp_path / "var/archive"
    assert deployment.found("store") == []
    DirectoryStore(archive).put("recordings/a", [b"x"])
    archive.rename(tmp_path / "the-disk")
    archive.mkdir()
    (found,) = deployment.found("store")
    assert "its disk is not mounted. Mount the archive's disk at ARCHIVE_URL" in found


def test_root_leaves_nothing_in_another_user_s_archive(deployment, monkeypatch, tmp_path):
    archive = tmp_path / "var/archive"
    archive.mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(archive, 12345, -1)
    monkeypatch.setattr("addon.checks.store.os.geteuid", lambda: 0)
    (found,) = deployment.found("store")
    assert found.startswith("warning: nothing was tried: this runs as root")
    assert list(archive.iterdir()) == []


def test_what_a_check_that_was_killed_left_behind_is_removed(deployment, tmp_path):
    store = DirectoryStore(tmp_path / "var/archive")
    left = store.put(f"{PROBES}check-left/0", [b"x"])
    recent = store.put(f"{PROBES}check-recent/0", [b"x"])
    old = left.modified.timestamp() - LEFT_AFTER.total_seconds() - 1
    os.utime(Path(tmp_path / "var/archive" / left.key), (old, old))
    assert deployment.found("store") == []
    assert [stat.key for stat in store.list(PROBES)] == [recent.key]
