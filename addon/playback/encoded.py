"""A sound in another format, for taking away: FLAC, MP3 or Opus, encoded while it is sent.

Its length is not known before its end, so it has no ranges; the transfer must break off, not end,
where the source fails. An hour of Opus takes most of a minute of a core (audio 6).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from addon.errors import NotPlayable
from addon.playback.decoding import Decoder
from addon.playback.segments import Decoded, Shape, pcm16
from addon.playback.sound import Sound

EncodedFormat = Literal["flac", "mp3", "opus"]


class Encoder(NamedTuple):
    """What libsndfile calls a format, the rates it takes in Hz, and its channels at most."""

    container: str
    subtype: str
    rates: tuple[int, ...]
    channels: int
    options: dict[str, Any]


ENCODERS: dict[EncodedFormat, Encoder] = {
    "flac": Encoder("FLAC", "PCM_16", (), 8, {}),
    "mp3": Encoder(
        "MP3",
        "MPEG_LAYER_III",
        (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
        2,
        {"bitrate_mode": "CONSTANT", "compression_level": 0.25},
    ),
    "opus": Encoder("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000), 2, {}),
}
"""Without rates any is taken. MP3 at a constant bit rate (which libsndfile keeps only where a level
is given too): a player takes its length from its size."""

_STREAMINFO_END = 42


def encoded(sound: Sound, wanted: EncodedFormat) -> Iterator[bytes]:
    """The whole of `sound` as a file of another format.

    Raises NotPlayable at once where it cannot be; and, on the way, what the archive raises.
    """
    encoder = ENCODERS[wanted]
    decoder = Decoder(sound)
    shape = Shape(decoder.rate, decoder.channels, decoder.frames)
    if not shape.frames:
        raise NotPlayable("the recording is empty: there is nothing to convert")
    if shape.channels > encoder.channels:
        raise NotPlayable(f"{wanted} takes no more than {encoder.channels} channels")
    return _encoding(sound, shape, encoder)


def _encoding(sound: Sound, shape: Shape, encoder: Encoder) -> Iterator[bytes]:
    import numpy as np
    import soundfile

    target = pcm16(_rate(shape.rate, encoder.rates), shape.channels)
    pcm = Decoded(lambda: sound, shape, target)
    out = Outlet()
    file = soundfile.SoundFile(
        out, "w", target.rate, target.channels, encoder.subtype,
        format=encoder.container, **encoder.options,
    )  # fmt: skip
    with file:
        for block in pcm.read(0, pcm.length):
            file.write(np.frombuffer(block, "<i2").reshape(-1, target.channels))
            yield _with_length(out.take(), pcm.length // target.frame)
    yield out.take()


def _with_length(data: bytes, frames: int) -> bytes:
    """A FLAC file's beginning with its sample count, which the encoder writes when it is too late.

    36 bits behind rate, channels and sample size of STREAMINFO (RFC 9639 8.2); 0 is unknown.
    """
    if data[:4] != b"fLaC" or len(data) < _STREAMINFO_END or frames >= 1 << 36:
        return data
    count = bytes([data[21] & 0xF0 | frames >> 32]) + (frames & 0xFFFFFFFF).to_bytes(4, "big")
    return data[:21] + count + data[26:]


def _rate(rate: int, allowed: tuple[int, ...]) -> int:
    """The lowest that loses nothing, else the highest there is."""
    if not allowed or rate in allowed:
        return rate
    return next((one for one in allowed if one > rate), allowed[-1])


class Outlet(io.RawIOBase):
    """A file that is sent while it is written: what has left cannot be changed any more.

    Encoders go back to their first bytes at the end, to write down a length or a checksum. That
    is lost here, and all three formats can be read without it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pending = bytearray()
        self._sent = 0
        self._position = 0

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        end = self._sent + len(self._pending)
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: end}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def write(self, data: Any) -> int:
        """Write over or behind what is there; what was sent before stays as it was."""
        view = memoryview(data).cast("B")
        lost = max(min(self._sent - self._position, len(view)), 0)
        at = self._position + lost - self._sent
        self._pending[at : at + len(view) - lost] = view[lost:]
        self._position += len(view)
        return len(view)

    def take(self) -> bytes:
        """What was written and has not been taken."""
        taken = bytes(self._pending)
        self._sent += len(taken)
        self._pending.clear()
        return taken
