from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from addon.archive.s3 import S3Store
from addon.archive.store import WEB_PATIENCE, Patience, open_store
from addon.archive.upload import PART_SIZE, PARTS_IN_FLIGHT
from addon.errors import AlreadyStored, NotStored, RetentionLocked, StoreUnavailable
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.recordings import noise
from tests.archive.troubled import Trouble, TroubledWay, troubled_way

LARGE = 2 * PART_SIZE + 100


@pytest.fixture
def way(aws: str) -> Iterator[TroubledWay]:
    with troubled_way(aws) as way:
        yield way


@pytest.fixture
def name(aws: str) -> str:
    return new_bucket(s3_client(aws))


@pytest.fixture
def store(request: pytest.FixtureRequest, way: TroubledWay, name: str) -> S3Store:
    """Two tries; a short wait only where nothing will ever come, for machines can be slow."""
    spec = getattr(request.node, "callspec", None)
    stalls = spec is not None and spec.params.get("trouble") == "stall"
    client = s3_client(way.endpoint, attempts=2, read_s=2.0 if stalls else 60.0)
    return S3Store(name, client=client, patience=Patience(attempts=2))


def leftovers(aws: str, name: str) -> list[Any]:
    """Uploads that were begun and neither completed nor aborted."""
    found: list[Any] = s3_client(aws).list_multipart_uploads(Bucket=name).get("Uploads", [])
    return found


@pytest.mark.parametrize("trouble", ["error", "stall", "reset", "lost"])
@pytest.mark.parametrize("size", [100, LARGE])
def test_one_failed_upload_request_is_made_again(
    way: TroubledWay, store: S3Store, trouble: Trouble, size: int
) -> None:
    way.once(trouble, "PUT")
    content = noise(size)
    assert store.put("a", [content]).size == size
    assert b"".join(store.read("a")) == content
    assert way.count("PUT") == {100: 2, LARGE: 4}[size]


@pytest.mark.parametrize("trouble", ["error", "stall", "reset"])
def test_an_upload_that_keeps_failing_leaves_no_part(
    way: TroubledWay, store: S3Store, aws: str, name: str, trouble: Trouble
) -> None:
    way.always(trouble, "PUT", "partNumber=2")
    with pytest.raises(StoreUnavailable):
        store.put("a", [noise(LARGE)])
    assert store.stat("a") is None
    assert leftovers(aws, name) == []


def test_a_source_that_fails_mid_part_leaves_no_part(store: S3Store, aws: str, name: str) -> None:
    def blocks() -> Iterator[bytes]:
        yield bytes(2 * PART_SIZE + 10)
        assert len(leftovers(aws, name)) == 1
        raise ValueError("no such codec")

    with pytest.raises(ValueError, match="no such codec"):
        store.put("a", blocks())
    assert leftovers(aws, name) == []


def test_a_lost_answer_does_not_make_our_own_object_somebody_elses(
    way: TroubledWay, store: S3Store
) -> None:
    way.once("lost", "PUT")
    assert store.put("a", [b"ours"]).size == 4
    assert way.count("PUT") == 2
    with pytest.raises(AlreadyStored):
        store.put("a", [b"ours"])


def test_a_completed_upload_meets_an_object_that_came_before_it(store: S3Store) -> None:
    def blocks() -> Iterator[bytes]:
        yield bytes(LARGE)
        store.put("a", [b"came before"])

    with pytest.raises(AlreadyStored):
        store.put("a", blocks())
    assert store.get("a") == b"came before"


@pytest.mark.parametrize("trouble", ["error", "stall", "reset", "cut"])
def test_a_broken_answer_is_read_on_from_where_it_broke(
    way: TroubledWay, store: S3Store, trouble: Trouble
) -> None:
    content = noise(3_000_000)
    store.put("a", [content])
    way.once(trouble, "GET")
    assert b"".join(store.read("a", 1000, 2_500_000)) == content[1000:2_501_000]
    assert way.count("GET") == 2


def test_an_answer_that_always_breaks_is_unavailable(way: TroubledWay, store: S3Store) -> None:
    store.put("a", [noise(3_000_000)])
    way.always("cut", "GET")
    with pytest.raises(StoreUnavailable, match="broke off"):
        b"".join(store.read("a"))


