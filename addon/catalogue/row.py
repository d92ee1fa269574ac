"""One recording as the catalogue keeps it, made of its manifest and its stored analysis alone.

So a rebuild makes the same of the archive as the worker made of the analysis that it had in hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from addon.archive.manifest import Manifest
from addon.archive.names import is_id
from addon.catalogue.search_tokens import (
    AGENT,
    CATEGORY,
    FLAG,
    OUTCOME,
    QUEUE,
    WORD,
    Tokens,
    folded,
    words_of,
)
from addon.catalogue.tables import FIGURES

State = Literal["analysed", "failed", "unknown"]
STATES: tuple[State, ...] = ("analysed", "failed", "unknown")
"""`unknown` is a recording whose analysis was not opened yet by a process that can."""

DIRECTIONS = ("inbound", "outbound")

EPOCH_S = 1_199_145_600
"""2008 began: no recording is older, and 32 bits of seconds last until 2144."""

KEYED_BITS = 31
MAX_WORDS = 4000
"""Different words of one recording that can be found: an hour of talk has under 2500."""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A recording's columns in `recordings`, and its tokens."""

    values: dict[str, Any]
    tokens: tuple[int, ...]


def first_id(at: datetime) -> int:
    """The lowest id of a recording that was made in this second or later."""
    return max(0, int(at.timestamp()) - EPOCH_S) << KEYED_BITS


def row_of(
    made: Tokens, manifest: Manifest, document: Json | None, *, code: int | None = None
) -> Row:
    """The row of a recording; `document` is its stored analysis, None where it cannot be opened.

    `code` is that of its failure, where no analysis is stored that says it. Whatever another
    release left out or wrote otherwise is not known, and no error.
    """
    install, facts = manifest.tenant, manifest.facts
    result = _mapping((document or {}).get("result"))
    call = _mapping((document or {}).get("call") or result.get("call"))
    flags = [str(flag) for flag in _items(result.get("flags"))]
    categories = _categories(result)
    keyed = made.of("id", install, manifest.recording_id) & ((1 << KEYED_BITS) - 1)
    task = _text(call, "task_sid") or ""
    sids = (manifest.recording_id, facts.call_sid, facts.request_sid, task if is_id(task) else "")
    agent, queue = _text(call, "agent"), _text(call, "queue")
    values = {
        "id": first_id(manifest.at) | keyed,
        "install": install,
        "recording_id": manifest.recording_id,
        "call_sid": facts.call_sid,
        "request_sid": facts.request_sid,
        "sids": " ".join(dict.fromkeys(one for one in sids if one)).lower(),
        "source": facts.source,
        "at_ms": int(manifest.at.astimezone(UTC).timestamp() * 1000),
        "generation": manifest.generation,
        "state": _state(manifest, document, result, code),
        "code": code if not document else _whole(document.get("code")),
        "channels": facts.channels,
        "redaction": facts.redaction,
        "direction": _direction(call),
        "agent": made.of(AGENT, install, folded(agent)) if agent else None,
        "queue": made.of(QUEUE, install, folded(queue)) if queue else None,
        "flags": " ".join(flags),
        "categories": " ".join(categories),
        **figures_of(manifest, result),
    }
    found = dict.fromkeys(_tokens(made, install, result, call))
    found |= dict.fromkeys(made.of_each(FLAG, "", flags))
    found |= dict.fromkeys(made.of_each(CATEGORY, "", _category_texts(categories)))
    return Row(values, tuple(found))


def figures_of(manifest: Manifest, result: Json) -> dict[str, float | None]:
    """Every figure; the length is the manifest's where there is no analysis."""
    talk = _mapping(result.get("conversation"))
    counts = {
        party.get("role"): _number(_mapping(party.get("interruptions")).get("count"))
        for party in map(_mapping, _items(result.get("participants")))
    }
    agent, customer = counts.get("agent"), counts.get("customer")
    transcript = _mapping(result.get("transcript"))
    sentiments = {
        party.get("role"): _number(party.get("compound"))
        for party in map(_mapping, _items(transcript.get("sentiment")))
    }
    figures: dict[str, float | None] = {name: _number(talk.get(name)) for name in FIGURES}
    return figures | {
        "duration_seconds": manifest.facts.duration_seconds,
        "hold_seconds": _number(_mapping(talk.get("hold")).get("total_seconds")),
        "interruptions": None if agent is None or customer is None else agent + customer,
        "agent_interruptions": agent,
        "customer_interruptions": customer,
        "agent_sentiment": sentiments.get("agent"),
        "customer_sentiment": sentiments.get("customer"),
        "elapsed_per_duration": _number(_mapping(result.get("timing")).get("elapsed_per_duration")),
    }


def _state(manifest: Manifest, document: Json | None, result: Json, code: int | None) -> State:
    if result:
        return "analysed"
    if document is not None or code is not None or manifest.analysis is None:
        return "failed"
    return "unknown"


def _tokens(made: Tokens, install: str, result: Json, call: Json) -> Iterator[int]:
    """The tokens of what is personal: numbers, names, and the words that are not muted."""
    for name in ("from", "to"):
        if number := _text(call, name):
            yield from made.of_number(install, number)
    if agent := _text(call, "agent"):
        yield from made.of_agent(install, agent)
    if queue := _text(call, "queue"):
        yield made.of(QUEUE, install, folded(queue))
    if outcome := _text(call, "outcome"):
        yield made.of(OUTCOME, install, folded(outcome))
    words = dict.fromkeys(
        word
        for sentence in map(_mapping, _items(_mapping(result.get("transcript")).get("sentences")))
        for word in words_of(str(sentence.get("transcript", "")))
    )
    yield from made.of_each(WORD, install, list(words)[:MAX_WORDS])


def _categories(result: Json) -> list[str]:
    """Each rule's finding as `rule=status`; a rule that two parties met stands once."""
    found = map(_mapping, _items(result.get("categories")))
    return list(dict.fromkeys(f"{one.get('rule')}={one.get('status')}" for one in found))


def _category_texts(categories: list[str]) -> Iterator[str]:
    """A category is found by its rule, which means found, and by rule and status."""
    for one in categories:
        yield one
        if one.endswith("=found"):
            yield one.removesuffix("=found")


def _direction(call: Json) -> str | None:
    direction = _text(call, "direction")
    return direction if direction in DIRECTIONS else None


def _text(call: Json, name: str) -> str | None:
    value = call.get(name)
    return value.strip() or None if isinstance(value, str) else None


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
