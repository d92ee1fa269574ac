"""A WSGI application that reads its body as the path says and tells how many bytes came."""

from collections.abc import Callable, Iterable
from typing import Any

from addon.errors import UploadBroken
from addon.web import deadline_worker
from addon.web.upload_deadline import Allowance, UploadDeadline

READERS: dict[str, Callable[[Any], int]] = {
    "/all": lambda body: len(body.read()),
    "/blocks": lambda body: sum(map(len, iter(lambda: body.read(65536), b""))),
    "/lines": lambda body: sum(map(len, body.readlines())),
    "/exactly-five": lambda body: len(body.read(5)),
    "/nothing": lambda body: 0,
}


def read_it(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    try:
        status, text = "200 OK", str(READERS[environ["PATH_INFO"]](environ["wsgi.input"]))
    except UploadBroken as error:
        status, text = "503 Service Unavailable", error.message
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


class Worker(deadline_worker.DeadlineWorker):
    """With less patience, for tests."""


deadline_worker.HEADERS_S = 0.8

app = UploadDeadline(
    read_it,
    Allowance(base_seconds=2.5, bytes_per_second=200_000, longest_seconds=9.0),
)
