"""One client's connection: its state, what came from it, and what has to go out."""

from __future__ import annotations

import contextlib
import enum
import socket
import struct
from typing import TYPE_CHECKING, Any

from addon.web.connections.body import ReceivedBody
from addon.web.connections.chunked import ChunkedDecoder
from addon.web.connections.outgoing import Outgoing

if TYPE_CHECKING:
    from addon.web.connections.answer import Answer, KeptHead

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class State(enum.Enum):
    """Everything that a connection can wait for."""

    HEAD = "the client's request"
    BODY = "the client's body"
    WORK = "a thread of ours"
    SENDING = "the client's reading"
    LINGERING = "the client's end, its answer sent"
    CLOSED = "nothing"


class Connection:
    """A non-blocking socket with the request that it carries.

    All times are monotonic seconds. `deadline` counts in every state but WORK; `progress` is when
    the last byte moved. `earned_at` is when the present state began, or since then enough bytes had
    moved to count (`earning_bytes` of a body, `sending_bytes` of an answer): one byte a second is
    never enough. `credited` are the bytes of the body or of the answer that have counted, -1 for an
    answer that has not begun. `asked` says that the application has seen the head of a body that is
    on its way.
    """

    def __init__(self, sock: socket.socket, client: Any, server: Any) -> None:
        self.sock = sock
        self.client = client
        self.server = server
        self.state = State.HEAD
        self.deadline = 0.0
        self.progress = 0.0
        self.earned_at = 0.0
        self.buffer = bytearray()
        self.searched = 0
        self.request: Any = None
        self.kept_head: KeptHead | None = None
        self.framing: int | ChunkedDecoder = 0
        self.body: ReceivedBody | None = None
        self.body_began = 0.0
        self.unread = False
        self.dropped = 0
        self.answer: Answer | None = None
        self.outgoing = Outgoing(sock)
        self.credited = -1
        self.sending_left = 0.0
        self.expects_continue = False
        self.asked = False
        self.events = 0

    @property
    def peer(self) -> str:
        """The peer's address; empty for a local socket."""
        return str(self.client[0]) if isinstance(self.client, tuple) else ""

    def reset(self) -> None:
        """Close at once: what the client has not taken is dropped by the kernel too."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()
