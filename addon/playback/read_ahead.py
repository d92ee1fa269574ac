"""Reading ahead: the next blocks are verified while these are being sent.

Sending and decrypting both leave the interpreter's lock, so two cores share one listener's work.
Memory stays bounded, and what fails over there is raised here, in its place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice
from queue import SimpleQueue

DEPTH = 2
"""Blocks read before they are wanted, a megabyte each: more cost every listener their memory."""


def read_ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks, all but the first read by a thread that ends with this iterator.

    Raises what `blocks` raises, after every block before it.
    """
    yield from islice(blocks, 1)
    handed: SimpleQueue[bytes | BaseException | None] = SimpleQueue()
    room, left = threading.Semaphore(DEPTH), threading.Event()

    def read() -> None:
        try:
            while room.acquire() and not left.is_set():
                block = next(blocks, None)
                handed.put(block)
                if block is None:
                    return
        except BaseException as error:
            handed.put(error)

    threading.Thread(target=read, name="read-ahead", daemon=True).start()
    try:
        while isinstance(block := handed.get(), bytes):
            yield block
            room.release()
        if block is not None:
            raise block
    finally:
        left.set()
        room.release()
