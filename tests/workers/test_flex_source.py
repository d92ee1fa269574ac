"""Fetching a Flex recording: every trap of spec/protocol 4.3 and 5.3, as the jobs meet it."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime, timedelta

import pytest
import structlog.testing
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from addon import log
from addon.errors import NotStored
from addon.requests.state import WAITING
from addon.twilio.media import RETRY_DELAYS_S
from tests.calls import wav
from tests.conftest import ACCOUNT
from tests.outbound.loopback import Answer
from tests.twilio.standin import CREDENTIALS, error, sid
from workers import process, source

CR = "CR" + "77" * 16
RECORDINGS = f"/2010-04-01/Accounts/{ACCOUNT}/Recordings"


@pytest.fixture(scope="module")
def private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(private: rsa.RSAPrivateKey) -> str:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def encrypted(private: rsa.RSAPrivateKey, audio: bytes) -> tuple[bytes, dict[str, str]]:
    """As Twilio does it (spec/protocol 5.2)."""
    key, iv = os.urandom(32), os.urandom(12)
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    details = {
        "type": "rsa-aes",
        "public_key_sid": CR,
        "encrypted_cek": base64.b64encode(private.public_key().encrypt(key, oaep)).decode(),
        "iv": base64.b64encode(iv).decode(),
    }
    return AESGCM(key).encrypt(iv, audio, None), details


def media_requests(flex):
    return [each for each in flex.twilio.host.requests if ".wav" in each.path]


def test_the_api_key_goes_to_twilio_and_never_to_where_it_redirects(flex):
    recording = flex.record()
    flex.announce(recording)
    flex.work(recording)
    assert flex.archived(recording) == flex.twilio.media[recording]
    asked = media_requests(flex)
    assert [each.authorization for each in asked] == [CREDENTIALS[1].header]
    assert [each.authorization for each in flex.twilio.storage.requests] == [None]


def test_both_channels_are_asked_for_and_one_is_taken_where_there_is_no_other(flex):
    audio = wav(1.0, channels=1)
    recording = flex.record(audio=audio, channels=1)
    flex.announce(recording)
    flex.work(recording)
    assert [each.path.partition("?")[2] for each in media_requests(flex)] == [
        "RequestedChannels=2",
        "RequestedChannels=1",
    ]
    assert flex.archived(recording) == audio
    assert flex.result(recording)["participants"][0]["role"] == "mixed"


def test_a_recording_whose_media_redirects_to_a_host_not_allowed_yet_waits_for_the_operator(
    flex,
):
    flex.configure(media_hosts=("*.twilio.com",))
    recording = flex.record()
    flex.announce(recording)
    flex.monkeypatch.setattr(process, "logger", log.get("process"))  # an uncached one
    with structlog.testing.capture_logs() as lines:
        for _ in range(source.TRIES + 2):
            process.process(recording)
    assert (flex.entry(recording).state, flex.entry(recording).attempts) == (WAITING, 0)
    assert flex.services.intake_store.stored_result(recording) is None
    assert flex.twilio.storage.requests == []
    origin = flex.twilio.storage.origin
    assert {line["origin"] for line in lines if line.get("alarm")} == {origin}
    counted = flex.services.counters.read()
    assert counted[f"addon_origins_refused_total|{origin}"] > 1
    flex.configure(media_hosts=(origin,))
    flex.work(recording)
    assert flex.archived(recording) == flex.twilio.media[recording]


def test_media_that_is_not_ready_is_tried_again_after_each_delay(flex):
    audio = wav(1.0)
    recording = flex.record(audio=audio)
    flex.announce(recording)
    del flex.twilio.media[recording]
    for rung in RETRY_DELAYS_S[:3]:
        process.process(recording)
        entry = flex.entry(recording)
        assert entry.state == WAITING
        assert entry.work_at - datetime.now(UTC).timestamp() == pytest.approx(rung, abs=1.0)
    flex.twilio.media[recording] = audio
    flex.work(recording)
    assert flex.archived(recording) == audio


def test_too_many_requests_are_waited_out_as_long_as_twilio_says(flex):
    recording = flex.record()
    flex.announce(recording)
    busy = error(429, 20429)
    busy.headers["Retry-After"] = "90"
    flex.twilio.trouble[f"{RECORDINGS}/{recording}.wav"] = [busy]
    process.process(recording)
    wait = flex.entry(recording).work_at - datetime.now(UTC).timestamp()
    assert wait == pytest.approx(90, abs=2)
    assert flex.work(recording) == "gone"
    assert flex.archived(recording)


@pytest.mark.parametrize(
    "document",
    [b'<?xml version="1.0"?><TwilioResponse/>', b'{"code": 20404}', b"<html>gone</html>"],
)
def test_an_error_document_with_status_200_is_never_archived(flex, document):
    recording = flex.record(audio=document * 8)
    flex.announce(recording, received_at=datetime.now(UTC) - timedelta(hours=1))
    through_the_delays(recording)
    assert flex.services.intake_store.stored_result(recording).answer["code"] == 64403
    with pytest.raises(NotStored):
        flex.reader.manifest(ACCOUNT, recording)


@pytest.mark.parametrize("answer", [b"<html>busy</html>", b""], ids=["a page", "nothing"])
def test_the_recording_behind_one_wrong_answer_is_archived(flex, answer):
    recording = flex.record()
    audio, flex.twilio.media[recording] = flex.twilio.media[recording], answer
    flex.announce(recording)
    process.process(recording)
    assert flex.entry(recording).state == WAITING
    flex.twilio.media[recording] = audio
    assert flex.work(recording) == "gone"
    assert flex.archived(recording)


def through_the_delays(recording):
    for _ in range(len(RETRY_DELAYS_S) + 1):
        process.process(recording)


class TestAfterTheLadder:
    """Media that never comes is judged by the recording's own resource (spec/protocol 4.3)."""

    def missing(self, flex, *, minutes_ago: float = 60.0, **resource):
        recording = flex.record(**resource)
        flex.announce(recording, received_at=datetime.now(UTC) - timedelta(minutes=minutes_ago))
        del flex.twilio.media[recording]
        return recording

    def test_a_young_recording_is_waited_for(self, flex):
        recording = self.missing(flex, minutes_ago=5)
        through_the_delays(recording)
        assert flex.services.intake_store.stored_result(recording) is None
        assert flex.entry(recording).state == WAITING

    def test_one_that_is_still_being_processed_is_waited_for(self, flex):
        recording = self.missing(flex, status="processing")
        through_the_delays(recording)
        assert flex.entry(recording).state == WAITING

    def test_one_whose_media_lies_elsewhere_is_given_up_in_words(self, flex):
        recording = self.missing(flex)
        through_the_delays(recording)
        assert "elsewhere" in flex.services.intake_store.stored_result(recording).answer["message"]

    @pytest.mark.parametrize("status", ["absent", "deleted"])
    def test_one_that_will_never_come_is_given_up_in_words(self, flex, status):
        recording = self.missing(flex, status=status)
        through_the_delays(recording)
        assert status in flex.services.intake_store.stored_result(recording).answer["message"]

    def test_one_that_twilio_does_not_know_is_given_up(self, flex):
        recording = self.missing(flex)
        del flex.twilio.recordings[recording]
        through_the_delays(recording)
        assert (
            "no such recording"
            in flex.services.intake_store.stored_result(recording).answer["message"]
        )

    def test_one_that_is_processed_for_a_week_is_given_up(self, flex):
        recording = self.missing(flex, status="processing", minutes_ago=8 * 24 * 60)
        through_the_delays(recording)
        assert flex.services.intake_store.stored_result(recording).answer["code"] == 64403


