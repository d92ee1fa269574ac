from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder

from addon.twilio.signatures import Verifier, public_request_url, url_variants

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "twilio_signatures.json").read_text("utf-8")
)
TOKEN = "primary-token-0001"
URL = "https://hooks.example.net/addon/recording"
M1 = "TPEzSRfZHGUo0Dpi5BTrq2Kf3yA="
FIELDS = MultiDict(
    {
        "callback": "https://marketplace.example.com/v1/cb/XRabc?x=1",
        "channels": "2",
        "duration": "4",
        "format": "audio/x-wav",
    }
)
EMPTY = hashlib.sha256(b"").hexdigest()


def no_body() -> str:
    return EMPTY


def environ(path: str = "/addon/recording", **headers: str) -> dict[str, Any]:
    built = EnvironBuilder(method="POST", base_url="http://10.0.0.7:8080").get_environ()
    built |= {"RAW_URI": path, "REQUEST_URI": path}
    return built | {f"HTTP_{name}": value for name, value in headers.items()}


def signed(url: str, token: str = TOKEN) -> str:
    return base64.b64encode(hmac.digest(token.encode(), url.encode(), "sha1")).decode()


def verifier(*tokens: str, **options: Any) -> Verifier:
    return Verifier(tokens or (TOKEN,), public_url="https://hooks.example.net/", **options)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    body = vector.get("body")
    origin, path = re.fullmatch("(https?://[^/]+)(/.*)", vector["url"]).groups()  # type: ignore[union-attr]
    headers = {"X_TWILIO_SIGNATURE": vector["signature"]}
    if vector.get("settings") is not None:
        headers["X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS"] = vector["settings"]
    verdict = Verifier(
        vector.get("tokens", ()), vector.get("shared_keys"), public_url=origin
    ).check(
        environ(path, **headers),
        None if body is not None else MultiDict(map(tuple, vector["fields"])),
        hashlib.sha256((body or "").encode()).hexdigest,
    )
    assert verdict.valid is vector["valid"], vector.get("why")


def test_the_corpus_is_whole() -> None:
    ids = {vector["id"] for vector in VECTORS}
    assert {f"3.4-{number}" for number in range(1, 16)} <= ids
    assert {f"M{number}" for number in range(1, 18)} <= ids
    assert sum(not vector["valid"] for vector in VECTORS) > 20


def test_a_request_is_checked_against_the_public_url_not_the_local_one() -> None:
    verdict = verifier().check(environ(X_TWILIO_SIGNATURE=M1), FIELDS, no_body)
    assert verdict.valid
    assert (verdict.secret, verdict.hypothesis) == ("auth token 1", "fields")


def test_the_verdict_names_the_secret_that_matched_and_never_holds_it() -> None:
    verdict = verifier("new-token", TOKEN).check(environ(X_TWILIO_SIGNATURE=M1), FIELDS, no_body)
    assert verdict.secret == "auth token 2"
    assert TOKEN not in repr(verdict)


def test_a_forged_or_unsigned_request_is_not_valid() -> None:
    for headers in ({}, {"X_TWILIO_SIGNATURE": ""}, {"X_TWILIO_SIGNATURE": "forged"}):
        assert not verifier().check(environ(**headers), FIELDS, no_body).valid


def test_without_any_secret_nothing_is_valid() -> None:
    nobody = Verifier([""], {}, public_url="https://hooks.example.net")
    by_nothing = signed(URL, token="")
    assert not nobody.check(environ(X_TWILIO_SIGNATURE=by_nothing), MultiDict(), no_body).valid


@pytest.mark.parametrize(
    "target",
    ["/addon/recording?q=%27%C3%A9%7e%2F", "/addon/recording?", "/a//b/?x=a+b%20c", "/x?b=2&a=1&a"],
)
def test_the_request_lines_own_bytes_are_signed(target: str) -> None:
    signature = signed("https://hooks.example.net" + target)
    assert (
        verifier().check(environ(target, X_TWILIO_SIGNATURE=signature), MultiDict(), no_body).valid
    )


