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

BEFORE = 3
"""Blocks that are read without a thread: while a listener waits for the first byte, the other core
is the listener's."""

AT_ONCE = threading.BoundedSemaphore(8)
"""Listeners of this process that are read ahead for. Further ones wait for their blocks: a client
that does not read costs no thread, and no more memory than the block that it does not take."""


def read_ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks, all but the first ones read by a thread that ends with this iterator.

    Without a thread where AT_ONCE are at work. Raises what `blocks` raises, after every block
    before it.
    """
    yield from islice(blocks, BEFORE)
    if not AT_ONCE.acquire(blocking=False):
        yield from blocks
        return
    try:
        yield from _read_by_thread(blocks)
    finally:
        AT_ONCE.release()


def _read_by_thread(blocks: Iterator[bytes]) -> Iterator[bytes]:
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
