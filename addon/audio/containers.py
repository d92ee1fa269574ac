"""Files that FFmpeg cuts into packets: MP4, WebM, AIFF, AU, CAF, W64, SPHERE.

FFmpeg is given the format, so that it never guesses, and may open nothing but the file itself: no
other format, codec or protocol, and no file that the recording refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from addon.audio.decoders import DECODERS, quiet_av
from addon.audio.flac import frame_header
from addon.audio.ogg_codecs import opus_codec, opus_frames, vorbis_count, vorbis_sizes
from addon.audio.packets import Codec, Fault, Packet, Window
from addon.errors import UnreadableAudio

DEMUXERS = {
    "mp4": "mov",
    "webm": "matroska",
    "aiff": "aiff",
    "au": "au",
    "caf": "caf",
    "w64": "w64",
    "sphere": "nistsphere",
}
"""FFmpeg's names by ours."""

_OURS = {
    "mp3": "mp3float",
    "mp2": "mp2float",
    "mp1": "mp1float",
    "opus": "libopus",
    "amrnb": "libopencore_amrnb",
    "amrwb": "libopencore_amrwb",
}
"""The decoders that we prefer to FFmpeg's choice."""

_LABELS = {"adpcm_ima_wav": "adpcm_ima", "amrnb": "amr_nb", "amrwb": "amr_wb", "mp3float": "mp3"}

_PROBE_BYTES = 1 << 20
_PROBE_MICROSECONDS = 1_000_000

_MAGICS = {
    "mp4": (4, b"ftyp"),
    "webm": (0, b"\x1aE\xdf\xa3"),
    "aiff": (0, b"FORM"),
    "caf": (0, b"caff"),
    "au": (0, b".snd"),
}
"""Where a file of a kind has its signature: a second one behind the audio is a second recording."""

_HIDDEN_SECONDS = 0.2
"""Frames left out at the beginning are an encoder's delay; more than this is cut audio."""


