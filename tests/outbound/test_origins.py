from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.errors import OutboundRefused, SettingsError
from addon.outbound import Origin, Origins, split

TWILIO = Origins(["*.twilio.com", "storage.example.net", "http://127.0.0.1:9000"])


@pytest.mark.parametrize(
    "url",
    [
        "https://api.twilio.com/2010-04-01/x",
        "https://api.ie1.twilio.com/x?y=%2f",
        "https://API.Twilio.COM",
        "https://api.twilio.com:443/x",
        "https://storage.example.net/k?sig=a%2Fb",
        "http://127.0.0.1:9000/anything?at=all",
        "HTTP://127.0.0.1:9000",
    ],
)
def test_what_the_entries_name_is_admitted(url: str) -> None:
    assert TWILIO.admits(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.twilio.com/x",
        "https://api.twilio.com:8443/x",
        "https://twilio.com/x",
        "https://eviltwilio.com/x",
        "https://api.twilio.com.evil.example/x",
        "https://api.twilio.com@evil.example/x",
        "https://evil.example#@api.twilio.com/",
        "https://evil.example\\@api.twilio.com/",
        "https://evil.example?@api.twilio.com/",
        "https://user@api.twilio.com/x",
        "https://user:pass@api.twilio.com/x",
        "https://api.twilio.com./x",
        "https://.twilio.com/x",
        "https://a..twilio.com/x",
        "https://xn--a.example/x",
        "https://äpi.twilio.com/x",
        "https://api。twilio.com/x",
        "https://api.twilio.com/ä",
        "https://api.twilio.com/a b",
        "https://api.twilio.com/a\r\nHost: evil",
        " https://api.twilio.com/",
        "https://api.twilio.com:0/x",
        "https://api.twilio.com:99999/x",
        "https://api.twilio.com:/x",
        "https://api.twilio.com:٤٤٣/x",
        "https:///api.twilio.com/x",
        "https:api.twilio.com",
        "//api.twilio.com/x",
        "ftp://api.twilio.com/x",
        "file:///etc/passwd",
        "gopher://127.0.0.1:9000/",
        "https://127.0.0.1:9000/",
        "http://127.0.0.1:9001/",
        "http://127.1:9000/",
        "http://2130706433:9000/",
        "http://[::ffff:127.0.0.1]:9000/",
        "http://localhost:9000/",
        "http://169.254.169.254/latest/meta-data/",
        "sub.storage.example.net",
        "https://sub.storage.example.net/",
        "",
    ],
)
def test_everything_else_is_not(url: str) -> None:
    assert not TWILIO.admits(url)


@given(st.text())
def test_no_text_makes_the_question_raise(text: str) -> None:
    assert not TWILIO.admits(text) or text.lower().startswith(("https://", "http://127.0.0.1:9000"))


def test_an_exact_entry_is_scheme_host_and_port() -> None:
    origins = Origins(["https://[::1]:8443", "https://media.internal", "http://box"])
    assert origins.admits("https://[::1]:8443/x")
    assert origins.admits("https://media.internal/x")
    assert origins.is_exact(Origin("https", "media.internal", 443))
    assert origins.admits("http://box/")
    assert not origins.admits("http://box:8080/")
    assert not origins.admits("https://box/")


def test_no_entries_admit_nothing() -> None:
    assert not Origins([]).admits("https://api.twilio.com/")
    assert not Origins(["", "  "]).admits("https://api.twilio.com/")


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "*.",
        "*.com",
        "twilio",
        "api.*.com",
        "http://",
        "http://a:1/path",
        "ws://a",
        "a b.example",
        "a.example:443",
        "http://u@a",
    ],
)
def test_a_wrong_entry_stops_the_start_with_the_settings_name(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"^MEDIA_HOSTS"):
        Origins([entry], setting="MEDIA_HOSTS")


def test_splitting_keeps_every_byte_of_path_and_query() -> None:
    target = split("https://h.example/a%2fb/../c;d?x=%7e&y='()+%C3%a9?#frag")
    assert target.path == "/a%2fb/../c;d?x=%7e&y='()+%C3%a9?"
    assert split("https://h.example?x=1").path == "/?x=1"
    assert split("https://h.example/p?").path == "/p?"


def test_a_refusal_never_repeats_the_url() -> None:
    with pytest.raises(OutboundRefused) as refused:
        split("https://user:hunter2@api.twilio.com/?sig=s3cret")
    assert "hunter2" not in refused.value.message
    assert "s3cret" not in refused.value.message


def test_the_host_header_names_unusual_ports_only() -> None:
    assert split("https://h.example/").origin.host_header == "h.example"
    assert split("https://h.example:8443/").origin.host_header == "h.example:8443"
    assert split("http://[::1]:80/").origin.host_header == "[::1]"
    assert str(split("HTTPS://H.example").origin) == "https://h.example"
