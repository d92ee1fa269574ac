"""Fields that are signed without boundaries: moved ones are found, genuine ones let pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from werkzeug.datastructures import Headers, MultiDict

from addon.errors import InputMalformed, Rejected
from addon.outbound.origins import Origins
from addon.twilio import field_forms
from addon.twilio.field_forms import check_boundaries
from addon.twilio.invocation import Invocation
from addon.twilio.status_callback import StatusCallback

ACCOUNT = "AC" + "0a" * 16
ADDRESS = "https://hooks.example.net/recording-analysis"
CALLBACK = "https://marketplace.example.com/v1/cb/XRabc?x=1"
HOSTS = Origins(("*.example.com", "*.twilio.com"))
NOW = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)
SIDS = {"X-Twilio-RequestSid": "XR" + "5" * 32}

Pairs = Sequence[tuple[str, str]]

FIRST_SAMPLE = {"callback": CALLBACK, "channels": "2", "duration": "4", "format": "audio/x-wav"}
SECOND_PARTNER = {
    "callback_url": CALLBACK,
    "channels": "2",
    "duration": "6000",
    "format": "audio/x-wav",
    "media_sid": "RE" + "4c" * 16,
    "request_sid": "XR" + "5" * 32,
    "requested_service": "translation",
    "size": "96044",
    "source_language": "de",
}
DOCUMENTED = {
    "Callback": CALLBACK,
    "Channels": "2",
    "Duration": "4000",
    "Format": "LINEAR16",
    "SampleRate": "8000",
    "SampleSize": "2",
    "Size": "64044",
    "URL": "https://media.twilio.com/temporary/9f2c1e?k=1",
}
DATED = {**FIRST_SAMPLE, "invocation_date": "2026-03-04T10:15:00Z", "ttl": "600"}
GENUINE = {
    "first sample": FIRST_SAMPLE,
    "second partner": SECOND_PARTNER,
    "documented": DOCUMENTED,
    "dated": DATED,
    "dated by a mail's date": {
        **DOCUMENTED,
        "InvocationDate": "Wed, 04 Mar 2026 10:15:00 +0000",
        "TTL": "600",
    },
    "dated in seconds": {**FIRST_SAMPLE, "invocationDate": "1772619300", "ttl": "600"},
    "own fields": {
        **DATED,
        "batch_size": "10",
        "call_duration": "30",
        "label": "",
        "note": "size10 of duration4, in the format audio/wav",
        "update": "1",
    },
    "an empty callback": {"callback": "", "channels": "1", "duration": "4"},
    "nothing": {},
}


def text_of(pairs: Pairs) -> str:
    """The fields as they are signed (spec/protocol 3.1)."""
    return "".join(name + value for name, value in sorted(set(pairs)))


def admitted(pairs: Pairs, url: str = ADDRESS, now: datetime = NOW) -> Invocation | None:
    """The invocation of a form with a valid signature, or None where it is refused."""
    try:
        check_boundaries(url, pairs, field_forms.INVOCATION)
        return Invocation.from_fields(
            Headers(SIDS), MultiDict(pairs), audio_bytes=4, accounts={ACCOUNT}, now=now
        )
    except Rejected:
        return None


@pytest.mark.parametrize("fields", GENUINE.values(), ids=GENUINE)
def test_genuine_fields_are_let_pass(fields: dict[str, str]) -> None:
    assert admitted(list(fields.items()))
    assert admitted(list(fields.items()), f"{ADDRESS}?env=prod&k=a%20b")


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-", min_size=8))
def test_no_token_in_a_callback_is_taken_for_a_field(token: str) -> None:
    callback = f"https://marketplace.twilio.com/v1/cb/{token}?url=https://a.twilio.com/ttl5/x"
    assert admitted(list({**FIRST_SAMPLE, "callback": callback}.items()))


@st.composite
def split_anew(draw: st.DrawFn, text: str) -> list[tuple[str, str]]:
    """The same signed text as other fields."""
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=12, unique=True))
    edges = sorted({0, *cuts, len(text)})
    parts = [text[start:end] for start, end in pairwise(edges)]
    pairs = [(each[: (at := draw(st.integers(1, len(each))))], each[at:]) for each in parts if each]
    assume(text_of(pairs) == text)
    return pairs


def every_single_move(fields: dict[str, str]) -> list[list[tuple[str, str]]]:
    """All ways to leave out one boundary, to move it, or to set one more."""
    pairs = sorted(fields.items())
    text = text_of(pairs)
    starts, at = [], 0
    for name, value in pairs:
        starts.append((at, len(name)))
        at += len(name) + len(value)
    found = []
    for index in range(1, len(starts)):
        rest = starts[:index] + starts[index + 1 :]
        found.append(rest)
        found += [
            sorted([*rest, (place, length)])
            for place in range(1, len(text))
            for length in range(1, min(40, len(text) - place) + 1)
        ]
    found += [
        sorted([*starts, (place, length)])
        for place in range(1, len(text))
        for length in range(1, min(24, len(text) - place) + 1)
    ]
    moved = []
    for edges in found:
        places = [place for place, _ in edges]
        if len(set(places)) < len(places):
            continue
        ends = [*places[1:], len(text)]
        if any(place + length > end for (place, length), end in zip(edges, ends, strict=True)):
            continue
        one = [
            (text[place : place + length], text[place + length : end])
            for (place, length), end in zip(edges, ends, strict=True)
        ]
        if text_of(one) == text and one != pairs:
            moved.append(one)
    return moved


def lives_as_long(invocation: Invocation, genuine: Invocation) -> bool:
    """True where date and time to live end it no later than the genuine one."""
    if genuine.invoked_at is None or genuine.ttl is None:
        return True
    return (
        invocation.invoked_at is not None
        and invocation.ttl is not None
        and invocation.invoked_at + timedelta(seconds=invocation.ttl)
        <= genuine.invoked_at + timedelta(seconds=genuine.ttl)
    )


def gains_nothing(invocation: Invocation, genuine: Invocation) -> bool:
    """True where moved boundaries give no other identity, number or age, and no other host.

    A host that was cut off is none of CALLBACK_HOSTS, which are asked before every delivery.
    """
    same = ("request_sid", "recording_sid", "call_sid", "size", "duration", "channels")
    host = genuine.callback.split("/")[2:3]
    return (
        all(getattr(invocation, name) in (getattr(genuine, name), None) for name in same)
        and lives_as_long(invocation, genuine)
        and (invocation.callback.split("/")[2:3] == host or not HOSTS.admits(invocation.callback))
    )


@pytest.mark.parametrize("name", ["first sample", "documented", "dated", "dated in seconds"])
def test_no_single_moved_boundary_gains_anything(name: str) -> None:
    genuine = admitted(list(GENUINE[name].items()))
    assert genuine
    moved = every_single_move(GENUINE[name])
    assert len(moved) > 50
    for pairs in moved:
        invocation = admitted(pairs)
        assert invocation is None or gains_nothing(invocation, genuine), pairs


@given(
    st.data(), st.sampled_from([name for name in GENUINE if name not in ("own fields", "nothing")])
)
def test_no_other_split_gains_anything(data: st.DataObject, name: str) -> None:
    pairs = sorted(GENUINE[name].items())
    genuine = admitted(pairs)
    invocation = admitted(data.draw(split_anew(text_of(pairs))))
    assert genuine
    assert invocation is None or gains_nothing(invocation, genuine)


@pytest.mark.parametrize(
    "pairs",
    [
        [("format", "audio/x-wavinvocation_date2026-03-04T10:15:00Zttl600")],
        [("format", "audio/x-wa"), ("vinvocation_date", "2026-03-04T10:15:00Zttl600")],
        [("format", "audio/x-wav"), ("invocation_date2026-03-04T10", ":15:00Zttl600")],
        [("format", "audio/x-wavt"), ("tl600", "")],
        [("label", "zTTL600")],
        [("invocation_date", "2026-03-04T10:15:00Z"), ("t", "tl600")],
        [("callbackhttps", "://marketplace.example.com/v1/cb")],
        [("a", "callbackhttps://marketplace.example.com/v1/cb"), ("channels", "2")],
        [("", "x"), ("channels", "2")],
        [("?bodySHA256", "=" + 64 * "0")],
        [("bodySHA256", "=" + 64 * "0")],
        [("6", "=" + 64 * "0")],
        [("a b", "c")],
    ],
)
def test_a_field_that_hides_is_found(pairs: Pairs) -> None:
    with pytest.raises(InputMalformed):
        check_boundaries(ADDRESS, pairs, field_forms.INVOCATION)


def test_fields_do_not_hide_in_the_query_nor_the_hash_of_a_body_in_fields() -> None:
    for url in (
        f"{ADDRESS}?env=prodcallback{CALLBACK}channels2",
        f"{ADDRESS}?env=prodinvocation_date2026-03-04T10:15:00Zttl600",
    ):
        assert admitted([], url) is None
    for cut in range(len("?bodySHA256")):
        mark = "?bodySHA256"
        pairs = [(mark[cut:], "=" + 64 * "0")]
        assert admitted(pairs, ADDRESS + mark[:cut]) is None, pairs


CALLBACK_FIELDS = {
    "AccountSid": ACCOUNT,
    "CallSid": "CA" + "1b" * 16,
    "ConferenceSid": "CF" + "3d" * 16,
    "EncryptionDetails": '{"type":"rsa-aes","iv":"ZGVm"}',
    "ErrorCode": "0",
    "RecordingChannels": "2",
    "RecordingDuration": "37",
    "RecordingSid": "RE" + "2c" * 16,
    "RecordingSource": "StartCallRecordingAPI",
    "RecordingStartTime": "Wed, 04 Mar 2026 10:15:30 +0000",
    "RecordingStatus": "completed",
    "RecordingTrack": "both",
    "RecordingUrl": f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE2c",
}


def callback_of(pairs: Pairs) -> StatusCallback | None:
    try:
        check_boundaries(ADDRESS, pairs, field_forms.STATUS_CALLBACK)
        return StatusCallback.from_fields(MultiDict(pairs), accounts={ACCOUNT}, now=NOW)
    except Rejected:
        return None


def test_no_moved_boundary_changes_a_status_callback() -> None:
    """Nor do a new parameter of Twilio's, or its track, which nothing is decided by."""
    genuine = callback_of(list(CALLBACK_FIELDS.items()))
    assert genuine
    fields = {**CALLBACK_FIELDS, "NewlyAdded": "CA" + "9" * 32, "ParentCallSid": "CA" + "8" * 32}
    assert callback_of(list(fields.items())) == genuine
    for pairs in every_single_move(CALLBACK_FIELDS):
        found = callback_of(pairs)
        assert found is None or replace(found, track=genuine.track) == genuine, pairs
