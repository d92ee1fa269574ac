from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers, MultiDict

from addon.errors import (
    InputConflict,
    InputMalformed,
    InputMissing,
    InvocationExpired,
    Rejected,
    WrongAccount,
)
from addon.twilio.invocation import NO_INSTALL, Invocation, check_headers

AUDIO_BYTES = 96_044
NOW = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)
AC = "AC" + "0a" * 16
XD = "XD" + "33" * 16
XE = "XE" + "44" * 16
XR = "XR" + "55" * 16
RE = "RE" + "2c" * 16
HEADERS = {
    "X-Twilio-VendorAccountSid": AC,
    "X-Twilio-AddOnSid": "XB" + "11" * 16,
    "X-Twilio-AddOnVersionSid": "XC" + "22" * 16,
    "X-Twilio-AddOnInstallSid": XD,
    "X-Twilio-AddOnConfigurationSid": XE,
    "X-Twilio-RequestSid": XR,
}
URL = "https://media.twilio.com/x?sig=a%2Fb"


def read(
    fields: dict[str, Any] | list[tuple[str, Any]],
    *,
    headers: dict[str, str] | None = None,
    has_audio: bool = False,
    now: datetime = NOW,
) -> Invocation:
    return Invocation.from_fields(
        Headers(HEADERS if headers is None else headers),
        MultiDict(fields.items() if isinstance(fields, dict) else fields),
        audio_bytes=AUDIO_BYTES if has_audio else None,
        accounts={AC},
        now=now,
    )


class TestSpellings:
    def test_the_first_partners_names(self) -> None:
        invocation = read(
            {
                "callback": "https://c.twilio.com/cb?x=1",
                "channels": "2",
                "duration": "4",
                "format": "audio/x-wav",
                "test": "yes",
            },
            has_audio=True,
        )
        assert invocation.callback == "https://c.twilio.com/cb?x=1"
        assert (invocation.channels, invocation.duration) == (2, 4)
        assert invocation.format == "audio/x-wav"
        assert invocation.has_audio
        assert invocation.audio_url is None
        assert invocation.configuration == {"test": "yes"}

    def test_the_second_partners_names(self) -> None:
        media = "RE" + "2c" * 16
        invocation = read(
            {
                "callback_url": "https://c.twilio.com/cb",
                "size": "96044",
                "duration": "6000",
                "media_sid": media,
                "request_sid": XR,
                "requested_service": "translation",
                "source_languages": "en,de",
            },
            has_audio=True,
        )
        assert invocation.size == 96044
        assert invocation.recording_id == media
        assert invocation.configuration == {
            "requested_service": "translation",
            "source_languages": "en,de",
        }

    def test_the_documents_names(self) -> None:
        invocation = read(
            {
                "URL": URL,
                "Callback": "",
                "Size": "1",
                "SampleSize": "2",
                "SampleRate": "8000",
                "Channels": "1",
                "Format": "LINEAR16",
            }
        )
        assert invocation.audio_url == URL
        assert invocation.callback == ""
        assert (invocation.sample_size, invocation.sample_rate) == (2, 8000)

    @pytest.mark.parametrize(
        "name", ["url", "recording_url", "audio_url", "RecordingUrl", "audio-URL"]
    )
    def test_the_address_in_every_spelling(self, name: str) -> None:
        assert read({name: URL}).audio_url == URL

    @pytest.mark.parametrize(
        "name", ["recording_sid", "RecordingSid", "reference_sid", "media-sid"]
    )
    def test_the_recording_in_every_spelling(self, name: str) -> None:
        assert read({name: "REabc"}, has_audio=True).recording_sid == "REabc"

    def test_header_names_have_no_case(self) -> None:
        lower = {name.lower(): value for name, value in HEADERS.items()}
        assert read({"url": URL}, headers=lower).tenant == XD

    def test_a_json_invocation_may_have_numbers_and_nested_configuration(self) -> None:
        invocation = read(
            {
                "url": URL,
                "duration": 3.682,
                "channels": 2,
                "callback": None,
                "deep": {"a": [1]},
                "on": True,
            }
        )
        assert (invocation.duration, invocation.channels, invocation.callback) == (3.682, 2, "")
        assert invocation.configuration == {"deep": {"a": [1]}, "on": True}

    def test_a_repeated_field_of_the_customers_is_a_list(self) -> None:
        assert read([("url", URL), ("tag", "a"), ("tag", "b")]).configuration == {"tag": ["a", "b"]}


