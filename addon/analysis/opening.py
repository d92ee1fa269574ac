"""Opens a recording: the way it is read, decided from its first bytes."""

from __future__ import annotations

from addon.analysis.compressed_input import CompressedInput
from addon.analysis.input import Input, Prepare, Spool
from addon.analysis.options import Options
from addon.analysis.wav_input import WavInput, format_of
from addon.audio.sniffing import describe, is_document, sniff, wanted_bytes
from addon.errors import UnreadableAudio

MAX_UNDECIDED_BYTES = 1 << 22
"""The bytes that may stand before a WAV file's format, were they a tag with pictures."""


def no_recording(head: bytes | bytearray) -> UnreadableAudio:
    """The error for bytes that are a document or none at all, by the name of what they are."""
    return UnreadableAudio(f"This is {describe(head)}, not a recording")


def open_input(
    head: bytes | bytearray, options: Options, spool: Spool, *, prepare: Prepare, at_end: bool
) -> Input | None:
    """The way to read the recording that begins with `head`; None while that cannot be told.

    Nothing is fed to it yet. `at_end` says that no more bytes come. Raises UnreadableAudio, with a
    name for what is no recording.
    """
    if not at_end and len(head) < wanted_bytes(head):
        return None
    kind = sniff(head)
    if kind is None and (not head or is_document(head)):
        raise no_recording(head)
    if kind != "wav":
        return CompressedInput(kind or "audio", spool, prepare)
    form = format_of(head, at_end=at_end)
    if form is None:
        if len(head) > MAX_UNDECIDED_BYTES:
            raise UnreadableAudio("The WAV file's format does not come in its first megabytes")
        return None
    if form.encoding is None:
        return CompressedInput("wav", spool, prepare)
    redact, keep = options.redact_dtmf, options.mutes_spoken
    return WavInput(spool, prepare, redact=redact, keep=keep)
