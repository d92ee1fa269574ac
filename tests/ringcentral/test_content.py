"""A recording's bytes by ranges, whatever RingCentral makes of a Range, and nothing cut short."""

from __future__ import annotations

import os

import pytest

from addon.errors import Forbidden, NotFound, NotPlayable, RingCentralUnavailable, Unauthenticated
from addon.ringcentral.content import Content, Facts
from tests.outbound.loopback import Answer
from tests.ringcentral.standin import ACCOUNT, refused, says

AUDIO = b"RIFF\0\0\0\0WAVE" + os.urandom(199_992)


@pytest.fixture
def stored(standin):
    return standin.record(1, audio=AUDIO)


@pytest.fixture
def path(stored):
    return f"/restapi/v1.0/account/{ACCOUNT}/recording/{stored.id}/content"


@pytest.fixture
def content(api, caller, standin, path):
    content = Content(api, caller, standin.url + path)
    yield content
    content.close()


def read(content, start, stop):
    return b"".join(content.read(start, stop))


def test_the_whole_is_one_request(content, standin):
    assert (content.length, content.format) == (len(AUDIO), "wav")
    assert read(content, 0, len(AUDIO)) == AUDIO
    assert len(standin.asked("/content")) == 1


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 1), (0, 100_000), (1, 2), (99_999, 150_001), (200_003, 200_004), (5, 200_004)],
)
@pytest.mark.parametrize("ranged", [True, False], ids=["parts", "whole"])
def test_every_range_is_exact(content, standin, start, stop, ranged):
    standin.ranged = ranged
    assert read(content, start, stop) == AUDIO[start:stop]


def test_with_known_facts_a_range_is_one_request(api, caller, standin, path, content):
    known = Content(api, caller, standin.url + path, content.facts)
    before = len(standin.asked("/content"))
    assert read(known, 1000, 2000) == AUDIO[1000:2000]
    (last,) = standin.asked("/content")[before:]
    assert last.headers["range"] == "bytes=1000-1999"


def test_parts_shorter_than_asked_for_are_continued(content, standin):
    standin.longest_part = 70_000
    assert content.length == len(AUDIO)
    assert read(content, 0, len(AUDIO)) == AUDIO
    asked = [each.headers["range"] for each in standin.asked("/content")]
    assert asked == ["bytes=0-", "bytes=70000-200003", "bytes=140000-200003"]


def test_an_etag_is_passed_on_or_follows_from_the_recording(content, standin, api, caller, path):
    derived = content.etag
    assert derived == Content(api, caller, standin.url + path).etag
    standin.recordings["5001"].etag = '"abc"'
    assert Content(api, caller, standin.url + path).etag == "abc"
    standin.recordings["5001"].etag = 'W/"weak"'
    assert Content(api, caller, standin.url + path).etag == derived


def test_a_recording_that_changes_is_not_mixed(api, caller, standin, path, content):
    known = Content(api, caller, standin.url + path, content.facts)
    standin.recordings["5001"].audio = AUDIO + b"more"
    with pytest.raises(RingCentralUnavailable):
        read(known, 0, 10)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(401, "OAU-151"), Unauthenticated),
        (refused(403, "CMN-401"), Forbidden),
        (refused(404, "CMN-102"), NotFound),
        (says(410), NotFound),
        (says(500), RingCentralUnavailable),
        (says(200, {"an": "error"}), NotPlayable),
        (Answer(200, b"<html>", {"Content-Type": "text/html"}), NotPlayable),
        (Answer(200, b"", {"Content-Type": "audio/x-wav"}), RingCentralUnavailable),
        (Answer(204), RingCentralUnavailable),
        (Answer(416, b"", {"Content-Range": "bytes */9"}), RingCentralUnavailable),
        (Answer(206, b"abc", {"Content-Type": "audio/x-wav"}), RingCentralUnavailable),
    ],
    ids=lambda each: getattr(each, "__name__", None) or str(each.status),
)
def test_what_is_no_recording_says_what_it_is(content, standin, path, answer, error):
    standin.trouble[path] = [answer]
    with pytest.raises(error):
        _ = content.facts


@pytest.mark.parametrize("said", ["audio/x-wav", "Audio/MPEG", "text/html", ""])
@pytest.mark.parametrize(
    ("audio", "kind"),
    [(AUDIO, "wav"), (b"OggS" + bytes(500), "ogg"), (bytes(range(256)) * 4, "unknown")],
    ids=["wav", "ogg", "unknown"],
)
def test_the_format_comes_from_the_bytes_and_not_from_the_declared_type(
    content, standin, said, audio, kind
):
    standin.recordings["5001"].content_type = said
    standin.recordings["5001"].audio = audio
    assert content.format == kind
    assert read(content, 0, content.length) == audio


def test_a_document_is_no_recording_even_where_it_is_called_audio(content, standin):
    standin.recordings["5001"].audio = b"<html><body>busy</body></html>"
    with pytest.raises(NotPlayable, match="HTML page"):
        _ = content.facts


