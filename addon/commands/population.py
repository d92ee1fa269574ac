"""A believable population of recordings for a demonstration: thirty days of two contact centres.

Planned by a seed, so that the same seed gives the same calls, put together of the bundled call's
turns, and analysed and archived by the same code as live recordings. It goes into an archive on
this machine that holds nothing but a demonstration's recordings.
"""

from __future__ import annotations

import hashlib
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Literal, cast

import numpy as np

from addon.analysis import Options, RecordingPass
from addon.archive.archive import Archive
from addon.archive.prefixes import RECORDINGS
from addon.archive.spool import SealedSpool
from addon.audio.encodings import mu_law_table
from addon.call_facts import NAMES, gathered
from addon.catalogue.writer import CatalogueWriter
from addon.errors import AlreadyStored, SettingsError, UnreadableAudio
from addon.requests import results, scheduling
from addon.requests.request import MARKETPLACE, Request
from addon.settings import Settings
from workers import deposit

INSTALLS = ("XD" + 32 * "0", "XD" + 31 * "0" + "1")
"""Installs that no customer has."""

DAYS = 30
FIRST_HOUR, LAST_HOUR = 8, 18
RATE = 8000
MU_LAW = 7
BLOCK = 1 << 16

ONE_SIDED, TRUNCATED = 0.03, 0.03
"""The share of calls in which the customer says nothing, and of files that end early."""

Kind = Literal["plain", "failed", "withheld"]


@dataclass(frozen=True)
class Agent:
    """A person who answers: seconds of pause before they speak, how often they interrupt, how often
    they put a caller on hold."""

    name: str
    queue: str
    pause: float
    interrupts: float
    holds: float


AGENTS = (
    Agent("Ada Reyes", "Deliveries", 0.4, 0.05, 0.1),
    Agent("Ben Okafor", "Deliveries", 0.9, 0.1, 0.25),
    Agent("Chloe Martin", "Billing", 0.5, 0.3, 0.1),
    Agent("Dmitri Novak", "Billing", 2.2, 0.05, 0.4),
    Agent("Emi Tanaka", "Returns", 0.6, 0.1, 0.15),
    Agent("Farid Haddad", "Returns", 1.4, 0.45, 0.2),
    Agent("Greta Lindqvist", "Sales", 0.3, 0.15, 0.05),
)

OUTCOMES = {
    "Deliveries": ("Resolved", "Resolved", "Call back", "Escalated"),
    "Billing": ("Resolved", "Refunded", "Escalated"),
    "Returns": ("Return sent", "Resolved", "Call back"),
    "Sales": ("Sold", "Not interested", "Call back"),
}


@dataclass(frozen=True)
class Planned:
    """A recording of the population; `seed` makes its sound, `turns` are its length."""

    recording_sid: str
    call_sid: str
    install: str
    started_at: datetime
    agent: Agent
    direction: str
    customer: str
    outcome: str
    turns: int
    seed: int
    kind: Kind


