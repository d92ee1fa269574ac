"""Reading ahead: the next blocks are verified while these are being sent.

Sending and decrypting both leave the interpreter's lock, so two cores share one listener's work.
Memory stays bounded, and what fails over there is raised here, in its place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice
from queue import SimpleQueue

BATCH = 8
"""Blocks handed over at once, half a megabyte: handing over costs as much as decrypting one."""

DEPTH = 2
"""Batches read before they are wanted: one is being sent, one is ready."""

Batch = list[bytes]


def ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The same blocks, all but the first read by a thread that ends with this iterator.

    Raises what `blocks` raises, after every block before it.
    """
    yield from islice(blocks, 1)
    handed: SimpleQueue[Batch | BaseException | None] = SimpleQueue()
    room, left = threading.Semaphore(DEPTH), threading.Event()

    def read() -> None:
        try:
            while room.acquire() and not left.is_set():
                batch, failure = _batch(blocks)
                handed.put(batch)
                if failure is not None or len(batch) < BATCH:
                    handed.put(failure)
                    return
        except BaseException as error:
            handed.put(error)

    threading.Thread(target=read, name="ahead", daemon=True).start()
    try:
        while isinstance(batch := handed.get(), list):
            yield from batch
            room.release()
        if batch is not None:
            raise batch
    finally:
        left.set()
        room.release()


def _batch(blocks: Iterator[bytes]) -> tuple[Batch, BaseException | None]:
    """The next blocks, and what ended them early."""
    batch: Batch = []
    try:
        for block in islice(blocks, BATCH):
            batch.append(block)  # one by one: those before a failure count
    except BaseException as error:
        return batch, error
    return batch, None
