"""The finished figures of one recording, and their rendering as the documented result.

Key names and units are the public contract (docs/result.schema.json): seconds with three decimals,
intervals as [start, end], and a `<name>_reason` beside every null that a reader could miss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from addon.analysis.conversation import Conversation, Pauses
from addon.analysis.timeline import Interval, total
from addon.analysis.turns import Floor, Latency

MIXED = "mixed"

Json = dict[str, Any]


@dataclass(frozen=True)
class Level:
    """One channel's loudness; speech, noise and their difference are None where there is none."""

    peak_dbfs: float
    rms_dbfs: float
    dc_offset: float
    clipped_percent: float
    speech_dbfs: float | None
    noise_dbfs: float | None
    snr_db: float | None

    def as_result(self) -> Json:
        """The `level` object."""
        document: Json = {
            "speech_dbfs": _rounded(self.speech_dbfs),
            "noise_dbfs": _rounded(self.noise_dbfs),
            "snr_db": _rounded(self.snr_db),
            "peak_dbfs": _rounded(self.peak_dbfs),
            "rms_dbfs": _rounded(self.rms_dbfs),
            "clipped_percent": round(self.clipped_percent, 3),
            "dc_offset": round(self.dc_offset, 5),
        }
        return _explained(
            document,
            {
                "speech_dbfs": "No speech on this channel.",
                "noise_dbfs": "No sound on this channel outside speech.",
                "snr_db": "Needs both speech and noise on this channel.",
            },
        )


@dataclass(frozen=True)
class Participant:
    """One channel and who is on it. `floor` is None where parties cannot be told apart."""

    channel: int
    role: str
    talk: float
    talk_percent: float
    level: Level
    floor: Floor | None
    tones: Sequence[Interval]
    bleed: float

    def as_result(self, sentence: str) -> Json:
        """One of `participants`; `sentence` explains what is null."""
        document: Json = {
            "channel": self.channel,
            "role": self.role,
            "talk_seconds": self.talk,
            "talk_percent": self.talk_percent,
            **self._floor(),
            "level": self.level.as_result(),
            "crosschannel_bleed_seconds": self.bleed,
            "dtmf": {"count": len(self.tones), "intervals": _pairs(self.tones)},
        }
        names = ("turns", "longest_monologue_seconds", "interruptions", "response_latency_seconds")
        return _explained(document, dict.fromkeys((*names, "backchannels"), sentence))

    def _floor(self) -> Json:
        floor = self.floor
        if floor is None:
            return dict.fromkeys(
                (
                    "turns",
                    "longest_monologue_seconds",
                    "backchannels",
                    "interruptions",
                    "response_latency_seconds",
                )
            )
        times = [(first / 100, last / 100) for first, last in floor.interruptions]
        return {
            "turns": len(floor.turns),
            "longest_monologue_seconds": floor.longest_monologue,
            "backchannels": floor.backchannels,
            "interruptions": {
                "count": len(times),
                "total_seconds": total(times),
                "intervals": _pairs(times),
            },
            "response_latency_seconds": _latency(floor.latency),
        }


@dataclass(frozen=True)
class Redaction:
    """What was muted in the archived audio, and why: `dtmf`, `spoken_number`."""

    intervals: Sequence[Interval] = ()
    reasons: Sequence[str] = ()

    def as_result(self) -> Json:
        """The `redaction` object."""
        return {"intervals": _pairs(self.intervals), "reasons": list(self.reasons)}


@dataclass(frozen=True)
class Report:
    """Everything that one pass found out.

    `format` is the container received ("wav", "mp3"); `archived_format` the one handed back, which
    differs only where tones had to be muted in a kind whose bytes cannot be patched.
    """

    format: str
    codec: str
    archived_format: str
    rate: int
    channels: int
    conversation: Conversation
    participants: Sequence[Participant]
    flags: Sequence[str] = ()
    warnings: Sequence[str] = ()
    redaction: Redaction = field(default_factory=Redaction)
    waveform: Mapping[str, Any] | None = None
    transcript: Mapping[str, Any] | None = None

    @property
    def duration_seconds(self) -> float:
        """The length of the audio, measured from its samples."""
        return self.conversation.timeline.duration

    @property
    def redacted(self) -> bool:
        """Whether the archived audio differs from what was received."""
        return bool(self.redaction.intervals)

    def as_result(self) -> Json:
        """The keys of `result` that the audio itself decides (contract 5)."""
        document: Json = {
            "audio": self._audio(),
            "participants": [p.as_result(self._sentence) for p in self.participants],
            "conversation": self._conversation(),
            "segments": self._segments(),
            "flags": list(self.flags),
            "warnings": list(self.warnings),
            "redaction": self.redaction.as_result(),
        }
        if self.waveform is not None:
            document["waveform"] = dict(self.waveform)
        if self.transcript is not None:
            document["transcript"] = dict(self.transcript)
        return document

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
            "hold": {"total_seconds": total(talk.hold), "intervals": _pairs(talk.hold)},
        }
        return _explained(document, self._conversation_reasons(document))

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
        "intervals": _pairs(pauses.intervals),
    }


def _latency(latency: Latency) -> Json:
    document: Json = {"median": latency.median, "p90": latency.p90, "count": latency.count}
    never = "This party never answered the other."
    return _explained(document, {"median": never, "p90": never})


def _pairs(intervals: Sequence[Interval]) -> list[list[float]]:
    return [[round(start, 3), round(end, 3)] for start, end in intervals]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _explained(document: Json, reasons: Mapping[str, str]) -> Json:
    """The document with `<name>_reason` after every null that `reasons` knows."""
    explained: Json = {}
    for name, value in document.items():
        explained[name] = value
        if value is None and name in reasons:
            explained[f"{name}_reason"] = reasons[name]
    return explained
