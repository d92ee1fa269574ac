"""A transcriber as wrong as a model can be, for calls whose words are known.

It finds each known word by its sound in what it is given, so that it hears nothing that was muted
or left out, wherever the speech was cut. Then it makes a recogniser's mistakes, each by a rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from addon.analysis import Hints, Word
from tests.analysis.calls import RATE, clip

#: A word is heard where its samples are found this much alike, from 0 to 1.
LIKENESS = 0.6
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
HOMOPHONES = {
    "one": "won",
    "two": "to",
    "four": "for",
    "eight": "ate",
    "zero": "oh",
    "six": "sicks",
}
HALLUCINATED = ("Thank", "you", "for", "watching.")


@dataclass(frozen=True)
class Mistakes:
    """The mistakes of a transcriber: shares of words from 0 to 1, times in seconds.

    `early` is how long before its sound a word begins; it ends where the next one begins, as words
    of a model do. `repeats` is how often the last three words of a piece come again.
    """

    early: float = 0.15
    wrong_digits: float = 0.0
    homophones: float = 0.0
    missed: float = 0.0
    repeats: int = 0
    hallucinates: bool = False


CLEAN = Mistakes(early=0.0)
DIRTY = Mistakes(wrong_digits=0.1, homophones=0.3, missed=0.02, repeats=5, hallucinates=True)


def spoken_call(
    *lines: tuple[int, float, str], seconds: float, word_seconds: float = 0.3
) -> tuple[np.ndarray, list[Word]]:
    """A call of `seconds`, (2, frames) at 8 kHz, and the truth of its words.

    A line is (channel, start in seconds, text). Its words follow one another; their sound is
    speech of the bundled voices, no part of it used twice, whatever the text says.
    """
    samples = np.zeros((2, round(seconds * RATE)), np.float32)
    voices, truth = [_voice(("ada", "cat")), _voice(("ben", "dan"))], []
    for channel, start, text in lines:
        said = text.split()
        first, length = round(start * RATE), round(word_seconds * RATE) * len(said)
        samples[channel, first : first + length] = voices[channel][:length]
        voices[channel] = voices[channel][length:]
        truth += [
            Word(word, at, at + word_seconds, 1.0, channel)
            for index, word in enumerate(said)
            for at in [start + word_seconds * index]
        ]
    return samples, truth


def _voice(speakers: Sequence[str]) -> np.ndarray:
    """Half a minute of speech and more, without pauses; the later half is faster."""
    clips = [clip(f"{name}-{index}")[0] for name in speakers for index in range(3)]
    frames = np.concatenate([sound[: len(sound) // 80 * 80] for sound in clips]).reshape(-1, 80)
    power = (frames**2).mean(axis=1)
    once = frames[
        np.convolve(power, np.full(9, 1 / 9), "same") > power.max() * 10**-2
    ].ravel()  # no pause in any word
    faster = np.interp(np.arange(0, len(once) - 1, 1.13), np.arange(len(once)), once)
    return np.concatenate([once, faster]).astype(np.float32)


class DirtyTranscriber:
    """Hears the words that are known to be spoken in `call`, (channels, frames) at 8 kHz."""

    name = "dirty"
    expected_rate = 0.01

    def __init__(
        self, call: np.ndarray, truth: Sequence[Word], mistakes: Mistakes = DIRTY, seed: int = 1
    ) -> None:
        self._sounds = [
            (word, call[word.channel, int(word.start * RATE) : int(word.stop * RATE)])
            for word in truth
        ]
        self._mistakes = mistakes
        self._rng = np.random.default_rng(seed)
        #: What it was given, piece by piece.
        self.pieces: list[tuple[np.ndarray, Hints]] = []
        self.detections = 0

    def language(self, samples: np.ndarray) -> str:
        """English, counted."""
        self.detections += 1
        return "en"

    def words(self, samples: np.ndarray, hints: Hints) -> list[Word]:
        """The known words that sound in `samples`, with mistakes."""
        self.pieces.append((samples, hints))
        found = [
            replace(word, start=at, stop=at + len(sound) / RATE, confidence=0.8, channel=0)
            for word, sound in self._sounds
            if (at := _place(sound, samples)) is not None
        ]
        return self._mistaken(sorted(found, key=lambda word: word.start), len(samples) / RATE)

    def _mistaken(self, words: list[Word], seconds: float) -> list[Word]:
        mistakes, said = self._mistakes, []
        for word in words:
            if self._rng.random() >= mistakes.missed:
                early = max(word.start - mistakes.early, 0.0)
                said.append(replace(word, text=self._misheard(word.text), start=early))
        if mistakes.early:
            following = [word.start for word in said[1:]]
            said[:-1] = [
                replace(word, stop=max(min(word.stop, next_start), word.start))
                for word, next_start in zip(said, following, strict=False)
            ]
        end = said[-1].stop if said else 0.0
        phrase = said[-3:] * mistakes.repeats if len(said) >= 3 else []
        said += [replace(word, start=end, stop=end) for word in phrase]
        if mistakes.hallucinates:
            said += [
                Word(word, seconds + 2 + index, seconds + 3 + index, 0.5)
                for index, word in enumerate(HALLUCINATED)
            ]
        return said

    def _misheard(self, text: str) -> str:
        bare = text.strip(".,?!").lower()
        if bare in HOMOPHONES and self._rng.random() < self._mistakes.homophones:
            return HOMOPHONES[bare]
        if bare in DIGITS and self._rng.random() < self._mistakes.wrong_digits:
            return str(self._rng.choice([digit for digit in DIGITS if digit != bare]))
        return text


def _place(sound: np.ndarray, samples: np.ndarray) -> float | None:
    """The second of `samples` at which `sound` is found, None where it is not."""
    length = len(sound)
    power = float(np.sqrt((sound**2).sum()))
    if power == 0 or len(samples) < length:
        return None
    ahead = length // 2  # the beginning of the sound may have been cut off
    samples = np.pad(samples, (ahead, ahead))
    size = 1 << (len(samples) + length - 1).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(sound, size))
    alike = np.fft.irfft(spectrum, size)[: len(samples) - length + 1]
    summed = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    local = np.sqrt(np.maximum(summed[length:] - summed[:-length], 1e-9))
    likeness = alike / (local * power)
    best = int(likeness.argmax())
    return max(best - ahead, 0) / RATE if likeness[best] >= LIKENESS else None
