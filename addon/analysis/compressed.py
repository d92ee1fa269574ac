"""Kinds of audio that need a decoder and random access: MP3, FLAC, Ogg, GSM and ADPCM in WAV.

The bytes wait in the caller's spool, are decoded from it in blocks, and come out again unchanged;
where something has to be muted they are encoded once more, losslessly, as FLAC.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import numpy as np

from addon.analysis import muting
from addon.analysis.intake import Source
from addon.analysis.stages import Stages
from addon.analysis.timeline import Interval
from addon.audio.limits import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ
from addon.audio.sniffing import HEAD_BYTES, mpeg_start
from addon.errors import UnreadableAudio

_BLOCK_BYTES = 1 << 20
#: A block with damage in it is lost: about a second of telephone audio.
_BLOCK_FRAMES = 1 << 13
_CODECS = {
    "GSM610": "gsm",
    "IMA_ADPCM": "adpcm_ima",
    "MS_ADPCM": "adpcm_ms",
    "MPEG_LAYER_III": "mp3",
    "MPEG_LAYER_II": "mp2",
}
#: Sample kinds whose values FLAC keeps only with 24 bits.
_DEEP = frozenset({"PCM_24", "PCM_32", "FLOAT", "DOUBLE"})
_WHOLE_NUMBERS = frozenset({"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32"})

Spool = Callable[[], BinaryIO]


class SpooledIntake:
    """A recording that is decoded when it has arrived whole."""

    stages: Stages

    def __init__(self, kind: str, spool: Spool, prepare: Callable[[Stages], None]) -> None:
        self.source = Source(kind, kind, kind)
        self._prepare = prepare
        self._new_spool = spool
        self._spool = spool()

    def feed(self, block: bytes) -> bytes:
        """More of the file; nothing is final before the end."""
        self._spool.write(block)
        return b""

    def measure(self) -> None:
        """Decode and measure everything; UnreadableAudio where no decoder can."""
        for samples in self._decoded():
            self.stages.add(samples)
        if not self.stages.duration_ms:
            raise UnreadableAudio(f"The {self.source.format} file holds no audio")
        self.stages.finish()

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """The file as it came, or as FLAC with these intervals muted where there are any."""
        out = self._encoded(muted) if muted else self._spool
        out.seek(0)
        while block := out.read(_BLOCK_BYTES):
            yield block

    def _decoded(self) -> Iterator[Any]:
        """The samples in blocks of (channels, frames); damage ends them early, with a warning."""
        import soundfile

        try:
            sound = soundfile.SoundFile(self._encoded_audio())
        except (soundfile.SoundFileError, TypeError, ValueError) as reason:
            raise UnreadableAudio(
                f"No decoder here can read this {self.source.format} recording"
            ) from reason
        with sound:
            self._accept(sound)
            try:
                while len(block := sound.read(_BLOCK_FRAMES, "float32", always_2d=True)):
                    yield np.clip(np.ascontiguousarray(block.T), -1, 1)
            except soundfile.SoundFileError:
                self.source.flags.append("damaged")
                self.source.warnings.append("The recording is damaged: a part of it was decoded.")

    def _encoded_audio(self) -> BinaryIO:
        """The spool, from its first MPEG frame on where something else comes before that."""
        self._spool.seek(0)
        head = self._spool.read(HEAD_BYTES)
        bare = self.source.format == "mp3" and head[:3] != b"ID3"
        return cast(BinaryIO, _Sought(self._spool, (mpeg_start(head) or 0) if bare else 0))

    def _accept(self, sound: Any) -> None:
        if not 1 <= sound.channels <= MAX_CHANNELS:
            raise UnreadableAudio(f"The recording gives {sound.channels} channels")
        if not MIN_RATE_HZ <= sound.samplerate <= MAX_RATE_HZ:
            raise UnreadableAudio(f"The recording gives a rate of {sound.samplerate} Hz")
        self.source.codec = _CODECS.get(sound.subtype, sound.subtype.lower())
        self.stages = Stages(sound.samplerate, sound.channels)
        self._prepare(self.stages)

    def _encoded(self, muted: Sequence[Interval]) -> BinaryIO:
        """The recording as FLAC with the muted intervals silent, in a spool of its own."""
        import soundfile

        self.source.archived_format = "flac"
        out = self._new_spool()
        with soundfile.SoundFile(self._encoded_audio()) as sound:
            subtype = "PCM_24" if sound.subtype in _DEEP else "PCM_16"
            dtype = "int32" if sound.subtype in _WHOLE_NUMBERS else "float32"
            shape = (sound.samplerate, sound.channels)
            with soundfile.SoundFile(out, "w", *shape, subtype=subtype, format="FLAC") as flac:
                for block in _silenced(sound, dtype, muted):
                    flac.write(block)
        return out


class _Sought:
    """A file as libsndfile asks of one: without its first bytes, and calm about any seek."""

    def __init__(self, file: BinaryIO, skipped: int) -> None:
        self._file = file
        self._skipped = skipped
        file.seek(skipped)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Damaged files send their readers before the start: that is the start, not an error."""
        origin = (self._skipped, self._file.tell(), 0)[whence]
        if whence == io.SEEK_END:
            origin = self._file.seek(0, io.SEEK_END)
        self._file.seek(max(origin + offset, self._skipped))
        return self.tell()

    def tell(self) -> int:
        return self._file.tell() - self._skipped

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def _silenced(sound: Any, dtype: str, muted: Sequence[Interval]) -> Iterator[Any]:
    """The decoded blocks, (frames, channels), with the muted frames zero."""
    import soundfile

    spans = [muting.frames(interval, sound.samplerate) for interval in muted]
    at = 0
    while True:
        try:
            block = sound.read(_BLOCK_FRAMES, dtype, always_2d=True)
        except soundfile.SoundFileError:
            return
        if not len(block):
            return
        for first, last in spans:
            block[max(first - at, 0) : max(last - at, 0)] = 0
        at += len(block)
        yield block
