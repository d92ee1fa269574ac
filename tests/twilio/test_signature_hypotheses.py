"""Requests signed in every way that anybody has thought of, each told apart from the others."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder

from addon.twilio.form_parts import AudioPart
from addon.twilio.multipart import Body
from addon.twilio.signature_hypotheses import (
    MAX_SIGNED_CHARACTERS,
    Match,
    SignedRequest,
    explanation,
    hypotheses,
    variants_of,
)
from addon.twilio.signatures import Verifier

TOKEN = "primary-token-0001"
PUBLIC = "https://hooks.example.net"
URL = f"{PUBLIC}/recording-analysis"
SENT = (("format", "audio/x-wav"), ("callback", "https://m.example/cb?x=1"), ("label", ""))
SORTED = "callbackhttps://m.example/cb?x=1formataudio/x-wavlabel"
DIGEST = hashlib.sha256(b"the whole body").hexdigest()
MULTIPART = SignedRequest(URL, "", SENT, ("audio-data", "call.wav"), DIGEST)


def sign(text: str, token: str = TOKEN) -> str:
    return base64.b64encode(hmac.digest(token.encode(), text.encode(), "sha1")).decode()


def explained(text: str, signed: SignedRequest = MULTIPART, *tokens: str) -> Match | None:
    verifier = Verifier(tokens or (TOKEN,), public_url=PUBLIC)
    return explanation(replace(signed, signature=sign(text)), verifier.signer)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("text fields", URL + SORTED),
        ("no fields", URL),
        ("fields and file name", f"{URL}audio-datacall.wav{SORTED}"),
        ("fields and empty file", f"{URL}audio-data{SORTED}"),
        ("file name only", f"{URL}audio-datacall.wav"),
        ("fields but empty ones", (URL + SORTED).removesuffix("label")),
        (
            "fields as sent, unsorted",
            f"{URL}formataudio/x-wavcallbackhttps://m.example/cb?x=1label",
        ),
        ("bodySHA256 added", f"{URL}?bodySHA256={DIGEST}"),
        ("fields, bodySHA256 added", f"{URL}?bodySHA256={DIGEST}{SORTED}"),
    ],
)
def test_each_hypothesis_is_recognised_by_its_signature(name: str, text: str) -> None:
    match = explained(text)
    assert match is not None
    assert (match.hypothesis.name, match.differs) == (name, "")


def test_blanks_that_somebody_trimmed_before_signing() -> None:
    signed = replace(MULTIPART, fields=(("tag", " a "),))
    match = explained(f"{URL}taga", signed)
    assert match is not None and match.hypothesis.name == "fields, trimmed"


def test_a_hash_that_the_query_names_is_tried_without() -> None:
    signed = replace(MULTIPART, url=f"{URL}?a=1&bodySHA256={DIGEST}")
    assert signed.announces_hash
    match = explained(f"{URL}?a=1{SORTED}", signed)
    assert match is not None and match.hypothesis.name == "fields, bodySHA256 removed"
    match = explained(f"{URL}?a=1&bodySHA256={DIGEST}", signed)
    assert match is not None and match.hypothesis.name == "no fields"


@pytest.mark.parametrize(
    ("differs", "url"),
    [
        ("", "https://hooks.example.net/recording-analysis"),
        ("port 443", "https://hooks.example.net:443/recording-analysis"),
        ("with final slash", "https://hooks.example.net/recording-analysis/"),
        ("http", "http://hooks.example.net/recording-analysis"),
        ("http, port 80", "http://hooks.example.net:80/recording-analysis"),
        ("host a.example:8443", "https://a.example:8443/recording-analysis"),
        ("host a.example:8443, without port", "https://a.example/recording-analysis"),
        (
            "http, host a.example:8443, port 80, with final slash",
            "http://a.example:80/recording-analysis/",
        ),
    ],
)
def test_each_variant_of_the_url_is_recognised(differs: str, url: str) -> None:
    signed = replace(MULTIPART, hosts=("hooks.example.net", "a.example:8443"))
    match = explained(url + SORTED, signed)
    assert match is not None
    assert (match.differs, match.url) == (differs, url)


def test_spellings_of_a_url_with_a_port_a_slash_and_a_query() -> None:
    found = variants_of("http://h.example:8080/x/?q='")
    assert found["http://h.example:8080/x/?q='"] == ""
    assert found["http://h.example/x/?q='"] == "without port"
    assert found["https://h.example:443/x?q='"] == "https, port 443, without final slash"
    assert found["http://h.example:8080/x/?q=%27"] == "' as %27"
    assert found["http://h.example:8080/x/"] == "without query"


def test_hypotheses_and_variants_are_each_tried_once() -> None:
    for signed in (MULTIPART, replace(MULTIPART, fields=(), file=None)):
        texts = [(each.url, each.text) for each in hypotheses(signed)]
        assert len(texts) == len(set(texts))
    assert len(variants_of(URL, ("hooks.example.net", "hooks.example.net:443"))) == 10


def test_a_body_that_is_no_form_has_no_fields_to_cover() -> None:
    json = replace(MULTIPART, fields=None, file=None)
    assert [each.name for each in hypotheses(json)] == ["no fields", "bodySHA256 added"]


def test_the_secret_is_named_and_a_strangers_is_not_found() -> None:
    match = explained(URL, MULTIPART, "new-token", TOKEN)
    assert match is not None and match.secret == "auth token 2"
    assert explained(URL, MULTIPART, "another-token") is None
    unsigned = Verifier((TOKEN,), public_url=PUBLIC)
    assert explanation(MULTIPART, unsigned.signer) is None


def test_what_is_far_too_long_costs_nothing() -> None:
    tried: list[str] = []
    long = replace(MULTIPART, signature="x", fields=(("a", "x" * (MAX_SIGNED_CHARACTERS + 1)),))
    explanation(long, lambda text, _signature: tried.append(text))
    assert tried
    assert max(map(len, tried)) < MAX_SIGNED_CHARACTERS


def request(path: str, **headers: str) -> dict[str, Any]:
    environ = EnvironBuilder(method="POST", base_url="http://10.0.0.7:8080").get_environ()
    return environ | {"REQUEST_URI": path} | headers


def test_a_request_is_read_without_its_recording() -> None:
    form = MultiDict([("a", "1"), ("a", "2")])
    audio = AudioPart("audio-data", "call.wav", "audio/x-wav", 4, None)  # type: ignore[arg-type]
    headers = {"HTTP_X_TWILIO_SIGNATURE": "given", "HTTP_X_FORWARDED_HOST": "u:p@evil"}
    signed = SignedRequest.from_request(
        PUBLIC, request("/x?y=%27", **headers), Body(form, lambda: DIGEST, form, audio)
    )
    assert signed == SignedRequest(
        url=f"{PUBLIC}/x?y=%27",
        signature="given",
        fields=(("a", "1"), ("a", "2")),
        file=("audio-data", "call.wav"),
        body_sha256=DIGEST,
        hosts=("10.0.0.7:8080",),
    )


def test_a_json_request_without_a_signature_is_read_too() -> None:
    signed = SignedRequest.from_request(PUBLIC, request("/x"), Body(MultiDict(), lambda: DIGEST))
    assert (signed.signature, signed.fields, signed.file) == ("", None, None)
