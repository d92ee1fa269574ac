"""How a recording is read, decided from its first bytes; what is no recording is named at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from addon.analysis.compressed import SpooledIntake
from addon.analysis.intake import Held, Intake, Prepare, Source, Spool, WaveIntake
from addon.analysis.options import Options
from addon.analysis.stages import Stages
from addon.analysis.timeline import Interval
from addon.audio.sniffing import describe, is_document, sniff, wanted_bytes
from addon.audio.wav import Walk
from addon.errors import UnreadableAudio

MAX_UNDECIDED_BYTES = 1 << 22
"""What may stand before a WAV file's format, were it a tag with pictures."""


def open_intake(
    head: bytes | bytearray, options: Options, spool: Spool, *, prepare: Prepare, at_end: bool
) -> Intake | None:
    """The way to read the recording that begins with `head`; None while that cannot be told.

    `prepare` is called once with the stages, before the first sample. Raises UnreadableAudio.
    """
    if not at_end and len(head) < wanted_bytes(head):
        return None
    kind = sniff(head)
    if kind == "wav":
        return WavOpening(options, spool, prepare)
    if kind is None and (not head or is_document(head)):
        raise UnreadableAudio(f"This is {describe(head)}, not a recording")
    return SpooledIntake(kind or "audio", spool, prepare)


class WavOpening:
    """A WAV file until its format is known; then the intake for that format."""

    def __init__(self, options: Options, spool: Spool, prepare: Prepare) -> None:
        self._options = options
        self._spool = spool
        self._prepare = prepare
        self._held = Held(Walk())
        self._intake: Intake | None = None

    @property
    def source(self) -> Source:
        """See Intake.source."""
        return self._opened.source

    @property
    def stages(self) -> Stages:
        """See Intake.stages."""
        return self._opened.stages

    @property
    def covered(self) -> bool:
        """See Intake.covered."""
        return self._opened.covered

    @property
    def gap(self) -> str:
        """See Intake.gap."""
        return self._opened.gap

    @property
    def reencodes(self) -> bool:
        """See Intake.reencodes."""
        return self._opened.reencodes

    @property
    def archived_frames(self) -> int | None:
        """See Intake.archived_frames."""
        return self._opened.archived_frames

    def feed(self, block: bytes) -> bytes:
        """See Intake.feed."""
        if self._intake is not None:
            return self._intake.feed(block)
        self._held.add(block)
        if self._held.walk.format is None:
            if self._held.arrived > MAX_UNDECIDED_BYTES:
                raise UnreadableAudio("The WAV file's format does not come in its first megabytes")
            return b""
        return self._opened.feed(b"")

    def measure(self) -> None:
        """See Intake.measure."""
        if self._intake is None:
            self._held.end()
            if self._held.walk.format is None:
                raise UnreadableAudio("The WAV file ends inside its header")
        self._opened.measure()

    def release(self, muted: Sequence[Interval]) -> Iterator[bytes]:
        """See Intake.release."""
        return self._opened.release(muted)

    @property
    def _opened(self) -> Intake:
        if self._intake is None:
            self._intake = self._open()
        return self._intake

    def _open(self) -> Intake:
        """The intake for the format, which has taken over all that has arrived."""
        form = self._held.walk.format
        if form is None or form.encoding is None:
            spooled = SpooledIntake("wav", self._spool, self._prepare)
            spooled.feed(bytes(self._held.bytes))
            return spooled
        return WaveIntake(
            self._held,
            self._prepare,
            self._spool,
            redact=self._options.redact_dtmf,
            keep=self._options.mutes_spoken_numbers,
        )
