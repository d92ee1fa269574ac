"""How a recording is read, decided from its first bytes; what is no recording is named at once."""

from __future__ import annotations

from collections.abc import Callable

from addon.analysis.compressed import Spool, SpooledIntake
from addon.analysis.intake import Intake, KeptWaveIntake, WaveIntake
from addon.analysis.options import Options
from addon.analysis.stages import Stages
from addon.audio import old_wav as wav
from addon.audio.sniffing import HEAD_BYTES, describe, sniff
from addon.audio.old_wav import Wave
from addon.errors import UnreadableAudio

#: Recognised so that the message can name them; nothing here decodes them.
_NOT_DECODED = frozenset({"mp4", "webm", "amr"})

Prepare = Callable[[Stages], None]


def open_intake(
    head: bytes | bytearray, options: Options, spool: Spool, *, prepare: Prepare, at_end: bool
) -> Intake | None:
    """The way to read the recording that begins with `head`; None while that cannot be told.

    `prepare` is called once with the stages, before the first sample. Raises UnreadableAudio.
    """
    start = bytes(head[:HEAD_BYTES])
    kind = sniff(start)
    if kind == "wav" and head[:4] != b"RIFX":
        wave = wav.parse(head)
        return None if wave is None else _wave_intake(wave, options, spool, prepare)
    if kind in _NOT_DECODED:
        raise UnreadableAudio(f"The recording is {kind}, which is not decoded here")
    if kind is None:
        if not at_end and len(start) < HEAD_BYTES:
            return None
        _refuse_documents(start)
    return SpooledIntake(kind or "audio", spool, prepare)


def _wave_intake(wave: Wave, options: Options, spool: Spool, prepare: Prepare) -> Intake:
    if wave.encoding is None:
        return SpooledIntake("wav", spool, prepare)
    if options.mutes_spoken_numbers:
        intake: WaveIntake = KeptWaveIntake(wave, spool())
    else:
        intake = WaveIntake(wave, redact=options.redact_dtmf)
    prepare(intake.stages)
    return intake


def _refuse_documents(start: bytes) -> None:
    what = describe(start)
    if not what.startswith("data"):
        raise UnreadableAudio(f"This is {what}, not a recording")
