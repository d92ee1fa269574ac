"""Detection of the recordings that browsers play as they are, from container and codec."""

from __future__ import annotations

from typing import NamedTuple

from addon.audio.decoding import packet_reader, sniffed
from addon.audio.wav import Layout
from addon.audio.wav_format import PLAIN
from addon.audio.wav_packets import layout_of
from addon.errors import UnreadableAudio
from addon.playback.decoding import VerifiedFile
from addon.playback.playable import Playable

_BY_CODEC = frozenset({"mp3", "ogg", "mp4", "webm", "aac", "flac"})
"""Kinds that browsers play where they play the codec inside."""

_PLAYED = frozenset({"mp3", "aac", "flac", "opus", "vorbis"})
"""Codecs, as reported, that browsers play."""

_NEVER_PLAYED = frozenset({"amr", "amr-wb", "aiff", "au", "caf", "w64", "sphere"})


class Playability(NamedTuple):
    """`plays`: browsers play the whole file as it is. `layout` is None unless it is a WAV file."""

    plays: bool
    layout: Layout | None


def playability_of(playable: Playable) -> Playability:
    """The playability of a recording, told by its bytes. Raises what the archive raises."""
    file = VerifiedFile(playable)
    kind = sniffed(file)  # type: ignore[arg-type]
    try:
        if kind == "wav":
            layout = layout_of(lambda a, b: b"".join(playable.read(a, b)), playable.length)
            return Playability(layout.plain and layout.format.tag in PLAIN, layout)
        if kind in _BY_CODEC:
            first = next(packet_reader(file, kind).packets())  # type: ignore[arg-type]
            return Playability(first.codec.label in _PLAYED, None)
    except (UnreadableAudio, StopIteration):
        file.check()
        return Playability(True, None)
    return Playability(kind not in _NEVER_PLAYED, None)
