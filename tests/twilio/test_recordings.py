from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from addon.errors import (
    SourceGone,
    SourceRefused,
    SourceUnavailable,
    TwilioUnavailable,
)
from addon.twilio.recordings import Recording, Recordings
from addon.twilio.rest import Rest, TwilioApi
from tests.outbound.loopback import Answer
from tests.twilio.standin import ACCOUNT, EPOCH, NOT_FOUND_XML, StandIn, error, says, sid, wav

LIST = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings.json"


def path(recording: str, suffix: str = ".wav") -> str:
    return f"/2010-04-01/Accounts/{ACCOUNT}/Recordings/{recording}{suffix}"


def ours(twilio: StandIn) -> Recordings:
    return Recordings(twilio.rest())


def download(twilio: StandIn, recording: str, attempt: int = 0) -> bytes:
    with ours(twilio).media(recording, attempt=attempt) as media:
        return b"".join(media.blocks)


class TestResources:
    def test_a_recording_is_read_with_its_units(self, twilio: StandIn) -> None:
        recording = ours(twilio).get(twilio.record(1, conference_sid=sid("CF", 1)))
        assert recording == Recording(
            sid=sid("RE", 1),
            account_sid=ACCOUNT,
            status="completed",
            call_sid=sid("CA", 1),
            conference_sid=sid("CF", 1),
            source="Conference",
            channels=2,
            duration_seconds=37.0,
            started_at=EPOCH + timedelta(minutes=1),
            created_at=EPOCH + timedelta(minutes=1),
        )

    def test_a_recording_that_is_not_there_is_none(self, twilio: StandIn) -> None:
        assert ours(twilio).get(sid("RE", 404)) is None

    def test_what_is_missing_in_a_resource_is_none(self) -> None:
        bare = Recording.from_resource({"sid": "RE1", "channels": "2", "duration": "-1"})
        assert (bare.channels, bare.duration_seconds, bare.started_at) == (None, None, None)
        details = {"type": "rsa-aes", "iv": "x"}
        assert Recording.from_resource({"encryption_details": details}).encryption == details

    @pytest.mark.parametrize("name", ["", "RE1", "../RE", sid("CA", 1), sid("RE", 1) + "/x"])
    def test_nothing_but_a_sid_becomes_part_of_an_address(self, twilio: StandIn, name: str) -> None:
        for ask in (ours(twilio).get, ours(twilio).delete, lambda name: download(twilio, name)):
            with pytest.raises(SourceRefused):
                ask(name)
        assert twilio.host.requests == []

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_a_busy_api_is_asked_again_later(self, twilio: StandIn, status: int) -> None:
        recording = twilio.record(1)
        twilio.trouble[path(recording, ".json")] = [Answer(status, b"", {"Retry-After": "4"})]
        with pytest.raises(TwilioUnavailable) as busy:
            ours(twilio).get(recording)
        assert busy.value.retry_after == 4

    @pytest.mark.parametrize("body", [NOT_FOUND_XML, b"[]", b"[" * 100_000, b"", b'{"sid": "RE2"}'])
    def test_an_api_that_answers_with_something_else_is_asked_again_later(
        self, twilio: StandIn, body: bytes
    ) -> None:
        recording = twilio.record(1)
        twilio.trouble[path(recording, ".json")] = [Answer(200, body)]
        with pytest.raises(TwilioUnavailable):
            ours(twilio).get(recording)

    def test_an_api_that_does_not_know_us_is_asked_again_later(self, twilio: StandIn) -> None:
        recording = twilio.record(1)
        rest = twilio.rest()
        stranger = Rest(TwilioApi(ACCOUNT, "wrong", base_url=twilio.host.origin), rest.outbound)
        with pytest.raises(TwilioUnavailable, match="401"):
            Recordings(stranger).get(recording)


