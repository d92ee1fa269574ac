from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest

from addon.errors import Forbidden, TwilioUnavailable, Unauthenticated
from addon.outbound import Timeouts
from addon.twilio import flex_tokens
from addon.twilio.flex_tokens import CACHE_SECONDS, SKEW_SECONDS, FlexTokens, FlexUser, token_of
from addon.twilio.rest import Rest, TwilioApi
from tests.outbound.loopback import Answer
from tests.twilio.standin import ACCOUNT, StandIn, error, says

JWE = "eyJhbGciOiJkaXIi.aaaa.bbbb.cccc.dddd"
PATH = f"/v1/Accounts/{ACCOUNT}/Tokens/validate"
NOW = 1_772_619_330.0  # 2026-03-04T10:15:30Z
GOOD: dict[str, Any] = {
    "valid": True,
    "code": 0,
    "message": None,
    "expiration": "2026-03-04T11:00:00.000Z",
    "realm_user_id": "agent9@example.org",
    "identity": "agent9_40example_2Eorg",
    "roles": ["agent", "wfo.full"],
    "worker_sid": "WK" + "88" * 16,
}


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def ours(twilio: StandIn, clock: Clock | None = None) -> FlexTokens:
    return FlexTokens(twilio.rest(), clock=clock or Clock())


def test_a_valid_token_has_an_owner_with_roles(twilio: StandIn) -> None:
    twilio.tokens[JWE] = GOOD
    assert ours(twilio).validate(JWE) == FlexUser(
        identity="agent9_40example_2Eorg",
        roles=frozenset({"agent", "wfo.full"}),
        worker_sid="WK" + "88" * 16,
        realm_user_id="agent9@example.org",
    )
    request = twilio.host.requests[0]
    assert (request.method, request.path) == ("POST", PATH)
    assert json.loads(request.body) == {"token": JWE}
    assert request.headers["cache-control"] == "no-cache"
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [200, 400, 403])
def test_a_clear_no_is_unauthenticated(twilio: StandIn, status: int) -> None:
    twilio.trouble[PATH] = [says(status, {"valid": False, "message": "expired"})]
    with pytest.raises(Unauthenticated) as refused:
        ours(twilio).validate(JWE)
    assert JWE not in refused.value.message


@pytest.mark.parametrize("answer", [error(400, 20001), error(404, 20404), Answer(422, b"no")])
def test_a_4xx_about_the_token_is_a_no_without_saying_so(twilio: StandIn, answer: Answer) -> None:
    twilio.trouble[PATH] = [answer]
    with pytest.raises(Unauthenticated):
        ours(twilio).validate(JWE)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(503),
        error(429, 20429),
        error(401, 20003),
        error(403, 20003),
        Answer(200, b"<html>"),
        Answer(200, b""),
        says(200, {"valid": "true"}),
        says(200, {"valid": 1}),
        says(200, {}),
        says(201, GOOD),
        says(302, GOOD, Location="/elsewhere"),
        Answer(raw=lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])),
    ],
)
def test_anything_but_a_clear_yes_or_no_fails_closed(twilio: StandIn, answer: Answer) -> None:
    twilio.trouble[PATH] = [answer]
    with pytest.raises(TwilioUnavailable) as closed:
        ours(twilio).validate(JWE)
    assert closed.value.http_status == 503


def test_a_silent_iam_fails_closed_in_time(
    twilio: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flex_tokens, "IAM_TIMEOUTS", Timeouts(read=0.1, total=1))
    released = threading.Event()

    def silent() -> Any:
        released.wait(60)
        yield b""

    twilio.trouble[PATH] = [Answer(raw=silent)]
    with pytest.raises(TwilioUnavailable):
        ours(twilio).validate(JWE)
    released.set()


def test_an_unreachable_iam_fails_closed() -> None:
    standin = StandIn()
    with standin.running():
        rest = standin.rest()
    with pytest.raises(TwilioUnavailable):
        FlexTokens(rest).validate(JWE)


@pytest.mark.parametrize("token", ["", "a" * 8193, "ü", "a\nb", "a\x00"])
def test_what_cannot_be_a_token_is_not_even_asked_about(twilio: StandIn, token: str) -> None:
    with pytest.raises(Unauthenticated):
        ours(twilio).validate(token)
    assert twilio.host.requests == []


