"""Threads that answer requests, which get one by turns from each address."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from addon import log

logger = log.get("connections")

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


class WorkThreads:
    """Threads that do tasks by turns. An error of a task is logged.

    A ThreadPoolExecutor's future, conditions and semaphore cost a task more than its change of
    threads, and nobody asks for its result.
    """

    def __init__(self, number: int) -> None:
        self.turns = Turns()
        self._ready: SimpleQueue[bool] = SimpleQueue()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()
        # A process that ends in whatever way lets its threads finish what they do.
        atexit.register(self.shutdown)

    def submit(self, network: str, task: Task) -> None:
        """Have a thread do a task when it is the turn of its address."""
        self.turns.put(network, task)
        self._ready.put(True)

    def shutdown(self, wait: bool = True) -> None:
        """End each thread once all tasks are done; `wait` for it."""
        for _ in self._threads:
            self._ready.put(False)
        if wait:
            atexit.unregister(self.shutdown)
            for thread in self._threads:
                thread.join()

    def _run(self) -> None:
        while self._ready.get():
            try:
                self.turns.take()()
            except Exception:
                logger.exception("a defect ended a thread's task")
