"""Limits of connections: how long and how many, and which one goes first where there are too many.

Times are seconds, for `time.monotonic`.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Self

from addon.settings import Settings

MAX_FORM_BYTES = 1024 * 1024
"""Text beside the audio in an upload; as addon/twilio/multipart.py has it."""

OTHER_DESCRIPTORS = 200
"""Files and sockets beside the clients' connections: Redis, the store, libraries, spools."""


@dataclass(frozen=True)
class Limits:
    """Limits of one process."""

    connections: int = 1000
    per_address: int = 250
    trusted_proxies: int = 0
    body_bytes: int = 512 * 1024 * 1024 + MAX_FORM_BYTES
    unverified_bytes: int = 512 * 1024 * 1024
    head_bytes: int = 64 * 1024
    """As much as a hundred cookies; gunicorn has limits of its own on lines and their number."""

    head_s: float = 10.0
    """From accept, or a kept connection's next byte, to the end of the headers: they are a packet
    or two, and this is a mobile line's worst stall."""
    kept_s: float = 95.0
    """Between requests. Longer than a router keeps an idle connection, so that it never writes to
    one that just closed."""
    body_s: float = 10.0
    """For a body, and a second more for every BODY_RATE bytes that have come."""
    body_rate: float = 256 * 1024
    """Sixteen times a two-channel 8 kHz call's own rate; any data centre sends faster."""
    body_longest_s: float = 300.0
    earning_bytes: int = 8 * 1024
    """Of a body, to be the last connection that is dropped for a new one. A sender's first packets
    bring more, and a thousand clients that drip bring less."""
    stalled_s: float = 5.0
    """A body that stands still for this long gives way where the budget is used up."""
    sending_s: float = 60.0
    """For every `sending_bytes` of an answer: 1.1 KB a second, half of what the thinnest
    compressed call needs to be heard as it comes."""
    sending_bytes: int = 64 * 1024
    answers: int = 100
    """Answers that wait for their clients: each may hold a megabyte of audio in memory. Beyond
    them the one is cut that has taken nothing for longest."""
    send_buffer: int = 144 * 1024
    """The kernel's buffer for an answer, doubled by Linux: a range of 256 KiB and its head leave by
    one call. It shows progress only by a third of its size, and a thousand clients that never read
    would fill it."""
    lingering_s: float = 2.0
    """For a client to read its refusal before the connection is reset."""
    lingering_bytes: int = 8 * 1024 * 1024
    """Read and dropped meanwhile: what a client on a fast line has under way when the refusal
    reaches it."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """As the settings say; the budget of unverified bytes is shared out among the processes."""
        return cls(
            connections=settings.web_connections,
            per_address=settings.connections_per_address,
            trusted_proxies=settings.trusted_proxies or 0,
            body_bytes=settings.max_upload_bytes + MAX_FORM_BYTES,
            unverified_bytes=settings.max_unverified_bytes // settings.web_concurrency,
        )

    def body_allowed_s(self, received: int) -> float:
        """Time in all for a body of which `received` bytes have come. What came cannot be faked."""
        return min(self.body_s + received / self.body_rate, self.body_longest_s)


def open_files_allowed(connections: int) -> int:
    """Raise this process's limit of open files for `connections`; how many it can bear then.

    Each may have a temporary file beside its socket.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + OTHER_DESCRIPTORS
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(connections, (soft - OTHER_DESCRIPTORS) // 2))


def lack_of_files(connections: int) -> str | None:
    """A sentence where this process may not open the files for so many connections, else None."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + OTHER_DESCRIPTORS
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        return None
    return (
        f"this process may open {hard} files, and WEB_CONNECTIONS={connections} needs {wanted}: "
        f"{max(1, (hard - OTHER_DESCRIPTORS) // 2)} connections are taken at once"
    )
