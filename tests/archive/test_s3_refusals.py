"""A bucket that is busy for a moment is asked again within the second; a slow one is not."""

from __future__ import annotations

import pytest

from addon.archive import s3_refusals
from addon.archive.s3 import S3Store
from addon.archive.store import WEB_PATIENCE
from addon.errors import StoreUnavailable
from tests.archive.conftest import aws, bucket_name, way
from tests.archive.troubled import TroubledWay

__all__ = ["aws", "bucket_name", "way"]


@pytest.fixture
def store(way: TroubledWay, bucket_name: str, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """With the web's patience, but for a connection that a busy machine makes late."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", way.endpoint)
    return S3Store(bucket_name, patience=WEB_PATIENCE)


class Clock:
    """Stands still: a busy machine must not make the second pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("PUT", lambda store: store.put("b", [b"new"])),
        ("GET", lambda store: store.get("a") == b"old"),
        ("GET", lambda store: [stat.key for stat in store.list()] == ["a"]),
        ("HEAD", lambda store: store.stat("a")),
        ("DELETE", lambda store: store.delete("a")),
    ],
)
def test_one_refusal_is_asked_again(store, way, monkeypatch, method, call):
    store.put("a", [b"old"])
    monkeypatch.setattr(s3_refusals, "time", Clock())
    way.once("error", method)
    assert call(store) is not False


def test_a_bucket_that_goes_on_refusing_is_given_up(store, way, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(s3_refusals, "time", clock)

    def refuses(method: str, path: str):
        clock.now += 0.3
        return "error"

    way.plan = refuses
    with pytest.raises(StoreUnavailable):
        store.stat("a")
    assert way.count("HEAD") == 3


def test_an_answer_that_never_comes_is_not_asked_for_again(store, way):
    store.put("a", [b"old"])
    way.always("reset", "PUT")
    with pytest.raises(StoreUnavailable):
        store.put("b", [b"new"])
    assert way.count("PUT", "/b") == 1
