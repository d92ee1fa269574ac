"""From the finished stages to the report: masks, roles, levels and flags put together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from addon.analysis import background, call_progress, runs, speech
from addon.analysis.call_progress import Signal
from addon.analysis.conversation import Conversation, converse
from addon.analysis.hold import hold
from addon.analysis.levels import FLOOR_DBFS, decibels, median, percentiles, smoothed
from addon.analysis.options import Options
from addon.analysis.participants import MIXED, Level, Participant
from addon.analysis.runs import Mask, Runs
from addon.analysis.stages import Stages
from addon.analysis.timeline import Timeline
from addon.analysis.tones import Tone
from addon.audio.decoders import Floats

#: Two channels this alike carry the same sound.
IDENTICAL_ABOVE = 0.98
#: So do two whose levels, over so many 10 ms frames, differ by nearly the same throughout: by these
#: many dB between the quartiles and between the 5th and 95th percentiles, both being heard in this
#: part of the speech. Copies have 0.0 to 0.7 and 0.0 to 3.6; two parties, and echo at -10 dB, 20
#: and more (decision 0214).
_LEVELS_OVER, _QUARTER_DB, _MOST_DB, _TOGETHER = 5, 1.5, 5.0, 0.9
SILENT_BELOW_DBFS = -60.0
NOISY_BELOW_DB = 10.0
#: Share of clipped samples from which it can be heard.
CLIPPED_PERCENT = 0.005
#: No two people talk at once for a greater part of a recording.
TOGETHER_PERCENT = 40.0
#: One-sided: one party spoke less than this while the other spoke longer than that.
HARDLY_SECONDS, LONG_SECONDS = 1.0, 10.0
#: Quieter than any sound that 16-bit samples can carry: no noise to speak of.
_DIGITAL_SILENCE_DBFS = -100.0


class Findings:
    """Conversation, participants and flags, from the finished stages."""

    def __init__(self, stages: Stages, options: Options) -> None:
        self._stages = stages
        self._options = options
        self.timeline = Timeline(stages.duration_ms)
        frames = self.timeline.frames
        levels = _fitted(stages.levels.all(stages.heard), frames)
        heard = stages.voice.speech(frames)
        self.identical = stages.channels == 2 and self._same_sound(heard, levels)
        parties = 1 if self.identical else stages.heard
        self._levels, heard = levels[:parties], heard[:parties]
        held, signals = self._settle(heard)
        self.conversation: Conversation = converse(
            self._speech,
            self.timeline,
            non_talk_seconds=options.non_talk_seconds,
            hold=held,
            signals=signals,
        )
        self.participants = [self._participant(channel) for channel in range(parties)]

    def _settle(self, heard: Sequence[Mask]) -> tuple[Runs, list[Signal]]:
        """Sort what the detector heard into speech and the rest; hold and tones are returned."""
        parties, frames, levels = len(heard), self.timeline.frames, self._levels
        spectra = self._stages.tonality.spectra()[:parties]
        keys = [self._tone_mask(channel, parties) for channel in range(parties)]
        signals = call_progress.signals(spectra, levels, heard, keys)
        tones = [
            mask | call_progress.sounding(signals, channel, frames)
            for channel, mask in enumerate(keys)
        ]
        lasting = call_progress.lasting(signals, frames)
        on_hold = runs.mask(hold(heard, levels, spectra, lasting), frames)
        floors = background.floors(heard, levels, on_hold)
        self._background = any(floor is not None for floor in floors)
        self._speech, self._bled = speech.settle(heard, levels, tones, on_hold, floors)
        # Voices in the background are no party's speech, and no music either.
        human = [
            spoken if floor is None else spoken | voices
            for spoken, voices, floor in zip(self._speech, heard, floors, strict=True)
        ]
        held = hold(human, levels, spectra, lasting)
        self._other_sound = [mask | runs.mask(held, frames) for mask in tones]
        return held, signals

    @property
    def flags(self) -> list[str]:
        """Short fixed words about the recording's quality; `truncated` and `damaged` come apart."""
        talk, stages = self.conversation.talk, self._stages
        every = range(stages.channels)
        peaks = [stages.totals.peak_dbfs(channel) for channel in every]
        clipped = [stages.totals.clipped_percent(channel) for channel in every]
        ratios = [person.level.snr_db for person in self.participants]
        raised = {
            "no_speech": not any(talk),
            "one_sided": _one_sided(talk),
            "silent_channel": min(peaks) < SILENT_BELOW_DBFS,
            "identical_channels": self.identical,
            "clipped": max(clipped) >= CLIPPED_PERCENT,
            "background_voices": self._background or self._talk_over_talk(),
            "low_snr": any(ratio is not None and ratio < NOISY_BELOW_DB for ratio in ratios),
        }
        return [flag for flag, is_raised in raised.items() if is_raised]

    def _same_sound(self, heard: Sequence[Mask], levels: Floats) -> bool:
        """True if two channels carry the same sound, where anybody speaks.

        Their samples agree, whatever the sign; or both are heard at once and their levels keep the
        same distance, as where one channel is late by a few samples or both were coded apart.
        Music on both channels does not make one channel of two parties: only where hardly anybody
        speaks are the samples of the whole recording compared.
        """
        spoken = np.logical_or.reduce(heard)
        enough = np.count_nonzero(spoken) >= HARDLY_SECONDS * runs.FRAME_RATE
        likeness = self._stages.levels.likeness(spoken if enough else np.ones_like(spoken))
        if abs(likeness) > IDENTICAL_ABOVE or not enough:
            return abs(likeness) > IDENTICAL_ABOVE
        together = np.count_nonzero(np.logical_and.reduce(heard)) / np.count_nonzero(spoken)
        apart = (smoothed(levels[0], _LEVELS_OVER) - smoothed(levels[1], _LEVELS_OVER))[spoken]
        lowest, lower, upper, highest = percentiles(apart, 5, 25, 75, 95)
        return bool(
            together > _TOGETHER and upper - lower < _QUARTER_DB and highest - lowest < _MOST_DB
        )

    def _talk_over_talk(self) -> bool:
        """Both parties seem to talk at once for so long that others must be heard on the line."""
        together = self.timeline.percent(self.conversation.crosstalk or 0.0)
        return together > TOGETHER_PERCENT

    def _participant(self, channel: int) -> Participant:
        talk, alone = self.conversation, len(self._speech) == 1
        return Participant(
            channel=channel,
            role=MIXED if alone else self._options.roles[channel],
            talk=talk.talk[channel],
            talk_percent=self.timeline.percent(talk.talk[channel]),
            level=self._level(channel),
            floor=None if alone else talk.floors[channel],
            tones=[tone.interval for tone in self._tones_of(channel, len(self._speech))],
            bleed=runs.seconds(self._bled[channel]),
        )

    def _level(self, channel: int) -> Level:
        totals, mask, levels = self._stages.totals, self._speech[channel], self._levels[channel]
        inside = np.power(10, levels[mask] / 10)
        outside = np.power(10, levels[~mask & ~self._other_sound[channel]] / 10)
        loud = decibels(float(inside.mean())) if len(inside) else None
        quiet = decibels(median(outside)) if len(outside) else None
        if quiet is not None and quiet < _DIGITAL_SILENCE_DBFS:
            quiet = FLOOR_DBFS
        measurable = loud is not None and quiet is not None and quiet > FLOOR_DBFS
        return Level(
            peak_dbfs=totals.peak_dbfs(channel),
            rms_dbfs=totals.rms_dbfs(channel),
            dc_offset=totals.dc_offset(channel),
            clipped_percent=totals.clipped_percent(channel),
            speech_dbfs=loud,
            noise_dbfs=quiet,
            snr_db=loud - quiet if measurable and loud is not None and quiet is not None else None,
        )

    def _tones_of(self, channel: int, parties: int) -> list[Tone]:
        """A channel's key presses; one party has those of all channels, each press once."""
        tones = self._stages.tones.found
        if parties > 1:
            return [tone for tone in tones if tone.channel == channel]
        apart: list[Tone] = []
        for tone in sorted(tones, key=lambda tone: tone.start):
            if not apart or tone.start >= apart[-1].stop:
                apart.append(tone)
        return apart

    def _tone_mask(self, channel: int, parties: int) -> Mask:
        spans = [
            (
                int(tone.start * runs.FRAME_RATE) - speech.TONE_MARGIN,
                int(tone.stop * runs.FRAME_RATE) + speech.TONE_MARGIN + 1,
            )
            for tone in self._tones_of(channel, parties)
        ]
        return runs.mask(spans, self.timeline.frames)


def _one_sided(talk: Sequence[float]) -> bool:
    """One party hardly speaks: under 1 s against 10 s, or not at all in a shorter recording."""
    if len(talk) < 2:
        return False
    less, more = sorted(talk)
    return less < HARDLY_SECONDS and (more > LONG_SECONDS or (less == 0 and more > HARDLY_SECONDS))


def _fitted(levels: Floats, frames: int) -> Floats:
    """Exactly `frames` columns: the grid's, not the last block's."""
    missing = max(frames - levels.shape[1], 0)
    return np.pad(levels, ((0, 0), (0, missing)), constant_values=FLOOR_DBFS)[:, :frames]
