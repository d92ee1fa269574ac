"""Cost of signed documents: `python -m benchmarks.control_objects`.

CPU time of writing and reading an outcome as JSON alone, and with its MAC; and of listing a page of
recordings from a directory whose entries are confirmed by manifests, with what of it the tombstones
take. Medians of several runs, compared inside one.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from addon.archive.archive import Archive
from addon.archive.directory import DirectoryStore
from addon.archive.key_pairs import new_key_pair
from addon.archive.keys import EncryptionKeys
from addon.archive.manifest import RecordingFacts, Signer, new_signing_key
from addon.archive.signed_documents import DocumentSigner

OUTCOME = {
    "version": 1,
    "answer": "delivered",
    "answered_at": 1790000000.123,
    "code": None,
    "received_at": 1790000000.0,
    "status": "successful",
    "tenant": "XD" + "1" * 32,
}
KEY = "requests/XR" + "2" * 32
ROUNDS, CALLS, PAGE = 9, 2000, 25


def cpu_us(call: Callable[[], object], calls: int) -> float:
    """Median microseconds of CPU that a call takes."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            call()
        found.append((time.process_time() - began) / calls * 1e6)
    return statistics.median(found)


def documents() -> None:
    signer = DocumentSigner([bytes(range(32))])
    plain, signed = json.dumps(OUTCOME).encode(), signer.sign("outcome", KEY, OUTCOME)
    measured = {
        "write, JSON alone": lambda: json.dumps(OUTCOME),
        "write, with its MAC": lambda: signer.sign("outcome", KEY, OUTCOME),
        "read, JSON alone": lambda: json.loads(plain),
        "read, with its MAC": lambda: signer.verified("outcome", KEY, signed),
    }
    print("outcome, CPU microseconds")
    for name, call in measured.items():
        print(f"  {name:<20}{cpu_us(call, CALLS):6.1f}")


def filled(folder: str) -> Archive:
    pair, signer = new_key_pair(2048), Signer(new_signing_key())
    keys = EncryptionKeys.of_public_keys([pair.public_pem])
    archive = Archive(DirectoryStore(Path(folder)), encryption_keys=keys, signer=signer)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    for number in range(PAGE):
        facts = RecordingFacts(
            received_sha256="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
            received_bytes=1,
            format="wav",
            channels=1,
            duration_seconds=1.0,
            started_at=at + timedelta(seconds=number),
            received_at=at,
            call_sid=None,
            source="marketplace",
            redacted=False,
            request_sid="XR1",
        )
        with archive.deposit("XD1", f"RE{number}") as deposit:
            deposit.audio([b"x"])
            deposit.commit(facts)
    return archive


def listing() -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = filled(folder)
        entries = archive.list("XD1").entries

        def manifests_alone() -> None:
            for entry in entries:
                archive._manifest(entry.tenant, entry.recording_id)

        def confirmed() -> None:
            for entry in entries:
                assert archive.listed(entry)

        def confirmed_first() -> None:
            archive._not_erased.__init__(4096, seconds=60.0)  # type: ignore[misc]
            confirmed()

        print(f"page of {PAGE} recordings in a directory, CPU microseconds")
        print(f"  manifests alone                 {cpu_us(manifests_alone, 20):8.0f}")
        print(f"  confirmed, tombstones asked for {cpu_us(confirmed_first, 20):8.0f}")
        print(f"  confirmed, within a minute      {cpu_us(confirmed, 20):8.0f}")


def main() -> None:
    documents()
    listing()


if __name__ == "__main__":
    main()
