"""Sentiment of each party: over the call, by quarter, at the start and the end, and by turn.

By VADER's word list and rules (decision 0230), which are English: a transcript in another language
has none, with the reason. It is made from the finished result, so that masked words are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import Any, NamedTuple

from addon.analysis.rendering import Json
from addon.analysis.words import MASK

ENGLISH = "en"
QUARTERS = 4
#: The turns of a party that are its start, and its end: a single one decides too little.
EDGE_TURNS = 3
#: A turn goes on over pauses of so many seconds while nobody else begins (spec/audio 3).
TURN_GAP = 2.0
MISSING = "The packages of requirements/whisper.txt are missing."


class ScoredSentence(NamedTuple):
    """A sentence's party and time in seconds, and its score from -1 to 1."""

    channel: int
    role: str
    start: float
    stop: float
    compound: float


@dataclass(frozen=True)
class ScoredTurn:
    """The sentences that one party says until the other begins."""

    sentences: Sequence[ScoredSentence]

    @property
    def compound(self) -> float:
        """The mean of its sentences."""
        return _mean(self.sentences)

    def as_result(self) -> Json:
        """One of `turns`."""
        return {
            "start_seconds": self.sentences[0].start,
            "end_seconds": max(sentence.stop for sentence in self.sentences),
            "compound": self.compound,
        }


@dataclass(frozen=True)
class PartySentiment:
    """One party's turns; `quarters` has the mean of each quarter, None where it said nothing."""

    channel: int
    role: str
    turns: Sequence[ScoredTurn]
    quarters: Sequence[float | None]

    @property
    def compound(self) -> float:
        """The mean of all sentences."""
        return _mean([sentence for turn in self.turns for sentence in turn.sentences])

    def as_result(self) -> Json:
        """One of `transcript.sentiment`."""
        return {
            "media_channel": self.channel,
            "role": self.role,
            "compound": self.compound,
            "start_compound": _of_turns(self.turns[:EDGE_TURNS]),
            "end_compound": _of_turns(self.turns[-EDGE_TURNS:]),
            "quarters": list(self.quarters),
            "turns": [turn.as_result() for turn in self.turns],
        }


@dataclass(frozen=True)
class Sentiment:
    """The sentiment of all parties; `parties` is None, with the reason, where there is none."""

    parties: Sequence[PartySentiment] | None
    reason: str | None = None

    def as_result(self) -> Json:
        """`sentiment` of the transcript, with `sentiment_reason` where it is null."""
        if self.parties is None:
            return {"sentiment": None, "sentiment_reason": self.reason}
        return {"sentiment": [party.as_result() for party in self.parties]}


def sentiment_of(result: Mapping[str, Any]) -> Sentiment | None:
    """The sentiment of a finished `result`; None where it has no transcript.

    A transcriber that names no language is taken for English.
    """
    transcript = result.get("transcript")
    if transcript is None:
        return None
    language = transcript.get("language", ENGLISH)
    if language != ENGLISH:
        return Sentiment(None, f"Sentiment is for English only, and this is {language!r}.")
    score = _scorer()
    if score is None:
        return Sentiment(None, MISSING)
    scored = list(_scored(transcript["sentences"], score))
    duration = float(result["audio"]["duration_seconds"])
    channels = sorted({(sentence.channel, sentence.role) for sentence in scored})
    turns = _turns(scored)
    return Sentiment(
        [
            PartySentiment(
                channel,
                role,
                [turn for turn in turns if turn.sentences[0].channel == channel],
                _quarters([each for each in scored if each.channel == channel], duration),
            )
            for channel, role in channels
        ]
    )


def _scored(
    sentences: Iterable[Mapping[str, Any]], score: Callable[[str], float]
) -> Iterable[ScoredSentence]:
    """Each sentence with its score; masked words are left out, and sentences of nothing else."""
    for one in sentences:
        words = [word["word"] for word in one["words"] if MASK not in word["word"]]
        if words:
            yield ScoredSentence(
                one["media_channel"],
                one["role"],
                one["start_seconds"],
                one["end_seconds"],
                score(" ".join(words)),
            )


def _turns(sentences: Sequence[ScoredSentence]) -> list[ScoredTurn]:
    """The sentences, which are in order of time, as turns."""
    groups: list[list[ScoredSentence]] = []
    for sentence in sentences:
        before = groups[-1][-1] if groups else None
        goes_on = (
            before is not None
            and before.channel == sentence.channel
            and sentence.start - before.stop <= TURN_GAP
        )
        if not goes_on:
            groups.append([])
        groups[-1].append(sentence)
    return [ScoredTurn(group) for group in groups]


def _quarters(sentences: Sequence[ScoredSentence], duration: float) -> list[float | None]:
    """The mean of each quarter of the recording; a sentence belongs where its middle is."""
    quarters: list[list[ScoredSentence]] = [[] for _ in range(QUARTERS)]
    for sentence in sentences:
        middle = (sentence.start + sentence.stop) / 2
        at = int(QUARTERS * middle / duration) if duration else 0
        quarters[min(at, QUARTERS - 1)].append(sentence)
    return [_mean(quarter) if quarter else None for quarter in quarters]


def _mean(sentences: Sequence[ScoredSentence]) -> float:
    return round(fmean(sentence.compound for sentence in sentences), 3)


def _of_turns(turns: Sequence[ScoredTurn]) -> float:
    return _mean([sentence for turn in turns for sentence in turn.sentences])


@cache
def _scorer() -> Callable[[str], float] | None:
    """VADER's compound score of a sentence, from -1 to 1; None without the extra."""
    try:
        from vader import SentimentIntensityAnalyzer
    except ImportError:
        return None
    analyser = SentimentIntensityAnalyzer()
    return lambda text: float(analyser.polarity_scores(text)["compound"])