@pytest.mark.parametrize("answer", [error(503, 20500), error(401, 20003)], ids=["away", "key"])
def test_an_outage_or_a_wrong_key_loses_nothing_however_long_it_lasts(flex, answer):
    """Only Twilio's own word that a recording is gone ends the waiting for it."""
    recording = flex.record()
    flex.announce(recording, received_at=datetime.now(UTC) - timedelta(days=2))
    paths = (f"{RECORDINGS}/{recording}.wav", f"{RECORDINGS}/{recording}.json")
    flex.twilio.trouble |= {path: [answer] * 100 for path in paths}
    for _ in range(source.TRIES + 2):
        process.process(recording)
    entry = flex.entry(recording)
    assert (entry.state, entry.attempts) == (WAITING, 0)
    assert entry.work_at - datetime.now(UTC).timestamp() == pytest.approx(source.PARKED_S, abs=5)
    flex.twilio.trouble.clear()
    flex.work(recording)
    assert flex.archived(recording) == flex.twilio.media[recording]


class TestEncrypted:
    """Recordings that Twilio encrypted with the customer's key (spec/protocol 5)."""

    def recorded(self, flex, private, *, spoil: bool = False, **details):
        audio = wav(1.0)
        ciphertext, own = encrypted(private, audio)
        if spoil:
            ciphertext = ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])
        recording = flex.record(audio=ciphertext, encryption_details={**own, **details})
        flex.announce(recording)
        return recording, audio, ciphertext

    def test_it_is_archived_in_our_own_format(self, flex, private):
        flex.configure(flex_private_keys={CR: pem(private)})
        recording, audio, _ = self.recorded(flex, private)
        flex.work(recording)
        assert flex.archived(recording) == audio

    def test_the_callback_may_spell_it_as_the_resource_does(self, flex, private):
        flex.configure(flex_private_keys={CR: pem(private)})
        audio = wav(1.0)
        ciphertext, own = encrypted(private, audio)
        spelt = {
            "encryption_public_key_sid": own["public_key_sid"],
            "encryption_cek": own["encrypted_cek"],
            "encryption_iv": own["iv"],
        }
        recording = flex.record(audio=ciphertext, encryption_details=spelt)
        flex.announce(recording)
        flex.work(recording)
        assert flex.archived(recording) == audio

    def test_an_unknown_key_keeps_the_ciphertext_and_what_opens_it_and_says_so(self, flex, private):
        recording, audio, ciphertext = self.recorded(flex, private)
        assert flex.work(recording) == "skipped"
        assert flex.archived(recording) == ciphertext
        manifest = flex.reader.manifest(ACCOUNT, recording)
        assert manifest.facts.format == "ciphertext"
        analysis = flex.reader.analysis(ACCOUNT, recording)
        assert CR in analysis["message"]
        assert "FLEX_PRIVATE_KEYS" in analysis["message"]
        details = json.loads(analysis["encryption_details"])
        key = private.decrypt(
            base64.b64decode(details["encrypted_cek"]),
            padding.OAEP(padding.MGF1(SHA256()), SHA256(), None),
        )
        assert AESGCM(key).decrypt(base64.b64decode(details["iv"]), ciphertext, None) == audio

    def test_a_wrong_tag_lets_no_byte_through(self, flex, private):
        flex.configure(flex_private_keys={CR: pem(private)})
        recording, _, ciphertext = self.recorded(flex, private, spoil=True)
        flex.work(recording)
        assert flex.archived(recording) == ciphertext
        assert "tag" in flex.reader.analysis(ACCOUNT, recording)["message"]

    def test_another_scheme_keeps_the_ciphertext(self, flex, private):
        flex.configure(flex_private_keys={CR: pem(private)})
        recording, _, ciphertext = self.recorded(flex, private, type="rsa-chacha")
        flex.work(recording)
        assert flex.archived(recording) == ciphertext

    def test_a_ciphertext_that_twilio_does_not_give_just_now_is_waited_for(self, flex, private):
        """Without its key it has to be fetched to be kept, and that may fail as well."""
        recording, _, ciphertext = self.recorded(flex, private)
        flex.twilio.trouble[f"{RECORDINGS}/{recording}.wav"] = [error(503, 20500)]
        process.process(recording)
        assert flex.entry(recording).state == WAITING
        flex.work(recording)
        assert flex.archived(recording) == ciphertext

    @pytest.mark.parametrize("with_key", [True, False])
    def test_a_page_in_place_of_the_ciphertext_is_not_the_ciphertext(self, flex, private, with_key):
        flex.configure(flex_private_keys={CR: pem(private)} if with_key else {})
        recording, audio, ciphertext = self.recorded(flex, private)
        flex.twilio.media[recording] = b"<html>one moment</html>"
        process.process(recording)
        assert flex.entry(recording).state == WAITING
        flex.twilio.media[recording] = ciphertext
        flex.work(recording)
        assert flex.archived(recording) == (audio if with_key else ciphertext)

    def test_nothing_in_the_clear_lies_on_the_disk(self, flex, private):
        flex.configure(flex_private_keys={CR: pem(private)})
        recording, audio, _ = self.recorded(flex, private)
        flex.work(recording)
        marker = audio[1000:1200]
        for path in flex.settings.data_dir.rglob("*"):
            assert not path.is_file() or marker not in path.read_bytes(), path


