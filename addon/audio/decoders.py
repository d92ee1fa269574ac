"""Packets in, samples out: FFmpeg's decoders one packet at a time, and our own for plain samples.

Samples are (channels, frames) of float32, full scale 1.0: exact for up to 24 bits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from addon.audio.packets import PLAIN, Codec
from addon.errors import UnreadableAudio

Floats = NDArray[np.float32]

DECODERS = frozenset(
    {"mp3float", "mp2float", "mp1float", "aac", "alac", "flac", "libopus", "vorbis", "speex"}
    | {"libopencore_amrnb", "libopencore_amrwb", "gsm", "gsm_ms", "g722", "g726", "g726le"}
    | {"adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt", "pcm_mulaw", "pcm_alaw", "pcm_s8", "pcm_u8"}
    | {f"pcm_{kind}{end}" for kind in ("s16", "s24", "s32", "f32", "f64") for end in ("le", "be")}
)
"""FFmpeg's decoders that are ever opened."""

LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""FFmpeg's channel layouts by the number of channels."""

_SCALES = {"u8": 7, "s16": 15, "s32": 31, "s64": 63}


class BrokenPacket(Exception):
    """The decoder refused a packet; used between this module and its caller only."""


class Run(NamedTuple):
    """Samples of one rate, in Hz, that a packet gave."""

    rate: int
    samples: Floats


Decode = Callable[[Any], list[Run]]
"""Takes a packet's data. Raises BrokenPacket."""


def decoder_of(codec: Codec) -> Decode:
    """A new decoder. Raises UnreadableAudio where it cannot be opened."""
    if codec.name == PLAIN:
        encoding, rate = codec.parameters, codec.rate
        return lambda data: [Run(rate, encoding.decode(data, codec.channels))]
    return _Ffmpeg(codec).decode


@cache
def quiet_av() -> Any:
    """PyAV, imported when first needed, without FFmpeg's log: it would quote the recording."""
    import av

    av.logging.set_level(None)
    return av


class _Ffmpeg:
    """One of FFmpeg's decoders."""

    def __init__(self, codec: Codec) -> None:
        self._av = av = quiet_av()
        if codec.name not in DECODERS:
            raise UnreadableAudio(f"The codec {codec.label} is not decoded here")
        try:
            self._context = context = av.CodecContext.create(codec.name, "r")
            context.thread_count = 1
            context.flags2 |= av.codec.context.Flags2.skip_manual
            context.sample_rate = codec.rate
            if codec.channels in LAYOUTS:
                context.layout = LAYOUTS[codec.channels]
            if codec.extradata:
                context.extradata = codec.extradata
            context.options = dict(codec.options)
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise UnreadableAudio(f"The {codec.label} audio cannot be decoded") from error

    def decode(self, data: Any) -> list[Run]:
        """See Decode."""
        av = self._av
        packet = data if isinstance(data, av.Packet) else av.Packet(data)
        try:
            frames = self._context.decode(packet)
        except (av.FFmpegError, ValueError) as error:
            raise BrokenPacket from error
        return [Run(frame.sample_rate, _samples(frame)) for frame in frames if frame.samples]


def _samples(frame: Any) -> Floats:
    """A frame's samples, in an array that may share its memory."""
    count, kind = frame.samples, frame.format
    channels = frame.layout.nb_channels
    name, dtype = kind.name.rstrip("p"), _DTYPES[kind.name]
    if kind.is_planar:
        # Of eight channels PyAV gives nine planes, and the ninth is no memory of the frame.
        planes = [np.frombuffer(plane, dtype, count) for plane in frame.planes[:channels]]
        values = planes[0][None] if channels == 1 else np.stack(planes)
    else:
        packed = np.frombuffer(frame.planes[0], dtype, count * channels)
        values = packed.reshape(count, channels).T
    if name in _SCALES:
        scaled = values.astype(np.float32)
        if name == "u8":
            scaled -= 128
        scaled *= np.float32(2.0 ** -_SCALES[name])
        return scaled
    with np.errstate(over="ignore", invalid="ignore"):
        floats: Floats = values.astype(np.float32, copy=False)
    return floats


_DTYPES = {
    name + planar: dtype
    for name, dtype in {
        "u8": np.uint8, "s16": np.int16, "s32": np.int32, "s64": np.int64,
        "flt": np.float32, "dbl": np.float64,
    }.items()
    for planar in ("", "p")
}  # fmt: skip
