"""Words as a transcriber hears them, and what may be known of the speech before it is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from addon.audio.decoders import Floats

MASK = "[redacted]"
"""The text of words that are muted in the audio."""


@dataclass(frozen=True)
class Word:
    """One word as it was heard: times in seconds, confidence from 0 to 1."""

    text: str
    start: float
    stop: float
    confidence: float
    channel: int = 0


@dataclass(frozen=True)
class Hints:
    """Knowledge about the speech that a transcriber is given: its language and likely words.

    `language` is an ISO 639-1 code, None where it is to be detected. `vocabulary` are names and
    terms that a general model would misspell.
    """

    language: str | None = None
    vocabulary: Sequence[str] = ()

    @classmethod
    def of(cls, language: str, vocabulary: str) -> Hints:
        """From two settings: a code or `auto`, and terms with semicolons between."""
        terms = tuple(term.strip() for term in vocabulary.split(";") if term.strip())
        return cls(None if language == "auto" else language, terms)


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

    def language(self, samples: Floats) -> str | None:
        """The ISO 639-1 code of the language spoken in samples as `words` takes; None: unknown."""
        ...

    def words(self, samples: Floats, hints: Hints) -> Sequence[Word]:
        """The words in mono samples at 8 kHz, full scale 1.0, with times from their start."""
        ...
