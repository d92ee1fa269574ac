"""Data of a call for its page: the results of its recordings as one, on the joined player's time.

Pure functions over results (spec/interfaces 5). A recording without a result leaves its stretch
empty, and the figures that need every recording are left out then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from addon.web import player_data

Json = dict[str, Any]

MAX_PIXELS = 20_000
"""Of the joined waveform, as of one recording (addon.analysis.peaks)."""


class Leg(NamedTuple):
    """One recording of the call: its result, and its place in the joined audio in seconds."""

    result: Mapping[str, Any]
    start: float
    end: float


def merged(legs: Sequence[Leg]) -> Json:
    """The legs as one result, as far as a player and its page need one."""
    segments = [_moved(one, leg.start) for leg in legs for one in leg.result.get("segments", [])]
    sentences = [
        _moved(one, leg.start)
        | {"words": [_moved(word, leg.start) for word in one.get("words", [])]}
        for leg in legs
        for one in (leg.result.get("transcript") or {}).get("sentences", [])
    ]
    duration = max((leg.end for leg in legs), default=0.0)
    categories = [
        one | {"intervals": _all_moved([(one.get("intervals", []), leg.start)])}
        for leg in legs
        for one in leg.result.get("categories") or ()
        if one.get("status") == "found"
    ]
    return {
        "audio": {"duration_seconds": round(duration, 3), "channels": _channels(legs)},
        "participants": _participants(legs, duration),
        "segments": segments,
        "transcript": {"sentences": sentences} if sentences else None,
        "categories": categories,
        "conversation": {
            name: {"intervals": _all_moved(_intervals(legs, "conversation", name))}
            for name in ("non_talk", "hold")
        },
        "redaction": {
            "intervals": _all_moved(
                ((leg.result.get("redaction") or {}).get("intervals", []), leg.start)
                for leg in legs
            ),
            "reasons": list(
                dict.fromkeys(
                    reason
                    for leg in legs
                    for reason in (leg.result.get("redaction") or {}).get("reasons") or ()
                )
            ),
        },
        "flags": list(dict.fromkeys(flag for leg in legs for flag in leg.result.get("flags", ()))),
        "warnings": [],
    }


def peaks(legs: Sequence[Leg], roles: Sequence[str]) -> list[list[int]] | None:
    """For each of `roles` the loudest sample of every pixel of the joined audio, 0 to 127.

    None where no recording has a waveform.
    """
    drawn = [leg for leg in legs if leg.result.get("waveform")]
    if not drawn:
        return None
    duration = max(leg.end for leg in legs)
    step = max(duration / MAX_PIXELS, *(_pixel_seconds(leg) for leg in drawn))
    count = max(1, int(duration / step) + 1)
    found = {role: [0] * count for role in roles}
    for leg in drawn:
        lanes = player_data.peaks(leg.result) or []
        own = player_data.roles(leg.result)
        for role, values in zip(own if len(own) == len(lanes) else ["mixed"], lanes, strict=False):
            _draw(found.get(role), values, leg.start / step, _pixel_seconds(leg) / step)
    return [found[role] for role in roles]


def _draw(lane: list[int] | None, values: Sequence[int], begin: float, width: float) -> None:
    for number, value in enumerate(values):
        at = int(begin + number * width)
        if lane is not None and at < len(lane):
            lane[at] = max(lane[at], value)


def _pixel_seconds(leg: Leg) -> float:
    waveform = leg.result["waveform"]
    return float(waveform["samples_per_pixel"] / waveform["sample_rate"])


def _channels(legs: Sequence[Leg]) -> int:
    """2 where every recording has two and the same party on each; else the parties mix."""
    found = {tuple(sorted((player_data.channels(leg.result) or {}).items())) for leg in legs}
    return 2 if len(found) == 1 and found != {()} else 1


def _participants(legs: Sequence[Leg], duration: float) -> list[Json]:
    """Each party once, with its talk of all recordings; its channel is that of the last one."""
    found: dict[str, Json] = {}
    for leg in legs:
        for person in leg.result.get("participants", []):
            one = found.setdefault(
                person["role"],
                {"role": person["role"], "talk_seconds": 0.0, "interruptions": {"intervals": []}},
            )
            one["channel"] = person["channel"]
            one["talk_seconds"] = round(one["talk_seconds"] + (person.get("talk_seconds") or 0), 3)
            cut_in = (person.get("interruptions") or {}).get("intervals", [])
            one["interruptions"]["intervals"] += _all_moved([(cut_in, leg.start)])
    for one in found.values():
        one["talk_percent"] = 100 * one["talk_seconds"] / duration if duration else None
    return list(found.values())


def _intervals(
    legs: Sequence[Leg], part: str, name: str
) -> Iterable[tuple[Sequence[Sequence[float]], float]]:
    for leg in legs:
        found = (leg.result.get(part) or {}).get(name) or {}
        yield found.get("intervals", []), leg.start


def _all_moved(
    groups: Iterable[tuple[Sequence[Sequence[float]], float]],
) -> list[tuple[float, float]]:
    return [(round(a + by, 3), round(b + by, 3)) for group, by in groups for a, b in group]


def _moved(one: Mapping[str, Any], by: float) -> Json:
    """A segment, a sentence or a word on the joined player's time."""
    return {
        **one,
        "start_seconds": round(one["start_seconds"] + by, 3),
        "end_seconds": round(one["end_seconds"] + by, 3),
    }
