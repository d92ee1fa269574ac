"""Speech whose words are too unsure to say that no number was spoken in it.

On a noisy line a recogniser writes other words in place of a number, and nothing in them shows it
but their confidence. Then a redaction is not complete, though nothing was found.
"""

from __future__ import annotations

from collections.abc import Sequence

from addon.analysis.spoken_numbers import Find, Speech
from addon.analysis.timeline import Interval

#: Speech of at least so many seconds whose words are less sure than this, on average, may say
#: anything; so may all speech of a party whose words, at least so many, are less sure than that.
UNSURE_SECONDS, UNSURE_CONFIDENCE = 1.0, 0.4
UNSURE_PARTY_WORDS, UNSURE_PARTY_CONFIDENCE = 5, 0.6
#: Sound without one word is more often no speech: it has to be longer.
WORDLESS_SECONDS = 2.0


def unsure(parties: Sequence[Speech], finds: Sequence[Find]) -> str | None:
    """The sentence that says where words are too unsure to rule a number out; None for nowhere.

    What is muted of a party is not asked about.
    """
    places = sorted(
        segment
        for speech in parties
        for segment in _unsure_segments(
            speech, [one.interval for one in finds if one.channel == speech.channel]
        )
    )
    if not places:
        return None
    start, stop = places[0]
    further = f" and in {len(places) - 1} further places" if len(places) > 1 else ""
    where = f"from {start:.1f} to {stop:.1f} s{further}"
    return f"The words {where} are not sure: a number may be in them."


def _unsure_segments(speech: Speech, muted: Sequence[Interval]) -> list[Interval]:
    left = [
        one
        for one in speech.segments
        if one[1] - one[0] >= UNSURE_SECONDS
        and not any(at[0] <= one[0] and one[1] <= at[1] for at in muted)
    ]
    said = [
        one.confidence
        for one in speech.words
        if not any(start < one.stop and one.start < stop for start, stop in muted)
    ]
    if len(said) >= UNSURE_PARTY_WORDS and _mean(said) < UNSURE_PARTY_CONFIDENCE:
        return left
    unsure = []
    for start, stop in left:
        inside = [one.confidence for one in speech.words if one.start < stop and start < one.stop]
        is_long = bool(inside) or stop - start >= WORDLESS_SECONDS
        if is_long and _mean(inside) < UNSURE_CONFIDENCE:
            unsure.append((start, stop))
    return unsure


def _mean(confidences: Sequence[float]) -> float:
    return sum(confidences) / len(confidences) if confidences else 0.0
