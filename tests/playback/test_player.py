"""From ids to sounds, over a real archive: forms, calls, erasure, other tenants, tampering."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from addon.errors import AddonError, NotPlayable, NotStored, Tampered
from addon.playback import player as player_module
from addon.playback.grants import Grants
from addon.playback.player import Player
from tests.archive.recordings import FACTS
from tests.playback.sounds import (
    CALL,
    RECORDING,
    TENANT,
    archived,
    decoded,
    expected,
    file_of,
    whole,
)

OTHER = "XD" + "9" * 32
LATER = FACTS.started_at + timedelta(seconds=60)


def test_a_recording_is_served_as_it_was_archived(archive, player):
    content = file_of()
    archived(archive, content)
    playable = player.recording(TENANT, RECORDING)
    assert whole(playable) == content
    assert (playable.length, playable.format) == (len(content), "wav")


@pytest.mark.parametrize("kind", ["gsm", "ima", "ms"])
def test_what_browsers_do_not_play_is_converted(archive, player, kind):
    content = file_of(kind=kind, channels=1)
    archived(archive, content)
    playable = player.recording(TENANT, RECORDING)
    found = decoded(whole(playable))[0]
    assert kind == "ms" or (found == expected(content, len(found))).all()
    assert playable.length == 44 + 2 * len(found) >= 44 + 2 * 16_123


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no audio at all"])
def test_what_is_no_audio_is_served_as_it_is(archive, player, content):
    archived(archive, content, format="unknown")
    assert whole(player.recording(TENANT, RECORDING)) == content


def test_a_call_is_its_recordings_in_the_order_of_time(archive, player):
    first, second = file_of(1000), file_of(2000, seed=2)
    archived(archive, second, recording_id="RE1", started_at=LATER)
    archived(archive, first, recording_id="RE2")
    found, _ = decoded(whole(player.call(TENANT, CALL)))
    assert (found[:1000] == decoded(first)[0]).all()
    assert (found[1000:] == decoded(second)[0]).all()
    assert player.recordings_of(TENANT, CALL) == ["RE1", "RE2"]


def test_parts_without_a_start_are_in_the_order_in_which_they_began_not_were_received(
    archive, player
):
    """The Marketplace tells no start, and a long part is received after what began later."""
    long, short = file_of(80_000), file_of(8000, seed=2)
    for name, content, seconds, received_s in (
        ("RE1", short, 1.0, 6),
        ("RE2", long, 10.0, 12),
    ):
        archived(
            archive,
            content,
            recording_id=name,
            started_at=None,
            duration_seconds=seconds,
            received_at=FACTS.received_at + timedelta(seconds=received_s),
        )
    found, _ = decoded(whole(player.call(TENANT, CALL)))
    assert (found[:80_000] == decoded(long)[0]).all()
    assert (found[80_000:] == decoded(short)[0]).all()


def test_parts_that_began_together_are_in_the_order_in_which_they_were_received(archive, player):
    first, second = file_of(1000), file_of(2000, seed=2)
    archived(archive, second, recording_id="RE1", received_at=LATER)
    archived(archive, first, recording_id="RE2")
    found, _ = decoded(whole(player.call(TENANT, CALL)))
    assert (found[:1000] == decoded(first)[0]).all()


def test_a_call_of_one_recording_is_that_recording(archive, player):
    archived(archive, file_of())
    assert player.call(TENANT, CALL).etag == player.recording(TENANT, RECORDING).etag


def test_silence_between_the_parts_where_the_setting_says_so(archive):
    archived(archive, file_of(8000), recording_id="RE1")
    archived(archive, file_of(8000), recording_id="RE2", started_at=LATER)
    playable = Player(archive, "silence").call(TENANT, CALL)
    assert len(decoded(whole(playable))[0]) == 61 * 8000


def test_an_erased_part_is_gone_at_once(archive, player):
    archived(archive, file_of(1000), recording_id="RE1")
    archived(archive, file_of(2000), recording_id="RE2")
    assert len(decoded(whole(player.call(TENANT, CALL)))[0]) == 3000
    archive.erase(TENANT, "RE1", by="test", reason="test")
    assert len(decoded(whole(player.call(TENANT, CALL)))[0]) == 2000
    with pytest.raises(NotStored):
        player.recording(TENANT, "RE1")


@pytest.mark.parametrize("call", ["CA" + "8" * 32, "", "../x", "a/b", "\0"])
def test_a_call_that_is_not_there(player, call):
    with pytest.raises(NotStored):
        player.call(TENANT, call)


@pytest.mark.parametrize("recording", ["RE" + "8" * 32, "", "..", "a/b", "%2e", "\0", "x" * 100])
def test_a_recording_that_is_not_there(player, recording):
    with pytest.raises(NotStored):
        player.recording(TENANT, recording)


def test_another_tenant_s_recording_is_not_there(archive, player):
    archived(archive, file_of())
    with pytest.raises(NotStored):
        player.recording(OTHER, RECORDING)
    with pytest.raises(NotStored):
        player.call(OTHER, CALL)


def test_too_many_parts_are_refused(archive, player, monkeypatch):
    monkeypatch.setattr(player_module, "MAX_PARTS", 1)
    archived(archive, file_of(10), recording_id="RE1")
    archived(archive, file_of(10), recording_id="RE2")
    with pytest.raises(NotPlayable, match="too many"):
        player.call(TENANT, CALL)


def test_a_grant_leads_to_what_it_is_for(archive, player):
    grants = Grants(["s"], audience="https://x", ttl=60)
    archived(archive, file_of(1000), recording_id="RE1")
    archived(archive, file_of(2000), recording_id="RE2")
    one = player.granted(grants.issue(TENANT, recording_id="RE2", listener="x"))
    call = player.granted(grants.issue(TENANT, call_sid=CALL, listener="x"))
    assert (one.length, call.length) == (44 + 8000, 44 + 12_000)


def test_layouts_are_cached_and_the_cache_is_bounded(archive, monkeypatch):
    monkeypatch.setattr(player_module, "MAX_CACHED", 1)
    player = player_module.Player(archive)
    for name in ("RE1", "RE2"):
        archived(archive, file_of(1000), recording_id=name)
    for _ in range(2):
        assert player.call(TENANT, CALL).length == 44 + 8000


def test_no_changed_byte_ever_comes_out(archive, player, settings):
    """Every byte in turn changed in the ciphertext: what is given out is right, or nothing is."""
    content = file_of(100)
    manifest = archived(archive, content)
    root = Path(urlsplit(settings.archive_url).path)
    stored = root / "recordings" / TENANT / RECORDING / "audio.esdk"
    sealed = stored.read_bytes()
    assert manifest.audio.size == len(sealed)
    refused = 0
    for place in range(0, len(sealed), 3):
        stored.write_bytes(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])
        try:
            assert whole(Player(archive).recording(TENANT, RECORDING)) == content
        except AddonError:
            refused += 1
    assert refused == len(range(0, len(sealed), 3))


@pytest.mark.parametrize("part", ["manifest.json", "audio.esdk"])
def test_a_call_names_the_recording_that_keeps_it_from_being_played(
    archive, player, settings, part
):
    root = Path(urlsplit(settings.archive_url).path) / "recordings" / TENANT
    archived(archive, file_of(seed=1), recording_id="RE1")
    archived(archive, file_of(seed=2), recording_id="RE2", started_at=LATER)
    (root / "RE2" / part).write_bytes(b"junk")
    with pytest.raises(NotPlayable) as refused:
        player.call(TENANT, CALL)
    assert "RE2" in refused.value.message
    assert whole(player.recording(TENANT, "RE1")) == file_of(seed=1)


def test_another_recording_s_ciphertext_is_refused(archive, player, settings):
    root = Path(urlsplit(settings.archive_url).path) / "recordings" / TENANT
    archived(archive, file_of(seed=1), recording_id="RE1")
    archived(archive, file_of(seed=2), recording_id="RE2")
    (root / "RE1" / "audio.esdk").write_bytes((root / "RE2" / "audio.esdk").read_bytes())
    with pytest.raises(Tampered):
        player.recording(TENANT, "RE1")
