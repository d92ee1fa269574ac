"""Measurements of sound while it streams by, in constant memory but for 10 ms figures.

Samples come in at the recording's own rate; levels are taken there, and everything else
on 8 kHz blocks of 64 s, the size at which the detector is fastest (spec/audio 7).
"""

from __future__ import annotations

import numpy as np

from addon.analysis.levels import FrameLevels, Totals
from addon.analysis.peaks import Peaks
from addon.analysis.tonality import Tonality
from addon.analysis.tones import ToneDetector
from addon.analysis.transcription import SpooledSamples
from addon.analysis.voice import Voice
from addon.audio.conversion import Converter
from addon.audio.decoders import Floats, Run
from addon.audio.packets import MAX_SECONDS
from addon.errors import UnreadableAudio

RATE_HZ = 8000
BLOCK = 64 * RATE_HZ
#: Blocks are whole detector windows and whole 10 ms frames: lcm(256, 80) samples.
_GRAIN = 1280


class Stages:
    """All measurements of one recording; `add` samples, then `finish` once."""

    def __init__(self, rate: int, channels: int) -> None:
        self.rate = rate
        self.channels = channels
        #: Set by whoever wants them: the waveform, and the sound kept for a transcriber.
        self.peaks: Peaks | None = None
        self.spooled: SpooledSamples | None = None
        self.totals = Totals(channels)
        self.levels = FrameLevels()
        #: Channels that are analysed apart; more than two are heard as one mixture.
        self.heard = channels if channels <= 2 else 1
        self.voice = Voice(self.heard)
        self.tonality = Tonality(self.heard)
        self.tones = ToneDetector(channels)
        self._converter = Converter(RATE_HZ, channels)
        self._waiting: list[Floats] = []
        self._samples_waiting = 0

    @property
    def duration_ms(self) -> int:
        """The length of what was added, in milliseconds."""
        return round(1000 * self.totals.count / self.rate)

    def add(self, samples: Floats) -> None:
        """Measure `samples`, (channels, any number), full scale 1.0.

        Raises UnreadableAudio beyond MAX_SECONDS.
        """
        self.totals.add(samples)
        if self.totals.count > MAX_SECONDS * self.rate:
            raise UnreadableAudio(f"The recording is longer than {MAX_SECONDS // 3600} hours")
        if self.peaks is not None:
            self.peaks.add(samples)
        for resampled in self._converter.add(Run(self.rate, samples)):
            self._wait(resampled)
        while self._samples_waiting >= BLOCK:
            waiting = np.concatenate(self._waiting, axis=1)
            self._waiting, self._samples_waiting = [], 0
            self._block(waiting[:, :BLOCK])
            self._wait(waiting[:, BLOCK:])

    def finish(self) -> None:
        """Measure what is left, completed with silence to whole windows."""
        for resampled in self._converter.end():
            self._wait(resampled)
        if self._samples_waiting:
            rest = np.concatenate(self._waiting, axis=1)
            self._block(np.pad(rest, ((0, 0), (0, -rest.shape[1] % _GRAIN))))
        self._waiting = []
        self.tones.finish()
        if self.peaks is not None:
            self.peaks.finish()

    def _wait(self, samples: Floats) -> None:
        if samples.shape[1]:
            self._waiting.append(samples)
            self._samples_waiting += samples.shape[1]

    def _block(self, samples: Floats) -> None:
        self.tones.add(samples)
        heard = samples if self.heard == self.channels else samples.mean(axis=0, keepdims=True)
        levels = self.levels.add(heard)
        self.tonality.add(heard, levels, self.voice.add(heard, levels))
        if self.spooled is not None:
            self.spooled.add(heard)
