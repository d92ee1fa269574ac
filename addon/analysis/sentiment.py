"""Sentiment of each party's words, by VADER's word list: English only, and an extra."""

from __future__ import annotations

from collections.abc import Sequence

from addon.analysis.transcript import Sentence


def by_channel(sentences: Sequence[Sentence]) -> dict[int, float]:
    """The mean compound score of each channel's sentences, from -1 to 1; {} without the extra."""
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        return {}
    analyser = SentimentIntensityAnalyzer()
    scores: dict[int, list[float]] = {}
    for sentence in sentences:
        compound = float(analyser.polarity_scores(sentence.text)["compound"])
        scores.setdefault(sentence.channel, []).append(compound)
    return {channel: round(sum(own) / len(own), 3) for channel, own in scores.items()}
