"""The order in which requests that wait for a thread get one: by turns from each address."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Task = Callable[[], object]


class Turns:
    """Tasks that wait for a thread. Each address has one turn, then it is that of the next one.

    A stranger with hundreds of requests delays those of others by one of them. Any thread may put
    and take.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Task]] = {}

    @property
    def waiting(self) -> bool:
        """True where a task waits for a thread."""
        return bool(self._waiting)

    def put(self, network: str, task: Task) -> None:
        """Add a task of this address, or of this /64."""
        with self._lock:
            self._waiting.setdefault(network, deque()).append(task)

    def take(self) -> Task:
        """The oldest task of the address whose turn it is. There has to be one."""
        with self._lock:
            network = next(iter(self._waiting))
            tasks = self._waiting.pop(network)
            task = tasks.popleft()
            if tasks:
                self._waiting[network] = tasks
            return task
