"""A sound in another format, for taking away: FLAC, MP3 or Opus, encoded while it is sent.

Its length is not known before its end, so it has no ranges; the transfer must break off, not end,
where the source fails. An hour of MP3 or Opus takes some ten seconds of a core.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from addon.audio import encoding
from addon.audio.decoders import Floats
from addon.audio.encoding import ENCODERS, EncodedFormat, Shape
from addon.audio.wav_format import Format
from addon.errors import NotPlayable
from addon.playback.decoding import SampleReader
from addon.playback.segments import Decoded, pcm16
from addon.playback.sound import Sound

__all__ = ["EncodedFormat", "encoded"]


def encoded(sound: Sound, wanted: EncodedFormat) -> Iterator[bytes]:
    """The whole of `sound` as a file of another format.

    Raises NotPlayable at once where it cannot be; and, on the way, what the archive raises.
    """
    encoder = ENCODERS[wanted]
    index = SampleReader(sound).index
    if not index.frames:
        raise NotPlayable("the recording is empty: there is nothing to convert")
    if index.channels > encoder.channels:
        raise NotPlayable(f"{wanted} takes no more than {encoder.channels} channels")
    target = pcm16(encoder.rate(index.rate), index.channels)
    pcm = Decoded(lambda: sound, index, target)
    shape = Shape(target.rate, target.channels, pcm.length // target.frame)
    return encoding.encoded(_floats(pcm, target), wanted, shape)


def _floats(pcm: Decoded, target: Format) -> Iterator[Floats]:
    for block in pcm.read(0, pcm.length):
        frames = np.frombuffer(block, "<i2").reshape(-1, target.channels)
        yield frames.T.astype(np.float32) / np.float32(32768)
