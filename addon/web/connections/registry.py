"""The open connections of a process, counted in all and by address."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import islice

from addon.web.connections.addresses import network_of
from addon.web.connections.connection import Connection, State
from addon.web.connections.limits import Limits


@dataclass
class Group:
    """Connections that share a limit: all of a process, or those of one address.

    The dicts are sets in order of entry. Those that are being worked on are in none, and are only
    counted.
    """

    limit: int
    network: str = ""
    count: int = 0
    kept: dict[Connection, None] = field(default_factory=dict)
    """Between two requests."""
    fresh: dict[Connection, None] = field(default_factory=dict)
    """No whole head yet, the oldest first."""
    slow: dict[Connection, None] = field(default_factory=dict)
    """Sending a body or taking an answer."""

    @property
    def full(self) -> bool:
        """True where one more is too many."""
        return self.count >= self.limit

    def forget(self, connection: Connection) -> None:
        """Take it out of the sets; it is counted still."""
        self.kept.pop(connection, None)
        self.fresh.pop(connection, None)
        self.slow.pop(connection, None)

    def droppable(self) -> Connection | None:
        """The connection to drop for a new one, or None where all are being worked on.

        First those between two requests; then the one that has earned nothing for longest.
        """
        if self.kept:
            return next(iter(self.kept))
        return min(
            [*islice(self.fresh, 1), *self.slow],
            key=lambda connection: connection.earned_at,
            default=None,
        )


class Registry:
    """Connections with their groups and states. For one thread.

    `everything` is the group of all of them; where no proxy is trusted each is also in the group
    of its peer, else in that of its forwarded address, from its first request on.
    """

    def __init__(self, limits: Limits, most: int) -> None:
        self.limits = limits
        self.everything = Group(most)
        self._groups: dict[Connection, list[Group]] = {}
        self._by_address: dict[str, Group] = {}

    def groups_for(self, connection: Connection) -> list[Group]:
        """The groups that a new connection has to fit into."""
        if self.limits.trusted_proxies or not connection.peer:
            return [self.everything]
        return [self.everything, self.group_of(connection.peer)]

    def group_of(self, address: str) -> Group:
        """The group of an address, which may be empty."""
        network = network_of(address)
        return self._by_address.get(network) or Group(self.limits.per_address, network)

    def network_of(self, connection: Connection) -> str:
        """The address for which it is counted; empty where there is none."""
        return self._groups[connection][-1].network

    def open(self) -> list[Connection]:
        """All of them."""
        return list(self._groups)

    def is_in(self, connection: Connection, group: Group) -> bool:
        """True where it is counted in this group."""
        return group in self._groups[connection]

    def add(self, connection: Connection, groups: list[Group]) -> None:
        """Count a new connection."""
        self._groups[connection] = []
        for group in groups:
            self._join(connection, group)

    def move(self, connection: Connection, group: Group) -> None:
        """Count it for another address than before."""
        self.leave_address(connection)
        self._join(connection, group)

    def leave_address(self, connection: Connection) -> None:
        """Count it for no address."""
        for group in self._groups[connection][1:]:
            self._leave(connection, group)

    def remove(self, connection: Connection) -> None:
        """It is closed."""
        for group in list(self._groups[connection]):
            self._leave(connection, group)
        del self._groups[connection]

    def enter(self, connection: Connection, state: State, allowed_s: float = 0.0) -> None:
        """Change the state, and with it the time that the client has."""
        connection.state = state
        connection.progress = connection.earned_at = time.monotonic()
        connection.deadline = connection.progress + allowed_s
        for group in self._groups[connection]:
            group.forget(connection)

    def await_head(self, connection: Connection, allowed_s: float, *, kept: bool) -> None:
        """It waits for a request, or for the rest of one."""
        self.enter(connection, State.HEAD, allowed_s)
        for group in self._groups[connection]:
            (group.kept if kept else group.fresh)[connection] = None

    def await_client(self, connection: Connection, state: State, allowed_s: float = 0.0) -> None:
        """It waits for a body, or for the client to take its answer."""
        self.enter(connection, state, allowed_s)
        for group in self._groups[connection]:
            group.slow[connection] = None

    def stalled_upload(self) -> Connection | None:
        """The body on disk that has stood still for longest, and for long enough to give way."""
        since = time.monotonic() - self.limits.stalled_s
        found = [
            connection
            for connection in self.everything.slow
            if connection.state is State.BODY
            and connection.body is not None
            and connection.body.spooled
            and connection.progress <= since
        ]
        return min(found, key=lambda connection: connection.progress, default=None)

    def answer_too_many(self) -> Connection | None:
        """The answer to cut where too many wait: the one that was taken from longest ago."""
        taking = [each for each in self.everything.slow if each.state is State.SENDING]
        if len(taking) <= self.limits.answers:
            return None
        return min(taking, key=lambda connection: connection.earned_at)

    def _join(self, connection: Connection, group: Group) -> None:
        group.count += 1
        self._groups[connection].append(group)
        if group is not self.everything:
            self._by_address[group.network] = group

    def _leave(self, connection: Connection, group: Group) -> None:
        group.forget(connection)
        group.count -= 1
        self._groups[connection].remove(group)
        if not group.count:
            self._by_address.pop(group.network, None)
