"""Links: what they are bound to, how long they hold, and every way to forge one."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addon.errors import Forbidden, GrantExpired, SettingsError
from addon.playback.clips import Clip
from addon.playback.grants import MAX_LIFETIME_S, MAX_TOKEN_LENGTH, Grant, Grants

NOW = 1_800_000_000.0
HERE = "https://play.example.net"
TENANT, RECORDING = "XD" + "1" * 32, "RE" + "2" * 32

GRANTS = Grants(["newest", "older"], audience=HERE, ttl=900)

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

LINK_OF_0_1_0 = (
    "iQMCdt0U.eyJ0ZW5hbnQiOiJYRDExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExIiwibGlzdGVuZXIiOiJhZ2Vud"
    "DkiLCJwdXJwb3NlIjoibGlzdGVuIiwiZXhwaXJlcyI6MTgwMDAwMDA2MCwibm9uY2UiOiIwMDAwMDAwMDAwMDAwMDAwIi"
    "wicmVjb3JkaW5nX2lkIjoiUkUyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMiJ9.NXqSLFT4sHkxaJ_3zFDS8R"
    "sJWxTGwqAo_DiInFLLzY0"
)
"""What that release made of the grant in the test."""


def issued(grants: Grants = GRANTS, **changes) -> Grant:
    facts = {"recording_id": RECORDING, "listener": "agent9", "now": NOW} | changes
    return grants.issue(TENANT, **facts)


def test_a_link_gives_back_what_was_granted():
    grant = issued(purpose="download")
    assert GRANTS.verified(GRANTS.token(grant), now=NOW) == grant
    assert grant.subject == RECORDING
    assert GRANTS.link(grant) == f"{HERE}/media/{GRANTS.token(grant)}"


def test_a_call_can_be_granted():
    grant = issued(recording_id=None, call_sid="CA" + "3" * 32)
    assert GRANTS.verified(GRANTS.token(grant), now=NOW).subject == "CA" + "3" * 32


@pytest.mark.parametrize("both", [{"call_sid": "CA1"}, {"recording_id": None}])
def test_a_grant_has_exactly_one_subject(both):
    with pytest.raises(ValueError, match="one recording or for one call"):
        issued(**both)


def test_it_lives_for_the_ttl_and_the_length_of_the_call():
    grant = issued(duration_seconds=1800.4)
    token = GRANTS.token(grant)
    assert GRANTS.verified(token, now=NOW + 900 + 1800 - 1) == grant
    with pytest.raises(GrantExpired):
        GRANTS.verified(token, now=NOW + 900 + 1800)


def test_a_lifetime_that_is_asked_for_counts_instead_and_is_bounded():
    assert issued(lifetime_s=60, duration_seconds=500).expires == NOW + 60
    assert issued(lifetime_s=10**9).expires == NOW + MAX_LIFETIME_S


def test_every_grant_has_a_name_of_its_own():
    assert issued().nonce != issued().nonce


def test_older_secrets_still_hold_and_the_newest_signs():
    before = Grants(["older"], audience=HERE, ttl=900)
    old = before.token(issued(before))
    assert GRANTS.verified(old, now=NOW).subject == RECORDING
    with pytest.raises(Forbidden):
        before.verified(GRANTS.token(issued()), now=NOW)
    rotated = Grants(["newest"], audience=HERE, ttl=900)
    with pytest.raises(Forbidden):
        rotated.verified(old, now=NOW)


def test_a_link_of_another_deployment_is_forged():
    elsewhere = Grants(["newest"], audience="https://staging.example.net", ttl=900)
    with pytest.raises(Forbidden):
        elsewhere.verified(GRANTS.token(issued()), now=NOW)


def test_without_a_secret_there_is_no_link_and_none_is_good():
    nobody = Grants([], audience=HERE, ttl=900)
    with pytest.raises(SettingsError, match="PLAYBACK_SECRETS"):
        nobody.token(issued())
    with pytest.raises(Forbidden):
        nobody.verified(GRANTS.token(issued()), now=NOW)


def test_an_expired_link_is_still_known_as_ours():
    token = GRANTS.token(issued())
    assert GRANTS.authentic(token).listener == "agent9"


def changed(token: str, **changes) -> str:
    """The link with other content under the old signature."""
    name, content, signature = token.split(".")
    fields = json.loads(base64.urlsafe_b64decode(content + "=="))
    other = base64.urlsafe_b64encode(json.dumps(fields | changes).encode()).decode().rstrip("=")
    return f"{name}.{other}.{signature}"


@pytest.mark.parametrize(
    "changes",
    [
        {"recording_id": "RE" + "9" * 32},
        {"tenant": "XD" + "9" * 32},
        {"expires": 9_999_999_999},
        {"purpose": "download"},
        {"listener": "somebody"},
    ],
)
def test_nothing_in_a_link_can_be_changed(changes):
    with pytest.raises(Forbidden):
        GRANTS.verified(changed(GRANTS.token(issued()), **changes), now=NOW)


def test_not_one_character_of_a_link_can_be_changed():
    token = GRANTS.token(issued())
    for place, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        with pytest.raises(Forbidden):
            GRANTS.verified(token[:place] + other + token[place + 1 :], now=NOW)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "x" * 5000, "é.é.é", "\0", f"{'a' * MAX_TOKEN_LENGTH}.b.c"]
)
def test_nonsense_is_forged(token):
    with pytest.raises(Forbidden):
        GRANTS.verified(token)


@given(st.text(max_size=200))
def test_no_text_raises_anything_else(text):
    with pytest.raises(Forbidden):
        GRANTS.verified(text)


@pytest.mark.parametrize(
    "grant",
    [
        replace(issued(), purpose="everything"),
        replace(issued(), recording_id=None),
    ],
)
def test_a_link_that_we_signed_in_a_form_unknown_now_is_refused(grant):
    with pytest.raises(Forbidden, match="no longer known"):
        GRANTS.verified(GRANTS.token(grant), now=NOW)


def test_links_of_release_0_1_0_hold_and_new_ones_hold_there():
    """Both run side by side during a deploy, and a link may live for a week (decision 0007)."""
    grant = Grant(TENANT, "agent9", "listen", int(NOW) + 60, "00" * 8, recording_id=RECORDING)
    assert GRANTS.verified(LINK_OF_0_1_0, now=NOW) == grant
    assert GRANTS.token(grant) == LINK_OF_0_1_0


def test_a_signature_can_be_written_in_one_way_only():
    for _ in range(40):
        token = GRANTS.token(issued())
        last = BASE64.index(token[-1])
        for spelling in (
            *(BASE64[last + low] for low in (1, 2, 3)),
            token[-1] + "=",
            token[-1] + ".",
        ):
            with pytest.raises(Forbidden):
                GRANTS.verified(token[:-1] + spelling, now=NOW)
        with pytest.raises(Forbidden):
            GRANTS.verified(token.replace(".", "\n", 1), now=NOW)


def test_a_secret_is_not_in_the_link():
    assert "newest" not in GRANTS.token(issued())


def test_a_clip_comes_back_as_it_went_in():
    grants = Grants(["s" * 32], audience="https://a.example", ttl=60)
    clip = Clip.of(192, 210.5)
    grant = grants.issue("XD1", recording_id="RE1", listener="x", clip=clip)
    assert grants.verified(grants.token(grant)).clip == clip
    assert grant.file_name == "RE1-192-210.5"


def test_a_link_to_a_whole_names_no_clip_and_so_older_releases_take_it():
    grants = Grants(["s" * 32], audience="https://a.example", ttl=60)
    token = grants.token(grants.issue("XD1", recording_id="RE1", listener="x"))
    assert b"clip" not in base64.urlsafe_b64decode(token.split(".")[1] + "==")
