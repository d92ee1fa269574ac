"""The way the speech of a recording is brought to a transcriber, and its words to their places.

Speech is cut out by channel and packed into pieces, so that silence costs nothing. A transcript is
an extra: it is left out, with a reason, as soon as it could make the result late.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from addon.analysis.runs import Runs
from addon.analysis.timeline import Interval
from addon.analysis.words import Hints, Transcriber, Word
from addon.audio.decoders import Floats
from addon.errors import SettingsError

#: Whisper hears thirty seconds at a time and costs as much for three.
PIECE_SECONDS = 28.0
#: Silence put between two segments of a piece, and left around a segment.
GAP_SECONDS, MARGIN_SECONDS = 0.3, 0.05
#: Of the time that is left, the forecast may take this share.
SAFE_SHARE = 0.8
#: A long segment is cut in its last seconds that fit, where so much of it is quietest.
CUT_WITHIN_SECONDS, CUT_FRAMES = 4.0, 10
#: Nobody says a word in less; phrases of so many words are looked for again.
SHORTEST_WORD_S, LOOP_WORDS = 0.03, range(3, 13)
_RATE_HZ = 8000
_FULL_SCALE = 32767
_SAMPLES_PER_FRAME = 80
_GAP, _MARGIN = int(GAP_SECONDS * _RATE_HZ), int(MARGIN_SECONDS * _RATE_HZ)
TOO_LATE = (
    "Left out: it would not have been ready before the result's deadline. It can be made later."
)


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
        """The segments one after the other, each with its margins, with silence between."""
        gap = np.zeros(_GAP, np.float32)
        parts = []
        for first, last in self.spans:
            parts += [sound.read(self.channel, max(first - _MARGIN, 0), last + _MARGIN), gap]
        return np.concatenate(parts)

    def placed(self, words: Sequence[Word], samples: Floats) -> Iterator[Word]:
        """The words at their times in the recording, in the order in which they were spoken.

        `samples` are those of the piece. A word belongs to the segment in which most of its sound
        lies, or else to the nearest one, and never reaches outside it: transcribers start a word
        early, in the silence before its segment or in the quiet end of the one before. A word that
        lies further from every segment than the silence between two was not spoken.
        """
        begins = self._begins()
        sound = np.concatenate([[0.0], np.cumsum(np.abs(samples), dtype=np.float64)])
        index, earliest = 0, 0.0
        for word in sorted(words, key=lambda word: word.start):
            overlaps = [
                min(word.stop, begin + (last - first) / _RATE_HZ) - max(word.start, begin)
                for begin, (first, last) in zip(begins, self.spans, strict=True)
            ]
            if max(overlaps) < -GAP_SECONDS - MARGIN_SECONDS:
                continue
            heard = [
                _summed(sound, max(word.start, begin), overlap)
                for begin, overlap in zip(begins, overlaps, strict=True)
            ]
            best = int(np.argmax(heard if any(heard) else overlaps))
            index = max(index, best)
            first, last = (edge / _RATE_HZ for edge in self.spans[index])
            start, stop = _within(word, first - begins[index], first, last)
            start = max(start, earliest)
            earliest, stop = start, max(start, stop)
            yield replace(word, start=round(start, 3), stop=round(stop, 3), channel=self.channel)

    def _begins(self) -> list[float]:
        """The second of the piece at which each of its segments begins."""
        begins, at = [], 0
        for first, last in self.spans:
            before = min(first, _MARGIN)
            begins.append((at + before) / _RATE_HZ)
            at += before + last - first + _MARGIN + _GAP
        return begins


@dataclass(frozen=True)
class Heard:
    """The words of a recording in order of time, and their language.

    `left_out` is the reason why there are none though they were wanted, None where all were heard.
    """

    words: Sequence[Word] = ()
    language: str | None = None
    left_out: str | None = None


def pieces(segments: Sequence[Runs], sound: SpooledSamples | None = None) -> list[Piece]:
    """The speech segments of each channel, packed in order into pieces.

    A segment longer than a piece is cut where the `sound` is quietest, so that no word is halved.
    """
    packed = []
    for channel, spans in enumerate(segments):
        waiting: list[tuple[int, int]] = []
        for span in _cut(spans, channel, sound):
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
    hints: Hints,
) -> Heard:
    """All words, or none and the reason why.

    `seconds_left` is what may still be spent; the forecast is renewed after every piece. The
    language is detected once, in the piece with most speech, which is heard first.
    """
    todo = sorted(pieces(segments, sound), key=lambda piece: -piece.seconds)
    begun = time.monotonic()
    deadline = None if seconds_left is None else begun + seconds_left * SAFE_SHARE
    speech_left, speech_done = sum(piece.seconds for piece in todo), 0.0
    heard: list[Word] = []
    for piece in todo:
        now = time.monotonic()
        rate = (now - begun) / speech_done if speech_done else transcriber.expected_rate
        if deadline is not None and now + rate * speech_left > deadline:
            return Heard(left_out=TOO_LATE)
        samples = piece.samples(sound)
        try:
            if hints.language is None:
                hints = replace(hints, language=transcriber.language(samples))
            heard += without_loops(piece.placed(transcriber.words(samples, hints), samples))
        except SettingsError as error:
            return Heard(left_out=f"Left out: {error.message}.")
        except Exception as failure:  # whatever a model does, the figures must still go out
            return Heard(left_out=f"Left out: the transcriber failed ({type(failure).__name__}).")
        speech_left, speech_done = speech_left - piece.seconds, speech_done + piece.seconds
    in_order = sorted(heard, key=lambda word: (word.start, word.channel))
    return Heard(in_order, hints.language)


def without_loops(words: Iterable[Word]) -> list[Word]:
    """Words in order, without phrases that a model repeats in no time.

    What is really said again takes its time and stays. So do repeated numbers, whatever their
    times: a phrase has at least three different words, and no digit.
    """
    kept: list[Word] = []
    for word in words:
        kept.append(word)
        for length in range(LOOP_WORDS.start, min(LOOP_WORDS.stop, len(kept) // 2 + 1)):
            again, before = kept[-length:], kept[-2 * length : -length]
            said = [one.text.strip().lower() for one in again]
            fast = again[-1].stop - again[0].start < length * SHORTEST_WORD_S
            distinct = len(set(said)) >= LOOP_WORDS.start and not re.search(r"\d", "".join(said))
            if fast and distinct and said == [one.text.strip().lower() for one in before]:
                del kept[-length:]
                break
    return kept


def _summed(sound: NDArray[np.float64], start: float, seconds: float) -> float:
    """The part of a running sum of samples that belongs to so many seconds from `start`."""
    last = len(sound) - 1
    first, stop = (min(round(at * _RATE_HZ), last) for at in (start, start + max(seconds, 0.0)))
    return float(sound[stop] - sound[first])


def _within(word: Word, shift: float, first: float, last: float) -> Interval:
    """A word's times, moved by `shift` seconds, cut to [first, last].

    A word that lies wholly outside is moved inside instead, so that it keeps its length.
    """
    start, stop = word.start + shift, word.stop + shift
    if stop <= first:
        stop = min(first + stop - start, last)
    elif start >= last:
        start = max(last - (stop - start), first)
    return max(start, first), min(stop, last)


def _cut(spans: Runs, channel: int, sound: SpooledSamples | None) -> Iterator[tuple[int, int]]:
    """Spans of frames as spans of samples, none longer than a piece."""
    longest = int(PIECE_SECONDS * _RATE_HZ)
    for first, last in spans:
        start, stop = int(first) * _SAMPLES_PER_FRAME, int(last) * _SAMPLES_PER_FRAME
        while stop - start > longest:
            edge = start + longest
            if sound is not None:
                edge = _quietest(sound, channel, edge - int(CUT_WITHIN_SECONDS * _RATE_HZ), edge)
            yield start, edge
            start = edge
        yield start, stop


def _quietest(sound: SpooledSamples, channel: int, first: int, last: int) -> int:
    """The middle of the quietest stretch between two samples."""
    samples = sound.read(channel, first, last)
    frames = samples[: len(samples) // _SAMPLES_PER_FRAME * _SAMPLES_PER_FRAME]
    power = (frames.reshape(-1, _SAMPLES_PER_FRAME) ** 2).mean(axis=1)
    if len(power) < CUT_FRAMES:
        return last
    quiet = int(np.convolve(power, np.ones(CUT_FRAMES), "valid").argmin())
    return first + (quiet + CUT_FRAMES // 2) * _SAMPLES_PER_FRAME


def _length(spans: Sequence[tuple[int, int]]) -> float:
    return sum((last - first + 2 * _MARGIN + _GAP) / _RATE_HZ for first, last in spans)
