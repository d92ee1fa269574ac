from __future__ import annotations

import pytest

from addon.twilio.names import AUDIO, FIELD_MEANINGS, meaning, normalised
from addon.twilio.sids import is_sid, is_token


@pytest.mark.parametrize("name", ["audio-data", "audio_data", "AudioData", "AUDIO__DATA"])
def test_spellings_of_one_name_mean_the_same(name: str) -> None:
    assert meaning(name) == AUDIO


def test_a_name_of_the_customers_means_nothing_to_us() -> None:
    assert meaning("source_language") is None
    assert meaning("") is None


def test_the_table_is_in_the_form_it_is_looked_up_by() -> None:
    assert all(normalised(name) == name for name in FIELD_MEANINGS)


def test_a_sid_is_two_capitals_and_32_hexadecimal_digits() -> None:
    assert is_sid("RE" + "0aF" * 10 + "12")
    assert is_sid("RE" + "00" * 16, "RE")
    assert not is_sid("RE" + "00" * 16, "CA")
    for text in (
        "",
        "RE",
        "re" + "00" * 16,
        "RE" + "0g" * 16,
        "RE" + "00" * 17,
        "RE" + "00" * 16 + "\n",
    ):
        assert not is_sid(text)


def test_a_token_is_wider_than_a_sid_and_safe_in_a_key() -> None:
    assert is_token("XR_1-a")
    for text in ("", "-a", "_a", "a.b", "a/b", "..", "a\n", "x" * 65, "١"):
        assert not is_token(text)
