"""The transcript as the result carries it: sentences by channel, without what is muted.

The names are those that users of Twilio's Voice Intelligence know (`media_channel` counts from 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from addon.analysis.rendering import Json
from addon.analysis.timeline import Interval
from addon.analysis.words import MASK, Word

#: A pause of this length ends a sentence even without a full stop, in seconds.
SENTENCE_PAUSE = 1.0
_ENDINGS = (".", "?", "!", "…")


@dataclass(frozen=True)
class Sentence:
    """Words of one channel that belong together."""

    channel: int
    words: Sequence[Word]

    @property
    def text(self) -> str:
        """The words as one line."""
        return " ".join(word.text.strip() for word in self.words)

    def as_result(self, index: int, role: str) -> Json:
        """One of `transcript.sentences`."""
        confidence = sum(word.confidence for word in self.words) / len(self.words)
        return {
            "sentence_index": index,
            "media_channel": self.channel + 1,
            "role": role,
            "start_seconds": self.words[0].start,
            "end_seconds": self.words[-1].stop,
            "transcript": self.text,
            "confidence": round(confidence, 3),
            "words": [_word(word) for word in self.words],
        }


@dataclass(frozen=True)
class Transcript:
    """Everything that was said and is not muted.

    `language` is an ISO 639-1 code, None where nobody knows it.
    """

    engine: str
    sentences: Sequence[Sentence]
    language: str | None = None

    @classmethod
    def of(
        cls,
        engine: str,
        words: Sequence[Word],
        *,
        language: str | None = None,
        muted: Sequence[Interval] = (),
    ) -> Transcript:
        """The transcript of words in order of time; those in muted intervals masked."""
        sentences: list[Sentence] = []
        for channel in sorted({word.channel for word in words}):
            own = [word for word in words if word.channel == channel]
            sentences += _sentences(channel, masked(own, muted))
        ordered = sorted(sentences, key=lambda sentence: sentence.words[0].start)
        return cls(engine, ordered, language)

    def as_result(self, roles: Mapping[int, str]) -> Json:
        """The `transcript` object; `roles` by channel."""
        document: Json = {
            "engine": self.engine,
            "sentences": [
                sentence.as_result(index, roles[sentence.channel])
                for index, sentence in enumerate(self.sentences)
            ],
        }
        if self.language is not None:
            document["language"] = self.language
        return document


def masked(words: Sequence[Word], muted: Sequence[Interval]) -> list[Word]:
    """One party's words with those of each muted interval as one word, MASK."""
    kept: list[Word] = []
    last: Interval | None = None
    for word in words:
        inside = next((at for at in muted if word.start <= at[1] and at[0] <= word.stop), None)
        if inside is None:
            kept.append(word)
        elif inside != last:
            kept.append(replace(word, text=MASK))
        else:
            kept[-1] = replace(kept[-1], stop=max(kept[-1].stop, word.stop))
        last = inside
    return kept


def _sentences(channel: int, words: Sequence[Word]) -> list[Sentence]:
    groups: list[list[Word]] = []
    for word in words:
        before = groups[-1][-1] if groups else None
        ended = before is None or before.text.strip().endswith(_ENDINGS)
        if before is None or ended or word.start - before.stop > SENTENCE_PAUSE:
            groups.append([])
        groups[-1].append(word)
    return [Sentence(channel, group) for group in groups]


def _word(word: Word) -> Json:
    return {
        "word": word.text.strip(),
        "start_seconds": word.start,
        "end_seconds": word.stop,
        "confidence": round(word.confidence, 3),
    }