class TestLists:
    def test_every_page_is_read(self, twilio: StandIn) -> None:
        recordings = [twilio.record(number) for number in range(5)]
        page = ours(twilio).page(size=2)
        assert [each.sid for each in page.recordings] == [recordings[4], recordings[3]]
        seen = [each.sid for each in page.recordings]
        while page.next:
            page = ours(twilio).page(resume=page.next)
            seen += [each.sid for each in page.recordings]
        assert seen == recordings[::-1]

    def test_a_span_of_time_is_asked_for_and_kept_on_every_page(self, twilio: StandIn) -> None:
        recordings = [twilio.record(number) for number in range(300)]
        span = (EPOCH + timedelta(minutes=10), EPOCH + timedelta(minutes=250))
        seen = [each.sid for each in ours(twilio).all(after=span[0], before=span[1])]
        assert seen == recordings[10:251][::-1]
        assert twilio.count("GET", LIST) == 3

    def test_a_page_with_a_field_that_nobody_knows_is_read(self, twilio: StandIn) -> None:
        page = {"recordings": [], "page": 0, "next_page_uri": None, "request_id": "x"}
        twilio.trouble[LIST] = [says(200, page)]
        assert ours(twilio).page().recordings == []

    def test_an_empty_list_ends(self, twilio: StandIn) -> None:
        assert list(ours(twilio).all(after=datetime.now(UTC))) == []

    @pytest.mark.parametrize(
        "onwards",
        [
            "https://evil.example/x",
            "//evil.example/x",
            "/2010-04-01/Accounts/ACother/Recordings.json?x",
            "@evil",
            "",
        ],
    )
    def test_a_list_that_leads_elsewhere_is_not_followed(
        self, twilio: StandIn, onwards: str
    ) -> None:
        with pytest.raises(TwilioUnavailable, match="not ours"):
            ours(twilio).page(resume=onwards)
        assert twilio.host.requests == []


class TestMedia:
    def test_two_channels_are_asked_for(self, twilio: StandIn) -> None:
        assert download(twilio, twilio.record(1)) == wav(2)
        assert [each.path for each in twilio.host.requests] == [
            path(sid("RE", 1)) + "?RequestedChannels=2"
        ]

    def test_one_channel_is_asked_for_where_there_are_not_two(self, twilio: StandIn) -> None:
        assert download(twilio, twilio.record(1, channels=1)) == wav(1)
        assert twilio.host.requests[1].path.endswith("?RequestedChannels=1")

    def test_media_that_is_not_ready_comes_later(self, twilio: StandIn) -> None:
        recording = twilio.record(1)
        twilio.trouble[path(recording)] = [Answer(404, NOT_FOUND_XML)] * 2
        waits = []
        for attempt in range(2):
            with pytest.raises(SourceUnavailable) as not_yet:
                download(twilio, recording, attempt)
            waits.append(not_yet.value.retry_after)
        assert waits == [1, 2]
        assert download(twilio, recording, 2) == wav(2)

    def test_deleted_media_is_gone_after_the_last_delay(self, twilio: StandIn) -> None:
        with pytest.raises(SourceGone):
            download(twilio, sid("RE", 9), 7)

    def test_the_error_document_with_a_status_of_200_is_never_audio(self, twilio: StandIn) -> None:
        recording = twilio.record(1)
        twilio.trouble[path(recording)] = [
            Answer(200, NOT_FOUND_XML, {"Content-Type": "audio/x-wav"})
        ]
        with pytest.raises(SourceUnavailable, match="XML document"):
            download(twilio, recording)

    def test_too_many_requests_wait_as_told(self, twilio: StandIn) -> None:
        recording = twilio.record(1)
        limited = error(429, 20429)
        twilio.trouble[path(recording)] = [Answer(429, limited.body, {"Retry-After": "3"})]
        with pytest.raises(SourceUnavailable) as busy:
            download(twilio, recording)
        assert busy.value.retry_after == 3

    def test_a_redirect_to_storage_takes_no_credentials_along(
        self, twilio_with_storage: StandIn
    ) -> None:
        twilio = twilio_with_storage
        assert download(twilio, twilio.record(1)) == wav(2)
        assert twilio.storage is not None
        assert [each.authorization for each in twilio.storage.requests] == [None]

    def test_the_fallback_may_be_redirected_too(self, twilio_with_storage: StandIn) -> None:
        twilio = twilio_with_storage
        assert download(twilio, twilio.record(1, channels=1)) == wav(1)

    def test_ciphertext_comes_as_it_is(self, twilio: StandIn) -> None:
        recording = twilio.record(1, audio=random.Random(3).randbytes(5000))
        with ours(twilio).media(recording) as media:
            assert b"".join(media.blocks) == twilio.media[recording]


class TestDeletion:
    def test_a_deletion_may_be_repeated(self, twilio: StandIn) -> None:
        recording = twilio.record(1)
        ours(twilio).delete(recording)
        assert recording not in twilio.recordings
        ours(twilio).delete(recording)
        assert twilio.count("DELETE", path(recording, ".json")) == 2

    def test_a_recording_that_is_not_completed_is_left_for_later(self, twilio: StandIn) -> None:
        recording = twilio.record(1, status="processing")
        with pytest.raises(TwilioUnavailable, match="20409"):
            ours(twilio).delete(recording)
        assert recording in twilio.recordings

    def test_an_api_that_is_down_has_deleted_nothing(self, twilio: StandIn) -> None:
        recording = twilio.record(1)
        twilio.trouble[path(recording, ".json")] = [Answer(503)]
        with pytest.raises(TwilioUnavailable):
            ours(twilio).delete(recording)
