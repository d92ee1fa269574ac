"""JSON documents of the store, each signed with a MAC under a key that the store does not hold.

API tokens, outcomes and events of the access log are such documents: whoever can only write to the
bucket can neither make nor change one. The MAC is HMAC-SHA-256 over the kind, the object's key and
the document, so that a document cannot be moved or taken for another kind. It stands in the
document's own field `mac`, which an older release passes over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from addon.archive.planted import PlantedObjects
from addon.errors import KeyMissing, Tampered

ALGORITHM = "HMAC-SHA-256"

KEY_LENGTH = 32
"""Bytes of a key, as many as the hash has."""

FIELD = "mac"
"""The document's own field for algorithm, key name and MAC."""

_DOMAIN = b"recording-addon signed document 1\n"
"""Before what is signed: a MAC made here is of no use anywhere else."""


class DocumentSigner:
    """Signs documents with the first of some keys, and believes those signed with any of them.

    Until `unsigned_until` documents without a MAC are believed too: the release before wrote none.
    """

    def __init__(
        self,
        keys: Sequence[bytes],
        *,
        unsigned_until: datetime | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keys = {key_name(key): key for key in keys}
        self._unsigned_until = unsigned_until
        self._now = now
        self._planted = PlantedObjects()

    @property
    def can_sign(self) -> bool:
        """True where there is a key."""
        return bool(self._keys)

    def sign(self, kind: str, object_key: str, document: Mapping[str, Any]) -> bytes:
        """`document` with its MAC, as a line of JSON. Raises KeyMissing without a key."""
        if not self._keys:
            raise KeyMissing(
                f"this process has no key to sign a document ({kind}) with",
                remedy="Set INTAKE_KEY or CONTROL_KEYS, and PLAYBACK_SECRETS for API tokens.",
            )
        name, key = next(iter(self._keys.items()))
        value = base64.b64encode(_mac(key, kind, object_key, document)).decode()
        mac = {"algorithm": ALGORITHM, "key": name, "value": value}
        return json.dumps({**document, FIELD: mac}, separators=(",", ":")).encode() + b"\n"

    def verified(self, kind: str, object_key: str, content: bytes) -> dict[str, Any]:
        """The document in `content`, without its MAC. Raises Tampered for any but a genuine one.

        That a key is not known here is Tampered as well: its name is as easily planted.
        """
        try:
            document = json.loads(content)
            mac = document.pop(FIELD, None)
            if mac is None:
                return self._unsigned(kind, document)
            key, value = self._keys.get(mac["key"]), base64.b64decode(mac["value"], validate=True)
            if key is None or mac["algorithm"] != ALGORITHM:
                raise Tampered(f"the {kind} is signed with no key that is known here")
            genuine = hmac.compare_digest(value, _mac(key, kind, object_key, document))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
            raise Tampered(f"the {kind} is malformed") from None
        if not genuine:
            raise Tampered(f"the {kind} is not what was signed, or was signed for another place")
        return dict(document)

    def believed(self, kind: str, object_key: str, content: bytes) -> dict[str, Any] | None:
        """As `verified`, but a document that is not genuine counts as absent: None.

        Its key is written to the log, once in the life of a process.
        """
        try:
            return self.verified(kind, object_key, content)
        except Tampered as error:
            self._planted.report(object_key, error.message)
            return None

    def is_current(self, content: bytes) -> bool:
        """True where a document carries a MAC of the newest key; it is not verified here."""
        return claimed_key(content) == next(iter(self._keys), "")

    @property
    def takes_unsigned(self) -> bool:
        """True while documents without a MAC are believed."""
        return self._unsigned_until is not None and self._now() < self._unsigned_until

    def _unsigned(self, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        if not self.takes_unsigned:
            raise Tampered(f"the {kind} is not signed")
        return document


def derived_key(secret: bytes, purpose: str) -> bytes:
    """A key for documents out of another secret; `purpose` tells two uses of it apart."""
    info = _DOMAIN + b"key for " + purpose.encode()
    return HKDF(SHA256(), KEY_LENGTH, salt=None, info=info).derive(secret)


def key_name(key: bytes) -> str:
    """The name of a key in documents: it follows from the key and gives nothing of it away."""
    return "hmac-" + hashlib.sha256(_DOMAIN + b"name of " + key).hexdigest()[:16]


def claimed_key(content: bytes) -> str | None:
    """The name of the key that a document says it is signed with; None for one without a MAC."""
    try:
        return str(json.loads(content)[FIELD]["key"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _mac(key: bytes, kind: str, object_key: str, document: Mapping[str, Any]) -> bytes:
    """The MAC of a document: JSON, sorted, without white space, behind its kind and place."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    signed = _DOMAIN + f"{kind}\n{object_key}\n{canonical}".encode()
    return hmac.digest(key, signed, "sha256")
