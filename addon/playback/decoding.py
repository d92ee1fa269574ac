"""Compressed recordings as 16-bit samples, decoded forward over verified bytes.

The decoder reads through a file of ours; what the archive refuses to give is raised here and never
taken for the end of the recording. Nothing decoded touches a disk.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from addon.errors import AddonError, NotPlayable
from addon.playback.wave import HEAD, Wave, parse_wave

if TYPE_CHECKING:
    from addon.playback.sound import Sound

Samples = NDArray[np.int16]
"""(frames, channels)."""

BLOCK_FRAMES = 1 << 15
"""Four seconds of telephone audio, 128 KiB in stereo: what is decoded at once."""

MAX_SECONDS = 48 * 3600
"""A decoder that announces more has read no length at all (a streamed header)."""

READ_AHEAD = 64 * 1024
"""One frame of the archive: decoders ask for some dozen bytes at a time."""

EXACT_SEEK = frozenset(
    {"PCM_16", "PCM_24", "PCM_32", "PCM_U8", "PCM_S8", "FLOAT", "DOUBLE", "ULAW", "ALAW"}
    | {"IMA_ADPCM", "MS_ADPCM"}
)
"""Kinds (FLAC's are the first three) of which any sample is the same bit for bit when it is read
without those before it. GSM cannot be sought at all, MP3 differs in the last bit (decision 0502).
"""

FLOATS = frozenset({"FLOAT", "DOUBLE"})
"""Kinds of full scale 1.0, which libsndfile would cut to whole numbers: 0 nearly everywhere."""


class Measured:
    """A streamed WAV file with its length filled in: libsndfile takes the 0 there at its word."""

    def __init__(self, sound: Sound, wave: Wave) -> None:
        self.length, self.etag, self.format = sound.length, sound.etag, sound.format
        self._sound = sound
        length = min(wave.length, 0xFFFFFFFF).to_bytes(4, "little")
        self._head = b"".join(sound.read(0, wave.start - len(length))) + length

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """See Sound.read."""
        head = len(self._head)
        if start < head:
            yield self._head[start:stop]
        if stop > head:
            yield from self._sound.read(max(start, head), stop)


class VerifiedFile(io.RawIOBase):
    """A sound as a file to read and seek; `failure` is what ended it early, if anything did.

    A decoder in C cannot pass an exception on: it would see the end of the file.
    """

    def __init__(self, sound: Sound) -> None:
        super().__init__()
        self._sound = sound
        self._position = 0
        self._blocks: Iterator[bytes] = iter(())
        self._rest = memoryview(b"")
        self._rest_at = -1
        self.failure: AddonError | None = None

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is read before the next read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._sound.length}
        self._position = max(base[whence] + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as one block reaches; 0 at the end, or after a failure."""
        view = memoryview(buffer).cast("B")
        if self.failure is not None or self._position >= self._sound.length or not len(view):
            return 0
        try:
            self._turn()
        except AddonError as error:
            self.failure = error
            return 0
        taken = min(len(view), len(self._rest))
        view[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        self._position += taken
        self._rest_at = self._position
        return taken

    def _turn(self) -> None:
        """Have bytes at the position in hand."""
        if self._rest_at != self._position:
            self._blocks = self._sound.read(self._position, self._sound.length)
            self._rest, self._rest_at = memoryview(b""), self._position
        while not self._rest:
            self._rest = memoryview(next(self._blocks))


class Decoder:
    """One sound opened for decoding: `rate` in Hz, `frames` in all. Not for two threads.

    Raises NotPlayable where nothing here decodes it, and what the archive raises.
    """

    def __init__(self, sound: Sound) -> None:
        self._open(sound)
        if not self.frames and (wave := _streamed(sound)):
            self._open(Measured(sound, wave))
        if not 0 <= self.frames <= MAX_SECONDS * self.rate:
            raise NotPlayable("the recording does not say how long it is")

    def _open(self, sound: Sound) -> None:
        import soundfile

        self._file = VerifiedFile(sound)
        try:
            self._decoder = _reader_class()(io.BufferedReader(self._file, READ_AHEAD))
        except (soundfile.SoundFileError, TypeError, ValueError) as error:
            raise self._file.failure or NotPlayable("no decoder here reads this kind") from error
        self._raise_failure()
        self.rate = int(self._decoder.samplerate)
        self.channels = int(self._decoder.channels)
        self.frames = int(self._decoder.frames)

    def samples(self, first: int = 0, last: int | None = None) -> Iterator[Samples]:
        """Blocks of the frames from `first` up to, not including, `last`; once for each decoder.

        What a damaged file lacks is silence. Raises what the archive raises, and NotPlayable where
        it is so damaged that `first` cannot be found.
        """
        last = self.frames if last is None else min(last, self.frames)
        at = self._begin(first)
        while at < last:
            block = self._block(min(BLOCK_FRAMES, self.frames - at))
            yield block[max(first - at, 0) : last - at]
            at += len(block)

    def _begin(self, first: int) -> int:
        """Go to a frame at or before `first`, from which decoding is exact."""
        import soundfile

        if not first or self._decoder.subtype not in EXACT_SEEK:
            return 0
        try:
            return int(self._decoder.seek(first))
        except soundfile.SoundFileError as error:
            raise self._file.failure or NotPlayable("the recording is damaged") from error

    def _block(self, frames: int) -> Samples:
        import soundfile

        try:
            block = self._read(frames)
        except soundfile.SoundFileError:
            block = np.zeros((0, self.channels), np.int16)
        self._raise_failure()
        if len(block) < frames:
            missing = np.zeros((frames - len(block), self.channels), np.int16)
            block = np.concatenate([block, missing])
        return block

    def _read(self, frames: int) -> Samples:
        if self._decoder.subtype not in FLOATS:
            whole: Samples = self._decoder.read(frames, "int16", always_2d=True)
            return whole
        scaled = np.nan_to_num(self._decoder.read(frames, "float64", always_2d=True) * 32768)
        samples: Samples = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
        return samples

    def _raise_failure(self) -> None:
        if self._file.failure is not None:
            raise self._file.failure


def _streamed(sound: Sound) -> Wave | None:
    """The layout of a WAV file that holds samples. Raises what the archive raises."""
    wave = parse_wave(lambda start, stop: b"".join(sound.read(start, stop)), sound.length)
    return wave if wave and wave.length and wave.start <= HEAD else None


@cache
def _reader_class() -> Any:
    """SoundFile without the lock that it holds, for all files at once, while one is opened.

    Opening reads through us from the store, perhaps slowly, perhaps through another decoder, which
    would wait for itself. The lock only keeps the texts of errors apart; they are not used here.
    """
    import soundfile

    class Reader(soundfile.SoundFile):  # type: ignore[misc]
        _sf_error_lock = nullcontext()

    return Reader
