from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest

from addon.archive.digest import Digest
from addon.archive.s3 import S3Store
from addon.archive.upload import PART_SIZE, PARTS_IN_FLIGHT
from addon.errors import AlreadyStored, StoreUnavailable
from tests.archive.buckets import s3_client
from tests.archive.recordings import noise
from tests.archive.troubled import Trouble, TroubledWay

LARGE = 2 * PART_SIZE + 100


def leftovers(aws: str, bucket_name: str) -> list[Any]:
    """Uploads that were begun and neither completed nor aborted."""
    found: list[Any] = s3_client(aws).list_multipart_uploads(Bucket=bucket_name).get("Uploads", [])
    return found


@pytest.mark.parametrize("trouble", ["error", "stall", "reset"])
def test_an_upload_that_keeps_failing_leaves_no_part(
    way: TroubledWay, troubled: S3Store, aws: str, bucket_name: str, trouble: Trouble
) -> None:
    way.always(trouble, "PUT", "partNumber=2")
    with pytest.raises(StoreUnavailable):
        troubled.put("a", [noise(LARGE)])
    assert troubled.stat("a") is None
    assert leftovers(aws, bucket_name) == []


def test_a_source_that_fails_mid_part_leaves_no_part(
    troubled: S3Store, aws: str, bucket_name: str
) -> None:
    def blocks() -> Iterator[bytes]:
        yield bytes(2 * PART_SIZE + 10)
        assert len(leftovers(aws, bucket_name)) == 1
        raise ValueError("no such codec")

    with pytest.raises(ValueError, match="no such codec"):
        troubled.put("a", blocks())
    assert leftovers(aws, bucket_name) == []


def test_a_completed_upload_meets_an_object_that_came_before_it(troubled: S3Store) -> None:
    def blocks() -> Iterator[bytes]:
        yield bytes(LARGE)
        troubled.put("a", [b"came before"])

    with pytest.raises(AlreadyStored):
        troubled.put("a", blocks())
    assert troubled.get("a") == b"came before"


def test_few_parts_are_in_memory_at_once(troubled: S3Store, way: TroubledWay) -> None:
    """The source is pulled no further than what is being sent."""
    pulled, ahead = 0, []

    def blocks() -> Iterator[bytes]:
        nonlocal pulled
        for _ in range(PARTS_IN_FLIGHT + 2):
            ahead.append(pulled - way.count("PUT"))
            pulled += 1
            yield bytes(PART_SIZE)

    troubled.put("a", blocks())
    assert max(ahead) <= PARTS_IN_FLIGHT + 1


def test_uploads_carry_a_checksum_and_a_storage_class(aws: str, bucket_name: str) -> None:
    client = s3_client(aws)
    store = S3Store(bucket_name, client=client, storage_class="STANDARD_IA")
    folder = "recordings/t/r"
    for key, size in ((f"{folder}/analysis.esdk", 10), (f"{folder}/audio.esdk", LARGE)):
        store.put(key, [bytes(size)])
        head = client.head_object(Bucket=bucket_name, Key=key, ChecksumMode="ENABLED")
        assert head["StorageClass"] == "STANDARD_IA"
        assert head["ChecksumCRC32"]


def test_parts_that_are_sent_again_hold_the_same_bytes(way: TroubledWay, troubled: S3Store) -> None:
    """Memory is written over only once its part was taken and hashed."""
    content, digest, failed = noise(4 * PART_SIZE + 100), Digest(), set[str]()

    def each_part_fails_once(method: str, path: str) -> Trouble | None:
        part = path.partition("partNumber=")[2]
        if method != "PUT" or not part or part in failed:
            return None
        failed.add(part)
        return "reset"

    way.plan = each_part_fails_once
    blocks = (content[at : at + 65536] for at in range(0, len(content), 65536))
    troubled.put("a", blocks, digest=digest)
    assert len(failed) == 5
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert digest.size == len(content)
    assert b"".join(troubled.read("a")) == content


@pytest.mark.parametrize("size", [0, 10, LARGE])
def test_every_body_is_sent_with_its_own_checksum(aws: str, bucket_name: str, size: int) -> None:
    """The bucket compares it with what it got."""
    bodies: list[bytes] = []

    def check(request: Any, **_: Any) -> None:
        if request.method == "PUT":
            body = bytes(request.body or b"")
            wanted = base64.b64encode(crc32(body).to_bytes(4, "big"))
            assert request.headers["x-amz-checksum-crc32"] in (wanted, wanted.decode())
            bodies.append(body)

    client = s3_client(aws)
    client.meta.events.register("before-send.s3", check)
    digest, content = Digest(), noise(size)
    S3Store(bucket_name, client=client).put("a", [content], digest=digest)
    assert sum(map(len, bodies)) == size
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