@pytest.mark.parametrize("trouble", ["error", "stall", "reset"])
def test_every_call_says_that_the_bucket_is_unavailable(
    way: TroubledWay, name: str, trouble: Trouble
) -> None:
    store = S3Store(
        name,
        client=s3_client(way.endpoint, attempts=1, read_s=0.3),
        patience=Patience(attempts=1),
    )
    way.plan = lambda _method, _path: trouble
    calls: list[Any] = [
        lambda: store.stat("a"),
        lambda: store.get("a"),
        lambda: store.put("a", [b"x"]),
        lambda: store.delete("a"),
        lambda: list(store.list("a/")),
        lambda: store.retain("a", datetime.now(UTC)),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable):
            call()


def test_a_bucket_that_is_not_there_is_unavailable(aws: str) -> None:
    with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
        S3Store("no-such-bucket", client=s3_client(aws)).put("a", [b"x"])


def test_the_web_learns_of_an_unreachable_bucket_within_a_second(
    monkeypatch: pytest.MonkeyPatch, aws: str
) -> None:
    """A full queue of connections makes the kernel drop whoever comes: nothing ever answers."""
    assert WEB_PATIENCE.connect_s * WEB_PATIENCE.attempts < 1
    with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf, ExitStack() as waiting:
        for _ in range(4):
            caller = waiting.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        store = open_store("s3://bucket/prefix", patience=WEB_PATIENCE)
        with pytest.raises(StoreUnavailable, match="ConnectTimeout"):
            store.put("intake/x", [b"x"])


def test_no_credentials_are_unavailable(monkeypatch: pytest.MonkeyPatch, aws: str) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws)
    with pytest.raises(StoreUnavailable, match="NoCredentials"):
        open_store("s3://bucket").stat("a")


def test_few_parts_are_in_memory_at_once(store: S3Store, way: TroubledWay) -> None:
    """The source is pulled no further than what is being sent."""
    pulled, ahead = 0, []

    def blocks() -> Iterator[bytes]:
        nonlocal pulled
        for _ in range(PARTS_IN_FLIGHT + 2):
            ahead.append(pulled - way.count("PUT"))
            pulled += 1
            yield bytes(PART_SIZE)

    store.put("a", blocks())
    assert max(ahead) <= PARTS_IN_FLIGHT + 1


def test_uploads_carry_a_checksum_and_a_storage_class(aws: str, name: str) -> None:
    client = s3_client(aws)
    store = S3Store(name, client=client, storage_class="STANDARD_IA")
    for key, size in (("small", 10), ("large", LARGE)):
        store.put(key, [bytes(size)])
        head = client.head_object(Bucket=name, Key=key, ChecksumMode="ENABLED")
        assert head["StorageClass"] == "STANDARD_IA"
    assert client.head_object(Bucket=name, Key="small", ChecksumMode="ENABLED")["ChecksumCRC32"]


def test_objects_lie_under_the_prefix(aws: str, name: str) -> None:
    client = s3_client(aws)
    S3Store(name, "deep/prefix", client=client).put("a/b", [b"x"])
    client.put_object(Bucket=name, Key="deep/prefixed", Body=b"not ours")
    stats = list(S3Store(name, "deep/prefix", client=client).list())
    assert [stat.key for stat in stats] == ["a/b"]
    assert client.get_object(Bucket=name, Key="deep/prefix/a/b")["Body"].read() == b"x"


@pytest.fixture
def locked(aws: str) -> tuple[S3Store, Any, str]:
    client = s3_client(aws)
    name = new_bucket(client, ObjectLockEnabledForBucket=True)
    return S3Store(name, client=client), client, name


def test_a_lock_of_the_bucket_is_honoured(locked: tuple[S3Store, Any, str]) -> None:
    store, _, _ = locked
    store.put("a", [b"x"])
    store.retain("a", datetime.now(UTC) + timedelta(days=3))
    with pytest.raises(RetentionLocked, match=r"until \d{4}-\d\d-\d\d"):
        store.delete("a")
    assert store.get("a") == b"x"


def test_deleting_removes_every_version(locked: tuple[S3Store, Any, str]) -> None:
    store, client, name = locked
    for content in (b"1", b"2", b"3"):
        store.put("a", [content], if_absent=False)
    client.delete_object(Bucket=name, Key="a")  # a marker, as some other tool would leave
    store.put("ab", [b"another object whose key begins the same"])
    store.delete("a")
    versions = client.list_object_versions(Bucket=name)
    assert [version["Key"] for version in versions["Versions"]] == ["ab"]
    assert "DeleteMarkers" not in versions
    with pytest.raises(NotStored):
        store.get("a")


def test_the_region_and_endpoint_are_boto3s_own_settings(
    aws: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws)
    open_store(f"s3://{name}/p").put("a", [b"x"])
    found = boto3.client("s3", endpoint_url=aws).get_object(Bucket=name, Key="p/a")
    assert found["Body"].read() == b"x"
