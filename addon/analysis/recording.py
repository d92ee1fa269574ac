"""One pass over one recording: bytes in, archivable bytes out, the report at the end.

It puts the parts of this room together and knows none of their rules.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from addon.analysis import spoken_redaction
from addon.analysis.call_analytics import render
from addon.analysis.categories import categories_of
from addon.analysis.findings import Findings
from addon.analysis.input import Input, Spool
from addon.analysis.opening import open_input
from addon.analysis.options import Options
from addon.analysis.peaks import Peaks
from addon.analysis.redaction import Found, Kind, Redaction
from addon.analysis.report import Report
from addon.analysis.runs import Runs
from addon.analysis.sentiment import sentiment_of
from addon.analysis.spoken_redaction import SPOKEN_KINDS, MutedSamples, Spoken
from addon.analysis.stages import RATE_HZ, Stages
from addon.analysis.timeline import Interval
from addon.analysis.transcript import Transcript
from addon.analysis.transcription import Heard, SpooledSamples, transcribe
from addon.analysis.unsure_words import unsure
from addon.audio.decoders import quiet_av
from addon.errors import UnreadableAudio


def warm_up() -> None:
    """Load what is loaded once for each process: detector, FFmpeg, resampler.

    A worker that stays alive calls it before its first recording, so that none waits for it.
    """
    Stages(RATE_HZ, channels=1)
    quiet_av()
    importlib.import_module("soxr")


class RecordingPass:
    """Feed it a recording's bytes, archive what it returns, read `report` when finished.

    `spool` gives a new seekable binary file that is safe for plaintext; it is used only for kinds
    that need random access and for transcripts. Any method raises UnreadableAudio, with the reason
    in words, for bytes that are no recording.
    """

    report: Report

    def __init__(self, options: Options, *, spool: Spool) -> None:
        self._options = options
        self._spool = spool
        self._begun = time.monotonic()
        self._head = bytearray()
        self._input: Input | None = None

    def feed(self, block: bytes) -> bytes:
        """More of the recording; returns bytes that may be archived now, behind the input."""
        if self._input is not None:
            return self._input.feed(block)
        self._head += block
        self._input = self._opened(at_end=False)
        return self._begin() if self._input else b""

    def finish(self) -> Iterator[bytes]:
        """The recording is complete: yields the remaining archivable bytes, then sets `report`."""
        if self._input is None:
            self._input = self._opened(at_end=True)
            if self._input is None:
                raise UnreadableAudio("The WAV file ends inside its header")
            yield self._begin()
        recording = self._input
        recording.measure()
        findings = Findings(recording.stages, self._options)
        heard, left_out = self._heard(recording.stages, findings)
        mutes = not (recording.gap and recording.reencodes)
        spoken = self._spoken(recording.stages, findings, heard) if mutes else Spoken()
        redaction = Redaction.of(
            self._found(recording.stages, spoken, left_out),
            gap=recording.gap or None,
            reencodes=recording.reencodes,
            unsure=spoken.unsure,
        )
        yield from recording.release(redaction.intervals)
        transcript = self._transcript(heard, redaction) if heard else None
        report = self._reported(recording, findings, redaction, transcript, left_out)
        # From the finished result, so that they know no more than it says.
        result = report.as_result()
        found = categories_of(self._options.rules, result)
        sentiment = sentiment_of(result) if self._options.sentiment else None
        self.report = replace(report, categories=found, sentiment=sentiment)

    def _begin(self) -> bytes:
        head, self._head = bytes(self._head), bytearray()
        return self._input.feed(head) if self._input else b""

    def _opened(self, *, at_end: bool) -> Input | None:
        return open_input(
            self._head, self._options, self._spool, prepare=self._prepare, at_end=at_end
        )

    def _prepare(self, stages: Stages) -> None:
        if self._options.waveform:
            stages.peaks = Peaks(stages.rate, stages.channels)
        if self._options.transcriber is not None:
            stages.spooled = SpooledSamples(self._spool(), stages.heard)

    def _seconds_left(self) -> float | None:
        budget = self._options.budget_seconds
        return None if budget is None else budget - (time.monotonic() - self._begun)

    def _heard(self, stages: Stages, findings: Findings) -> tuple[Heard | None, str | None]:
        """The words that were said, or None and the reason where some were wanted."""
        transcriber, sound = self._options.transcriber, stages.spooled
        if transcriber is None or sound is None:
            return None, None
        segments, left = findings.conversation.segments, self._seconds_left()
        heard = transcribe(transcriber, sound, segments, left, self._options.hints)
        return (None, heard.left_out) if heard.left_out else (heard, None)

    def _spoken(self, stages: Stages, findings: Findings, heard: Heard | None) -> Spoken:
        """The spoken details to be muted, proved by hearing the muted sound again."""
        options, sound = self._options, stages.spooled
        transcriber = options.transcriber
        if heard is None or transcriber is None or sound is None:
            return Spoken()
        hints = replace(options.hints, language=heard.language)
        timeline = findings.timeline
        segments = [timeline.intervals(spans) for spans in findings.conversation.segments]
        parties = spoken_redaction.parties_of(heard.words, segments)

        def hear(spans: Sequence[Runs], muted: Sequence[Interval]) -> Heard:
            quiet = MutedSamples(sound, muted)
            return transcribe(transcriber, quiet, spans, self._seconds_left(), hints)

        found = spoken_redaction.find(parties, options.redact_spoken)
        spoken = spoken_redaction.prove(
            found, parties, options.redact_spoken, timeline.duration, hear
        )
        asked = bool(options.redact_spoken)
        doubt = unsure(parties, spoken.finds) if asked else None
        return replace(spoken, unsure=doubt)

    def _transcript(self, heard: Heard, redaction: Redaction) -> Transcript:
        engine = self._options.transcriber.name if self._options.transcriber else ""
        muted = redaction.intervals
        return Transcript.of(engine, heard.words, language=heard.language, muted=muted)

    def _found(self, stages: Stages, spoken: Spoken, left_out: str | None) -> dict[Kind, Found]:
        """The finds, by kind."""
        options = self._options
        counted = [tone.interval for tone in stages.tones.found]
        tones = stages.tones.muted() if options.redact_dtmf else counted
        why = None if options.redact_dtmf else "The muting of key tones is switched off."
        found: dict[Kind, Found] = {"dtmf": Found(tones, options.redact_dtmf, why)}
        for kind in SPOKEN_KINDS:
            found[kind] = self._found_spoken(kind, spoken, left_out)
        return found

    def _found_spoken(self, kind: Kind, spoken: Spoken, left_out: str | None) -> Found:
        if kind not in self._options.redact_spoken:
            return Found(None, wanted=False, reason="Its muting is switched off.")
        if self._options.transcriber is None:
            required = self._options.spoken_required
            return Found(None, wanted=required, reason="No transcriber is configured.")
        if left_out:
            reason = f"Spoken numbers were not looked for. {left_out}"
            return Found(None, wanted=True, reason=reason)
        return spoken.found(kind)

    def _reported(
        self,
        recording: Input,
        findings: Findings,
        redaction: Redaction,
        transcript: Transcript | None,
        left_out: str | None,
    ) -> Report:
        source, stages = recording.source, recording.stages
        peaks, warnings = stages.peaks, list(source.warnings)
        if redaction.warning is not None:
            warnings.append(redaction.warning)
        return Report(
            format=source.format,
            codec=source.codec,
            archived_format=source.archived_format,
            rate=stages.rate,
            channels=stages.channels,
            frames=stages.totals.count,
            archived_frames=recording.archived_frames,
            conversation=findings.conversation,
            participants=findings.participants,
            flags=[*findings.flags, *source.flags],
            warnings=warnings,
            redaction=redaction.within(findings.timeline.duration),
            waveform=peaks.as_waveform(redaction.intervals) if peaks else None,
            transcript=transcript,
            transcript_reason=left_out,
            renderings={"call_analytics": render} if self._options.call_analytics else {},
        )
