"""The listing by the catalogue: filters and an order, and the figures of what is listed.

Without either, the archive itself is listed; then the catalogue only adds figures, and its absence
costs nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from addon.archive.names import Entry, ids_prefix
from addon.catalogue import FIGURES, Filter, Recording, Sort
from addon.catalogue.filters import OVER, UNDER
from addon.errors import CatalogueUnavailable
from addon.web.api import documents
from addon.web.api.access import tenant, token
from addon.web.context import context
from addon.web.openapi.operations import asked
from addon.web.schemas import Figures, ListedRecording, UnreadableRecording

Listed = list[ListedRecording | UnreadableRecording]


ORDERS = ("time", *FIGURES)


def _text(description: str) -> Any:
    return Annotated[str, Field(description=description)]


def _number(description: str) -> Any:
    return Annotated[float, Field(description=description)]


FILTERS: dict[str, Any] = {
    "q": _text("Part of a SID (also shortened, as RE12…ab), a number, an agent, a queue or words."),
    "since": Annotated[datetime, Field(description="Made at this moment or later.")],
    "until": Annotated[datetime, Field(description="Made before this moment.")],
    "number": _text("Either party's: whole where it begins with +, else its last 4 to 7 digits."),
    "agent": _text("The agent's name, or a part of it that is a word."),
    "queue": _text("The queue's name."),
    "words": _text("Said and not muted: all of these words, of three letters or more."),
    "direction": Annotated[Literal["inbound", "outbound"], Field(description="Of the call.")],
    "outcome": _text("The call's outcome."),
    "source": _text("marketplace, flex or ringcentral."),
    "state": Annotated[
        Literal["analysed", "failed", "unknown"],
        Field(description="`unknown`: the catalogue has no figures of it yet."),
    ],
    "code": Annotated[int, Field(description="The error of one that could not be analysed.")],
    "flag": _text("Has this flag. More than once: has all of them."),
    "category": _text("A rule found this, or `rule=status`. More than once: all of them."),
    **{name + OVER: _number(f"More `{name}` than this.") for name in FIGURES},
    **{name + UNDER: _number(f"Less `{name}` than this.") for name in FIGURES},
    "sort": Annotated[
        str,
        Field(
            description="`time` or a figure; with a minus the highest first. One that a recording "
            "has not comes last.",
            json_schema_extra={"enum": [*ORDERS, *(f"-{one}" for one in ORDERS)]},
        ),
    ],
}
"""The types of the parameters that the catalogue's filter takes."""


def is_asked() -> bool:
    """True where this request filters or sorts. Raises InvalidParameter."""
    query = asked(FILTERS)
    return any(name == "sort" for name, _ in query) or not Filter.parse(query).is_empty


def found(
    install: str | None, call_sid: str | None, day: date | None, cursor: str | None, limit: int
) -> tuple[Listed, str | None]:
    """The recordings of a page by the catalogue, and the position behind them.

    Raises InvalidParameter, NotFound, CatalogueUnavailable, StoreUnavailable.
    """
    query = asked(FILTERS)
    wanted = Filter.parse(query).replace(install=install, call_sid=call_sid)
    if day is not None:
        start = datetime.combine(day, time(), UTC)
        wanted = wanted.replace(since=start, until=start + timedelta(days=1))
    everyone = token().install is None and install is None
    installs = context().catalogue.installs() if everyone else [tenant(install)]
    sort = Sort.parse(dict(query).get("sort"))
    page = context().catalogue.page(wanted, sort, cursor, limit, installs)
    listed = []
    for one in page.recordings:
        entry = Entry(one.install, one.recording_id, ids_prefix(one.recording_id) + one.install)
        listed.append((documents.listed(entry), one))
    return [_with_figures(each, one) for each, one in listed if each], page.cursor


def with_figures(entries: Sequence[Entry]) -> Listed:
    """The recordings of index entries, with their figures as far as the catalogue knows them."""
    keys = [(entry.tenant, entry.recording_id) for entry in entries]
    known: dict[tuple[str, str], Recording] = {}
    reason = "The catalogue does not know this recording yet."
    try:
        known = context().catalogue.find(keys) if keys else {}
    except CatalogueUnavailable as error:
        reason = f"There are no figures: {error.message}."
    described = map(documents.listed, entries)
    listed = [(each, known.get(key)) for each, key in zip(described, keys, strict=True)]
    return [_with_figures(each, one, reason) for each, one in listed if each]


def _with_figures(
    document: Any, one: Recording | None, reason: str = ""
) -> ListedRecording | UnreadableRecording:
    if "trouble" in document:
        return cast(UnreadableRecording, document)
    figures: Figures | None = None
    if one is not None and one.state == "unknown":
        reason = "The catalogue has not opened this recording's analysis yet."
    elif one is not None:
        figures = cast(Figures, dict(one.figures))
        document |= {"flags": list(one.flags), "categories": list(one.categories)}
        document["code"] = one.code
    why = {} if figures else {"figures_reason": reason}
    return cast(ListedRecording, {**document, "figures": figures, **why})