class TestExpiration:
    @pytest.mark.parametrize("late", [0.0, SKEW_SECONDS - 1])
    def test_an_expiration_is_granted_a_little_skew(self, twilio: StandIn, late: float) -> None:
        twilio.tokens[JWE] = {**GOOD, "expiration": "2026-03-04T10:15:30Z"}
        clock = Clock()
        clock.now += late
        assert ours(twilio, clock).validate(JWE)

    @pytest.mark.parametrize(
        "stated", ["2026-03-04T10:15:00Z", "2020-01-01T00:00:00Z", "never", ""]
    )
    def test_an_expiration_in_the_past_or_unreadable_is_refused(
        self, twilio: StandIn, stated: str
    ) -> None:
        twilio.tokens[JWE] = {**GOOD, "expiration": stated}
        with pytest.raises(Unauthenticated):
            ours(twilio).validate(JWE)

    def test_a_token_without_expiration_is_good_for_once(self, twilio: StandIn) -> None:
        twilio.tokens[JWE] = {**GOOD, "expiration": None}
        tokens = ours(twilio)
        assert tokens.validate(JWE)
        assert tokens.validate(JWE)
        assert twilio.count("POST", PATH) == 2


class TestMemory:
    def test_a_yes_is_remembered_for_a_minute_and_no_longer(self, twilio: StandIn) -> None:
        twilio.tokens[JWE] = GOOD
        clock = Clock()
        tokens = ours(twilio, clock)
        for later, asked in ((0, 1), (CACHE_SECONDS - 1, 1), (CACHE_SECONDS, 2)):
            clock.now = NOW + later
            tokens.validate(JWE)
            assert twilio.count("POST", PATH) == asked

    def test_a_yes_is_not_remembered_longer_than_the_token_lives(self, twilio: StandIn) -> None:
        twilio.tokens[JWE] = {**GOOD, "expiration": "2026-03-04T10:15:40Z"}
        clock = Clock()
        tokens = ours(twilio, clock)
        tokens.validate(JWE)
        clock.now += 10
        tokens.validate(JWE)
        assert twilio.count("POST", PATH) == 2

    def test_a_no_is_not_remembered(self, twilio: StandIn) -> None:
        tokens = ours(twilio)
        with pytest.raises(Unauthenticated):
            tokens.validate(JWE)
        twilio.tokens[JWE] = GOOD
        assert tokens.validate(JWE)

    def test_one_tokens_yes_is_not_anothers(self, twilio: StandIn) -> None:
        twilio.tokens[JWE] = GOOD
        tokens = ours(twilio)
        tokens.validate(JWE)
        with pytest.raises(Unauthenticated):
            tokens.validate(JWE + "x")

    def test_the_memory_is_bounded_and_holds_no_token(
        self, twilio: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(flex_tokens, "CACHE_ENTRIES", 3)
        tokens = ours(twilio)
        for number in range(10):
            twilio.tokens[f"jwe-{number}"] = GOOD
            tokens.validate(f"jwe-{number}")
        assert len(tokens._known) <= 3
        assert "jwe-" not in repr(tokens._known)


def test_a_listener_needs_one_of_the_roles() -> None:
    user = FlexUser("a", frozenset({"agent"}))
    user.require_role(["supervisor", "agent"])
    for allowed in (["supervisor"], []):
        with pytest.raises(Forbidden):
            user.require_role(allowed)
    with pytest.raises(Forbidden):
        FlexUser("a", frozenset()).require_role(["agent"])


@pytest.mark.parametrize("roles", [None, "agent", {"agent": 1}, 7])
def test_roles_in_another_shape_are_no_roles(twilio: StandIn, roles: object) -> None:
    twilio.tokens[JWE] = {**GOOD, "roles": roles}
    assert ours(twilio).validate(JWE).roles == frozenset()


def test_a_realm_has_a_host_of_its_own() -> None:
    api = TwilioApi(ACCOUNT, "t", realm="ie1")
    assert api.url("iam", PATH) == f"https://iam.ie1.twilio.com{PATH}"
    assert Rest(api, None).api is api  # type: ignore[arg-type]


class TestPlayersHeader:
    def test_the_header_is_basic_with_the_name_token(self) -> None:
        documented = "Basic dG9rZW46ZXlKaGJHY2lPaUprYVhJaS5hYWFhLmJiYmIuY2NjYy5kZGRk"
        assert token_of(documented) == JWE
        assert token_of(documented.replace("Basic", "basic")) == JWE

    def test_the_header_is_split_at_the_first_colon_only(self) -> None:
        assert token_of(basic("token:a:b:c")) == "a:b:c"

    @pytest.mark.parametrize(
        "header",
        [None, "", "Basic", "Basic ", "Bearer x", "Basic !!!", "Basic dG9rZW4", f"Bearer {JWE}"],
    )
    def test_a_header_of_another_kind_is_refused(self, header: str | None) -> None:
        with pytest.raises(Unauthenticated):
            token_of(header)

    @pytest.mark.parametrize("pair", ["Token:a", "user:a", ":a", "token:", "token", "tökén:a", ""])
    def test_a_header_for_another_name_is_refused(self, pair: str) -> None:
        with pytest.raises(Unauthenticated):
            token_of(basic(pair))


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()
