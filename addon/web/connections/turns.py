"""Threads that answer requests, which get one by turns from each address."""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

from addon import log

logger = log.get("connections")

Task = Callable[[], object]

GROUPED = "grouped requests"
"""The key of a `Grouped` among an app's extensions."""

MOST_TOGETHER = 16
"""Tasks that one thread does together: the first waits for the work on all others, which is about
two milliseconds each."""

LONG_S = 0.05
"""Where tasks take longer together, they wait for a disk or for Redis, and another thread helps."""


@dataclass(frozen=True)
class Grouped:
    """The paths whose short POSTs may share their durable steps (addon/group_commit.py), and a
    function that gives the seconds for which a group may wait for more of them.
    """

    paths: frozenset[str] = frozenset()
    gather_s: Callable[[], float] = lambda: 0.0


class Turns:
    """Tasks that wait for a thread. Each address has one turn, then it is that of the next one.

    A stranger with hundreds of requests delays those of others by one of them. Any thread may put
    and take.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Task]] = {}
        self._number = 0

    def __len__(self) -> int:
        return self._number

    @property
    def waiting(self) -> bool:
        """True where a task waits for a thread."""
        return bool(self._waiting)

    def put(self, network: str, task: Task) -> None:
        """Add a task of this address, or of this /64."""
        with self._lock:
            self._waiting.setdefault(network, deque()).append(task)
            self._number += 1

    def take(self) -> Task:
        """The oldest task of the address whose turn it is. There has to be one."""
        with self._lock:
            return self._take()

    def take_some(self, most: int) -> list[Task]:
        """Up to so many tasks, in the order of their turns."""
        with self._lock:
            tasks: list[Task] = []
            while self._waiting and len(tasks) < most:
                tasks.append(self._take())
            return tasks

    def _take(self) -> Task:
        network = next(iter(self._waiting))
        tasks = self._waiting.pop(network)
        task = tasks.popleft()
        self._number -= 1
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


class GroupThreads:
    """Threads that do tasks together, as many as wait, by turns. An error is logged.

    One thread works as long as it is quick: a second would take the interpreter from it at each
    call to the kernel. While it waits, what comes is its next group. Where `gather_s` gives
    seconds, a small group waits so long for others first.
    """

    def __init__(
        self, number: int, do: Callable[[Sequence[Task]], object], gather_s: Callable[[], float]
    ) -> None:
        self._turns = Turns()
        self._do = do
        self._gather_s = gather_s
        self._gathering = False
        self._enough = threading.Event()
        self._lock = threading.Lock()
        self._working = 0
        self._begun_at = 0.0
        self._number = number
        self._threads = WorkThreads(number)

    def submit(self, network: str, task: Task) -> None:
        """Have a task done with others when it is the turn of its address."""
        self._turns.put(network, task)
        self.look()

    def look(self) -> None:
        """Let another thread help where tasks wait and those that work take long."""
        with self._lock:
            if self._gathering:
                if len(self._turns) >= MOST_TOGETHER:
                    self._enough.set()
                return
            now = time.monotonic()
            suffices = self._working and now - self._begun_at < LONG_S
            if suffices or self._working == self._number or not self._turns.waiting:
                return
            self._working += 1
            self._begun_at = now
        self._threads.submit("", self._work)

    def shutdown(self, wait: bool = True) -> None:
        """End each thread once all tasks are done; `wait` for it."""
        self._threads.shutdown(wait)

    def _work(self) -> None:
        while tasks := self._next():
            try:
                self._do(tasks)
            except Exception:
                logger.exception("a defect ended a group of tasks")

    def _next(self) -> list[Task]:
        """The next group; none, and a thread less works, where no task waits or one gathers."""
        with self._lock:
            seconds = self._begin_gathering()
        if seconds:
            self._enough.wait(seconds)
        with self._lock:
            if seconds:
                self._gathering = False
            tasks = [] if self._gathering else self._turns.take_some(MOST_TOGETHER)
            if tasks:
                self._begun_at = time.monotonic()
            else:
                self._working -= 1
            return tasks

    def _begin_gathering(self) -> float:
        """Seconds for which this thread is to wait for more tasks, which no other may take."""
        if self._gathering or not 0 < len(self._turns) < MOST_TOGETHER:
            return 0.0
        try:
            seconds = self._gather_s()
        except Exception:  # no request may wait for ever because of it
            logger.exception("a defect lets no group wait for others")
            return 0.0
        self._gathering = seconds > 0
        self._enough.clear()
        return seconds
