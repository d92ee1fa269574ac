"""The time zone that pages show times in: the viewer's own, from a cookie; else UTC.

A script tells the browser's zone once (`static/zone.js`); without script it is chosen at the foot
of the list. The cookie holds the zone's name alone.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from flask import request

from addon.web.context import context
from addon.web.cookies import Cookies


def viewer_zone() -> tzinfo:
    """The zone of this request's viewer."""
    return zone_named(Cookies.of(context().settings).zone(request) or "") or UTC


def wants_zone() -> bool:
    """True where this browser has not told or chosen a zone yet."""
    return Cookies.of(context().settings).zone(request) is None


def zone_named(name: str) -> tzinfo | None:
    """The zone of a name such as Europe/Berlin; None for any other text."""
    return ZoneInfo(name) if name in zone_names() else None


@cache
def zone_names() -> frozenset[str]:
    """Every name that this machine knows; none where it has no zone data."""
    return frozenset(
        name
        for name in available_timezones()
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    ) | {"UTC"}


def name_of(zone: tzinfo) -> str:
    """The name of a zone of `zone_named`."""
    return zone.key if isinstance(zone, ZoneInfo) else "UTC"
