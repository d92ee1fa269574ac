"""Each channel of a recording: who is on it, how long they talk, how loud, and what they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from addon.analysis.rendering import Json, decimal, explained, pairs
from addon.analysis.timeline import Interval, total
from addon.analysis.turns import Floor, Latency

#: The role of a channel on which the parties cannot be told apart.
MIXED = "mixed"

_OF_TWO_PARTIES = (
    "turns",
    "longest_monologue_seconds",
    "backchannels",
    "interruptions",
    "response_latency_seconds",
)


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
            "speech_dbfs": decimal(self.speech_dbfs),
            "noise_dbfs": decimal(self.noise_dbfs),
            "snr_db": decimal(self.snr_db),
            "peak_dbfs": decimal(self.peak_dbfs),
            "rms_dbfs": decimal(self.rms_dbfs),
            "clipped_percent": round(self.clipped_percent, 3),
            "dc_offset": round(self.dc_offset, 5),
        }
        return explained(
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
            "dtmf": {"count": len(self.tones), "intervals": pairs(self.tones)},
        }
        return explained(document, dict.fromkeys(_OF_TWO_PARTIES, sentence))

    def _floor(self) -> Json:
        floor = self.floor
        if floor is None:
            return dict.fromkeys(_OF_TWO_PARTIES)
        return {
            "turns": floor.turns,
            "longest_monologue_seconds": floor.longest_monologue,
            "backchannels": floor.backchannels,
            "interruptions": {
                "count": len(floor.interruptions),
                "total_seconds": total(floor.interruptions),
                "intervals": pairs(floor.interruptions),
            },
            "response_latency_seconds": _latency(floor.latency),
        }


def _latency(latency: Latency) -> Json:
    document: Json = {"median": latency.median, "p90": latency.p90, "count": latency.count}
    never = "This party never answered the other."
    return explained(document, {"median": never, "p90": never})