@pytest.mark.parametrize(
    "said",
    ["bytes 0-2/*", "bytes 5-2/9", "bytes 0-9/9", "bytes 1-3/9", "chars 0-2/9", "0-2/9", ""],
)
def test_a_range_that_cannot_be_is_not_believed(content, standin, path, said):
    headers = {"Content-Type": "audio/x-wav", "Content-Range": said}
    standin.trouble[path] = [Answer(206, b"abc", headers)]
    with pytest.raises(RingCentralUnavailable):
        _ = content.facts


def test_bytes_without_a_length_are_not_played(content, standin, path):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/x-wav\r\n\r\n"
    standin.trouble[path] = [Answer(raw=lambda: iter([head, AUDIO]))]
    with pytest.raises(RingCentralUnavailable):
        _ = content.facts


def chunked(audio: bytes, *, end: bytes = b"0\r\n\r\n") -> Answer:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/x-wav\r\nTransfer-Encoding: Chunked\r\n\r\n"
    cut = [audio[at : at + 30_000] for at in range(0, len(audio), 30_000)]
    chunks = [b"%x\r\n%s\r\n" % (len(each), each) for each in cut]
    return Answer(raw=lambda: iter([head, *chunks, end]))


def test_audio_in_chunks_without_a_length_is_read_whole_and_by_ranges(content, standin, path):
    standin.trouble[path] = [chunked(AUDIO) for _ in range(3)]
    assert (content.length, content.format) == (len(AUDIO), "wav")
    assert read(content, 0, len(AUDIO)) == AUDIO
    assert read(content, 99_999, 150_001) == AUDIO[99_999:150_001]
    assert len(standin.asked("/content")) == 3


@pytest.mark.parametrize(
    "second", [chunked(AUDIO, end=b""), chunked(AUDIO[:70_000]), chunked(AUDIO + b"more")]
)
def test_audio_in_chunks_that_changes_or_breaks_off_never_ends_cleanly(
    content, standin, path, second
):
    standin.trouble[path] = [chunked(AUDIO), second]
    with pytest.raises(RingCentralUnavailable):
        read(content, 0, content.length)


@pytest.mark.parametrize("first", [chunked(b""), chunked(AUDIO, end=b"")])
def test_chunks_that_hold_nothing_or_do_not_end_have_no_length(content, standin, path, first):
    standin.trouble[path] = [first]
    with pytest.raises(RingCentralUnavailable):
        _ = content.facts


def test_an_answer_that_breaks_off_never_ends_cleanly(content, standin, path):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: audio/x-wav\r\nContent-Length: 200004\r\n\r\n"
    standin.trouble[path] = [Answer(raw=lambda: iter([head, AUDIO[:70_000]]))]
    with pytest.raises(RingCentralUnavailable):
        read(content, 0, len(AUDIO))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_gets_no_token_and_no_request(
    content, standin, path, other, status
):
    standin.trouble[path] = [Answer(status, b"", {"Location": other.url("/take-it")})]
    with pytest.raises(Forbidden):
        _ = content.facts
    assert other.requests == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:1/content",
        "https://media.ringcentral.com/restapi/v1.0/account/1/recording/2/content",
        "https://user:word@127.0.0.1/",
        "file:///etc/passwd",
        "//127.0.0.1/x",
        "not an address",
    ],
)
def test_an_address_that_is_not_ringcentrals_is_never_asked(api, caller, uri):
    with pytest.raises(Forbidden):
        _ = Content(api, caller, uri).facts


def test_a_content_uri_elsewhere_gets_no_token(api, caller, other):
    with pytest.raises(Forbidden):
        _ = Content(api, caller, other.url("/content")).facts
    assert other.requests == []


def test_429_pauses_every_later_request(content, standin, path):
    standin.trouble[path] = [says(429, **{"Retry-After": "40"})]
    with pytest.raises(RingCentralUnavailable) as raised:
        _ = content.facts
    assert raised.value.retry_after == 40
    with pytest.raises(RingCentralUnavailable) as raised:
        _ = content.facts
    assert 39 < raised.value.retry_after <= 40
    assert len(standin.asked("/content")) == 1


def test_429_without_retry_after_pauses_half_a_minute_at_least(content, standin, path):
    standin.trouble[path] = [says(429)]
    for _ in range(3):
        with pytest.raises(RingCentralUnavailable) as raised:
            _ = content.facts
        assert raised.value.retry_after > 29
    assert len(standin.asked("/content")) == 1


def test_the_eleventh_request_of_a_minute_is_not_made(api, caller, standin, path, content):
    facts = content.facts
    for number in range(9):
        known = Content(api, caller, standin.url + path, facts)
        assert read(known, number, number + 1) == AUDIO[number : number + 1]
    with pytest.raises(RingCentralUnavailable) as raised:
        read(Content(api, caller, standin.url + path, facts), 0, 1)
    assert 0 < raised.value.retry_after <= 60
    assert len(standin.asked("/content")) == 10


def test_facts_are_kept_as_they_are():
    facts = Facts(10, "e", "mp3")
    assert Facts.from_json(facts.to_json()) == facts


def test_facts_with_a_field_of_a_newer_release_are_read():
    from addon.ringcentral.content import Facts

    facts = Facts(length=7, etag="a", format="wav")
    newer = facts.to_json().replace("{", '{"bitrate": 64, ', 1)
    assert Facts.from_json(newer) == facts