def test_a_recording_of_another_leg_has_its_own_times_and_roles(flex):
    flex.configure(agent_channel={"": "1", "FLEX": "0", "TRUNKING": "1"})
    first, second = flex.record(1), flex.record(2)
    started = datetime(2026, 3, 4, 10, 15, 30, tzinfo=UTC)
    flex.announce(first, started_at=started, call_sid=sid("CA", 9))
    flex.announce(second, source="Trunking")
    flex.work(first)
    flex.work(second)
    facts = flex.reader.manifest(ACCOUNT, first).facts
    assert (facts.source, facts.started_at, facts.call_sid) == ("flex", started, sid("CA", 9))
    assert [each["role"] for each in flex.result(first)["participants"]] == ["agent", "customer"]
    assert [each["role"] for each in flex.result(second)["participants"]] == ["customer", "agent"]
    assert flex.reader.list(ACCOUNT, call_sid=sid("CA", 9)).entries[0].recording_id == first


def test_an_answer_that_breaks_off_is_not_a_recording(flex):
    recording = flex.record()
    flex.announce(recording)
    whole = flex.twilio.media[recording]

    def cut():
        yield b"HTTP/1.1 200 OK\r\nContent-Type: audio/x-wav\r\n"
        yield f"Content-Length: {len(whole)}\r\n\r\n".encode() + whole[: len(whole) // 2]

    flex.twilio.trouble[f"{RECORDINGS}/{recording}.wav"] = [Answer(raw=cut)]
    process.process(recording)
    assert flex.entry(recording).state == WAITING
    with pytest.raises(NotStored):
        flex.reader.manifest(ACCOUNT, recording)
    flex.work(recording)
    assert flex.archived(recording) == whole
