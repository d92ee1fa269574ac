"""Recordings that a command is told of: by id, by call, by number or agent, or of an install.

Numbers and agents are found by the catalogue's tokens. What keeps it from knowing all of them is
said, so that "nothing is found" is never taken for "there is nothing".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import click

from addon.archive.archive import Archive
from addon.archive.index import tenants
from addon.archive.names import checked_id, files, recording_of
from addon.archive.prefixes import INTAKE, RECORDINGS
from addon.catalogue import Catalogue, Filter, Sort
from addon.catalogue.filters import GROUP_MARK, NONE
from addon.catalogue.search_tokens import AGENT, Tokens, digits_of, folded
from addon.errors import CatalogueUnavailable, NotStored
from addon.settings import Settings

PAGE = 500
"""Recordings asked of the catalogue at once."""

COMPARED_WITHIN = timedelta(hours=2)
"""The catalogue is compared with the archive every hour: longer ago, something is wrong."""

Recording = tuple[str, str]
"""Tenant and id."""


@dataclass
class Selected:
    """The recordings found; `unknown` are sentences about what else there may be."""

    recordings: list[Recording] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def say_unknown(self) -> None:
        """On standard error, a line each."""
        for sentence in self.unknown:
            click.echo(f"not known: {sentence}", err=True)


@dataclass(frozen=True)
class Wanted:
    """One way to name recordings; `tenant` narrows it to one install."""

    recording_ids: tuple[str, ...] = ()
    call_sid: str | None = None
    number: str | None = None
    agent: str | None = None
    install: str | None = None
    tenant: str | None = None

    def __post_init__(self) -> None:
        """Raises UsageError where not exactly one way is given."""
        ways = (self.recording_ids, self.call_sid, self.number, self.agent, self.install)
        if sum(bool(way) for way in ways) != 1:
            raise click.UsageError(
                "name recordings, or give one of --call, --number, --agent and --install"
            )

    def as_document(self) -> dict[str, Any]:
        """The ways that were given, without the others."""
        return {name: value for name, value in vars(self).items() if value}

    def find(self, archive: Archive, settings: Settings) -> Selected:
        """The recordings. Raises UsageError, ClickException, StoreUnavailable."""
        found = Selected()
        if self.recording_ids:
            found.recordings = list(_by_id(archive, self.recording_ids, self.tenant))
        elif self.install:
            found.recordings = list(_of_install(archive, self.install, found.unknown))
        elif self.call_sid:
            found.recordings = list(_of_call(archive, self.call_sid, self.tenant))
        else:
            self._ask_catalogue(settings, found)
        if not self.recording_ids and next(archive.store.list(INTAKE), None):
            found.unknown.append(
                "requests are unfinished, and what they bring is not archived yet: "
                "run it again when `flask ledger` shows none"
            )
        return found

    def _ask_catalogue(self, settings: Settings, found: Selected) -> None:
        number = (self.number or "").strip()
        if number and digits_of(number) and not number.startswith(("+", "00")):
            found.unknown.append(
                f"{number} is not in international form: a number that is stored as +… is not "
                "found by it"
            )
        try:
            catalogue = Catalogue.from_settings(settings)
            try:
                installs = [self.tenant] if self.tenant else catalogue.installs()
                found.unknown += _gaps(catalogue, installs, settings, self.agent is not None)
                for wanted in self._filters(settings, installs):
                    found.recordings += _listed(catalogue, wanted, installs)
            finally:
                catalogue.close()
        except CatalogueUnavailable as error:
            raise click.ClickException(
                f"whose recordings these are cannot be known: {error.message}. "
                "Run `flask catalogue rebuild`, where CATALOGUE_KEY and a key that opens are set."
            ) from error

    def _filters(self, settings: Settings, installs: list[str]) -> Iterator[Filter]:
        """Whole numbers and whole names alone: part of one is somebody else's too."""
        if self.agent is not None:
            made = Tokens(settings.catalogue_key)
            for install in installs:
                token = made.of(AGENT, install, folded(self.agent))
                yield Filter(install=install, agent=f"{GROUP_MARK}{token:016x}")
        elif self.number is not None:
            digits = digits_of(self.number)
            yield Filter(number=self.number if digits is None else f"+{digits}")


