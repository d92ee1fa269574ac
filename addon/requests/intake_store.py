"""Intake store: the prefixes of the store that carry requests, results to send, and outcomes.

`intake/<sid>` exists exactly as long as a request is unfinished, `results/<sid>` as long as its
result is not sent, and `requests/<sid>` says for good what became of it (spec/interfaces 6). The
store is the truth and Redis is not. Nothing here is ever written in plaintext but `requests/`,
which holds states, times and SIDs only and is signed. What is not ours counts as absent, whether it
is a record, a result or an outcome: whoever can write to the bucket must not end a request.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from addon import stored_documents
from addon.archive.blocks import counted
from addon.archive.configured import control_signer
from addon.archive.planted import PlantedObjects
from addon.archive.prefixes import INTAKE, OUTCOMES, RESULTS
from addon.archive.signed_documents import DocumentSigner
from addon.archive.store import Store
from addon.errors import AlreadyStored, KeyMissing, NotStored, StoreUnavailable, Tampered
from addon.requests.record_cipher import RecordCipher
from addon.requests.results import StoredResult
from addon.requests.signature_uses import SignatureUse
from addon.settings import Settings

VERSION = 1
"""Of intake records and outcomes. What the release before wrote has none, and is the same."""

KIND = "outcome"
"""How errors and the signature call an outcome."""

LENGTH = struct.Struct(">I")

HEAD_LIMIT = 4 * 1024 * 1024
"""Fields are bounded at 1 MB on the way in; four times that is certainly no invocation."""


@dataclass
class IntakeRecord:
    """An accepted request: its source, that source's own document, and the uploaded bytes.

    `signature` is the use of the signature that it was accepted with, where it had one.
    """

    source: str
    request: str
    audio: Iterator[bytes]
    signature: SignatureUse | None = None


class IntakeStore:
    """The three prefixes of the store that carry requests.

    Records and results are encrypted with the first of `keys`, of 32 bytes each, and opened with
    any; outcomes are signed by `signer`.
    """

    def __init__(self, store: Store, keys: Sequence[bytes], signer: DocumentSigner) -> None:
        self.store = store
        self._signer = signer
        self._planted = PlantedObjects()
        self._cipher = RecordCipher(keys)

    @classmethod
    def from_settings(cls, settings: Settings, store: Store) -> Self:
        """The intake store of a deployment. Raises SettingsError without INTAKE_KEY."""
        return cls(store, settings.intake_key, control_signer(settings))

    def accept(
        self,
        sid: str,
        source: str,
        request: str,
        audio: Iterable[bytes] = (),
        signature: SignatureUse | None = None,
    ) -> bool:
        """Write an intake record, durably; False where one is there already.

        `source` is "marketplace", "flex" or "ringcentral". `audio` is read again where the first
        writing met an object that is not ours. Raises StoreUnavailable.
        """
        document: dict[str, Any] = {"version": VERSION, "source": source, "request": request}
        if signature is not None:
            document["signature"] = vars(signature)
        head = stored_documents.compact(document).encode()
        sent: list[int] = []
        try:
            self._put(INTAKE, sid, counted(_framed(head, audio), sent), if_absent=True)
        except AlreadyStored:
            trouble = self._trouble_with_intake(sid, least=sum(sent))
            if trouble is None:
                return False
            if isinstance(audio, Iterator):
                raise StoreUnavailable("something else lies where this record belongs") from None
            self._planted.report(INTAKE + sid, trouble)
            self._put(INTAKE, sid, _framed(head, audio), if_absent=False)
        return True

    def waiting(self, after: str | None = None) -> Iterator[str]:
        """The SIDs of all unfinished requests."""
        for stat in self.store.list(INTAKE, after=after):
            yield stat.key.removeprefix(INTAKE)

    def accepted_before(self, moment: datetime) -> Iterator[tuple[str, datetime]]:
        """SID and time of unfinished requests whose record was written before `moment`."""
        for stat in self.store.list(INTAKE):
            if stat.modified < moment:
                yield stat.key.removeprefix(INTAKE), stat.modified

    def is_waiting(self, sid: str) -> bool:
        """True if a request is accepted and not finished."""
        return self.store.stat(INTAKE + sid) is not None

    def is_accepted(self, sid: str) -> bool:
        """As `is_waiting`, but what was only planted there is no request."""
        return self.is_waiting(sid) and self._trouble_with_intake(sid) is None

    def open(self, sid: str) -> IntakeRecord:
        """Read an intake record; the audio is decrypted block by block as it is taken.

        Raises NotStored, Tampered, KeyMissing, UnreadableDocument, StoreUnavailable.
        """
        blocks = self._get(INTAKE, sid)
        buffer = bytearray()
        _fill(blocks, buffer, LENGTH.size)
        (size,) = LENGTH.unpack_from(buffer)
        if size > HEAD_LIMIT:
            raise Tampered("an intake record with an impossible head")
        _fill(blocks, buffer, LENGTH.size + size)
        head = stored_documents.parse(
            buffer[LENGTH.size : LENGTH.size + size], "intake record", VERSION
        )
        rest = bytes(buffer[LENGTH.size + size :])
        source, request = stored_documents.texts(head, "intake record", "source", "request")
        signature = SignatureUse.from_document(head.get("signature"))
        return IntakeRecord(source, request, _audio(rest, blocks), signature)

    def store_result(self, sid: str, result: StoredResult) -> bool:
        """Store a result until the request is finished; False where one is stored already.

        The result that is stored first is the one that is sent: nothing may change it afterwards.
        """
        try:
            self._put(RESULTS, sid, [result.to_bytes()], if_absent=True)
        except AlreadyStored:
            if self._result_bytes(sid) is not None:
                return False
            self._put(RESULTS, sid, [result.to_bytes()], if_absent=False)
        return True

    def nothing_to_archive(self, sid: str, result: StoredResult) -> None:
        """Note that no recording will ever come; the answer stays as it is."""
        settled = replace(result, final=True, archivable=False)
        self._put(RESULTS, sid, [settled.to_bytes()], if_absent=False)

    def stored_result(self, sid: str) -> StoredResult | None:
        """The result stored for a request, or None where there is none yet.

        Raises Tampered, KeyMissing, UnreadableDocument, StoreUnavailable.
        """
        body = self._result_bytes(sid)
        return None if body is None else StoredResult.from_bytes(body)

    def record_outcome(self, sid: str, outcome: Mapping[str, Any]) -> None:
        """Write the outcome of a request; a later call replaces an earlier one."""
        document = self._signer.sign(KIND, OUTCOMES + sid, {"version": VERSION, **outcome})
        self.store.put(OUTCOMES + sid, [document], if_absent=False)

    def outcome(self, sid: str) -> dict[str, Any] | None:
        """The outcome of a request, or None where it is not known. Raises UnreadableDocument."""
        document = self._signed_outcome(sid)
        if document is not None:
            stored_documents.check_version(document, KIND, VERSION)
            document.pop("version", None)
        return document

    def has_outcome(self, sid: str) -> bool:
        """True if a request has an outcome, in whatever version it was written."""
        return self._signed_outcome(sid) is not None

    def remove(self, sid: str) -> None:
        """Remove what was stored for the work; the outcome stays.

        The intake record goes last: a crash in between leaves a request that is looked at again.
        """
        self.store.delete(RESULTS + sid)
        self.store.delete(INTAKE + sid)

    def remove_result(self, sid: str) -> None:
        """Remove a result that was stored after its request was finished."""
        self.store.delete(RESULTS + sid)

    def _result_bytes(self, sid: str) -> bytes | None:
        """A stored result; None where there is none, or what lies there is not ours.

        Raises Tampered, KeyMissing where the intake record cannot be opened either: INTAKE_KEY may
        be another one than before.
        """
        try:
            return b"".join(self._get(RESULTS, sid))
        except NotStored:
            return None
        except (Tampered, KeyMissing) as error:
            if self._trouble_with_intake(sid) is not None:
                raise
            self._planted.report(RESULTS + sid, error.message)
            return None

    def _trouble_with_intake(self, sid: str, least: int = 0) -> str | None:
        """The reason why the intake record of a request is not ours, told by its beginning.

        One of fewer than `least` bytes is read to its end: the store may have cut it.
        """
        stat = self.store.stat(INTAKE + sid) if least else None
        blocks = self._get(INTAKE, sid)
        try:
            next(blocks, None)
            if stat is not None and stat.size < least:
                deque(blocks, maxlen=0)
        except NotStored:
            return None  # its request has just been finished
        except (Tampered, KeyMissing) as error:
            return error.message
        return None

    def _signed_outcome(self, sid: str) -> dict[str, Any] | None:
        """The stored outcome; None where there is none, or what lies there is not ours."""
        key = OUTCOMES + sid
        try:
            content = self.store.get(key)
        except (NotStored, Tampered):  # Tampered: larger than any outcome
            return None
        return self._signer.believed(KIND, key, content)

    def _put(self, prefix: str, sid: str, blocks: Iterable[bytes], *, if_absent: bool) -> None:
        is_result = prefix == RESULTS
        encrypt = self._cipher.encrypt_as_message if is_result else self._cipher.encrypt
        record = encrypt(blocks, prefix, sid)
        self.store.put(prefix + sid, record, if_absent=if_absent)

    def _get(self, prefix: str, sid: str) -> Iterator[bytes]:
        return self._cipher.decrypt(self.store.read(prefix + sid), prefix, sid)


def _framed(head: bytes, audio: Iterable[bytes]) -> Iterator[bytes]:
    yield LENGTH.pack(len(head)) + head
    yield from audio


def _fill(blocks: Iterator[bytes], buffer: bytearray, size: int) -> None:
    while len(buffer) < size:
        block = next(blocks, None)
        if block is None:
            raise Tampered("an intake record that ends too early")
        buffer += block


def _audio(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest
