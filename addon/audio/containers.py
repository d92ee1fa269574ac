"""Files that FFmpeg cuts into packets: MP4, WebM, AIFF, AU, CAF, W64, SPHERE.

FFmpeg is given the format, so that it never guesses, and may open nothing but the file itself: no
other format, codec or protocol, and no file that the recording refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from addon.audio.container_ends import left_over
from addon.audio.decoders import DECODERS, quiet_av
from addon.audio.flac import frame_header
from addon.audio.ogg_codecs import opus_codec, opus_frames, vorbis_count, vorbis_sizes
from addon.audio.packets import Codec, Fault, Packet, PacketReader, Window, fault_packet
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

_LEAST_GAP_SECONDS, _MOST_GAP_SECONDS = 0.05, 600
"""Between these, a gap in the time stamps is lost audio: below is rounding, above a wrong stamp."""

_MOST_PAUSE_SECONDS = 1.0
"""Browsers leave short pauses when a microphone is muted; what is longer is lost."""

_TOLERATED_SECONDS = 0.2
"""A file may promise so much more than it holds: the delay of an encoder, counted in."""

_MOST_FAILURES = 20
"""Attempts in a row to find the next packet behind a part that cannot be read."""

_DAMAGED = Fault("damaged", "A part of the file is damaged and was passed over.")


class ContainerReader(PacketReader):
    """The packets of a container's first audio stream; `resume` is a time stamp."""

    def __init__(self, file: BinaryIO, kind: str) -> None:
        self._av = quiet_av()
        self._file, self._kind = file, kind
        self._broken = False
        self._fresh = True
        self._opened: Any = self._open()
        if not self._opened.streams.audio:
            raise UnreadableAudio(f"The {kind} file holds no audio that is decoded here")
        self._codec = self._codec_of(self._stream)
        self.preroll = 0 if self._codec.name.startswith("pcm_") or self._codec.name == "flac" else 6

    @property
    def _stream(self) -> Any:
        return self._opened.streams.audio[0]

    def _open(self) -> Any:
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
            opened = av.open(self._file, format=demuxer, options=options)
        except (av.FFmpegError, ValueError) as error:
            raise UnreadableAudio(f"The {self._kind} file cannot be read") from error
        self._fresh = True
        return opened

    def _codec_of(self, stream: Any) -> Codec:
        context = stream.codec_context
        if context is None or not context.sample_rate or not context.layout.nb_channels:
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

    def packets(self, resume: int | None = None) -> Iterator[Packet]:
        """See PacketReader.packets."""
        if resume is not None:
            self._opened.seek(resume, stream=self._stream, backward=True)
        elif not self._fresh:
            self._opened = self._open()
        self._fresh = False
        held: Packet | None = None
        counts, expected, heard = _counter(self._codec), 0.0, 0.0
        for data in self._demuxed():
            if resume is not None and data.pts is not None and data.pts < resume:
                continue
            packet = _packet(data, self._codec, counts(data), fresh=held is None)
            if held is not None:
                packet = self._behind_a_gap(packet, expected)
                yield held
            expected, heard = _after(packet), heard + _seconds(packet)
            held = packet
        if held is not None:
            yield _shortened(held)
        for fault in self._faults(heard):
            yield fault_packet(self._codec, fault)

    def _demuxed(self) -> Iterator[Any]:
        """The stream's packets; behind a part that cannot be read, those that follow it."""
        failures = 0
        while failures < _MOST_FAILURES:
            try:
                for packet in self._opened.demux(self._stream):
                    if packet.size:
                        failures = 0
                        yield packet
                return
            except (self._av.FFmpegError, ValueError):
                self._broken = True
                failures += 1

    def _behind_a_gap(self, packet: Packet, expected: float) -> Packet:
        """A packet with the silence before it that the time stamps of WebM tell."""
        data = packet.data
        if self._kind != "webm" or data.pts is None or not packet.frames:
            return packet
        gap = float(data.pts * data.time_base) - expected
        if not _LEAST_GAP_SECONDS < gap < _MOST_GAP_SECONDS:
            return packet
        fault = packet.fault or (_DAMAGED if gap > _MOST_PAUSE_SECONDS else None)
        return packet._replace(silence=round(gap * self._codec.rate), fault=fault)

    def _faults(self, heard: float) -> Iterator[Fault]:
        """The faults of the file as a whole."""
        if self._broken:
            yield Fault("damaged", "A part of the file could not be read.")
        if len(self._opened.streams.audio) > 1:
            yield Fault(None, "The file has another audio track, which is not analysed.")
        promised = self._promised()
        if 0 < heard < promised - _TOLERATED_SECONDS:
            sentence = f"The file promises {promised:.2f} s and holds {heard:.2f} s."
            yield Fault("truncated", sentence, hides_audio=False)
        if fault := left_over(Window(self._file), self._kind):
            yield fault

    def _promised(self) -> float:
        """The length in seconds that the file gives; 0 where it gives none."""
        stream = self._stream
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return (self._opened.duration or 0) / 1_000_000


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
        return _aac_counter(codec.rate)
    if name == "alac" and len(codec.extradata) >= 16:
        size = int.from_bytes(codec.extradata[12:16], "big")
        return lambda _: size
    return lambda _: None


def _aac_counter(rate: int) -> Count:
    """Twice as many frames with SBR, as the durations tell, all but the last packet's."""
    size = 1024

    def count(packet: Any) -> int:
        nonlocal size
        duration = _duration(packet, rate)
        size = duration if duration in (960, 1024, 1920, 2048) else size
        return size

    return count


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


def _packet(data: Any, codec: Codec, frames: int | None, *, fresh: bool) -> Packet:
    """FFmpeg's packet as one of ours, without what the container says is not heard."""
    skip, drop = _trims(data) if frames is not None else (0, 0)
    if frames is not None:
        skip = frames if data.is_discard else min(skip, frames)
        drop = min(drop, frames - skip)
    fault = _DAMAGED if data.is_corrupt else None
    return Packet(data, codec, frames, data.pts, skip, drop, fresh=fresh, fault=fault)


def _shortened(packet: Packet) -> Packet:
    """The last packet, which may hold more frames than its duration says are heard."""
    duration = _duration(packet.data, packet.codec.rate)
    if packet.frames is None or packet.codec.name not in _CONSTANT:
        return packet
    over = packet.frames - packet.skip - duration
    return packet._replace(drop=max(packet.drop, over)) if duration and over > 0 else packet


def _after(packet: Packet) -> float:
    """The time in seconds at which a packet ends."""
    data = packet.data
    if data.pts is None or not packet.frames:
        return 0.0
    return float(data.pts * data.time_base) + packet.frames / packet.codec.rate


def _seconds(packet: Packet) -> float:
    """Seconds for which a packet and the silence before it are heard; else its duration."""
    if packet.frames is None:
        return _duration(packet.data, packet.codec.rate) / packet.codec.rate
    heard = packet.frames - packet.skip - packet.drop + packet.silence
    return heard / packet.codec.rate


def _duration(packet: Any, rate: int) -> int:
    if not packet.duration or not packet.time_base:
        return 0
    return round(float(packet.duration * packet.time_base) * rate)


def _trims(packet: Any) -> tuple[int, int]:
    """Frames that the container says are not heard, at the packet's beginning and end."""
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    content = bytes(packet.get_sidedata("skip_samples"))
    if len(content) < 8:
        return 0, 0
    return int.from_bytes(content[:4], "little"), int.from_bytes(content[4:8], "little")