class TestConflicts:
    def test_two_spellings_with_one_value_agree(self) -> None:
        assert read([("url", URL), ("URL", URL), ("audio_url", f" {URL} ")]).audio_url == URL

    def test_an_empty_spelling_says_nothing(self) -> None:
        assert read({"url": "", "audio_url": URL}).audio_url == URL

    @pytest.mark.parametrize(
        "fields",
        [
            [("url", URL), ("RecordingUrl", URL + "2")],
            [("url", URL), ("callback", "a"), ("callback", "b")],
            [("url", URL), ("callback", "a"), ("CallbackUrl", "b")],
            [("url", URL), ("media_sid", "RE1"), ("reference_sid", "RE2")],
        ],
    )
    def test_two_values_are_refused_rather_than_guessed(
        self, fields: list[tuple[str, str]]
    ) -> None:
        with pytest.raises(InputConflict):
            read(fields)

    def test_bytes_and_an_address_are_both_kept_for_the_job_to_prefer_the_bytes(self) -> None:
        invocation = read({"url": URL, "audio": "ignored"}, has_audio=True)
        assert invocation.has_audio
        assert invocation.audio_url == URL
        assert invocation.configuration == {}


class TestIdentity:
    def test_neither_audio_nor_address(self) -> None:
        with pytest.raises(InputMissing, match="audio"):
            read({"callback": "x", "url": " "})

    def test_the_headers_request_sid_wins(self) -> None:
        assert read({"url": URL, "request_sid": "XRother"}).request_sid == XR

    def test_the_field_stands_in_for_the_header(self) -> None:
        headers = {**HEADERS, "X-Twilio-RequestSid": ""}
        assert read({"url": URL, "RequestSid": "MR" + "66" * 16}, headers=headers).request_sid == (
            "MR" + "66" * 16
        )

    def test_no_request_sid_at_all(self) -> None:
        with pytest.raises(InputMissing, match="request SID"):
            read({"url": URL}, headers={})

    @pytest.mark.parametrize(
        "sid", ["../../etc/passwd", "a/b", "a b", "x" * 65, "ü", "-x", ".", "a\nb"]
    )
    def test_no_identifier_leaves_its_place_in_the_store(self, sid: str) -> None:
        with pytest.raises(Rejected):
            read({"url": URL, "request_sid": sid}, headers={})
        with pytest.raises(Rejected):
            read({"url": URL, "media_sid": sid})

    @pytest.mark.parametrize(
        "header", ["X-Twilio-AddOnInstallSid", "X-Twilio-AddOnConfigurationSid"]
    )
    def test_a_tenant_that_no_key_could_carry_is_rejected(self, header: str) -> None:
        with pytest.raises(Rejected):
            read({"url": URL}, headers={**HEADERS, header: "../XD"})

    @pytest.mark.parametrize("sid", [RE, RE.lower(), AC, "CA" + "1b" * 16, "XD" + "3" * 32, "RC-9"])
    def test_a_name_of_something_else_is_no_request_sid(self, sid: str) -> None:
        with pytest.raises(Rejected, match="something else"):
            read({"url": URL}, headers={**HEADERS, "X-Twilio-RequestSid": sid})

    @pytest.mark.parametrize("sid", [XR, "MR" + "6" * 32, "QR" + "6" * 32, "a-request"])
    def test_a_request_sid_of_an_unknown_form_is_taken(self, sid: str) -> None:
        assert (
            read({"url": URL}, headers={**HEADERS, "X-Twilio-RequestSid": sid}).request_sid == sid
        )

    @pytest.mark.parametrize("tenant", [AC, AC.lower(), RE, "RC-1", "XE" + "4" * 32])
    def test_another_surfaces_tenant_is_no_install(self, tenant: str) -> None:
        with pytest.raises(Rejected, match="something else"):
            read({"url": URL}, headers={**HEADERS, "X-Twilio-AddOnInstallSid": tenant})

    @pytest.mark.parametrize(
        "address", ["x", "ftp://c.twilio.com/", "https://c twilio.com/", "//c"]
    )
    def test_a_callback_is_a_url(self, address: str) -> None:
        with pytest.raises(InputMalformed, match="callback"):
            read({"url": URL, "callback": address})

    def test_the_tenant_is_the_install_then_the_configuration(self) -> None:
        headers = dict(HEADERS)
        assert read({"url": URL}, headers=headers).tenant == XD
        del headers["X-Twilio-AddOnInstallSid"]
        assert read({"url": URL}, headers=headers).tenant == XE
        del headers["X-Twilio-AddOnConfigurationSid"]
        assert read({"url": URL}, headers=headers).tenant == NO_INSTALL

    def test_a_recording_without_a_sid_is_known_by_its_request(self) -> None:
        assert read({"url": URL}).recording_id == XR

    def test_the_account_may_be_in_either_header_and_may_be_absent(self) -> None:
        assert read({"url": URL}).account_sid == AC
        only = {"X-Twilio-RequestSid": XR}
        assert read({"url": URL}, headers=only).account_sid is None
        assert read({"url": URL}, headers={**only, "X-Twilio-AccountSid": AC}).account_sid == AC

    def test_the_vendors_header_is_the_one_that_counts(self) -> None:
        other = "AC" + "ff" * 16
        both = {**HEADERS, "X-Twilio-AccountSid": other}
        assert read({"url": URL}, headers=both).account_sid == AC
        with pytest.raises(WrongAccount) as refused:
            read({"url": URL}, headers={**both, "X-Twilio-VendorAccountSid": other})
        assert other not in refused.value.message


