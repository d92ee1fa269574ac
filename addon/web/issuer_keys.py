"""Verifies an issuer's tokens by its published keys, which may have the same key id, or none."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures by a private key; "none" and the HS family must never be among them."""

MAX_KEYS = 32
"""Keys of a set that are looked at; issuers publish two or three."""

KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {
    "RSA": RSAKey,
    "EC": ECKey,
    "OKP": OKPKey,
}
"""Kinds of public key; a secret in a published set is none."""


def verified(text: str, key_set: Mapping[str, Any]) -> jwt.Token:
    """The token in `text`, where one of the set's keys verifies its signature.

    Keys under the token's key id are tried, and those without an id; all, where the token names
    none. Raises JoseError or ValueError where no key does.
    """
    registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
    wanted = _key_id(text)
    failure: Exception = InvalidKeyIdError("the issuer has no such key")
    for key in _public_keys(key_set, wanted):
        try:
            return jwt.decode(text, key=key, registry=registry)
        except (JoseError, ValueError, TypeError) as error:
            failure = error
    raise failure


def _public_keys(
    key_set: Mapping[str, Any], wanted: str | None
) -> Iterator[RSAKey | ECKey | OKPKey]:
    """The keys that may have signed; one that cannot be read is passed over, the others count."""
    entries = key_set.get("keys")
    for entry in entries[:MAX_KEYS] if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kind = KINDS.get(str(entry.get("kty")))
        if kind is None or (wanted and entry.get("kid") not in (None, wanted)):
            continue
        try:
            yield kind.import_key(entry)
        except (JoseError, ValueError, TypeError, KeyError):
            continue


def _key_id(text: str) -> str | None:
    """The `kid` of a token's header. Raises ValueError for a text that is no token."""
    header = json.loads(base64.urlsafe_b64decode(text.partition(".")[0] + "=="))
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None
