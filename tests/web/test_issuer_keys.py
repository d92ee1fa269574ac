"""Signatures by published keys: the right one is found, and nothing else verifies."""

from __future__ import annotations

import base64
import json

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey

from addon.web.issuer_keys import MAX_KEYS, verified

OLD = RSAKey.generate_key(2048, {"kid": "k"})
NEW = RSAKey.generate_key(2048, {"kid": "k"})
CURVE = ECKey.generate_key("P-256", {"kid": "k"})


def token(key=NEW, alg: str = "RS256", **header: str) -> str:
    return jwt.encode({"alg": alg, **header}, {"sub": "1"}, key, algorithms=[alg])


def public(*keys) -> dict[str, list]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


@pytest.mark.parametrize("header", [{}, {"kid": "k"}], ids=["no id", "the id of both"])
@pytest.mark.parametrize("keys", [(NEW,), (OLD, NEW), (NEW, OLD), (CURVE, OLD, NEW)])
def test_the_key_that_signed_is_found_among_others(header, keys):
    assert verified(token(**header), public(*keys)).claims == {"sub": "1"}


def test_a_key_without_an_id_is_tried_for_every_id():
    found = public(NEW)
    del found["keys"][0]["kid"]
    assert verified(token(kid="another"), found).claims == {"sub": "1"}


@pytest.mark.parametrize(
    "spoilt", [{"kty": "later"}, {"kty": "RSA"}, {"kty": "RSA", "n": "?", "e": "?"}, "text", None]
)
def test_a_key_that_cannot_be_read_does_not_hide_the_others(spoilt):
    assert verified(token(), {"keys": [spoilt, *public(NEW)["keys"]]}).claims == {"sub": "1"}


@pytest.mark.parametrize(
    "key_set",
    [
        {},
        {"keys": None},
        {"keys": []},
        public(OLD),
        public(CURVE),
        {"keys": [{**public(NEW)["keys"][0], "use": "enc"}]},
        {"keys": [{**public(NEW)["keys"][0], "kid": "another"}]},
        {"keys": public(OLD)["keys"] * MAX_KEYS + public(NEW)["keys"]},
    ],
)
def test_without_the_right_key_nothing_is_verified(key_set):
    with pytest.raises((JoseError, ValueError)):
        verified(token(kid="k"), key_set)


def test_a_published_secret_verifies_nothing():
    secret = OctKey.import_key("s" * 32)
    with pytest.raises((JoseError, ValueError)):
        verified(token(secret, "HS256"), {"keys": [secret.as_dict(private=True)]})


@pytest.mark.parametrize("text", ["", ".", "a.b.c", "e30.e30.", "bnVsbA.e30.", "\u00e9.a.b"])
def test_what_is_no_token_is_refused(text):
    with pytest.raises((JoseError, ValueError)):
        verified(text, public(NEW))


def test_an_unsigned_token_is_refused():
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode()
    with pytest.raises((JoseError, ValueError)):
        verified(f"{head}.{token().split('.')[1]}.", public(NEW))
