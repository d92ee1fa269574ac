"""Parses a request's body as it arrives: text into fields, audio straight into a sink.

It takes multipart, urlencoded and JSON (spec/protocol 1.2). The audio of a large body is never held
whole in memory, and no body ends in another error than Rejected or Unavailable.

A small multipart body is read at once, and cut at its boundaries in one pass where it is written
as most clients do. Any other, of whatever length, goes through the library's decoder: the pass
declines what it does not read in exactly the same way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    BLANK_LINE_RE,
    Data,
    Epilogue,
    Field,
    File,
    MultipartDecoder,
    NeedData,
    State,
)
from werkzeug.wsgi import get_content_length, get_input_stream

from addon.errors import Rejected, Unavailable, UploadTooLarge
from addon.twilio.form_parts import MAX_TEXT_BYTES, AudioPart, Part, Parts, Sink
from addon.twilio.usual_form import MAX_FIELDS, MAX_PART_HEAD_BYTES, usual_parts

BLOCK_BYTES = 64 * 1024
"""One read from the client; a block's worth of audio and a part's headers are all that is held."""

MAX_AUDIO_BYTES = 512 * 1024 * 1024
"""Nine hours of two-channel telephone audio; nobody documents a limit (spec/protocol 1.4)."""

MAX_PART_HEAD_LINES = 20
"""Of one part's headers: Twilio's have two lines. Each line costs the library as much as its header
would bring, and there may be MAX_FIELDS parts."""

MAX_BOUNDARY_BYTES = 70
"""RFC 2046 5.1.1."""

SMALL_BODY_BYTES = 1024 * 1024
"""A body that is read at once: a minute of telephone audio."""


@dataclass(frozen=True)
class Body:
    """A parsed body. `form` holds the text fields that a signature may cover, unstripped.

    `fields` are the same, or a JSON object's members with nested values kept; `form` is None for
    JSON, which is signed by `sha256`. `digest` gives that when it is asked for: nothing else needs
    it, and hashing costs as much as parsing.
    """

    fields: MultiDict[str, Any]
    digest: Callable[[], str]
    form: MultiDict[str, str] | None = None
    audio: AudioPart | None = None

    @property
    def sha256(self) -> str:
        """The hex digest of the raw bytes, of whatever kind."""
        return self.digest()


def parse(
    environ: Mapping[str, Any],
    open_sink: Callable[[], Sink],
    *,
    max_audio_bytes: int = MAX_AUDIO_BYTES,
) -> Body:
    """Read a WSGI request's body to its end.

    Raises Rejected where the body is malformed or of another kind, UploadTooLarge, InputConflict
    for two audio parts, and Unavailable where the client broke off. Errors of the sink pass.
    """
    stream = _Hashed(environ, max_audio_bytes + MAX_TEXT_BYTES)
    kind, options = parse_options_header(environ.get("CONTENT_TYPE"))
    kind = kind.lower()  # RFC 9110 8.3.1
    try:
        if kind == "multipart/form-data":
            return _multipart(stream, options.get("boundary", ""), open_sink, max_audio_bytes)
        if kind == "application/x-www-form-urlencoded":
            return _urlencoded(stream)
        if kind == "application/json" or kind.endswith("+json"):
            return _json(stream)
        return _nothing(stream)
    except Rejected:
        # Whoever closes with bytes unread resets the connection, and the answer is lost.
        stream.discard()
        raise


class _Hashed:
    """The request's bytes in blocks, counted and hashed as they pass."""

    def __init__(self, environ: Mapping[str, Any], limit: int) -> None:
        self._stream = get_input_stream(dict(environ))
        self._expected = get_content_length(dict(environ))
        self._hash = sha256()
        self._limit = self._left = limit
        self._taken = 0

    @property
    def is_small(self) -> bool:
        """True where its announced length is within the limit and SMALL_BODY_BYTES."""
        return self._expected is not None and self._expected <= min(self._limit, SMALL_BODY_BYTES)

    def digest(self) -> str:
        """The SHA-256 of what has passed, in hex."""
        return self._hash.hexdigest()

    def blocks(self) -> Iterator[bytes]:
        """The body, hashed on its way. Raises UploadTooLarge, and Unavailable for a cut one."""
        while block := self._read():
            self._left -= len(block)
            if self._left < 0:
                raise UploadTooLarge("the request is larger than we accept")
            self._hash.update(block)
            yield block
        self._check_end()

    def all_unhashed(self) -> bytes:
        """The whole of a small body. Raises Unavailable for a cut one."""
        first = self._read(SMALL_BODY_BYTES)
        rest = b"".join(iter(self._read, b"")) if self._taken < (self._expected or 0) else b""
        self._check_end()
        return first + rest if rest else first

    def whole(self) -> bytes:
        """Everything at once, for the kinds that carry no audio."""
        self._left = min(self._left, MAX_TEXT_BYTES)
        return b"".join(self.blocks())

    def discard(self) -> None:
        """Read on to the end, or up to the limit, and keep nothing."""
        end = self._taken + self._limit
        with suppress(Unavailable):
            while self._taken < end and self._read():
                pass

    def _read(self, size: int = BLOCK_BYTES) -> bytes:
        try:
            block = self._stream.read(size)
        except (ClientDisconnected, OSError) as error:
            raise Unavailable("the client broke off before its body ended") from error
        self._taken += len(block)
        return block

    def _check_end(self) -> None:
        # A server that ends the stream itself says nothing of a client that went away.
        if self._expected is not None and self._taken < self._expected:
            raise Unavailable("the client broke off before its body ended")


