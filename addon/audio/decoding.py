"""One decoder for every kind of recording, over a seekable binary file.

It reads to the end of the bytes. A packet that cannot be decoded is skipped and counted, and a
silence keeps its time. What the file promises is compared with what was there. Exceptions of the
file reach the caller and are never taken for the end of the recording.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, cast

import numpy as np

from addon.audio import mpeg
from addon.audio.adts import AdtsReader
from addon.audio.amr import AmrReader
from addon.audio.containers import DEMUXERS, ContainerReader
from addon.audio.conversion import Converter
from addon.audio.decoders import BrokenPacket, Decode, Floats, Run, decoder_of
from addon.audio.files import FileBehindTags
from addon.audio.flac import FlacReader, stream_info
from addon.audio.framing import frames_of
from addon.audio.mpeg import MpegReader
from addon.audio.ogg import OggReader
from addon.audio.packets import (
    MAX_CHANNELS,
    MAX_RATE_HZ,
    MAX_SECONDS,
    MIN_RATE_HZ,
    Codec,
    Fault,
    Packet,
    PacketReader,
    Window,
)
from addon.audio.sniffing import MEDIA_TYPES, sniff, wanted_bytes
from addon.audio.wav_packets import wav_reader
from addon.errors import UnreadableAudio

BLOCK_FRAMES = 1 << 15
"""Four seconds of telephone audio: what is given out at once, about."""

_SHORT_BYTES = 1 << 16
"""A file of unknown kind up to this size is MPEG where all of it is a row of frames."""

_PROBED_PACKETS = 256
"""A recording of which so many packets cannot be decoded is not read at all."""

_MAX_WARNINGS = 20
"""Sentences in a report: a file can be wrong in a thousand places."""

_HIDDEN_SECONDS = 0.5
"""Left out at both ends of a recording are an encoder's delay and padding; more is cut audio."""

_HIDES = Fault(None, "The file hides a part of its audio from players.")


def packet_reader(file: BinaryIO, kind: str | None = None) -> PacketReader:
    """The reader for a file's kind. Raises UnreadableAudio where there is none."""
    if kind is None:
        kind = sniffed(file)
    if kind == "wav":
        return wav_reader(file)
    if kind in (*DEMUXERS, "amr", "amr-wb"):
        file = cast(BinaryIO, FileBehindTags(file))
    if kind in DEMUXERS:
        return ContainerReader(file, kind)
    window = Window(file)
    if kind == "mp3":
        return MpegReader(window)
    if kind == "aac":
        return AdtsReader(window)
    if kind in ("amr", "amr-wb"):
        return AmrReader(window)
    if kind == "ogg":
        return OggReader(window)
    if kind == "flac":
        return FlacReader(window)
    if kind is None or kind not in MEDIA_TYPES:
        return _row_of_frames(window)
    raise UnreadableAudio(f"No decoder here can read {kind} recordings")


def _row_of_frames(window: Window) -> PacketReader:
    """A reader for a file that is too short to be told by its first frames: MPEG and nothing else.

    Raises UnreadableAudio for all others.
    """
    if window.size <= _SHORT_BYTES:
        frames = list(frames_of(window, mpeg.FORMAT))
        if len(frames) > 1 and not any(found.lost for found in frames):
            return MpegReader(window)
    raise UnreadableAudio("No decoder here can read this recording")


def sniffed(file: BinaryIO) -> str | None:
    """The kind of a file, told by its first bytes; None where it is no audio known here."""
    head = b""
    while (wanted := wanted_bytes(head)) > len(head):
        file.seek(len(head))
        block = file.read(wanted - len(head))
        if not block:
            break
        head += block
    return sniff(head)


class Decoder:
    """One file opened for decoding: `codec` as reported, `rate` in Hz, `channels`. Single thread.

    `deep` tells that 16 bits do not hold the samples. Raises UnreadableAudio where nothing here
    decodes it, and what the file raises.
    """

    def __init__(self, file: BinaryIO, kind: str | None = None) -> None:
        self.reader = packet_reader(file, kind)
        codec, run, self.deep = _probed(self.reader)
        self.codec = codec.label
        self.rate, self.channels = codec.heard or run.rate, len(run.samples)
        self.scale = run.rate / codec.rate
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise UnreadableAudio(f"The recording gives {self.channels} channels")
        if not MIN_RATE_HZ <= self.rate <= MAX_RATE_HZ:
            raise UnreadableAudio(f"The recording gives a rate of {self.rate} Hz")
        self.flags: list[str] = []
        self.warnings: list[str] = []
        self.gap = ""
        self.frames = 0

    def blocks(self) -> Iterator[Floats]:
        """All samples, (channels, frames), in blocks; then `flags`, `warnings`, `gap` are set.

        `gap` says in a sentence what was not decoded; empty where all was, sample for sample, and
        nothing that may be audio was left. Raises UnreadableAudio beyond MAX_SECONDS.
        """
        self.flags, self.warnings, self.gap, self.frames = [], [], "", 0
        decoding = Decoding(self, self.reader.packets())
        for block in batched(decoding.runs()):
            self.frames += block.shape[1]
            checked_length(self.frames, self.rate)
            yield block
        self._judge(decoding)

    def _judge(self, decoding: Decoding) -> None:
        for fault in decoding.faults:
            if fault.flag and fault.flag not in self.flags:
                self.flags.append(fault.flag)
            known = len(self.warnings) >= _MAX_WARNINGS or fault.sentence in self.warnings
            if fault.sentence and not known:
                self.warnings.append(fault.sentence)
            if fault.hides_audio:
                self.gap = self.gap or fault.sentence
        broken = []
        if decoding.skipped:
            broken.append(f"{decoding.skipped} packets of the recording could not be decoded.")
        if decoding.uneven:
            broken.append(f"{decoding.uneven} packets were not as long as the file says.")
        for sentence in broken:
            self.flags += ["damaged"] * ("damaged" not in self.flags)
            self.warnings.append(sentence)
            self.gap = self.gap or sentence


