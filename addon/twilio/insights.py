"""Task attributes that name a recording to Flex Insights (spec/protocol 6.3).

Pure functions over attributes, each giving a new tree. Every key and list item that is not about
this recording stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from addon.twilio.taskrouter import Attributes

ROLES = ("customer", "others")
"""The roles a channel can have for Insights (spec/protocol 6.3)."""


@dataclass(frozen=True)
class RecordingMedia:
    """One VoiceRecording item. `url_provider` is our playback address with `recording_sid` in it;
    `channels` has a role for each channel, first to last."""

    recording_sid: str
    url_provider: str
    started_at: datetime | None = None
    channels: tuple[str, ...] = ()
    title: str | None = None

    def item(self) -> dict[str, Any]:
        """As Insights reads it: times in epoch milliseconds."""
        item: dict[str, Any] = {"type": "VoiceRecording", "url_provider": self.url_provider}
        if self.started_at:
            item["start_time"] = round(self.started_at.timestamp() * 1000)
        if self.channels:
            item["channels"] = [role if role in ROLES else "others" for role in self.channels]
        if self.title:
            item["title"] = self.title
        return item

    def is_about(self, other: object) -> bool:
        """True for a media item of this recording: our playback path with the same SID."""
        if not isinstance(other, dict) or not isinstance(other.get("url_provider"), str):
            return False
        ours, theirs = _provider(self.url_provider), _provider(other["url_provider"])
        return ours is not None and ours == theirs


def with_media(
    attributes: Mapping[str, Any],
    media: RecordingMedia,
    *,
    reservation_sid: str | None = None,
    segment_link: bool = False,
) -> Attributes:
    """The attributes with this recording in `conversations.media`, replaced where it was there.

    With a reservation it goes to that reservation's own list instead; `segment_link` also writes
    the older attribute, where nobody has.
    """
    changed = copy.deepcopy(dict(attributes))
    home = _home(changed, reservation_sid)
    home["media"] = _replaced(home.get("media"), media)
    if segment_link:
        _branch(changed, "conversations").setdefault("segment_link", media.url_provider)
    return changed


def with_measures(
    attributes: Mapping[str, Any],
    measures: Mapping[str, Any],
    *,
    reservation_sid: str | None = None,
) -> Attributes:
    """The attributes with `conversations.<name>` set for each measure or label given, or the
    reservation's own."""
    changed = copy.deepcopy(dict(attributes))
    if measures:
        _home(changed, reservation_sid).update(measures)
    return changed


def _replaced(existing: object, media: RecordingMedia) -> list[Any]:
    """By recording, never by place: neighbours are other programs' items."""
    items = list(existing) if isinstance(existing, list) else []
    ours = [index for index, item in enumerate(items) if media.is_about(item)]
    if not ours:
        return [*items, media.item()]
    items[ours[0]] = media.item()
    return [item for index, item in enumerate(items) if index not in ours[1:]]


def _home(tree: dict[str, Any], reservation_sid: str | None) -> dict[str, Any]:
    """The branch that holds a segment's attributes: task or reservation (spec/protocol 6.3)."""
    if reservation_sid:
        return _branch(_branch(tree, "reservation_attributes"), reservation_sid)
    return _branch(tree, "conversations")


def _branch(tree: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under a name, made where there is none that could hold anything."""
    if not isinstance(tree.get(name), dict):
        tree[name] = {}
    branch: dict[str, Any] = tree[name]
    return branch


def _provider(url: str) -> tuple[str, str] | None:
    """Path and recording SID of a playback address; its host may have changed since."""
    try:
        parts = urlsplit(url)
        sids = parse_qs(parts.query).get("recording_sid")
    except ValueError:
        return None
    return (parts.path, sids[0]) if sids else None
