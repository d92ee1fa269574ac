"""Something else answers in the bucket's place: it is never taken for S3."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from addon.archive.s3 import S3Store
from addon.archive.store import Patience
from addon.archive.upload import PART_SIZE
from addon.errors import AddonError, StoreUnavailable
from tests.archive.buckets import s3_client
from tests.archive.troubled import TroubledWay

DATE = "Wed, 25 Nov 2026 10:00:00 GMT"
PAGE = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
LISTING = (
    b"<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>"
    b"<Contents><Key>a</Key><Size>%s</Size><ETag>x</ETag></Contents></ListBucketResult>"
)


@dataclass
class Answer:
    """One answer, given to every request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


LIKE_A_FILE = {"ETag": '"5f-1"', "Last-Modified": DATE, "Accept-Ranges": "bytes"}
STRANGERS = {
    "a login page": Answer(200, {"Content-Type": "text/html; charset=utf-8"}, PAGE),
    "a static page": Answer(200, {"Content-Type": "text/html", **LIKE_A_FILE}, PAGE),
    "an XHTML page": Answer(200, {"Content-Type": "application/xhtml+xml"}, b"<html></html>"),
    "XML of another kind": Answer(200, {"Content-Type": "application/xml"}, b"<rss></rss>"),
    "XML that breaks off": Answer(
        200, {"Content-Type": "application/xml"}, b"<ListBucketResult><Na"
    ),
    "nothing": Answer(),
    "JSON": Answer(200, {"Content-Type": "application/json"}, b'{"error": "sign in"}'),
    "binary noise": Answer(200, {"Content-Type": "application/octet-stream"}, bytes(range(256))),
    "a page that is not found": Answer(404, {"Content-Type": "text/html"}, PAGE),
    "a plain page that is not found": Answer(404, {"Content-Type": "text/plain"}, b"404 not found"),
    "a page that forbids": Answer(403, {"Content-Type": "text/html"}, PAGE),
    "a page that is unavailable": Answer(503, {"Content-Type": "text/html"}, PAGE),
    "a redirect to a login": Answer(302, {"Location": "/login", "Content-Type": "text/html"}, PAGE),
    "a precondition of a page": Answer(412, {"Content-Type": "text/html"}, PAGE),
    "a range of a page": Answer(416, {"Content-Type": "text/html"}, PAGE),
    "a bare 404": Answer(404),
    "a bare 412": Answer(412),
    "a bare 416": Answer(416),
    "no content": Answer(204, {"Content-Type": "text/html"}),
}

CALLS: dict[str, Callable[[S3Store], Any]] = {
    "stat": lambda store: store.stat("a"),
    "get": lambda store: store.get("a"),
    "read": lambda store: b"".join(store.read("a")),
    "read a range": lambda store: b"".join(store.read("a", 10, 20)),
    "put": lambda store: store.put("a", [b"x"]),
    "replace": lambda store: store.put("a", [PAGE], if_absent=False),
    "put in parts": lambda store: store.put("a", [bytes(PART_SIZE + 1)]),
    "list": lambda store: list(store.list("a/")),
    "delete": lambda store: store.delete("a"),
    "retain": lambda store: store.retain("a", datetime.now(UTC) + timedelta(days=1)),
    "can retain": lambda store: store.can_retain(),
}


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """An HTTP server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _meet(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _meet

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def store_at(endpoint: str) -> Iterator[S3Store]:
    client = s3_client(endpoint, attempts=1)
    try:
        yield S3Store("bucket", client=client, patience=Patience(attempts=1))
    finally:
        client.close()


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("stranger", STRANGERS)
def test_no_call_takes_a_stranger_for_the_bucket(stranger: str) -> None:
    with answering(STRANGERS[stranger]) as endpoint, store_at(endpoint) as store:
        for name, call in CALLS.items():
            try:
                result = call(store)
            except StoreUnavailable:
                continue
            except AddonError as error:
                pytest.fail(f"{name}: {type(error).__name__}")
            if (stranger, name, result) == ("a bare 404", "stat", None):
                continue  # S3 itself says no more to HEAD
            pytest.fail(f"{name}: {result!r}")


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("size", [b"many", b""])
def test_a_listing_with_a_size_that_is_none_is_no_listing(size: bytes) -> None:
    answer = Answer(200, {"Content-Type": "application/xml"}, LISTING % size)
    with (
        answering(answer) as endpoint,
        store_at(endpoint) as store,
        pytest.raises(StoreUnavailable),
    ):
        list(store.list())


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("missing", ["ETag", "Last-Modified"])
def test_an_object_without_its_headers_is_no_object(missing: str) -> None:
    headers = {name: value for name, value in LIKE_A_FILE.items() if name != missing}
    with answering(Answer(200, headers, b"content")) as endpoint, store_at(endpoint) as store:
        with pytest.raises(StoreUnavailable):
            store.stat("a")
        with pytest.raises(StoreUnavailable):
            store.read("a", 1, 2).__next__()


@pytest.mark.usefixtures("aws")
def test_a_whole_object_for_a_range_is_refused_before_a_byte_is_taken() -> None:
    with (
        answering(Answer(200, LIKE_A_FILE, b"content")) as endpoint,
        store_at(endpoint) as store,
        pytest.raises(StoreUnavailable, match="other bytes"),
    ):
        next(store.read("a", 3, 2))


def test_an_upload_that_a_page_interrupts_leaves_the_old_object(
    way: TroubledWay, troubled: S3Store
) -> None:
    """The page confirms a part of a large object: nothing of it may pass for written."""
    troubled.put("a", [b"old"])
    way.always("page", "PUT")
    for content in (b"new", bytes(PART_SIZE + 1)):
        with pytest.raises(StoreUnavailable):
            troubled.put("a", [content], if_absent=False)
    way.plan = lambda _method, _path: None
    assert troubled.get("a") == b"old"