def _nothing(stream: _Hashed) -> Body:
    if stream.whole():
        raise Rejected("a body must be a multipart or urlencoded form, or JSON")
    return Body(MultiDict(), stream.digest, MultiDict())


def _urlencoded(stream: _Hashed) -> Body:
    text = stream.whole().decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Rejected("the form has too many fields") from None
    fields = MultiDict(pairs)
    return Body(fields, stream.digest, fields)


def _json(stream: _Hashed) -> Body:
    try:
        document = json.loads(stream.whole(), parse_constant=_no_constant)
        # Half a surrogate pair is no text: it could be neither logged nor stored.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Rejected("the body is no JSON document") from None
    if not isinstance(document, dict):
        raise Rejected("the JSON document must be an object")
    return Body(MultiDict(document.items()), stream.digest)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _multipart(
    stream: _Hashed, boundary: str, open_sink: Callable[[], Sink], max_audio_bytes: int
) -> Body:
    if not 0 < len(boundary) <= MAX_BOUNDARY_BYTES or not boundary.isascii():
        raise Rejected("the multipart boundary is missing or too long")
    parts = Parts(open_sink, max_audio_bytes)
    if not stream.is_small:
        _decode(stream.blocks(), boundary.encode(), parts)
        return Body(parts.fields, stream.digest, parts.fields, parts.audio())
    content = stream.all_unhashed()
    usual = usual_parts(content, b"--" + boundary.encode())
    if usual is None:
        blocks = range(0, len(content), BLOCK_BYTES)
        _decode((content[at : at + BLOCK_BYTES] for at in blocks), boundary.encode(), parts)
    else:
        for part, data in usual:
            parts.begin(part)
            parts.take(data, last=True)
    return Body(parts.fields, lambda: sha256(content).hexdigest(), parts.fields, parts.audio())


def _decode(blocks: Iterable[bytes], boundary: bytes, parts: Parts) -> None:
    decoder = MultipartDecoder(boundary, 4 * BLOCK_BYTES, max_parts=MAX_FIELDS)
    try:
        for block in blocks:
            decoder.receive_data(block)
            _drain(decoder, parts)
        decoder.receive_data(None)
        _drain(decoder, parts)
    except RequestEntityTooLarge:
        raise Rejected("the form's parts are too many or too large") from None


def _drain(decoder: MultipartDecoder, parts: Parts) -> None:
    while True:
        _check_part_head(decoder)
        try:
            event = decoder.next_event()
        except (ValueError, AttributeError):
            raise Rejected("the multipart body is malformed") from None
        if isinstance(event, (NeedData, Epilogue)):
            return
        if isinstance(event, (Field, File)):
            filename = event.filename if isinstance(event, File) else None
            parts.begin(Part(event.name, filename, event.headers.get("Content-Type")))
        elif isinstance(event, Data):
            parts.take(event.data, last=not event.more_data)


def _check_part_head(decoder: MultipartDecoder) -> None:
    """Raises Rejected where the next part's headers are longer than any real ones."""
    if decoder.state is not State.PART:
        return
    end = BLANK_LINE_RE.search(decoder.buffer, 0, MAX_PART_HEAD_BYTES)
    length = end.start() if end else len(decoder.buffer)
    if length >= MAX_PART_HEAD_BYTES:
        raise Rejected("the headers of a part are too long")
    if decoder.buffer.count(b"\n", 0, length) >= MAX_PART_HEAD_LINES:
        raise Rejected("a part has too many headers")
