"""The signed manifest of each recording: what was received, what was stored, and who signed it.

Anyone may encrypt to a public key, so the ciphertext authenticates nobody; the Ed25519 signature
here does (spec/ciphertext 5). A manifest must never be believed before its signature was verified.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from addon import stored_documents
from addon.archive.key_pairs import fingerprint, private_pem, public_pem
from addon.errors import KeyMissing, SettingsError, Tampered

VERSION = 1
WHAT = "manifest"
"""How errors call it."""

LATER_FACTS = ("redaction", "redaction_reason")
"""Facts that release 0.1.0 does not know and refuses: where they are None, they are not written."""

Part = Literal["audio", "analysis"]
RedactionStatus = Literal["complete", "incomplete", "off"]
_DOMAIN = b"recording-archive "
"""Before what is signed: a signature made here is of no use anywhere else."""


@dataclass(frozen=True)
class RecordingFacts:
    """Facts of a recording, as its worker learned them; `source` is "marketplace", "flex" or
    "ringcentral".

    `redacted` is whether anything was muted. `redaction` is whether all digits were: None, in a
    manifest of before this was recorded, is not known. `redaction_reason` is a sentence where some
    may remain. `others` are fields that a newer release wrote; they are written back as they are.
    """

    received_sha256: str
    received_bytes: int
    format: str
    channels: int | None
    duration_seconds: float | None
    started_at: datetime | None
    received_at: datetime
    call_sid: str | None
    source: str
    redacted: bool
    request_sid: str
    redaction: RedactionStatus | None = None
    redaction_reason: str | None = None
    others: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(at and at.tzinfo is None for at in (self.started_at, self.received_at)):
            raise ValueError("a time without its zone names no moment")

    @property
    def began_at(self) -> datetime:
        """When the recording began; where no source tells, its length before it was received.

        That orders the parts of a call: a long part is received after a short one that began later.
        """
        if self.started_at is not None:
            return self.started_at
        return self.received_at - timedelta(seconds=self.duration_seconds or 0.0)


@dataclass(frozen=True)
class Sealed:
    """One encrypted object: sizes in bytes, hashes as lower-case hex SHA-256."""

    size: int
    sha256: str
    header_sha256: str
    plaintext_sha256: str
    plaintext_size: int


@dataclass(frozen=True)
class Manifest:
    """A recording as archived.

    The `_before` and `facts_after` stand only while the objects are being replaced.
    `generation` grows with every manifest that replaces another of the same recording, from 1 on.
    `others` are fields that a newer release wrote; they are written back as they are.
    """

    tenant: str
    recording_id: str
    facts: RecordingFacts
    audio: Sealed
    analysis: Sealed | None
    written_at: datetime
    audio_before: Sealed | None = None
    analysis_before: Sealed | None = None
    facts_after: RecordingFacts | None = None
    generation: int = 1
    version: int = VERSION
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        """When the recording was made, or received where that is not known: its index day."""
        return self.facts.started_at or self.facts.received_at

    @property
    def place_in_call(self) -> tuple[datetime, datetime, str]:
        """The key that sorts the recordings of one call: by when each began, never by name.

        Of two that began together the one received first is first.
        """
        return self.facts.began_at, self.facts.received_at, self.recording_id

    @property
    def parts(self) -> tuple[Part, ...]:
        """The objects that belong to the recording."""
        return ("audio", "analysis") if self.analysis else ("audio",)

    @property
    def sealed_parts(self) -> tuple[tuple[Part, Sealed], ...]:
        """The objects that belong to the recording, the new ones while they are being replaced."""
        audio: tuple[tuple[Part, Sealed], ...] = (("audio", self.audio),)
        return (*audio, ("analysis", self.analysis)) if self.analysis else audio

    @property
    def is_replacing(self) -> bool:
        """True while objects are being replaced."""
        return bool(self.audio_before or self.analysis_before or self.facts_after)

    def admits(self, part: Part) -> tuple[Sealed, ...]:
        """The objects that may be stored: one, or either of two while it is being replaced."""
        if part == "audio":
            return tuple(one for one in (self.audio, self.audio_before) if one)
        return tuple(one for one in (self.analysis, self.analysis_before) if one)

    def as_document(self) -> dict[str, Any]:
        """As JSON holds it: times in ISO 8601."""
        document = {name: _plain(value) for name, value in asdict(self).items()}
        document["facts"] = _facts_document(document["facts"])
        if self.facts_after is None:
            del document["facts_after"]  # releases of before do not know it
        else:
            document["facts_after"] = _facts_document(document["facts_after"])
        if self.generation == 1:
            del document["generation"]  # release 0.1.0 does not know it, and refuses it
        return {**document.pop("others"), **document}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Self:
        """Back from JSON, also as another release wrote it. Raises UnreadableDocument."""
        stored_documents.check_version(document, WHAT, VERSION)
        values = stored_documents.with_moments(document, WHAT, "written_at")
        values["facts"] = _facts(values.get("facts", {}))
        if values.get("facts_after") is not None:
            values["facts_after"] = _facts(values["facts_after"])
        for name in ("audio", "analysis", "audio_before", "analysis_before"):
            if values.get(name) is not None:
                values[name] = stored_documents.instance(Sealed, values[name], WHAT)
        return stored_documents.instance(cls, _with_others(cls, values), WHAT)


def _facts_document(values: dict[str, Any]) -> dict[str, Any]:
    facts = {**values.pop("others"), **values}
    unsaid = [name for name in LATER_FACTS if facts[name] is None]
    return {name: value for name, value in facts.items() if name not in unsaid}


def _facts(values: Any) -> RecordingFacts:
    facts = stored_documents.with_moments(values, WHAT, "started_at", "received_at")
    return stored_documents.instance(RecordingFacts, _with_others(RecordingFacts, facts), WHAT)


def _with_others(
    kind: type[RecordingFacts | Manifest], values: Mapping[str, Any]
) -> dict[str, Any]:
    known = {each.name for each in fields(kind)} - {"others"}
    others = {name: value for name, value in values.items() if name not in known}
    return {**{name: values[name] for name in known & set(values)}, "others": others}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value


class Signer:
    """The worker's Ed25519 key."""

    def __init__(self, pem: str) -> None:
        self._key = _load_private(pem)
        public = self._key.public_key()
        self.name = signer_name(public)
        self.public_pem = public_pem(public)

    def sign(self, kind: str, document: Mapping[str, Any]) -> bytes:
        """`document` with its signature, as bytes of JSON."""
        signature = self._key.sign(_signed_bytes(kind, document))
        envelope = {
            kind: document,
            "signature": {
                "algorithm": "Ed25519",
                "key": self.name,
                "value": base64.b64encode(signature).decode(),
            },
        }
        return json.dumps(envelope, indent=1).encode() + b"\n"