class ContainerReader:
    """The packets of a container's first audio stream. See PacketReader; a place is a time stamp."""

    def __init__(self, file: BinaryIO, kind: str) -> None:
        self._av = av = quiet_av()
        self._file, self._kind = file, kind
        self._size = file.seek(0, 2)
        self._opened: Any = None
        self._fresh = True
        self._open()
        if not self._opened.streams.audio:
            raise UnreadableAudio(f"The {kind} file holds no audio that is decoded here")
        self._codec = self._codec_of(self._stream)
        self.preroll = 0 if self._codec.name.startswith("pcm_") or self._codec.name == "flac" else 6
        del av

    @property
    def _stream(self) -> Any:
        return self._opened.streams.audio[0]

    def _open(self) -> None:
        av = self._av
        demuxer = DEMUXERS[self._kind]
        options = {
            "format_whitelist": av.format.ContainerFormat(demuxer, "r").name,
            "codec_whitelist": ",".join(sorted(DECODERS | _OURS.keys())),
            "protocol_whitelist": "",
            "probesize": str(_PROBE_BYTES),
            "analyzeduration": str(_PROBE_MICROSECONDS),
        }
        self._file.seek(0)
        try:
            self._opened = av.open(self._file, format=demuxer, options=options)
        except (av.FFmpegError, ValueError) as error:
            raise UnreadableAudio(f"The {self._kind} file cannot be read") from error
        self._fresh = True

    def _codec_of(self, stream: Any) -> Codec:
        context = stream.codec_context
        if context is None or not context.sample_rate:
            raise UnreadableAudio(f"The codec in the {self._kind} file is not decoded here")
        name = _OURS.get(context.name, context.name)
        label = _LABELS.get(context.name, context.name)
        extradata = bytes(context.extradata or b"")
        codec = Codec(name, label, context.sample_rate, context.layout.nb_channels, extradata)
        if name == "libopus" and len(extradata) >= 19:
            return opus_codec(extradata)
        if name.startswith("adpcm_ima_wav") or name == "adpcm_ms":
            codec = codec._replace(options=(("bits_per_coded_sample", "4"),))
        if name not in DECODERS:
            raise UnreadableAudio(f"The codec {label} is not decoded here")
        return codec

    def packets(self, place: int | None = None) -> Iterator[Packet]:
        """See PacketReader.packets."""
        if place is not None:
            self._opened.seek(place, stream=self._stream, backward=True)
        elif not self._fresh:
            self._open()
        self._fresh = False
        nominal, hidden, end, fresh, frames, heard = 0, 0, 0, True, 0, 0
        counts = _counter(self._codec)
        for data in self._demuxed():
            if place is not None and data.pts is not None and data.pts < place:
                continue
            frames = counts(data)
            skip, drop = _trims(data)
            duration = _duration(data, self._codec.rate)
            nominal = nominal or duration
            if frames and self._codec.name in _CONSTANT and 0 < duration < nominal:
                drop = max(drop, frames - frames * duration // nominal)
            if data.is_discard and frames:
                skip = frames
            if frames is not None:
                skip = min(skip, frames)
                drop = min(drop, frames - skip)
                heard += frames - skip - drop
            hidden += skip
            end = max(end, (data.pos or 0) + data.size)
            fault = Fault("damaged", "A part of the file is damaged.") if data.is_corrupt else None
            yield Packet(data, self._codec, frames, data.pts, skip, drop, 0, fresh, fault)
            fresh = False
        for fault in self._faults(end, hidden, heard if frames is not None else None):
            yield Packet(None, self._codec, 0, None, fault=fault)

    def plan(self) -> Iterator[Packet]:
        """See PacketReader.plan."""
        return self.packets()

    def _demuxed(self) -> Iterator[Any]:
        """The stream's packets; a failing read ends them, and is raised where the file raised it."""
        av = self._av
        try:
            for packet in self._opened.demux(self._stream):
                if packet.size:
                    yield packet
        except (av.FFmpegError, ValueError):
            self._broken = True

    _broken = False

    def _faults(self, end: int, hidden: int, heard: int | None) -> Iterator[Fault]:
        """What is wrong at the end."""
        stream, rate = self._stream, self._codec.rate
        if self._broken:
            yield Fault("damaged", "The end of the file could not be read.")
        if hidden > _HIDDEN_SECONDS * rate:
            yield Fault(None, "The file hides a part of its audio from players.")
        if len(self._opened.streams.audio) > 1:
            yield Fault(None, "The file has another audio track, which is not analysed.")
        if heard is not None and stream.duration and stream.time_base:
            promised = float(stream.duration * stream.time_base)
            if heard / rate < promised - 0.1:
                sentence = f"The file promises {promised:.2f} s and holds {heard / rate:.2f} s."
                yield Fault("truncated", sentence, hides_audio=False)
        yield from self._left_over(end)

    def _left_over(self, end: int) -> Iterator[Fault]:
        offset, magic = _MAGICS.get(self._kind, (0, b""))
        window = Window(self._file)
        if magic:
            second = window.find(magic, offset + 1)
            if second >= 0:
                yield Fault("damaged", "Another recording follows in the file, and is not read.")
                return
        if self._kind in ("au", "aiff", "caf", "w64") and end:
            rest = window.read(end, 1 << 12)
            if len(rest) > 1024 and not _is_chunk(rest):
                sentence = f"{window.size - end} bytes behind the audio were not read."
                yield Fault("damaged", sentence)


def _is_chunk(rest: bytes) -> bool:
    return any(
        all(32 <= byte < 127 for byte in rest[skip : skip + 4]) for skip in (0, 1)
    )


_CONSTANT = frozenset({"aac", "alac"})

Count = Callable[[Any], "int | None"]


def _counter(codec: Codec) -> Count:
    """Tells the frames of each packet of a stream; None where only decoding tells."""
    name, channels = codec.name, codec.channels
    if name == "libopus":
        return lambda packet: opus_frames(bytes(packet))
    if name == "flac":
        return _flac_frames
    if name == "vorbis" and (headers := _xiph_headers(codec.extradata)):
        count = vorbis_count(headers[2], vorbis_sizes(headers[0]))
        return lambda packet: count(bytes(packet))
    if name.startswith("pcm_"):
        width = int("".join(filter(str.isdigit, name)) or 8) // 8 * channels
        return lambda packet: packet.size // width
    if name == "adpcm_ima_qt":
        return lambda packet: packet.size // (34 * channels) * 64
    if name == "aac":
        return lambda packet: 1024
    if name == "alac" and len(codec.extradata) >= 16:
        size = int.from_bytes(codec.extradata[12:16], "big")
        return lambda packet: size
    return lambda packet: None


def _flac_frames(packet: Any) -> int:
    header = frame_header(bytes(packet)[:16], None)
    return header.frames if header else 0


def _xiph_headers(extradata: bytes) -> list[bytes]:
    """The three headers of Vorbis; none where they cannot be told apart."""
    if extradata[:1] != b"\x02":
        return []
    at, lengths = 1, [0, 0]
    for number in range(2):
        while at < len(extradata):
            lengths[number] += extradata[at]
            at += 1
            if extradata[at - 1] < 255:
                break
    first, second = at + lengths[0], at + sum(lengths)
    headers = [extradata[at:first], extradata[first:second], extradata[second:]]
    return headers if len(headers[0]) >= 30 and headers[2] else []


def _duration(packet: Any, rate: int) -> int:
    if not packet.duration or not packet.time_base:
        return 0
    return round(packet.duration * packet.time_base * rate)


def _trims(packet: Any) -> tuple[int, int]:
    """Frames that the container says are not heard, at the packet's beginning and end."""
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    content = bytes(packet.get_sidedata("skip_samples"))
    if len(content) < 8:
        return 0, 0
    return int.from_bytes(content[:4], "little"), int.from_bytes(content[4:8], "little")