def selection(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that takes `wanted`, a Wanted."""

    def called(
        recording_ids: tuple[str, ...],
        call_sid: str | None,
        number: str | None,
        agent: str | None,
        install: str | None,
        tenant: str | None,
        **others: Any,
    ) -> None:
        command(Wanted(recording_ids, call_sid, number, agent, install, tenant), **others)

    called.__doc__ = command.__doc__
    called.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    for option in (
        click.argument("recording_ids", nargs=-1),
        click.option("--call", "call_sid", help="All of one call (CA…)."),
        click.option("--number", help="All with this caller or called party, as +4930123456."),
        click.option("--agent", help="All of the agent of exactly this name."),
        click.option("--install", help="All of this install (XD…) or account."),
        click.option("--tenant", help="Only in this install (XD…) or account."),
    ):
        option(called)
    return called


def holder(archive: Archive, recording_id: str, tenant: str | None) -> str:
    """The one tenant that holds a recording. Raises NotStored; a usage error for several."""
    if tenant:
        return tenant
    holders = archive.find(recording_id)
    if not holders:
        raise NotStored(f"no tenant holds a recording {recording_id}")
    if len(holders) > 1:
        raise click.UsageError(f"several tenants hold it ({', '.join(holders)}): give --tenant")
    return holders[0]


def _by_id(archive: Archive, ids: tuple[str, ...], tenant: str | None) -> Iterator[Recording]:
    for recording_id in ids:
        yield holder(archive, recording_id, tenant), recording_id


def _of_call(archive: Archive, call_sid: str, tenant: str | None) -> Iterator[Recording]:
    for found in (tenant,) if tenant else tenants(archive.store):
        cursor: str | None = None
        while True:
            page = archive.list(found, call_sid=call_sid, cursor=cursor)
            yield from ((entry.tenant, entry.recording_id) for entry in page.entries)
            cursor = page.cursor
            if cursor is None:
                break


def _of_install(archive: Archive, install: str, unknown: list[str]) -> Iterator[Recording]:
    """By the objects themselves, not by the index: nothing of a customer is passed over."""
    stats = archive.store.list(f"{RECORDINGS}{checked_id(install)}/")
    for recording, group in groupby(stats, lambda stat: recording_of(stat.key)):
        keys = {stat.key for stat in group}
        if recording is None or keys == {files(*recording).tombstone}:
            continue
        if files(*recording).manifest in keys or files(*recording).tombstone in keys:
            yield recording
        else:
            unknown.append(
                f"{recording[0]}/{recording[1]} has objects and no manifest: an unfinished request"
            )


def _listed(catalogue: Catalogue, wanted: Filter, installs: list[str]) -> Iterator[Recording]:
    cursor: str | None = None
    while True:
        page = catalogue.page(wanted, Sort(), cursor, PAGE, installs)
        yield from ((one.install, one.recording_id) for one in page.recordings)
        cursor = page.cursor
        if cursor is None:
            return


def _recordings(catalogue: Catalogue, wanted: Filter, installs: list[str]) -> int:
    """The exact number of recordings that a filter finds."""
    (group,) = catalogue.totals(wanted, installs)
    return group.totals.recordings


def _gaps(
    catalogue: Catalogue, installs: list[str], settings: Settings, by_agent: bool
) -> Iterator[str]:
    """Sentences about recordings of which the catalogue does not know whose they are."""
    status = catalogue.status(installs)
    compared = status.compared_at
    if compared is None:
        yield "the catalogue was never found complete: run `flask catalogue rebuild`"
    elif datetime.now(UTC) - compared > COMPARED_WITHIN:
        yield (
            f"the catalogue was last compared with the archive at {compared:%Y-%m-%d %H:%M} UTC: "
            "see whether workers run, or run `flask catalogue rebuild`"
        )
    if status.unknown:
        yield (
            f"{status.unknown} recordings are in the catalogue without what their analysis says: "
            "run `flask catalogue rebuild` where a key opens them"
        )
    if by_agent:
        nameless = _recordings(catalogue, Filter(agent=NONE), installs) - status.unknown
    else:
        known = (
            _recordings(catalogue, Filter(direction=way), installs)
            for way in ("inbound", "outbound")
        )
        nameless = status.recordings - status.unknown - sum(known)
    what, facts = ("agent", {"agent"}) if by_agent else ("parties", {"from", "to"})
    if nameless > 0:
        yield f"{nameless} recordings do not say their {what}: their source did not tell"
    if not facts <= set(settings.call_facts):
        yield f"CALL_FACTS leaves the {what} out: what was made since is not found by them"