def batched(runs: Iterator[Floats]) -> Iterator[Floats]:
    """The runs in blocks of about BLOCK_FRAMES, within full scale, without what is no number."""
    waiting: list[Floats] = []
    count = 0
    for samples in runs:
        waiting.append(samples)
        count += samples.shape[1]
        if count >= BLOCK_FRAMES:
            yield _block(waiting)
            waiting, count = [], 0
    if count:
        yield _block(waiting)


def _block(waiting: list[Floats]) -> Floats:
    block = np.concatenate(waiting, axis=1)
    np.nan_to_num(block, copy=False)
    return np.clip(block, -1, 1, out=block)


def checked_length(frames: float, rate: int) -> None:
    """Raises UnreadableAudio where so many frames are more than MAX_SECONDS."""
    if frames > MAX_SECONDS * rate:
        raise UnreadableAudio(f"The recording is longer than {MAX_SECONDS // 3600} hours")


class Decoding:
    """One run over packets. `skipped` packets were broken, `uneven` ones of another length.

    The decoder begins anew where a packet says so, or where the codec changes; another rate or
    number of channels is converted to the first's.
    """

    def __init__(self, shape: Decoder, packets: Iterator[Packet]) -> None:
        self._shape = shape
        self._packets = packets
        self._decode: Decode | None = None
        self._codec: Codec | None = None
        self._converter = Converter(shape.rate, shape.channels)
        self.faults: list[Fault] = []
        self.skipped = self.uneven = 0
        self._hidden = 0.0

    def runs(self) -> Iterator[Floats]:
        """The samples packet by packet; silence for what is lost."""
        for packet in self._packets:
            if packet.fault is not None:
                self.faults.append(packet.fault)
            if packet.data is None:
                continue
            if packet.fresh and self._hidden > _HIDDEN_SECONDS:
                self.faults.append(_HIDES)
            if packet.fresh or (packet.codec is not self._codec and packet.codec != self._codec):
                yield from self._converter.end()
                self._decode, self._codec = decoder_of(packet.codec), packet.codec
                self._hidden = 0.0
            for run in self._packet(packet):
                yield from self._converter.add(run)
        if self._hidden > _HIDDEN_SECONDS:
            self.faults.append(_HIDES)
        yield from self._converter.end()

    def _packet(self, packet: Packet) -> list[Run]:
        """A packet's samples, as many as it says, without what is not heard."""
        assert self._decode is not None  # noqa: S101 - the first packet opens one
        try:
            runs = self._decode(packet.data)
        except BrokenPacket:
            self.skipped += 1
            runs = []
        rate = runs[0].rate if runs else round(packet.codec.rate * self._shape.scale)
        if packet.frames is not None:
            runs = self._trimmed(packet, runs, rate)
        if packet.silence:
            lost = _at(rate, packet, packet.silence)
            runs = [_silence(rate, self._shape.channels, lost), *runs]
        return runs

    def _trimmed(self, packet: Packet, runs: list[Run], rate: int) -> list[Run]:
        """As many frames as the packet says, less those that are not heard."""
        wanted = _at(rate, packet, packet.frames or 0)
        given = sum(run.samples.shape[1] for run in runs)
        if given < wanted:
            channels = len(runs[0].samples) if runs else self._shape.channels
            runs = [*runs, _silence(rate, channels, wanted - given)]
        self.uneven += given > wanted > 0  # FFmpeg gives a half window for Vorbis's first packet
        self._hidden += (packet.skip + packet.drop) / packet.codec.rate
        if packet.skip or packet.drop or given > wanted:
            skip, drop = _at(rate, packet, packet.skip), _at(rate, packet, packet.drop)
            return _cut(runs, skip, wanted - drop)
        return runs


def _at(rate: int, packet: Packet, frames: int) -> int:
    """Frames of a packet at the rate of its decoder, which with AAC's SBR is twice the codec's."""
    return frames if rate == packet.codec.rate else frames * rate // packet.codec.rate


def _silence(rate: int, channels: int, frames: int) -> Run:
    return Run(rate, np.zeros((channels, frames), np.float32))


def _cut(runs: list[Run], first: int, last: int) -> list[Run]:
    """Frames `first` to `last` of the runs."""
    kept, at = [], 0
    for run in runs:
        samples = run.samples[:, max(first - at, 0) : max(last - at, 0)]
        at += run.samples.shape[1]
        if samples.shape[1]:
            kept.append(Run(run.rate, samples))
    return kept


def _probed(reader: PacketReader) -> tuple[Codec, Run, bool]:
    """The first codec and the first samples that it gives. Raises UnreadableAudio."""
    decode: Decode | None = None
    codec: Codec | None = None
    found = False
    for number, packet in enumerate(reader.packets()):
        if packet.data is None:
            continue
        found = True
        if number > _PROBED_PACKETS:
            break
        if packet.codec != codec:
            codec, decode = packet.codec, decoder_of(packet.codec)
        try:
            runs = decode(packet.data) if decode else []
        except BrokenPacket:
            continue
        if runs:
            return packet.codec, runs[0], _is_deep(packet.codec)
    if not found:
        raise UnreadableAudio("The recording holds no audio")
    raise UnreadableAudio("No decoder here can read this recording")


def _is_deep(codec: Codec) -> bool:
    """True if the codec keeps more than 16 bits."""
    name = codec.label
    if codec.name == "flac":
        info = stream_info(codec.extradata)
        return info is not None and info.bits > 16
    return name.startswith(("pcm_s24", "pcm_s32", "pcm_f"))
