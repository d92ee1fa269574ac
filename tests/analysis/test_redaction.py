"""The redaction's status: complete only where all was heard and all that was found is muted."""

import pytest

from addon.analysis.redaction import Coverage, Found, Redaction

PRESSED = Found([(3.0, 3.1), (3.3, 3.4)], wanted=True)
NONE_PRESSED = Found([], wanted=True)
KEPT = Found([(3.0, 3.1)], wanted=False, reason="Switched off.")
NOBODY_LISTENED = Found(None, wanted=False, reason="No transcriber is configured.")
LEFT_OUT = Found(None, wanted=True, reason="It would have been late.")
GAP = "The end could not be decoded."


def redaction(dtmf=PRESSED, spoken=NOBODY_LISTENED, *, gap=None, reencodes=False) -> Redaction:
    return Redaction.of({"dtmf": dtmf, "spoken_number": spoken}, gap=gap, reencodes=reencodes)


@pytest.mark.parametrize("reencodes", [False, True])
@pytest.mark.parametrize("dtmf", [PRESSED, NONE_PRESSED])
def test_complete_where_everything_was_heard_and_is_muted(dtmf, reencodes):
    found = redaction(dtmf, reencodes=reencodes)
    assert (found.status, found.reason, found.warning) == ("complete", None, None)
    assert found.coverage["dtmf"] == Coverage(len(dtmf.intervals), len(dtmf.intervals))


def test_a_gap_in_a_file_that_would_be_encoded_anew_mutes_nothing():
    found = redaction(gap=GAP, reencodes=True)
    assert found.status == "incomplete"
    assert (found.intervals, found.reasons) == ([], [])
    assert found.coverage["dtmf"] == Coverage(2, 0)
    assert found.reason.startswith("The end could not be decoded; what was found is not muted")
    assert found.reason in found.warning


def test_a_gap_in_a_file_that_is_muted_in_place_mutes_what_was_heard():
    found = redaction(gap=GAP)
    assert (found.status, found.reason) == ("incomplete", GAP)
    assert found.intervals == [(pytest.approx(2.9), pytest.approx(3.5))]
    assert found.coverage["dtmf"] == Coverage(2, 2)


def test_a_gap_alone_makes_it_incomplete_where_nothing_was_found():
    found = redaction(NONE_PRESSED, gap=GAP, reencodes=True)
    assert (found.status, found.reason) == ("incomplete", GAP)


def test_off_where_nothing_is_to_be_muted():
    found = redaction(KEPT)
    assert (found.status, found.reason, found.intervals) == ("off", None, [])
    assert found.coverage["dtmf"] == Coverage(1, 0, "Switched off.")


def test_off_whatever_was_not_heard():
    assert redaction(KEPT, gap=GAP).status == "off"


def test_tones_that_stay_make_it_incomplete_where_numbers_are_muted():
    found = redaction(KEPT, Found([(8.0, 9.0)], wanted=True))
    assert (found.status, found.reason) == ("incomplete", "Switched off.")
    assert found.reasons == ["spoken_number"]


def test_a_transcript_that_was_left_out_makes_it_incomplete():
    found = redaction(spoken=LEFT_OUT)
    assert (found.status, found.reason) == ("incomplete", "It would have been late.")
    assert found.reasons == ["dtmf"]


def test_nobody_listened_is_not_nothing_found():
    document = redaction().as_result()["coverage"]
    assert document["dtmf"] == {"found": 2, "muted": 2}
    reason = "No transcriber is configured."
    assert document["spoken_number"] == {
        "found": None,
        "found_reason": reason,
        "muted": None,
        "muted_reason": reason,
    }


def test_intervals_end_with_the_recording():
    assert redaction().within(3.45).intervals == [(pytest.approx(2.9), 3.45)]
