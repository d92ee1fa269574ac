"""An archive worth looking at: bundled voices laid out as calls, analysed and archived for real."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np

from addon.analysis import Options, RecordingPass
from addon.archive.archive import Archive
from addon.archive.manifest import RecordingFacts
from addon.requests import results
from tests.analysis import calls

INSTALL = "XD" + "5c4e9a7d20b84f1693de07a1c2b38f64"
OTHER_INSTALL = "XD" + "91f2b7c3e4d54a08b6a79c10d3e5f288"
NIGHT = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)


def sid(prefix: str, number: int) -> str:
    """A SID that looks like one and is the same in every run."""
    random = np.random.default_rng(number)
    return prefix + random.bytes(16).hex()


MAIN_CALL = sid("RE", 1)
"""Two channels, two minutes and a half, keys pressed and hold music: something of everything."""


def archive_calls(archive: Archive) -> None:
    """Nine recordings of three days."""
    main = calls.with_hold(calls.converse(130, 11))
    archive_call(archive, 1, calls.wav(main.samples), at=NIGHT + timedelta(hours=15, minutes=42))
    others: list[tuple[int, bytes, timedelta]] = [
        (2, _dual(64, 3), timedelta(hours=14, minutes=5)),
        (3, _mono(42, 4), timedelta(hours=11, minutes=31)),
        (4, _dual(95, 5, ("cat", "dan")), timedelta(hours=9, minutes=12)),
        (5, _one_sided(40, 6), timedelta(hours=-7)),
        (6, _dual(52, 7, ("dan", "cat")), timedelta(hours=-9, minutes=-20)),
        (7, calls.wav(np.zeros((2, 20 * calls.RATE), np.float32)), timedelta(hours=-10)),
        (8, _noisy(58, 8), timedelta(hours=-34)),
        (9, _dual(118, 9), timedelta(hours=-36, minutes=-12)),
    ]
    for number, audio, after in others:
        install = OTHER_INSTALL if number in (4, 8) else INSTALL
        archive_call(archive, number, audio, at=NIGHT + after, install=install)


def archive_call(
    archive: Archive,
    number: int,
    audio: bytes,
    *,
    at: datetime,
    install: str = INSTALL,
    options: Options | None = None,
) -> str:
    """Analyse and archive one recording as a worker does; returns its id."""
    recording_id = sid("RE", number)
    one = RecordingPass(options or Options(waveform=True), spool=io.BytesIO)
    with archive.deposit(install, recording_id) as deposit:
        deposit.audio(_through(one, audio))
        result = one.report.as_result()
        result["timing"] = results.timing(at.timestamp(), at.timestamp() + 0.41, 1.0)
        deposit.analysis(results.successful(sid("XR", number), result))
        deposit.commit(
            RecordingFacts(
                received_sha256=hashlib.sha256(audio).hexdigest(),
                received_bytes=len(audio),
                format=one.report.archived_format,
                channels=one.report.channels,
                duration_seconds=one.report.duration_seconds,
                started_at=at,
                received_at=at,
                call_sid=sid("CA", number // 2 if number in (2, 3) else 10 + number),
                source="marketplace",
                redacted=one.report.redacted,
                request_sid=sid("XR", number),
                redaction=one.report.redaction.status,
            )
        )
    return recording_id


def _through(one: RecordingPass, audio: bytes) -> Iterable[bytes]:
    yield one.feed(audio)
    yield from one.finish()


def _dual(seconds: int, seed: int, speakers: tuple[str, str] = ("ben", "ada")) -> bytes:
    return calls.wav(calls.converse(seconds, seed, speakers=speakers).samples)


def _mono(seconds: int, seed: int) -> bytes:
    return calls.wav(calls.converse(seconds, seed).samples.sum(axis=0, keepdims=True))


def _one_sided(seconds: int, seed: int) -> bytes:
    samples = calls.converse(seconds, seed).samples.copy()
    samples[0] = 0
    return calls.wav(samples)


def _noisy(seconds: int, seed: int) -> bytes:
    return calls.wav(calls.with_noise(calls.converse(seconds, seed), 6).samples)
