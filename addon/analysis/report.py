"""The finished figures of one recording, and their rendering as the documented result.

Key names and units are the public contract (docs/result.schema.json): seconds with three decimals,
intervals as [start, end], and a `<name>_reason` beside every null that a reader could miss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from addon.analysis.call_progress import Signal
from addon.analysis.categories import Categories
from addon.analysis.conversation import Conversation, Pauses
from addon.analysis.participants import Participant
from addon.analysis.redaction import Redaction
from addon.analysis.rendering import Json, explained, pairs
from addon.analysis.sentiment import Sentiment
from addon.analysis.timeline import total
from addon.analysis.transcript import Transcript


@dataclass(frozen=True)
class Report:
    """Everything that one pass found out.

    `format` is the container received ("wav", "mp3"); `archived_format` the one handed back, which
    differs only where tones had to be muted in a kind whose bytes cannot be patched. `frames` are
    the sample frames heard, `archived_frames` those in the file that was encoded anew: None where
    the bytes are the file as received, or muted in place.
    """

    format: str
    codec: str
    archived_format: str
    rate: int
    channels: int
    frames: int
    archived_frames: int | None
    conversation: Conversation
    participants: Sequence[Participant]
    flags: Sequence[str] = ()
    warnings: Sequence[str] = ()
    redaction: Redaction = field(default_factory=Redaction)
    waveform: Mapping[str, Any] | None = None
    transcript: Transcript | None = None
    #: Why there is none though one was wanted.
    transcript_reason: str | None = None
    categories: Categories = field(default_factory=Categories)
    #: None where it was not asked for.
    sentiment: Sentiment | None = None
    #: Further renderings that the result carries, by their key.
    renderings: Mapping[str, Callable[[Report], Json]] = field(default_factory=dict)

    @property
    def duration_seconds(self) -> float:
        """The length of the audio, measured from its samples."""
        return self.conversation.timeline.duration

    @property
    def redacted(self) -> bool:
        """True if the archived audio differs from what was received."""
        return bool(self.redaction.intervals)

    def as_result(self) -> Json:
        """The keys of `result` that the audio itself decides (spec/interfaces 5)."""
        document: Json = {
            "audio": self._audio(),
            "participants": [p.as_result(self._sentence) for p in self.participants],
            "conversation": self._conversation(),
            "segments": self._segments(),
            "flags": [*self.flags, *self.categories.flags],
            "warnings": list(self.warnings),
            "redaction": self.redaction.as_result(),
        }
        if self.waveform is not None:
            document["waveform"] = dict(self.waveform)
        if self.transcript is not None:
            roles = {person.channel: person.role for person in self.participants}
            document["transcript"] = self.transcript.as_result(roles)
            if self.sentiment is not None:
                document["transcript"] |= self.sentiment.as_result()
        elif self.transcript_reason:
            document |= {"transcript": None, "transcript_reason": self.transcript_reason}
        document |= self.categories.as_result()
        return document | {key: render(self) for key, render in self.renderings.items()}

    @property
    def _sentence(self) -> str:
        if self.channels == 1:
            return "The recording has one channel: its speakers cannot be told apart."
        if "identical_channels" in self.flags:
            return "All channels carry the same sound: its speakers cannot be told apart."
        return "The recording has more than two channels: they are heard as one mixture."

    def _audio(self) -> Json:
        return {
            "format": self.format,
            "codec": self.codec,
            "duration_seconds": self.duration_seconds,
            "sample_rate_hz": self.rate,
            "channels": self.channels,
        }

    def _conversation(self) -> Json:
        talk = self.conversation
        by_role = {person.role: person.talk for person in self.participants}
        times = {
            "agent_talk": by_role.get("agent"),
            "customer_talk": by_role.get("customer"),
            "silence": talk.silence,
            "crosstalk": talk.crosstalk,
        }
        ratio = {p.role: r for p, r in zip(self.participants, talk.talk_ratio, strict=True)}
        document: Json = {f"{name}_seconds": value for name, value in times.items()}
        document |= {f"{name}_percent": self._percent(value) for name, value in times.items()}
        document |= {
            "crosstalk_count": talk.crosstalk_count,
            "talk_ratio_agent": ratio.get("agent"),
            "longest_silence_seconds": talk.longest_silence,
            "initial_silence_seconds": talk.initial_silence,
            "trailing_silence_seconds": talk.trailing_silence,
            "non_talk": _pauses(talk.non_talk),
            "dead_air": _pauses(talk.dead_air),
            "hold": {"total_seconds": total(talk.hold), "intervals": pairs(talk.hold)},
            "call_progress_tones": [self._call_progress(tone) for tone in talk.call_progress],
        }
        return explained(document, self._conversation_reasons(document))

    def _call_progress(self, tone: Signal) -> Json:
        start, end = self.conversation.timeline.span(tone.first, tone.last)
        place = {"kind": tone.kind, "channel": tone.channel}
        return place | {"start_seconds": start, "end_seconds": end}

    def _percent(self, seconds: float | None) -> float | None:
        return None if seconds is None else self.conversation.timeline.percent(seconds)

    def _conversation_reasons(self, document: Json) -> dict[str, str]:
        unspoken = "Nobody speaks in this recording."
        two = self.conversation.crosstalk is not None
        reasons = dict.fromkeys(document, unspoken if two else self._sentence)
        silences = ("initial_silence_seconds", "trailing_silence_seconds")
        return reasons | dict.fromkeys(silences, unspoken)

    def _segments(self) -> list[Json]:
        timeline = self.conversation.timeline
        listed = [
            {
                "channel": person.channel,
                "role": person.role,
                "start_seconds": start,
                "end_seconds": end,
            }
            for person, spans in zip(self.participants, self.conversation.segments, strict=True)
            for start, end in timeline.intervals(spans)
        ]
        return sorted(listed, key=lambda segment: (segment["start_seconds"], segment["channel"]))


def _pauses(pauses: Pauses) -> Json:
    return {
        "threshold_seconds": pauses.threshold,
        "total_seconds": pauses.total,
        "intervals": pairs(pauses.intervals),
    }
