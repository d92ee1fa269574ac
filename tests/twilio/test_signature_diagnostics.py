"""Diagnoses on a real Redis: bounded, harmless, and without anything of a request's contents."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import redis

from addon.redis_keys import SIGNATURES_MATCHED, SIGNATURES_UNMATCHED
from addon.twilio.signature_diagnostics import KEPT, LASTS_S, Diagnosis, SignatureDiagnostics
from addon.twilio.signature_hypotheses import SignedRequest
from addon.twilio.signatures import Verdict, Verifier
from tests.twilio.test_signature_hypotheses import MULTIPART, PUBLIC, SORTED, TOKEN, URL, sign

VERIFIER = Verifier((TOKEN,), public_url=PUBLIC)
REFUSED = Verdict(False, "no secret gives this signature")


def diagnosis(signed: SignedRequest, verdict: Verdict = REFUSED, *, at: float = 1.0) -> Diagnosis:
    return Diagnosis.of(signed, verdict, VERIFIER, at=at, request_sid="XR1", body="multipart")


EXPLAINED = diagnosis(replace(MULTIPART, signature=sign(f"http://hooks.example.net/x{SORTED}")))
BY_URL = diagnosis(replace(MULTIPART, signature=sign(URL)))
UNKNOWN = diagnosis(replace(MULTIPART, signature="TPEzSRfZHGUo0Dpi5BTrq2Kf3yA="))


def test_a_diagnosis_comes_back_as_it_was_kept(redis_server: redis.Redis) -> None:
    diagnostics = SignatureDiagnostics(redis_server)
    later = replace(UNKNOWN, at=2.0)
    for each in (BY_URL, later):
        diagnostics.add(each)
    assert diagnostics.all() == [later, BY_URL]


def test_what_was_found_says_what_where_and_with_which_secret() -> None:
    assert UNKNOWN.found is None and EXPLAINED.found is None
    assert BY_URL.found is not None
    assert (BY_URL.found.covers, BY_URL.found.url) == ("no fields", "")
    assert BY_URL.found.secret == "auth token 1"
    assert BY_URL.found.redacted == f"{URL} |"


def test_everything_that_was_tried_is_in_it() -> None:
    texts = {each.name: each.redacted for each in UNKNOWN.candidates}
    assert texts["text fields"] == f"{URL} | callback=24 format=11 label=0"
    assert texts["fields and file name"] == f"{URL} | audio-data=8 callback=24 format=11 label=0"
    assert texts["bodySHA256 added"] == f"{URL} ? bodySHA256=64 |"
    assert [each.redacted for each in UNKNOWN.urls if each.name == "http, port 80"] == [
        "http://hooks.example.net:80/recording-analysis"
    ]
    assert UNKNOWN.secrets == ("auth token 1",)


def test_nothing_of_the_contents_no_secret_and_no_usable_signature_is_in_it() -> None:
    private = SignedRequest(
        url=f"{URL}?number=+14155551212&t0ken",
        signature=sign("anything"),
        fields=(("From", "+14155551212"), ("url", "https://m.example/a?sig=s3cr3t"), ("+4930", "")),
        file=("audio-data", "call with Ann.wav"),
        body_sha256="5ccde7145dfb" + "0" * 52,
    )
    for signed in (private, replace(private, signature=sign(private.url))):
        text = diagnosis(signed).to_json()
        for secret in (
            *("14155551212", "s3cr3t", "t0ken", "+4930", "Ann", "m.example", "5ccde7145dfb"),
            *(TOKEN, signed.signature, sign(private.url)),
        ):
            assert secret not in text
        assert f"28 characters, {signed.signature[:6]}…" in json.loads(text)["signature"]


def test_what_is_no_signature_is_only_counted() -> None:
    for given, told in (
        ("", "none"),
        ("+14155551212", "12 characters"),
        ("é" * 30, "30 characters"),
    ):
        assert diagnosis(replace(MULTIPART, signature=given)).signature == told


def test_a_flood_of_junk_leaves_what_was_explained(redis_server: redis.Redis) -> None:
    diagnostics = SignatureDiagnostics(redis_server)
    diagnostics.add(BY_URL)
    for number in range(KEPT + 20):
        diagnostics.add(replace(UNKNOWN, at=10.0 + number))
    kept = diagnostics.all()
    assert len(kept) == KEPT + 1
    assert kept[-1] == BY_URL
    assert kept[0].at == 10.0 + KEPT + 19
    assert redis_server.llen(SIGNATURES_UNMATCHED) == KEPT


def test_diagnoses_expire(redis_server: redis.Redis) -> None:
    diagnostics = SignatureDiagnostics(redis_server)
    diagnostics.add(BY_URL)
    diagnostics.add(UNKNOWN)
    for key in (SIGNATURES_MATCHED, SIGNATURES_UNMATCHED):
        assert 0 < redis_server.ttl(key) <= LASTS_S


def test_the_largest_request_makes_a_small_diagnosis() -> None:
    fields = tuple((f"field-{number % 90}-{'x' * 25}", "v") for number in range(500))
    url = URL + "?" + "&".join(f"name{number % 90}=1" for number in range(500))
    large = diagnosis(replace(MULTIPART, url=url, fields=fields, hosts=("a.example", "b.example")))
    assert len(large.to_json()) < 40_000


def test_without_redis_nothing_is_raised(tmp_path: Path) -> None:
    nobody = redis.Redis.from_url(f"unix://{tmp_path}/nobody.sock")
    SignatureDiagnostics(nobody).add(UNKNOWN)
    nobody.close()