def plan(count: int, seed: int, now: datetime) -> list[Planned]:
    """So many recordings of the last DAYS days: at least one failed, one withheld, and a call of
    three legs where there are as many."""
    chance = random.Random(seed)
    planned = [_planned(number, seed, chance, now) for number in range(count)]
    at: tuple[tuple[int, Kind], ...] = ((count // 2, "failed"), (count // 3, "withheld"))
    for place, kind in at:
        planned[place] = replace(planned[place], kind=kind)
    if count >= 5:
        first = planned[0]
        for number in (1, 2):
            planned[number] = replace(
                planned[number],
                call_sid=first.call_sid,
                install=first.install,
                customer=first.customer,
                direction=first.direction,
                started_at=first.started_at + timedelta(minutes=3 * number),
            )
    return planned


def _planned(number: int, seed: int, chance: random.Random, now: datetime) -> Planned:
    agent = chance.choices(AGENTS, weights=(9, 7, 6, 4, 5, 3, 4))[0]
    return Planned(
        recording_sid=_sid("RE", seed, number),
        call_sid=_sid("CA", seed, number),
        install=INSTALLS[agent.queue == "Sales"],
        started_at=_moment(chance, now),
        agent=agent,
        direction="outbound" if agent.queue == "Sales" and chance.random() < 0.7 else "inbound",
        customer=f"+1415555{chance.randrange(100, 10000):04d}",
        outcome=chance.choice(OUTCOMES[agent.queue]),
        turns=min(40, 4 + int(chance.expovariate(1 / 8))),
        seed=chance.getrandbits(32),
        kind="failed" if chance.random() < 0.01 else "plain",
    )


def _moment(chance: random.Random, now: datetime) -> datetime:
    """A moment of the last days in business hours, with fewer calls on a weekend."""
    while True:
        day = now - timedelta(days=chance.randrange(DAYS))
        hour = int(chance.triangular(FIRST_HOUR, LAST_HOUR, 10.5))
        moment = day.replace(
            hour=hour, minute=chance.randrange(60), second=chance.randrange(60), microsecond=0
        )
        if moment.weekday() > 4 and chance.random() < 0.85:
            continue
        return moment if moment < now else moment - timedelta(days=7)


def _sid(prefix: str, seed: int, number: int) -> str:
    return prefix + hashlib.sha256(f"{prefix} {seed} {number}".encode()).hexdigest()[:32]


class Voices:
    """The bundled call cut into turns, out of which other calls are put together."""

    def __init__(self, wav: bytes) -> None:
        a_pass = RecordingPass(Options(), spool=lambda: cast(BinaryIO, SealedSpool()))
        b"".join(deposit.archivable(a_pass, [wav]))
        samples = np.frombuffer(wav[-2 * a_pass.report.frames :], np.uint8).reshape(-1, 2)
        self._music = _music()
        self._quiet = samples[: RATE // 2]
        self._turns: tuple[list[np.ndarray[Any, Any]], ...] = ([], [])
        for segment in a_pass.report.as_result()["segments"]:
            start, stop = (round(segment[f"{at}_seconds"] * RATE) for at in ("start", "end"))
            self._turns[segment["channel"]].append(samples[start:stop, segment["channel"]])

    def call(self, planned: Planned) -> bytes:
        """A WAV file in mu-law: the customer left, the agent right."""
        chance = random.Random(planned.seed)
        lines: list[tuple[int, int, np.ndarray[Any, Any]]] = []
        at = RATE
        for number in range(planned.turns):
            channel = number % 2
            turn = chance.choice(self._turns[1 - channel])
            lines.append((at, 1 - channel, turn))
            at += len(turn)
            if channel and chance.random() < planned.agent.holds / 4:
                music = self._music[: RATE * chance.randrange(6, 20)]
                lines.append((at + RATE // 2, 1, music))
                at += len(music) + RATE
            at = max(at + round(self._pause(planned.agent, channel, chance) * RATE), 0)
        odd = chance.random()
        if odd < ONE_SIDED:
            lines = [line for line in lines if line[1] == 1]
        length = max(start + len(turn) for start, _, turn in lines) + RATE // 2
        sound = np.tile(self._quiet, (length // len(self._quiet) + 1, 1))[:length]
        for start, channel, turn in lines:
            sound[start : start + len(turn), channel] = turn
        cut = odd > 1 - TRUNCATED
        return _wav(sound.tobytes())[: -RATE if cut else None]

    @staticmethod
    def _pause(agent: Agent, channel: int, chance: random.Random) -> float:
        """Seconds until the next turn, which is the agent's after a customer's."""
        if channel == 0:
            return -1.2 if chance.random() < 0.08 else chance.uniform(0.3, 0.9)
        if chance.random() < agent.interrupts:
            return -chance.uniform(0.4, 1.5)
        return chance.uniform(0.5, 1.5) * agent.pause


def _music() -> np.ndarray[Any, Any]:
    """Twenty seconds of a plain tune on hold, in mu-law."""
    at = np.arange(20 * RATE) / RATE
    notes = np.array([196.0, 247.0, 294.0, 247.0, 220.0, 262.0, 330.0, 262.0])
    pitch = notes[(at * 2).astype(int) % len(notes)]
    wave = 0.08 * (np.sin(2 * np.pi * pitch * at) + 0.4 * np.sin(4 * np.pi * pitch * at))
    table = mu_law_table().astype(np.int32)
    order = np.argsort(table, kind="stable")
    nearest = np.searchsorted(table[order], (wave * 32767).astype(np.int32))
    codes: np.ndarray[Any, Any] = order[np.minimum(nearest, 255)].astype(np.uint8)
    return codes


def _wav(data: bytes) -> bytes:
    form = struct.pack("<HHIIHHH", MU_LAW, 2, RATE, 2 * RATE, 2, 8, 0)
    fact = struct.pack("<I", len(data) // 2)
    chunks = b"".join(
        name + struct.pack("<I", len(body)) + body
        for name, body in ((b"fmt ", form), (b"fact", fact), (b"data", data))
    )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


class Population:
    """Planned recordings on their way into the archive."""

    def __init__(self, settings: Settings, sample: bytes) -> None:
        self._settings = settings.replace(transcriber=None)
        self._archive = Archive.from_settings(self._settings)
        self._catalogue = CatalogueWriter.from_settings(self._settings)
        self._voices = Voices(sample)

    def require_own_archive(self) -> None:
        """Raises SettingsError for an archive that may be a customer's."""
        if not (self._settings.archive_url or "").startswith("file:"):
            raise SettingsError("a demonstration's recordings go into a folder of this machine")
        for stat in self._archive.store.list(RECORDINGS):
            if stat.key.removeprefix(RECORDINGS).partition("/")[0] not in INSTALLS:
                raise SettingsError(
                    "the archive holds recordings that no demonstration made",
                    remedy="Give DATA_DIR another folder.",
                )

    def write(self, planned: Sequence[Planned]) -> Iterator[Planned]:
        """Archive each that is not there yet; yields each. Raises SettingsError, StoreUnavailable.

        Started again it goes on.
        """
        self.require_own_archive()
        try:
            for each in planned:
                with suppress(AlreadyStored):  # by a run before
                    self._write(each)
                yield each
        finally:
            self._catalogue.close()

    def _write(self, planned: Planned) -> None:
        sound = self._voices.call(planned)
        seconds = len(sound) / (2 * RATE)
        request = _request(planned, seconds)
        call = {"call": _facts(planned, seconds)}
        with self._archive.deposit(planned.install, planned.recording_sid) as place:
            if planned.kind == "failed":
                document = (
                    results.failed(request.sid, UnreadableAudio("the file is cut off")) | call
                )
                blocks = iter([hashlib.sha256(sound).digest() * 64])
                facts = deposit.unanalysed(place, blocks, request, document, self._settings)
                if facts is None:
                    raise AssertionError("bytes that nobody reads are archived as they came")
            else:
                options = deposit.options(self._settings, request)
                blocks = iter([sound[at : at + BLOCK] for at in range(0, len(sound), BLOCK)])
                found = deposit.analysed(place, blocks, options, planned.recording_sid)
                facts, result = deposit.facts(found, request), deposit.result(found, request)
                taken = seconds * random.Random(planned.seed).uniform(0.02, 0.4)
                received = request.received_at.timestamp()
                result["timing"] = results.timing(received, received + taken, seconds)
                if planned.kind == "withheld":
                    reason = "A press may be left."
                    facts = replace(facts, redaction="incomplete", redaction_reason=reason)
                    result["redaction"] |= {"status": "incomplete", "reason": reason}
                document = results.successful(request.sid, result) | call
                place.analysis(document)
            manifest = place.commit(facts)
        self._catalogue.write(manifest, document)


def _request(planned: Planned, seconds: float) -> Request:
    return Request(
        source=MARKETPLACE,
        document="",
        sid="XR" + planned.recording_sid[2:],
        tenant=planned.install,
        recording_id=planned.recording_sid,
        received_at=planned.started_at + timedelta(seconds=seconds + 4),
        length=scheduling.Length(seconds, seconds),
        call_sid=planned.call_sid,
        started_at=planned.started_at,
    )


def _facts(planned: Planned, seconds: float) -> dict[str, Any]:
    company = f"+1800555{100 + INSTALLS.index(planned.install):04d}"
    parties = [planned.customer, company]
    if planned.direction == "outbound":
        parties.reverse()
    return gathered(
        NAMES,
        {
            "from": parties[0],
            "to": parties[1],
            "direction": planned.direction,
            "agent": planned.agent.name,
            "queue": planned.agent.queue,
            "outcome": planned.outcome,
            "task_sid": "WT" + planned.call_sid[2:],
            "started_at": planned.started_at - timedelta(seconds=6),
            "duration_seconds": round(seconds + 8),
        },
    )


def populate(
    settings: Settings, sample: bytes, count: int, seed: int, say: Callable[[str], None]
) -> None:
    """Archive a population with progress. Raises SettingsError, StoreUnavailable."""
    population = Population(settings, sample)
    every = max(1, count // 10)
    say(f"\nA population of {count} recordings, by seed {seed}:")
    for number, _ in enumerate(population.write(plan(count, seed, datetime.now(UTC))), 1):
        if number % every == 0 or number == count:
            say(f"  {number} of {count} archived")
