"""A sound as an HTTP answer whose source does not keep its promise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from addon.archive.reader import ArchivedAudio
from addon.errors import Tampered
from addon.web.audio import answer, plain
from addon.web.connections.outgoing import TAKES_VIEWS


class ShortSound:
    """A source that ends, without an error, before the length it gave."""

    length, etag, format = 200_000, "short", "wav"

    def __init__(self, missing: int) -> None:
        self._missing = missing

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop - self._missing, 50_000):
            yield bytes(min(50_000, stop - self._missing - at))


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=10-149999"}, {"Range": "bytes=0-9,20-"}])
@pytest.mark.parametrize("missing", [1, 5])
def test_an_answer_whose_source_ends_early_breaks_off_instead_of_ending(app, headers, missing):
    with app.test_request_context("/media/x", headers=headers):
        response = answer(ShortSound(missing), heard=lambda ranges: None)
        with pytest.raises(Tampered, match="before its length"):
            for _ in response.response:
                pass


def test_a_source_that_keeps_its_promise_ends(app):
    with app.test_request_context("/media/x"):
        response = answer(ShortSound(0), heard=lambda ranges: None)
        assert sum(map(len, response.response)) == ShortSound.length


@pytest.mark.parametrize("takes_views", [True, False])
def test_a_block_is_kept_by_whoever_did_not_say_that_views_will_do(app, takes_views):
    class Archived(ArchivedAudio):
        """Audio whose views all lie in one memory."""

        def __init__(self) -> None:
            self.length, self.etag, self.format = 3, "one", "wav"

        def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
            return map(bytes, self.views(start, stop))

        def views(self, _start: int = 0, _stop: int | None = None) -> Iterator[memoryview]:
            memory = bytearray(1)
            for byte in b"abc":
                memory[0] = byte
                yield memoryview(memory)

    environ = {"REQUEST_METHOD": "GET"} | ({TAKES_VIEWS: True} if takes_views else {})
    blocks = list(plain(environ, Archived(), heard=lambda ranges: None).body)
    assert b"".join(blocks) == (b"ccc" if takes_views else b"abc")