class TestAge:
    @pytest.mark.parametrize(
        "name", ["invocation_date", "InvocationDate", "invocationDate", "date", "timestamp"]
    )
    def test_an_invocation_past_its_ttl_is_refused_under_every_name(self, name: str) -> None:
        fields = {"url": URL, name: "2026-03-04T10:00:00Z", "ttl": "630"}
        assert read(fields).ttl == 630
        with pytest.raises(InvocationExpired):
            read({**fields, "ttl": "600"}, now=datetime(2026, 3, 4, 10, 15, 31, tzinfo=UTC))

    def test_an_invocation_from_the_future_is_refused(self) -> None:
        assert read({"url": URL, "date": "2026-03-04T10:20:30Z"}).invoked_at
        with pytest.raises(InvocationExpired, match="future"):
            read({"url": URL, "date": "2026-03-04T10:20:31Z"})

    def test_absence_is_tolerated(self) -> None:
        assert read({"url": URL, "ttl": "5"}).invoked_at is None
        assert read({"url": URL, "date": "2020-01-01"}).ttl is None
        assert read({"url": URL, "invocation_date": "", "ttl": " "}).ttl is None

    @pytest.mark.parametrize(
        ("name", "text"),
        [("ttl", "a while"), ("TTL", "600x"), ("ttl", "-1"), ("invocation_date", "some day")],
    )
    def test_what_cannot_be_read_is_refused(self, name: str, text: str) -> None:
        with pytest.raises(InputMalformed):
            read({"url": URL, name: text})

    def test_a_field_that_may_be_the_customers_own_is_none_where_it_is_no_date(self) -> None:
        invocation = read({"url": URL, "date": "some day"})
        assert invocation.invoked_at is None
        assert invocation.configuration == {"date": "some day"}


class TestDuration:
    @pytest.mark.parametrize("declared", ["", "four", "-1", "nan", "inf"])
    def test_a_declaration_that_is_no_length_is_none(self, declared: str) -> None:
        assert read({"url": URL, "duration": declared}).duration is None

    @pytest.mark.parametrize("declared", ["4formataudio/x-wav", "1e999", "9" * 5000 + "x"])
    def test_what_begins_as_a_number_and_is_none_is_refused(self, declared: str) -> None:
        with pytest.raises(InputMalformed):
            read({"url": URL, "duration": declared})


def test_headers_that_make_an_invocation_pass_before_its_body_has_come() -> None:
    check_headers(Headers(HEADERS), {AC})


@pytest.mark.parametrize(
    ("header", "value", "error"),
    [
        ("X-Twilio-VendorAccountSid", "AC" + "9" * 32, WrongAccount),
        ("X-Twilio-RequestSid", RE, Rejected),
        ("X-Twilio-RequestSid", "no SID", Rejected),
        ("X-Twilio-AddOnInstallSid", RE, Rejected),
    ],
)
def test_headers_that_make_none_are_refused_before_its_body(
    header: str, value: str, error: type[Rejected]
) -> None:
    with pytest.raises(error):
        check_headers(Headers({**HEADERS, header: value}), {AC})


def test_a_structure_where_text_must_be_is_rejected() -> None:
    with pytest.raises(Rejected, match="must be text"):
        read({"url": URL, "callback": {"a": 1}})


def test_the_size_is_that_of_the_upload_and_without_one_the_declared() -> None:
    assert read({"size": "7"}, has_audio=True).size == AUDIO_BYTES
    assert read({"size": "7", "url": URL}).size == 7


def test_an_invocation_survives_being_written_down() -> None:
    invocation = read(
        {
            "url": URL,
            "callback": "https://c.twilio.com/?a=%C3%BC",
            "ttl": "60",
            "date": "2026-03-04T11:15:30+01:00",
            "deep": {"a": [1, None]},
        },
        has_audio=True,
    )
    assert Invocation.from_json(invocation.to_json()) == invocation
    assert Invocation.from_json(read({"url": URL}).to_json().encode()) == read({"url": URL})


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12))), st.text(max_size=70))
def test_fields_of_any_kind_end_in_an_invocation_or_a_rejection(
    fields: list[tuple[str, str]], sid: str
) -> None:
    try:
        invocation = read(
            [("url", URL), *fields],
            headers={"x-twilio-requestsid": sid.replace("\n", "").replace("\r", "")},
        )
    except Rejected:
        return
    assert Invocation.from_json(invocation.to_json()) == invocation
