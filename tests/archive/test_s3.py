from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from addon.archive.opening import open_store
from addon.archive.s3 import S3Store
from addon.archive.store import WEB_PATIENCE, Patience
from addon.archive.upload import PART_SIZE
from addon.errors import AlreadyStored, NotStored, RetentionLocked, StoreUnavailable
from tests.archive.buckets import new_bucket, s3_client
from tests.archive.recordings import noise
from tests.archive.troubled import Trouble, TroubledWay

LARGE = 2 * PART_SIZE + 100


@pytest.mark.parametrize("trouble", ["error", "stall", "reset", "lost"])
@pytest.mark.parametrize("size", [100, LARGE])
def test_one_failed_upload_request_is_made_again(
    way: TroubledWay, troubled: S3Store, trouble: Trouble, size: int
) -> None:
    way.once(trouble, "PUT")
    content = noise(size)
    assert troubled.put("a", [content]).size == size
    assert b"".join(troubled.read("a")) == content
    assert way.count("PUT") == {100: 2, LARGE: 4}[size]


def test_a_lost_answer_does_not_make_our_own_object_somebody_elses(
    way: TroubledWay, troubled: S3Store
) -> None:
    way.once("lost", "PUT")
    assert troubled.put("a", [b"ours"]).size == 4
    assert way.count("PUT") == 2
    with pytest.raises(AlreadyStored):
        troubled.put("a", [b"ours"])


def test_half_of_an_upload_whose_answer_was_lost_is_not_taken_for_ours(
    way: TroubledWay, troubled: S3Store
) -> None:
    def halved(method: str, headers: dict[str, str], body: bytes) -> bytes:
        if method == "PUT":
            headers.pop("x-amz-checksum-crc32", None)
            body = body[: len(body) // 2]
            headers["Content-Length"] = str(len(body))
        return body

    way.forwards = halved
    way.once("lost", "PUT")
    with pytest.raises(StoreUnavailable, match="lost what it had just taken"):
        troubled.put("a", [b"ours"])
    assert way.count("PUT") == 2


@pytest.mark.parametrize("trouble", ["error", "stall", "reset", "cut"])
def test_a_broken_answer_is_read_on_from_where_it_broke(
    way: TroubledWay, troubled: S3Store, trouble: Trouble
) -> None:
    content = noise(3_000_000)
    troubled.put("a", [content])
    way.once(trouble, "GET")
    assert b"".join(troubled.read("a", 1000, 2_500_000)) == content[1000:2_501_000]
    assert way.count("GET") == 2


def test_an_answer_that_always_breaks_is_unavailable(way: TroubledWay, troubled: S3Store) -> None:
    troubled.put("a", [noise(3_000_000)])
    way.always("cut", "GET")
    with pytest.raises(StoreUnavailable, match="broke off"):
        b"".join(troubled.read("a"))


@pytest.mark.parametrize("trouble", ["error", "stall", "reset"])
def test_every_call_says_that_the_bucket_is_unavailable(
    way: TroubledWay, bucket_name: str, trouble: Trouble
) -> None:
    store = S3Store(
        bucket_name,
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


def test_objects_lie_under_the_prefix(aws: str, bucket_name: str) -> None:
    client = s3_client(aws)
    S3Store(bucket_name, "deep/prefix", client=client).put("a/b", [b"x"])
    client.put_object(Bucket=bucket_name, Key="deep/prefixed", Body=b"not ours")
    stats = list(S3Store(bucket_name, "deep/prefix", client=client).list())
    assert [stat.key for stat in stats] == ["a/b"]
    assert client.get_object(Bucket=bucket_name, Key="deep/prefix/a/b")["Body"].read() == b"x"


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
    aws: str, bucket_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", aws)
    open_store(f"s3://{bucket_name}/p").put("a", [b"x"])
    found = boto3.client("s3", endpoint_url=aws).get_object(Bucket=bucket_name, Key="p/a")
    assert found["Body"].read() == b"x"
