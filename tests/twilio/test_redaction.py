from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from addon.twilio.redaction import (
    SHOWN_CHARACTERS,
    redacted,
    redacted_fields,
    redacted_host,
    redacted_name,
    redacted_url,
)

URL = "https://hooks.example.net/addon/recording"


def test_what_was_signed_can_be_told_without_telling_it() -> None:
    fields = MultiDict([("tag", "secret-b"), ("callback", "https://x/?sig=s3cret"), ("tag", "a")])
    assert redacted(URL + "?env=prod&k=a%20b", fields) == (
        URL + " ? env=4 k=5 | callback=21 tag=1 tag=8"
    )
    assert redacted(URL, None) == URL + " |"


def test_a_lone_question_mark_is_signed_and_so_is_shown() -> None:
    assert redacted_url(URL + "?") == URL + " ?"


def test_what_has_no_name_is_a_value() -> None:
    assert redacted_url(URL + "?s3cret&a=1") == URL + " ? <6> a=1"
    assert redacted_url(URL + "?a=1#+14155551212") == URL + " ? a=1 #12"


@pytest.mark.parametrize(
    "name", ["callback", "audio-data", "audio_data", "MessagingBinding.Address", "tags[]", "x2"]
)
def test_names_are_told(name: str) -> None:
    assert redacted_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "+14155551212",
        "call14155551212",
        "ann@example.com",
        "",
        "a b",
        "x" * 41,
        "näme",
        "1st",
        "a\n",
    ],
)
def test_what_may_be_a_value_in_a_names_place_is_only_counted(name: str) -> None:
    assert redacted_name(name) == f"<{len(name)}>"


@pytest.mark.parametrize("host", ["hooks.example.net", "127.0.0.1:8080", "addon", "a-b.c:443"])
def test_hosts_are_told(host: str) -> None:
    assert redacted_host(host) == host


@pytest.mark.parametrize(
    "host", ["", "14155551212", "4155551212:80", "u:p@host", "a/b", "a b", "x" * 300, "a:port"]
)
def test_what_is_no_host_is_not(host: str) -> None:
    assert redacted_host(host) == ""


def test_order_is_kept_where_it_matters() -> None:
    assert redacted_fields([("b", "1"), ("a", "22")]) == "b=1 a=2"


def test_a_redacted_text_has_a_largest_size() -> None:
    pairs = [(f"field{number:03}"[-40:], "x") for number in range(500)]
    assert len(redacted_fields(pairs)) == SHOWN_CHARACTERS + 1


@given(st.text(), st.lists(st.tuples(st.text(), st.text(min_size=6))))
def test_no_value_is_ever_in_it(query: str, pairs: list[tuple[str, str]]) -> None:
    text = redacted(f"{URL}?k=s3cr3t{query}", MultiDict([*pairs, ("callback", "s3cr3t")]))
    assert "s3cr3t" not in text.replace(URL, "")
