"""Transcribers, and the way the speech of a recording is brought to one.

Speech is cut out by channel and packed into pieces, so that silence costs nothing. A transcript is
an extra: it is left out, with a reason, as soon as it could make the result late.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import numpy as np

from addon.analysis.runs import Runs
from addon.audio.decoders import Floats

#: Whisper hears thirty seconds at a time and costs as much for three.
PIECE_SECONDS = 28.0
#: Silence put between two segments of a piece, and left around a segment.
GAP_SECONDS, MARGIN_SECONDS = 0.3, 0.05
#: Of the time that is left, the forecast may take this share.
SAFE_SHARE = 0.8
_RATE_HZ = 8000
_FULL_SCALE = 32767
_SAMPLES_PER_FRAME = 80


@dataclass(frozen=True)
class Word:
    """One word as it was heard: times in seconds, confidence from 0 to 1."""

    text: str
    start: float
    stop: float
    confidence: float
    channel: int = 0


class Transcriber(Protocol):
    """Turns speech into words. It must never reach out to a network."""

    @property
    def name(self) -> str:
        """Its name in the result."""
        ...

    @property
    def expected_rate(self) -> float:
        """Processing seconds a second of speech, until it has been measured."""
        ...

    def words(self, samples: Floats) -> Sequence[Word]:
        """The words in mono samples at 8 kHz, full scale 1.0, with times from their start."""
        ...


class SpooledSamples:
    """The sound at 8 kHz as interleaved 16-bit samples, kept until a transcriber has read it.

    `spool` is a seekable file that is safe for plaintext.
    """

    def __init__(self, spool: BinaryIO, channels: int) -> None:
        self._spool = spool
        self._channels = channels

    def add(self, samples: Floats) -> None:
        """Keep (channels, any number) more samples, full scale 1.0."""
        whole = np.round(np.clip(samples, -1, 1) * _FULL_SCALE).astype("<i2")
        self._spool.write(np.ascontiguousarray(whole.T).tobytes())

    def read(self, channel: int, first: int, last: int) -> Floats:
        """The samples [first, last) of one channel; fewer at the end."""
        frame = 2 * self._channels
        self._spool.seek(first * frame)
        content = self._spool.read((last - first) * frame)
        whole = np.frombuffer(content[: len(content) // frame * frame], "<i2")
        samples = whole.reshape(-1, self._channels)[:, channel].astype(np.float32)
        return samples * np.float32(1 / _FULL_SCALE)


@dataclass(frozen=True)
class Piece:
    """Segments of one channel to be heard together, as sample spans at 8 kHz."""

    channel: int
    spans: Sequence[tuple[int, int]]

    @property
    def seconds(self) -> float:
        """The speech in it."""
        return sum(last - first for first, last in self.spans) / _RATE_HZ

    def samples(self, sound: SpooledSamples) -> Floats:
        """The segments one after the other with short silence between."""
        gap = np.zeros(int(GAP_SECONDS * _RATE_HZ), np.float32)
        parts = [part for span in self.spans for part in (sound.read(self.channel, *span), gap)]
        return np.concatenate(parts)

    def timed(self, words: Sequence[Word]) -> Iterator[Word]:
        """The words at their times in the recording."""
        begins, at = [], 0.0
        for first, last in self.spans:
            begins.append(at)
            at += (last - first) / _RATE_HZ + GAP_SECONDS
        for word in words:
            index = max(int(np.searchsorted(begins, word.start, "right")) - 1, 0)
            earliest, latest = (edge / _RATE_HZ for edge in self.spans[index])
            shift = earliest - begins[index]
            start = min(max(word.start + shift, earliest), latest)
            stop = min(max(word.stop + shift, start), latest)
            yield Word(word.text, round(start, 3), round(stop, 3), word.confidence, self.channel)


def pieces(segments: Sequence[Runs]) -> list[Piece]:
    """The speech segments of each channel, packed in order into pieces."""
    packed = []
    for channel, spans in enumerate(segments):
        waiting: list[tuple[int, int]] = []
        for span in _cut(spans):
            if waiting and _length([*waiting, span]) > PIECE_SECONDS:
                packed.append(Piece(channel, waiting))
                waiting = []
            waiting.append(span)
        if waiting:
            packed.append(Piece(channel, waiting))
    return packed


def transcribe(
    transcriber: Transcriber,
    sound: SpooledSamples,
    segments: Sequence[Runs],
    seconds_left: float | None,
) -> tuple[list[Word], str | None]:
    """All words in order of time, or none and the reason why there are none.

    `seconds_left` is what may still be spent; the forecast is renewed after every piece.
    """
    todo = pieces(segments)
    begun = time.monotonic()
    deadline = None if seconds_left is None else begun + seconds_left * SAFE_SHARE
    speech_left, speech_done = sum(piece.seconds for piece in todo), 0.0
    heard: list[Word] = []
    for piece in todo:
        now = time.monotonic()
        rate = (now - begun) / speech_done if speech_done else transcriber.expected_rate
        if deadline is not None and now + rate * speech_left > deadline:
            return [], "Left out: it would not have been ready before the result's deadline."
        try:
            heard += piece.timed(transcriber.words(piece.samples(sound)))
        except Exception as failure:  # whatever a model does, the figures must still go out
            return [], f"Left out: the transcriber failed ({type(failure).__name__})."
        speech_left, speech_done = speech_left - piece.seconds, speech_done + piece.seconds
    return sorted(heard, key=lambda word: (word.start, word.channel)), None


def _cut(spans: Runs) -> Iterator[tuple[int, int]]:
    """Spans of frames as spans of samples with a margin, none longer than a piece."""
    margin, longest = int(MARGIN_SECONDS * _RATE_HZ), int(PIECE_SECONDS * _RATE_HZ)
    for first, last in spans:
        start = max(int(first) * _SAMPLES_PER_FRAME - margin, 0)
        stop = int(last) * _SAMPLES_PER_FRAME + margin
        while start < stop:
            yield start, min(start + longest, stop)
            start += longest


def _length(spans: Sequence[tuple[int, int]]) -> float:
    return sum((last - first) / _RATE_HZ + GAP_SECONDS for first, last in spans)
