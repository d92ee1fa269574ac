"""A WSGI application that reads its body as the path says and tells how many bytes came."""

from collections.abc import Callable, Iterable
from itertools import count, repeat
from pathlib import Path
from typing import Any

from addon.errors import AddonError
from addon.web.connections.limits import Limits
from addon.web.connections.turns import GROUPED, Grouped
from addon.web.connections.worker import ConnectionWorker
from tests.web.connections.slow_clients import HEADERS_S, MOST

CALLS = count(1)
GATHER_S = [0.0]
"""How long a small group waits for others, which a test may change."""

READERS: dict[str, Callable[[Any], int]] = {
    "/all": lambda body: len(body.read()),
    "/blocks": lambda body: sum(map(len, iter(lambda: body.read(65536), b""))),
    "/lines": lambda body: sum(map(len, body.readlines())),
    "/exactly-five": lambda body: len(body.read(5)),
    "/nothing": lambda body: 0,
    "/hold": lambda body: next(CALLS),
    "/number": lambda body: next(CALLS),
    "/number-then-all": lambda body: (next(CALLS), body.read())[0],
}

BLOCK = bytes(64 * 1024)
BLOCKS = 1_000_000
"""Of an answer without end, in effect."""


def _reader(path: str) -> Callable[[Any], int]:
    return READERS.get(path, READERS["/nothing"])


def read_it(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/endless":
        start("200 OK", [("Content-Type", "text/plain")])
        return repeat(BLOCK, BLOCKS)
    if environ["PATH_INFO"] == "/hold":
        # A named pipe: until the test writes into it.
        Path(environ["QUERY_STRING"]).read_bytes()
    if environ["PATH_INFO"] == "/gather":
        GATHER_S[0] = float(environ["QUERY_STRING"])
    try:
        status, text = "200 OK", str(_reader(environ["PATH_INFO"])(environ["wsgi.input"]))
    except AddonError as error:
        status, text = "503 Service Unavailable", error.message
    start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


class Worker(ConnectionWorker):
    """With less patience, for tests."""

    def limits_of_process(self) -> Limits:
        return Limits(
            connections=MOST,
            per_address=MOST,
            head_s=HEADERS_S,
            body_s=2.5,
            body_rate=200_000,
            body_longest_s=9.0,
            sending_s=1.5,
            lingering_s=60.0,
            lingering_bytes=4 * 1024 * 1024,
        )


GROUPS = Grouped(frozenset({"/all", "/number-then-all"}), lambda: GATHER_S[0])
read_it.extensions = {GROUPED: GROUPS}  # type: ignore[attr-defined]
app = read_it
