"""Three weeks of a call centre as the list sees them: made figures, no sound worth hearing.

The same in every run but for the days, which end with the one that the caller names.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from addon.archive.archive import Archive
from addon.catalogue import Catalogue
from addon.requests import results
from tests.archive.recordings import archived
from tests.browser.sample_calls import INSTALL, OTHER_INSTALL, sid
from tests.calls import wav

AGENTS = ("Amira Haddad", "Ben Okafor", "Chloé Martin", "Dmitri Sokolov", "Elena Rossi")
QUEUES = ("Billing", "Orders", "Technical help")
CALLER = "+4930901820042"
"""The customer of the seventh recording."""

SOUND = {"format": "wav", "codec": "pcm_s16le", "sample_rate_hz": 8000}

LONG_SILENCE = 7
"""Every so many recordings have a silence of more than 20 s."""


def fill(archive: Archive, catalogue: Catalogue, last: datetime, count: int = 90) -> list[str]:
    """Archive recordings before `last`, about four a day, and write them into the catalogue.

    Returns their ids, the latest first.
    """
    names = []
    for number in range(count):
        made = random.Random(number)
        at = last - timedelta(hours=5.3 * number, minutes=made.randrange(50))
        install = OTHER_INSTALL if number % 5 == 4 else INSTALL
        document = analysis(number, made, at)
        name = sid("RE", 1000 + number)
        manifest = archived(
            archive,
            wav(),
            tenant=install,
            recording_id=name,
            analysis=document,
            started_at=at,
            received_at=at,
            duration_seconds=document["result"]["audio"]["duration_seconds"],
            call_sid=sid("CA", 1000 + number),
            request_sid=sid("XR", 1000 + number),
        )
        catalogue.write([catalogue.row(manifest, document)])
        names.append(name)
    catalogue.note_comparison(last)
    return names


def analysis(number: int, made: random.Random, at: datetime) -> dict[str, Any]:
    """The stored analysis of one recording."""
    seconds = round(made.uniform(45, 900), 1)
    agent, customer, both = (
        round(made.uniform(low, high), 1) for low, high in ((28, 52), (18, 34), (1, 8))
    )
    silence = round(100 - agent - customer + both, 1)
    longest = made.uniform(22, 70) if number % LONG_SILENCE == 0 else made.uniform(2, 18)
    hold = made.choice((0.0, 0.0, 0.0, made.uniform(15, 120)))
    percents = {"agent_talk": agent, "customer_talk": customer, "crosstalk": both}
    percents["silence"] = silence
    talk: dict[str, Any] = {
        "crosstalk_count": made.randrange(9),
        "talk_ratio_agent": round(agent / (agent + customer), 3),
        "longest_silence_seconds": round(longest, 1),
        "hold": {"total_seconds": round(hold, 1), "intervals": []},
        "non_talk": {"threshold_seconds": 3.0, "total_seconds": 0.0, "intervals": []},
    }
    for name, share in percents.items():
        talk[f"{name}_percent"] = share
        talk[f"{name}_seconds"] = round(seconds * share / 100, 1)
    result = {
        "audio": {"duration_seconds": seconds, "channels": 2, **SOUND},
        "participants": [
            _participant("agent", made, agent),
            _participant("customer", made, customer),
        ],
        "conversation": talk,
        "segments": [],
        "flags": made.choice(([], [], [], ["low_snr"], ["one_sided", "clipped"])),
        "warnings": [],
        "redaction": {"intervals": [], "reasons": [], "status": "complete"},
        "timing": results.timing(at.timestamp(), at.timestamp() + seconds * 0.02, seconds),
    }
    return {"result": result, "call": call(number, made)}


def call(number: int, made: random.Random) -> Mapping[str, Any]:
    """The facts of one call; of every eleventh nothing is known."""
    names = ("from", "to", "direction", "agent", "queue", "outcome")
    if number % 11 == 10:
        return dict.fromkeys(names)
    caller = CALLER if number == 6 else f"+49301{made.randrange(10**6, 10**7)}"
    inbound = made.random() < 0.8
    ours = "+498001234567"
    return {
        "from": caller if inbound else ours,
        "to": ours if inbound else caller,
        "direction": "inbound" if inbound else "outbound",
        "agent": AGENTS[number % len(AGENTS)],
        "queue": made.choice(QUEUES),
        "outcome": "completed",
    }


def _participant(role: str, made: random.Random, percent: float) -> dict[str, Any]:
    return {
        "channel": int(role == "agent"),
        "role": role,
        "talk_seconds": percent,
        "talk_percent": percent,
        "turns": 12,
        "longest_monologue_seconds": 9.5,
        "interruptions": {"count": made.randrange(7), "total_seconds": 1.0},
        "response_latency_seconds": {"median": 0.6, "p90": 1.4, "count": 9},
        "level": {"snr_db": 27.5},
        "dtmf": {"count": 0, "intervals": []},
    }