def test_a_public_url_may_have_a_path_of_its_own() -> None:
    assert public_request_url("https://h.example/base/", environ("/x?y")) == (
        "https://h.example/base/x?y"
    )


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("http://elsewhere.example/x?y=1", "https://hooks.example.net/x?y=1"),
        ("http://elsewhere.example", "https://hooks.example.net/"),
        ("@evil.example/x", "https://hooks.example.net/"),
        (".evil.example/x", "https://hooks.example.net/"),
        ("*", "https://hooks.example.net/"),
    ],
)
def test_no_request_line_moves_the_host(target: str, url: str) -> None:
    assert public_request_url("https://hooks.example.net", environ(target)) == url


def test_without_a_raw_request_line_the_url_is_composed() -> None:
    bare = EnvironBuilder(path="/x", query_string="y=%27", method="POST").get_environ()
    bare.pop("REQUEST_URI", None)
    bare.pop("RAW_URI", None)
    assert public_request_url("https://h.example", bare) == "https://h.example/x?y=%27"


def test_a_body_hash_vouches_for_any_kind_of_body_and_is_always_compared() -> None:
    digest = hashlib.sha256(b"body").hexdigest()
    path = f"/addon/recording?bodySHA256={digest}"
    request = environ(path, X_TWILIO_SIGNATURE=signed("https://hooks.example.net" + path))
    assert verifier().check(request, None, digest.upper).hypothesis == "body hash"
    assert verifier().check(request, FIELDS, lambda: digest).valid
    for fields in (None, FIELDS, MultiDict()):
        assert not verifier().check(request, fields, no_body).valid


def test_fields_and_a_wrong_body_hash_together_are_refused() -> None:
    path = f"/addon/recording?bodySHA256={EMPTY}"
    request = environ(path, X_TWILIO_SIGNATURE=signed(f"https://hooks.example.net{path}a1"))
    assert verifier().check(request, MultiDict({"a": "1"}), no_body).hypothesis == "fields"
    assert (
        not verifier().check(request, MultiDict({"a": "1"}), hashlib.sha256(b"?").hexdigest).valid
    )


def test_a_signature_over_the_url_alone_does_not_cover_fields() -> None:
    request = environ(X_TWILIO_SIGNATURE=signed(URL))
    assert not verifier().check(request, FIELDS, no_body).valid


def test_a_shared_key_is_chosen_by_the_settings_header_and_only_by_it() -> None:
    signature = base64.b64encode(hmac.digest(b"shared", URL.encode(), "sha256")).decode()
    both = verifier(shared_keys={"k1": "shared"})
    settings = "key=k1,algorithm=HMAC_SHA256"
    with_settings = environ(
        X_TWILIO_SIGNATURE=signature, X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS=settings
    )
    assert both.check(with_settings, MultiDict(), no_body).secret == "shared key k1"
    assert not both.check(environ(X_TWILIO_SIGNATURE=signature), MultiDict(), no_body).valid


def test_an_empty_shared_key_lets_nobody_sign() -> None:
    signature = base64.b64encode(hmac.digest(b"", URL.encode(), "sha256")).decode()
    request = environ(
        X_TWILIO_SIGNATURE=signature,
        X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS="key=k1,algorithm=HMAC_SHA256",
    )
    assert not verifier(shared_keys={"k1": ""}).check(request, MultiDict(), no_body).valid


@pytest.mark.parametrize(
    "settings", ["key=k1,algorithm=HMAC_SHA1", "key=,algorithm=HMAC_SHA1", "nonsense", ",,=,"]
)
def test_a_settings_header_cannot_fall_back_to_the_auth_token(settings: str) -> None:
    request = environ(X_TWILIO_SIGNATURE=signed(URL), X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS=settings)
    checked = verifier(shared_keys={"k1": TOKEN}).check(request, MultiDict(), no_body)
    assert not checked.valid
    assert "no secret" in checked.reason


