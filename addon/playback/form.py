"""How a recording is written, as far as playing it goes: whether browsers hear all of it."""

from __future__ import annotations

from typing import NamedTuple

from addon.audio.decoding import packet_reader, sniffed
from addon.audio.wav import Layout
from addon.audio.wav_format import PLAIN
from addon.audio.wav_packets import layout_of
from addon.errors import UnreadableAudio
from addon.playback.decoding import VerifiedFile
from addon.playback.sound import Sound

_BY_CODEC = frozenset({"mp3", "ogg", "mp4", "webm", "aac", "flac"})
"""Kinds that browsers play where they play the codec inside."""

_PLAYED = frozenset({"mp3", "aac", "flac", "opus", "vorbis"})
"""Codecs, as reported, that browsers play."""

_NEVER_PLAYED = frozenset({"amr", "amr-wb", "aiff", "au", "caf", "w64", "sphere"})


class Form(NamedTuple):
    """`plays`: browsers hear the file whole as it is. `layout` is None for what is no WAV file."""

    plays: bool
    layout: Layout | None


def form_of(sound: Sound) -> Form:
    """The form of a sound, told by its bytes. Raises what the archive raises."""
    file = VerifiedFile(sound)
    kind = sniffed(file)  # type: ignore[arg-type]
    try:
        if kind == "wav":
            layout = layout_of(lambda first, last: b"".join(sound.read(first, last)), sound.length)
            return Form(layout.plain and layout.format.tag in PLAIN, layout)
        if kind in _BY_CODEC:
            first = next(packet_reader(file, kind).packets())  # type: ignore[arg-type]
            return Form(first.codec.label in _PLAYED, None)
    except (UnreadableAudio, StopIteration):
        file.check()
        return Form(True, None)
    return Form(kind not in _NEVER_PLAYED, None)
