"""Words that are too unsure to rule a number out: by stretch of speech, and by party."""

import pytest

from addon.analysis.redaction import Found, Redaction
from addon.analysis.spoken_numbers import Find, Speech
from addon.analysis.unsure_words import unsure
from addon.analysis.words import Word


def party(*stretches, channel=0):
    """Stretches of speech: begin, end, number of words, and their confidence."""
    words, segments = [], []
    for start, stop, count, confidence in stretches:
        step = (stop - start) / max(count, 1)
        words += [
            Word("so", start + n * step, start + (n + 0.8) * step, confidence, channel)
            for n in range(count)
        ]
        segments.append((start, stop))
    return Speech(channel, words, segments)


CLEAR = (0.0, 10.0, 20, 0.9)


@pytest.mark.parametrize(
    ("stretch", "is_unsure"),
    [
        ((12.0, 13.9, 7, 0.34), True),  # "I'm too near of me": a card's first four digits
        ((12.0, 13.3, 6, 0.34), True),
        ((12.0, 14.6, 10, 0.43), False),
        ((12.0, 12.8, 2, 0.21), False),  # too short for a number
        ((12.0, 15.0, 0, 0.0), True),  # somebody speaks, and nothing is written
        ((12.0, 13.5, 0, 0.0), False),
    ],
)
def test_a_stretch_of_unsure_words_may_hold_a_number(stretch, is_unsure):
    reason = unsure([party(CLEAR, stretch)], [])
    assert (reason is not None) is is_unsure
    if reason:
        assert reason.startswith(f"The words from 12.0 to {stretch[1]:.1f} s are not sure")


def test_a_party_whose_words_are_unsure_all_along_may_have_said_one_anywhere():
    doubtful = [(float(n), n + 1.5, 3, 0.55) for n in range(0, 9, 3)]
    assert "from 0.0 to 1.5 s and in 2 further places" in (unsure([party(*doubtful)], []) or "")
    assert unsure([party((0.0, 1.5, 3, 0.55))], []) is None  # an "mm-hm" alone says nothing
    assert unsure([party(CLEAR, *[(a + 20, b + 20, n, c) for a, b, n, c in doubtful])], []) is None


def test_what_is_muted_is_not_asked_about():
    speech = party(CLEAR, (12.0, 14.0, 7, 0.2))
    number = Find("card_number", 0, (11.5, 14.5), 0.2)
    assert unsure([speech], [number]) is None
    assert unsure([speech], [Find("card_number", 1, (11.5, 14.5), 0.2)]) is not None


def test_a_redaction_with_unsure_words_is_incomplete_and_says_why():
    none = {"spoken_number": Found([], wanted=True)}
    why = "The words from 1.0 to 3.0 s are not sure: a number may be in them."
    found = Redaction.of(none, gap=None, reencodes=False, unsure=why)
    assert (found.status, found.reason, list(found.intervals)) == ("incomplete", why, [])
    assert Redaction.of(none, gap=None, reencodes=False).status == "complete"