def test_an_empty_settings_header_means_the_auth_token() -> None:
    request = environ(X_TWILIO_SIGNATURE=signed(URL), X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS=" ")
    assert verifier().check(request, MultiDict(), no_body).valid


@given(
    target=st.text(),
    signature=st.text(),
    settings=st.text(),
    fields=st.lists(st.tuples(st.text(), st.text())),
)
def test_nothing_that_a_stranger_sends_raises(
    target: str, signature: str, settings: str, fields: list[tuple[str, str]]
) -> None:
    request = environ(target, X_TWILIO_SIGNATURE=signature)
    assert not verifier().check(request, MultiDict(fields), no_body).valid
    request["HTTP_X_TWILIO_WEBHOOKS_SIGNATURE_SETTINGS"] = settings
    verifier().check(request, MultiDict(fields), no_body)


@pytest.mark.parametrize("value", ["\ud800", "a\x00b", "\U0010ffff"])
def test_fields_that_no_signature_could_cover_are_only_invalid(value: str) -> None:
    request = environ(X_TWILIO_SIGNATURE=M1)
    assert not verifier().check(request, MultiDict({"x": value}), no_body).valid


def test_variants_keep_user_names_ports_and_empty_queries_apart() -> None:
    assert url_variants("https://u:p@h.example:443/x?") == [
        "https://u:p@h.example:443/x?",
        "https://u:p@h.example/x?",
    ]
    assert url_variants("http://h.example?a='") == [
        "http://h.example?a='",
        "http://h.example:80?a='",
        "http://h.example?a=%27",
        "http://h.example:80?a=%27",
    ]
    assert url_variants("http://h.example?a=%27")[2] == "http://h.example?a='"
    assert url_variants("https://[::1]:8443/x")[1] == "https://[::1]/x"


@pytest.mark.parametrize("target", ["/x?a=1&b=2&c=3", "/x?a=1&b=it%27s"])
def test_a_query_that_was_signed_in_another_order_or_spelling_is_valid(target: str) -> None:
    path, _, query = target.partition("?")
    given = "&".join(reversed(query.split("&"))).replace("%27", "'")
    url = f"https://hooks.example.net{path}?{given}"
    if "'" in given:
        url = f"https://hooks.example.net{target}".replace("%27", "'")
    checked = verifier().check(
        environ(target, X_TWILIO_SIGNATURE=signed(url)), MultiDict(), no_body
    )
    assert (checked.valid, checked.url) == (True, url)


@pytest.mark.parametrize(
    ("delivered", "signed_as"),
    [
        ("/x?a=1&a=2", "/x?a=2&a=1"),  # another first value
        ("/x?a=1&b=2&c=3&d=4", "/x?d=4&a=1&b=2&c=3"),  # too many orders to try
        ("/x?a=1&b=2", "/x?a=2&b=1"),
        ("/x?&a=1&", "/x?a=1&&"),
    ],
)
def test_no_other_query_is_taken_for_a_reordered_one(delivered: str, signed_as: str) -> None:
    signature = signed(f"https://hooks.example.net{signed_as}")
    request = environ(delivered, X_TWILIO_SIGNATURE=signature)
    assert not verifier().check(request, MultiDict(), no_body).valid


def test_a_text_names_the_secret_that_signed_it_and_is_not_let_in_for_it() -> None:
    both = verifier("old", TOKEN, shared_keys={"K1": "shared-secret-0003"})
    sha256 = base64.b64encode(hmac.digest(b"shared-secret-0003", URL.encode(), "sha256")).decode()
    assert both.secrets == ("auth token 1", "auth token 2", "shared key K1")
    assert both.signer(URL, signed(URL)) == "auth token 2"
    assert both.signer(URL, sha256) == "shared key K1"
    assert both.signer(URL + "x", signed(URL)) is None
    assert both.signer("\ud800", "é\ud800") is None
    assert not both.check(environ(X_TWILIO_SIGNATURE=signed(URL)), FIELDS, no_body).valid
