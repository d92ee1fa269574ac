"""Audio converted to FLAC, MP3 or Opus for download, encoded while it is sent.

The length is not known before the end, so there are no ranges. Where the source fails the transfer
must break off, not end. An hour of MP3 or Opus takes some ten seconds of a core.
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
from addon.playback.playable import Playable
from addon.playback.sample_data import DecodedSamples, pcm16

__all__ = ["EncodedFormat", "encoded"]


def encoded(playable: Playable, wanted: EncodedFormat) -> Iterator[bytes]:
    """The whole of `playable` as a file of another format.

    Raises NotPlayable at once where it cannot be; and, on the way, what the archive raises.
    """
    encoder = ENCODERS[wanted]
    index = SampleReader(playable).index
    if not index.frames:
        raise NotPlayable("the recording is empty: there is nothing to convert")
    if index.channels > encoder.channels:
        raise NotPlayable(f"{wanted} takes no more than {encoder.channels} channels")
    target = pcm16(encoder.rate(index.rate), index.channels)
    pcm = DecodedSamples(lambda: playable, index, target)
    shape = Shape(target.rate, target.channels, pcm.length // target.frame)
    return encoding.encoded(_floats(pcm, target), wanted, shape)


def _floats(pcm: DecodedSamples, target: Format) -> Iterator[Floats]:
    for block in pcm.read(0, pcm.length):
        frames = np.frombuffer(block, "<i2").reshape(-1, target.channels)
        yield frames.T.astype(np.float32) / np.float32(32768)
