"""One pass over one recording: bytes in, archivable bytes out, the report at the end.

It decides from the first bytes how the recording is read, and says at once when there is none.
"""

from __future__ import annotations

from collections.abc import Iterator

from addon.analysis import riff
from addon.analysis.compressed import Spool, SpooledIntake
from addon.analysis.findings import Findings
from addon.analysis.intake import Intake, WaveIntake
from addon.analysis.options import Options
from addon.analysis.report import Redaction, Report
from addon.analysis.sniff import HEAD_BYTES, describe, sniff
from addon.errors import UnreadableAudio

#: Recognised so that the message can name them; nothing here decodes them.
_NOT_DECODED = frozenset({"mp4", "webm", "amr", "caf"})


class RecordingPass:
    """Feed it a recording's bytes, archive what it returns, read `report` when finished.

    `spool` gives a new seekable binary file that is safe for plaintext; it is used only for kinds
    that need random access. Any method raises UnreadableAudio, with the reason in words, for bytes
    that are no recording.
    """

    report: Report

    def __init__(self, options: Options, *, spool: Spool) -> None:
        self._options = options
        self._spool = spool
        self._head = bytearray()
        self._intake: Intake | None = None

    def feed(self, block: bytes) -> bytes:
        """More of the recording; returns bytes that may be archived now, behind the input."""
        if self._intake is not None:
            return self._intake.feed(block)
        self._head += block
        self._intake = self._choose(at_end=False)
        return self._begin() if self._intake else b""

    def finish(self) -> Iterator[bytes]:
        """The recording is complete: yields the remaining archivable bytes, then sets `report`."""
        if self._intake is None:
            self._intake = self._choose(at_end=True)
            if self._intake is None:
                raise UnreadableAudio("The WAV file ends inside its header.")
            yield self._begin()
        yield from self._intake.finish()
        self.report = self._reported(self._intake)

    def _begin(self) -> bytes:
        head, self._head = bytes(self._head), bytearray()
        return self._intake.feed(head) if self._intake else b""

    def _choose(self, *, at_end: bool) -> Intake | None:
        """How to read what has arrived; None while that cannot be told."""
        enough = at_end or len(self._head) >= HEAD_BYTES
        kind = sniff(bytes(self._head[:HEAD_BYTES]))
        if kind == "wav":
            return self._choose_wave()
        if kind in _NOT_DECODED:
            raise UnreadableAudio(f"The recording is {kind}, which is not decoded here.")
        if kind is None:
            if not enough:
                return None
            what = describe(bytes(self._head[:HEAD_BYTES]))
            if not what.startswith("data"):
                raise UnreadableAudio(f"This is {what}, not a recording.")
        return SpooledIntake(kind or "audio", self._spool, redact=self._options.redact_dtmf)

    def _choose_wave(self) -> Intake | None:
        if self._head[:4] == b"RIFX":
            return SpooledIntake("wav", self._spool, redact=self._options.redact_dtmf)
        wave = riff.parse(self._head)
        if wave is None:
            return None
        if wave.encoding is None:
            return SpooledIntake("wav", self._spool, redact=self._options.redact_dtmf)
        return WaveIntake(wave, redact=self._options.redact_dtmf)

    def _reported(self, intake: Intake) -> Report:
        source, stages = intake.source, intake.stages
        findings = Findings(stages, self._options)
        return Report(
            format=source.format,
            codec=source.codec,
            archived_format=source.archived_format,
            rate=stages.rate,
            channels=stages.channels,
            conversation=findings.conversation,
            participants=findings.participants,
            flags=[*findings.flags, *source.flags],
            warnings=source.warnings,
            redaction=Redaction(source.muted, ["dtmf"] if source.muted else []),
        )
