from __future__ import annotations

import pytest

from addon.twilio.sids import is_sid, is_token, may_name


@pytest.mark.parametrize("text", ["RE" + "0a" * 16, "AC" + "9F" * 16])
def test_a_sid_is_two_capitals_and_32_hexadecimal_digits(text: str) -> None:
    assert is_sid(text)
    assert is_sid(text, text[:2])
    assert is_token(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "RE",
        "re" + "0a" * 16,
        "RE" + "0a" * 15,
        "RE" + "0a" * 17,
        "RE" + "0g" * 16,
        "RE" + "٠" * 32,
        "RE" + "0a" * 16 + "\n",
        "../RE" + "0a" * 16,
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_sid(text)


def test_a_sid_of_another_kind_is_refused() -> None:
    assert not is_sid("CA" + "0a" * 16, "RE")


@pytest.mark.parametrize("text", ["XR1", "a", "A-b_c", "x" * 64])
def test_a_token_is_up_to_64_letters_that_are_safe_in_a_key(text: str) -> None:
    assert is_token(text)


@pytest.mark.parametrize("text", ["", "-a", "_a", "a/b", "a.b", "a b", "ä", "x" * 65, "a\n", ".."])
def test_nothing_else_names_a_request_or_a_tenant(text: str) -> None:
    assert not is_token(text)


@pytest.mark.parametrize("text", ["XR" + "0a" * 16, "MR" + "0a" * 16, "QR" + "0a" * 16, "a-b"])
def test_a_request_may_have_its_own_prefixes_an_unknown_one_or_none(text: str) -> None:
    assert may_name(text, "XR", "MR")


@pytest.mark.parametrize(
    "text", ["RE" + "0a" * 16, "re" + "0a" * 16, "AC" + "0A" * 16, "RC-1", "rc-1", "", "a/b"]
)
def test_what_names_something_else_names_no_request(text: str) -> None:
    assert not may_name(text, "XR", "MR")
