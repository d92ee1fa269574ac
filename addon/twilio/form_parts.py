"""The parts of a multipart form: text into fields, and one of audio into a sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from werkzeug.datastructures import MultiDict
from werkzeug.http import parse_options_header

from addon.errors import InputConflict, Rejected, UploadTooLarge
from addon.twilio.names import AUDIO, meaning

MAX_TEXT_BYTES = 1024 * 1024
"""All text fields together, or a whole JSON document; real ones have a few hundred bytes."""

_TEXT_CHARSETS = frozenset({"ascii", "us-ascii", "utf-8", "iso-8859-1"})


class Sink(Protocol):
    """Destination of the audio; opened at the first byte, and never closed here."""

    def write(self, data: bytes, /) -> object:
        """Take one block."""


@dataclass(frozen=True)
class AudioPart:
    """The part that held the audio; `size` in bytes as written to `sink`, `sha256` in hex."""

    name: str
    filename: str | None
    content_type: str | None
    size: int
    sink: Sink
    sha256: str = ""


class Part(NamedTuple):
    """The headers of one part, those that mean anything."""

    name: str | None
    filename: str | None
    content_type: str | None


@dataclass
class Parts:
    """Collects a multipart body's parts; at most one of them is audio."""

    open_sink: Callable[[], Sink]
    max_audio_bytes: int
    fields: MultiDict[str, str] = field(default_factory=MultiDict)
    _part: Part | None = None
    _text: bytearray | None = None
    _text_bytes: int = 0
    _audio: Part | None = None
    _sink: Sink | None = None
    _audio_bytes: int = 0
    _audio_hash: Any = field(default_factory=sha256)

    def begin(self, part: Part) -> None:
        """Another part starts. Raises Rejected for one without a name."""
        if not isinstance(part.name, str):
            raise Rejected("a part of the form has no name")
        self._part = part
        is_text = part.filename is None and meaning(part.name) != AUDIO
        self._text = bytearray() if is_text else None

    def take(self, data: bytes, *, last: bool) -> None:
        """The next bytes of the part that was begun; `last` ends it."""
        part = self._part
        assert part is not None and part.name is not None  # noqa: S101  begun, so named
        if self._text is None:
            if data and _is_audio(part):
                self._write(part, data)
            return
        self._text_bytes += len(data)
        if self._text_bytes > MAX_TEXT_BYTES:
            raise Rejected("the form's text fields are too long")
        self._text += data
        if last:
            self.fields.add(part.name, _decoded(self._text, part.content_type))

    def audio(self) -> AudioPart | None:
        """The audio part, if any byte of one arrived."""
        part, sink = self._audio, self._sink
        if part is None or part.name is None or sink is None:
            return None
        digest = self._audio_hash.hexdigest()
        return AudioPart(
            part.name, part.filename, part.content_type, self._audio_bytes, sink, digest
        )

    def _write(self, part: Part, data: bytes) -> None:
        if self._sink is None:
            self._audio, self._sink = part, self.open_sink()
        if part is not self._audio:
            raise InputConflict("the form has more than one audio part")
        self._audio_bytes += len(data)
        if self._audio_bytes > self.max_audio_bytes:
            raise UploadTooLarge(f"the audio is larger than {self.max_audio_bytes} bytes")
        self._audio_hash.update(data)
        self._sink.write(data)


def _is_audio(part: Part) -> bool:
    """True for a part with the audio's name in any spelling, or of an audio type."""
    kind = part.content_type or ""
    return meaning(part.name or "") == AUDIO or kind.lower().startswith("audio/")


def _decoded(text: bytearray, content_type: str | None) -> str:
    charset = "utf-8"
    if content_type is not None:
        _, options = parse_options_header(content_type)
        charset = options.get("charset", charset).lower()
    return text.decode(charset if charset in _TEXT_CHARSETS else "utf-8", "replace")