class Verifiers:
    """The public keys whose signatures are believed."""

    def __init__(self, public_pems: Iterable[str]) -> None:
        keys = [_load_public(pem) for pem in public_pems]
        self._keys = {signer_name(key): key for key in keys}

    def verified(self, kind: str, content: bytes) -> dict[str, Any]:
        """The document in `content`. Raises Tampered; KeyMissing where its signer is not known."""
        try:
            envelope = json.loads(content)
            document, signature = envelope[kind], envelope["signature"]
            name, value = signature["key"], base64.b64decode(signature["value"], validate=True)
            signed = _signed_bytes(kind, document)
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
            raise Tampered(f"the {kind} is malformed") from None
        key = self._keys.get(name) if isinstance(name, str) else None
        if key is None:
            raise KeyMissing(
                f"the {kind} is signed by {str(name)[:64]!r}, which is not among the verify keys",
                remedy="Give its public key in MANIFEST_VERIFY_KEYS, if it is one of yours.",
            )
        try:
            key.verify(value, signed)
        except InvalidSignature:
            raise Tampered(f"the {kind} is not what was signed") from None
        if not isinstance(document, dict):
            raise Tampered(f"the {kind} is malformed")
        return document


def new_signing_key() -> str:
    """A fresh Ed25519 private key, as PKCS#8 PEM."""
    return private_pem(ed25519.Ed25519PrivateKey.generate())


def signer_name(public: ed25519.Ed25519PublicKey) -> str:
    """`ed25519-` and the fingerprint of the public key."""
    return f"ed25519-{fingerprint(public)}"


def _signed_bytes(kind: str, document: Any) -> bytes:
    """The bytes under a signature: kind, and the document as JSON, sorted, without white space."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _DOMAIN + kind.encode() + b"\n" + canonical.encode()


def _load_private(pem: str) -> ed25519.Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise SettingsError("MANIFEST_SIGNING_KEY: not an Ed25519 private key in PEM")
    return key


def _load_public(pem: str) -> ed25519.Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise SettingsError("MANIFEST_VERIFY_KEYS: not an Ed25519 public key in PEM")
    return key
